import ArgumentParser
import JSON
import Timestamps

/// `fettle hosts list | show | diff | history | revoke | release | retire | scan`.
struct HostsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts", abstract: "See hosts, what changed on them, and manage their identity.",
        subcommands: [
            List.self, Show.self, Diff.self, History.self, Revoke.self, Release.self, Retire.self, Scan.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List hosts with their verdicts.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Option(name: .shortAndLong, help: "Only hosts whose name or id contains this.")
        var query: String?
        @Option(help: "Only hosts of this status: active, quarantined, revoked, retired.")
        var status: String?
        @Option(help: "Only hosts of this organisation.")
        var organisation: String?
        @Flag(help: "Only hosts with security updates pending.")
        var security = false
        @Flag(help: "Only hosts that have been silent for more than three intervals.")
        var silent = false
        @Option(name: .shortAndLong, help: "At most so many.")
        var limit = 1000

        func run() async throws {
            let items = try await data.client.list(
                "/api/v1/hosts",
                [
                    ("q", query), ("status", status), ("organisation", organisation),
                    ("security", security ? "true" : nil), ("silent", silent ? "true" : nil),
                    ("limit", String(min(limit, 500))),
                ], limit: limit)
            output.show(items) { items in
                printTable(
                    ["ID", "HOST", "STATUS", "OS", "PENDING", "SECURITY", "REBOOT", "SEEN"],
                    items.map { host in
                        [
                            String(host.text("id").prefix(12)), host.text("hostname"), hostStatus(host),
                            cell(host["operatingSystem"]) { $0.text("name") },
                            pendingCell(host["pending"], "total"), pendingCell(host["pending"], "security"),
                            rebootCell(host["reboot"]), age(host["lastSeen"]?.string),
                        ]
                    })
                if items.isEmpty { say("no hosts; enrol one with a token: fettle tokens create") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one host: what it lacks, and what is not known.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String

        func run() async throws {
            let host = try await data.client.get("/api/v1/hosts/\(OperatorClient.escaped(self.host))")
            output.show(host) { printHost($0) }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which packages changed between two times.",
            discussion: "Times are RFC 3339 (2026-11-21T08:00:00Z), or how long ago: 24h, 7d.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String
        @Option(help: "The earlier time. Default: the host's first report.")
        var from: String?
        @Option(help: "The later time. Default: now.")
        var to: String?

        func run() async throws {
            let diff = try await data.client.get(
                "/api/v1/hosts/\(OperatorClient.escaped(host))/diff",
                [("from", try from.map(time)), ("to", try to.map(time))])
            output.show(diff) { diff in
                say("from \(diff.text("from")) to \(diff.text("to"))")
                printTable(
                    ["CHANGE", "PACKAGE", "ARCH", "BEFORE", "AFTER"],
                    (diff["changes"]?.array ?? []).map { change in
                        [
                            change.text("change"), change.text("name"), change.text("architecture"),
                            change.text("before"), change.text("after"),
                        ]
                    })
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show when the host looked how.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String
        @Option(name: .shortAndLong, help: "At most so many.")
        var limit = 50

        func run() async throws {
            let items = try await data.client.list(
                "/api/v1/hosts/\(OperatorClient.escaped(host))/history", [("limit", String(min(limit, 500)))],
                limit: limit)
            output.show(items) { items in
                printTable(
                    ["OBSERVED", "CAUSE", "SET", "OFFERS", "FACTS", "BOOT"],
                    items.map { item in
                        [
                            item.text("observed"), item.text("cause"), String(item.text("set").prefix(12)),
                            String(item.text("offers").prefix(12)), String(item.text("facts").prefix(12)),
                            String(item.text("bootID").prefix(8)),
                        ]
                    })
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Refuse the host's certificates from now on.")
        @OptionGroup var data: DataOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String
        @Option(help: "Why; it enters the audit log.")
        var reason: String

        func run() async throws {
            try await act(data, host, "revoke", ["reason": .string(reason)], "is revoked")
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a host out of quarantine.")
        @OptionGroup var data: DataOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String

        func run() async throws { try await act(data, host, "release", nil, "is out of quarantine") }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a host out of service; its history stays.")
        @OptionGroup var data: DataOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String

        func run() async throws { try await act(data, host, "retire", nil, "is retired") }
    }

    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ask a host for a scan at its next check-in.")
        @OptionGroup var data: DataOption
        @Argument(help: "The host's name, or its id or the beginning of it.")
        var host: String

        func run() async throws { try await act(data, host, "scan", nil, "will scan at its next check-in") }
    }
}

private func act(_ data: DataOption, _ host: String, _ verb: String, _ body: JSONValue?, _ done: String) async throws {
    let answer = try await data.client.post("/api/v1/hosts/\(OperatorClient.escaped(host))/\(verb)", body)
    say("\(answer.text("hostname")) (\(answer.text("id").prefix(12))) \(done)")
}

/// A time, or a duration that lies that long ago, as RFC 3339.
private func time(_ text: String) throws -> String {
    if Timestamp(rfc3339: text) != nil { return text }
    guard let ago = seconds(text) else {
        throw CommandFailure.usage("\"\(text)\" is neither a time (2026-11-21T08:00:00Z) nor how long ago (24h, 7d)")
    }
    return now().adding(seconds: -ago).description
}
