import JSON
import Rollout
import Store
import Timestamps
import Wire

/// Which jobs a campaign's hosts are being given, and how far that has come: the payload of a timer, so that it goes on after
/// any crash, on any server.
private struct OfferRun {
    /// Whether the jobs take their hosts back.
    var rollsBack: Bool
    /// Who caused it, as the audit log names them.
    var actor: String
    /// The last host that was looked at; nil for none.
    var after: String?

    init(rollsBack: Bool, actor: String) {
        self.rollsBack = rollsBack
        self.actor = actor
    }

    init(_ timer: StoredTimer) throws {
        var object = try JSONObject(JSONValue(parsing: Array(timer.payload.utf8), limits: .message))
        rollsBack = try object.bool("rollsBack")
        actor = try object.string("by", maximumBytes: 256)
        after = try object.optionalString("after", maximumBytes: 256)
        try object.finish()
    }

    var payload: String {
        var fields: [String: JSONValue] = ["rollsBack": .bool(rollsBack), "by": .string(actor)]
        if let after { fields["after"] = .string(after) }
        return JSONValue.object(fields).canonicalText
    }

    /// Whether the campaign still wants them.
    func isWanted(_ state: Campaign.State) -> Bool {
        switch state {
        case .scheduled, .running, .paused: !rollsBack
        case .rollingBack: rollsBack
        default: false
        }
    }
}

// Jobs are made a page of hosts at a time, each page in a transaction of its own: no campaign is so large that others wait
// for it, or that it is never done.
extension RolloutTransaction {
    /// How many hosts are looked at in one transaction.
    static let offerPage = 200

    /// Gives every host of the plan its job, and a new attempt to those whose last one was taken back before it began.
    func offerJobs(_ campaign: CampaignRecord, by actor: String) throws {
        try sql.permits.setBudget(
            organisation: organisation, group: campaign.group, capacity: campaign.storedPlan().budget, now: now)
        try offerPage(OfferRun(rollsBack: false, actor: actor), campaign)
    }

    /// Gives every host that changed a job that takes it back, for the next day. One whose way back did not begin is asked
    /// again; one on which it failed needs a person.
    func offerRollbacks(_ campaign: CampaignRecord, by actor: String) throws {
        try offerPage(OfferRun(rollsBack: true, actor: actor), campaign)
    }

    /// Whether hosts of the campaign still wait to be looked at: then nothing follows from what the others' jobs are.
    func isOffering(_ campaign: String) throws -> Bool {
        try sql.timers.show(organisation: organisation, kind: TimerName.offers, subject: campaign) != nil
    }

    /// Gives the next page of hosts their jobs.
    ///
    /// - Returns: whether there are more.
    func continueOffers(_ campaign: String) throws -> Bool {
        guard
            let timer = try sql.timers.show(organisation: organisation, kind: TimerName.offers, subject: campaign)
        else { return false }
        let run = try OfferRun(timer)
        guard let record = try sql.campaigns.show(organisation: organisation, id: campaign),
            let state = Campaign.State(rawValue: record.stateWord), run.isWanted(state)
        else {
            try drop(timer)
            return false
        }
        return try offerPage(run, record)
    }

    /// Makes no more jobs than there are.
    func stopOffers(_ campaign: String) throws {
        try sql.timers.cancel(organisation: organisation, kind: TimerName.offers, subject: campaign)
    }

    @discardableResult
    private func offerPage(_ run: OfferRun, _ campaign: CampaignRecord) throws -> Bool {
        guard try !isWithdrawing(campaign.id) else {
            // Else what is still being taken back would take these back as well.
            try setOffers(run, campaign, due: now.adding(seconds: 1))
            return false
        }
        let hosts = try sql.campaigns.hosts(
            organisation: organisation, campaign: campaign.id, after: run.after, limit: Self.offerPage + 1)
        let page = hosts.prefix(Self.offerPage)
        let plan = try campaign.storedPlan()
        let timeouts = JobTimeouts(plan.actions)
        let own = try plan.window.isOfPolicies ? policyWindows(plan) : nil
        let begin = try wayBackBegan(campaign)
        for host in page {
            let last = try sql.jobs.latest(organisation: organisation, campaign: campaign.id, host: host.host)
            if run.rollsBack {
                try offerRollback(campaign, last, from: begin, timeouts, by: run.actor)
            } else {
                try offerJob(campaign, host, last, timeouts, own, by: run.actor)
            }
        }
        guard hosts.count > page.count, let last = page.last else {
            try stopOffers(campaign.id)
            return false
        }
        var next = run
        next.after = last.host
        try setOffers(next, campaign, due: now)
        return true
    }

    private func setOffers(_ run: OfferRun, _ campaign: CampaignRecord, due: Timestamp) throws {
        try sql.timers.set(
            StoredTimer(
                organisation: organisation, kind: TimerName.offers, subject: campaign.id, version: campaign.version,
                dueAt: due, payload: run.payload))
    }

    private func offerJob(
        _ campaign: CampaignRecord, _ host: CampaignHost, _ last: JobRecord?, _ timeouts: JobTimeouts,
        _ own: PolicyWindows?, by actor: String
    ) throws {
        if let last {
            guard last.stateWord == JobOutcome.cancelled.rawValue, !last.rollsBack else { return }
        }
        // Approved late, or resumed: the host's next window is as good as the one that it has missed.
        if now > host.lastSafeStart, let own, let window = try nextWindow(campaign, host.host, own) {
            return try offer(
                campaign, host: host.host, attempt: (last?.attempt ?? 0) + 1, rollsBack: false, window, timeouts,
                by: actor)
        }
        // A host too late for its window gets a job as well, which expires by its timer: it is counted and shown.
        guard last == nil || now <= host.lastSafeStart else { return }
        try offer(
            campaign, host: host.host, attempt: (last?.attempt ?? 0) + 1, rollsBack: false,
            HostJob.Window(notBefore: host.notBefore, lastSafeStart: host.lastSafeStart, notAfter: host.notAfter),
            timeouts, by: actor)
    }

    private func policyWindows(_ plan: StoredPlan) throws -> PolicyWindows {
        PolicyWindows(
            try HostCalendars(sql, PolicyCache(), organisation: organisation), plan.actions,
            minutes: plan.window.minutes)
    }

    /// A host's next window by the policies, within what the campaign was approved for; nil where there is none.
    private func nextWindow(
        _ campaign: CampaignRecord, _ host: String, _ own: PolicyWindows
    ) throws -> HostJob.Window? {
        guard let end = try campaign.campaign().endsAt,
            let record = try sql.hosts.show(organisation: organisation, id: host), record.status == .active
        else { return nil }
        return try own.find(record, after: now).windows.first { $0.notAfter <= end }
    }

    /// Gives a host that has missed its own window the next one, where the plan takes windows from the policies.
    func offerNextWindow(_ job: JobRecord) throws {
        guard !job.rollsBack, job.stateWord == JobOutcome.expired.rawValue, job.attempt < 20 else { return }
        let campaign = try campaign(job.campaign)
        guard campaign.stateWord == Campaign.State.running.rawValue else { return }
        let plan = try campaign.storedPlan()
        guard plan.window.isOfPolicies, let window = try nextWindow(campaign, job.host, policyWindows(plan)),
            window.notBefore >= job.notAfter
        else { return }
        try offer(
            campaign, host: job.host, attempt: job.attempt + 1, rollsBack: false, window, JobTimeouts(plan.actions),
            by: "server", sentence: "It missed its window that ended at \(job.notAfter).")
    }

    private func offerRollback(
        _ campaign: CampaignRecord, _ last: JobRecord?, from begin: Timestamp, _ timeouts: JobTimeouts,
        by actor: String
    ) throws {
        guard let last else { return }
        var effective = last
        while effective.attempt > 1, try effective.hasEndedWithoutEffect() {
            effective = try job(
                HostJob.id(campaign: campaign.id, host: last.host, attempt: effective.attempt - 1))
        }
        guard try effective.mayHaveChangedHost() else { return }
        let window = HostJob.Window(
            notBefore: now, lastSafeStart: begin.adding(seconds: Campaign.rollbackTime - 3600),
            notAfter: begin.adding(seconds: Campaign.rollbackTime))
        try offer(
            campaign, host: last.host, attempt: last.attempt + 1, rollsBack: true, window, timeouts, by: actor,
            sentence: try whyNotTakenBack(last.host))
    }

    /// When the day of the way back began, which is the same for every page of hosts.
    private func wayBackBegan(_ campaign: CampaignRecord) throws -> Timestamp {
        guard let timer = try campaign.campaign().timer, timer.kind == .rollback else { return now }
        return min(now, timer.due.adding(seconds: -Campaign.rollbackTime))
    }

    /// What a person has to do before a host's agent can be told to go back; empty for nothing.
    private func whyNotTakenBack(_ id: String) throws -> String {
        guard let host = try sql.hosts.show(organisation: organisation, id: id),
            host.protocolVersion < Int64(ProtocolVersion.readsRollbackReleases.rawValue)
        else { return "" }
        return "The agent of \(host.hostname) (\(host.agentVersion)) speaks protocol "
            + "\(host.protocolVersion) and would refuse a release that only takes hosts back, so it is not sent. Upgrade "
            + "fettle-agent there; the job is offered as soon as the new one checks in."
    }
}
