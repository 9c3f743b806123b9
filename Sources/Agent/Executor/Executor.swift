import Glibc
import JSON
import Timestamps
import Wire

/// The root executor: starts the network process and the scans, and has no network itself.
///
/// One thread in poll(2). What the network process asks for is one thing in this version, a scan, and its answer is
/// made of what a child of the executor's own found.
public final class Executor {
    private let layout: StateLayout
    private let arguments: [String]
    let scanTimeout: Int64
    let folder: DurableFolder
    private let signals: Int32
    var watch = ChangeWatch()
    var isolation = NetworkIsolation()
    private var network: NetworkChild?
    var scan: RunningScan?
    private var restartDelay: Int64 = 1000
    private var nextStart: Int64 = 0
    var scanWanted = false
    private var settle: (first: Int64, due: Int64)?
    var lastFingerprint: [String] = []
    var lastScanEnd: Timestamp?
    var lastScanProblem: String?
    private var restarts: Int64 = 0
    private var desk: TrustedOrders?
    private var jobs: JobSupervisor?
    private var jobsProblem: String?
    private var changelogs: ChangelogReader?

    private struct NetworkChild {
        let process: ChildProcess
        let socket: Int32
        let started: Int64
        var decoder = FrameDecoder()
        var outgoing: [[UInt8]] = []
        var written = 0
    }

    /// A scan that takes longer is killed, in seconds, unless told otherwise.
    public static let scanTimeout: Int64 = 180
    /// After the last change in a package operation, in milliseconds; and at most that long after the first.
    private static let settleTime: Int64 = 5000
    private static let settleLimit: Int64 = 120_000

    /// An executor for that state folder.
    ///
    /// - Parameters:
    ///   - arguments: passed on to the network process.
    ///   - scanTimeout: a scan that takes longer is killed, in seconds.
    public init(
        layout: StateLayout, arguments: [String], scanTimeout: Int64 = Executor.scanTimeout
    ) throws(SystemError) {
        self.layout = layout
        self.scanTimeout = scanTimeout
        self.arguments = arguments
        try layout.prepare(for: UnprivilegedUser.find())
        folder = try DurableFolder(layout.executor)
        signals = SystemCalls.signalDescriptor(for: [SIGTERM, SIGINT, SIGCHLD, SIGHUP])
        guard signals >= 0 else { throw SystemError("wait for", "signals") }
        openJobs()
    }

    /// Opens what the host believes and what it was about to do. Where that cannot be read the host is still reported, but
    /// takes no orders: a lost memory of orders must not become a believing one.
    private func openJobs() {
        do {
            guard let owner = try Self.owner(layout) else { return }
            if let problem = owner.problem {
                jobsProblem = problem
                Journal.write(.error, problem)
            }
            let desk = try TrustedOrders(folder, organisation: owner.organisation, host: owner.host)
            self.desk = desk
            let layout = layout
            jobs = try JobSupervisor(
                layout: layout, desk: desk,
                launch: { [unowned self] job throws(SystemError) in
                    try self.isolation.lend { () throws(SystemError) in try JobLauncher(layout: layout).start(job) }
                })
        } catch {
            jobsProblem = "\(error)"
            Journal.write(.error, "no orders are taken: \(error)")
        }
    }

    /// Whose host this is. Where the network process's identity is gone or cannot be read, root's own memory tells: a job
    /// that has begun must end. Nil on a host that never enrolled; `problem` says why root's memory had to tell.
    static func owner(_ layout: StateLayout) throws -> (organisation: String, host: String, problem: String?)? {
        let folder = try DurableFolder(layout.executor, create: false)
        func remembered() throws -> (organisation: String, host: String)? { try TrustStore.owner(in: folder) }
        do {
            if let identity = try IdentityStore(DurableFolder(layout.network, create: false)).load() {
                return (identity.grant.organisation, identity.grant.host, nil)
            }
            return try remembered().map { ($0.organisation, $0.host, nil) }
        } catch {
            guard let owner = try remembered() else { throw error }
            let why = "the host's identity cannot be read, jobs that have begun go on: \(error)"
            return (owner.organisation, owner.host, why)
        }
    }

    /// Runs until SIGTERM or SIGINT.
    public func run() throws(SystemError) {
        SystemCalls.keepMemorySmall()
        signal(SIGPIPE, SIG_IGN)
        startNetwork()
        // Only now: the network process keeps the host's network.
        isolation.isolate()
        lastFingerprint = watch.fingerprint()
        tellStatus()
        while true {
            let now = Moment.now().uptime
            var descriptors = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
            descriptors.append(pollfd(fd: watch.isWatching ? watch.descriptor : -1, events: Int16(POLLIN), revents: 0))
            let wanted = POLLIN | (network?.outgoing.isEmpty == false ? POLLOUT : 0)
            descriptors.append(pollfd(fd: network?.socket ?? -1, events: Int16(wanted), revents: 0))
            descriptors.append(
                pollfd(fd: scan?.ended == false ? scan?.pipe ?? -1 : -1, events: Int16(POLLIN), revents: 0))
            descriptors.append(
                pollfd(fd: changelogs?.isOpen == true ? changelogs?.pipe ?? -1 : -1, events: Int16(POLLIN), revents: 0))
            let wait = wait(from: now)
            if wait < 0 || wait >= 2000 { SystemCalls.trimMemory() }
            let ready = poll(&descriptors, 5, wait)
            guard ready >= 0 || errno == EINTR else { throw SystemError("wait for", "events") }
            if descriptors[0].revents != 0, takeSignals() {
                stop()
                return
            }
            if descriptors[1].revents != 0, watch.drain() { noticeChange() }
            if descriptors[2].revents != 0 { serveNetwork(descriptors[2].revents) }
            if descriptors[3].revents != 0 { readScan() }
            if descriptors[4].revents != 0 { changelogs?.read() }
            finishScan()
            finishChangelogs()
            takeTimers()
            lookAtJobs()
        }
    }

    // MARK: Time

    private func wait(from now: Int64) -> Int32 {
        var due: [Int64] = []
        if network == nil { due.append(nextStart) }
        if let settle { due.append(settle.due) }
        if let scan { due.append(scan.deadline) }
        if let jobs = jobs?.due { due.append(jobs) }
        if let changelogs { due.append(changelogs.deadline) }
        // Without inotify, a look at the files' times each minute.
        if !watch.isWatching { due.append(now + 60_000) }
        guard let first = due.min() else { return -1 }
        return Int32(clamping: max(0, first - now))
    }

    private func takeTimers() {
        let now = Moment.now().uptime
        if network == nil, now >= nextStart { startNetwork() }
        if let scan, scan.status == nil, now >= scan.deadline {
            self.scan?.problem = "it took longer than \(scanTimeout) s and was ended"
            scan.process.signal(SIGKILL)
            self.scan?.ended = true
            // SIGCHLD tells the rest, however long the kernel takes to end it.
            self.scan?.deadline = .max
        }
        if changelogs.map({ now >= $0.deadline }) ?? false { changelogs?.end("it took too long and was ended") }
        if !watch.isWatching, settle == nil { noticeChange() }
        if let settle, now >= settle.due {
            self.settle = nil
            let fingerprint = watch.fingerprint()
            if fingerprint != lastFingerprint {
                lastFingerprint = fingerprint
                send(Frame(.changed))
            }
        }
    }

    private func noticeChange() {
        let now = Moment.now().uptime
        let first = settle?.first ?? now
        settle = (first, min(now + Self.settleTime, first + Self.settleLimit))
    }

    // MARK: The network process

    private func startNetwork() {
        var pair: [Int32] = [-1, -1]
        do throws(SystemError) {
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else { throw SystemError("make", "a socket pair") }
            defer { close(pair[1]) }
            let end = pair[1]
            let process = try isolation.lend { () throws(SystemError) in
                try ChildProcess(
                    ["run", "--network-process", "--state", layout.path] + arguments, descriptors: [end])
            }
            _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
            network = NetworkChild(process: process, socket: pair[0], started: Moment.now().uptime)
            tellStatus()
        } catch {
            Journal.write(.error, "\(error)")
            if pair[0] >= 0 { close(pair[0]) }
            planRestart()
        }
    }

    private func planRestart() {
        nextStart = Moment.now().uptime + restartDelay
        restartDelay = min(restartDelay * 2, 60_000)
        restarts += 1
    }

    private func networkEnded(_ status: Int32) {
        guard let child = network else { return }
        close(child.socket)
        network = nil
        if Moment.now().uptime - child.started > 600_000 { restartDelay = 1000 }
        planRestart()
        Journal.write(
            .warning,
            "the network process ended (\(ChildProcess.describe(status))); the next one starts in "
                + "\(max(1, (nextStart - Moment.now().uptime) / 1000)) s")
        // Nobody waits for its result any more; the next network process asks anew.
        scan?.isAbandoned = true
        scan?.ended = true
        scan?.process.signal(SIGKILL)
        changelogs?.isAbandoned = true
        changelogs?.end("nobody waits for it")
        scanWanted = false
        jobs?.sayAgain()
    }

    /// Bytes that may wait for a network process that does not read; more, and it is started anew.
    private static let maximumOutgoing = 128 << 20

    func send(_ frame: Frame) {
        guard (network?.outgoing.reduce(0) { $0 + $1.count } ?? 0) < Self.maximumOutgoing else {
            network?.process.signal(SIGKILL)
            return
        }
        network?.outgoing.append(frame.encoded)
        flush()
    }

    private func flush() {
        while let child = network, let bytes = child.outgoing.first {
            let wrote = bytes.withUnsafeBytes {
                write(child.socket, $0.baseAddress?.advanced(by: child.written), bytes.count - child.written)
            }
            // EAGAIN: poll tells when it goes on. Other errors: the child has ended, which SIGCHLD tells.
            guard wrote > 0 else { return }
            network?.written += wrote
            if child.written + wrote == bytes.count {
                network?.outgoing.removeFirst()
                network?.written = 0
            }
        }
    }

    private func serveNetwork(_ events: Int16) {
        if events & Int16(POLLOUT) != 0 { flush() }
        guard events & Int16(POLLIN | POLLHUP | POLLERR) != 0, let child = network else { return }
        guard let bytes = Self.readSome(child.socket) else {
            // It closed the socket: it must end, if it has not.
            child.process.signal(SIGKILL)
            reap()
            return
        }
        network?.decoder.append(bytes)
        do {
            while let frame = try network?.decoder.next() {
                try take(frame)
            }
        } catch {
            Journal.write(.error, "\(error)")
            child.process.signal(SIGKILL)
        }
    }

    /// Takes what the network process says. It is believed in nothing: orders count as far as their signatures are good.
    private func take(_ frame: Frame) throws {
        let now = Moment.now()
        switch frame.kind {
        case .scanRequest: startScan()
        case .orders:
            let orders = try JobOrders(json: JSONValue(parsing: frame.payload, limits: .facts))
            takeOrders(orders, now)
        case .jobAnswer:
            jobs?.take(try RelayedAnswer(json: JSONValue(parsing: frame.payload, limits: .facts)), now: now)
        case .jobReply:
            jobs?.take(try RelayedReply(json: JSONValue(parsing: frame.payload, limits: .message)), now: now)
        case .changelogOrder:
            startChangelogs(try ChangelogOrder(json: JSONValue(parsing: frame.payload, limits: .message)))
        case .document, .observation, .scanFailed, .changed, .executorStatus, .jobQuestion, .jobProgress,
            .changelogResult:
            break
        }
    }

    private func takeOrders(_ orders: JobOrders, _ now: Moment) {
        if let roles = orders.roles, let desk {
            do throws(TrustStoreError) {
                try desk.adopt(roles: roles)
            } catch {
                RefusalLog(folder).note(job: "", code: error.code, error.description, now)
            }
        }
        jobs?.take(orders, now: now)
    }

    private func lookAtJobs() {
        // Also without a network process: a job that has begun must end.
        for frame in jobs?.look(now: .now()) ?? [] { send(frame) }
        if jobs?.isAtWork ?? false { changelogs?.end("a job is at work") }
    }

    // MARK: Changelogs

    private func startChangelogs(_ order: ChangelogOrder) {
        func refuse(_ why: String) {
            send(Frame(.changelogResult, ChangelogResult(problem: why).json.canonicalBytes()))
        }
        guard changelogs == nil else { return refuse("changelogs are being read already") }
        guard !(jobs?.isAtWork ?? false) else { return refuse("a job is at work") }
        do throws(SystemError) {
            changelogs = try isolation.lend { () throws(SystemError) in
                try ChangelogReader(order, folder: layout.executor)
            }
        } catch {
            refuse("\(error)")
        }
    }

    private func finishChangelogs() {
        guard let result = changelogs?.result else { return }
        let isAbandoned = changelogs?.isAbandoned ?? false
        changelogs?.close()
        changelogs = nil
        if isAbandoned { return }
        if !result.problem.isEmpty { Journal.write(.info, "changelogs were not all read: \(result.problem)") }
        send(Frame(.changelogResult, result.json.canonicalBytes()))
    }

    /// What can be read now; nil at the end.
    static func readSome(_ descriptor: Int32) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
            let got = read(descriptor, buffer.baseAddress, buffer.count)
            if got > 0 { return Array(buffer[..<got]) }
            return got < 0 && (errno == EAGAIN || errno == EINTR) ? [] : nil
        }
    }

    // MARK: Signals and the end

    /// Reads the signals; true where one asks to end.
    private func takeSignals() -> Bool {
        var stops = false
        withUnsafeTemporaryAllocation(byteCount: 1280, alignment: 8) { buffer in
            // signalfd_siginfo is 128 bytes and begins with the signal's number (signalfd(2)).
            let got = read(signals, buffer.baseAddress, buffer.count)
            for offset in stride(from: 0, to: max(0, got), by: 128) {
                let number = Int32(bitPattern: buffer.load(fromByteOffset: offset, as: UInt32.self))
                if number == SIGTERM || number == SIGINT { stops = true }
            }
        }
        reap()
        return stops
    }

    private func reap() {
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            if pid == network?.process.pid { networkEnded(status) }
            if pid == scan?.process.pid { scan?.status = status }
            if pid == changelogs?.process.pid { changelogs?.status = status }
        }
    }

    private func stop() {
        network?.process.signal(SIGTERM)
        scan?.process.signal(SIGKILL)
        changelogs?.process.signal(SIGKILL)
        // All that matters is on disk at any moment: half a second is politeness.
        for _ in 0..<50 where network != nil {
            usleep(10_000)
            var status: Int32 = 0
            if let child = network, waitpid(child.process.pid, &status, WNOHANG) == child.process.pid { network = nil }
        }
        network?.process.signal(SIGKILL)
        try? folder.remove(ExecutorStatus.file)
    }

    func tellStatus() {
        var fields: [String: JSONValue] = [
            "pid": .integer(Int64(getpid())), "networkPID": .integer(Int64(network?.process.pid ?? 0)),
            "isolated": .string(isolation.state), "restarts": .integer(restarts),
            "watching": .string(watch.isWatching ? "inotify" : "a look each minute: inotify is not available"),
            "user": .integer(Int64(geteuid())),
        ]
        if let lastScanEnd { fields["lastScan"] = .string(lastScanEnd.description) }
        if let jobsProblem { fields["jobsProblem"] = .string(jobsProblem) }
        if let lastScanProblem { fields["scanProblem"] = .string(lastScanProblem) }
        let bytes = JSONValue.object(fields).canonicalBytes()
        try? folder.replace(ExecutorStatus.file, with: bytes, durable: false)
        send(Frame(.executorStatus, bytes))
    }
}

/// The executor's own status file.
public enum ExecutorStatus {
    /// Its name in the executor's folder.
    public static let file = "status.json"
}
