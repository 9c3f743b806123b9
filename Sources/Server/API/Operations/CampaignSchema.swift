import Digest
import JSON
import Rollout
import Timestamps

/// How campaigns look in the document.
enum CampaignSchema {
    /// What may be asked of a campaign.
    static let actions = [
        "edit", "submit", "approve", "deny", "pause", "resume", "halt", "cancel", "rollback", "close",
    ]

    static let summaryProperties: [Schema.Property] = [
        .required("id", .text(1...64)), .required("organisation", OrganisationSchema.id),
        .required("title", .anyText), .required("author", .anyText, "Who made it, as the audit log names them."),
        .required(
            "state", .text(1...64),
            "draft, freezing, awaiting-approval, scheduled, running, paused, halting, halted, rolling-back, rolled-back, rollback-incomplete, verifying, completed, completed-with-exceptions, rejected, cancelling, cancelled, expired or closed-failed."
        ),
        .required("ended", .boolean, "Whether nothing will happen any more."),
        .required("reason", .anyText, "Why it is in that state; empty where the word says it all."),
        .required("next", .anyText, "What happens next and what that waits for, in one sentence."),
        .required("version", .count, "Grows with every change."),
        .required("epoch", .count, "Of the plan; an edit begins a new one and voids approvals."),
        .required("planDigest", .nullable(.digest), "What is approved; null before the plan is frozen."),
        .required("window", CampaignDraftSchema.window), .required("budget", .count),
        .required("hosts", .count, "How many hosts the plan has; 0 before it is frozen."),
        .required("jobs", .map(.count), "How many jobs are in which state, by the latest attempt of each host."),
        .required("approvalsRequired", .count, "0 is an explicit choice of the organisation, on record."),
        .required("approvalsGiven", .count),
        .required("rollsBack", .nullable(.text(1...64)), "The campaign that this one takes back; null for others."),
        .required("created", .time), .required("updated", .time),
    ]

    static let summary = Schema.Component("Campaign", .object(summaryProperties))

    static let detail = Schema.Component(
        "CampaignDetails",
        .object(
            summaryProperties + [
                .required("draft", .component(CampaignDraftSchema.draft), "What was asked for."),
                .required("plan", .nullable(.component(plan)), "What was frozen: exactly what `planDigest` covers."),
                .required("errors", .array(.anyText), "Why it could not be frozen, naming host and package."),
                .required("notes", .array(.anyText), "What to know of the plan."),
                .required("approvals", .array(.component(approval))),
                .required("permits", permits),
                .required("allowed", .array(.oneOf(actions)), "What may be asked of it."),
            ]))

    private static let permits: Schema = .object([
        .required("held", .count, "How many hosts may be disturbed just now."),
        .required("suspect", .count, "How many of these have fallen silent; they keep their permit."),
    ])

    private static let approval = Schema.Component(
        "CampaignApproval",
        .object([
            .required("approver", .anyText), .required("planDigest", .digest), .required("epoch", .count),
            .required("time", .time), .required("signed", .boolean, "Whether with a key of their own."),
            .required("counts", .boolean, "Whether it is for the present plan."),
        ]))

    private static let package: Schema = .object([
        .required("name", .anyText), .required("architecture", .anyText), .required("version", .anyText),
        .optional("sha256", .anyText), .required("previous", .array(.anyText), "What a rollback may install."),
    ])

    /// The plan's own JSON: its SHA-256 in canonical form (RFC 8785) is the digest.
    static let plan = Schema.Component(
        "CampaignPlan",
        .object([
            .required("organisation", OrganisationSchema.id), .required("campaign", .anyText),
            .required("epoch", .count),
            .required(
                "targets",
                .array(
                    .object([
                        .required("distribution", .anyText, "`debian-12`"), .required("packages", .array(package)),
                    ]))), .required("hostsDigest", .digest, "Over the member list, one id a line."),
            .required("hostCount", .count), .required("window", CampaignDraftSchema.window),
            .required("budget", .count),
            .required(
                "actions",
                CampaignDraftSchema.properties(isWhole: true).first { $0.name == "actions" }?.schema ?? .anything),
        ]))

    static let host = Schema.Component(
        "CampaignHost",
        .object([
            .required("id", .text(1...64)), .required("hostname", .anyText),
            .required("distribution", .anyText, "Empty where the host has not reported it."),
            .required("packages", .array(step), "What changes there, by what it last reported."),
            .required("reboot", .anyText, "Whether a reboot is to be expected, and why."),
            .required("wayBack", .anyText, "What it comes back by when it fails."),
            .required("windows", .array(window), "When it may change; empty where that is not known yet."),
        ]))

    private static let step: Schema = .object([
        .required("package", .anyText, "`name:architecture`"),
        .required("from", .nullable(.anyText), "What is installed as last reported; null where that is not known."),
        .required("to", .anyText),
    ])

    private static let window: Schema = .object([
        .required("notBefore", .time), .required("notAfter", .time), .required("local", .anyText, "In local time."),
    ])

    /// What a dry run answers.
    static let preview = Schema.Component(
        "CampaignPreview",
        .object([
            .required("plan", .nullable(.component(plan)), "Null where it could not be frozen: see `errors`."),
            .required("errors", .array(.anyText), "What is refused and why."),
            .required("notes", .array(.anyText), "What to know of it."),
            .required("approvalsRequired", .count, "How many people other than you must approve."),
            .required("hosts", .array(.component(host)), "At most 500 of them."),
        ]))

    // MARK: - Values

    static func json(_ summary: CampaignSummary, _ now: Timestamp) -> [String: JSONValue] {
        [
            "id": .string(summary.id), "organisation": .string(summary.organisation), "title": .string(summary.title),
            "author": .string(summary.author), "state": .string(summary.state), "ended": .bool(summary.isTerminal),
            "reason": .string(summary.reason), "next": .string(CampaignText.next(summary)),
            "version": .integer(summary.version), "epoch": .integer(summary.epoch),
            "planDigest": summary.planDigest.map { .string($0.hex) } ?? .null, "window": summary.window.json,
            "budget": .integer(summary.budget), "hosts": .integer(summary.hostCount),
            "jobs": .object(summary.jobCounts.mapValues { .integer($0) }),
            "approvalsRequired": .integer(summary.approvalsRequired),
            "approvalsGiven": .integer(summary.approvalsGiven),
            "rollsBack": summary.rollsBackCampaign.map { .string($0) } ?? .null,
            "created": .string(summary.created.description), "updated": .string(summary.updated.description),
        ]
    }

    static func json(_ details: CampaignDetails, _ now: Timestamp) -> JSONValue {
        var fields = json(details.summary, now)
        fields["draft"] = details.draft.json
        fields["plan"] = details.plan?.json ?? .null
        fields["errors"] = .array(details.errors.map { .string($0) })
        fields["notes"] = .array(details.notes.map { .string($0) })
        fields["approvals"] = .array(
            details.approvals.map {
                [
                    "approver": .string($0.approver), "planDigest": .string($0.planDigest.hex),
                    "epoch": .integer($0.epoch), "time": .string($0.time.description), "signed": .bool($0.isSigned),
                    "counts": .bool($0.counts),
                ]
            })
        fields["permits"] = [
            "held": .integer(details.permitsHeld), "suspect": .integer(details.permitsSuspect),
        ]
        fields["allowed"] = .array(details.allowed.filter(actions.contains).map { .string($0) })
        return .object(fields)
    }

    static func json(_ host: PlannedHost) -> JSONValue {
        [
            "id": .string(host.id), "hostname": .string(host.hostname), "distribution": .string(host.distribution),
            "packages": .array(
                host.packages.map {
                    [
                        "package": .string($0.package), "from": $0.from.map { .string($0) } ?? .null,
                        "to": .string($0.to),
                    ]
                }), "reboot": .string(host.reboot), "wayBack": .string(host.wayBack),
            "windows": .array(
                host.windows.map {
                    [
                        "notBefore": .string($0.notBefore.description), "notAfter": .string($0.notAfter.description),
                        "local": .string($0.local),
                    ]
                }),
        ]
    }
}
