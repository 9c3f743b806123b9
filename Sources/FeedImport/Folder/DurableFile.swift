import Crypto
import Glibc

/// Files that are whole after a crash, or not there.
enum DurableFile {
    /// Writes a file beside its place, syncs it, puts it in place and syncs the folder.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let part = path + ".new"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ImportError.system("written", part) }
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { try writeAll(descriptor, $0, part) }
            guard fsync(descriptor) == 0 else { throw ImportError.system("written", part) }
        } catch {
            unlink(part)
            throw error
        }
        try place(part, path)
    }

    /// Copies a file and syncs the copy.
    static func copy(_ source: String, to path: String, progress: (Int64) -> Void = { _ in }) throws(ImportError) {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw .system("read", source) }
        defer { close(input) }
        let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw .system("written", path) }
        defer { close(output) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let count = Glibc.read(input, buffer.baseAddress, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("read", source)
            }
            try writeAll(output, UnsafeRawBufferPointer(rebasing: buffer[..<count]), path)
            total += Int64(count)
            progress(total)
        }
        guard fsync(output) == 0 else { throw .system("written", path) }
    }

    /// Reads a small file.
    static func read(_ path: String, limit: Int) throws(ImportError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("read", path)
            }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw ImportError(.refused, "\(path) is larger than \(limit) bytes") }
        }
    }

    /// Puts a synced file in its place and syncs the folder.
    static func place(_ part: String, _ path: String) throws(ImportError) {
        guard rename(part, path) == 0 else { throw .system("written", path) }
        sync(folder: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
    }

    /// Makes names in a folder durable.
    static func sync(folder: String) {
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { return }
        fsync(handle)
        close(handle)
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(ImportError) {
        var here = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            here += "/\(part)"
            guard mkdir(here, 0o755) == 0 || errno == EEXIST || errno == EROFS else { throw .system("made", here) }
        }
    }

    /// SHA-256 of a file in hexadecimal.
    static func digest(of path: String) throws -> String {
        hexadecimal(try hash(of: path, SHA256()))
    }

    /// What a hash function makes of a file.
    static func hash<Function: HashFunction>(of path: String, _ function: Function) throws -> [UInt8] {
        var hasher = function
        try MappedBytes.with(path: path) { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(1 << 20)
                hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece))
                rest = rest.dropFirst(piece.count)
            }
        }
        return Array(hasher.finalize())
    }

    /// Bytes as hexadecimal digits.
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var text = String.UnicodeScalarView()
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(text)
    }
}

/// The size of a file in bytes; 0 where there is none.
func fileSize(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}
