import Glibc

/// A file that a command reads whole.
enum InputFile {
    /// The bytes of a file, at most `most` and one more, so that a reader can say that there are too many.
    ///
    /// - Parameter path: `-` is standard input.
    /// - Throws: ``CommandFailure`` that names the path and the cause.
    static func bytes(_ path: String, most: Int) throws(CommandFailure) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= most {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, most + 1 - bytes.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure.failed("\(path) cannot be read: \(String(cString: strerror(errno))); is the path right?")
    }
}
