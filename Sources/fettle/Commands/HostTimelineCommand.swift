import ArgumentParser
import JSON

/// `fettle hosts timeline HOST`.
struct HostTimelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timeline", abstract: "Show what happened to a host, the newest first.",
        discussion: """
            What people did to it is shown to whoever may read the audit log.

            Examples:
              fettle hosts timeline web1
              fettle hosts timeline web1 --limit 20 --watch
            """)
    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames) var host: String
    @Option(name: .shortAndLong, help: "At most so many.") var limit = 50

    private static let columns: [Column] = [
        .age("time", "WHEN"), .member("kind"), Column("WHAT", what), .member("time", "TIME", wide: true),
    ]

    func run() async throws {
        try await reading.run { client in
            let items = try await client.list(
                "/api/v1/hosts/\(OperatorClient.escaped(host))/timeline",
                [("limit", String(max(1, min(limit, 500)))), organisation.query(client)], limit: limit)
            return Shown(items, Self.columns, empty: "nothing has happened yet", name: { $0.text("time") })
        }
    }

    private static func what(_ entry: JSONValue) -> String {
        switch entry.text("kind") {
        case "report":
            let changed = (entry["changed"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            return "\(entry["state"]?.text("cause") ?? ""): " + (changed.isEmpty ? "nothing new" : "new \(changed)")
        case "boot": return "booted (\(entry.text("bootID")))"
        case "act": return "\(entry.text("actor")): \(entry.text("action"))"
        default: return entry.text("event")
        }
    }
}
