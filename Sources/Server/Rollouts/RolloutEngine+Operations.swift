import Digest
import JSON
import Orders
import Rollout
import Store
import Timestamps
import Wire

// What operators do. `version` is the one that they saw (ETag, If-Match): another one is a ``Refusal`` with 412.
extension RolloutEngine {
    /// Makes a draft.
    func create(organisation: String, _ draft: CampaignDraft, by actor: RolloutActor) async throws -> CampaignDetails {
        try draft.check()
        let id = RandomID.make("c")
        try await transaction(organisation, actor, subject: id) { rollout in
            let required = try rollout.sql.settings.approvalsRequired(organisation: organisation)
            let campaign = Campaign(author: actor.name, approvalsRequired: required)
            var record = CampaignRecord(
                id: id, organisation: organisation, title: draft.title, author: actor.name,
                draft: draft.json.canonicalText, state: "", stateWord: "", epoch: campaign.epoch,
                approvalsRequired: required, createdAt: rollout.now)
            record.set(campaign)
            try rollout.sql.campaigns.insert(record)
            try rollout.tell(
                "campaign.created", subject: "campaign:\(id)", ["title": .string(draft.title)], by: actor.name)
        }
        return try await show(organisation: organisation, id)
    }

    /// Changes a draft, or takes a plan that awaits approval back to one: a new epoch, approvals void.
    func edit(
        organisation: String, _ id: String, version: Int64, _ draft: CampaignDraft, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try draft.check()
        try await transaction(organisation, actor, subject: id) { rollout in
            var record = try rollout.campaign(id)
            guard record.version == version else { throw Refusal(.stale) }
            func take(_ record: inout CampaignRecord) {
                record.title = draft.title
                record.draft = draft.json.canonicalText
                record.plan = nil
                record.planDigest = nil
                record.remarks = CampaignRemarks().json.canonicalText
            }
            guard record.stateWord == Campaign.State.draft.rawValue else {
                try rollout.handle(.edit(by: actor.name), record, by: actor.name, change: take)
                return try rollout.clearHosts(rollout.campaign(id))
            }
            // Whoever changes a draft has a hand in its plan.
            record = try rollout.handle(.change(by: actor.name), record, by: actor.name, change: take)
            try rollout.tell(
                "campaign.draft-edited", subject: "campaign:\(id)", ["title": .string(draft.title)], by: actor.name)
        }
        return try await show(organisation: organisation, id)
    }

    /// Freezes the draft to a plan: exact versions, hosts, window. Where that is not possible the campaign is a draft again
    /// and ``CampaignDetails/errors`` says why; that is no throw.
    func submit(
        organisation: String, _ id: String, version: Int64, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        let record = try await state.store.read { sql in
            try RolloutTransaction(sql: sql, organisation: organisation, now: Timestamp(milliseconds: 0)).campaign(id)
        }
        guard record.version == version else { throw Refusal(.stale) }
        guard record.stateWord == Campaign.State.draft.rawValue else {
            throw Refusal(.notNow("submit", "the campaign is \(record.stateWord), only a draft is submitted"))
        }
        let draft = try record.storedDraft()
        // Outside the transaction: it reads what every host reported. The hosts may change right after it anyway.
        let frozen = try await freeze(organisation: organisation, draft, campaign: id, epoch: record.epoch, by: actor)
        let token = try await writeHosts(organisation, id, version: version, frozen)
        try await transaction(organisation, actor, subject: id) { rollout in
            var current = try rollout.campaign(id)
            guard current.version == version else { throw Refusal(.stale) }
            // As the organisation has it now, not as it was when the draft was begun.
            let required = try rollout.sql.settings.approvalsRequired(organisation: organisation)
            try current.setApprovalsRequired(required)
            let submitted = try rollout.handle(.submit(by: actor.name), current, by: actor.name)
            var remarks = CampaignRemarks(errors: frozen.errors, notes: frozen.notes)
            do {
                guard let plan = frozen.plan, let startsAt = frozen.startsAt, let endsAt = frozen.endsAt else {
                    throw Refusal(.notNow("submit", frozen.errors.first ?? "nothing could be frozen"))
                }
                try rollout.handle(
                    .resolved(plan: plan.digest, startsAt: startsAt, endsAt: endsAt), submitted, by: "server"
                ) {
                    $0.plan = plan.json.canonicalText
                    $0.planDigest = plan.digest
                    $0.remarks = remarks.json.canonicalText
                }
                if let token {
                    try rollout.checkHosts(id, token)
                } else {
                    try rollout.sql.campaigns.setHosts(organisation: organisation, campaign: id, frozen.hosts)
                }
                try rollout.endHosts(id)
            } catch let error where error is TransitionError || frozen.plan == nil {
                if let transition = error as? TransitionError { remarks.errors = [transition.reason] }
                try rollout.handle(
                    .unresolvable(reason: remarks.errors.first ?? ""), submitted, by: "server"
                ) { $0.remarks = remarks.json.canonicalText }
                try rollout.clearHosts(rollout.campaign(id))
            }
        }
        return try await show(organisation: organisation, id)
    }

    /// Writes the hosts of a large plan beforehand, a page in a transaction, so that no other waits for all of them.
    ///
    /// - Returns: what names this list; nil where it is small enough for the transaction that makes the plan.
    private func writeHosts(
        _ organisation: String, _ id: String, version: Int64, _ frozen: FrozenDraft
    ) async throws -> String? {
        let most = RolloutTransaction.offerPage
        guard frozen.plan != nil, frozen.hosts.count > most else { return nil }
        let token = RandomID.make("f")
        let now = state.clock.now()
        func write<Value: Sendable>(
            _ body: @escaping @Sendable (RolloutTransaction) throws -> Value
        ) async throws -> Value {
            try await state.store.write { sql in
                try body(RolloutTransaction(sql: sql, organisation: organisation, now: now))
            }
        }
        try await write { try $0.beginHosts(id, version: version, token: token) }
        while try await write({ try $0.removeHosts(id, version: version, token: token) }) {}
        for start in stride(from: 0, to: frozen.hosts.count, by: most) {
            let page = Array(frozen.hosts[start..<min(start + most, frozen.hosts.count)])
            try await write { try $0.addHosts(id, version: version, token: token, page) }
        }
        return token
    }

    /// What ``submit(organisation:_:version:by:)`` would make of a draft; changes nothing.
    func preview(
        organisation: String, _ draft: CampaignDraft, by actor: RolloutActor
    ) async throws -> (plan: Plan?, errors: [String], notes: [String]) {
        try draft.check()
        let frozen = try await freeze(organisation: organisation, draft, campaign: "preview", epoch: 1, by: actor)
        return (frozen.plan, frozen.errors, frozen.notes)
    }

    /// Approves exactly that plan; where the organisation asks for no approval, releases it. The author's word does not
    /// count as an approval and is refused.
    ///
    /// - Parameter signature: by a key of the approver's own, over ``ReleaseDocument/Approval/signature``'s payload.
    func approve(
        organisation: String, _ id: String, plan: SHA256Digest, signature: Envelope.Signature?, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        let reach = try await reach(organisation, id, actor)
        try await transaction(organisation, actor, subject: id) { rollout in
            let record = try rollout.campaign(id)
            try reach.check(record)
            if record.approvalsRequired == 0 {
                try rollout.handle(.releaseUnapproved(by: actor.name, plan: plan), record, by: actor.name)
                return
            }
            try rollout.handle(.approve(by: actor.name, plan: plan), record, by: actor.name)
            _ = try rollout.sql.campaigns.approve(
                organisation: organisation, campaign: id,
                ApprovalRecord(
                    approver: actor.name, epoch: record.epoch, planDigest: plan, approvedAt: rollout.now,
                    keyID: signature?.keyID, signature: signature?.bytes))
        }
        return try await show(organisation: organisation, id)
    }

    /// Says no to the plan, for good.
    func deny(
        organisation: String, _ id: String, plan: SHA256Digest, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await handle(organisation, id, actor) { record in
            guard record.planDigest == plan else {
                throw Refusal(.notNow("deny", "the plan is another one by now: read it again"))
            }
            return .deny(by: actor.name, reason: reason)
        }
    }

    /// No new permits; what runs goes on.
    func pause(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await handle(organisation, id, actor) { _ in .pause(by: actor.name, reason: reason) }
    }

    /// Goes on after a pause. After a halt it takes as many people as approve a plan, and `reason` must repeat why it was
    /// halted.
    func resume(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        let reach = try await reach(organisation, id, actor)
        try await transaction(organisation, actor, subject: id) { rollout in
            let record = try rollout.campaign(id)
            try reach.check(record)
            let isHalted = record.stateWord == Campaign.State.halted.rawValue
            // As it is in this transaction: who saw a paused campaign may not let a halted one go on.
            if isHalted, !reach.mayApprove { throw Refusal(.approvalNeeded) }
            let unwell = isHalted ? try rollout.unwellCount(record.id) : 0
            try rollout.handle(
                .resume(by: actor.name, haltReason: reason.isEmpty ? nil : reason, unwell: unwell), record,
                by: actor.name)
        }
        return try await show(organisation: organisation, id)
    }

    /// Stops: what has not begun is taken back, what is past its point of no return ends by itself.
    func halt(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await handle(organisation, id, actor) { _ in .halt(by: actor.name, reason: reason) }
    }

    /// Ends it for good; running jobs as with a halt.
    func cancel(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await handle(organisation, id, actor) { _ in .cancel(by: actor.name, reason: reason) }
    }

    /// Takes the hosts that changed back to what they were; of a campaign that has ended too, for as long as the signer
    /// remembers its release. Refused where a later campaign has changed the same packages on a host: that one goes first.
    ///
    /// Asked again while it is being rolled back nothing changes. Hosts whose way back is under way keep the release that
    /// they have until the next one is signed.
    ///
    /// - Parameter overWrittenOff: whether later jobs that were given up, of which nobody knows what they did, do not count;
    ///   that is on record.
    func rollBack(
        organisation: String, _ id: String, reason: String, overWrittenOff: Bool, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        let scans = state.scanTimes()
        let reach = try await reach(organisation, id, actor)
        try await transaction(organisation, actor, subject: id) { rollout in
            let record = try rollout.campaign(id)
            try reach.check(record)
            if record.stateWord == Campaign.State.rollingBack.rawValue { return }
            try rollout.handle(.rollBack(by: actor.name, reason: reason), record, by: actor.name) {
                $0.clearSigningRemark()
            }
            let givenUp = try rollout.checkNothingLater(record, scans, overWrittenOff: overWrittenOff)
            if !givenUp.isEmpty {
                try rollout.tell(
                    "campaign.written-off-overridden", subject: "campaign:\(id)",
                    [
                        // An event has a bound; what was not named is in the campaign's own later jobs.
                        "jobs": .array(givenUp.prefix(1000).map(JSONValue.string)),
                        "count": .integer(Int64(givenUp.count)), "reason": .string(reason),
                    ], by: actor.name)
            }
        }
        return try await show(organisation: organisation, id)
    }

    /// The same, where given-up jobs count.
    func rollBack(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await rollBack(organisation: organisation, id, reason: reason, overWrittenOff: false, by: actor)
    }

    /// Closes a halted campaign as failed.
    func close(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails {
        try await handle(organisation, id, actor) { _ in .close(by: actor.name) }
    }

    /// Gives up on a host that fell silent or is not well: its job ends, its permit is given back. On record with the reason.
    func writeOff(
        organisation: String, job: String, reason: String, by actor: RolloutActor
    ) async throws -> JobDetails {
        try await transaction(organisation, actor, subject: job, kind: "job") { rollout in
            let record = try rollout.job(job)
            guard let host = try rollout.sql.hosts.show(organisation: organisation, id: record.host),
                actor.mayChange(host)
            else { throw Refusal(.missing("job", job)) }
            try rollout.handle(.writeOff(by: actor.name, reason: reason), record, by: actor.name)
        }
        return try await self.job(organisation: organisation, job)
    }

    /// How many approvals a plan needs in the organisation; 1 where nobody has set it.
    func approvalsRequired(organisation: String) async throws -> Int64 {
        try await state.store.read { try $0.settings.approvalsRequired(organisation: organisation) }
    }

    /// Sets how many approvals a plan needs, 0 to 16. Zero is an explicit choice, on record, and shown on each campaign.
    func setApprovalsRequired(organisation: String, _ count: Int64, by actor: RolloutActor) async throws {
        guard (0...16).contains(count) else {
            throw Refusal(.notNow("set the number of approvals", "\(count) is not from 0 to 16"))
        }
        let now = state.clock.now()
        try await state.store.write { sql in
            let before = try sql.settings.approvalsRequired(organisation: organisation)
            try sql.settings.set(
                RolloutEngine.approvalsSetting, Array(String(count).utf8), organisation: organisation, now: now)
            try RolloutTransaction(sql: sql, organisation: organisation, now: now).tell(
                "campaigns.approvals-required", subject: "organisation:\(organisation)",
                ["from": .integer(before), "to": .integer(count)], by: actor.name)
        }
    }

    // MARK: - Below

    private func handle(
        _ organisation: String, _ id: String, _ actor: RolloutActor,
        _ event: @escaping @Sendable (CampaignRecord) throws -> Campaign.Event
    ) async throws -> CampaignDetails {
        let reach = try await reach(organisation, id, actor)
        try await transaction(organisation, actor, subject: id) { rollout in
            let record = try rollout.campaign(id)
            try reach.check(record)
            try rollout.handle(try event(record), record, by: actor.name)
        }
        return try await show(organisation: organisation, id)
    }

    /// Runs `body` in one transaction. An event that does not fit changes nothing, is put on record, and is a 409.
    func transaction(
        _ organisation: String, _ actor: RolloutActor, subject: String, kind: String = "campaign",
        _ body: @escaping @Sendable (RolloutTransaction) throws -> Void
    ) async throws {
        let now = state.clock.now()
        do {
            try await state.store.write { sql in
                try body(RolloutTransaction(sql: sql, organisation: organisation, now: now))
            }
        } catch let error as TransitionError {
            await state.audit(
                organisation: organisation, actor: actor.name, action: "\(kind).refused", subject: "\(kind):\(subject)",
                detail: [
                    "event": .string(error.event), "state": .string(error.state), "code": .string(error.code.rawValue),
                    "reason": .string(error.reason),
                ])
            throw Refusal(.notNow(error.event, "the \(error.machine) is \(error.state): \(error.reason)"))
        }
    }

    static let approvalsSetting = "campaign-approvals-required"
}

extension Settings {
    /// How many approvals a plan needs in the organisation; 1 where nobody has set it.
    func approvalsRequired(organisation: String) throws -> Int64 {
        try value(RolloutEngine.approvalsSetting, organisation: organisation)
            .flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 1
    }
}

extension CampaignRecord {
    /// What was asked for.
    func storedDraft() throws -> CampaignDraft {
        try CampaignDraft(json: JSONValue(parsing: Array(draft.utf8), limits: .plan))
    }

    /// Makes the reducer of a draft ask for that many approvals.
    mutating func setApprovalsRequired(_ count: Int64) throws {
        approvalsRequired = count
        var fields = try JSONValue(parsing: Array(state.utf8), limits: .message).object ?? [:]
        fields["approvalsRequired"] = .integer(count)
        state = JSONValue.object(fields).canonicalText
    }
}

extension CampaignDraft {
    /// - Throws: a refusal for what has the right form and no meaning.
    func check() throws {
        var faults: [Problem.Fault] = []
        func fault(_ pointer: String, _ detail: String, _ cure: String) {
            faults.append(Problem.Fault(pointer: pointer, detail: detail, cure: cure))
        }
        if title.allSatisfy(\.isWhitespace) { fault("/title", "it is empty", "Give the campaign a name.") }
        switch packages {
        case .named(let names) where names.isEmpty: fault("/packages/names", "it is empty", "Name packages.")
        case .exact(let list) where list.isEmpty: fault("/packages/versions", "it is empty", "Name packages.")
        default: break
        }
        if case .ids(let ids) = hosts, ids.isEmpty {
            fault("/hosts/ids", "it is empty", "Name hosts, or select them by labels.")
        }
        if actions.healthChecks.isEmpty, actions.consecutivePasses < 1 {
            fault("/actions/consecutivePasses", "it is below 1", "Set it to 1 or more.")
        }
        if !faults.isEmpty { throw Refusal(.unprocessable(faults)) }
    }
}

extension Problem {
    /// What does not fit the state that something is in.
    static func notNow(_ event: String, _ why: String) -> Problem {
        Problem(
            "not-now", title: "This cannot be done now", status: 409, detail: "Cannot \(event): \(why).",
            cure: "Read it again (fettle campaign show), and do what its state allows.")
    }

    static let approvalNeeded = Problem(
        "approval-needed", title: "This takes somebody who may approve", status: 409,
        detail:
            "To go on after a halt is a new approval, and your roles do not include campaigns:approve on each of its hosts.",
        cure: "Ask somebody with the role approver.")

    static func unsignable(_ why: String) -> Problem {
        Problem(
            "unsignable", title: "This cannot be signed", status: 409, detail: "\(why).",
            cure: "Edit the campaign and have it approved anew.")
    }
}
