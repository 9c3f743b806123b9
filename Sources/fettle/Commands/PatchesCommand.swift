import ArgumentParser
import JSON

/// `fettle patches`.
struct PatchesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patches", abstract: "List what is missing, over all hosts or on one.")

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOption
    @Flag(help: "Only security updates.")
    var security = false
    @Option(help: "Only this host: its name, or its id or the beginning of it.")
    var host: String?
    @Option(help: "Only this organisation.")
    var organisation: String?
    @Option(name: .shortAndLong, help: "At most so many.")
    var limit = 1000

    func run() async throws {
        if let host { return try await show(host) }
        let items = try await data.client.list(
            "/api/v1/patches",
            [
                ("security", security ? "true" : nil), ("organisation", organisation),
                ("limit", String(min(limit, 500))),
            ], limit: limit)
        output.show(items) { items in
            printTable(
                ["PACKAGE", "CANDIDATE", "ORIGIN", "SECURITY", "HOSTS", "UPGRADABLE"],
                items.map { patch in
                    [
                        patch.text("name"), patch.text("candidate"), patch.text("origin"),
                        patch["security"]?.bool == true ? "yes" : "", patch.text("hosts"), patch.text("upgradable"),
                    ]
                })
        }
        let server = try await data.client.get("/api/v1/server")
        if let unjudged = server["hosts"]?["unjudged"]?.integer, unjudged > 0 {
            say("\(unjudged) host(s) are not judged (silent, or nothing fresh reported): fettle hosts list")
        }
    }

    private func show(_ host: String) async throws {
        let answer = try await data.client.get(
            "/api/v1/hosts/\(OperatorClient.escaped(host))/patches",
            [("security", security ? "true" : nil), ("organisation", organisation)])
        output.show(answer["items"]?.array ?? []) { items in
            printTable(
                ["PACKAGE", "INSTALLED", "CANDIDATE", "ORIGIN", "SECURITY", "STATUS", "REASON"],
                items.map { patch in
                    [
                        patch.text("name"), patch.text("installed"), patch.text("candidate"), patch.text("origin"),
                        patch["security"]?.bool == true ? "yes" : "", patch.text("status"), patch.text("reason"),
                    ]
                })
        }
        let unknown = answer.text("unknown")
        if !unknown.isEmpty { say("not known for certain: \(unknown)") }
    }
}
