import ArgumentParser
import JSON

/// `fettle search TEXT`.
struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find hosts and missing packages by a part of their name.",
        discussion: """
            Examples:
              fettle search openssl
              fettle search web -o json
            """)
    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "A part of a name, whatever its case.") var text: String
    @Option(name: .shortAndLong, help: "At most so many of each kind.") var limit = 50

    private static let columns: [Column] = [
        .member("kind"), .member("name"), .member("about"), .member("id", "ID", wide: true),
    ]

    func validate() throws {
        guard (1...255).contains(text.utf8.count), limit > 0 else { throw ValidationError("say 1 to 255 characters") }
    }

    func run() async throws {
        try await reading.run { client in
            let query = [("q", text), organisation.query(client), ("limit", String(min(limit, 500)))]
            let hosts = try await client.list("/api/v1/hosts", query, limit: limit).map { host -> JSONValue in
                [
                    "kind": "host", "name": .string(host.text("hostname")), "id": .string(host.text("id")),
                    "about": .string("\(hostStatus(host)), \(pendingCell(host["pending"], "total")) pending"),
                ]
            }
            let patches = try await client.list("/api/v1/patches", query, limit: limit).map { patch -> JSONValue in
                [
                    "kind": "package", "name": .string(patch.text("name")), "id": .string(patch.text("candidate")),
                    "about": .string("\(patch.text("candidate")) is missing on \(patch.text("hosts")) host(s)"),
                ]
            }
            return Shown(
                hosts + patches, Self.columns, empty: "nothing has \"\(text)\" in its name", name: { $0.text("name") })
        }
    }
}
