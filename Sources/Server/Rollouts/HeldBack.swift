import JSON
import Rollout
import Store
import Timestamps

/// A package that failed or hung while its host was changed, and went back to its old version there.
///
/// It is not offered to that host again by itself: a campaign for all updates, or all of security, leaves the host out until a
/// person names the package or another version is offered. Where it hung, the campaign is halted before other hosts get it.
struct HeldBackPackage: Sendable {
    /// `name:architecture`.
    var package: String
    /// The version that failed.
    var version: String
    /// What happened, as the agent said it.
    var what: String
    /// Whether it hung and was ended at its time limit.
    var isHung: Bool
    /// Where.
    var host: String
    /// In which campaign.
    var campaign: String

    /// The result's word in the list of a job's packages.
    static let word = "held-back"

    /// What is held back by these jobs, the newest first.
    static func list(_ jobs: [JobRecord]) -> [HeldBackPackage] {
        jobs.flatMap { job -> [HeldBackPackage] in
            let packages = try? JSONValue(parsing: Array(job.packages.utf8), limits: .plan)
            return (packages?.array ?? []).compactMap { one in
                guard one["result"]?.string == word, let package = one["package"]?.string,
                    let version = one["to"]?.string
                else { return nil }
                return HeldBackPackage(
                    package: package, version: version, what: one["message"]?.string ?? "",
                    isHung: one["hung"]?.bool ?? false, host: job.host, campaign: job.campaign)
            }
        }
    }

    /// Why a host is not given it again, for people.
    func sentence(_ hostname: String) -> String {
        "\(package) \(version) is held back on \(hostname): \(what) (campaign \(campaign)), it went back to its old version, "
            + "and it is not tried again by itself."
    }

    /// What to do about it.
    func cure(_ hostname: String) -> String {
        let name = package.prefix { $0 != ":" }
        return
            "Wait for another version, or name it to try again: fettle campaign create TITLE --package \(name) --hosts "
            + "\(hostname)."
    }
}

extension RolloutTransaction {
    /// The list of a job's packages with the one to blame marked, by what the journal says of the change.
    func markCulprit(_ packages: JSONValue, of job: JobRecord, _ outcome: JobOutcome?) throws -> JSONValue {
        switch outcome {
        case .rolledBack, .rollbackFailed, .needsRepair, .failedChanged: break
        default: return packages
        }
        guard !job.rollsBack, let list = packages.array else { return packages }
        var found: (culprit: String, text: String, isHung: Bool)?
        for text in try sql.jobs.entries(organisation: organisation, job: job.id) {
            let value = try JSONValue(parsing: Array(text.utf8), limits: .message)
            guard let entry = try? JobEntry(json: value), entry.phase == .apply, entry.kind == .result,
                entry.detail["ok"]?.bool == false, let culprit = entry.detail["run"]?["culprit"]?.string
            else { continue }
            found = (culprit, entry.text, entry.detail["run"]?["hung"]?.bool == true)
        }
        guard let found else { return packages }
        return .array(
            list.map { one in
                let id = one["package"]?.string ?? ""
                guard var fields = one.object, id == found.culprit || id.hasPrefix("\(found.culprit):") else {
                    return one
                }
                fields["result"] = .string(HeldBackPackage.word)
                fields["message"] = .string(found.text)
                if found.isHung { fields["hung"] = true }
                return .object(fields)
            })
    }

    /// Why no other host may be given what the campaign brings, although few hosts are not well: a package hung since a person
    /// last let it go on. Nil where none did.
    func hungReason(_ record: CampaignRecord) throws -> String? {
        let accepted = try record.campaign().resumeApprovals.last?.time
        let jobs = try sql.jobs.heldBack(organisation: organisation, campaign: record.id, limit: 100).filter { job in
            accepted.map { accepted in job.heardAt.map { $0 > accepted } ?? false } ?? true
        }
        guard let hung = HeldBackPackage.list(jobs).first(where: \.isHung) else { return nil }
        let name = try sql.hosts.show(organisation: organisation, id: hung.host)?.hostname ?? hung.host
        return
            "\(hung.package) \(hung.version) is held back: on \(name) \(hung.what). No other host gets it until a person "
            + "lets this campaign go on."
    }
}
