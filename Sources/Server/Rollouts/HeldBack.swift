import JSON
import Rollout
import Store
import Timestamps

/// A package that failed or hung while its host was changed.
///
/// It is not offered to that host again by itself: a campaign for all updates, or all of security, leaves the host out until a
/// person names the package or another version is offered. Where it hung, the campaign is halted with the record that says so.
extension HeldBackRecord {
    /// Why a host is not given it again, for people.
    func sentence(_ hostname: String) -> String {
        "\(package) \(version) is held back on \(hostname): \(what) (campaign \(campaign)), \(state), and it is not tried "
            + "again by itself."
    }

    /// How the host is since.
    private var state: String {
        switch JobOutcome(rawValue: outcome) {
        case .rolledBack: "it went back to its old version"
        case .rollbackFailed: "the way back failed and the host needs a person (rollback-failed)"
        case .needsRepair: "the host needs a person (needs-repair)"
        case .failedChanged: "the plan does not roll back, so what was changed stayed (failed-changed)"
        default: "the job ended as \(outcome)"
        }
    }

    /// What to do about it.
    func cure(_ hostname: String) -> String {
        let name = package.prefix { $0 != ":" }
        let again = "name it to try again: fettle campaign create TITLE --package \(name) --hosts \(hostname)."
        return JobOutcome(rawValue: outcome) == .rolledBack
            ? "Wait for another version, or \(again)"
            : "Look at the host first (fettle campaign job \(job)); then wait for another version, or \(again)"
    }
}

/// Whom a job's journal blames for its end.
struct JobBlame: Sendable {
    /// The package, as apt names it.
    var culprit: String
    /// What happened, as the agent said it.
    var what: String
    /// Whether it hung and was ended at its time limit.
    var isHung: Bool

    /// The field of its own in the list of a job's packages; what the agent said of them stays.
    static let field = "heldBack"

    /// Whether an entry of the list is the one.
    func isOf(_ id: String) -> Bool { id == culprit || id.hasPrefix("\(culprit):") }

    /// The list with the one to blame marked.
    static func mark(_ packages: JSONValue, _ blame: JobBlame?) -> JSONValue {
        .array(
            (packages.array ?? []).map { one in
                guard var fields = one.object else { return one }
                fields[field] = nil
                if let blame, blame.isOf(one["package"]?.string ?? "") { fields[field] = .string(blame.what) }
                return .object(fields)
            })
    }
}

extension RolloutTransaction {
    /// Whom the journal of a job blames for this end; nil for nobody.
    ///
    /// Not only the change itself says so: where the agent or its host died in it, the look at the host afterwards and the
    /// repair do. What hung weighs more than what failed because of it.
    func blame(_ job: JobRecord, _ outcome: JobOutcome?) throws -> JobBlame? {
        switch outcome {
        case .rolledBack, .rollbackFailed, .needsRepair, .failedChanged: break
        default: return nil
        }
        guard !job.rollsBack else { return nil }
        var found: JobBlame?
        for text in try sql.jobs.entries(organisation: organisation, job: job.id) {
            let value = try JSONValue(parsing: Array(text.utf8), limits: .message)
            guard let entry = try? JobEntry(json: value), entry.phase == .apply || entry.phase == .repair,
                entry.detail["ok"]?.bool != true, let run = entry.detail["run"], let culprit = run["culprit"]?.string
            else { continue }
            let isHung = run["hung"]?.bool == true
            if found?.isHung == true, !isHung { continue }
            found = JobBlame(culprit: culprit, what: run["cause"]?.string ?? entry.text, isHung: isHung)
        }
        return found
    }

    /// Remembers who is to blame for a job that has just ended, and halts the campaign in this transaction where it hung:
    /// from here on no claim and no confirmation gets anything.
    func holdBack(_ blame: JobBlame, _ job: JobRecord) throws {
        let packages = try? JSONValue(parsing: Array(job.packages.utf8), limits: .plan)
        for one in packages?.array ?? [] {
            guard let package = one["package"]?.string, blame.isOf(package), let version = one["to"]?.string else {
                continue
            }
            try sql.heldBack.insert(
                organisation: organisation,
                HeldBackRecord(
                    host: job.host, job: job.id, campaign: job.campaign, package: package, version: version,
                    outcome: job.outcome ?? "", what: blame.what, isHung: blame.isHung, receivedAt: now))
        }
        guard blame.isHung else { return }
        let record = try campaign(job.campaign)
        let counts = JobCounts(try sql.jobs.latestCounts(organisation: organisation, campaign: record.id))
        let missing = try sql.campaigns.hostCount(organisation: organisation, campaign: record.id) - counts.total
        guard let event = try haltOfHang(record, counts, missing: max(0, missing)) else { return }
        // Where it cannot be halted from this state the sweep looks again.
        do { try handle(event, record, by: "server") } catch is TransitionError {}
    }

    /// The halt of a campaign in which a package hung since a person last let it go on; nil where none did, or where every
    /// host is done with it already, so that there is nobody to keep it from.
    func haltOfHang(_ record: CampaignRecord, _ counts: JobCounts, missing: Int64) throws -> Campaign.Event? {
        guard [Campaign.State.running.rawValue, Campaign.State.paused.rawValue].contains(record.stateWord),
            missing + counts.of({ !$0.isSettled }) > 0
        else { return nil }
        let accepted = try record.campaign().resumeApprovals.last?.time
        let found = try sql.heldBack.list(organisation: organisation, campaign: record.id, limit: 1000)
        guard
            let hung = found.first(where: { one in
                one.isHung && (accepted.map { one.receivedAt > $0 } ?? true)
            })
        else { return nil }
        let name = try sql.hosts.show(organisation: organisation, id: hung.host)?.hostname ?? hung.host
        return .halt(
            by: "server",
            reason:
                "\(hung.package) \(hung.version) is held back: on \(name) \(hung.what). No host that has no ticket yet "
                + "gets it until a person lets this campaign go on.")
    }
}
