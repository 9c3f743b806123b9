import Inventory
import Rollout
import Store
import Timestamps

extension RolloutTransaction {
    private static let givenUpPage = 500

    /// What was put on top of a campaign's packages has to go first: a host would be taken back below it.
    ///
    /// A later job that was given up counts as long as nobody knows what it did: until a scan of the host after that shows
    /// that the campaign's own versions are still there, or a person says that it does not matter. Whatever is said here, a
    /// host that has other versions refuses to go back.
    ///
    /// - Returns: the jobs that only count no more because a person says so.
    func checkNothingLater(
        _ record: CampaignRecord, _ scanned: (HostRecord) -> Timestamp?, overWrittenOff: Bool
    ) throws -> [String] {
        guard record.plan != nil else { return [] }
        var known: [String: (title: String, packages: Set<String>)] = [:]
        func campaign(_ id: String) throws -> (title: String, packages: Set<String>) {
            if let known = known[id] { return known }
            var found: (title: String, packages: Set<String>) = ("", [])
            if let other = try sql.campaigns.show(organisation: organisation, id: id), other.plan != nil {
                found = (other.title, Set(try other.storedPlan().targets.flatMap { $0.packages.map(\.id) }))
            }
            known[id] = found
            return found
        }
        let own = try campaign(record.id).packages
        for later in try sql.jobs.laterChanges(organisation: organisation, campaign: record.id) {
            let other = try campaign(later.campaign)
            guard let package = other.packages.intersection(own).min() else { continue }
            let name = try sql.hosts.show(organisation: organisation, id: later.host)?.hostname ?? later.host
            throw Refusal(
                .notNow(
                    "roll back",
                    "campaign \(later.campaign) (\(other.title)) has changed \(package) on \(name) since; take that one back "
                        + "first, or make a campaign that names the earlier versions"))
        }
        var overridden: [String] = []
        func look(at job: JobRecord) throws {
            guard try job.mayHaveChangedHost() else { return }
            let other = try campaign(job.campaign)
            let shared = other.packages.intersection(own)
            guard let package = shared.min(), try !isStill(record, shared, after: job, scanned) else { return }
            if overWrittenOff {
                overridden.append(job.id)
                return
            }
            let name = try sql.hosts.show(organisation: organisation, id: job.host)?.hostname ?? job.host
            throw Refusal(
                .notNow(
                    "roll back",
                    "campaign \(job.campaign) (\(other.title)) may have changed \(package) on \(name) since, but its job there "
                        + "is \(job.stateWord) and nobody knows. Have the host scanned (fettle hosts scan \(name)): where this "
                        + "campaign's versions are still there it goes on. Or roll back all the same "
                        + "(--over-written-off): a host with other versions refuses by itself"))
        }
        var last: JobRecord?
        while true {
            let page = try sql.jobs.laterGivenUp(
                organisation: organisation, campaign: record.id, after: last, limit: Self.givenUpPage)
            for job in page { try look(at: job) }
            guard page.count == Self.givenUpPage else { break }
            last = page.last
        }
        return overridden
    }

    /// Whether a scan of a host after that job shows a campaign's own versions of these packages.
    private func isStill(
        _ campaign: CampaignRecord, _ packages: Set<String>, after job: JobRecord,
        _ scanned: (HostRecord) -> Timestamp?
    ) throws -> Bool {
        guard let host = try sql.hosts.show(organisation: organisation, id: job.host), let time = scanned(host),
            time > job.updatedAt, let digests = host.digests,
            let member = try sql.campaigns.host(organisation: organisation, campaign: campaign.id, host: job.host),
            let target = try campaign.storedPlan().target(for: member.distribution),
            let set = try sql.documents.softwareSet(organisation: organisation, digests.set)
        else { return false }
        var installed: [String: String] = [:]
        for package in set.packages { installed["\(package.name):\(package.architecture)"] = package.version }
        let had = try member.previousVersions()
        return target.packages.allSatisfy { package in
            !packages.contains(package.id) || had[package.id] == nil || installed[package.id] == package.version
        }
    }
}
