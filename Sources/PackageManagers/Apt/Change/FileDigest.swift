import Digest
import Glibc

/// Digests of files.
enum FileDigest {
    /// The SHA-256 of a regular file in hexadecimal; nil where it cannot be read.
    static func sha256(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return sha256(descriptor)
    }

    /// The same of a file in a tree, links followed as its host would.
    static func sha256(_ path: String, in tree: FileTree) throws(FileError) -> String {
        let file = try tree.open(path)
        guard let digest = file.withDescriptor({ sha256($0) }) else {
            throw FileError(path: tree.name(path), code: EIO)
        }
        return digest
    }

    /// The same of what is left to read of an open file.
    static func sha256(_ descriptor: Int32) -> String? {
        var hash = SHA256()
        let size = 256 << 10
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
            while true {
                let count = read(descriptor, buffer.baseAddress, size)
                if count < 0 {
                    if errno == EINTR { continue }
                    return nil
                }
                if count == 0 { return hash.finalize().hex }
                hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
