import JSON
import Rollout
import Store
import Timestamps

// A plan's list of hosts is written a page at a time, while its campaign is still a draft; only the transaction that makes the
// plan makes the list count. A timer says who is writing: whoever begins later takes it over, and what a server that died left
// behind goes an hour later.
extension RolloutTransaction {
    /// Seconds after which a list that nobody finished is removed.
    private static let hostsLease: Int64 = 3600

    /// Begins to write the hosts of a draft's plan.
    ///
    /// - Parameters:
    ///   - version: of the draft that was frozen.
    ///   - token: names this attempt.
    /// - Throws: a refusal with 412 where the draft is another one by now.
    func beginHosts(_ campaign: String, version: Int64, token: String) throws {
        try checkDraft(campaign, version)
        try setHostsTimer(campaign, version, due: now.adding(seconds: Self.hostsLease), token)
    }

    /// Writes a page of hosts.
    ///
    /// - Throws: a refusal with 412 where somebody else has begun since, or the draft is another one by now.
    func addHosts(_ campaign: String, version: Int64, token: String, _ hosts: [CampaignHost]) throws {
        try checkDraft(campaign, version)
        try checkHosts(campaign, token)
        try sql.campaigns.addHosts(organisation: organisation, campaign: campaign, hosts)
    }

    /// Removes a page of what an earlier attempt has left.
    ///
    /// - Returns: whether there may be more.
    func removeHosts(_ campaign: String, version: Int64, token: String) throws -> Bool {
        try checkDraft(campaign, version)
        try checkHosts(campaign, token)
        return try removePage(campaign)
    }

    /// - Throws: a refusal with 412 where that attempt is not the one that wrote the list.
    func checkHosts(_ campaign: String, _ token: String) throws {
        let timer = try sql.timers.show(organisation: organisation, kind: TimerName.hosts, subject: campaign)
        guard timer?.payload == Self.payload(token) else { throw Refusal(.stale) }
    }

    /// The list counts, or there is none.
    func endHosts(_ campaign: String) throws {
        try sql.timers.cancel(organisation: organisation, kind: TimerName.hosts, subject: campaign)
    }

    /// Removes the list of a campaign that is a draft again: a first page at once, the rest soon.
    func clearHosts(_ campaign: CampaignRecord) throws {
        guard try removePage(campaign.id) else { return try endHosts(campaign.id) }
        try setHostsTimer(campaign.id, campaign.version, due: now, "")
    }

    /// Removes the next page of a draft's list, whose timer has fired.
    ///
    /// - Returns: whether there may be more.
    func continueClearing(_ campaign: String) throws -> Bool {
        let record = try sql.campaigns.show(organisation: organisation, id: campaign)
        guard record?.stateWord == Campaign.State.draft.rawValue, try removePage(campaign) else {
            try endHosts(campaign)
            return false
        }
        return true
    }

    /// Lets a page of the hosts that were asked for a proof go back to their own interval; a timer brings the next one, whose
    /// payload is the last host of this.
    ///
    /// - Returns: whether there are more.
    @discardableResult
    func restHosts(_ record: CampaignRecord, after host: String?) throws -> Bool {
        let hosts = try sql.campaigns.hurriedHosts(
            organisation: organisation, campaign: record.id, after: host, limit: Self.offerPage + 1)
        for host in hosts.prefix(Self.offerPage) { try refreshHost(host) }
        guard hosts.count > Self.offerPage else {
            try sql.timers.cancel(organisation: organisation, kind: TimerName.rest, subject: record.id)
            return false
        }
        try sql.timers.set(
            StoredTimer(
                organisation: organisation, kind: TimerName.rest, subject: record.id, version: record.version,
                dueAt: now, payload: hosts[Self.offerPage - 1]))
        return true
    }

    /// The next page of ``restHosts(_:after:)``.
    func continueRest(_ campaign: String) throws -> Bool {
        guard
            let timer = try sql.timers.show(organisation: organisation, kind: TimerName.rest, subject: campaign),
            let record = try sql.campaigns.show(organisation: organisation, id: campaign)
        else { return false }
        return try restHosts(record, after: timer.payload)
    }

    private func removePage(_ campaign: String) throws -> Bool {
        try sql.campaigns.removeHosts(organisation: organisation, campaign: campaign, limit: Self.offerPage)
            == Self.offerPage
    }

    private func checkDraft(_ campaign: String, _ version: Int64) throws {
        let record = try self.campaign(campaign)
        guard record.version == version, record.stateWord == Campaign.State.draft.rawValue else {
            throw Refusal(.stale)
        }
    }

    private func setHostsTimer(_ campaign: String, _ version: Int64, due: Timestamp, _ token: String) throws {
        try sql.timers.set(
            StoredTimer(
                organisation: organisation, kind: TimerName.hosts, subject: campaign, version: version, dueAt: due,
                payload: Self.payload(token)))
    }
}
