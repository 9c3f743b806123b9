import Glibc
public import Matching

/// Opens catalogues whose whole content was once read against its digest.
///
/// Reading all of it takes longer than a match, so that it was done is remembered beside the file, with the file's identity
/// (inode, size, time of change): a file that was exchanged, cut or written to is read again. Every access checks its bounds
/// in any case; this finds damage that stays within them.
public enum VerifiedCatalogue {
    private static let ending = ".verified"

    /// Opens a catalogue, and reads all of it where that was not done with this very file.
    ///
    /// - Throws: ``CatalogueError/damaged(_:)`` where its content is not what was written.
    public static func open(_ path: String) throws -> Catalogue {
        let catalogue = try CatalogueFile.open(path)
        let identity = try identity(of: path)
        if remembered(path) == identity {
            // When it was last used.
            utimensat(AT_FDCWD, path + ending, nil, 0)
            return catalogue
        }
        try catalogue.verify()
        remember(identity, path)
        return catalogue
    }

    private static func identity(of path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw MatchInputError.system("read", path) }
        return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
            + "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)\n"
    }

    private static func remembered(_ path: String) -> String? {
        let descriptor = Glibc.open(path + ending, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Where nothing can be written the next one reads it all again.
    private static func remember(_ identity: String, _ path: String) {
        let part = "\(path)\(ending).\(getpid())"
        let descriptor = Glibc.open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        let bytes = Array(identity.utf8)
        let count = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        guard count == bytes.count, rename(part, path + ending) == 0 else {
            unlink(part)
            return
        }
    }

    /// Keeps the catalogues of a folder that were used last, and removes the others with what is remembered of them.
    static func sweep(_ folder: String, keeping count: Int, always kept: String) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        var catalogues: [(name: String, used: Int)] = []
        var others: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let digest = name.prefix(64)
            guard digest.utf8.count == 64, digest.allSatisfy(\.isHexDigit) else { continue }
            if name.utf8.count == 64 {
                catalogues.append((name, time("\(folder)/\(name)\(ending)") ?? time("\(folder)/\(name)") ?? 0))
            } else {
                others.append(name)
            }
        }
        let used = catalogues.filter { $0.name != kept }.sorted { ($1.used, $0.name) < ($0.used, $1.name) }
        let stays = Set(used.prefix(max(0, count - 1)).map(\.name) + [kept])
        for catalogue in catalogues where !stays.contains(catalogue.name) { unlink("\(folder)/\(catalogue.name)") }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        for name in others where !stays.contains(String(name.prefix(64))) {
            // A part that somebody is writing is young.
            if name.hasSuffix(ending) || (time("\(folder)/\(name)") ?? 0) < now.tv_sec - 86_400 {
                unlink("\(folder)/\(name)")
            }
        }
    }

    private static func time(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mtim.tv_sec : nil
    }
}
