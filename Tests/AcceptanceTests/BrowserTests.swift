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
            "--host", "h2",
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
