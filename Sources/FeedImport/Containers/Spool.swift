import Glibc

/// Bytes of a document on their way out of an archive: in memory while they are few, else in a file without a name, so that
/// memory stays bounded and nothing is left behind.
final class Spool {
    private let limit: Int
    private let folder: String
    private var memory: UnsafeMutableRawBufferPointer
    private var descriptor: Int32 = -1
    private(set) var count: Int64 = 0

    /// - Parameters:
    ///   - limit: how many bytes are held in memory.
    ///   - folder: where the file of a larger document lies.
    init(limit: Int, folder: String) {
        self.limit = limit
        self.folder = folder
        memory = .allocate(byteCount: max(limit, 1), alignment: 16)
    }

    deinit {
        memory.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Starts another document.
    func reset() {
        count = 0
        if descriptor >= 0 {
            close(descriptor)
            descriptor = -1
        }
    }

    /// Takes bytes.
    func append(_ bytes: UnsafeRawBufferPointer) throws(ImportError) {
        guard !bytes.isEmpty else { return }
        if descriptor < 0, count + Int64(bytes.count) <= Int64(limit) {
            UnsafeMutableRawBufferPointer(rebasing: memory[Int(count)...]).copyMemory(from: bytes)
        } else {
            if descriptor < 0 {
                descriptor = try Self.nameless(in: folder)
                try writeAll(descriptor, UnsafeRawBufferPointer(rebasing: memory[..<Int(count)]), folder)
            }
            try writeAll(descriptor, bytes, folder)
        }
        count += Int64(bytes.count)
    }

    /// The whole document, for as long as `body` runs.
    func withBytes(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard descriptor >= 0 else { return try body(UnsafeRawBufferPointer(rebasing: memory[..<Int(count)])) }
        try MappedBytes.with(descriptor, count: Int(count), path: folder, body)
    }

    private static func nameless(in folder: String) throws(ImportError) -> Int32 {
        // O_TMPFILE is a macro of two flags, which Swift does not import (open(2)).
        let temporary: Int32 = 0o20000000 | O_DIRECTORY
        let descriptor = open(folder, temporary | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 { return descriptor }
        var template = Array("\(folder)/.document-XXXXXX".utf8CString)
        let other = mkstemp(&template)
        guard other >= 0 else { throw .system("used for a large document", folder) }
        _ = fcntl(other, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return other
    }
}

/// Files as bytes, without reading them into memory.
enum MappedBytes {
    /// Maps a file for as long as `body` runs.
    static func with(
        _ descriptor: Int32, count: Int, path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard count > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw ImportError.system("mapped", path)
        }
        defer { munmap(start, count) }
        madvise(start, count, MADV_SEQUENTIAL)
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Opens and maps a regular file.
    static func with(path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ImportError.system("read", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ImportError.system("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw ImportError(.refused, "\(path) is no regular file") }
        try with(descriptor, count: Int(status.st_size), path: path, body)
    }
}

/// Writes all bytes to a file.
func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws(ImportError) {
    var written = 0
    while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if count < 0 {
            if errno == EINTR { continue }
            throw .system("written", path)
        }
        written += count
    }
}
