import Glibc

/// Files that are whole after a crash, or not there.
enum DurableFile {
    /// Writes a file beside its place, syncs it, puts it in place and syncs the folder.
    static func write(_ bytes: [UInt8], to path: String) throws(AptChangeError) {
        let part = path + ".part"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(part) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                let error = failure(part)
                close(descriptor)
                throw error
            }
            written += count
        }
        guard fsync(descriptor) == 0, close(descriptor) == 0 else { throw failure(path) }
        try place(part, path)
    }

    /// Copies a file in the same way.
    static func copy(_ source: String, to path: String) throws(AptChangeError) {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw failure(source) }
        defer { close(input) }
        let part = path + ".part"
        let output = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw failure(part) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(source)
            }
            var written = 0
            while written < count {
                let more = buffer.withUnsafeBytes { bytes in
                    Glibc.write(output, bytes.baseAddress.map { $0 + written }, count - written)
                }
                if more < 0 {
                    if errno == EINTR { continue }
                    throw failure(part)
                }
                written += more
            }
        }
        guard fsync(output) == 0 else { throw failure(part) }
        try place(part, path)
    }

    private static func place(_ part: String, _ path: String) throws(AptChangeError) {
        guard rename(part, path) == 0 else { throw failure(path) }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }

    /// Makes a folder and those above it, for its owner alone.
    static func makeFolder(_ path: String) throws(AptChangeError) {
        var here = ""
        for part in path.split(separator: "/") {
            here += "/\(part)"
            guard mkdir(here, 0o700) == 0 || errno == EEXIST || errno == EROFS else { throw failure(here) }
        }
    }

    private static func failure(_ path: String) -> AptChangeError {
        let code = errno
        return AptChangeError(
            "\(path) cannot be written: \(String(cString: strerror(code)))"
                + (code == ENOSPC ? "; make room on that file system" : ""))
    }
}
