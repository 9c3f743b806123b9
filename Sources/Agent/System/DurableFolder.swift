public import Glibc

/// A folder whose files are replaced whole and survive a power cut: written aside, synced, renamed, the folder synced.
///
/// After a crash at any point a file holds its old or its new bytes, never a mixture.
public struct DurableFolder: Sendable {
    /// The folder; may be relative to the working folder.
    public let path: String

    /// The folder at that path, which is made (0700) where it is absent.
    public init(_ path: String, create: Bool = true) throws(SystemError) {
        self.path = path
        guard create else { return }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError("make the folder", path) }
    }

    /// The path of a file in it.
    public func path(of name: String) -> String { "\(path)/\(name)" }

    /// The bytes of a file; nil where there is none.
    ///
    /// - Throws: ``SystemError``; EFBIG for a file over `limit`.
    public func read(_ name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let fd = open(path(of: name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard fd >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open", path(of: name))
        }
        defer { close(fd) }
        var status = stat()
        guard fstat(fd, &status) == 0 else { throw SystemError("examine", path(of: name)) }
        // Whoever owns the folder could put a pipe there, which a reader would wait for without end.
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("read", path(of: name), code: EINVAL) }
        guard status.st_size <= limit else { throw SystemError("read", path(of: name), code: EFBIG) }
        let size = Int(status.st_size)
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(fd, buffer.baseAddress?.advanced(by: count), size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = SystemError("read", path(of: name)) }
                guard got > 0 else { break }
                count += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Replaces a file, or makes it.
    ///
    /// - Parameters:
    ///   - mode: its permission bits.
    ///   - durable: false for what may be lost with the power: it is still replaced whole.
    public func replace(
        _ name: String, with bytes: [UInt8], mode: mode_t = 0o600, durable: Bool = true
    ) throws(SystemError) {
        // What may be lost is not worth the reserve.
        guard durable else { return try replaceOnce(name, with: bytes, mode, durable) }
        try spendingReserve { () throws(SystemError) in try replaceOnce(name, with: bytes, mode, durable) }
    }

    private func replaceOnce(_ name: String, with bytes: [UInt8], _ mode: mode_t, _ durable: Bool) throws(SystemError) {
        let aside = path(of: name) + ".new"
        let fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard fd >= 0 else { throw SystemError("write", aside) }
        var failure = Self.write(bytes, to: fd, aside)
        if failure == nil, fchmod(fd, mode) != 0 { failure = SystemError("set the permissions of", aside) }
        if failure == nil, durable, fsync(fd) != 0 { failure = SystemError("sync", aside) }
        close(fd)
        if failure == nil, Glibc.rename(aside, path(of: name)) != 0 { failure = SystemError("rename", aside) }
        if let failure {
            unlink(aside)
            throw failure
        }
        if durable { try sync() }
    }

    /// Appends to a file and syncs it. A crash may leave any prefix of `bytes`, which the reader must recognise.
    public func append(_ bytes: [UInt8], to name: String) throws(SystemError) {
        try spendingReserve { () throws(SystemError) in try appendOnce(bytes, to: name) }
    }

    private func appendOnce(_ bytes: [UInt8], to name: String) throws(SystemError) {
        let fd = open(path(of: name), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { throw SystemError("open", path(of: name)) }
        defer { close(fd) }
        let before = lseek(fd, 0, SEEK_END)
        if let failure = Self.write(bytes, to: fd, path(of: name)) {
            // A full disk must not leave half a record in front of the next one.
            _ = ftruncate(fd, before)
            throw failure
        }
        guard fsync(fd) == 0 else { throw SystemError("sync", path(of: name)) }
    }

    /// Moves a file within the folder, over what is there.
    public func rename(_ old: String, to new: String) throws(SystemError) {
        guard Glibc.rename(path(of: old), path(of: new)) == 0 else { throw SystemError("rename", path(of: old)) }
        try sync()
    }

    /// Removes a file; none there is fine.
    public func remove(_ name: String) throws(SystemError) {
        guard unlink(path(of: name)) == 0 || errno == ENOENT else { throw SystemError("remove", path(of: name)) }
    }

    /// Whether there is such a file.
    public func contains(_ name: String) -> Bool { access(path(of: name), F_OK) == 0 }

    /// The size of a file in bytes; nil where there is none.
    public func size(of name: String) -> Int? {
        var status = stat()
        return lstat(path(of: name), &status) == 0 ? Int(status.st_size) : nil
    }

    /// The names of the files, sorted.
    public func names() throws(SystemError) -> [String] {
        guard let folder = opendir(path) else { throw SystemError("list", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes renames in the folder survive a power cut.
    public func sync() throws(SystemError) {
        let fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw SystemError("open", path) }
        defer { close(fd) }
        guard fsync(fd) == 0 else { throw SystemError("sync", path) }
    }

    private static func write(_ bytes: [UInt8], to fd: Int32, _ path: String) -> SystemError? {
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes {
                Glibc.write(fd, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if wrote < 0 {
                if errno == EINTR { continue }
                return SystemError("write", path)
            }
            done += wrote
        }
        return nil
    }
}
