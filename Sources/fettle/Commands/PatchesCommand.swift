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
              fettle patches --rank --capacity 40 --per-week 120
              fettle patches --few 5
            """, aliases: ["patch"])

    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Flag(help: "Only security updates.")
    var security = false
    @Flag(help: "The work queue: which patch next, where, and why, by what its vulnerabilities are.")
    var rank = false
    @Option(help: "With --rank: units of work that can be done now; says how far down the queue they reach.")
    var capacity: Int?
    @Option(help: "With --rank: units of work done in a week; says when each patch is done, and whether in time.")
    var perWeek: Int?
    @Flag(help: "With --rank: explain each patch in full, every finding's share and the cost.")
    var full = false
    @Option(help: "The so many patches that cut most risk.")
    var few: Int?
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
    private static let forecast: [Column] = [
        Column("DONE", raw: { $0.text("done") }, text: { String($0.text("done").prefix(10)) }), .member("outlook"),
    ]
    private static let fewColumns: [Column] = [
        .member("patch"),
        Column("RISK GONE", raw: { flatText($0["share"] ?? .null) }, text: { "\(percent($0["share"])) %" }),
    ]

    private static func percent(_ share: JSONValue?) -> Int {
        switch share {
        case .number(let number)? where (0...1).contains(number): Int(number * 100)
        case .integer(1)?: 100
        default: 0
        }
    }

    func validate() throws {
        if rank || few != nil, security || host != nil || name != nil {
            throw ValidationError("--rank and --few are of all hosts and patches: leave the other choices out")
        }
        if rank, few != nil { throw ValidationError("give --rank or --few, not both") }
        if !rank, capacity != nil || perWeek != nil || full {
            throw ValidationError("--capacity, --per-week and --full go with --rank")
        }
        for (name, value) in [("capacity", capacity), ("per-week", perWeek)] {
            if let value, !(1...1_000_000).contains(value) { throw ValidationError("--\(name) is 1 to 1000000") }
        }
        if let few, !(1...100).contains(few) { throw ValidationError("--few is 1 to 100") }
    }

    func run() async throws {
        try await reading.run { client in
            if rank { return try await queue(client) }
            if let few {
                let answer = try await client.get(
                    "/api/v1/patches/selection", [organisation.query(client), ("count", String(few))])
                var shown = Shown(
                    answer["items"]?.array ?? [], Self.fewColumns,
                    empty: "no offered update closes a known vulnerability", name: { $0.text("patch") })
                shown.notes.append(
                    "at least \(Self.percent(answer["quality"])) % of what the best choice of \(few) could cut")
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

    /// The work queue.
    private func queue(_ client: OperatorClient) async throws -> Shown {
        let query: [(String, String?)] = [
            organisation.query(client), ("full", full ? "true" : nil), ("capacity", capacity.map(String.init)),
            ("perWeek", perWeek.map(String.init)),
        ]
        let items = try await client.list(
            "/api/v1/patches/ranked", query + [("limit", String(max(1, min(limit, 500))))], limit: limit)
        var shown = Shown(
            items, Self.ranked + (perWeek == nil ? [] : Self.forecast),
            empty: "no offered update closes a known vulnerability", name: { $0.text("id") })
        if full {
            for item in items {
                shown.notes.append("\(item.text("place")). \(item.text("name")):")
                shown.notes += (item["full"]?.array ?? []).compactMap(\.string).map { "   \($0)" }
            }
        } else if let first = items.first {
            shown.notes.append("first: \(first.text("why"))")
        }
        guard capacity != nil || perWeek != nil, !items.isEmpty else { return shown }
        let whole = try await client.get("/api/v1/patches/ranked", query + [("limit", "1")])
        let total = whole["total"]?.integer ?? 0
        if let capacity {
            let fits = whole["fits"]?.integer ?? 0
            shown.notes.append(
                "\(capacity) units of work reach down to \(fits == 0 ? "none" : "place \(fits)") of \(counted(total, "patch", "patches"))"
            )
        }
        if let perWeek { shown.notes += Self.sentences(whole["forecast"] ?? .null, perWeek, items) }
        return shown
    }

    /// The forecast in words.
    private static func sentences(_ forecast: JSONValue, _ perWeek: Int, _ items: [JSONValue]) -> [String] {
        let late = forecast["late"]?.integer ?? 0
        let dated = late + (forecast["inTime"]?.integer ?? 0)
        let finished = forecast.text("finished")
        var text = "at \(perWeek) units of work a week "
        text += finished.isEmpty ? "no end of the queue is in sight" : "the queue is done by \(finished.prefix(10))"
        guard dated > 0 else { return [text + "; none of it has a date"] }
        text +=
            late == 0
            ? "; every patch with a date is in time"
            : "; \(late) of \(counted(dated, "patch", "patches")) with a date \(late == 1 ? "is" : "are") late"
        let id = forecast.text("firstLate")
        guard let first = items.first(where: { $0.text("id") == id }) else { return [text] }
        return [
            text,
            "the first that is late: \(first.text("name")), due \(first.text("due").prefix(10)), "
                + "done \(first.text("done").isEmpty ? "never" : String(first.text("done").prefix(10)))",
        ]
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
