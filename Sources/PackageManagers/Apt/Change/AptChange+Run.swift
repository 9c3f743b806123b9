import Glibc
import JSON

extension AptChange {
    /// Starts a run in a session of its own; it goes on when the caller dies. Returns as soon as it runs.
    ///
    /// Apt's runs work on the kept files only, without any repository, and are tried first: what would come out otherwise
    /// than planned is not begun.
    ///
    /// - Parameters:
    ///   - number: names its files; a number that was used is found again, never started twice.
    ///   - lockWait: seconds that it may wait for locks of others.
    /// - Throws: where it cannot begin; nothing was changed then.
    public func start(
        _ kind: AptRun.Kind, plan: AptPlan, number: Int, lockWait: Int = 120
    ) throws(AptChangeError) -> AptRun {
        try start(kind, steps: plan.steps, automatic: plan.automatic, number: number, lockWait: lockWait)
    }

    /// The run of that number, ended or not; nil where it was never started.
    public func run(number: Int) -> AptRun? {
        let files = runFiles(number)
        let host = FileTree(root: "/")
        if let bytes = try? host.read(files.started, limit: 4096),
            let json = try? JSONValue(parsing: bytes, limits: .message), let run = try? AptRun(json: json)
        {
            return run
        }
        guard let bytes = try? host.read(files.asked, limit: 64),
            let kind = AptRun.Kind(rawValue: String(decoding: bytes, as: UTF8.self).trimmed)
        else { return nil }
        // The starter died in between: what runs is known by the script on its command line.
        let script = scriptPath(number)
        let leader = ProcessStatus.all().first { $0.isAlive && ProcessStatus.command($0.pid).contains(script) }
        guard leader != nil || files.exitCode != nil else { return nil }
        let session = leader.flatMap { ProcessStatus(pid: $0.session) } ?? leader
        return AptRun(
            kind: kind, number: number, pid: session?.pid ?? 0, startTime: session?.startTime ?? 0,
            bootID: ProcessStatus.bootID)
    }

    /// How far a run is. Cheap; to be asked as often as progress shall be shown.
    public func poll(_ run: AptRun) -> AptRunState {
        reap(run)
        let files = runFiles(run.number)
        if files.exitCode == nil, isAlive(run) {
            var report = RunReport()
            report.read(status: RunFiles.tail(files.progress, bytes: 8 << 10))
            return .running(report.progress)
        }
        reap(run, within: 1_000)
        // Asked again: it may have ended in between.
        return .ended(outcome(files, exitCode: files.exitCode))
    }

    /// Takes a run that has ended from the kernel's table of processes, where this process started it.
    ///
    /// A run's leader says its exit code before it is gone. Who looks only then would leave it there, as a zombie, for as
    /// long as this process lives: hence the time to wait for it.
    private func reap(_ run: AptRun, within milliseconds: Int64 = 0) {
        guard run.pid > 0 else { return }
        let start = Clock.milliseconds
        var status: Int32 = 0
        // 0: it is still there; otherwise it was taken now, or is not ours to take.
        while waitpid(run.pid, &status, WNOHANG) == 0, Clock.milliseconds - start < milliseconds { usleep(5_000) }
    }

    /// Ends a run with all that it started: TERM, after `grace` seconds KILL.
    public func end(_ run: AptRun, grace: Int = 10) {
        guard run.pid > 0, run.bootID == ProcessStatus.bootID else { return }
        let leader = ProcessStatus(pid: run.pid)
        // Another process of that number may lead another session by now.
        guard leader == nil || leader?.startTime == run.startTime else { return }
        var signal = SIGTERM
        let start = Clock.milliseconds
        while true {
            let members = ProcessStatus.session(run.pid)
            if members.isEmpty { break }
            for member in members { kill(member.pid, signal) }
            let spent = Clock.milliseconds - start
            if spent > Int64(grace) * 1000 { signal = SIGKILL }
            // A process that the kernel does not let go cannot be waited for.
            if spent > Int64(grace) * 1000 + 10_000 { break }
            usleep(signal == SIGKILL ? 20_000 : 100_000)
        }
        reap(run, within: 1_000)
    }

    /// Waits for a run, and ends it when it takes longer than `seconds` since it was started.
    public func wait(for run: AptRun, seconds: Int, progress: (AptProgress) -> Void = { _ in }) -> AptOutcome {
        var last: AptProgress?
        while true {
            switch poll(run) {
            case .ended(let outcome): return outcome
            case .running(let now):
                if now != last {
                    last = now
                    progress(now)
                }
            }
            var log = stat()
            if stat(runFiles(run.number).log, &log) == 0, Int64(log.st_size) > Self.logBytes {
                // A script that prints without end would fill the disk.
                end(run)
                var outcome = outcome(runFiles(run.number), exitCode: runFiles(run.number).exitCode)
                outcome.errors.insert("it printed more than \(Self.logBytes >> 20) MiB and was ended", at: 0)
                return outcome
            }
            if age(of: run) >= Int64(seconds) * 1000 {
                expire(run, seconds: seconds)
                let files = runFiles(run.number)
                return outcome(files, exitCode: files.exitCode)
            }
            usleep(50_000)
        }
    }

    /// The most that a run may print, in bytes.
    static let logBytes: Int64 = 128 << 20

    /// Ends a run because its time is over, and leaves on record that this was why.
    public func expire(_ run: AptRun, seconds: Int, grace: Int = 10) {
        // Without this note (a full disk) it counts as killed: the same care is taken of it.
        try? DurableFile.write(Array("\(seconds)\n".utf8), to: runFiles(run.number).timeout)
        end(run, grace: grace)
    }

    /// How long ago a run was started, in milliseconds; 0 where it was in another boot.
    public func age(of run: AptRun) -> Int64 {
        guard run.startTime > 0, run.bootID == ProcessStatus.bootID else { return 0 }
        return Clock.sinceBoot - Int64(run.startTime) * 1000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The last lines of a run's output, at most `bytes`.
    public func log(of run: AptRun, bytes: Int = 64 << 10) -> String {
        String(decoding: RunFiles.tail(runFiles(run.number).log, bytes: bytes), as: UTF8.self)
    }

    /// All runs of this job, by number.
    public var runs: [AptRun] {
        let names = (try? FileTree(root: "/").list(root.outside("\(folder)/runs"))) ?? []
        return Set(names.compactMap { $0.split(separator: ".").first.flatMap { Int($0) } }).sorted()
            .compactMap { run(number: $0) }
    }

    // MARK: Inner

    func runFiles(_ number: Int) -> RunFiles { RunFiles(folder: root.outside("\(folder)/runs"), number: number) }

    func scriptPath(_ number: Int) -> String { "\(folder)/runs/\(number).sh" }

    func isAlive(_ run: AptRun) -> Bool {
        guard run.pid > 0, run.bootID == ProcessStatus.bootID else { return false }
        if let leader = ProcessStatus(pid: run.pid) {
            guard leader.startTime == run.startTime else { return false }
            if leader.isAlive { return true }
        }
        // The leader may have been killed alone, with dpkg still at work.
        return !ProcessStatus.session(run.pid).isEmpty
    }

    private func outcome(_ files: RunFiles, exitCode: Int32?) -> AptOutcome {
        var report = RunReport()
        report.read(status: RunFiles.tail(files.progress, bytes: 8 << 20))
        let log = String(decoding: RunFiles.tail(files.log, bytes: 1 << 20), as: UTF8.self)
        if exitCode != 0 { report.read(log: log) }
        let end: AptOutcome.End =
            if let seconds = files.endedAfter, exitCode != 0 {
                .timedOut(seconds: seconds)
            } else if let exitCode {
                .exited(exitCode)
            } else {
                .vanished
            }
        return AptOutcome(
            end: end,
            culprit: end == .exited(0)
                ? nil : report.failed ?? (exitCode == nil || files.endedAfter != nil ? report.last : nil),
            errors: end == .exited(0) ? [] : report.errors, keptConfiguration: RunReport.keptConfiguration(log))
    }

    /// Starts a run for these steps only.
    func start(
        _ kind: AptRun.Kind, steps: [PackageStep], automatic: [String], number: Int, lockWait: Int
    ) throws(AptChangeError) -> AptRun {
        if let run = run(number: number) { return run }
        let files = runFiles(number)
        try DurableFile.makeFolder(files.folder)
        let commands = try commands(kind, steps: steps, lockWait: lockWait)
        var script = "trap : TERM INT HUP\numask 022\nc=0\n"
        for (index, command) in commands.enumerated() {
            let quoted = command.map(Self.quoted).joined(separator: " ")
            script += index == 0 ? "\(quoted) 4>&- || c=$?\n" : "[ $c != 0 ] || \(quoted) 4>&- || c=$?\n"
        }
        if !automatic.isEmpty, kind != .configure {
            // Naming a file counts as a wish of a person for apt; these packages are here for others' sake.
            let marks = ["apt-mark", "-qq"] + AptCommand.privateCaches + ["auto"] + automatic
            script += marks.map(Self.quoted).joined(separator: " ") + " 3>&- 4>&- || :\n"
        }
        script += "printf '%-\(RunFiles.exitWidth - 1)s\\n' \"$c\" >&4\n"
        try DurableFile.write(Array(script.utf8), to: root.outside(scriptPath(number)))
        try DurableFile.write([UInt8](repeating: 0x20, count: RunFiles.exitWidth), to: files.exit)
        try DurableFile.write(Array("\(kind.rawValue)\n".utf8), to: files.asked)
        let pid = try Detached.start(
            root.enter + ["sh", scriptPath(number)], environment: AptCommand.environment,
            files: Detached.Files(log: files.log, progress: files.progress, exit: files.exit))
        let run = AptRun(
            kind: kind, number: number, pid: pid, startTime: ProcessStatus(pid: pid)?.startTime ?? 0,
            bootID: ProcessStatus.bootID)
        // Without this file it is found by its command line.
        try? DurableFile.write(run.json.canonicalBytes(), to: files.started)
        return run
    }

    static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
}

/// Clocks that nobody sets.
enum Clock {
    /// Since some moment.
    static var milliseconds: Int64 { read(CLOCK_MONOTONIC) }

    /// Since the boot, sleep included: what start times of processes count.
    static var sinceBoot: Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: Int32) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
