import Foundation
import JSON
import Testing

/// After a real upgrade on a booted host the services to restart cover needrestart's list, and nothing that was
/// restarted stays on ours.
@Suite(.serialized) struct RestartAgreementTests {
    @Test func coversNeedrestartAfterARealUpgrade() throws {
        let lab = try Lab("\(labPrefix)-restart")
        defer { lab.down() }
        let host = "restart1"
        try lab.startHost(host, root: "systemd", arguments: ["--boot"])
        try eventually("\(host) has booted", seconds: 60) {
            ["running", "degraded"].contains(try lab.runHost(["state", host], check: false).output.trimmed)
        }
        #expect(try needs(lab, host).isEmpty, "a host that was just booted needs no restart")

        // The upgrade's packages lie in the root's archive; services are left as they run.
        try lab.exec(
            host,
            [
                "sh", "-c",
                """
                printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
                DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y --no-download \\
                    -o Dpkg::Options::=--force-confold dist-upgrade
                """,
            ], seconds: 300)

        let theirs = Set(
            try lab.exec(host, ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "needrestart", "-b", "-r", "l"])
                .output.split(separator: "\n").compactMap { line -> String? in
                    guard line.hasPrefix("NEEDRESTART-SVC: ") else { return nil }
                    // Its name for process 1, whose unit is init.scope.
                    let name = String(line.dropFirst("NEEDRESTART-SVC: ".count))
                    return name == "systemd-manager" ? "init.scope" : name
                })
        let ours = try needs(lab, host)
        print("needrestart: \(theirs.sorted())\nFettle: \(ours.sorted())")
        print("only ours: \(ours.subtracting(theirs).sorted())")
        #expect(!theirs.isEmpty, "the upgrade replaced nothing that runs")
        #expect(theirs.subtracting(ours).sorted() == [])

        // The verdict on the host follows: process 1 or the bus run replaced files.
        let reboot = try facts(lab, host)["reboot"]?["value"]
        let runsFormerFiles = !ours.isDisjoint(with: ["init.scope", "dbus.service"])
        #expect(reboot?["required"]?.bool == runsFormerFiles)

        // What was restarted is no longer on the list.
        let service = try #require(ours.first { $0 == "cron.service" || $0 == "ssh.service" })
        try lab.exec(host, ["systemctl", "restart", service])
        #expect(try !needs(lab, host).contains(service))
        try lab.runHost(["reboot", host])
        try eventually("\(host) has booted again", seconds: 60) {
            ["running", "degraded"].contains(try lab.runHost(["state", host], check: false).output.trimmed)
        }
        #expect(try needs(lab, host).isEmpty)
        #expect(try facts(lab, host)["reboot"]?["value"]?["required"]?.bool == false)
    }

    private func facts(_ lab: Lab, _ host: String) throws -> JSONValue {
        let output = try lab.exec(host, ["fettle-agent", "scan", "--no-resolver", "-o", "json"]).output
        let scan = try JSONValue(parsing: Array(output.utf8), limits: .facts)
        return try #require(scan["facts"])
    }

    /// The units and processes that need a restart; throws where that is unknown.
    private func needs(_ lab: Lab, _ host: String) throws -> Set<String> {
        let fact = try #require(try facts(lab, host)["restarts"])
        guard let list = fact["value"]?.array else {
            throw CommandError(description: "restarts: \(fact["unknown"]?.string ?? "nothing")")
        }
        return Set(list.compactMap { $0["name"]?.string })
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
