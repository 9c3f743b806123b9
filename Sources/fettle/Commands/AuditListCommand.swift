import ArgumentParser
import JSON

extension AuditCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who did what, the newest first.",
            discussion: """
                Times are RFC 3339 (2026-11-21T08:00:00Z), or how long ago: 24h, 7d.

                Examples:
                  fettle audit list --since 24h --actor user:u-4f7a
                  fettle audit list --action host.enrolled -o csv
                  fettle audit list --watch
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var log: AuditLogOption
        @Option(help: "Only what this one did: user:ada, host:h-…, token:t-…, server.")
        var actor: String?
        @Option(help: "Only this action: host.enrolled.")
        var action: String?
        @Option(help: "Only what was done to this: host:h-….")
        var subject: String?
        @Option(help: "Only what was done then or later.")
        var since: String?
        @Option(help: "Only what was done before then.")
        var until: String?
        @Flag(help: "The oldest first.")
        var oldest = false
        @Option(name: .shortAndLong, help: "At most so many.")
        var limit = 100

        func run() async throws {
            let span = [("since", try since.map(time)), ("until", try until.map(time))]
            try await reading.run { client in
                let items = try await client.list(
                    "/api/v1/audit",
                    log.query(client) + span + [
                        ("actor", actor), ("action", action), ("subject", subject), ("order", oldest ? nil : "newest"),
                        ("limit", String(max(1, min(limit, 500)))),
                    ], limit: limit)
                return Shown(items, Self.columns(log.installation), empty: "nothing like that is in the log")
            }
        }

        private static func columns(_ isInstallation: Bool) -> [Column] {
            func event(_ key: String) -> Column { Column(key.uppercased()) { ($0["event"] ?? [:]).text(key) } }
            return [
                .member("id", "EVENT"), event("time"),
                Column("ORGANISATION") { $0.text("organisation").isEmpty ? "-" : $0.text("organisation") },
                event("actor"), event("action"), event("subject"),
                Column("RECORD") { item in
                    let key = isInstallation || item.text("organisation").isEmpty ? "installationSequence" : "sequence"
                    return item.text(key).isEmpty ? "waits" : item.text(key)
                },
                Column("PERSONAL", personal), Column("HASH", wide: true) { $0.text("hash") },
            ]
        }

        private static func personal(_ item: JSONValue) -> String {
            if item["erased"]?.bool == true { return "erased" }
            return (item["personal"]?.object ?? [:]).sorted { $0.key < $1.key }.map { key, value in
                "\(key)=\(value.string ?? String(decoding: value.canonicalBytes(), as: UTF8.self))"
            }.joined(separator: " ")
        }
    }
}
