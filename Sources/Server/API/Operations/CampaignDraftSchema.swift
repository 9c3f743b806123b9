import Access
import JSON
import Rollout
import Wire

/// How what somebody wants looks in the document: as it is sent, where defaults may be left out, and as it is given.
enum CampaignDraftSchema {
    /// A draft in an answer: everything is there.
    static let draft = Schema.Component("CampaignDraft", .object(properties(isWhole: true)))

    /// A draft in a request: what has a default may be left out.
    static let request = Schema.Component("CampaignRequest", .object(properties(isWhole: false)))

    /// A reason that enters the audit log.
    static let reason: Schema = .text(1...1024)

    static func properties(isWhole: Bool) -> [Schema.Property] {
        func property(_ name: String, _ schema: Schema, _ description: String) -> Schema.Property {
            isWhole ? .required(name, schema, description) : .optional(name, schema, description)
        }
        return [
            .required("title", .text(1...200), "What people call it."),
            .required("packages", packages, "Which packages; freezing makes exact versions of it."),
            .required("hosts", hosts, "On which hosts; freezing makes a list of it."),
            .required("window", window, "When the hosts may change."),
            property(
                "budget", .integer(1...100_000), "How many hosts may be disturbed at the same time; by default 1."),
            property("actions", actions(isWhole: isWhole), "What else is done."),
        ]
    }

    static let window: Schema = .component(
        .init(
            "CampaignWindow",
            .object([
                .required("start", .text(1...32), "The local time of the start: `2026-11-21T22:00`."),
                .required("minutes", .integer(5...10_080), "Elapsed minutes from the start to the end."),
                .required(
                    "zone", .text(1...64),
                    "An IANA zone (`Europe/Berlin`, `UTC`), `host` for each host's own, or `policies`: each host's own windows by the policies, the first after `start` (UTC) that holds the job, of which it uses `minutes` at most."
                ),
            ])))

    private static let packages: Schema = .component(
        .init(
            "CampaignPackages",
            .object([
                .required(
                    "kind", .oneOf(["security", "everything", "named", "exact"]),
                    "Every security update that waits, every update, those of `names`, or exactly `versions`."),
                .optional(
                    "names", .array(.text(1...256), count: 0...5000), "Packages, at the version that is offered."),
                .optional(
                    "versions",
                    .array(
                        .object([
                            .required("name", .text(1...256)), .required("version", .text(1...256)),
                            .optional("architecture", .text(1...32), "By default every one that is installed."),
                        ]), count: 0...5000), "Packages at exactly these versions."),
            ])))

    private static let hosts: Schema = .component(
        .init(
            "CampaignHosts",
            .object([
                .optional(
                    "ids", .array(.text(1...255), count: 0...5000),
                    "Hosts: ids, and in a request names or the beginnings of ids too."),
                .optional(
                    "selector", .text(0...LabelSelector.maximumBytes),
                    "Every active host with these labels: `site=berlin`; empty for all."),
            ])))

    private static func actions(isWhole: Bool) -> Schema {
        func property(_ name: String, _ schema: Schema, _ description: String = "") -> Schema.Property {
            isWhole ? .required(name, schema, description) : .optional(name, schema, description)
        }
        let units: Schema = .array(.text(1...255), count: 0...64)
        return .component(
            .init(
                isWhole ? "CampaignActions" : "CampaignActionsRequest",
                .object([
                    property("preScripts", scripts(isWhole), "Run before the packages change, in order."),
                    property("postScripts", scripts(isWhole), "Run afterwards, in order."),
                    property("stopServices", units, "Systemd units that are stopped before and started afterwards."),
                    property("restartServices", units, "Systemd units that are restarted afterwards in any case."),
                    property("restartStaleServices", .boolean, "Whether services that map deleted files restart."),
                    property("healthChecks", checks(isWhole), "What must hold before a job counts as succeeded."),
                    property("settleTime", .integer(0...86_400), "Seconds within which checks may still fail."),
                    property("consecutivePasses", .integer(1...100), "How often in a row every check must pass."),
                    property("reboot", .oneOf(RebootPolicy.self), "When the host is started anew."),
                    property("maximumReboots", .integer(0...10), "The most reboots of one job."),
                    property("snapshot", .oneOf(SnapshotPolicy.self), "What must be there to come back to."),
                    .optional("snapshotHook", .text(1...4096), "A command that has a backup or hypervisor snapshot."),
                    property(
                        "stepTimeout", .integer(10...86_400), "Seconds that one run of the package manager takes."),
                    property("rollBack", .boolean, "Whether the host goes back when a check or the rescan fails."),
                ])))
    }

    private static func scripts(_ isWhole: Bool) -> Schema {
        let text: Schema = .string(.init(minimum: 1, maximum: PlannedScript.maximumBytes))
        let timeout: Schema = .integer(1...86_400)
        return .array(
            .object([
                .required("name", .text(1...64)),
                .required("text", text, "Its whole text, run as root by its #! line."),
                isWhole ? .required("timeout", timeout) : .optional("timeout", timeout, "Seconds; by default 900."),
                isWhole ? .required("idempotent", .boolean) : .optional("idempotent", .boolean, "May it run twice?"),
                .optional("undo", text, "What takes its effect back."),
            ]), count: 0...16)
    }

    private static func checks(_ isWhole: Bool) -> Schema {
        let timeout: Schema = .integer(1...600)
        return .array(
            .object([
                .required("name", .text(1...64)), .required("kind", .oneOf(["command", "tcp", "http", "unit"])),
                isWhole ? .required("timeout", timeout) : .optional("timeout", timeout, "Seconds; by default 10."),
                .optional("command", .text(1...4096), "For /bin/sh -c; it must exit with 0."),
                .optional("address", .text(1...255)), .optional("port", .integer(1...65_535)),
                .optional("path", .text(1...1024)), .optional("status", .integer(100...599)),
                .optional("unit", .text(1...255), "A systemd unit that must be active."),
            ]), count: 0...64)
    }
}

extension CampaignDraft {
    /// Reads a request: what was left out takes its default.
    ///
    /// - Throws: ``Refusal`` with 422 where it has the form that is described but no meaning.
    static func reading(_ request: JSONValue) throws -> CampaignDraft {
        var members = request.object ?? [:]
        members["budget"] = members["budget"] ?? 1
        var actions = JobActions().json.object ?? [:]
        for (name, value) in members["actions"]?.object ?? [:] { actions[name] = value }
        for name in ["preScripts", "postScripts"] {
            actions[name] = filled(actions[name], ["timeout": 900, "idempotent": false])
        }
        actions["healthChecks"] = filled(actions["healthChecks"], ["timeout": 10])
        members["actions"] = .object(actions)
        do {
            return try CampaignDraft(json: .object(members))
        } catch {
            throw Refusal(
                .unprocessable([
                    .init(
                        pointer: error.pointer, detail: "\(error.reason).",
                        cure: "See CampaignRequest in /api/v1/openapi.json.")
                ]))
        }
    }

    private static func filled(_ list: JSONValue?, _ defaults: [String: JSONValue]) -> JSONValue {
        .array((list?.array ?? []).map { .object(defaults.merging($0.object ?? [:]) { $1 }) })
    }
}
