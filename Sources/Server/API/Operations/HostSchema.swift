import Digest
import JSON
import Store
import Timestamps

/// How hosts look in the document.
enum HostSchema {
    static let id: Schema = .text(1...64)

    private static let pendingCounts: Schema = .object([.required("total", .count), .required("security", .count)])

    /// What a list and a host's own record both say.
    private static let commonProperties: [Schema.Property] = [
        .required("id", id), .required("organisation", OrganisationSchema.id),
        .required("hostname", .anyText, "The name that it gave itself last."),
        .required("status", .oneOf(HostStatus.self)),
        .optional("statusReason", .anyText, "Why it is not active."),
        .required("agentVersion", .anyText), .required("protocol", .integer(1...1000)),
        .required("enrolled", .time), .required("lastSeen", .nullable(.time)),
        .required("lastReport", .nullable(.time)),
        .optional("lastScan", .nullable(.time), "When a scan last proved what is held here."),
        .required("silent", .boolean, "Not seen for more than three intervals."),
        .required("pending", .fact(pendingCounts), "How many updates wait, and how many are security updates."),
        .required("labels", .map(.anyText, maximum: 1000)),
    ]

    /// What lists show.
    static let summary = Schema.Component(
        "HostSummary",
        .object(
            commonProperties + [
                .required("reboot", .fact(FactsSchema.rebootSummary), "Whether it needs a reboot, and why."),
                .required("operatingSystem", .fact(.object([.required("name", .anyText)]))),
            ]))

    /// All that is known of one.
    static let detail = Schema.Component(
        "Host",
        .object(
            commonProperties + [
                .required(
                    "reboot", .fact(.anyOf([FactsSchema.reboot, FactsSchema.rebootSummary])),
                    "Whether it needs a reboot, and the proof."),
                .required(
                    "operatingSystem",
                    .fact(.anyOf([FactsSchema.operatingSystem, .object([.required("name", .anyText)])]))),
                .required("clockOffset", .fact(.integer(-Int64.max...Int64.max)), "Seconds that its clock is ahead."),
                .required("observed", .nullable(.time), "When it looked like this, by its own clock."),
                .required("offers", .array(.component(PatchSchema.update)), "What it lacks, and why it is not taken."),
                .optional(
                    "digests",
                    .object([
                        .required("set", .digest), .required("offers", .digest), .required("facts", .digest),
                    ]), "The names of its three documents."),
                .optional("indexes", .array(index), "The package indexes that it holds."),
                .optional("facts", .component(FactsSchema.component), "Every fact: a value, or unknown and why."),
                .optional("restarts", .fact(FactsSchema.restarts), "What must be restarted to use what is installed."),
                .required("unknowns", .array(.object([.required("what", .anyText), .required("why", .anyText)]))),
                .optional(
                    "certificate",
                    .object([
                        .required("serial", .anyText), .required("notAfter", .time),
                        .required("revoked", .nullable(.time)),
                    ]), "The one that was issued last."),
                .required(
                    "likelyDuplicates",
                    .array(
                        .object([
                            .required("id", id), .required("hostname", .anyText),
                            .required("status", .oneOf(HostStatus.self)), .required("evidence", .anyText),
                        ])), "Hosts that may be the same machine."),
            ]))

    private static let index: Schema = .object([
        .required("name", .anyText), .required("site", .anyText), .required("security", .boolean),
        .required("released", .nullable(.time)), .required("validUntil", .nullable(.time)),
        .required("expired", .boolean),
    ])

    /// What a host looked like from one report on.
    static let state = Schema.Component(
        "HostState",
        .object([
            .required("observed", .time, "When, by the host's clock."), .required("recorded", .time, "By ours."),
            .required("cause", .anyText, "Why it was scanned."), .required("bootID", .nullable(.anyText)),
            .required("set", .digest), .required("offers", .digest), .required("facts", .digest),
            .required("sequence", .count),
        ]))

    static func json(_ state: HostState) -> JSONValue {
        [
            "observed": .string(state.observed.description), "recorded": .string(state.recorded.description),
            "cause": .string(state.cause), "bootID": state.bootID.map { .string($0) } ?? .null,
            "set": .string(state.digests.set.hex), "offers": .string(state.digests.offers.hex),
            "facts": .string(state.digests.facts.hex), "sequence": .integer(state.sequence),
        ]
    }

    /// What changed between two times.
    static let difference = Schema.Component(
        "HostDifference",
        .object([
            .required("host", id), .required("from", .time), .required("to", .time),
            .required(
                "changes",
                .array(
                    .object([
                        .required("change", .oneOf(["added", "removed", "changed"])), .required("name", .anyText),
                        .required("architecture", .anyText), .required("before", .nullable(.anyText), "The version."),
                        .required("after", .nullable(.anyText), "The version."),
                    ]))),
        ]))
}

/// How updates look in the document.
enum PatchSchema {
    /// An update that one host waits for.
    static let update = Schema.Component(
        "PendingUpdate",
        .object([
            .required("host", HostSchema.id), .required("hostname", .anyText), .required("name", .anyText),
            .required("architecture", .anyText), .required("installed", .anyText, "The installed version."),
            .required("candidate", .anyText, "The version that its repositories offer."),
            .required("origin", .anyText, "Where from."), .required("security", .boolean),
            .required("status", .anyText, "upgradable, kept-back, held, phased, pinned or unknown."),
            .required("reason", .anyText, "Why it is not simply installed; empty where it is."),
        ]))

    /// How many hosts are judged.
    static let judged: Schema = .object([
        .required("active", .count), .required("unjudged", .count), .required("silent", .count),
        .required("stale", .count, "Those whose scans or package indexes are too old to be evidence."),
        .required("asOf", .time),
    ])

    /// An update over all hosts that wait for it.
    static let patch = Schema.Component(
        "Patch",
        .object([
            .required("name", .anyText, "The package."), .required("candidate", .anyText, "The version offered."),
            .required("origin", .anyText, "Where from, on one of the hosts."), .required("security", .boolean),
            .required("hosts", .count, "How many hosts wait for it."),
            .required("upgradable", .count, "On how many of these the next plain upgrade takes it."),
        ]))

    static func json(_ patch: Patch) -> JSONValue {
        [
            "name": .string(patch.name), "candidate": .string(patch.candidate), "origin": .string(patch.origin),
            "security": .bool(patch.security), "hosts": .integer(Int64(patch.hosts)),
            "upgradable": .integer(Int64(patch.upgradable)),
        ]
    }
}
