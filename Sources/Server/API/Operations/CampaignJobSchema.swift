import JSON
import Rollout
import Timestamps

/// How the jobs of campaigns look in the document.
enum CampaignJobSchema {
    private static let properties: [Schema.Property] = [
        .required("id", .text(1...64)), .required("campaign", .text(1...64)), .required("host", .text(1...64)),
        .required("hostname", .anyText), .required("attempt", .count),
        .required("rollsBack", .boolean, "Whether it takes the host back."),
        .required(
            "state", .text(1...64),
            "planned, offered, granted, accepted, running, suspect, lost, superseded, or an outcome."),
        .required("ended", .boolean), .required("phase", .nullable(.oneOf(JobPhase.self)), "What the host last told."),
        .required("outcome", .nullable(.oneOf(JobOutcome.self)), "How it ended by the host's own word."),
        .required(
            "needsPerson", .boolean, "Whether somebody has to look after the host: it failed, or it fell silent."),
        .required("sentence", .anyText, "What happened, how the host is and what to do; or what it waits for."),
        .required("notBefore", .nullable(.time)), .required("lastSafeStart", .nullable(.time)),
        .required("notAfter", .nullable(.time)),
        .required("percent", .nullable(.integer(0...100)), "How far the running step is; null where not known."),
        .required("activity", .anyText, "What it does; empty where not known."),
        .required("lastHeard", .nullable(.time)), .required("holdsPermit", .boolean), .required("created", .time),
        .required("updated", .time),
    ]

    static let summary = Schema.Component("CampaignJob", .object(properties))

    static let detail = Schema.Component(
        "CampaignJobDetails",
        .object(
            properties + [
                .required("fence", .nullable(.count), "Of its grant; null before it had one."),
                .required("packages", .array(package), "What became of each package, by the rescan."),
                .required("entries", .array(entry), "The journal from `from` on, at most 1,000 records."),
                .required("entryCount", .count), .required("logSize", .count, "Bytes of log."),
            ]))

    private static let package: Schema = .object([
        .required("package", .anyText), .required("from", .anyText), .required("to", .anyText),
        .required("now", .anyText),
        .required(
            "result", .anyText,
            "upgraded, unchanged, failed, rolled-back or held-back: the one to blame, not tried again by itself."),
        .required("message", .anyText),
    ])

    private static let entry: Schema = .component(
        .init(
            "CampaignJobEntry",
            .object([
                .required("job", .text(1...64)), .required("ordinal", .count), .required("time", .time),
                .optional("bootID", .anyText), .required("phase", .oneOf(JobPhase.self)), .required("step", .count),
                .required("kind", .oneOf(JobEntry.Kind.self)), .required("text", .anyText),
                .required("detail", .anything, "The facts, by the phase."),
                .required("previous", .digest, "The digest of the record before."),
            ])))

    static func json(_ job: JobSummary) -> [String: JSONValue] {
        [
            "id": .string(job.id), "campaign": .string(job.campaign), "host": .string(job.host),
            "hostname": .string(job.hostname), "attempt": .integer(job.attempt), "rollsBack": .bool(job.rollsBack),
            "state": .string(job.state), "ended": .bool(job.isTerminal),
            "phase": job.phase.map { .string($0.rawValue) } ?? .null,
            "outcome": job.outcome.map { .string($0.rawValue) } ?? .null,
            "needsPerson": .bool(CampaignText.needsPerson(job)), "sentence": .string(CampaignText.sentence(job)),
            "notBefore": time(job.notBefore), "lastSafeStart": time(job.lastSafeStart), "notAfter": time(job.notAfter),
            "percent": job.percent.map { .integer($0) } ?? .null, "activity": .string(job.activity),
            "lastHeard": time(job.lastHeard), "holdsPermit": .bool(job.holdsPermit),
            "created": time(job.created), "updated": time(job.updated),
        ]
    }

    static func json(_ job: JobDetails) -> JSONValue {
        var fields = json(job.summary)
        fields["fence"] = job.fence.map { .integer($0) } ?? .null
        fields["packages"] = .array(
            job.packages.map {
                [
                    "package": .string($0.package), "from": .string($0.from), "to": .string($0.to),
                    "now": .string($0.now), "result": .string($0.result), "message": .string($0.message),
                ]
            })
        fields["entries"] = .array(job.entries.map(\.json))
        fields["entryCount"] = .integer(job.entryCount)
        fields["logSize"] = .integer(job.logSize)
        return .object(fields)
    }
}
