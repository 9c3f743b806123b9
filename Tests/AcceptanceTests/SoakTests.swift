import Foundation
import JSON
import Testing

/// What is too long for `make test`; `make soak` runs it.
@Suite(.serialized) struct SoakTests {
    /// A real kernel update on a machine with a kernel of its own: it truly reboots, and is proven to run the new kernel.
    @Test func aMachineTakesAKernelAndRunsIt() throws {
        let lab = try Lab("\(labPrefix)-vm")
        defer { lab.down() }
        defer { _ = try? runVM(lab, ["rm", "k1"], check: false) }
        try lab.startServer(["--interval", "5"])
        try runVM(
            lab,
            [
                "start", "k1", "--copy", "\(Testbed.program("fettle-agent")):usr/sbin/fettle-agent", "--copy",
                "\(Testbed.repository)/packaging/fettle-agent.service:etc/systemd/system/fettle-agent.service", "--copy",
                "\(Testbed.repository)/packaging/fettle-agent.sysusers:usr/lib/sysusers.d/fettle-agent.conf",
            ], seconds: 900)
        let old = try exec(lab, ["uname", "-r"])
        let token = try lab.token()
        try runVM(
            lab,
            [
                "exec", "k1", "sh", "-c",
                "systemd-sysusers fettle-agent.conf; fettle-agent enroll \(token) && systemctl enable --now fettle-agent",
            ])
        try eventually("the machine has reported", seconds: 300) {
            try lab.json(["hosts", "list"]).array?.first?["pending"]?["value"] != nil
        }
        try lab.fettle(["organisations", "settings", "set", "default", "--approvals", "0", "--yes"])
        let campaign = try lab.fettle([
            "campaign", "create", "--title", "Kernel", "--security", "--all-hosts", "--now", "--minutes", "600",
            "--reboot", "when-needed", "--settle", "30", "--passes", "1", "--check", "unit:ssh.service", "--submit", "-o",
            "name",
        ]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "2400"], check: false, seconds: 2500)
        #expect(watched.status == 0, "\(watched.everything)")
        let new = try exec(lab, ["uname", "-r"])
        #expect(new != old, "it still runs \(old)")
        let job = try #require(try lab.json(["campaign", "jobs", campaign]).array?.first)
        #expect(job["outcome"]?.string == "succeeded", "\(job)")
        let host = try lab.host("k1")
        #expect(host["facts"]?["kernel"]?["value"]?["running"]?.string == new, "\(host["facts"]?["kernel"] ?? .null)")
    }

    @discardableResult
    private func runVM(
        _ lab: Lab, _ arguments: [String], seconds: Double = 300, check: Bool = true
    ) throws -> CommandResult {
        try run(
            [Testbed.script("run-vm")] + arguments, environment: ["TESTBED_LAB": lab.name], seconds: seconds,
            check: check)
    }

    private func exec(_ lab: Lab, _ command: [String]) throws -> String {
        try runVM(lab, ["exec", "k1"] + command).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
