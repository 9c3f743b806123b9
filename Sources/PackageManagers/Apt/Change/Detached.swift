import CCompression
import Glibc

/// Starts a program that outlives its starter: in a session of its own, with files instead of pipes.
enum Detached {
    /// The descriptors that the program gets, by their numbers there: 1 and 2 the log, 3 the progress, 4 the exit code.
    struct Files {
        var log: String
        var progress: String
        var exit: String
    }

    /// Starts a command. Its first word is looked up in the standard folders.
    static func start(_ command: [String], environment: [String: String], files: Files) throws(AptChangeError) -> Int32
    {
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        for (path, flags) in [
            (files.log, O_WRONLY | O_CREAT | O_APPEND), (files.progress, O_WRONLY | O_CREAT | O_APPEND),
            (files.exit, O_WRONLY),
        ] {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw AptChangeError("\(path) cannot be opened: \(String(cString: strerror(errno)))")
            }
            // Above the numbers that they are given in the program.
            let high = fcntl(descriptor, F_DUPFD_CLOEXEC, 10)
            close(descriptor)
            guard high >= 0 else { throw AptChangeError("\(path): \(String(cString: strerror(errno)))") }
            open.append(high)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (number, descriptor) in [(1, open[0]), (2, open[0]), (3, open[1]), (4, open[2])] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        // POSIX_SPAWN_SETSID, which Swift's Glibc lacks: no terminal, and no group to be ended with.
        posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in arguments + variables { free(pointer) }
        }
        let program = command.first ?? ""
        let path =
            program.contains("/")
            ? program
            : ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
                ?? program
        var child: pid_t = 0
        let code = posix_spawn(&child, path, &actions, &attributes, arguments, variables)
        guard code == 0 else {
            throw AptChangeError("\(path) could not be started: \(String(cString: strerror(code)))")
        }
        return child
    }
}

/// A process as /proc shows it (proc(5)).
struct ProcessStatus: Sendable, Hashable {
    var pid: Int32
    var name: String
    var state: UInt8
    var parent: Int32
    var session: Int32
    /// Clock ticks since the boot.
    var startTime: UInt64

    /// Whether it runs still: not a zombie, not dead.
    var isAlive: Bool { state != UInt8(ascii: "Z") && state != UInt8(ascii: "X") }

    /// The process of that number; nil where there is none.
    init?(pid: Int32) {
        guard let bytes = try? FileTree(root: "/").read("proc/\(pid)/stat", limit: 4096),
            let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        name = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
        // After the name: state, parent, group, session, ..., and the start as the twentieth.
        let words = bytes[(close + 1)...].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard words.count > 19, let state = words[0].utf8.first, let parent = Int32(words[1]),
            let session = Int32(words[3]), let start = UInt64(words[19])
        else { return nil }
        self.pid = pid
        self.state = state
        self.parent = parent
        self.session = session
        startTime = start
    }

    /// All processes of a session, without those that are dead.
    static func session(_ leader: Int32) -> [ProcessStatus] {
        all().filter { $0.session == leader && $0.isAlive }
    }

    /// All processes.
    static func all() -> [ProcessStatus] {
        ((try? FileTree(root: "/").list("proc")) ?? []).compactMap { Int32($0) }.compactMap { ProcessStatus(pid: $0) }
    }

    /// The words of its command line; empty for a zombie and for the kernel's own.
    static func command(_ pid: Int32) -> [String] {
        ((try? FileTree(root: "/").read("proc/\(pid)/cmdline", limit: 1 << 20)) ?? []).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Names this boot; empty where it cannot be read.
    static var bootID: String {
        String(
            decoding: (try? FileTree(root: "/").read("proc/sys/kernel/random/boot_id", limit: 256)) ?? [], as: UTF8.self
        )
        .trimmed
    }
}
