import ArgumentParser
import JSON
import TextTable

/// `fettle changelogs`.
struct ChangelogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changelogs",
        abstract: "List what offered versions close by the changelogs inside them, and how feeds agree.",
        discussion: """
            Needs no feeds. Hosts read changelogs in the background where the organisation wants it: \
            fettle organisations changelogs ID on. What could not be read is unknown, not none.

            Examples:
              fettle changelogs --host web1
              fettle changelogs --package openssl -o wide
            """)

    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Option(help: "Only of this host.", completion: hostNames)
    var host: String?
    @Option(help: "Only of this package, or of this source.")
    var package: String?
    @Option(name: .shortAndLong, help: "At most so many.")
    var limit = 100_000

    private static let columns: [Column] = [
        .member("package"), .member("installed"), .member("candidate"), .member("hosts"),
        Column("CLOSES") { item in ids(item) { _ in true } },
        Column("NOT IN FEEDS") { item in ids(item) { $0.text("feed") == "silent" } },
        Column("ONLY IN FEEDS") { item in
            (item["missing"]?.array ?? []).compactMap(\.string).joined(separator: " ")
        },
        Column(
            "READ BY", raw: { $0.text("readers") },
            text: { $0["disputed"]?.bool == true ? "disputed" : $0.text("readers") }),
        .member("unknown"), .member("source", wide: true), .member("architecture", wide: true),
    ]

    private static func ids(_ item: JSONValue, _ isWanted: (JSONValue) -> Bool) -> String {
        (item["closes"]?.array ?? []).filter(isWanted).map { $0.text("vulnerability") }.joined(separator: " ")
    }

    func run() async throws {
        try await reading.run { client in
            let query: [(String, String?)] = [("host", host), ("package", package), organisation.query(client)]
            let items = try await client.list(
                "/api/v1/changelogs", query + [("limit", String(max(1, min(limit, 500))))], limit: limit)
            var shown = Shown(items, Self.columns, empty: "no changelog was read yet", name: { $0.text("package") })
            let answer = try await client.get("/api/v1/changelogs", query + [("limit", "1")])
            if answer["enabled"]?.bool == false {
                shown.notes.append("changelogs are not read: turn it on with fettle organisations changelogs ID on")
            }
            return shown
        }
    }
}

extension OrganisationsCommand {
    struct Changelogs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set whether hosts read the changelogs of what they are offered.",
            discussion: """
                Two hosts an organisation fetch each offered version in the background, at most 64 MiB a day, and tell which \
                vulnerabilities its changelog says to close. Nothing is installed. Off unless it was turned on; a host's \
                veto file can forbid it (no-changelogs). It is in the audit log.

                Examples:
                  fettle organisations changelogs berlin
                  fettle organisations changelogs berlin on
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Argument(help: "Its id.") var id: String
        @Argument(help: "on or off.") var word: String?

        func validate() throws {
            guard word.map({ ["on", "off"].contains($0) }) ?? true else { throw ValidationError("it is on or off") }
        }

        func run() async throws {
            let client = try changing.data.client
            let path = "/api/v1/organisations/\(OperatorClient.escaped(id))/settings"
            let present = try await client.get(path)
            let isOn = present["readsChangelogs"]?.bool ?? false
            guard let word else { return try output.show(present) { _ in emit((isOn ? "on" : "off") + "\n") } }
            guard changing.goesOn("turn the reading of changelogs \(word) in \(id)") else { return }
            let changed = try await client.patch(path, ["readsChangelogs": .bool(word == "on")])
            try output.tell(changed, "hosts of \(id) \(word == "on" ? "read" : "do not read") changelogs")
        }
    }
}
