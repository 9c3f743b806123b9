import ArgumentParser
import JSON

/// `fettle exception list | show | create | approve | reject | revoke`.
struct ExceptionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exception", abstract: "Accept a risk for a time: asked for by one person, approved by another.",
        discussion: """
            What an exception covers is shown as accepted and has no date until it ends: at its time, when somebody revokes \
            it, and by itself when the vulnerability becomes known to be exploited.

            Examples:
              fettle exception create CVE-2024-3094 --host web1 --reason "no window" --control "filtered" --expires 30d
              fettle exception approve x-4f7a9c2d
              fettle exception reject x-4f7a9c2d --reason "the service is reachable"
              fettle exception list --state active
            """,
        subcommands: [List.self, Show.self, Create.self, Approve.self, Reject.self, Revoke.self],
        defaultSubcommand: List.self,
        aliases: ["exceptions"])

    private static let columns: [Column] = [
        .member("id"), .member("vulnerability"), .member("state"),
        Column("WHERE") { item in
            let place = item.text("hostname").isEmpty ? item.text("selector") : item.text("hostname")
            return place.isEmpty ? "all hosts" : place
        },
        .member("package"),
        Column("EXPIRES", raw: { $0.text("expires") }, text: { String($0.text("expires").prefix(10)) }),
        .member("owner"), .member("requestedBy", "ASKED BY", wide: true),
        .member("approvedBy", "APPROVED BY", wide: true),
        .member("reason", wide: true),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List accepted risks, the newest first.",
            discussion: """
                Examples:
                  fettle exception list --vulnerability CVE-2024-3094
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Option(help: "Only of this vulnerability, by any of its ids.")
        var vulnerability: String?
        @Option(help: "Only in this state: requested, active, expired, reopened, revoked.")
        var state: String?

        func run() async throws {
            try await reading.run { client in
                Shown(
                    try await client.list(
                        "/api/v1/exceptions",
                        [("vulnerability", vulnerability), ("state", state), organisation.query(client)]), columns,
                    empty: "no accepted risks")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an accepted risk.",
            discussion: """
                Examples:
                  fettle exception show x-4f7a9c2d
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id.") var id: String

        func run() async throws {
            try await reading.run { client in
                let item = try await client.get(organisation.path(client, "exceptions", id))
                return Shown(item: item, csv: columns) { _ in ExceptionCommand.text(item) }
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for a risk to be accepted; another person approves it.",
            discussion: """
                Examples:
                  fettle exception create CVE-2024-3094 --host web1 --reason "no window" --control "filtered" --expires 30d
                  fettle exception create CVE-2024-3094 --labels site=berlin --package xz-utils --owner "Ada" \
                --reason "not reachable" --control "sshd is off" --expires 2027-01-31T00:00:00Z
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The vulnerability, by any of its ids.") var vulnerability: String
        @Option(help: "Only on this host.", completion: hostNames) var host: String?
        @Option(help: "Only on hosts with these labels: site=berlin,tier in (web,api).") var labels: String?
        @Option(help: "Only in this package, or in those of this source.") var package: String?
        @Option(help: "Who answers for it. Default: you.") var owner: String?
        @Option(help: "Why it is not patched.") var reason: String
        @Option(help: "What stands in for the patch.") var control: String
        @Option(help: "How long (90d, at most 366d), or until when (RFC 3339).") var expires: String

        func run() async throws {
            var body: [String: JSONValue] = [
                "vulnerability": .string(vulnerability), "reason": .string(reason),
                "compensatingControl": .string(control), "expires": .string(try instant(expires, option: "--expires")),
            ]
            for (name, value) in [("host", host), ("selector", labels), ("package", package), ("owner", owner)] {
                if let value { body[name] = .string(value) }
            }
            let client = try changing.data.client
            guard changing.goesOn("ask to accept \(vulnerability) until \(body["expires"]?.string ?? "")") else {
                return
            }
            let made = try await client.post(organisation.path(client, "exceptions"), .object(body))
            try output.show(made) {
                emit($0.text("id") + "\n")
                say("another person approves it: fettle exception approve \($0.text("id"))")
            }
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept a risk that another person asks to accept.",
            discussion: """
                Examples:
                  fettle exception approve x-4f7a9c2d
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id.") var id: String
        @Flag(help: "Also where the vulnerability is, or becomes, known to be exploited.") var coversExploitation =
            false

        func run() async throws {
            let decided = try await ExceptionCommand.decide(
                id, "approve", ["coversExploitation": .bool(coversExploitation)], changing, organisation
            ) { "accept \($0.text("vulnerability")) until \($0.text("expires")): \($0.text("reason"))" }
            if let decided { try output.show(decided) { say("\(id): \($0.text("sentence"))") } }
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse a risk that another person asks to accept.",
            discussion: """
                Examples:
                  fettle exception reject x-4f7a9c2d --reason "the service is reachable from outside"
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id.") var id: String
        @Option(help: "Why; it enters the audit log.") var reason: String

        func run() async throws {
            let decided = try await ExceptionCommand.decide(
                id, "reject", ["reason": .string(reason)], changing, organisation
            ) {
                "refuse to accept \($0.text("vulnerability")), as \($0.text("owner")) asks"
            }
            if let decided { try output.show(decided) { say("\(id): \($0.text("sentence"))") } }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End accepted risks now, or withdraw what was asked for.",
            discussion: """
                Examples:
                  fettle exception revoke x-4f7a9c2d --reason "the patch is out"
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their ids.") var ids: [String]
        @Option(help: "Why; it enters the audit log.") var reason: String

        func run() async throws {
            try await changing.each(ids, output) { id in
                let decided = try await ExceptionCommand.decide(
                    id, "revoke", ["reason": .string(reason)], changing, organisation
                ) {
                    "end the exception \(id), which is \($0.text("state"))"
                }
                if decided != nil { say("exception \(id) has ended") }
                return decided
            }
        }
    }

    /// Shows what is to be decided, asks, and decides.
    ///
    /// - Returns: what it is afterwards; nil where whoever was asked said no.
    private static func decide(
        _ id: String, _ decision: String, _ body: JSONValue, _ changing: Changing, _ organisation: OrganisationOption,
        asking: (JSONValue) -> String
    ) async throws -> JSONValue? {
        let client = try changing.data.client
        let item = try await client.get(organisation.path(client, "exceptions", id))
        guard changing.goesOn(asking(item)) else { return nil }
        return try await client.post(organisation.path(client, "exceptions", id, decision), body)
    }

    fileprivate static func text(_ item: JSONValue) -> String {
        lines([
            ("Id", item.text("id")), ("Vulnerability", item.text("vulnerability")),
            ("State", "\(item.text("state")): \(item.text("sentence"))"),
            ("Host", item.text("hostname").isEmpty ? "several" : item.text("hostname")),
            ("Labels", item.text("selector")), ("Package", item.text("package")), ("Owner", item.text("owner")),
            ("Reason", item.text("reason")), ("Control", item.text("compensatingControl")),
            ("Asked", "\(item.text("requested")) by \(item.text("requestedBy"))"),
            (
                "Approved",
                item.text("approved").isEmpty ? "no" : "\(item.text("approved")) by \(item.text("approvedBy"))"
            ),
            ("Expires", item.text("expires")),
        ])
    }
}
