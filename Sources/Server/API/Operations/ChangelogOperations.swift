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
        let organisation = call.organisation
        let (steps, isEnabled) = try await call.state.store.read { sql in
            (
                try Self.steps(sql, call),
                try sql.settings.readsChangelogs(organisation: organisation)
            )
        }
        let risk = call.state.vulnerabilities.risk(organisation)
        let start = min(max(0, Int(call.cursor?.integer ?? 0)), steps.count)
        let page = steps[start..<min(start + call.limit, steps.count)]
        return .page(
            page.map { json($0, risk) }, next: page.endIndex < steps.count ? .integer(Int64(page.endIndex)) : nil,
            more: ["total": .integer(Int64(steps.count)), "enabled": .bool(isEnabled)])
    }

    private struct Counted {
        var number: Int64
        var step: ChangelogEvidence.Step
        var hosts: Int
    }

    private static func steps(_ sql: Transaction, _ call: Call) throws -> [Counted] {
        let organisation = call.organisation
        let evidence = try ChangelogEvidence(sql, organisation: organisation)
        let hosts = try sql.verdicts.hosts(organisation: organisation).filter { host in
            call.reach.includes(host.labels)
                && (call.text("host").map { host.id == $0 || host.hostname == $0 } ?? true)
        }
        if let host = call.text("host"), hosts.isEmpty { throw Refusal(.missing("host", host)) }
        var counts: [String: (number: Int64, candidate: String, hosts: Int)] = [:]
        for (key, same) in Dictionary(grouping: hosts, by: { "\($0.set?.hex ?? "") \($0.pendingSet ?? 0)" }) {
            guard let first = same.first, let set = first.set, let pending = first.pendingSet, pending > 0,
                !key.isEmpty,
                let ids = try sql.verdicts.packages(organisation: organisation, set: set)
            else { continue }
            var offered: [String: String] = [:]
            for offer in try sql.verdicts.offers(pendingSet: pending) {
                offered["\(offer.name)\t\(offer.architecture)"] = offer.candidate
            }
            for (id, package) in try sql.verdicts.packages(ids) {
                guard let candidate = offered["\(package.name)\t\(package.architecture)"] else { continue }
                counts["\(id) \(candidate)", default: (id, candidate, 0)].hosts += same.count
            }
        }
        let packages = try sql.verdicts.packages(Set(counts.values.map(\.number)).sorted())
        let wanted = call.text("package")
        return counts.values.compactMap { count in
            guard let package = packages[count.number],
                wanted.map({ $0 == package.name || $0 == package.source }) ?? true,
                let step = evidence.step(package, to: count.candidate)
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
