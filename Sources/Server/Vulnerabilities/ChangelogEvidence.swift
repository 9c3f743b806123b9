import Changelog
import Digest
import Inventory
import JSON
import Matching
import Store
import Synchronization
import Versions
import Wire

/// What hosts have read in the changelogs of offered versions: a class of evidence below every feed.
///
/// Where no feed speaks of a package, what its offered version closes is told as findings. Where one does, the changelog is
/// one voice more that never decides: it agrees, or the difference is shown.
struct ChangelogEvidence: Sendable {
    /// What is known of one version of a source package.
    struct Known: Sendable {
        /// What the most hosts have read; nil where nobody could read it, or hosts read different things.
        var reading: ChangelogReading?
        /// The hosts that read it.
        var hosts: Int
        /// Whether hosts have read different things.
        var isDisputed: Bool
        /// Why it is not known; empty where it is.
        var problem: String

        /// Who says so.
        var words: String {
            if isDisputed { return "hosts have read different changelogs in it: none is believed" }
            if reading == nil { return problem }
            return hosts == 1 ? "read by one host, not confirmed by a second" : "read by \(hosts) hosts"
        }
    }

    /// What the step of one installed package to an offered version closes.
    struct Step: Sendable {
        var package: SoftwarePackage
        var candidate: String
        var known: Known
        var step: ChangelogStep
    }

    /// By source package and its version.
    private let known: [String: Known]
    /// The versions of ``known``.
    private let versions: Set<String>

    /// Nothing read.
    static let none = ChangelogEvidence(known: [:])

    private init(known: [String: Known]) {
        self.known = known
        versions = Set(known.keys.compactMap { $0.split(separator: "\t").last.map(String.init) })
    }

    /// Reads what an organisation's active hosts have claimed; nothing where the organisation does not have changelogs read.
    init(_ sql: Transaction, organisation: String) throws {
        guard try sql.settings.readsChangelogs(organisation: organisation) else {
            self = .none
            return
        }
        let claims = try sql.changelogs.claims(organisation: organisation)
        let contents = claims.isEmpty ? [:] : try sql.changelogs.readings(organisation: organisation)
        var known: [String: Known] = [:]
        for (key, claims) in Dictionary(grouping: claims, by: { "\($0.source)\t\($0.sourceVersion)" }) {
            known[key] = Self.combined(claims, contents)
        }
        self.init(known: known)
    }

    /// What was read last of each organisation: it is read again only where its stamp is another.
    final class Kept: Sendable {
        private let kept = Mutex<[String: (stamp: Int64, evidence: ChangelogEvidence)]>([:])

        /// The evidence of now.
        func evidence(_ sql: Transaction, organisation: String) throws -> ChangelogEvidence {
            let stamp = try ChangelogEvidence.stamp(sql, organisation: organisation)
            if let known = kept.withLock({ $0[organisation] }), known.stamp == stamp { return known.evidence }
            let evidence = try ChangelogEvidence(sql, organisation: organisation)
            kept.withLock { $0[organisation] = (stamp, evidence) }
            return evidence
        }
    }

    /// Another number than before where the evidence of an organisation is another; 0 for none.
    static func stamp(_ sql: Transaction, organisation: String) throws -> Int64 {
        guard try sql.settings.readsChangelogs(organisation: organisation) else { return 0 }
        return try sql.changelogs.stamp(organisation: organisation)
    }

    /// The same of every organisation that has any.
    static func stamps(_ sql: Transaction) throws -> [String: Int64] {
        try sql.changelogs.stamps().filter { try sql.settings.readsChangelogs(organisation: $0.key) }
    }

    /// Whether anybody was asked about some package's offered version of this number.
    func knows(version: String) -> Bool {
        versions.contains(version) || versions.contains(Self.withoutRebuild(version))
    }

    private static func combined(_ claims: [Changelogs.Claim], _ contents: [SHA256Digest: [UInt8]]) -> Known {
        let readings = Dictionary(grouping: claims.filter { $0.reading != nil }) { $0.reading }
        guard let digest = readings.keys.first ?? nil else {
            return Known(
                reading: nil, hosts: 0, isDisputed: false,
                problem: "its changelog could not be read: \(claims.last?.problem ?? "nobody says why")")
        }
        // One host more on one side does not make the other a liar: a person has to look.
        guard readings.count == 1 else { return Known(reading: nil, hosts: 0, isDisputed: true, problem: "") }
        let reading = contents[digest].flatMap { try? JSONValue(parsing: $0, limits: .message) }
            .flatMap { try? ChangelogReading(json: $0) }
        return Known(
            reading: reading, hosts: Set(readings[digest]?.map(\.host) ?? []).count, isDisputed: false,
            problem: reading == nil ? "what was read cannot be understood by this server" : "")
    }

    /// What the step to an offered version closes; nil where nobody was asked about that version.
    func step(_ package: SoftwarePackage, to candidate: String) -> Step? {
        // A binary package whose numbers are not its source's cannot be led to a version of the source.
        guard package.scheme == "deb", Self.isRebuild(package.version, of: package.sourceVersion) else { return nil }
        let version = Self.withoutRebuild(candidate)
        guard let known = known["\(package.source)\t\(candidate)"] ?? known["\(package.source)\t\(version)"] else {
            return nil
        }
        let target = self.known["\(package.source)\t\(candidate)"] == nil ? version : candidate
        guard let reading = known.reading else {
            return Step(
                package: package, candidate: candidate, known: known,
                step: ChangelogStep(closes: [], unknown: known.words))
        }
        guard reading.source == package.source else {
            let why = "the changelog is that of \(reading.source), not of \(package.source)"
            return Step(
                package: package, candidate: candidate, known: known, step: ChangelogStep(closes: [], unknown: why))
        }
        return Step(
            package: package, candidate: candidate, known: known,
            step: reading.step(from: package.sourceVersion, to: target, scheme: DebianVersion.self))
    }

    private static func isRebuild(_ version: String, of source: String) -> Bool {
        version == source || withoutRebuild(version) == source
    }

    /// The version without the suffix of a rebuild (`+b2`).
    static func withoutRebuild(_ version: String) -> String {
        guard let plus = version.lastIndex(of: "+") else { return version }
        let suffix = version[version.index(after: plus)...]
        guard suffix.first == "b", suffix.count > 1, suffix.dropFirst().allSatisfy(\.isNumber) else { return version }
        return String(version[..<plus])
    }

    // MARK: - Verdicts

    /// Whether nobody has read anything.
    var isEmpty: Bool { known.isEmpty }

    /// A judgement with what changelogs add to it.
    ///
    /// - Parameter offered: each version that some host is offered, and whether only one host can read its changelog: then
    ///   that one's word is enough, because it is about itself alone.
    func added(to judgement: Matching.Judgement, offered: [String: Bool]) -> Matching.Judgement {
        var judgement = judgement
        for (candidate, isAlone) in offered.sorted(by: { $0.key < $1.key }) {
            guard let step = step(judgement.package, to: candidate) else { continue }
            let isConfirmed = step.known.hosts >= 2 || isAlone
            for closed in step.step.closes { Self.add(closed, step, isConfirmed: isConfirmed, to: &judgement) }
        }
        judgement.findings.sort { $0.vulnerability < $1.vulnerability }
        return judgement
    }

    private static func add(
        _ closed: ChangelogStep.Closed, _ step: Step, isConfirmed: Bool, to judgement: inout Matching.Judgement
    ) {
        let sentence = "closes \(closed.id) by the candidate's changelog, \(step.known.words)"
        let place = judgement.findings.firstIndex { $0.ids.contains(closed.id) }
        func voice(_ overruled: String) -> Voice {
            .changelog(
                of: step.package.source, stream: step.package.distribution, installed: step.package.sourceVersion,
                closedIn: closed.version, candidate: step.candidate, reason: sentence, overruled: overruled)
        }
        if let place {
            let finding = judgement.findings[place]
            guard !finding.voices.contains(where: { $0.source == Voice.changelogSource }) else { return }
            let agrees = finding.fixed == nil || finding.fixed == closed.version
            judgement.findings[place].voices.append(
                voice(
                    agrees
                        ? "agrees; a feed is nearer to the package"
                        : "differs: the feed names \(finding.fixed ?? "") as the fix; the feed is nearer to the package"
                ))
        } else if !judgement.unknown.isEmpty, isConfirmed {
            // Nobody else speaks of the package, and one host of several does not speak for all.
            judgement.findings.append(.fromChangelog(closed.id, fixed: closed.version, voice("")))
        }
    }
}
