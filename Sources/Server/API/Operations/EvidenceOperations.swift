import Access
import HTTPTypes
import JSON
import Priority
import Store
import Timestamps

/// Evidence that has to be kept on hosts before they are patched.
enum EvidenceOperations {
    static let all: [Operation] = [list, record, waive]

    private static let words: Schema = .matching(#"^[^\u0000-\u0008\u000B-\u001F\u007F]*$"#, 1...2000)

    private static let held = Schema.Component(
        "HeldFinding",
        .object([
            .required("host", .text(1...255)), .required("hostname", .anyText), .required("vulnerability", .anyText),
            .required("packages", .array(.anyText), "The packages that have it there."),
            .required("since", .time, "Since when evidence is asked for."),
            .required("blocksInstallation", .boolean, "Whether campaigns leave the host out."),
            .required(
                "next", .nullable(.oneOf(EvidenceHold.Step.self)), "The next step; null where all is done."),
            .required("due", .nullable(.time), "When that is due."),
            .required(
                "records",
                .array(
                    .object([
                        .required("step", .oneOf(EvidenceHold.Step.self)), .required("at", .time),
                        .required("by", .anyText),
                        .required("digest", .anyText, "The SHA-256 of what was kept; may be empty."),
                    ])), "What was done."),
            .required("waivedBy", .nullable(.anyText)), .required("waived", .nullable(.time)),
            .required("reason", .anyText, "Why it was waived; empty where it was not."),
        ]))

    private static let list: Operation = Operation(
        .get, "/api/v1/evidence", id: "listEvidence", tag: .vulnerabilities,
        summary: "List where evidence has to be kept before a patch, by host and vulnerability.",
        description: "Of what is open: what was patched needs no hold any more.", access: .permission(.hostsRead),
        parameters: [
            .query("host", .text(1...255), "Only on this host: its id or name."),
            .query("vulnerability", .text(1...255), "Only of this vulnerability, by any of its ids."),
            .query("blocking", .boolean, "Only where it keeps campaigns away, or only where it does not."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(held),
                    [
                        .required("total", .count, "How many there are on all pages."),
                        .required("unjudged", .count, "Hosts of which nothing is known."),
                    ])), VulnerabilityOperations.noFeeds,
        ], traits: [.paginated]
    ) { call in
        let all = try await call.evidence.list(
            host: call.text("host"), vulnerability: call.text("vulnerability"), blocking: call.bool("blocking"))
        let unjudged = try await RiskView.of(call).unjudged
        let start = min(max(0, Int(call.cursor?.integer ?? 0)), all.count)
        let page = all[start..<min(start + call.limit, all.count)]
        return .page(
            page.map(json), next: page.endIndex < all.count ? .integer(Int64(page.endIndex)) : nil,
            more: ["total": .integer(Int64(all.count)), "unjudged": .integer(Int64(unjudged))])
    }

    private static let answer: ResponseDeclaration = .ok(
        .component(VulnerabilitySchema.evidence), "It is noted.")

    private static let record: Operation = Operation(
        .post, "/api/v1/hosts/{host}/evidence", id: "recordEvidence", tag: .vulnerabilities,
        summary: "Note that evidence was taken on a host before it is patched.",
        description: """
            Where the policy asks for forensics: first the scope, then volatile evidence with the SHA-256 of what was kept, \
            then the verdict. Until volatile evidence is noted campaigns leave the host out of what would patch it or start \
            it anew, and a job that was planned before waits.
            """, access: .permission(.hostsOperate),
        parameters: [HostOperations.hostParameter],
        body: BodyDeclaration(
            .object([
                .required("vulnerability", .text(1...255)), .required("step", .oneOf(EvidenceHold.Step.self)),
                .optional("digest", .digest, "The SHA-256 of what was kept."),
            ])),
        responses: [answer, .problem(.conflict, "It was noted before, is out of order, or several hosts match.")]
    ) { call in
        let step = call.body["step"]?.string.flatMap(EvidenceHold.Step.init) ?? .scope
        let hold = try await call.evidence.record(
            [(step, call.body["digest"]?.string ?? "")], of: call.body["vulnerability"]?.string ?? "",
            on: { try call.host($0) })
        return .json(json(hold))
    }

    private static let waive: Operation = Operation(
        .post, "/api/v1/hosts/{host}/evidence/waive", id: "waiveEvidence", tag: .vulnerabilities,
        summary: "Let a host be patched although evidence was not kept.",
        description: "For an emergency: it is in the audit log with who said so and why, and cannot be taken back.",
        access: .permission(.exceptionsApprove), parameters: [HostOperations.hostParameter],
        body: BodyDeclaration(
            .object([
                .required("vulnerability", .text(1...255)), .required("reason", words, "Why; it enters the audit log."),
            ])),
        responses: [answer, .problem(.conflict, "Nothing is held there, or several hosts match.")]
    ) { call in
        let hold = try await call.evidence.waive(
            call.body["vulnerability"]?.string ?? "", reason: call.body["reason"]?.string ?? "",
            on: { try call.host($0) })
        return .json(json(hold))
    }

    /// A hold in short.
    static func json(_ hold: EvidenceHold) -> JSONValue {
        [
            "blocksInstallation": .bool(hold.blocksInstallation),
            "next": hold.next.map { .string($0.step.rawValue) } ?? .null,
            "due": hold.next.map { .string($0.due.description) } ?? .null,
            "waivedBy": hold.waiver.map { .string($0.by) } ?? .null,
        ]
    }

    private static func json(_ held: EvidenceDesk.Held) -> JSONValue {
        let hold = held.hold
        var fields = json(hold).object ?? [:]
        fields["host"] = .string(held.host.id)
        fields["hostname"] = .string(held.host.hostname)
        fields["vulnerability"] = .string(held.vulnerability)
        fields["packages"] = .array(held.packages.map { .string($0) })
        fields["since"] = .string(hold.since.description)
        fields["waived"] = hold.waiver.map { .string($0.at.description) } ?? .null
        fields["reason"] = .string(held.reason)
        fields["records"] = .array(
            EvidenceHold.Step.allCases.compactMap { step in
                hold.records[step].map {
                    [
                        "step": .string(step.rawValue), "at": .string($0.at.description), "by": .string($0.by),
                        "digest": .string($0.digest),
                    ]
                }
            })
        return .object(fields)
    }
}

extension Call {
    /// Evidence before patches, as this caller may see and note it.
    var evidence: EvidenceDesk {
        EvidenceDesk(state: state, organisation: organisation, reach: reach, actor: caller.actor, now: now)
    }
}
