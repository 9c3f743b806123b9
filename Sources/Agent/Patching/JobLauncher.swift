import Glibc

/// Starts a job process so that neither a restart nor an upgrade of the agent ends it.
struct JobLauncher {
    let layout: StateLayout

    /// The environment that a job of a test run is given as well.
    private static let passed = [
        "FETTLE_CRASH_AT", "FETTLE_CRASH_COUNT", "FETTLE_TEST_CLOCK_OFFSET", "FETTLE_TEST_JOB",
    ]

    /// Whether systemd is the host's process 1 (sd_booted(3)).
    static var hasSystemd: Bool { access("/run/systemd/system", F_OK) == 0 }

    /// The name of the unit of one start of a job, never used before in this boot: the unit of a process that was killed
    /// stays as long as a package manager that it started lives, and would keep a second start under its name away. The
    /// job's lock keeps two processes apart.
    static func unit(_ job: String, uptime: Int64) -> String { "fettle-job-\(job.prefix(16))-\(uptime).service" }

    /// Starts the process of that job; the caller has the host's network at this moment.
    ///
    /// With systemd it is a transient service: it gets the host's file systems, network and all of root's rights from
    /// process 1, whereas a scope would leave it inside what the agent's unit forbids the agent. A run of the package
    /// manager outlives it (`KillMode=process`), so that a job that dies never breaks one off. Without systemd it is a
    /// session of its own.
    func start(_ job: JobFolder) throws(SystemError) {
        let words = ["run", "--job", job.folder.path]
        guard Self.hasSystemd, geteuid() == 0 else { return try startSession(words) }
        let program = try Self.program()
        let unit = Self.unit(job.job, uptime: Moment.now().uptime)
        var command = [
            "systemd-run", "--quiet", "--collect", "--no-block", "--unit", unit,
            "--description", "Fettle: job \(job.job) changes this host",
            "--property", "KillMode=process", "--property", "TimeoutStopSec=30", "--property", "Delegate=yes",
            "--property", "OOMPolicy=continue", "--property", "StandardOutput=journal", "--property",
            "StandardInput=null",
        ]
        for name in Self.passed {
            if let value = getenv(name) { command += ["--setenv", "\(name)=\(String(cString: value))"] }
        }
        let run = BoundedRun(command: command + ["--", program] + words, timeout: 60).run()
        guard run.end.isSuccess else {
            Journal.write(.error, "systemd-run could not start job \(job.job): \(run.end.text) \(run.lastLine)")
            throw SystemError("start", "job \(job.job) with systemd-run", code: EAGAIN)
        }
    }

    /// The program's own file, also where it was replaced since.
    private static func program() throws(SystemError) -> String {
        do throws(HostTreeError) {
            return MappedFile.withoutMark(try HostTree.target(of: "/proc/self/exe")).path
        } catch {
            throw SystemError("find", "the agent's own program", code: error.number)
        }
    }

    private func startSession(_ words: [String]) throws(SystemError) {
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID, which the importer does not offer: glibc 2.26 and later.
        let newSession: Int32 = 0x80
        posix_spawnattr_setflags(&attributes, Int16(newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = (["fettle-agent"] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environ)
        guard code == 0 else { throw SystemError("start", "fettle-agent \(words.joined(separator: " "))", code: code) }
    }
}
