import Digest
import Inventory
import JSON
import Logging
import Rollout
import Store
import Synchronization
import Timestamps

/// Looks after every campaign that has begun: whether its last job has ended, whether its hosts were scanned again, whether
/// too many hosts are not well. What it finds becomes an event, in a transaction that looks again.
struct RolloutSweep: Sendable {
    let state: ServerState

    /// The states in which something can be found.
    private static let states: Set<String> = [
        "scheduled", "running", "paused", "halting", "cancelling", "rolling-back", "verifying",
    ]

    func run() async throws {
        let open = try await state.store.read { try $0.campaigns.inStates(Self.states) }
        for (organisation, id) in open {
            // One that cannot be read stops no other.
            do { try await look(organisation, id) } catch {
                state.logger.error(
                    "could not look after a campaign; the others go on",
                    metadata: ["organisation": "\(organisation)", "campaign": "\(id)", "error": "\(error)"])
            }
        }
        try await lookAtReboots()
    }

    /// A reboot that was made after the campaign had ended: the job has its timer still, and may yet succeed.
    private func lookAtReboots() async throws {
        let now = state.clock.now()
        // Not each second: it is for hosts that people reboot by hand.
        guard !state.sweepMemory.isKnown("reboots", "", now: now) else { return }
        let scans = state.scanTimes()
        for (organisation, id) in try await state.store.read({ try $0.jobs.awaitingReboot() }) {
            do {
                let isBack = try await state.store.read { sql in
                    let rollout = RolloutTransaction(
                        sql: sql, organisation: organisation, now: now, policies: state.policies)
                    let job = try rollout.job(id)
                    return try rollout.isBackFromReboot(rollout.campaign(job.campaign), job, scans)
                }
                guard isBack else { continue }
                try await state.store.write { sql in
                    let rollout = RolloutTransaction(
                        sql: sql, organisation: organisation, now: now, policies: state.policies)
                    let job = try rollout.job(id)
                    guard job.stateWord == HostJob.State.awaitingReboot.word else { return }
                    try rollout.handle(.rebootProven, job, by: "server")
                }
            } catch {
                state.logger.error(
                    "could not look after a host's reboot",
                    metadata: ["organisation": "\(organisation)", "job": "\(id)", "error": "\(error)"])
            }
        }
    }

    private func look(_ organisation: String, _ id: String) async throws {
        let now = state.clock.now()
        let stamp = try await state.store.read { sql -> String? in
            guard let record = try sql.campaigns.show(organisation: organisation, id: id) else { return nil }
            // What proves a campaign is in reports, not in its own rows.
            if record.stateWord == Campaign.State.verifying.rawValue { return nil }
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now, policies: state.policies)
            return "\(record.version).\(try sql.jobs.stamp(organisation: organisation, campaign: id))."
                + "\(try rollout.isOffering(id)).\(try rollout.isWithdrawing(id))"
        }
        if let stamp, state.sweepMemory.isKnown(id, stamp, now: now) { return }
        let scans = state.scanTimes()
        let isDue = try await state.store.read { sql in
            try RolloutTransaction(sql: sql, organisation: organisation, now: now, policies: state.policies).finding(
                id, scans) != nil
        }
        guard isDue else { return }
        try await state.store.write { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now, policies: state.policies)
            guard let finding = try rollout.finding(id, scans) else { return }
            do {
                switch finding {
                case .campaign(let event): try rollout.handle(event, rollout.campaign(id), by: "server")
                case .jobs(let jobs):
                    for (job, event) in jobs { try rollout.handle(event, rollout.job(job), by: "server") }
                }
            } catch is TransitionError {
                // Somebody else was first.
            }
        }
    }
}

extension ServerState {
    /// When a host's last scan began that found what the server holds, by our clock, as this server knows it.
    ///
    /// When a report reached us tells nothing: it may have waited on its host since before a change.
    func scanTimes() -> @Sendable (HostRecord) -> Timestamp? {
        let directory = store.directory
        return { host in
            let presence = directory.presence(host: host.id)
            return [host.scannedAt, presence?.scannedAt, host.scanReported(clockOffset: presence?.clockOffset)]
                .compactMap { $0 }.max()
        }
    }
}

extension HostRecord {
    /// When the scan of the last report began: by the host's clock as far as we know how that goes, and never after the
    /// report reached us. Nil before the first report.
    ///
    /// - Parameter offset: the host's clock less ours in milliseconds, as it told it last; nil where it has not lately.
    fileprivate func scanReported(clockOffset offset: Int64?) -> Timestamp? {
        guard let reportedAt, let observedAt else { return nil }
        let ours = observedAt.milliseconds.subtractingReportingOverflow(offset ?? clockOffset ?? 0)
        return ours.overflow ? nil : min(reportedAt, Timestamp(milliseconds: ours.partialValue))
    }
}

/// What was found to need nothing, so that a large campaign's jobs are not read every second for nothing.
final class SweepMemory: Sendable {
    private let seen = Mutex<[String: (stamp: String, time: Timestamp)]>([:])

    /// Seconds after which a campaign is looked at again although none of its rows changed: a host may have been retired.
    static let lifetime: Int64 = 30

    /// Whether the campaign was looked at with that stamp a short while ago; notes that it is now.
    func isKnown(_ id: String, _ stamp: String, now: Timestamp) -> Bool {
        seen.withLock { seen in
            if let last = seen[id], last.stamp == stamp, now.seconds(since: last.time) < Self.lifetime { return true }
            if seen.count > 10_000 { seen = [:] }
            seen[id] = (stamp, now)
            return false
        }
    }
}

/// How many hosts' latest jobs are in which state.
struct JobCounts: Sendable {
    private let counts: [LatestJobCount]
    private static let states = Dictionary(
        HostJob.State.ofEachWord.map { ($0.word, $0) }, uniquingKeysWith: { first, _ in first })

    init(_ counts: [LatestJobCount]) { self.counts = counts }

    /// All of them.
    var total: Int64 { counts.reduce(0) { $0 + $1.count } }

    /// How many of which that is true; of all, or only of those that take their hosts back or do not.
    func of(rollsBack: Bool? = nil, _ isIncluded: (HostJob.State) -> Bool) -> Int64 {
        counts.reduce(0) { sum, one in
            guard rollsBack == nil || rollsBack == one.rollsBack, let state = Self.states[one.stateWord],
                isIncluded(state)
            else { return sum }
            return sum + one.count
        }
    }
}

/// Something that no single event tells.
enum RolloutFinding: Sendable {
    /// Of the campaign as a whole.
    case campaign(Campaign.Event)
    /// Of jobs.
    case jobs([(String, HostJob.Event)])
}

extension RolloutTransaction {
    /// How many hosts that are not well halt a campaign: two, or a tenth of its hosts where that is more.
    static func failuresThatHalt(of hosts: Int) -> Int { max(2, (hosts + 9) / 10) }

    /// What is to be done about a campaign; nil for nothing. Jobs are counted by their states; only those that decide
    /// something are read.
    func finding(_ id: String, _ scanned: (HostRecord) -> Timestamp?) throws -> RolloutFinding? {
        let record = try campaign(id)
        guard let word = Campaign.State(rawValue: record.stateWord) else { return nil }
        let counts = JobCounts(try sql.jobs.latestCounts(organisation: organisation, campaign: id))
        // Hosts of the plan that never had a job: not at the goal, whatever the others are.
        let missing = max(0, try sql.campaigns.hostCount(organisation: organisation, campaign: id) - counts.total)
        let retired = try sql.jobs.ofRetiredHosts(organisation: organisation, campaign: id)
        if !retired.isEmpty { return .jobs(retired.map { ($0.id, .decommission) }) }
        if counts.of({ $0 == .awaitingReboot }) > 0 {
            let rebooted = try latest(id, where: { $0 == .awaitingReboot }).filter {
                try isBackFromReboot(record, $0, scanned)
            }
            if !rebooted.isEmpty { return .jobs(rebooted.map { ($0.id, .rebootProven) }) }
        }
        switch word {
        case .halting, .cancelling:
            guard counts.of(\.isInFlight) == 0, try !isWithdrawing(id) else { return nil }
            return .campaign(.drained)
        case .running, .paused:
            if let reason = try failureReason(counts, of: counts.total + missing, record) {
                return .campaign(.halt(by: "server", reason: reason))
            }
            // The transaction that took the record has seen to it, unless the campaign was in another state then.
            if counts.of(\.isUnwell) > 0, let halt = try haltOfHang(record, counts, missing: missing) {
                return .campaign(halt)
            }
            guard counts.of({ !$0.isSettled }) == 0, try !isOffering(id) else { return nil }
            if counts.total == 0, let endsAt = try record.campaign().endsAt, now <= endsAt { return nil }
            return .campaign(
                .settled(jobs: counts.total + missing, neverStarted: counts.of(\.neverBegan) + missing))
        case .rollingBack:
            guard try record.campaign().isRollbackSigned, counts.of(rollsBack: true, { !$0.isSettled }) == 0,
                try !isOffering(id)
            else { return nil }
            let wayBack = counts.of(rollsBack: true) { $0 != .terminal(.succeeded) && $0 != .terminal(.rolledBack) }
            // What was not asked to go back, and may have changed its host all the same.
            var forward = counts.of(rollsBack: false) { !$0.isSettled || $0.hasChangedHost }
            for job in try latest(id, where: { $0 == .lost || $0 == .writtenOff }) where !job.rollsBack {
                if try job.mayHaveChangedHost() { forward += 1 }
            }
            return .campaign(.rollbackSettled(failed: wayBack + forward))
        case .verifying:
            return try verified(record, exceptions: missing + counts.of { $0 != .terminal(.succeeded) }, scanned)
        default: return nil
        }
    }

    /// How many hosts of a campaign are not well, by their latest jobs.
    func unwellCount(_ campaign: String) throws -> Int64 {
        JobCounts(try sql.jobs.latestCounts(organisation: organisation, campaign: campaign)).of(\.isUnwell)
    }

    /// The latest jobs of a campaign's hosts that are in such a state, by host.
    private func latest(
        _ campaign: String, where isIncluded: (HostJob.State) -> Bool, limit: Int? = nil
    ) throws -> [JobRecord] {
        try sql.jobs.latest(
            organisation: organisation, campaign: campaign, words: HostJob.State.words(where: isIncluded), limit: limit)
    }

    /// What the hosts' scans after their jobs say; nil while one is not there.
    private func verified(
        _ record: CampaignRecord, exceptions: Int64, _ scanned: (HostRecord) -> Timestamp?
    ) throws -> RolloutFinding? {
        /// Some of the hosts whose jobs have succeeded at a time.
        func each(_ body: (JobRecord) throws -> Bool) throws -> Bool {
            var host: String?
            while true {
                let page = try sql.jobs.latest(
                    organisation: organisation, campaign: record.id,
                    words: HostJob.State.words { $0 == .terminal(.succeeded) }, after: host, limit: Self.page)
                for job in page where try !body(job) { return false }
                guard let last = page.last, page.count == Self.page else { return true }
                host = last.host
            }
        }
        // When each was scanned first: sets are only read once every host's is there.
        guard try each({ try hasFreshScan($0, scanned) }) else { return nil }
        var exceptions = exceptions
        let isEveryoneSeen = try each { job in
            guard let isAtGoal = try isAtGoal(record, job, scanned) else { return false }
            if !isAtGoal { exceptions += 1 }
            return true
        }
        return isEveryoneSeen ? .campaign(.verified(exceptions: exceptions)) : nil
    }

    private static let page = 500

    /// Why a running campaign must stop: too many of its hosts are not well, besides those that people knew of when they let
    /// it go on after a halt.
    private func failureReason(
        _ counts: JobCounts, of hosts: Int64, _ record: CampaignRecord
    ) throws -> String? {
        let unwell = counts.of(\.isUnwell)
        let accepted = try record.campaign().acceptedUnwell
        guard unwell - accepted >= Self.failuresThatHalt(of: Int(hosts)) else { return nil }
        let names = try latest(record.id, where: \.isUnwell, limit: 5).map { job in
            let name = try sql.hosts.show(organisation: organisation, id: job.host)?.hostname ?? job.host
            return "\(name) (\(job.stateWord))"
        }
        return "\(unwell) of \(hosts) hosts are not well: \(names.joined(separator: ", "))"
            + (unwell > 5 ? ", …" : "")
    }

    private func hasFreshScan(_ job: JobRecord, _ scanned: (HostRecord) -> Timestamp?) throws -> Bool {
        guard let ended = job.heardAt, let host = try sql.hosts.show(organisation: organisation, id: job.host),
            let time = scanned(host)
        else { return false }
        return time > ended && host.digests != nil
    }

    /// Whether a host's scan after its job shows the goal; nil while there is no such scan.
    func isAtGoal(
        _ campaign: CampaignRecord, _ job: JobRecord, _ scanned: (HostRecord) -> Timestamp?
    ) throws -> Bool? {
        guard let ended = job.heardAt, let host = try sql.hosts.show(organisation: organisation, id: job.host),
            let time = scanned(host), time > ended, let digests = host.digests
        else { return nil }
        guard let member = try sql.campaigns.host(organisation: organisation, campaign: campaign.id, host: job.host),
            let target = try campaign.storedPlan().target(for: member.distribution),
            let set = try sql.documents.softwareSet(organisation: organisation, digests.set)
        else { return false }
        var installed: [String: String] = [:]
        for package in set.packages { installed["\(package.name):\(package.architecture)"] = package.version }
        let had = try member.previousVersions()
        return target.packages.allSatisfy { had[$0.id] == nil || installed[$0.id] == $0.version }
    }

    /// Whether a host that owed a reboot has had it, and its scan after it shows the goal and no more need.
    func isBackFromReboot(
        _ campaign: CampaignRecord, _ job: JobRecord, _ scanned: (HostRecord) -> Timestamp?
    ) throws -> Bool {
        guard let host = try sql.hosts.show(organisation: organisation, id: job.host), let boot = host.bootID,
            let last = try sql.jobs.entries(
                organisation: organisation, job: job.id, from: max(1, job.nextEntry - 1), limit: 1
            ).first,
            let entry = try? JobEntry(json: JSONValue(parsing: Array(last.utf8), limits: .message)),
            entry.bootID != nil, entry.bootID != boot, try isAtGoal(campaign, job, scanned) == true,
            let facts = try host.digests.flatMap({
                try sql.documents.facts(organisation: organisation, $0.facts)
            }), case .known(let verdict) = (try HostFacts(parsing: facts)).reboot
        else { return false }
        return !verdict.required
    }
}

extension CampaignHost {
    /// What the host had of the plan's packages: version by `name:architecture`.
    func previousVersions() throws -> [String: String] {
        (try JSONValue(parsing: Array(previous.utf8), limits: .plan).object ?? [:]).compactMapValues(\.string)
    }
}
