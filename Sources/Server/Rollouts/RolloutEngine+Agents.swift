import Digest
import Inventory
import JSON
import Logging
import Orders
import Rollout
import Signer
import Store
import Timestamps
import Wire

/// What an agent's question comes to, before anything is signed.
private enum JobDecision: Sendable {
    /// A grant to sign, or the one that was signed.
    case grant(GrantDocument, signed: Envelope?)
    /// A ticket to sign.
    case ticket(TicketDocument)
    /// Not now.
    case wait(Int64, String)
    /// Never.
    case never(String)
    /// The agent has seen a fence that this server never gave.
    case restored(known: Int64)
}

// What agents ask and tell. The caller has admitted the host and checked its exchange token.
extension RolloutEngine {
    /// The jobs of a host's desired state, and whose signatures it acts on. What its agent's protocol does not know is kept
    /// back until it was upgraded.
    func offers(
        _ host: HostRecord, _ version: ProtocolVersion
    ) async throws -> (roles: Envelope?, jobs: [JobOffer]) {
        let jobs = try await state.store.read { sql -> [JobOffer] in
            var releases: [String: Envelope] = [:]
            var offers: [JobOffer] = []
            for record in try sql.jobs.listed(organisation: host.organisation, host: host.id)
            where !record.rollsBack || version >= .readsRollbackReleases {
                let release: Envelope
                let key = "\(record.campaign) \(record.rollsBack)"
                if let known = releases[key] {
                    release = known
                } else {
                    guard
                        let campaign = try sql.campaigns.show(organisation: host.organisation, id: record.campaign),
                        let text = record.rollsBack ? campaign.rollbackRelease : campaign.release
                    else { continue }
                    release = try Envelope(json: JSONValue(parsing: Array(text.utf8), limits: .plan))
                    releases[key] = release
                }
                offers.append(
                    JobOffer(
                        job: record.id, campaign: record.campaign, attempt: record.attempt, release: release,
                        notBefore: record.notBefore, lastSafeStart: record.lastSafeStart, notAfter: record.notAfter,
                        isCancelled: try record.isTerminal || record.hostJob().isCancelRequested,
                        rollsBack: record.rollsBack))
            }
            // What is open first, the newest of what is only to be heard of after it.
            let open = offers.filter { !$0.isCancelled }
            return Array((open + offers.filter(\.isCancelled).reversed()).prefix(DesiredState.maximumJobs))
        }
        return (jobs.isEmpty ? nil : await state.rolesCache.roles(host.organisation, state), jobs)
    }

    /// The host is ready and asks for its permit: taken, with the next fence, in one transaction that holds the budgets.
    ///
    /// - Throws: a refusal with 404 for a job that is not this host's.
    func claim(_ id: String, _ question: JobQuestion, _ host: HostRecord) async throws -> JobAnswer {
        let now = state.clock.now()
        let epoch = state.epoch
        let isRestored = state.restore != nil
        let gate = try await EvidenceGate(state, organisation: host.organisation, only: host.id, now: now)
        let decision = try await decide(host, id) { rollout, job, campaign in
            let sql = rollout.sql
            let known = try sql.fences.last(organisation: host.organisation, host: host.id)
            if question.fence > known {
                guard question.fence <= known + 1_000_000 else {
                    throw Refusal(.malformed("the fence is over a million above the last one", pointer: "/fence"))
                }
                // From now on no grant of this host falls below it, whoever acknowledges what.
                try sql.fences.note(organisation: host.organisation, host: host.id, fence: question.fence, now: now)
                return .restored(known: known)
            }
            if isRestored {
                return .wait(300, "This server seems to be restored from a backup; an operator must confirm it.")
            }
            let current = try job.hostJob()
            switch current.state {
            case .granted, .accepted:
                guard let text = job.grant else { return .never("The grant is not here any more.") }
                let document = try GrantDocument(json: JSONValue(parsing: Array(text.utf8), limits: .message))
                // One of before a restore is worth nothing: hosts refuse its epoch.
                guard document.epoch == epoch else { return try revoke(rollout, job, campaign) }
                if let no = blocked(campaign, current, now) { return no }
                // Whether it may ask again; nothing changes by it, so nothing goes on record.
                var again = current
                _ = try again.handle(.claimAgain, now: now)
                var heard = job
                heard.heardAt = now
                _ = try sql.jobs.update(heard, now: now)
                return .grant(
                    document,
                    signed: try job.grantEnvelope.map {
                        try Envelope(json: JSONValue(parsing: Array($0.utf8), limits: .message))
                    })
            case .offered: break
            case .running, .suspect:
                return .never("The job is at work already; its journal goes on.")
            default:
                return .never("The job has ended as \(job.stateWord). \(job.sentence)")
            }
            if let no = blocked(campaign, current, now) { return no }
            let plan = try campaign.storedPlan()
            // What was not known when the plan was frozen: known to be exploited since, for one.
            if let held = try held(rollout, job, plan, host, gate) { return held }
            let verdict = try windowVerdict(rollout, job, plan, state.policies)
            if let shut = try shut(verdict, rollout, job) { return shut }
            if let full = try full(rollout, job, host) { return full }
            let fence = try sql.fences.next(organisation: host.organisation, host: host.id, now: now)
            let document = GrantDocument(
                organisation: host.organisation, host: host.id, campaign: campaign.id, job: job.id,
                attempt: job.attempt, fence: fence, epoch: epoch, planDigest: plan.host.digest,
                notBefore: job.notBefore, lastSafeStart: verdict?.lastSafeStart ?? job.lastSafeStart,
                notAfter: verdict?.notAfter ?? job.notAfter,
                // A reboot would destroy what is held there: of a plan that reboots where needed, it is left pending.
                allowsReboot: plan.actions.reboot != .never && (job.rollsBack || !gate.holds(host.id)),
                rollsBack: job.rollsBack)
            try rollout.handle(.grant(fence: fence), job, by: "host:\(host.id)") {
                $0.grant = document.json.canonicalText
                $0.heardAt = now
                $0.sentence = ""
            }
            return .grant(document, signed: nil)
        }
        switch decision {
        case .grant(_, .some(let envelope)): return JobAnswer(order: envelope)
        case .grant(let document, nil):
            do {
                let envelope = try await state.signer.grant(document)
                try await keep(envelope, of: id, host)
                return JobAnswer(order: envelope)
            } catch let refusal as SignerRefusal where refusal.code == .fenceUsed {
                return try await outrun(by: refusal, id, host)
            } catch {
                return await unsigned(error, id, host)
            }
        default: return try await answer(decision, host)
        }
    }

    /// The host holds a grant, is about to change, and asks whether that still stands.
    ///
    /// - Throws: a refusal with 404 for a job that is not this host's.
    func confirm(_ id: String, _ question: JobQuestion, _ host: HostRecord) async throws -> JobAnswer {
        let now = state.clock.now()
        let epoch = state.epoch
        let isRestored = state.restore != nil
        guard question.nonce.utf8.count == 32, question.nonce.utf8.allSatisfy(isHexadecimal) else {
            throw Refusal(.malformed("the nonce is not 32 hexadecimal digits", pointer: "/nonce"))
        }
        let decision = try await decide(host, id) { rollout, job, campaign in
            if isRestored {
                return .wait(300, "This server seems to be restored from a backup; an operator must confirm it.")
            }
            let current = try job.hostJob()
            guard let text = job.grant, let fence = job.fence, fence == question.fence, !current.state.isTerminal else {
                return .never(
                    job.isTerminal
                        ? "The job has ended as \(job.stateWord). \(job.sentence)"
                        : "The grant with fence \(question.fence) is not the job's.")
            }
            let document = try GrantDocument(json: JSONValue(parsing: Array(text.utf8), limits: .message))
            guard document.epoch == epoch, document.planDigest == campaign.planDigest else {
                return .never("The grant is of another epoch or plan; claim again.")
            }
            if let no = blocked(campaign, current, now) { return no }
            // Policies may have changed since the grant: nothing begins in a freeze.
            let verdict = try windowVerdict(rollout, job, campaign.storedPlan(), state.policies)
            if let shut = try shut(verdict, rollout, job) { return shut }
            let (_, effects) = try rollout.handle(.confirm(fence: fence), job, by: "host:\(host.id)") {
                $0.heardAt = now
            }
            for case .signTicket(let expires) in effects {
                return .ticket(
                    TicketDocument(
                        organisation: host.organisation, host: host.id, job: job.id, fence: fence,
                        nonce: question.nonce, issued: rollout.now, expires: expires))
            }
            return .never("The job takes no confirmation as it is.")
        }
        guard case .ticket(let document) = decision else { return try await answer(decision, host) }
        do { return JobAnswer(order: try await state.signer.ticket(document)) } catch {
            return await unsigned(error, id, host)
        }
    }

    /// Takes records of a job's journal and pieces of its log; the answer is given when they are on disk.
    ///
    /// - Throws: a refusal with 404 for a job that is not this host's, with 409 for a journal that does not continue.
    func take(_ message: JobProgress, of id: String, _ host: HostRecord) async throws -> JobProgressReply {
        let now = state.clock.now()
        for (index, entry) in message.entries.enumerated().dropFirst()
        where entry.ordinal != message.entries[index - 1].ordinal + 1 {
            throw Refusal(
                .malformed("the records are not numbered one after the other", pointer: "/entries/\(index)/ordinal"))
        }
        for (index, entry) in message.entries.enumerated()
        where entry.detail.canonicalBytes().count > JobEntry.maximumDetailBytes {
            throw Refusal(.malformed("the detail has too many bytes", pointer: "/entries/\(index)/detail"))
        }
        if let excess = state.jobRecords.excess(host.id, adding: message.entries.count, now: now) {
            if excess.isFirst {
                state.logger.warning("too many records of jobs", metadata: ["host": "\(host.id)", "job": "\(id)"])
                await state.audit(
                    organisation: host.organisation, actor: "server", action: "host.job-record-quota-exceeded",
                    subject: "host:\(host.id)", detail: ["recordsPerHour": .integer(Int64(state.jobRecords.limit))])
            }
            throw Refusal(.jobRecordQuota(state.jobRecords.limit), retryAfter: excess.seconds)
        }
        let reply: JobProgressReply
        let new: Int64
        do {
            (reply, new) = try await state.store.write { sql in
                let rollout = RolloutTransaction(sql: sql, organisation: host.organisation, now: now)
                let job = try rollout.job(id, of: host.id)
                let reply = try rollout.take(message, of: job)
                return (reply, reply.expectedEntry - job.nextEntry)
            }
        } catch let error as TransitionError {
            await refused(error, id, host)
            throw Refusal(.journalRefused(error.code.rawValue, error.reason))
        }
        state.jobRecords.add(host.id, Int(new), now: now)
        state.progress.note(id, percent: message.percent, activity: message.activity, now: now)
        return reply
    }

    // MARK: - Below

    private func decide(
        _ host: HostRecord, _ id: String,
        _ body: @escaping @Sendable (RolloutTransaction, JobRecord, CampaignRecord) throws -> JobDecision
    ) async throws -> JobDecision {
        let now = state.clock.now()
        do {
            return try await state.store.write { sql in
                let rollout = RolloutTransaction(sql: sql, organisation: host.organisation, now: now)
                let job = try rollout.job(id, of: host.id)
                // As it is in this transaction: another server may have put it into quarantine a moment ago.
                guard let current = try sql.hosts.show(organisation: host.organisation, id: host.id) else {
                    throw Refusal(.hostUnknown)
                }
                try current.status.admit()
                return try body(rollout, job, try rollout.campaign(job.campaign))
            }
        } catch let error as TransitionError {
            await refused(error, id, host)
            return .never("The job is \(error.state): \(error.reason).")
        }
    }

    /// Puts on record what a host's job did not take.
    private func refused(_ error: TransitionError, _ id: String, _ host: HostRecord) async {
        state.logger.warning(
            "a job's word was refused", metadata: ["host": "\(host.id)", "job": "\(id)", "reason": "\(error)"])
        await record(
            "job.refused", id, host,
            [
                "event": .string(error.event), "state": .string(error.state), "code": .string(error.code.rawValue),
                "reason": .string(error.reason),
            ])
    }

    /// An audit record of what was refused to a host: only so many an hour, for a host can ask as often as it likes. That
    /// there are more is on record once.
    private func record(_ action: String, _ id: String, _ host: HostRecord, _ detail: JSONValue) async {
        let now = state.clock.now()
        let excess = state.jobRefusals.excess(host.id, adding: 1, now: now)
        guard excess?.isFirst ?? true else { return }
        state.jobRefusals.add(host.id, 1, now: now)
        await state.audit(
            organisation: host.organisation, actor: "host:\(host.id)",
            action: excess == nil ? action : "host.job-refusals-exceeded",
            subject: excess == nil ? "job:\(id)" : "host:\(host.id)",
            detail: excess == nil ? detail : ["recordsPerHour": .integer(Int64(state.jobRefusals.limit))])
    }

    private func answer(_ decision: JobDecision, _ host: HostRecord) async throws -> JobAnswer {
        switch decision {
        case .wait(let seconds, let reason): return JobAnswer(order: nil, retryAfter: seconds, reason: reason)
        case .never(let reason): return JobAnswer(order: nil, reason: String(reason.prefix(1000)))
        case .restored(let known):
            try await state.noteRestore(
                organisation: host.organisation, host: host.id, fence: state.epoch,
                reason: "host \(host.id) has journaled a higher fence than \(known), the last that this server gave it")
            return JobAnswer(
                order: nil, retryAfter: 300,
                reason: "This server seems to be restored from a backup; an operator must confirm it.")
        case .grant, .ticket: return JobAnswer(order: nil, retryAfter: 30, reason: "The order is not signed yet.")
        }
    }

    /// No signature. Where the signer has refused, its sentence is on record, with the job, and in the answer: what it refuses
    /// for good is not asked for again.
    private func unsigned(_ error: any Error, _ id: String, _ host: HostRecord) async -> JobAnswer {
        state.logger.error("an order was not signed", metadata: ["job": "\(id)", "error": "\(error)"])
        guard let refusal = error as? SignerRefusal else {
            return JobAnswer(order: nil, retryAfter: 30, reason: "The server's signer does not sign at the moment.")
        }
        let sentence = "The signer refused: \(refusal.description.prefix(900))"
        await record(
            "job.unsigned", id, host,
            [
                "code": .string(refusal.code.rawValue), "reason": .string(String(refusal.description.prefix(2000))),
            ])
        let now = state.clock.now()
        do {
            try await state.store.write { sql in
                guard var job = try sql.jobs.show(organisation: host.organisation, id: id) else { return }
                job.sentence = sentence
                _ = try sql.jobs.update(job, now: now)
            }
        } catch {
            state.logger.error("could not note why an order was not signed", metadata: ["error": "\(error)"])
        }
        return JobAnswer(order: nil, retryAfter: refusal.code.isPassing ? 300 : nil, reason: sentence)
    }

    /// The signer has signed a higher fence of this host than the server remembers giving: the server was restored. The grant
    /// is worth nothing; the job is offered anew above that fence.
    private func outrun(by refusal: SignerRefusal, _ id: String, _ host: HostRecord) async throws -> JobAnswer {
        let now = state.clock.now()
        let known = try await state.store.write { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: host.organisation, now: now)
            let job = try rollout.job(id, of: host.id)
            let known = try sql.fences.last(organisation: host.organisation, host: host.id)
            if let last = refusal.lastFence {
                try sql.fences.note(organisation: host.organisation, host: host.id, fence: last, now: now)
            }
            if job.stateWord == HostJob.State.granted.word {
                _ = try revoke(rollout, job, rollout.campaign(job.campaign))
            }
            return known
        }
        return try await answer(.restored(known: known), host)
    }

    /// Keeps a signed grant, so that a repeated claim gets the same bytes.
    private func keep(_ envelope: Envelope, of id: String, _ host: HostRecord) async throws {
        let now = state.clock.now()
        try await state.store.write { sql in
            guard var job = try sql.jobs.show(organisation: host.organisation, id: id), job.grantEnvelope == nil else {
                return
            }
            job.grantEnvelope = envelope.json.canonicalText
            _ = try sql.jobs.update(job, now: now)
        }
    }
}

/// Why a job may not go on whatever its budgets; nil where it may.
private func blocked(_ campaign: CampaignRecord, _ job: HostJob, _ now: Timestamp) -> JobDecision? {
    guard let word = Campaign.State(rawValue: campaign.stateWord) else { return .never("The campaign is unknown.") }
    if job.isCancelRequested { return .never("The job was cancelled.") }
    guard let window = job.window else { return .never("The job has no window.") }
    if now > window.lastSafeStart { return .never("The last safe start of the window has passed.") }
    switch word {
    case .running where !job.rollsBack, .rollingBack where job.rollsBack: break
    case .scheduled: return .wait(max(1, min(60, window.notBefore.seconds(since: now))), "The campaign has not begun.")
    case .paused: return .wait(30, "The campaign is paused.")
    default: return .never("The campaign is \(word.rawValue).")
    }
    if now < window.notBefore {
        return .wait(max(1, min(3600, window.notBefore.seconds(since: now))), "The window has not begun.")
    }
    return nil
}

/// What has to be kept on the host before it changes; nil where nothing has. Its job waits, and says for what.
private func held(
    _ rollout: RolloutTransaction, _ job: JobRecord, _ plan: StoredPlan, _ host: HostRecord, _ gate: EvidenceGate
) throws -> JobDecision? {
    guard !job.rollsBack else { return nil }
    // Moments after a start; feeds that cannot be read at all must not keep a fleet from its patches.
    if gate.isBeingRead { return .wait(60, "Whether evidence has to be kept first is known when the feeds are read.") }
    guard gate.holds(host.id),
        let member = try rollout.sql.campaigns.host(
            organisation: host.organisation, campaign: job.campaign, host: host.id),
        let target = plan.target(for: member.distribution)
    else { return nil }
    // What the host has already is not changed any more: it destroys nothing, and asks for no reboot.
    let installed = try host.digests.flatMap {
        try rollout.sql.documents.softwareSet(organisation: host.organisation, $0.set)
    }
    let present = Set((installed?.packages ?? []).map { "\($0.name):\($0.architecture) \($0.version)" })
    let changing = Set(target.packages.filter { !present.contains("\($0.id) \($0.version)") }.map(\.id))
    guard
        let why = gate.reason(
            host.id, changing: changing, reboots: PlannedHosts.reboots(changing, plan.actions, nil))
    else { return nil }
    if job.sentence != why {
        var waiting = job
        waiting.sentence = why
        _ = try rollout.sql.jobs.update(waiting, now: rollout.now)
    }
    return .wait(60, why)
}

/// What the policies in force say of the host's beginning now; nil for the way back, which waits for no window.
private func windowVerdict(
    _ rollout: RolloutTransaction, _ job: JobRecord, _ plan: StoredPlan, _ cache: PolicyCache
) throws -> WindowVerdict? {
    guard !job.rollsBack,
        let host = try rollout.sql.hosts.show(organisation: rollout.organisation, id: job.host)
    else { return nil }
    return try WindowVerdict(
        job, plan.window, plan.actions, host,
        HostCalendars(rollout.sql, cache, organisation: rollout.organisation), now: rollout.now)
}

/// Why a host may not begin by the policies in force; nil where it may. Its job waits, and says so.
private func shut(
    _ verdict: WindowVerdict?, _ rollout: RolloutTransaction, _ job: JobRecord
) throws -> JobDecision? {
    guard let why = verdict?.reason else { return nil }
    if job.sentence != why {
        var waiting = job
        waiting.sentence = why
        _ = try rollout.sql.jobs.update(waiting, now: rollout.now)
    }
    return .wait(60, why)
}

/// Why no permit is free, with every budget's row locked; nil where there is one.
private func full(_ rollout: RolloutTransaction, _ job: JobRecord, _ host: HostRecord) throws -> JobDecision? {
    let sql = rollout.sql
    for group in job.groups.sorted() {
        guard let limit = try sql.permits.lockedBudget(organisation: host.organisation, group: group) else {
            return .never("The budget \(group) is not here any more.")
        }
        var counted = try sql.permits.counted(organisation: host.organisation, group: group)
        // The way back of a host that is disturbed already disturbs no further one.
        if job.rollsBack {
            counted = try counted.filter { permit in
                guard permit.host == host.id else { return true }
                let other = try sql.jobs.show(organisation: host.organisation, id: permit.job)
                return other?.isTerminal != true
            }
        }
        let suspect = Int64(counted.count { $0.state == Permit.State.suspect.rawValue })
        let held = Int64(counted.count) - suspect
        guard Budget.mayGrant(held: held, suspect: suspect, limit: limit) else {
            if group == "host:\(host.id)" {
                let other = counted.first?.job ?? ""
                return .wait(
                    60,
                    suspect > 0
                        ? "An earlier job of this host (\(other)) did not end well; a person must look at the host and write it "
                            + "off: fettle campaign write-off \(other)."
                        : "Another job of this host (\(other)) is at work.")
            }
            return .wait(
                15, "No permit is free: \(held) held and \(suspect) with silent or unwell hosts, of \(limit) in all.")
        }
        // Silent hosts are a reason to change no more hosts, and none to leave changed ones as they are.
        if !job.rollsBack, group == job.groups[0], Budget.isHeldBySuspects(suspect: suspect, limit: limit), limit > 1 {
            return .wait(
                60, "\(suspect) hosts are silent or unwell: nothing more is granted until a person has looked.")
        }
    }
    return nil
}

/// Takes back a grant that no host will act on any more, and offers the job anew.
private func revoke(
    _ rollout: RolloutTransaction, _ job: JobRecord, _ campaign: CampaignRecord
) throws -> JobDecision {
    try rollout.handle(
        .cancel(by: "server", reason: "the grant is of an earlier epoch of the server"), job, by: "server")
    try rollout.offerAgain(job, campaign, by: "server")
    return .never("The grant is of an earlier epoch of the server; the job is offered anew.")
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
}
