public import Digest
public import Timestamps
public import Wire

/// What the network process does next: a pure machine `(state, event, now) -> effects`.
///
/// The shell performs the effects in order and tells the outcome as events; clock and randomness come with each event.
/// A *cycle* is one contact with the server: deliver what waits, check in, fetch the state where it changed, renew the
/// certificate where that is due. One exchange is under way at a time; a scan may run beside it.
public struct AgentLoop: Sendable {
    /// What must not be forgotten.
    public internal(set) var memory: AgentMemory
    /// Who the host is.
    public internal(set) var credentials: Credentials
    /// The report queue.
    public internal(set) var queue: QueueView
    /// The protocol spoken.
    public internal(set) var version: ProtocolVersion
    /// Whether the server lets the host take part.
    public internal(set) var standing: Standing = .accepted
    /// How often each kind of failure and refusal came since the start.
    public internal(set) var refusals: [String: Int64] = [:]
    /// The last cycle that went through.
    public internal(set) var lastSuccess: Timestamp?
    /// The last failure and its time.
    public internal(set) var lastFailure: (time: Timestamp, text: String)?
    /// The last scan: when it ended.
    public internal(set) var lastScan: Observation?
    /// Why the last scan failed; nil after one that did not.
    public internal(set) var scanProblem: String?
    /// How far the server's clock is ahead of this host's, in seconds, at the last check-in.
    public internal(set) var serverAhead: Int64?
    /// Seconds between check-ins.
    public internal(set) var interval: Int64
    /// When the next contact is due, in milliseconds of uptime.
    public internal(set) var nextContact: Int64 = 0

    let startDelay: Int64
    var backoff = Backoff()
    var cycle: Cycle?
    var scanning: String?
    /// When it began, in milliseconds of uptime.
    var scanBegan: Int64?
    var pendingScan: String?
    var forceReport = false
    var fulfillingScan: Int64 = 0
    var nextScan = Int64.max
    /// When the certificate is renewed.
    package internal(set) var nextRenewal: Timestamp
    var sentThrough: Int64
    var batchLimit = ReportBatch.maximumCount
    var wantsComeBack = false
    var contacted = false
    var healthy = true
    var renumbers = false
    var lastRenumbering: Int64?
    let bootID: String?
    /// When the last scan began that found what `memory.digests` names, in milliseconds of uptime. What the host was like
    /// before its end but after its beginning need not be in it.
    var confirmed: Int64?
    var rejections = Rejections()
    /// The last document that the server found bad, where it has not taken what the host looks like since.
    public var rejection: (time: Timestamp, text: String)? { rejections.last }
    /// What jobs want to say.
    var jobMessages: [JobMessage] = []
    /// The one under way.
    var sentJobMessage: JobMessage?
    /// Jobs are not spoken for before this, in milliseconds of uptime: after a failure the server is left in peace.
    var jobDue: Int64 = 0
    /// Changelogs of what the host is offered.
    var changelogs = ChangelogWork()
    /// A scan whose result is not on the disk yet.
    var unkept: (digests: HostDigests, began: Int64)?

    /// A machine at the start of the process.
    ///
    /// - Parameters:
    ///   - startDelay: the first contact comes 0 to this many seconds after the start.
    ///   - bootID: the running boot; a process sees only one.
    ///   - readsChangelogs: whether the server is asked what changelogs it wants read.
    public init(
        memory: AgentMemory, credentials: Credentials, queue: QueueView, version: ProtocolVersion = .current,
        startDelay: Int64 = 60, bootID: String? = nil, readsChangelogs: Bool = false
    ) {
        self.memory = memory
        self.credentials = credentials
        self.queue = queue
        self.version = version
        self.startDelay = startDelay
        self.bootID = bootID
        if !readsChangelogs { changelogs.due = .max }
        self.interval = memory.state?.interval ?? 300
        self.nextRenewal = credentials.notAfter
        // What was sent before the start is not known any more: all of it may have been.
        self.sentThrough = queue.next - 1
    }

    /// When to send ``Event/wake``, in milliseconds of uptime; nil while an exchange is under way.
    public var wake: Int64? {
        guard cycle == nil else { return nil }
        let jobs = jobMessages.isEmpty ? Int64.max : jobDue
        return min(scanning == nil ? min(nextContact, nextScan) : nextContact, jobs)
    }

    /// Whether the connection is worth keeping until the next contact.
    public var keepsConnection: Bool { interval < 60 }

    /// Tells the machine what the queue has become.
    public mutating func observe(_ queue: QueueView) {
        if queue.incarnation != self.queue.incarnation || renumbers {
            // Nothing was sent under these numbers yet.
            sentThrough = queue.first - 1
            renumbers = false
        }
        self.queue = queue
    }

    /// Takes an event.
    public mutating func handle(
        _ event: Event, now: Moment, random: inout some RandomNumberGenerator
    ) -> [Effect] {
        switch event {
        case .started: return started(now, &random)
        case .wake: return woken(now, &random)
        case .scanned(let observation, let digests): return scanned(observation, digests, now, &random)
        case .scanFailed(let why): return scanFailed(why, now, &random)
        case .changed: return wantScan("changed", now)
        case .appended(let digests): return appended(digests, now, &random)
        case .answered(let answer): return answered(answer, now, &random)
        case .failed(let error): return failed(error, now, &random)
        case .documentLost(let document): return lost(document, now, &random)
        case .storeFailed(let why): return failed(.local(why), now, &random)
        case .job(let message): return wantJobMessage(message, now, &random)
        case .changelogs(let result): return tookChangelogs(result, now)
        }
    }

    // MARK: Start and waking

    private mutating func started(_ now: Moment, _ random: inout some RandomNumberGenerator) -> [Effect] {
        drawRenewal(&random)
        // A host that was just enrolled is waited for by somebody; a fleet that boots at once is not.
        let most = memory.state == nil && memory.acknowledged == nil ? min(startDelay, 2) : startDelay
        nextContact = now.uptime + Int64.random(in: 0...most * 1000, using: &random)
        // The executor has begun anew as well: it is told what is ordered.
        return wantScan("start", now) + (memory.state.map { [.order(JobOrders($0))] } ?? []) + [.status]
    }

    private mutating func woken(_ now: Moment, _ random: inout some RandomNumberGenerator) -> [Effect] {
        var effects: [Effect] = []
        if now.uptime >= nextScan { effects += wantScan("interval", now) }
        if cycle == nil, now.uptime >= nextContact {
            cycle = Cycle()
            effects += proceed(now, &random)
        }
        return effects + speakForJobs(now, &random)
    }

    /// Draws when to renew: at two thirds of the certificate's life and up to a twentieth of it later.
    mutating func drawRenewal(_ random: inout some RandomNumberGenerator) {
        let life = credentials.notAfter.milliseconds - credentials.notBefore.milliseconds
        let jitter = Int64.random(in: 0...max(0, life / 20), using: &random)
        nextRenewal = Timestamp(milliseconds: credentials.notBefore.milliseconds + life / 3 * 2 + jitter)
    }

    // MARK: The cycle

    /// The next exchange of the cycle, or its end.
    mutating func proceed(_ now: Moment, _ random: inout some RandomNumberGenerator) -> [Effect] {
        guard var cycle else { return [] }
        // No server needs as many; one that keeps the host busy is not one.
        cycle.exchanges += 1
        if cycle.exchanges > 1000 { return failed(.violation(.noProgress), now, &random) }
        defer { if self.cycle != nil { self.cycle = cycle } }

        if now.wall >= credentials.notAfter || wantsComeBack { return [.exchange(.comeBack)] }
        // Before everything else: somebody waits for a job, and a host that changes should be seen. But a message that the
        // server cannot answer must not keep the host from checking in.
        if let message = jobMessages.first, cycle.jobExchanges < Self.maximumJobMessages, healthy || cycle.checkedIn {
            cycle.jobExchanges += 1
            sentJobMessage = message
            return [.exchange(.job(message))]
        }
        sentJobMessage = nil
        if cycle.isForJobs { return finishJobs(now) }
        if !cycle.uploads.isEmpty {
            let document = cycle.uploads.removeFirst()
            let base = cycle.wholeOnly.contains(document) ? nil : base(for: document)
            return [.exchange(.upload(document, base: base))]
        }
        if !queue.isEmpty, !cycle.checkInFirst || cycle.checkedIn { return [.exchange(.report(limit: batchLimit))] }
        if !cycle.checkedIn { return [.exchange(.checkIn(checkIn(now)))] }
        if let wanted = cycle.stateVersion, !cycle.fetchedState, wanted != heldVersion {
            cycle.fetchedState = true
            // A state of another epoch is no condition: its tag might come again for something else.
            return [.exchange(.state(held: memory.state?.epoch == memory.epoch ? memory.state : nil))]
        }
        let asked = (memory.state?.renewRequest ?? 0) > memory.renewRequest
        if asked || now.wall >= nextRenewal, !cycle.triedRenewal {
            cycle.triedRenewal = true
            return [.exchange(.renew)]
        }
        if !cycle.toldChangelogs, let report = changelogReport(now) {
            // What was read goes one by one in one contact; what could be read is told in one of its own.
            cycle.toldChangelogs = report.claims.isEmpty
            return [.exchange(.changelogs(report))]
        }
        return finish(now, &random)
    }

    /// The version of the state held in the current epoch; 0 for none.
    var heldVersion: Int64 {
        guard let state = memory.state, state.epoch == memory.epoch else { return 0 }
        return state.version
    }

    private func checkIn(_ now: Moment) -> CheckIn {
        CheckIn(
            exchangeToken: memory.exchangeToken, bootID: bootID ?? lastScan?.bootID, epoch: memory.epoch,
            stateVersion: heldVersion, incarnation: queue.incarnation, nextReport: queue.next, digests: memory.digests,
            agentVersion: AgentVersion.text, clock: version >= .two ? now.wall : nil,
            scanAge: version >= .two && memory.digests != nil ? confirmed.map { max(0, now.uptime - $0) / 1000 } : nil)
    }

    /// The document of the same kind that the server acknowledged; facts travel whole.
    private func base(for document: NeededDocument) -> SHA256Digest? {
        guard document.document != .facts, let base = memory.acknowledged?[document.document], base != document.digest
        else { return nil }
        return base
    }

    private mutating func finish(_ now: Moment, _ random: inout some RandomNumberGenerator) -> [Effect] {
        cycle = nil
        contacted = true
        healthy = true
        standing = .accepted
        backoff.succeeded()
        lastSuccess = now.wall
        let schedule = CheckInSchedule(
            host: credentials.host, salt: memory.state?.salt ?? "", interval: interval)
        nextContact = now.uptime + schedule.wait(from: now.wall, &random)
        return (keepsConnection ? [] : [.disconnect]) + [.status]
    }
}
