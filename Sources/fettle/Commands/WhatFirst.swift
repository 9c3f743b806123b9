import Glibc
import JSON
import Wire

/// What `fettle up` says of vulnerabilities: which patch first and why, or what is lacking to say it.
struct WhatFirst: Sendable {
    let client: OperatorClient
    /// The server's data folder.
    let data: String
    /// A page of the server.
    let base: String

    /// How many patches are shown.
    private static let shown = 5
    /// How long feeds that are being read are waited for, in seconds.
    private static let patience: Int64 = 120

    private var feeds: String { environment("FETTLE_FEEDS") ?? "\(data)/feeds" }

    /// What the commands about feeds need to find the same folder.
    private var option: String {
        environment("FETTLE_FEEDS") != nil || data == "./var" && environment("FETTLE_DATA") == nil
            ? "" : " --feeds \(feeds)"
    }

    private func page(_ path: String) -> String {
        let parts = base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.prefix(3).joined(separator: "/") + path
    }

    /// Waits until this machine was compared with the feeds, where there are any.
    func sentences() async throws -> String {
        let start = ContinuousClock.now
        while true {
            let isLate = ContinuousClock.now - start > .seconds(Self.patience)
            switch try await client.look("/api/v1/patches/ranked", [("limit", String(Self.shown))]) {
            case .success(let queue):
                // A host that was enrolled just now is judged within seconds of its report.
                if queue["unjudged"]?.integer ?? 0 == 0 || isLate { return try await told(queue) }
            case .failure(let refused) where refused.problem.status == 409:
                if access(feeds, R_OK) != 0 { return lacking }
                if isLate || !refused.problem.cure.hasPrefix("Ask again") {
                    return """

                        What of this matters most is not known: \(refused.problem.detail)
                          fettle feeds status\(option)
                        """
                }
            case .failure(let refused): throw refused.failure
            }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    private var lacking: String {
        """

        What of this matters most is not known: no feeds are loaded, so nothing was looked up. Get them in another terminal,
        and the server ranks what is missing here within a minute:
          fettle feeds sync\(option)             what the vendors publish
          fettle feeds import PATH\(option)      files, folders or a bundle from elsewhere
          fettle patches --rank        or \(page("/queue"))
        """
    }

    private func told(_ queue: JSONValue) async throws -> String {
        let open = try await client.get("/api/v1/vulnerabilities", [("limit", "1")])["total"]?.integer ?? 0
        let findings = try await client.get("/api/v1/findings", [("limit", "1")])
        let unknown = findings["unknown"]?.integer ?? 0
        var text = "\n"
        let items = queue["items"]?.array ?? []
        if items.isEmpty {
            text +=
                open > 0
                ? "No offered patch closes a known vulnerability; \(open) are open without one: \(page("/vulnerabilities"))\n"
                : "No feed names a vulnerability of this machine.\n"
        } else {
            let total = queue["total"]?.integer ?? Int64(items.count)
            text +=
                "What to patch first, of \(counted(total, "patch", "patches")) against \(counted(open, "known vulnerability", "known vulnerabilities")):\n"
            for item in items { text += "  \(item.text("why"))\n" }
            text +=
                "Dates by \(queue.text("policy")). All of it, and why: \(page("/queue"))   or: fettle patches --rank -o wide\n"
        }
        if unknown > 0 {
            text += "Of \(counted(unknown, "package")) no feed says anything: that is not known, and not clean.\n"
        }
        if queue["unjudged"]?.integer ?? 0 > 0 { text += "This machine was not compared with the feeds yet.\n" }
        text.removeLast()
        return text
    }
}
