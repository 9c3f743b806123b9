import CDispatch
import Glibc
import JSON

/// The file of contexts. It holds tokens, so it is its owner's alone, and one that others may read is refused.
struct ContextFile: Sendable {
    /// The largest file that is read, in bytes.
    static let maximumBytes = 1 << 20

    /// The context in use; nil for this machine's socket.
    var current: String?
    var contexts: [String: Context] = [:]

    /// `$XDG_CONFIG_HOME/fettle/contexts.json`; without it in `~/.config` (XDG Base Directory Specification).
    static func path() throws -> String {
        if let folder = environment("XDG_CONFIG_HOME"), folder.hasPrefix("/") {
            return folder + "/fettle/contexts.json"
        }
        guard let home = environment("HOME") else {
            throw CommandFailure.failed("neither XDG_CONFIG_HOME nor HOME is set, so that contexts have no place")
        }
        return home + "/.config/fettle/contexts.json"
    }

    /// A context by name.
    func context(_ name: String) throws -> Context {
        guard let context = contexts[name] else {
            let known =
                contexts.isEmpty
                ? "there is none; make one: fettle login URL"
                : "there are: " + contexts.keys.sorted().joined(separator: ", ")
            throw CommandFailure.notFound("there is no context \"\(name)\"; \(known)")
        }
        return context
    }

    /// Reads the file; one that does not exist is empty.
    static func read() throws -> ContextFile {
        guard environment("XDG_CONFIG_HOME") != nil || environment("HOME") != nil else { return ContextFile() }
        let path = try path()
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return ContextFile() }
            throw CommandFailure.failed("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure.failed("\(path) is not a file")
        }
        guard state.st_uid == geteuid() else {
            throw CommandFailure.denied("\(path) belongs to another user (\(state.st_uid)): it is not used")
        }
        guard state.st_mode & 0o077 == 0 else {
            throw CommandFailure.denied(
                """
                \(path) holds tokens and others may read it (mode \(String(state.st_mode & 0o777, radix: 8))): it is not used.
                Close it: chmod 600 \(path)
                If others were on this machine meanwhile, revoke the tokens too: fettle api-tokens list
                """)
        }
        guard state.st_size <= maximumBytes else {
            throw CommandFailure.failed("\(path) is larger than \(maximumBytes) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(state.st_size))
        var count = 0
        while count < bytes.count {
            let part = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            guard part > 0 else { break }
            count += part
        }
        do {
            return try ContextFile(json: try JSONValue(parsing: bytes.prefix(count), limits: .message))
        } catch let failure as CommandFailure {
            throw CommandFailure.failed("\(path): \(failure.description)")
        } catch {
            throw CommandFailure.failed(
                "\(path): \(error)\nMend it, or move it away and log in again: fettle login URL")
        }
    }

    /// Reads, changes and writes the file while no other `fettle` does.
    static func change<T>(_ body: (inout ContextFile) throws -> T) throws -> T {
        let path = try path()
        let folder = String(path.dropLast("/contexts.json".count))
        try makeFolder(folder)
        let lock = open(folder + "/contexts.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else {
            throw CommandFailure.failed("cannot lock \(folder)/contexts.lock: \(String(cString: strerror(errno)))")
        }
        defer { close(lock) }
        var file = try read()
        let result = try body(&file)
        try file.write(path)
        return result
    }

    private init() {}

    private init(json: JSONValue) throws {
        for (name, value) in json["contexts"]?.object ?? [:] { contexts[name] = try Context(name: name, json: value) }
        if let name = json["current"]?.string, contexts[name] != nil { current = name }
    }

    /// Written beside and renamed: a reader sees the old file or the new one, and either is its owner's alone.
    private func write(_ path: String) throws {
        var fields: [String: JSONValue] = ["contexts": .object(contexts.mapValues(\.json))]
        if let current { fields["current"] = .string(current) }
        let bytes = Array((JSONValue.object(fields).prettyPrinted() + "\n").utf8)
        let temporary = "\(path).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure.failed("cannot write \(temporary): \(String(cString: strerror(errno)))")
        }
        let isWritten =
            fchmod(descriptor, 0o600) == 0
            && bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
            && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(isWritten ? errno : code)))")
        }
    }

    private static func makeFolder(_ path: String) throws {
        var place = ""
        for part in path.split(separator: "/") {
            place += "/" + part
            if mkdir(place, 0o700) != 0, errno != EEXIST {
                throw CommandFailure.failed("cannot make \(place): \(String(cString: strerror(errno)))")
            }
        }
    }
}
