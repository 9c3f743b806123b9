import Glibc
public import Matching

/// Catalogues on disk: mapped to be read, replaced as a whole to be written.
public enum CatalogueFile {
    /// Maps a catalogue's file.
    ///
    /// The file is never written again where it lies (``write(_:to:)`` puts a new one in its place), so the mapping stays as
    /// it is.
    ///
    /// - Throws: ``MatchInputError`` or ``CatalogueError``.
    public static func open(_ path: String) throws -> Catalogue {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MatchInputError.system("opened", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw MatchInputError.system("read", path) }
        let size = Int(status.st_size)
        guard status.st_mode & S_IFMT == S_IFREG, size > 0 else {
            throw MatchInputError("\(path) is empty or no file: give a catalogue that fettle wrote, or --feeds")
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw MatchInputError.system("mapped", path)
        }
        let number = UInt(bitPattern: address)
        return try Catalogue(UnsafeRawBufferPointer(start: address, count: size)) {
            if let address = UnsafeMutableRawPointer(bitPattern: number) { munmap(address, size) }
        }
    }

    /// Writes a catalogue's bytes; who has the old file open keeps it.
    public static func write(_ bytes: [UInt8], to path: String) throws {
        let part = "\(path).\(getpid()).new"
        let descriptor = Glibc.open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw MatchInputError.system("written", part) }
        var isWhole = true
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    isWhole = false
                    return
                }
                done += count
            }
        }
        isWhole = isWhole && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(part, path) == 0 else {
            let error = MatchInputError.system("written", path)
            unlink(part)
            throw error
        }
    }
}

/// Why something that is to be matched, or matched against, cannot be read.
public struct MatchInputError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened, where, and what to do next.
    public let description: String

    init(_ description: String) { self.description = description }

    static func system(_ what: String, _ path: String) -> MatchInputError {
        MatchInputError("\(path) cannot be \(what): \(String(cString: strerror(errno)))")
    }
}
