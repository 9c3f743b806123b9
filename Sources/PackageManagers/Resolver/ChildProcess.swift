import CCompression
import Glibc

/// Runs a program to its end with bounds on time and output, in a process group of its own.
package enum ChildProcess {
    /// What came of it.
    package struct Result: Sendable {
        package var status: Int32
        package var output: [UInt8]
        package var errors: [UInt8]
    }

    /// Why there is no result.
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case notStarted(String)
        case timeout(seconds: Int)
        case tooMuchOutput(bytes: Int)
        case killed(signal: Int32)

        package var description: String {
            switch self {
            case .notStarted(let why): "it could not be started: \(why)"
            case .timeout(let seconds): "it did not end within \(seconds) s"
            case .tooMuchOutput(let bytes): "it printed more than \(bytes) bytes"
            case .killed(let signal): "it was ended by signal \(signal)"
            }
        }
    }

    /// Runs a command, looked up in the standard folders, at the lowest CPU and disk priority.
    package static func run(
        _ command: [String], environment: [String: String], timeoutSeconds: Int = 60, outputLimit: Int = 32 << 20
    ) throws(Failure) -> Result {
        var pipes: [(read: Int32, write: Int32)] = []
        func closeAll() {
            for pipe in pipes {
                close(pipe.read)
                close(pipe.write)
            }
        }
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            guard fettle_pipe(&ends) == 0 else {
                let why = String(cString: strerror(errno))
                closeAll()
                throw .notStarted(why)
            }
            pipes.append((ends[0], ends[1]))
        }
        let child: pid_t
        do throws(Failure) {
            child = try spawn(command, environment, output: pipes[0].write, errors: pipes[1].write)
        } catch {
            closeAll()
            throw error
        }
        close(pipes[0].write)
        close(pipes[1].write)
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(child), 19)
        _ = fettle_set_idle_io(child)
        defer {
            close(pipes[0].read)
            close(pipes[1].read)
        }
        let deadline = now() + Int64(timeoutSeconds) * 1000
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var failure: Failure?
        var open = [true, true]
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while failure == nil, open[0] || open[1] {
            var polled = (0..<2).filter { open[$0] }.map { index in
                pollfd(fd: index == 0 ? pipes[0].read : pipes[1].read, events: Int16(POLLIN), revents: 0)
            }
            let rest = deadline - now()
            guard rest > 0 else {
                failure = .timeout(seconds: timeoutSeconds)
                break
            }
            guard poll(&polled, nfds_t(polled.count), Int32(min(rest, 60_000))) > 0 else { continue }
            for entry in polled where entry.revents != 0 {
                let isOutput = entry.fd == pipes[0].read
                let count = read(entry.fd, &buffer, buffer.count)
                if count > 0 {
                    if isOutput { output += buffer[..<count] } else { errors += buffer[..<count] }
                    if output.count + errors.count > outputLimit { failure = .tooMuchOutput(bytes: outputLimit) }
                } else if count == 0 || errno != EINTR {
                    open[isOutput ? 0 : 1] = false
                }
            }
        }
        if failure == nil, let status = wait(child, until: deadline) {
            guard status & 0x7F == 0 else { throw .killed(signal: status & 0x7F) }
            return Result(status: status >> 8 & 0xFF, output: output, errors: errors)
        }
        // The whole group, so that nothing it started stays behind.
        kill(-child, SIGKILL)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        throw failure ?? .timeout(seconds: timeoutSeconds)
    }

    private static func spawn(
        _ command: [String], _ environment: [String: String], output: Int32, errors: Int32
    ) throws(Failure) -> pid_t {
        guard let program = command.first else { throw .notStarted("no command was given") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in arguments + variables { free(pointer) }
        }
        var child: pid_t = 0
        let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        let path =
            program.contains("/")
            ? program : folders.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 } ?? program
        let code = posix_spawn(&child, path, &actions, &attributes, arguments, variables)
        guard code == 0 else { throw .notStarted("\(path): \(String(cString: strerror(code)))") }
        return child
    }

    /// The wait status; nil where the child has not ended by then.
    private static func wait(_ child: pid_t, until deadline: Int64) -> Int32? {
        var status: Int32 = 0
        while true {
            let result = waitpid(child, &status, WNOHANG)
            if result == child { return status }
            if result < 0, errno != EINTR { return 0 }
            if now() >= deadline { return nil }
            usleep(5_000)
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
