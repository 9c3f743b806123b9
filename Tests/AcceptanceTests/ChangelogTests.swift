import Foundation
import JSON
import Testing

/// Real Debian hosts with pending security updates: what the changelogs inside the candidates close, without any feed; then
/// with one, where both agree or the difference is shown; and after patching all findings close by themselves.
@Suite(.serialized) struct ChangelogTests {
    @Test func changelogsAndFeedsAgreeOrDifferAndPatchingClosesBoth() throws {
        let lab = try Lab("\(labPrefix)-log")
        defer { lab.down() }
        try lab.startServer(["--interval", "5"])
        try lab.fettle(["organisations", "changelogs", "default", "on"])
        try lab.fettle(["organisations", "approvals", "default", "0", "--yes"])
        let token = try lab.token(uses: 2)
        for host in ["web1", "web2"] {
            try lab.startHost(host, root: "minimal")
            try lab.enrol(host, token: token)
        }

        // Read by both hosts, of every source package once.
        try eventually("both hosts have read what is offered", seconds: 400) {
            let steps = try steps(lab)
            return !steps.isEmpty && steps.allSatisfy { $0["readers"]?.integer == 2 || $0["unknown"] != "" }
                && steps.contains { $0["readers"]?.integer == 2 && $0["closes"]?.array?.isEmpty == false }
        }
        let before = try steps(lab)
        #expect(before.allSatisfy { $0["disputed"] == false })
        #expect(before.flatMap { $0["closes"]?.array ?? [] }.allSatisfy { $0["feed"] == "no-feed" })
        for host in ["web1", "web2"] {
            #expect(try lab.exec(host, ["dpkg", "--audit"]).output.isEmpty)
            let left = try lab.exec(
                host, ["sh", "-c", "ls -A /var/lib/fettle-agent/executor/changelogs"], check: false)
            #expect(left.output.isEmpty, "nothing of what was fetched stays: \(left.output)")
        }

        // dpkg's own reader of changelogs agrees on one of them.
        let known = try #require(
            before.first { $0["readers"]?.integer == 2 && $0["unknown"] == "" && $0["closes"]?.array?.isEmpty == false }
        )
        let ids = (known["closes"]?.array ?? []).compactMap { $0["vulnerability"]?.string }
        let archive = "/var/cache/apt/archives/\(known["package"]?.string ?? "")_*.deb"
        let text = try lab.exec(
            "web1",
            [
                "sh", "-ec",
                """
                for deb in \(archive); do
                  for file in changelog.Debian.gz changelog.gz; do
                    dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards "./usr/share/doc/*/$file" 2>/dev/null | gunzip || true
                  done
                done
                """,
            ]
        ).output
        for id in ids { #expect(text.contains(id), "\(id) stands in the changelog of \(known)") }

        // Feeds for it: one record the changelog does not have, one id that no record has.
        let source = try #require(known["source"]?.string)
        let candidate = try #require(known["candidate"]?.string)
        let told = Array(ids.dropFirst()) + ["CVE-2099-7777"]
        try FileManager.default.createDirectory(atPath: lab.data + "/feeds", withIntermediateDirectories: true)
        for id in told {
            let record: JSONValue = [
                "id": .string("DEBIAN-\(id)"), "modified": "2026-03-01T00:00:00Z", "upstream": [.string(id)],
                "summary": "made for the test",
                "affected": [
                    [
                        "package": ["ecosystem": "Debian:12", "name": .string(source)],
                        "ranges": [
                            ["type": "ECOSYSTEM", "events": [["introduced": "0"], ["fixed": .string(candidate)]]]
                        ],
                    ]
                ],
            ]
            try Data(record.canonicalBytes()).write(to: URL(filePath: "\(lab.data)/feeds/\(id).json"))
        }
        try eventually("feed and changelog are compared", seconds: 120) {
            let step = try steps(lab).first { $0["package"] == known["package"] }
            return step?["missing"]?.array?.contains("CVE-2099-7777") == true
        }
        let after = try #require(try steps(lab).first { $0["package"] == known["package"] })
        let feeds = Dictionary(
            uniqueKeysWithValues: (after["closes"]?.array ?? []).map {
                ($0["vulnerability"]?.string ?? "", $0["feed"]?.string ?? "")
            })
        #expect(feeds[ids[0]] == "silent", "\(after)")
        for id in ids.dropFirst() { #expect(["agrees", "other-fix"].contains(feeds[id]), "\(after)") }
        #expect(try !findings(lab, source).isEmpty)

        // A real campaign to what is offered; then nothing is left open of it.
        let campaign = try lab.fettle([
            "campaign", "create", "Test", "--reboot", "never", "--settle", "1", "-o", "name", "--security",
            "--everywhere", "--budget", "2",
        ]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "600"], check: false, seconds: 620)
        #expect(watched.status == 0, "\(watched.everything)")
        try eventually("the findings have closed by themselves", seconds: 120) {
            try findings(lab, source).isEmpty && !steps(lab).contains { $0["package"] == known["package"] }
        }
    }

    /// The files come over the network where the host has none; a changelog that begins with the offered version says nothing
    /// of what lay before, and a file that is not what the index says is never believed.
    @Test func filesAreFetchedAndWhatIsMissingIsUnknown() throws {
        let lab = try Lab("\(labPrefix)-get")
        defer { lab.down() }
        try lab.runHost([
            "lab", "serve",
            try run([Testbed.script("make-deb-repo")]).output.trimmingCharacters(in: .whitespacesAndNewlines),
        ])
        try lab.startServer(["--interval", "5"])
        try lab.fettle(["organisations", "changelogs", "default", "on"])
        let token = try lab.token(uses: 1)
        try lab.startHost("s1", root: "situations")
        // Of the root's fifty updates only these: how the rest is ordered is another test.
        try lab.exec(
            "s1",
            [
                "sh", "-ec",
                #"awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^Package: (tb-|linux-image)/ || /^Package: tb-(ok|badsum|gone|bigchangelog)\n/' /var/lib/dpkg/status >/tmp/status; cp /tmp/status /var/lib/dpkg/status"#,
            ])
        let look = ["sh", "-c", "dpkg-query -W; ls -A /var/cache/apt/archives"]
        let before = try lab.exec("s1", look).output
        try lab.enrol("s1", token: token)
        do {
            try eventually("the changelog of tb-ok is read", seconds: 120) {
                try steps(lab).contains { $0["package"] == "tb-ok" && $0["readers"] == 1 }
            }
        } catch {
            throw CommandError(description: "\(error)\n\(lab.agentLog("s1"))\n\(lab.serverLog.suffix(2000))")
        }
        let step = try #require(try steps(lab).first { $0["package"] == "tb-ok" })
        #expect(step["candidate"] == "1.1" && step["closes"]?.array?.count == 1, "\(step)")
        #expect(step["unknown"]?.string?.contains("no entry") == true, "\(step)")
        #expect(step["standing"] == "claimed", "\(step)")
        #expect(try !steps(lab).contains { $0["package"] == "tb-badsum" || $0["package"] == "tb-gone" })
        let after = try lab.exec("s1", look).output
        #expect(after == before, "nothing was installed, and nothing stays")

        // The same beside why the package waits.
        let why = try lab.json(["why", "s1", "tb-ok"])
        #expect(why["changelogs"]?[0]?["standing"] == "claimed", "\(why)")
        let text = try lab.fettle(["why", "s1", "tb-ok"]).output
        #expect(text.contains("CVE-2099-") && text.contains("claimed"), "\(text)")
        let unread = try lab.fettle(["why", "s1", "tb-gone"]).output
        #expect(unread.contains("nobody has read"), "\(unread)")
    }

    private func steps(_ lab: Lab) throws -> [JSONValue] { try lab.json(["changelogs"]).array ?? [] }

    private func findings(_ lab: Lab, _ source: String) throws -> [JSONValue] {
        try lab.json(["findings", "--package", source]).array ?? []
    }
}
