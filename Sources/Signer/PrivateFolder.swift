import Glibc

/// A folder that only its owner may enter, whose files are replaced whole and survive a power cut.
struct PrivateFolder: Sendable {
    let path: String

    /// Makes the folder where it is absent; refuses one that others may enter.
    init(_ path: String) throws(SignerError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SignerError("cannot make \(path)", errno) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw SignerError("cannot examine \(path)", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw SignerError("\(path) must be a folder of this account that nobody else may enter: chmod 700 \(path)")
        }
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// The bytes of a file; nil where there is none. A secret that others could read is refused.
    func read(_ name: String, limit: Int, isSecret: Bool = false) throws(SignerError) -> [UInt8]? {
        let path = path(of: name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SignerError("cannot open \(path)", errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SignerError("cannot examine \(path)", errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            throw SignerError("\(path) is no file of at most \(limit) bytes: not one of the signer's")
        }
        if isSecret, status.st_uid != geteuid() || status.st_mode & 0o077 != 0 {
            throw SignerError(
                "\(path) may be read by others: rotate that key (docs/orders.md), then chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw SignerError("cannot read \(path)", errno) }
            if got == 0 { break }
            count += got
        }
        return Array(bytes.prefix(count))
    }

    /// Replaces a file, or makes it; durable when this returns.
    func replace(_ name: String, with bytes: [UInt8]) throws(SignerError) {
        let aside = path(of: name) + ".new"
        unlink(aside)
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SignerError("cannot write \(aside)", errno) }
        let isWritten = Self.write(bytes, to: descriptor) && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten else {
            unlink(aside)
            throw SignerError("cannot write \(aside)", code)
        }
        guard rename(aside, path(of: name)) == 0 else { throw SignerError("cannot rename \(aside)", errno) }
        try sync()
    }

    /// Makes new names and lost ones survive a power cut.
    func sync() throws(SignerError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SignerError("cannot open \(path)", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SignerError("cannot write \(path)", errno) }
    }

    /// Removes a file; none there is fine.
    func remove(_ name: String) { unlink(path(of: name)) }

    /// The names in it, sorted.
    func names() throws(SignerError) -> [String] {
        guard let folder = opendir(path) else { throw SignerError("cannot list \(path)", errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// What changes when a file is replaced: nil where there is none.
    func mark(of name: String) -> FileMark? {
        var status = stat()
        guard lstat(path(of: name), &status) == 0 else { return nil }
        return FileMark(
            inode: UInt64(status.st_ino), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
            size: Int(status.st_size))
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

/// Which bytes a file holds, as far as the file system tells.
struct FileMark: Hashable, Sendable {
    var inode: UInt64
    var seconds: Int
    var nanoseconds: Int
    var size: Int
}

/// Why the signer cannot work.
public struct SignerError: Error, Sendable, CustomStringConvertible {
    /// What happened, where, and what to do.
    public let description: String

    init(_ text: String) { description = text }

    init(_ text: String, _ code: Int32) {
        description = "\(text): \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
    }
}

/// Whether an id may stand in file names and lines.
func isPlainID(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64 && !text.hasPrefix(".")
        && text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
}
