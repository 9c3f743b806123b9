import JSON
import Rollout
import Store
import Timestamps
import Wire

extension RolloutTransaction {
    /// Hands an event to a job and does what it asks for.
    ///
    /// - Parameters:
    ///   - actor: who caused it, as the audit log names them.
    ///   - change: sets what goes with the event beside the reducer's state.
    /// - Returns: the job as it is now, and what is left to do: signatures.
    /// - Throws: `TransitionError` where the event does not fit.
    @discardableResult
    func handle(
        _ event: HostJob.Event, _ record: JobRecord, by actor: String,
        change: (inout JobRecord) throws -> Void = { _ in }
    ) throws -> (job: JobRecord, effects: [HostJob.Effect]) {
        var job = try record.hostJob()
        let before = job
        let effects = try job.handle(event, now: now)
        if effects.isEmpty { return (record, []) }
        var next = record
        next.set(job)
        for case .alert(let text) in effects { next.sentence = text }
        if case .cancel(_, let reason) = event, !reason.isEmpty { next.sentence = reason }
        if case .writeOff(_, let reason) = event { next.sentence = "written off: \(reason)" }
        try change(&next)
        guard let saved = try sql.jobs.update(next, now: now) else { throw Refusal(.stale) }
        var isOfferChanged = saved.isListed != record.isListed
        for effect in effects {
            switch effect {
            case .audit(let action, let detail):
                var fields = detail.object ?? [:]
                fields["host"] = .string(record.host)
                fields["campaign"] = .string(record.campaign)
                // Each record of a journal is on record; whoever watches is told of what changes the state.
                try tell(
                    action, subject: "job:\(record.id)", .object(fields), by: actor,
                    isEvent: before.state != job.state)
            case .record(let entry):
                try sql.jobs.append(
                    organisation: organisation, job: record.id, ordinal: entry.ordinal, digest: entry.digest,
                    content: entry.json.canonicalText, now: now)
            case .setTimer(let kind, let due):
                try sql.timers.set(
                    StoredTimer(
                        organisation: organisation, kind: TimerName.job, subject: record.id, version: saved.version,
                        dueAt: due, payload: Self.payload(kind.rawValue)))
            case .cancelTimer:
                try sql.timers.cancel(organisation: organisation, kind: TimerName.job, subject: record.id)
            case .permit(let state): try setPermits(saved, state)
            case .offerChanged: isOfferChanged = true
            case .alert(let text):
                try sql.events.record(
                    organisation: organisation, kind: "job.alert", subject: "job:\(record.id)",
                    payload: [
                        "host": .string(record.host), "campaign": .string(record.campaign), "reason": .string(text),
                    ], now: now)
            case .signGrant, .signTicket:
                // The caller's: a signature is no part of a transaction.
                break
            }
        }
        if isOfferChanged { try refreshHost(record.host) }
        if job.isProofOfHealth, !before.isProofOfHealth { try releaseEarlier(saved) }
        if job.state == .terminal(.expired), !before.state.isTerminal { try offerNextWindow(saved) }
        return (saved, effects)
    }

    /// The job's permits follow the reducer's.
    private func setPermits(_ job: JobRecord, _ state: Permit.State) throws {
        for group in job.groups {
            var permit =
                try sql.permits.list(organisation: organisation, job: job.id).first { $0.group == group }
                ?? PermitRecord(
                    group: group, job: job.id, host: job.host, fence: job.fence ?? 0, state: "", takenAt: now)
            permit.state = state.rawValue
            permit.fence = job.fence ?? permit.fence
            permit.reason = state == .held ? "" : job.sentence
            try sql.permits.put(organisation: organisation, permit, now: now)
        }
    }

    /// A host that has just been proved well owes nothing for earlier jobs of it that ended badly: their permits go back.
    private func releaseEarlier(_ job: JobRecord) throws {
        for earlier in try sql.jobs.newest(organisation: organisation, host: job.host)
        where earlier.id != job.id && earlier.isTerminal {
            guard try earlier.hostJob().permit?.state.isCounted == true else { continue }
            try handle(
                .writeOff(by: "server", reason: "job \(job.id) has proved the host well since"), earlier, by: "server"
            ) { $0.sentence = earlier.sentence }
        }
    }

    /// Gives the host's desired state a new version, and says from when on it shall check in often.
    func refreshHost(_ host: String) throws {
        var from: Timestamp?
        for job in try sql.jobs.listed(organisation: organisation, host: host) {
            // A job that ended here although its journal is open is only to be heard of.
            if job.isTerminal { continue }
            let due = job.stateWord == "offered" ? job.notBefore.adding(seconds: -120) : Timestamp(milliseconds: 0)
            from = min(from ?? due, due)
        }
        try sql.hosts.setJobs(organisation: organisation, host: host, from: from, now: now)
    }

    /// Gives a host another attempt in place of one that was taken back before it began.
    func offerAgain(_ job: JobRecord, _ campaign: CampaignRecord, by actor: String) throws {
        try offer(
            campaign, host: job.host, attempt: job.attempt + 1, rollsBack: job.rollsBack,
            HostJob.Window(notBefore: job.notBefore, lastSafeStart: job.lastSafeStart, notAfter: job.notAfter),
            JobTimeouts(try campaign.storedPlan().actions), by: actor)
    }

    /// Makes a host's job and offers it.
    func offer(
        _ campaign: CampaignRecord, host: String, attempt: Int64, rollsBack: Bool, _ window: HostJob.Window,
        _ timeouts: JobTimeouts, by actor: String, sentence: String = ""
    ) throws {
        let id = HostJob.id(campaign: campaign.id, host: host, attempt: attempt)
        let job = HostJob(id: id, attempt: attempt, rollsBack: rollsBack, timeouts: timeouts)
        try sql.permits.setBudget(organisation: organisation, group: "host:\(host)", capacity: 1, now: now)
        var record = JobRecord(
            id: id, organisation: organisation, campaign: campaign.id, host: host, attempt: attempt,
            rollsBack: rollsBack, state: "", stateWord: "", notBefore: window.notBefore,
            lastSafeStart: window.lastSafeStart, notAfter: window.notAfter, createdAt: now)
        record.set(job)
        record.sentence = sentence
        try sql.jobs.insert(record)
        try handle(.offer(window), record, by: actor)
    }
}

extension HostJob {
    /// Whether its end proves that the host is well, as far as its journal can.
    var isProofOfHealth: Bool {
        state == .terminal(.succeeded) || state == .terminal(.rolledBack)
    }
}

extension CampaignRecord {
    /// The budget's group.
    var group: String { "campaign:\(id)" }

    /// The plan that was frozen, without its hosts.
    ///
    /// - Throws: where there is none yet: a state that needs one has it.
    func storedPlan() throws -> StoredPlan {
        guard let plan else {
            throw StoreError(
                .corrupt, "campaign \(id) is \(stateWord) without a plan", cure: "restore the database from a backup")
        }
        return try StoredPlan(json: JSONValue(parsing: Array(plan.utf8), limits: .plan))
    }
}

extension JSONLimits {
    /// A plan of many packages.
    static let plan = JSONLimits(
        maximumBytes: 64 << 20, maximumDepth: 32, maximumItems: 2_000_000, maximumStringBytes: 1 << 20)
}

extension JobRecord {
    /// The reducer's state.
    func hostJob() throws -> HostJob { try HostJob(json: JSONValue(parsing: Array(state.utf8), limits: .message)) }

    /// The budgets that its permit counts against, in the order in which they are locked.
    var groups: [String] { ["campaign:\(campaign)", "host:\(host)"] }

    /// Takes the reducer's state, and repeats what queries need of it.
    mutating func set(_ job: HostJob) {
        state = job.json.canonicalText
        stateWord = job.state.word
        isTerminal = job.state.isTerminal
        phase = job.lastPhase?.rawValue
        fence = job.fence
        nextEntry = job.expectedEntry
        lastDigest = job.head
        if let window = job.window {
            (notBefore, lastSafeStart, notAfter) = (window.notBefore, window.lastSafeStart, window.notAfter)
        }
        switch job.state {
        case .planned: isListed = false
        case .offered, .granted, .accepted, .running, .suspect: isListed = true
        case .awaitingReboot: isListed = false
        // Ended here, but the host may not know: it is told until its journal is closed.
        default: isListed = job.expectedEntry > 1 && !job.isJournalClosed
        }
    }

    /// Whether it was to take its host back, and ended with the host as it was.
    func hasEndedWithoutEffect() throws -> Bool {
        guard rollsBack, case .terminal(let outcome) = try hostJob().state else { return false }
        switch outcome {
        case .failedNoChange, .refused, .expired, .cancelled: return true
        default: return false
        }
    }

    /// Whether the host may not be as it was before the job, as far as its journal tells.
    func mayHaveChangedHost() throws -> Bool {
        let job = try hostJob()
        switch job.state {
        case .terminal, .awaitingReboot: return !rollsBack && job.state.hasChangedHost
        // With a ticket it may have begun, although its word of it never came.
        case .lost, .writtenOff: return job.hasMutated || job.ticketExpires != nil
        default: return false
        }
    }
}
