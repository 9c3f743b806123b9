import Glibc

/// The files that a scan reads: a root folder, and where the kernel shows processes and devices.
///
/// Every reader of the scan is an extension of it, so that a test can feed a folder of its own. Reading is bounded,
/// never waits for a FIFO or terminal, and runs no program.
public struct HostTree: Sendable {
    /// The root of the host's files, without a slash at its end; empty for this machine's.
    public let root: String
    /// Where proc(5) is mounted.
    public let proc: String
    /// Where sysfs(5) is mounted.
    public let sys: String

    /// This machine.
    public static let machine = HostTree(root: "", proc: "/proc", sys: "/sys")

    /// A tree of files, with `proc` and `sys` inside it unless named.
    public init(root: String, proc: String? = nil, sys: String? = nil) {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        self.root = root
        self.proc = proc ?? root + "/proc"
        self.sys = sys ?? root + "/sys"
    }

    /// Whether this is the machine that the scan runs on: only there do system calls speak of the same host as the files.
    public var isMachine: Bool { root.isEmpty }

    /// Where a file of the host is found from here.
    public func path(_ path: String) -> String { root + path }

    /// All bytes of a file of the host.
    public func bytes(_ path: String, limit: Int = 1 << 20) throws(HostTreeError) -> [UInt8] {
        try Self.contents(of: self.path(path), limit: limit)
    }

    /// A file of the host as text; bytes that are not UTF-8 become U+FFFD.
    public func text(_ path: String, limit: Int = 1 << 20) throws(HostTreeError) -> String {
        String(decoding: try bytes(path, limit: limit), as: UTF8.self)
    }

    /// A file below ``proc`` as text.
    func procText(_ path: String, limit: Int = 4 << 20) throws(HostTreeError) -> String {
        String(decoding: try Self.contents(of: "\(proc)/\(path)", limit: limit), as: UTF8.self)
    }

    /// A file below ``sys`` as text, without white space around it.
    func sysText(_ path: String) throws(HostTreeError) -> String {
        trimmed(String(decoding: try Self.contents(of: "\(sys)/\(path)", limit: 65_536), as: UTF8.self))
    }

    /// Whether the host has that file.
    func exists(_ path: String) -> Bool { Self.identity(of: self.path(path)) != nil }

    /// All bytes of the file at `path`.
    ///
    /// - Throws: ``HostTreeError`` where it cannot be read or is larger than `limit` bytes.
    static func contents(of path: String, limit: Int) throws(HostTreeError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw HostTreeError(path: path, number: errno) }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var room = 16_384
        while true {
            let before = result.count
            let wanted = min(room, limit + 1 - before)
            var failure: Int32 = 0
            result.append(contentsOf: repeatElement(0, count: wanted))
            let count = result.withUnsafeMutableBytes { buffer in
                var count = -1
                repeat {
                    count = read(descriptor, buffer.baseAddress.map { $0 + before }, wanted)
                } while count < 0 && errno == EINTR
                failure = errno
                return count
            }
            result.removeLast(wanted - max(0, count))
            if count < 0 { throw HostTreeError(path: path, number: failure) }
            if count == 0 { return result }
            if result.count > limit { throw HostTreeError(path: path, number: EFBIG) }
            room = min(room * 2, 1 << 20)
        }
    }

    /// The names in a folder, sorted, without `.` and `..`.
    static func names(in path: String, limit: Int = 1 << 20) throws(HostTreeError) -> [String] {
        guard let folder = opendir(path) else { throw HostTreeError(path: path, number: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            if names.count > limit { throw HostTreeError(path: path, number: EFBIG) }
        }
        return names.sorted()
    }

    /// Where the symbolic link at `path` points.
    static func target(of path: String) throws(HostTreeError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        guard count >= 0 else { throw HostTreeError(path: path, number: errno) }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Which file is at `path`, symbolic links followed; nil where none is.
    static func identity(of path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}

/// Which file it is, whatever its names.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// A file of the host that could not be read.
public struct HostTreeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The system's error number, errno(3).
    public let number: Int32

    /// Whether there is no such file, or no longer such a process.
    public var isAbsence: Bool { number == ENOENT || number == ESRCH || number == ENOTDIR }

    /// The system's words for an error number.
    static func text(of number: Int32) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }

    /// `/etc/os-release: No such file or directory`.
    public var description: String { "\(path): \(Self.text(of: number))" }
}

/// Text without white space and control characters at its ends.
func trimmed(_ text: some StringProtocol) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { $0.value > 0x20 }),
        let last = scalars.lastIndex(where: { $0.value > 0x20 })
    else { return "" }
    return String(text[first...last])
}
