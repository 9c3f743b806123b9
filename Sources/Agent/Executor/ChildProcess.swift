import Glibc

/// A child of the executor: this same program with other arguments, and one descriptor or two to talk over.
struct ChildProcess {
    let pid: pid_t

    /// The first descriptor that a child finds; the next ones follow.
    static let firstDescriptor: Int32 = 3

    /// Starts this program again.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - descriptors: given to the child as 3, 4, …; they may be close-on-exec here.
    init(_ arguments: [String], descriptors: [Int32]) throws(SystemError) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Moved out of the way first: a source may have the number of a target.
        for (index, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, 100 + Int32(index))
        }
        for index in descriptors.indices {
            posix_spawn_file_actions_adddup2(&actions, 100 + Int32(index), Self.firstDescriptor + Int32(index))
            posix_spawn_file_actions_addclose(&actions, 100 + Int32(index))
        }
        // The executor blocks signals to read them; a child must not inherit that.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var argv: [UnsafeMutablePointer<CChar>?] = (["fettle-agent"] + arguments).map { strdup($0) }
        argv.append(nil)
        defer { argv.forEach { free($0) } }
        var pid: pid_t = 0
        // By way of /proc, so that an agent whose file was just replaced starts children of its own version.
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, environ)
        guard code == 0 else {
            throw SystemError("start", "fettle-agent \(arguments.joined(separator: " "))", code: code)
        }
        self.pid = pid
    }

    /// Sends it a signal.
    func signal(_ signal: Int32) { kill(pid, signal) }

    /// How a child ended, from waitpid's status.
    static func describe(_ status: Int32) -> String {
        let signal = status & 0x7F
        return signal == 0 ? "exit code \((status >> 8) & 0xFF)" : "signal \(signal)"
    }
}
