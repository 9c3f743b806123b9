import ArgumentParser
import JSON
import Timestamps

extension AuditCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who did what, the newest first.",
            discussion: "Times are RFC 3339 (2026-11-21T08:00:00Z), or how long ago: 24h, 7d.")
        @OptionGroup var data: DataOption
        @OptionGroup var log: AuditLogOption
        @OptionGroup var output: OutputOption
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
            let items = try await data.client.list(
                "/api/v1/audit",
                log.query + [
                    ("actor", actor), ("action", action), ("subject", subject), ("since", try since.map(moment)),
                    ("until", try until.map(moment)), ("order", oldest ? nil : "newest"),
                    ("limit", String(max(1, min(limit, 500)))),
                ], limit: limit)
            output.show(items) { items in
                printTable(
                    ["EVENT", "TIME", "ORGANISATION", "ACTOR", "ACTION", "SUBJECT", "RECORD", "PERSONAL"],
                    items.map { item in
                        let event = item["event"] ?? [:]
                        let organisation = item.text("organisation")
                        let record = item.text(
                            log.installation || organisation.isEmpty ? "installationSequence" : "sequence")
                        return [
                            item.text("id"), event.text("time"), organisation.isEmpty ? "-" : organisation,
                            event.text("actor"), event.text("action"), event.text("subject"),
                            record.isEmpty ? "waits" : record, personal(item),
                        ]
                    })
                if items.isEmpty { say("nothing like that is in the log") }
            }
        }

        private func personal(_ item: JSONValue) -> String {
            if item["erased"]?.bool == true { return "erased" }
            return (item["personal"]?.object ?? [:]).sorted { $0.key < $1.key }.map { key, value in
                "\(key)=\(value.string ?? String(decoding: value.canonicalBytes(), as: UTF8.self))"
            }.joined(separator: " ")
        }
    }
}

/// A time, or a duration that lies that long ago, as RFC 3339.
private func moment(_ text: String) throws -> String {
    if Timestamp(rfc3339: text) != nil { return text }
    guard let ago = seconds(text) else {
        throw CommandFailure.usage("\"\(text)\" is neither a time (2026-11-21T08:00:00Z) nor how long ago (24h, 7d)")
    }
    return now().adding(seconds: -ago).description
}
