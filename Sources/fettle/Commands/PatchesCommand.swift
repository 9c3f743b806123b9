import ArgumentParser
import JSON

/// `fettle patches`.
struct PatchesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patches", abstract: "List what is missing, over all hosts or on one.",
        discussion: """
            Examples:
              fettle patches --security
              fettle patches --host web1 -o wide
              fettle patches --name-contains openssl -o json
              fettle patches --rank -o wide
            """, aliases: ["patch"])

    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Flag(help: "Only security updates.")
    var security = false
    @Flag(help: "The work queue: which patch next, where, and why, by what its vulnerabilities are.")
    var rank = false
    @Option(help: "Only this host: its name, or its id or the beginning of it.", completion: hostNames)
    var host: String?
    @Option(name: [.customShort("q"), .customLong("name-contains")], help: "Only packages whose name contains this.")
    var name: String?
    @Option(name: .shortAndLong, help: "At most so many.")
    var limit = 100_000

    private static let security = Column("SECURITY") { $0["security"]?.bool == true ? "yes" : "" }
    private static let overAll: [Column] = [
        .member("name", "PACKAGE"), .member("candidate"), .member("origin"), security, .member("hosts"),
        .member("upgradable"),
    ]
    private static let ofOne: [Column] = [
        .member("name", "PACKAGE"), .member("installed"), .member("candidate"), .member("origin"), security,
        .member("status"), .member("reason"), .member("architecture", "ARCH", wide: true),
    ]

    private static let ranked: [Column] = [
        .member("place", "#"), .member("name", "PATCH"), .member("band"),
        Column("DUE", raw: { $0.text("due") }, text: { String($0.text("due").prefix(10)) }), .member("hosts"),
        Column("CLOSES") { String($0["vulnerabilities"]?.array?.count ?? 0) },
        Column("BENEFIT") { flatText($0["benefit"] ?? .null) }, Column("COST") { flatText($0["cost"] ?? .null) },
        Column("B/C") { flatText($0["ratio"] ?? .null) }, .member("reboot"), .member("why", wide: true),
    ]

    func validate() throws {
        if rank, security || host != nil || name != nil {
            throw ValidationError("--rank is of all hosts and patches: leave the other choices out")
        }
    }

    func run() async throws {
        try await reading.run { client in
            if rank {
                let items = try await client.list(
                    "/api/v1/patches/ranked",
                    [organisation.query(client), ("limit", String(max(1, min(limit, 500))))], limit: limit)
                var shown = Shown(
                    items, Self.ranked, empty: "no offered update closes a known vulnerability", name: { $0.text("id") }
                )
                if let first = items.first { shown.notes.append("first: \(first.text("why"))") }
                return shown
            }
            if let host { return try await show(host, client) }
            let items = try await client.list(
                "/api/v1/patches",
                [
                    ("security", security ? "true" : nil), ("q", name), organisation.query(client),
                    ("limit", String(max(1, min(limit, 500)))),
                ], limit: limit)
            var shown = Shown(
                items, Self.overAll, empty: "nothing is missing, as far as is known", name: { $0.text("name") })
            let hosts = try await client.get("/api/v1/patches", [organisation.query(client), ("limit", "1")])["hosts"]
            if let hosts, let unjudged = hosts["unjudged"]?.integer, unjudged > 0 {
                shown.notes.append(
                    "\(unjudged) of \(counted(hosts["active"]?.integer ?? 0, "active host")) are not judged (\(hosts.text("silent")) silent, "
                        + "\(hosts.text("stale")) with scans or indexes too old); what they lack is not known: "
                        + "fettle hosts list --unjudged")
            }
            return shown
        }
    }

    private func show(_ host: String, _ client: OperatorClient) async throws -> Shown {
        let answer = try await client.get(
            "/api/v1/hosts/\(OperatorClient.escaped(host))/patches",
            [("security", security ? "true" : nil), organisation.query(client)])
        let items = (answer["items"]?.array ?? []).filter { item in name.map { item.text("name").contains($0) } ?? true
        }
        var shown = Shown(items, Self.ofOne, name: { $0.text("name") })
        let unknown = answer.text("unknown")
        if !unknown.isEmpty {
            shown.notes = ["not known for certain: \(unknown)"]
        } else if items.isEmpty {
            shown.notes = ["nothing is missing"]
        }
        return shown
    }
}
