import Glibc
import Timestamps
import Wire

/// Scans, each in a child of its own: one at a time, and what it says is checked before anybody hears it.
extension Executor {
    /// A scan that has begun, and what it has said.
    struct RunningScan {
        let process: ChildProcess
        let pipe: Int32
        var deadline: Int64
        var decoder = FrameDecoder()
        var frames: [Frame] = []
        var problem: String?
        var ended = false
        var status: Int32?
        var isAbandoned = false
    }

    /// The facts of the last scan: an amount on the border of two steps stays in the step where it was.
    static let facts = "facts"

    func startScan() {
        guard scan == nil else {
            scanWanted = true
            return
        }
        scanWanted = false
        var pair: [Int32] = [-1, -1]
        do throws(SystemError) {
            guard pipe(&pair) == 0 else { throw SystemError("make", "a pipe") }
            for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            defer { close(pair[1]) }
            lastFingerprint = watch.fingerprint()
            let process = try ChildProcess(
                ["scan", "--documents", folder.path(of: Self.facts)],
                descriptors: [pair[1]] + (isolation.hostNetwork >= 0 ? [isolation.hostNetwork] : []))
            _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
            scan = RunningScan(
                process: process, pipe: pair[0], deadline: Moment.now().uptime + scanTimeout * 1000)
        } catch {
            if pair[0] >= 0 { close(pair[0]) }
            lastScanProblem = "\(error)"
            send(Frame(.scanFailed, text: "\(error)"))
        }
    }

    func readScan() {
        guard let running = scan, !running.ended else { return }
        guard let bytes = Self.readSome(running.pipe) else {
            scan?.ended = true
            return
        }
        scan?.decoder.append(bytes)
        do {
            while let frame = try scan?.decoder.next() {
                switch frame.kind {
                case .document, .observation: scan?.frames.append(frame)
                case .scanFailed: scan?.problem = frame.text
                default: scan?.problem = "it sent a frame that does not belong to a scan"
                }
                if (scan?.frames.count ?? 0) > 4 { throw FrameError.unknownKind(frame.kind.rawValue) }
            }
        } catch {
            scan?.problem = "\(error)"
            scan?.ended = true
            running.process.signal(SIGKILL)
        }
    }

    func finishScan() {
        guard let done = scan, done.ended, let status = done.status else { return }
        close(done.pipe)
        scan = nil
        defer { if scanWanted { startScan() } }
        if done.isAbandoned { return }
        var problem = done.problem
        if problem == nil, status != 0 { problem = "it ended with \(ChildProcess.describe(status))" }
        if problem == nil, done.frames.count != 4 || done.frames.last?.kind != .observation {
            problem = "its result was incomplete"
        }
        lastScanProblem = problem
        if let problem {
            Journal.write(.warning, "the scan failed: \(problem)")
            send(Frame(.scanFailed, text: String(problem.prefix(500))))
        } else {
            lastScanEnd = Moment.now().wall
            for frame in done.frames {
                if let document = frame.document, document.kind == .facts {
                    try? folder.replace(Self.facts, with: document.bytes, durable: false)
                }
                send(frame)
            }
        }
        tellStatus()
    }
}
