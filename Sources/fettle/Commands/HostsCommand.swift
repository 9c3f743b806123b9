import ArgumentParser
import JSON
import Timestamps

/// `fettle hosts …`: what they are like, and decisions on them.
struct HostsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts", abstract: "See hosts, what changed on them, and manage their identity.",
        discussion: """
            HOST is a name, an id, or the beginning of an id.

            Examples:
              fettle hosts list --security
              fettle hosts show web1
              fettle hosts label web1 site=berlin tier=web canary-
              fettle hosts scan web1 web2 --wait
            """,
        subcommands: [
            List.self, Show.self, Diff.self, History.self, HostTimelineCommand.self, HostLabelsCommand.self,
            HostLabelCommand.self,
            HostScanCommand.self, Renew.self, Release.self, Revoke.self, Retire.self,
        ], defaultSubcommand: List.self, aliases: ["host"])

    static let columns: [Column] = [
        Column("ID", raw: { $0.text("id") }, text: { String($0.text("id").prefix(12)) }),
        .member("hostname", "HOST"), Column("STATUS", hostStatus),
        Column("OS") { cell($0["operatingSystem"]) { $0.text("name") } },
        Column("PENDING") { pendingCell($0["pending"], "total") },
        Column("SECURITY") { pendingCell($0["pending"], "security") },
        Column("REBOOT") { rebootCell($0["reboot"]) }, .age("lastSeen", "SEEN"),
        Column("LABELS", wide: true) { labelText($0["labels"]) }, .member("organisation", wide: true),
        .member("agentVersion", "AGENT", wide: true), .age("lastReport", "REPORTED", wide: true),
        .age("enrolled", "ENROLLED", wide: true),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List hosts with their verdicts.",
            discussion: """
                All filters must hold. A number with a question mark is what was known last.

                Examples:
                  fettle hosts list --security --labels 'site=berlin,tier in (web,api)'
                  fettle hosts list --silent --watch
                  fettle hosts list --sort=-security --limit 10
                  fettle hosts list --reboot -o name | xargs -n1 fettle hosts show
                  fettle hosts list --query "[?pending.value.security > \\`0\\`].{host: hostname, waits: pending.value.security}"
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Option(name: [.customShort("q"), .customLong("name-contains")], help: "Only hosts whose name contains this.")
        var name: String?
        @Option(help: "Only hosts of this status: active, quarantined, revoked, retired.")
        var status: String?
        @Option(
            help: ArgumentHelp(
                "Only hosts with these labels: site=berlin,tier in (web,api),!canary.", valueName: "selector"))
        var labels: String?
        @Flag(help: "Only hosts with security updates pending.")
        var security = false
        @Flag(help: "Only hosts with any updates pending.")
        var pending = false
        @Flag(help: "Only hosts that have been silent for more than three intervals.")
        var silent = false
        @Flag(help: "Only hosts that need a reboot.")
        var reboot = false
        @Flag(help: "Only hosts whose pending updates are not known.")
        var unjudged = false
        @Flag(help: "Only hosts whose package indexes are no evidence.")
        var stale = false
        @Flag(help: "Only hosts with packages in a broken state.")
        var broken = false
        @Flag(help: "Only hosts where something must be restarted.")
        var restarts = false
        @Option(help: "Only hosts on which an update of this package waits.")
        var package: String?
        @Option(
            parsing: .unconditional,
            help: "By what: name, security, pending, last-seen, last-scan, reboot; - before it for the greatest first.")
        var sort: String?
        @Option(name: .shortAndLong, help: "At most so many.")
        var limit = 100_000

        func run() async throws {
            try await reading.run { client in
                let items = try await client.list(
                    "/api/v1/hosts",
                    [
                        ("q", name), ("status", status), ("labels", labels), organisation.query(client),
                        ("security", security ? "true" : nil), ("silent", silent ? "true" : nil),
                        ("pending", pending ? "true" : nil), ("reboot", reboot ? "required" : nil),
                        ("judged", unjudged ? "false" : nil), ("stale", stale ? "true" : nil),
                        ("broken", broken ? "true" : nil), ("restarts", restarts ? "true" : nil),
                        ("package", package), ("sort", sort.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }),
                        ("descending", sort?.hasPrefix("-") == true ? "true" : nil),
                        ("limit", String(max(1, min(limit, 500)))),
                    ], limit: limit)
                return Shown(items, columns, empty: "no such hosts; enrol one with a token: fettle tokens create")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one host: what it lacks, and what is not known.",
            discussion: """
                Examples:
                  fettle hosts show web1
                  fettle hosts show web1 -o yaml
                  fettle hosts show web1 --query 'reboot.value.proof'
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames)
        var host: String

        func run() async throws {
            try await reading.run { client in
                let host = try await client.get(organisation.path(client, "hosts", host))
                return Shown(item: host, csv: columns) { _ in hostText(host) }
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which packages changed between two times.",
            discussion: """
                Times are RFC 3339 (2026-11-21T08:00:00Z), or how long ago: 24h, 7d.

                Examples:
                  fettle hosts diff web1 --from 24h
                  fettle hosts diff web1 --from 2026-11-01T00:00:00Z --to 7d -o csv
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames)
        var host: String
        @Option(help: "The earlier time. Default: the host's first report.")
        var from: String?
        @Option(help: "The later time. Default: now.")
        var to: String?

        private static let columns: [Column] = [
            .member("change"), .member("name", "PACKAGE"), .member("architecture", "ARCH"), .member("before"),
            .member("after"),
        ]

        func run() async throws {
            let span = [("from", try from.map(time)), ("to", try to.map(time))]
            try await reading.run { client in
                let diff = try await client.get(
                    "/api/v1/hosts/\(OperatorClient.escaped(host))/diff", span + [organisation.query(client)])
                let changes = Shown(diff["changes"]?.array ?? [], Self.columns, name: { $0.text("name") })
                var shown = Shown(item: diff, text: changes.text)
                shown.notes = ["from \(diff.text("from")) to \(diff.text("to"))"]
                return shown.with(csv: changes.csv, names: changes.names)
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show when the host looked how, the newest first.",
            discussion: """
                Examples:
                  fettle hosts history web1 --limit 10
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames)
        var host: String
        @Option(name: .shortAndLong, help: "At most so many.")
        var limit = 50

        private static func digest(_ key: String) -> Column {
            Column(key.uppercased(), raw: { $0.text(key) }, text: { String($0.text(key).prefix(12)) })
        }
        private static let columns: [Column] = [
            .member("observed"), .member("cause"), digest("set"), digest("offers"), digest("facts"),
            Column("BOOT", raw: { $0.text("bootID") }, text: { String($0.text("bootID").prefix(8)) }),
            .member("recorded", wide: true),
        ]

        func run() async throws {
            try await reading.run { client in
                let items = try await client.list(
                    "/api/v1/hosts/\(OperatorClient.escaped(host))/history",
                    [("limit", String(max(1, min(limit, 500)))), organisation.query(client)], limit: limit)
                return Shown(items, Self.columns, empty: "no reports yet", name: { $0.text("observed") })
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse hosts' certificates from now on.",
            discussion: """
                Only a new enrolment lets such a host in again.

                Examples:
                  fettle hosts revoke web1 --reason "stolen" --yes
                """)
        @OptionGroup var act: HostAct
        @OptionGroup var confirming: Confirming
        @Option(help: "Why; it enters the audit log.")
        var reason: String

        func run() async throws {
            try await act.run(
                "revoke", ["reason": .string(reason)], "revoke", "is revoked", confirming: confirming)
        }
    }

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask hosts to renew their certificates at their next check-in.",
            discussion: """
                Examples:
                  fettle hosts renew web1
                """)
        @OptionGroup var act: HostAct

        func run() async throws {
            try await act.run(
                "renew", nil, "renew the certificate of", "will renew its certificate at its next check-in")
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let hosts out of quarantine.",
            discussion: """
                Examples:
                  fettle hosts release web1
                """)
        @OptionGroup var act: HostAct

        func run() async throws {
            try await act.run("release", nil, "let out of quarantine", "is out of quarantine")
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take hosts out of service; their history stays.",
            discussion: """
                Examples:
                  fettle hosts retire web1 web2 --yes
                """)
        @OptionGroup var act: HostAct
        @OptionGroup var confirming: Confirming
        @Option(help: "Why; it enters the audit log.")
        var reason: String?

        func run() async throws {
            try await act.run(
                "retire", reason.map { ["reason": .string($0)] }, "retire", "is retired", confirming: confirming)
        }
    }
}

/// What is done to hosts that are named one by one.
struct HostAct: ParsableArguments {
    @OptionGroup var changing: Changing
    @OptionGroup var output: OutputOption
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "Hosts: names, ids or the beginnings of ids.", completion: hostNames)
    var hosts: [String]

    /// - Parameters:
    ///   - what: of the question and of a dry run: `retire`.
    ///   - done: of the host afterwards: `is retired`.
    func run(
        _ verb: String, _ body: JSONValue?, _ what: String, _ done: String, confirming: Confirming? = nil
    ) async throws {
        let client = try changing.data.client
        if !changing.dryRun { try confirming?.confirm("\(what) \(hosts.joined(separator: ", "))") }
        try await changing.each(hosts, output) { host in
            if changing.dryRun {
                let found = try await client.get(organisation.path(client, "hosts", host))
                _ = changing.goesOn("\(what) \(hostTitle(found)), which is \(hostStatus(found))")
                return nil
            }
            let answer = try await client.post(organisation.path(client, "hosts", host, verb), body)
            say("\(hostTitle(answer)) \(done)")
            return answer
        }
    }
}

/// `web1 (h-4f7a9c2d)`
func hostTitle(_ host: JSONValue) -> String { "\(host.text("hostname")) (\(host.text("id").prefix(12)))" }

/// Names of hosts for the shell, of the server that the words before name; none where it does not answer at once.
let hostNames: CompletionKind = .custom { words, _, prefix in
    func value(_ name: String) -> String? {
        words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    }
    var option: [String] = []
    for name in ["--data", "--context"] { if let value = value(name) { option += [name, value] } }
    guard let data = try? DataOption.parse(option), let client = try? data.client else { return [] }
    let organisation = value("--organisation") ?? environment("FETTLE_ORGANISATION") ?? client.organisation
    return await withTaskGroup(of: [String].self) { group in
        group.addTask {
            let query = [("organisation", organisation), ("limit", "200"), ("q", prefix.isEmpty ? nil : prefix)]
            return ((try? await client.list("/api/v1/hosts", query, limit: 200)) ?? []).map { $0.text("hostname") }
        }
        group.addTask {
            try? await Task.sleep(for: .seconds(2))
            return []
        }
        defer { group.cancelAll() }
        return await group.next() ?? []
    }
}

/// A time, or a duration that lies that long ago, as RFC 3339.
func time(_ text: String) throws -> String {
    if Timestamp(rfc3339: text) != nil { return text }
    guard let ago = seconds(text) else {
        throw CommandFailure.usage("\"\(text)\" is neither a time (2026-11-21T08:00:00Z) nor how long ago (24h, 7d)")
    }
    return now().adding(seconds: -ago).description
}
