import Foundation
import JSON
import Testing

/// `make deb`: both packages install, upgrade, and go, on a host that boots.
@Suite struct DebianPackageTests {
    private static let host = "p1"

    @Test func bothInstallUpgradeAndGo() throws {
        let folder = NSTemporaryDirectory() + "fettle-debs-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for version in ["0.1.0-1", "0.1.0-2"] {
            try run(
                [Testbed.repository + "/scripts/deb", folder],
                environment: [
                    "FETTLE_DEB_VERSION": version, "FETTLE_DEB_COMPRESSION": "gzip", "FETTLE_DEB_PREBUILT": "1",
                ], seconds: 300)
        }
        let lab = try Lab("\(labPrefix)-deb")
        defer { lab.down() }
        try lab.runHost([
            "start", Self.host, "--root", "packages", "--boot", "--size", "900m", "--bind", "\(folder):/debs",
        ])

        try install(lab, "0.1.0-1")
        #expect(try active(lab, "fettle") == "active")
        // Not enrolled: not started, and not failed.
        #expect(try active(lab, "fettle-agent") == "inactive")
        #expect(try failedUnits(lab).isEmpty)
        try eventually("the server answers", seconds: 30) {
            try lab.exec(Self.host, fettle("server status"), check: false).status == 0
        }
        let token = try #require(
            JSONValue(
                parsing: Array(lab.exec(Self.host, fettle("tokens create -o json")).output.utf8), limits: .message)[
                    "token"]?.string)
        try lab.exec(Self.host, ["fettle-agent", "enroll", token])
        try lab.exec(Self.host, ["systemctl", "start", "fettle-agent"])
        let id = try lab.exec(Self.host, fettle("hosts list -o name")).output
        #expect(id.hasPrefix("h-"))

        try install(lab, "0.1.0-2")
        #expect(try active(lab, "fettle") == "active")
        #expect(try active(lab, "fettle-agent") == "active")
        try eventually("the server knows its host after the upgrade", seconds: 30) {
            try lab.exec(Self.host, fettle("hosts list -o name"), check: false).output == id
        }

        try lab.exec(Self.host, ["dpkg", "-r", "fettle", "fettle-agent"])
        #expect(try active(lab, "fettle") == "inactive")
        #expect(try active(lab, "fettle-agent") == "inactive")
        try lab.exec(Self.host, ["test", "-d", "/var/lib/fettle", "-a", "-d", "/var/lib/fettle-agent"])
        try lab.exec(Self.host, ["dpkg", "-P", "fettle", "fettle-agent"])
        try lab.exec(Self.host, ["test", "!", "-e", "/var/lib/fettle", "-a", "!", "-e", "/var/lib/fettle-agent"])
        #expect(try lab.exec(Self.host, ["dpkg", "--audit"]).output.isEmpty)
        #expect(try failedUnits(lab).isEmpty)
    }

    private func install(_ lab: Lab, _ version: String) throws {
        let architecture = try lab.exec(Self.host, ["dpkg", "--print-architecture"]).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try lab.exec(
            Self.host,
            ["dpkg", "-i"] + ["fettle", "fettle-agent"].map { "/debs/\($0)_\(version)_\(architecture).deb" })
    }

    private func active(_ lab: Lab, _ unit: String) throws -> String {
        try lab.exec(Self.host, ["systemctl", "is-active", unit], check: false).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func failedUnits(_ lab: Lab) throws -> String {
        try lab.exec(Self.host, ["systemctl", "--failed", "--plain", "--no-legend"]).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func fettle(_ words: String) -> [String] {
        ["env", "FETTLE_DATA=/var/lib/fettle", "fettle"] + words.split(separator: " ").map(String.init)
    }
}
