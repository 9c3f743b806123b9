import Foundation

/// A program that a test runs; Foundation's own class waits for ever on threads without a run loop.
final class ChildProcess {
    let number: pid_t
    private var isOver = false
    /// The exit code once it has ended; 128 and the signal's number where one ended it.
    private(set) var code: Int32 = -1

    /// Starts a program with no input; its output goes to the file `output` or nowhere.
    init(_ program: String, _ arguments: [String], environment: [String] = [], output: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var number: pid_t = 0
        let code = posix_spawn(&number, program, &actions, nil, argv, envp)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        self.number = number
    }

    deinit { end() }

    /// Waits until it has ended by itself.
    func wait() {
        guard !isOver else { return }
        var status: Int32 = 0
        while waitpid(number, &status, 0) < 0, errno == EINTR {}
        end(status)
    }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        if isOver { return true }
        var status: Int32 = 0
        guard waitpid(number, &status, WNOHANG) == number else { return false }
        end(status)
        return true
    }

    private func end(_ status: Int32) {
        isOver = true
        code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    /// Kills it and waits until it is gone.
    func end() {
        guard !isOver else { return }
        kill(number, SIGKILL)
        wait()
    }
}
