import Digest
import Inventory
import JSON
import Rollout
import Store
import Timestamps

// What operators read.
extension RolloutEngine {
    /// A campaign; throws 404 for an unknown one.
    func show(organisation: String, _ id: String) async throws -> CampaignDetails {
        let now = state.clock.now()
        return try await state.store.read { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            let record = try rollout.campaign(id)
            let campaign = try record.campaign()
            let hosts = try sql.campaigns.hosts(organisation: organisation, campaign: id).map(\.host)
            let counts = try sql.permits.counts(organisation: organisation, group: record.group)
            let remarks = record.storedRemarks
            var notes = remarks.notes
            if !remarks.signing.isEmpty, campaign.pendingSignature != nil {
                notes.append("The release is not signed yet: \(remarks.signing)")
            }
            return CampaignDetails(
                summary: try rollout.summary(record), draft: try record.storedDraft(),
                plan: record.plan == nil ? nil : try record.storedPlan().plan(hosts: hosts), errors: remarks.errors,
                notes: notes,
                approvals: try sql.campaigns.approvals(organisation: organisation, campaign: id).map {
                    CampaignApproval(
                        approver: $0.approver, planDigest: $0.planDigest, epoch: $0.epoch, time: $0.approvedAt,
                        isSigned: $0.signature != nil,
                        counts: $0.epoch == record.epoch && $0.planDigest == record.planDigest)
                }, permitsHeld: counts[Permit.State.held.rawValue] ?? 0,
                permitsSuspect: counts[Permit.State.suspect.rawValue] ?? 0, allowed: campaign.allowed(now: now))
        }
    }

    /// Campaigns, the newest first, after that id.
    ///
    /// - Parameters:
    ///   - open: only those that have not ended.
    ///   - host: only those whose plan has that host.
    func list(
        organisation: String, open: Bool = false, host: String? = nil, after: String? = nil, limit: Int = 100
    ) async throws -> (campaigns: [CampaignSummary], next: String?) {
        let limit = max(1, min(limit, 1000))
        let now = state.clock.now()
        return try await state.store.read { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            let records = try sql.campaigns.list(
                organisation: organisation, open: open, host: host, after: after, limit: limit + 1)
            let page = try records.prefix(limit).map(rollout.summary)
            return (page, records.count > limit ? page.last?.id : nil)
        }
    }

    /// The jobs of a campaign by host name, the latest attempt of each host, after that job.
    func jobs(
        organisation: String, campaign: String, state word: String? = nil, after: String? = nil, limit: Int = 100
    ) async throws -> (jobs: [JobSummary], next: String?) {
        let limit = max(1, min(limit, 1000))
        let now = state.clock.now()
        let progress = state.progress
        return try await state.store.read { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            _ = try rollout.campaign(campaign)
            let records = try sql.jobs.page(
                organisation: organisation, campaign: campaign, stateWord: word, after: after, limit: limit + 1)
            let page = try records.prefix(limit).map { try JobSummary($0.job, $0.hostname, progress) }
            return (page, records.count > limit ? page.last?.id : nil)
        }
    }

    /// A job with its journal from that record on.
    func job(organisation: String, _ id: String, from ordinal: Int64 = 1) async throws -> JobDetails {
        let now = state.clock.now()
        let progress = state.progress
        return try await state.store.read { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            let record = try rollout.job(id)
            let name = try sql.hosts.show(organisation: organisation, id: record.host)?.hostname ?? record.host
            let entries = try sql.jobs.entries(organisation: organisation, job: id, from: max(1, ordinal))
            return JobDetails(
                summary: try JobSummary(record, name, progress), fence: record.fence,
                packages: PackageResult.list(record.packages),
                entries: try entries.map { try JobEntry(json: JSONValue(parsing: Array($0.utf8), limits: .plan)) },
                entryCount: record.nextEntry - 1, logSize: record.logSize)
        }
    }

    /// A piece of a job's log, from that byte on, and where the next begins.
    func jobLog(
        organisation: String, _ id: String, from offset: Int64, limit: Int = 65_536
    ) async throws -> (bytes: [UInt8], next: Int64, size: Int64) {
        let now = state.clock.now()
        return try await state.store.read { sql in
            let record = try RolloutTransaction(sql: sql, organisation: organisation, now: now).job(id)
            let from = max(0, min(offset, record.logSize))
            let bytes = try sql.jobs.log(
                organisation: organisation, job: id, from: from, limit: max(1, min(limit, 1 << 20)))
            return (bytes, from + Int64(bytes.count), record.logSize)
        }
    }

    /// A text that changes whenever anything of the campaign does that its page shows, live progress included: for
    /// server-sent events.
    func progressToken(organisation: String, _ id: String) async throws -> String {
        let now = state.clock.now()
        let (version, jobs) = try await state.store.read { sql in
            (
                try RolloutTransaction(sql: sql, organisation: organisation, now: now).campaign(id).version,
                try sql.jobs.stamp(organisation: organisation, campaign: id)
            )
        }
        return "\(version).\(jobs).\(state.progress.changes)"
    }
}

extension RolloutTransaction {
    /// A campaign as lists show it.
    func summary(_ record: CampaignRecord) throws -> CampaignSummary {
        let campaign = try record.campaign()
        let draft = try record.storedDraft()
        return CampaignSummary(
            id: record.id, organisation: record.organisation, title: record.title, author: record.author,
            state: record.stateWord, reason: record.reason, version: record.version, epoch: record.epoch,
            planDigest: record.planDigest, window: draft.window, budget: draft.budget,
            hostCount: try sql.campaigns.hostCount(organisation: organisation, campaign: record.id),
            jobCounts: try sql.jobs.counts(organisation: organisation, campaign: record.id),
            approvalsRequired: record.approvalsRequired, approvalsGiven: Int64(campaign.approvals.count),
            rollsBackCampaign: record.rollsBack, created: record.createdAt, updated: record.updatedAt,
            isTerminal: record.isTerminal)
    }
}

extension Campaign {
    /// What people may ask of it now, by the words of ``CampaignDetails/allowed``.
    func allowed(now: Timestamp) -> [String] {
        func takes(_ event: Event) -> Bool {
            var copy = self
            return (try? copy.handle(event, now: now)) != nil
        }
        // Somebody who is neither author nor approver: who may do what is for the caller to say.
        let other = "\u{0}"
        var words: [String] = []
        if state == .draft || takes(.edit(by: other)) { words.append("edit") }
        if takes(.submit(by: other)) { words.append("submit") }
        if let planDigest {
            if approvalsRequired == 0
                ? takes(.releaseUnapproved(by: other, plan: planDigest)) : takes(.approve(by: other, plan: planDigest))
            {
                words.append("approve")
            }
            if takes(.deny(by: other, reason: "")) { words.append("deny") }
        }
        if takes(.pause(by: other, reason: "")) { words.append("pause") }
        if takes(.resume(by: other, haltReason: reason)) { words.append("resume") }
        if takes(.halt(by: other, reason: "")) { words.append("halt") }
        if takes(.cancel(by: other, reason: "")) { words.append("cancel") }
        if takes(.rollBack(by: other, reason: "")) { words.append("rollback") }
        if takes(.close(by: other)) { words.append("close") }
        return words
    }
}

extension JobSummary {
    /// A job as lists show it.
    init(_ record: JobRecord, _ hostname: String, _ live: LiveProgress) throws {
        let job = try record.hostJob()
        let progress = job.state.isInFlight ? live.progress(record.id) : nil
        self.init(
            id: record.id, campaign: record.campaign, host: record.host, hostname: hostname, attempt: record.attempt,
            rollsBack: record.rollsBack, state: record.stateWord, version: record.version,
            phase: record.phase.flatMap(JobPhase.init(rawValue:)),
            outcome: record.outcome.flatMap(JobOutcome.init(rawValue:)), sentence: record.sentence,
            notBefore: record.notBefore, lastSafeStart: record.lastSafeStart, notAfter: record.notAfter,
            percent: progress?.percent, activity: progress?.activity ?? "", lastHeard: record.heardAt,
            holdsPermit: job.permit?.state.isCounted == true, created: record.createdAt, updated: record.updatedAt,
            isTerminal: record.isTerminal)
    }
}

extension PackageResult {
    /// The list of a journal's last record, as far as it has the form that the protocol says.
    static func list(_ text: String) -> [PackageResult] {
        let value = try? JSONValue(parsing: Array(text.utf8), limits: .plan)
        return (value?.array ?? []).compactMap { one in
            guard let package = one["package"]?.string else { return nil }
            func field(_ key: String) -> String { one[key]?.string ?? "" }
            return PackageResult(
                package: package, from: field("from"), to: field("to"), now: field("now"), result: field("result"),
                message: field("message"), heldBack: field(JobBlame.field))
        }
    }
}
