import ArgumentParser
import JSON

/// `fettle search TEXT`.
struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find hosts and packages by a piece of their names.",
        discussion: """
            Examples:
              fettle search openssl
              fettle search web -o json
            """)
    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "A piece of a name, id, label or address, whatever its case.") var text: String
    @Option(name: .shortAndLong, help: "At most so many of each kind (1 to 200).") var limit = 20

    private static let columns: [Column] = [
        .member("kind"), .member("name"), .member("about"), .member("id", "ID", wide: true),
    ]

    func validate() throws {
        guard !text.isEmpty, (1...200).contains(limit) else {
            throw ValidationError("say what to look for, and a --limit of 1 to 200")
        }
    }

    func run() async throws {
        try await reading.run { client in
            let found = try await client.get(
                "/api/v1/search", [("q", text), organisation.query(client), ("limit", String(limit))])
            let hosts = (found["hosts"]?["items"]?.array ?? []).map { host -> JSONValue in
                [
                    "kind": "host", "name": .string(host.text("hostname")), "id": .string(host.text("id")),
                    "about": .string("\(host.text("field")): \(host.text("value"))"),
                ]
            }
            let packages = (found["packages"]?["items"]?.array ?? []).map { package -> JSONValue in
                let installed =
                    package["installed"]?.integer.map { counted($0, "host") } ?? "an unknown number of hosts"
                return [
                    "kind": "package", "name": .string(package.text("name")), "id": .string(package.text("name")),
                    "about": .string("waits on \(package.text("pending")), installed on \(installed)"),
                ]
            }
            let rows = Shown(
                hosts + packages, Self.columns, empty: "nothing has \"\(text)\" in its name",
                name: { $0.text("name") })
            var shown = Shown(item: found, text: rows.text).with(csv: rows.csv, names: rows.names)
            shown.notes = rows.notes
            for kind in ["hosts", "packages"] {
                let total = found[kind]?["total"]?.integer ?? 0
                if total > limit { shown.notes.append("\(limit) of \(total) \(kind) are shown; more: --limit") }
            }
            return shown
        }
    }
}
