import Digest
import Store
import Timestamps
import Wire

/// Who reads which changelog: each source package's of each version by two hosts, and by a third where the two differ.
///
/// Pure: who was asked stands in the database beside what was answered, so that other servers and the next start know it.
enum ChangelogAssignments {
    /// How many hosts shall have read the same.
    static let readers = 2
    /// How many are asked at most, where they differ or cannot read it.
    static let mostReaders = 4
    /// How long a host that was asked is waited for, in seconds. After that others are asked; it is not, for a day.
    static let patience: Int64 = 900

    /// What a host shall read, of what it told that it is offered.
    ///
    /// - Parameters:
    ///   - candidates: what it is offered.
    ///   - claims: what active hosts were asked and have answered of these sources.
    ///   - urgent: the files of security updates: they are read before all others, the small ones first.
    static func choose(
        _ candidates: [CandidatePackage], for host: String, claims: [Changelogs.Claim],
        urgent: Set<SHA256Digest> = [], now: Timestamp
    ) -> [CandidatePackage] {
        var known: [String: [Changelogs.Claim]] = [:]
        for claim in claims { known["\(claim.source)\t\(claim.sourceVersion)", default: []].append(claim) }
        var groups: [String: [CandidatePackage]] = [:]
        for candidate in candidates {
            groups["\(candidate.source)\t\(candidate.sourceVersion)", default: []].append(candidate)
        }
        var chosen: [CandidatePackage] = []
        for (group, files) in order(groups, urgent) {
            guard chosen.count < ChangelogReport.maximumClaims else { break }
            let claims = known[group] ?? []
            let answers = claims.filter { !$0.isAsked }
            let asked = claims.filter {
                $0.isAsked && now.seconds(since: $0.readAt) < Changelogs.askedSeconds
            }
            // One that was asked and has not answered, a full disk perhaps, would only keep others from it.
            guard !asked.contains(where: { $0.host == host }) else { continue }
            let waiting = Set(asked.filter { now.seconds(since: $0.readAt) < patience }.map(\.host))
                .subtracting(answers.map(\.host))
            guard isOpen(answers, waiting: waiting.count, host: host), let file = file(files, answers, host) else {
                continue
            }
            chosen.append(file)
        }
        return chosen
    }

    /// Security updates first; among what is alike the smallest file first, so that one large package keeps none waiting.
    private static func order(
        _ groups: [String: [CandidatePackage]], _ urgent: Set<SHA256Digest>
    ) -> [(key: String, value: [CandidatePackage])] {
        func place(_ files: [CandidatePackage]) -> (Int, Int64) {
            (files.contains { urgent.contains($0.digest) } ? 0 : 1, files.map(\.bytes).min() ?? 0)
        }
        return groups.map { ($0, place($0.value)) }
            .sorted { ($0.1.0, $0.1.1, $0.0.key) < ($1.1.0, $1.1.1, $1.0.key) }.map { $0.0 }
    }

    private static func isOpen(_ claims: [Changelogs.Claim], waiting: Int, host: String) -> Bool {
        let read = claims.filter { $0.reading != nil }
        if read.contains(where: { $0.host == host }) { return false }
        let hosts = Set(claims.map(\.host))
        guard hosts.count + waiting < mostReaders else { return false }
        let agreeing = Dictionary(grouping: read, by: \.reading).values.map { Set($0.map(\.host)).count }.max() ?? 0
        return agreeing + waiting < readers
    }

    /// The file that another host has read already, so that the two can be compared; else the smallest that nobody has
    /// failed to read.
    private static func file(
        _ files: [CandidatePackage], _ claims: [Changelogs.Claim], _ host: String
    ) -> CandidatePackage? {
        let mine = Set(claims.filter { $0.host == host }.map(\.candidate))
        let open = files.filter { !mine.contains($0.digest) }.sorted { ($0.bytes, $0.name) < ($1.bytes, $1.name) }
        let read = Set(claims.filter { $0.reading != nil }.map(\.candidate))
        let failed = Set(claims.filter { $0.reading == nil }.map(\.candidate))
        return open.first { read.contains($0.digest) } ?? open.first { !failed.contains($0.digest) }
    }
}
