import Digest
import Glibc

/// A program that a job runs: in a process group, and where the kernel lets us a control group, of its own, with an end.
///
/// At the time limit it gets SIGTERM, 30 seconds later SIGKILL, and with it everything that it started.
struct BoundedRun {
    /// How it ended.
    enum End: Hashable, Sendable {
        case exit(Int32)
        case signal(Int32)
        case timeout
        case notStarted(String)

        var isSuccess: Bool { self == .exit(0) }

        /// `exit code 2`.
        var text: String {
            switch self {
            case .exit(let code): "exit code \(code)"
            case .signal(let signal): "ended by signal \(signal)"
            case .timeout: "ended at its time limit"
            case .notStarted(let why): "it could not be started: \(why)"
            }
        }
    }

    struct Result: Sendable {
        var end: End
        /// The first 64 KiB of what it wrote.
        var output: [UInt8]
        /// The digest of all that it wrote.
        var digest: SHA256Digest
        /// How many bytes that were.
        var bytes: Int

        /// The last line that is not empty, for a sentence.
        var lastLine: String {
            let lines = output.split(separator: 0x0A).map { trimmed(String(decoding: $0, as: UTF8.self)) }
            return (lines.last { !$0.isEmpty } ?? "").cut(to: 300)
        }
    }

    /// Seconds between SIGTERM and SIGKILL.
    static let grace: Int64 = 30

    var command: [String]
    var timeout: Int64
    var environment: [String: String] = [:]
    var folder = "/"
    var grace = Self.grace

    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Runs it to its end.
    func run(_ each: (ArraySlice<UInt8>) -> Void = { _ in }) -> Result {
        var hash = SHA256()
        var result = Result(end: .notStarted(""), output: [], digest: SHA256.hash([]), bytes: 0)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            result.end = .notStarted(SystemError("make", "a pipe").reason)
            return result
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let group = StepGroup()
        let child: pid_t
        do throws(SystemError) {
            child = try spawn(output: ends[1], group: group)
        } catch {
            close(ends[0])
            close(ends[1])
            result.end = .notStarted(error.reason)
            return result
        }
        close(ends[1])
        defer { close(ends[0]) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        var deadline = Moment.now().uptime + timeout * 1000
        var isTimeout = false
        var status: Int32?
        var isOpen = true
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while status == nil {
            var descriptor = pollfd(fd: isOpen ? ends[0] : -1, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, 50)
            // One piece a turn: whoever writes without a pause is looked at and timed like everybody else.
            if isOpen { isOpen = take(ends[0], &buffer, &result, &hash, each) }
            var raw: Int32 = 0
            let ended = waitpid(child, &raw, WNOHANG)
            if ended == child { status = raw }
            if ended < 0, errno == ECHILD { status = 0x7F }
            guard status == nil, Moment.now().uptime >= deadline else { continue }
            if isTimeout { group.kill(child) } else { group.terminate(child) }
            deadline = Moment.now().uptime + (isTimeout ? 1000 : grace * 1000)
            isTimeout = true
        }
        // What is still in the pipe, and no more: what it left in the background may write on without end.
        for _ in 0..<Self.lastPieces where isOpen { isOpen = take(ends[0], &buffer, &result, &hash, each) }
        // What it left in the background after a good end is its business: it may be a service that it started.
        if isTimeout { group.kill(child) }
        group.remove()
        result.digest = hash.finalize()
        let code = status ?? 0
        result.end = isTimeout ? .timeout : code & 0x7F == 0 ? .exit(code >> 8 & 0xFF) : .signal(code & 0x7F)
        return result
    }

    /// The most pieces that are read after the end: more than a pipe holds (pipe(7): 64 KiB).
    private static let lastPieces = 4

    /// Takes one piece of what is there; false at the end.
    private func take(
        _ descriptor: Int32, _ buffer: inout [UInt8], _ result: inout Result, _ hash: inout SHA256,
        _ each: (ArraySlice<UInt8>) -> Void
    ) -> Bool {
        let got = read(descriptor, &buffer, buffer.count)
        guard got > 0 else { return got < 0 && (errno == EAGAIN || errno == EINTR) }
        let piece = buffer[..<got]
        hash.update(piece)
        result.bytes += got
        result.output += piece.prefix(max(0, (64 << 10) - result.output.count))
        each(piece)
        return true
    }

    private func spawn(output: Int32, group: StepGroup) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        // The shell enters the group and the folder before it becomes the program: nothing can start outside of them.
        let enter =
            "if [ -n \"$1\" ]; then echo 0 >\"$1/cgroup.procs\" 2>/dev/null; fi; cd \"$2\" || exit 126; shift 2; exec \"$@\""
        let words = ["/bin/sh", "-c", enter, "sh", group.path ?? "", folder] + command
        var variables = ["PATH": Self.path, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"]
        variables.merge(environment) { $1 }
        let argv = words.map { strdup($0) } + [nil]
        let envp = variables.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, "/bin/sh", &actions, &attributes, argv, envp)
        guard code == 0 else { throw SystemError("start", command.first ?? "", code: code) }
        return child
    }
}

/// The control group of one step, below the job's own (cgroups(7), version 2); none where the kernel refuses one.
struct StepGroup {
    let path: String?

    init() {
        guard let own = try? HostTree.contents(of: "/proc/self/cgroup", limit: 65_536),
            let line = String(decoding: own, as: UTF8.self).split(separator: "\n").first(where: { $0.hasPrefix("0::") })
        else {
            path = nil
            return
        }
        let below = line.dropFirst(3)
        // Never directly below the top: that is the service manager's.
        let folder = "/sys/fs/cgroup\(below)/step-\(getpid())"
        path = below.count > 1 && mkdir(folder, 0o755) == 0 ? folder : nil
    }

    /// Asks all that belongs to the step to end.
    func terminate(_ child: pid_t) {
        Glibc.kill(-child, SIGTERM)
        for member in members { Glibc.kill(member, SIGTERM) }
    }

    /// Ends all that belongs to the step.
    func kill(_ child: pid_t) {
        Glibc.kill(-child, SIGKILL)
        guard let path else { return }
        let descriptor = open("\(path)/cgroup.kill", O_WRONLY | O_CLOEXEC)
        if descriptor >= 0 {
            _ = write(descriptor, "1", 1)
            close(descriptor)
        } else {
            for member in members { Glibc.kill(member, SIGKILL) }
        }
    }

    /// Removes the group once it is empty.
    func remove() {
        guard let path else { return }
        for _ in 0..<5 where rmdir(path) != 0 && errno == EBUSY { usleep(10_000) }
    }

    private var members: [pid_t] {
        guard let path, let text = try? HostTree.contents(of: "\(path)/cgroup.procs", limit: 1 << 20) else { return [] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 1 }
    }
}
