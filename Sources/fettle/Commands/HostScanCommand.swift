import ArgumentParser
import JSON
import Timestamps

/// `fettle hosts scan HOST…`.
struct HostScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Ask hosts for a scan at their next check-in.",
        discussion: """
            With --wait the command ends when every host has scanned; exit code 5 where only some have in time.

            Examples:
              fettle hosts scan web1
              fettle hosts scan web1 web2 --wait --timeout 300
            """)
    @OptionGroup var act: HostAct
    @Flag(help: "Wait until they have scanned.") var wait = false
    @Option(help: "Seconds to wait at most.") var timeout = 600

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout takes 1 to 86400 seconds") }
    }

    func run() async throws {
        guard wait, !act.changing.dryRun else {
            return try await act.run("scan", nil, "ask for a scan of", "will scan at its next check-in")
        }
        let client = try act.changing.data.client
        let end = ContinuousClock.now + .seconds(timeout)
        var before: [String: JSONValue] = [:]
        for host in act.hosts { before[host] = try? await client.get(path(client, host)) }
        let known = before
        let start = now().description
        var waiting: [String] = []
        var failure: CommandFailure?
        do {
            try await act.run("scan", nil, "ask for a scan of", "will scan at its next check-in")
            waiting = act.hosts
        } catch let some as CommandFailure where some.exitCode == CommandFailure.partial {
            failure = some
            waiting = act.hosts.filter { known[$0] != nil }
        }
        let all = waiting.count
        var isFirst = true
        while !waiting.isEmpty, ContinuousClock.now < end {
            sayProgress("waiting for \(waiting.count) of \(all) …", isFirst: isFirst)
            isFirst = false
            try await Task.sleep(for: .seconds(1))
            var still: [String] = []
            for host in waiting {
                let present = try await client.get(path(client, host))
                if hasScanned(present, since: known[host], start) {
                    say("\(hostTitle(present)) has scanned")
                } else {
                    still.append(host)
                }
            }
            waiting = still
        }
        if let failure { throw failure }
        guard !waiting.isEmpty else { return }
        throw CommandFailure(
            exitCode: waiting.count < all ? CommandFailure.partial : CommandFailure.failure,
            description: """
                \(waiting.joined(separator: ", ")) did not scan within \(timeout) seconds.
                A host scans when it checks in: is it silent? fettle hosts list --silent
                """)
    }

    private func path(_ client: OperatorClient, _ host: String) -> String {
        act.organisation.path(client, "hosts", host)
    }

    /// Whether a scan has proved what is known since: by its time, which RFC 3339 in UTC orders as text.
    private func hasScanned(_ host: JSONValue, since before: JSONValue?, _ start: String) -> Bool {
        for key in ["lastScan", "lastReport"] {
            guard let time = host[key]?.string else { continue }
            if time != before?[key]?.string || time >= start { return true }
        }
        return false
    }
}
