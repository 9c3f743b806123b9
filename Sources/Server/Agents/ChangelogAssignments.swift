import Digest
import Store
import Synchronization
import Timestamps
import Wire

/// Who reads which changelog: each source package's of each version by two hosts, and by a third where the two differ.
final class ChangelogAssignments: Sendable {
    /// How many hosts shall have read the same.
    static let readers = 2
    /// How many are asked at most, where they differ or cannot read it.
    static let mostReaders = 4
    /// How long a host that was asked is waited for, in seconds.
    static let patience: Int64 = 900

    /// Who was asked lately and has not answered: it is only memory, for after a restart two hosts too many do no harm.
    private let asked = Mutex<[String: [String: Timestamp]]>([:])

    /// What a host shall read, of what it told that it is offered.
    func choose(
        _ candidates: [CandidatePackage], for host: String, organisation: String, claims: [Changelogs.Claim],
        now: Timestamp
    ) -> [SHA256Digest] {
        var known: [String: [Changelogs.Claim]] = [:]
        for claim in claims { known["\(claim.source)\t\(claim.sourceVersion)", default: []].append(claim) }
        var groups: [String: [CandidatePackage]] = [:]
        for candidate in candidates {
            groups["\(candidate.source)\t\(candidate.sourceVersion)", default: []].append(candidate)
        }
        return asked.withLock { asked in
            var chosen: [SHA256Digest] = []
            for (group, files) in groups.sorted(by: { $0.key < $1.key }) {
                guard chosen.count < ChangelogReport.maximumClaims else { break }
                let claims = known[group] ?? []
                let key = "\(organisation)\t\(group)"
                let waiting = (asked[key] ?? [:]).filter {
                    now.seconds(since: $0.value) < Self.patience && $0.key != host
                }
                guard Self.isOpen(claims, waiting: waiting.count, host: host),
                    let file = Self.file(files, claims, host)
                else { continue }
                chosen.append(file.digest)
                asked[key] = waiting.merging([host: now]) { _, new in new }
            }
            if asked.count > 20_000 {
                asked = asked.filter { $0.value.values.contains { now.seconds(since: $0) < Self.patience } }
            }
            return chosen
        }
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
