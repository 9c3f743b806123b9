import Access
import Changelog
import Digest
import HTTPTypes
import Inventory
import JSON
import Matching
import Store

/// What offered versions close by their own changelogs: without any feed, and beside the feeds where there are some.
enum ChangelogOperations {
    static let all: [Operation] = [list]

    static let component = Schema.Component(
        "ChangelogStep",
        .object([
            .required("package", .anyText), .required("architecture", .anyText), .required("source", .anyText),
            .required("installed", .anyText), .required("candidate", .anyText, "The version that is offered."),
            .required("hosts", .count, "Hosts within reach that have the one and are offered the other."),
            .required("readers", .count, "Hosts that have read the same changelog; 1 is a claim, 2 confirm it."),
            .required("disputed", .boolean, "Whether hosts have read different changelogs in this version."),
            .required(
                "standing", .oneOf(Standing.self),
                "Claimed by one host, confirmed by more, disputed between them, or unreadable to all who tried."),
            .required("sentence", .anyText, "Who says so."),
            .required(
                "unknown", .anyText, "Why more may be closed than is listed; empty where the reading is complete."),
            .required(
                "closes",
                .array(
                    .object([
                        .required("vulnerability", .anyText),
                        .required("version", .anyText, "The version whose entry closes it."),
                        .required(
                            "feed", .oneOf(["agrees", "other-fix", "silent", "no-feed"]),
                            "What feeds say: the same; another version as the fix; nothing of the installed version; or no feed speaks of the package."
                        ),
                    ])), "What the step closes."),
            .required(
                "missing", .array(.anyText),
                "What the step closes by the word of feeds and the changelog does not name."),
        ]))

    /// What a reading is worth.
    enum Standing: String, CaseIterable, Sendable {
        case claimed, confirmed, disputed, unreadable

        init(_ known: ChangelogEvidence.Known) {
            self =
                known.isDisputed
                ? .disputed : known.reading == nil ? .unreadable : known.hosts > 1 ? .confirmed : .claimed
        }
    }

    private static let list: Operation = Operation(
        .get, "/api/v1/changelogs", id: "listChangelogSteps", tag: .vulnerabilities,
        summary: "List what offered versions close by the changelogs inside them, and how that agrees with feeds.",
        description: "It needs no feeds. Only what hosts were asked to read is there; what cannot be read is unknown.",
        access: .permission(.hostsRead),
        parameters: [
            .query("host", .text(1...255), "Only of this host: its id or name."),
            .query("package", .text(1...255), "Only of this package, or of this source."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(component),
                    [
                        .required("total", .count, "How many there are on all pages."),
                        .required("enabled", .boolean, "Whether the organisation has changelogs read."),
                    ]))
        ], traits: [.paginated]
    ) { call in
        let asked = Asked(
            organisation: call.organisation, reach: call.reach, host: call.text("host"), package: call.text("package"))
        let (steps, isEnabled) = try await Self.steps(call.state, asked)
        let risk = call.state.vulnerabilities.risk(call.organisation)
        let start = min(max(0, Int(call.cursor?.integer ?? 0)), steps.count)
        let page = steps[start..<min(start + call.limit, steps.count)]
        return .page(
            page.map { json($0, risk) }, next: page.endIndex < steps.count ? .integer(Int64(page.endIndex)) : nil,
            more: ["total": .integer(Int64(steps.count)), "enabled": .bool(isEnabled)])
    }

    /// Whose steps are asked for.
    struct Asked: Sendable {
        var organisation: String
        var reach: Reach
        /// A host's id or name; nil for all.
        var host: String?
        /// A package or source package; nil for all.
        var package: String?

        fileprivate func includes(_ other: Verdicts.Host) -> Bool {
            reach.includes(other.labels) && (host.map { other.id == $0 || other.hostname == $0 } ?? true)
        }
    }

    /// What offered versions close for a host's package, and whether changelogs are read; as ``component`` shows it.
    static func json(
        _ state: ServerState, _ asked: Asked
    ) async throws -> (steps: [JSONValue], isEnabled: Bool) {
        let (steps, isEnabled) = try await Self.steps(state, asked)
        let risk = state.vulnerabilities.risk(asked.organisation)
        return (steps.map { json($0, risk) }, isEnabled)
    }

    private static func steps(
        _ state: ServerState, _ asked: Asked
    ) async throws -> (steps: [Counted], isEnabled: Bool) {
        let (evidence, isEnabled) = try await state.store.read { sql in
            (
                try state.changelogs.evidence(sql, organisation: asked.organisation),
                try sql.settings.readsChangelogs(organisation: asked.organisation)
            )
        }
        if let risk = state.vulnerabilities.risk(asked.organisation), let found = steps(risk, evidence, asked) {
            return (found, isEnabled)
        }
        // Without feeds nothing is in memory, and a host that has just come is not yet.
        return (try await state.store.read { try Self.steps($0, evidence, asked) }, isEnabled)
    }

    private struct Counted {
        var number: Int64
        var step: ChangelogEvidence.Step
        var hosts: Int
    }

    /// From what is in memory; nil where the host that is asked for is not there.
    private static func steps(_ risk: FleetRisk, _ evidence: ChangelogEvidence, _ asked: Asked) -> [Counted]? {
        let hosts = risk.hosts.filter { asked.includes($0.host) }
        if asked.host != nil, hosts.isEmpty { return nil }
        var counts: [String: Count] = [:]
        for same in Dictionary(grouping: hosts, by: { pair($0.host) }).values {
            guard let first = same.first, let pending = first.host.pendingSet, pending > 0 else { continue }
            let offered = offered(risk.offers[pending] ?? [], evidence)
            guard !offered.isEmpty else { continue }
            for id in first.packages ?? [] {
                guard let package = risk.packages[id]?.package else { continue }
                count(id, package, offered, same.count, &counts)
            }
        }
        return steps(counts, evidence, asked)
    }

    /// From the database.
    private static func steps(_ sql: Transaction, _ evidence: ChangelogEvidence, _ asked: Asked) throws -> [Counted] {
        let organisation = asked.organisation
        let hosts = try sql.verdicts.hosts(organisation: organisation).filter(asked.includes)
        if let host = asked.host, hosts.isEmpty { throw Refusal(.missing("host", host)) }
        var counts: [String: Count] = [:]
        for same in Dictionary(grouping: hosts, by: pair).values where !evidence.isEmpty {
            guard let first = same.first, let set = first.set, let pending = first.pendingSet, pending > 0 else {
                continue
            }
            let offered = offered(try sql.verdicts.offers(pendingSet: pending), evidence)
            guard !offered.isEmpty, let ids = try sql.verdicts.packages(organisation: organisation, set: set) else {
                continue
            }
            for (id, package) in try sql.verdicts.packages(ids) {
                count(id, package, offered, same.count, &counts)
            }
        }
        return steps(counts, evidence, asked)
    }

    /// A package and an offered version, and how many hosts have both.
    private struct Count {
        var number: Int64
        var package: SoftwarePackage
        var candidate: String
        var hosts = 0
    }

    private static func pair(_ host: Verdicts.Host) -> String {
        "\(host.set?.hex ?? "") \(host.origins) \(host.pendingSet ?? 0)"
    }

    /// The offered versions of which anybody was asked.
    private static func offered(_ offers: [Verdicts.Offer], _ evidence: ChangelogEvidence) -> [String: String] {
        var offered: [String: String] = [:]
        for offer in offers where evidence.knows(version: offer.candidate) {
            offered["\(offer.name)\t\(offer.architecture)"] = offer.candidate
        }
        return offered
    }

    private static func count(
        _ id: Int64, _ package: SoftwarePackage, _ offered: [String: String], _ hosts: Int,
        _ counts: inout [String: Count]
    ) {
        guard let candidate = offered["\(package.name)\t\(package.architecture)"] else { return }
        let new = Count(number: id, package: package, candidate: candidate)
        counts["\(id) \(candidate)", default: new].hosts += hosts
    }

    private static func steps(
        _ counts: [String: Count], _ evidence: ChangelogEvidence, _ asked: Asked
    ) -> [Counted] {
        let wanted = asked.package
        return counts.values.compactMap { count in
            guard wanted.map({ $0 == count.package.name || $0 == count.package.source }) ?? true,
                let step = evidence.step(count.package, to: count.candidate)
            else { return nil }
            return Counted(number: count.number, step: step, hosts: count.hosts)
        }.sorted {
            ($0.step.package.name, $0.step.package.version, $0.step.candidate, $0.number) < (
                $1.step.package.name, $1.step.package.version, $1.step.candidate, $1.number
            )
        }
    }

    private static func json(_ counted: Counted, _ risk: FleetRisk?) -> JSONValue {
        let (step, package) = (counted.step, counted.step.package)
        let judgement = risk?.packages[counted.number]
        let isSpokenOf = judgement.map { $0.unknown.isEmpty } ?? false
        let fromFeeds = (judgement?.open ?? []).filter { finding in
            finding.verdict == .affected && finding.voices.contains { $0.source != Voice.changelogSource }
        }
        let ids = Set(step.step.closes.map(\.id))
        let missing = fromFeeds.filter { $0.fixed == step.candidate && ids.isDisjoint(with: $0.ids) }
        return [
            "package": .string(package.name), "architecture": .string(package.architecture),
            "source": .string(package.source), "installed": .string(package.version),
            "candidate": .string(step.candidate), "hosts": .integer(Int64(counted.hosts)),
            "readers": .integer(Int64(step.known.hosts)), "disputed": .bool(step.known.isDisputed),
            "standing": .string(Standing(step.known).rawValue), "sentence": .string(step.known.words),
            "unknown": .string(step.step.unknown),
            "closes": .array(
                step.step.closes.map { closed in
                    let finding = fromFeeds.first { $0.ids.contains(closed.id) }
                    let feed =
                        !isSpokenOf
                        ? "no-feed"
                        : finding == nil
                            ? "silent" : finding?.fixed ?? closed.version == closed.version ? "agrees" : "other-fix"
                    return [
                        "vulnerability": .string(closed.id), "version": .string(closed.version), "feed": .string(feed),
                    ]
                }), "missing": .array(missing.map { .string($0.vulnerability) }),
        ]
    }
}
