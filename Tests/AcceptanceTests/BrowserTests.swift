import Foundation
import JSON
import Testing

/// A real Chromium over the pages of a real server: first login, enrolment by the command that the page shows, finding
/// what is missing, logout; with and without script; axe on every page in both themes.
@Suite(.serialized) struct BrowserTests {
    @Test(arguments: [true, false]) func aFirstDay(script: Bool) throws {
        let python = try Browser.python()
        let lab = try Lab("\(labPrefix)-web\(script ? "s" : "n")")
        defer { lab.down() }
        try lab.startServer(["--interval", "15", "--web", "\(Lab.address):8080"])
        try lab.startHost("h1", root: "minimal")
        try lab.startHost("h2", root: "minimal")

        // Another host is there already, so that the browser enrols the second one.
        try lab.enrol("h1", token: lab.token())
        try eventually("the first host has reported", seconds: 60) {
            try lab.json(["hosts", "list"]).array?.first?["pending"]?["value"] != nil
        }
        let offers = try lab.host("h1")["offers"]?.array ?? []
        let package = try #require(
            offers.first { $0["security"] == .bool(true) }?["name"]?.string ?? offers.first?["name"]?.string)
        let vulnerability = try Self.writeFeeds(lab, offers)
        let link = try #require(lab.json(["login-link"])["url"]?.string)

        // The command that the page shows, run on the host; then its agent is started.
        let enrol = lab.folder + "/enrol"
        try """
        #!/bin/sh
        set -e
        export TESTBED_LAB='\(lab.name)'
        '\(Testbed.script("run-host"))' exec h2 sh -c "$1"
        '\(Testbed.script("run-host"))' exec h2 sh -c \
        'setsid fettle-agent run --start-delay 1 >>/var/log/fettle-agent.log 2>&1 </dev/null & sleep 0.1'
        """.write(toFile: enrol, atomically: true, encoding: .utf8)
        try run(["chmod", "+x", enrol])

        var command = [
            Testbed.script("run-host"), "lab", "exec", python, Browser.driver, "journey", "--base",
            "https://\(Lab.address):8080", "--link", link, "--enrol", enrol, "--package", package,
            "--host", "h2", "--vulnerability", vulnerability,
        ]
        if !script { command.append("--no-script") }
        if script, let folder = ProcessInfo.processInfo.environment["FETTLE_SCREENSHOTS"] {
            command += ["--shots", folder]
        }
        let result = try run(command, environment: ["TESTBED_LAB": lab.name], seconds: 240, check: false)
        #expect(result.status == 0, "\(result.everything)\n\(lab.serverLog.suffix(2000))")
        let hosts = try lab.json(["hosts", "list"]).array ?? []
        #expect(hosts.count == 2)
    }

    /// Feeds that speak of what the host lacks: an advisory for each update, of which the first is known to be exploited.
    ///
    /// - Returns: that one's vulnerability.
    private static func writeFeeds(_ lab: Lab, _ offers: [JSONValue]) throws -> String {
        let lines = try lab.exec("h1", ["dpkg-query", "-W", "-f", "${Package} ${source:Package}\\n"]).output.split(
            separator: "\n")
        let sources = Dictionary(
            lines.compactMap { line -> (String, String)? in
                let words = line.split(separator: " ").map(String.init)
                return words.count == 2 ? (words[0], words[1]) : nil
            }, uniquingKeysWith: { first, _ in first })
        var fixes: [String: String] = [:]
        for offer in offers {
            guard let name = offer["name"]?.string, let source = sources[name] else { continue }
            fixes[source] = offer["candidate"]?.string
        }
        let folder = lab.data + "/feeds"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let vectors = [
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N",
        ]
        var likelihoods = "#model_version:v2026.06.15,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\n"
        for (number, fix) in fixes.sorted(by: { $0.key < $1.key }).enumerated() {
            let id = "CVE-2026-\(1000 + number)"
            let record: JSONValue = [
                "id": .string("DEBIAN-\(id)"), "modified": "2026-11-01T00:00:00Z", "published": "2026-10-01T00:00:00Z",
                "upstream": [.string(id)],
                "summary": .string("\(fix.key): input from strangers leads to a write beyond the end of a buffer"),
                "details": .string("A length that \(fix.key) reads is trusted. <b>This is text.</b>"),
                "severity": [["type": "CVSS_V3", "score": .string(vectors[number % vectors.count])]],
                "references": [
                    ["type": "ADVISORY", "url": .string("https://security-tracker.debian.org/tracker/\(id)")]
                ],
                "affected": [
                    [
                        "package": ["ecosystem": "Debian:12", "name": .string(fix.key)],
                        "ranges": [
                            ["type": "ECOSYSTEM", "events": [["introduced": "0"], ["fixed": .string(fix.value)]]]
                        ],
                    ]
                ],
            ]
            try Data(record.canonicalBytes()).write(to: URL(fileURLWithPath: "\(folder)/\(id).json"))
            likelihoods += "\(id),\(number == 0 ? "0.91" : "0.00\(1 + number % 9)"),0.5\n"
        }
        try Data(likelihoods.utf8).write(to: URL(fileURLWithPath: folder + "/epss_scores-2026-11-20.csv"))
        let exploited: JSONValue = [
            "title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.11.20",
            "dateReleased": "2026-11-20T00:00:00.0000Z", "count": 1,
            "vulnerabilities": [
                [
                    "cveID": "CVE-2026-1000", "vendorProject": "Debian", "product": "x", "vulnerabilityName": "x",
                    "dateAdded": "2026-11-10", "shortDescription": "x", "requiredAction": "Patch.",
                    "dueDate": "2026-12-01", "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": ["CWE-787"],
                ]
            ],
        ]
        try Data(exploited.canonicalBytes())
            .write(to: URL(fileURLWithPath: folder + "/known_exploited_vulnerabilities.json"))
        return "CVE-2026-1000"
    }
}

/// The browser and what drives it.
enum Browser {
    static let driver = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Browser/browser.py").path

    /// The Python that has Playwright; made if it is not there yet.
    static func python() throws -> String {
        let output = try run([Testbed.repository + "/scripts/browser"], seconds: 300).output
        guard let path = output.split(separator: "\n").last.map(String.init) else {
            throw CommandError(description: "scripts/browser printed no path")
        }
        return path
    }
}
