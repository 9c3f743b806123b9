import JSON
import Rollout
import Store
import Timestamps

/// Runs the reducers of campaigns and jobs within one transaction: state row, event, audit leaf, outbox and timer are
/// written together or not at all.
struct RolloutTransaction {
    /// The transaction.
    let sql: Transaction
    /// Whose campaigns.
    let organisation: String
    /// The server's time, once for the whole transaction.
    let now: Timestamp

    /// The kinds of timer rows; the subject is a campaign or a job.
    enum TimerName {
        /// The campaign's own timer.
        static let campaign = "campaign"
        /// A release is to be signed: of the plan, or for the way back.
        static let signing = "campaign-sign"
        /// More hosts of a campaign are to be given their jobs.
        static let offers = "campaign-offers"
        /// More jobs of a campaign are to be taken back.
        static let withdrawals = "campaign-withdrawals"
        /// More hosts of a campaign are to go back to their own interval.
        static let rest = "campaign-rest"
        /// The list of a draft's hosts is being written, or is to be removed.
        static let hosts = "campaign-hosts"
        /// The job's own timer.
        static let job = "job"
    }

    // MARK: - Reading

    /// The campaign of that id.
    ///
    /// - Throws: a refusal with 404 where the organisation has none.
    func campaign(_ id: String) throws -> CampaignRecord {
        guard let record = try sql.campaigns.show(organisation: organisation, id: id) else {
            throw Refusal(.missing("campaign", id))
        }
        return record
    }

    /// The job of that id.
    ///
    /// - Throws: a refusal with 404 where the organisation has none.
    func job(_ id: String) throws -> JobRecord {
        guard let record = try sql.jobs.show(organisation: organisation, id: id) else {
            throw Refusal(.missing("job", id))
        }
        return record
    }

    // MARK: - Campaigns

    /// Hands an event to a campaign and does what it asks for.
    ///
    /// - Parameters:
    ///   - actor: who caused it, as the audit log names them.
    ///   - change: sets what goes with the event beside the reducer's state (plan, release).
    /// - Throws: `TransitionError` where the event does not fit.
    @discardableResult
    func handle(
        _ event: Campaign.Event, _ record: CampaignRecord, by actor: String,
        change: (inout CampaignRecord) throws -> Void = { _ in }
    ) throws -> CampaignRecord {
        var campaign = try record.campaign()
        let effects = try campaign.handle(event, now: now)
        var next = record
        try change(&next)
        next.set(campaign)
        guard let saved = try sql.campaigns.update(next, now: now) else { throw Refusal(.stale) }
        // One walk over the hosts does both.
        let isRevoking = effects.contains(.revokeUnstarted)
        for effect in effects where !(isRevoking && effect == .withdrawOffers) {
            try perform(effect, saved, campaign, by: actor)
        }
        let isAtRest = saved.isTerminal || campaign.state == .halted
        if isAtRest, saved.stateWord != record.stateWord { try restHosts(saved, after: nil) }
        return saved
    }

    private func perform(
        _ effect: Campaign.Effect, _ record: CampaignRecord, _ campaign: Campaign, by actor: String
    ) throws {
        switch effect {
        case .audit(let action, let detail):
            try tell(action, subject: "campaign:\(record.id)", detail, by: actor)
        case .setTimer(let kind, let due):
            try sql.timers.set(
                StoredTimer(
                    organisation: organisation, kind: TimerName.campaign, subject: record.id, version: record.version,
                    dueAt: due, payload: Self.payload(kind.rawValue)))
        case .cancelTimer:
            try sql.timers.cancel(organisation: organisation, kind: TimerName.campaign, subject: record.id)
        case .resolve:
            // Whoever submits resolves, before this transaction: `resolved` follows in it.
            break
        case .signRelease, .signRollback:
            try sql.timers.set(
                StoredTimer(
                    organisation: organisation, kind: TimerName.signing, subject: record.id, version: record.version,
                    dueAt: now))
        case .offerJobs: try offerJobs(record, by: actor)
        case .withdrawOffers: try withdraw(record, isOfStarted: false, by: actor)
        case .revokeUnstarted:
            // Those without a permit among them.
            try stopOffers(record.id)
            try withdraw(record, isOfStarted: true, by: actor)
        case .offerRollbacks: try offerRollbacks(record, by: actor)
        case .ring, .offerTail:
            // Campaigns of several rings are not made by this server yet.
            break
        case .verifyHosts:
            // The scheduler compares the hosts' next scans.
            break
        }
    }

    /// Writes down what happened: for the audit log, and for whoever watches.
    func tell(_ action: String, subject: String, _ detail: JSONValue, by actor: String, isEvent: Bool = true) throws {
        try sql.audit.append(
            organisation: organisation, actor: actor, action: action, subject: subject, detail: detail, now: now)
        if isEvent {
            try sql.events.record(
                organisation: organisation, kind: action, subject: subject, payload: detail, now: now)
        }
    }

    static func payload(_ kind: String) -> String {
        String(decoding: (["kind": .string(kind)] as JSONValue).canonicalBytes(), as: UTF8.self)
    }
}

extension CampaignRecord {
    /// The reducer's state.
    func campaign() throws -> Campaign { try Campaign(json: JSONValue(parsing: Array(state.utf8), limits: .message)) }

    /// Takes the reducer's state, and repeats what queries need of it.
    mutating func set(_ campaign: Campaign) {
        state = campaign.json.canonicalText
        stateWord = campaign.state.rawValue
        epoch = campaign.epoch
        approvalsRequired = campaign.approvalsRequired
        reason = campaign.reason ?? ""
        isTerminal = campaign.state.isTerminal
        author = campaign.author
    }
}

extension JSONValue {
    /// The canonical form as text.
    var canonicalText: String { String(decoding: canonicalBytes(), as: UTF8.self) }
}
