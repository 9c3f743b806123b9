import Dispatch
import Glibc
import Synchronization

/// A program started by this one, in a process group of its own so that a terminal's Ctrl-C reaches it through us.
final class ChildProcess: Sendable {
    /// The process.
    let id: pid_t
    private let status: ExitStatus
    /// The end of the pipe that is the program's standard input; -1 for none.
    private let pipeEnd: Int32

    /// What a program has as its standard input.
    enum Input: Sendable {
        /// Nothing.
        case empty
        /// A pipe that nothing is written to and that ends with this process, or with this value.
        case pipe
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - output: a file that standard output and error are appended to; nil leaves them as they are.
    init(_ path: String, _ arguments: [String], output: String?, input: Input = .empty) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var ends: [Int32] = [-1, -1]
        if case .pipe = input {
            guard Glibc.pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
                throw CommandFailure.failed("cannot make a pipe: \(String(cString: strerror(errno)))")
            }
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        pipeEnd = ends[1]
        defer { if ends[0] >= 0 { close(ends[0]) } }
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this program ignores must not be ignored there.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, &attributes, words, environ)
        guard code == 0 else {
            throw CommandFailure.failed("cannot start \(path): \(String(cString: strerror(code)))")
        }
        let started = process
        id = started
        let status = ExitStatus()
        self.status = status
        // A thread of its own waits: the pool's threads must not block.
        DispatchQueue(label: "wait").async {
            var code: Int32 = 0
            while waitpid(started, &code, 0) < 0, errno == EINTR {}
            let signal = code & 0x7F
            status.value.withLock { $0 = signal == 0 ? (code >> 8) & 0xFF : 128 + signal }
        }
    }

    deinit { if pipeEnd >= 0 { close(pipeEnd) } }

    /// Its exit code, or 128 and the signal's number; nil while it runs.
    var exit: Int32? { status.value.withLock { $0 } }

    /// Waits until it has ended, and returns ``exit``.
    ///
    /// - Throws: `CancellationError` where the waiting task is cancelled.
    func ended() async throws -> Int32 {
        while true {
            if let exit { return exit }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Sends a signal to the whole group.
    func send(_ number: Int32) { kill(-id, number) }
}

/// Where the waiting thread leaves what it learned.
private final class ExitStatus: Sendable {
    let value = Mutex<Int32?>(nil)
}

/// SIGINT and SIGTERM, counted from the moment this is made.
final class StopSignals: Sendable {
    private let count = Mutex(0)

    init() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            // The handler keeps the source, and with it this counter, alive for as long as the program runs.
            source.setEventHandler { [self] in
                count.withLock { $0 += 1 }
                withExtendedLifetime(source) {}
            }
            source.resume()
        }
    }

    /// Waits until `number` signals have come in all.
    ///
    /// - Throws: `CancellationError` where the waiting task is cancelled.
    func wait(for number: Int) async throws {
        while count.withLock({ $0 }) < number { try await Task.sleep(for: .milliseconds(50)) }
    }
}
