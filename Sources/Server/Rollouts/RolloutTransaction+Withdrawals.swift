import JSON
import Rollout
import Store
import Timestamps

/// Which jobs of a campaign are being taken back, and how far that has come: the payload of a timer, so that it goes on after
/// any crash, on any server.
private struct WithdrawalRun {
    /// Whether jobs with a permit that have not passed the point of no return are asked to end as well.
    var isOfStarted: Bool
    /// Who caused it, as the audit log names them.
    var actor: String
    /// Why, as people said it.
    var reason: String
    /// The last host that was looked at; nil for none.
    var after: String?

    init(isOfStarted: Bool, actor: String, reason: String) {
        self.isOfStarted = isOfStarted
        self.actor = actor
        self.reason = reason
    }

    init(_ timer: StoredTimer) throws {
        var object = try JSONObject(JSONValue(parsing: Array(timer.payload.utf8), limits: .message))
        isOfStarted = try object.bool("started")
        actor = try object.string("by", maximumBytes: 256)
        reason = try object.string("reason", maximumBytes: 4096)
        after = try object.optionalString("after", maximumBytes: 256)
        try object.finish()
    }

    var payload: String {
        var fields: [String: JSONValue] = [
            "started": .bool(isOfStarted), "by": .string(actor), "reason": .string(reason),
        ]
        if let after { fields["after"] = .string(after) }
        return JSONValue.object(fields).canonicalText
    }

    /// The states whose jobs are looked at.
    var words: Set<String> {
        HostJob.State.words { state in
            state == .planned || state == .offered || isOfStarted && (state.isInFlight || state.phase != nil)
        }
    }
}

// Jobs are taken back a page of hosts at a time, as they were made. That nothing begins meanwhile does not rest on it: a claim
// and a confirmation look at the campaign's state in their own transaction, so that a halt holds from its own on, and what has
// a ticket already has it for as long as tickets are valid and no longer.
extension RolloutTransaction {
    /// Takes back every job that has no permit.
    ///
    /// - Parameter isOfStarted: whether those with a permit are asked to end as well, where they may still.
    func withdraw(_ campaign: CampaignRecord, isOfStarted: Bool, by actor: String) throws {
        // One that is under way begins anew: what it was to do is done by this one too.
        let earlier = try withdrawalTimer(campaign.id).map(WithdrawalRun.init)
        try withdrawPage(
            WithdrawalRun(
                isOfStarted: isOfStarted || earlier?.isOfStarted == true, actor: actor, reason: campaign.reason),
            campaign)
    }

    /// Whether jobs of the campaign still wait to be taken back: until then it is not halted or cancelled, and gets no new ones.
    func isWithdrawing(_ campaign: String) throws -> Bool { try withdrawalTimer(campaign) != nil }

    /// Takes back the next page.
    ///
    /// - Returns: whether there are more.
    func continueWithdrawals(_ campaign: String) throws -> Bool {
        guard let timer = try withdrawalTimer(campaign) else { return false }
        guard let record = try sql.campaigns.show(organisation: organisation, id: campaign) else {
            try drop(timer)
            return false
        }
        return try withdrawPage(WithdrawalRun(timer), record)
    }

    private func withdrawalTimer(_ campaign: String) throws -> StoredTimer? {
        try sql.timers.show(organisation: organisation, kind: TimerName.withdrawals, subject: campaign)
    }

    @discardableResult
    private func withdrawPage(_ run: WithdrawalRun, _ campaign: CampaignRecord) throws -> Bool {
        let jobs = try sql.jobs.latest(
            organisation: organisation, campaign: campaign.id, words: run.words, after: run.after,
            limit: Self.offerPage + 1)
        let page = jobs.prefix(Self.offerPage)
        for job in page {
            let current = try job.hostJob()
            guard !current.isCancelRequested, !current.hasMutated else { continue }
            try handle(.cancel(by: run.actor, reason: run.reason), job, by: run.actor)
        }
        guard jobs.count > page.count, let last = page.last else {
            try sql.timers.cancel(organisation: organisation, kind: TimerName.withdrawals, subject: campaign.id)
            return false
        }
        var next = run
        next.after = last.host
        try sql.timers.set(
            StoredTimer(
                organisation: organisation, kind: TimerName.withdrawals, subject: campaign.id,
                version: campaign.version, dueAt: now, payload: next.payload))
        return true
    }
}
