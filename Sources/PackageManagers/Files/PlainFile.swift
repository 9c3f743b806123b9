import Glibc

/// Bytes that are read once, from the start, in pieces of the caller's size.
package protocol ByteSource: AnyObject {
    /// What errors name.
    var path: String { get }

    /// Fills `buffer` from its start and returns how many bytes there were; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int
}

/// An open regular file; closed with its last reference.
///
/// It is read, never mapped: a file that is cut short while it is mapped would kill the process.
package final class PlainFile: ByteSource {
    package let path: String
    /// The size when it was opened, in bytes.
    let size: Int
    /// When it was last changed, in seconds since 1970.
    let modified: Int64
    private let descriptor: Int32

    init(descriptor: Int32, path: String, status: stat) {
        self.descriptor = descriptor
        self.path = path
        self.size = Int(status.st_size)
        self.modified = Int64(status.st_mtim.tv_sec)
    }

    /// Takes over an open regular file, from where it stands.
    package convenience init(taking descriptor: Int32, path: String) {
        var status = stat()
        _ = fstat(descriptor, &status)
        self.init(descriptor: descriptor, path: path, status: status)
    }

    deinit { close(descriptor) }

    /// Lends the open file to a system call.
    func withDescriptor<T>(_ body: (Int32) -> T) -> T { body(descriptor) }

    /// Reads once; 0 at the end.
    func readOnce(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileError(path: path, code: errno) }
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var count = 0
        while count < buffer.count {
            let got: Int
            do throws(FileError) {
                got = try readOnce(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            } catch {
                throw error.scanError
            }
            if got == 0 { break }
            count += got
        }
        return count
    }
}

/// Bytes in memory as a source.
package final class MemorySource: ByteSource {
    package let path: String
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8], path: String = "memory") {
        self.bytes = bytes
        self.path = path
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        let count = min(buffer.count, bytes.count - position)
        guard count > 0 else { return 0 }
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
        }
        position += count
        return count
    }
}
