import Foundation
import JSON
import Testing

/// The executor dies at every point before and after each of its durable writes, while a campaign runs: each host ends as
/// ordered, and the server says what dpkg says.
///
/// One host goes first without a crash and counts the points, so that a new write is in by itself; then as many hosts as
/// points are taken run one campaign together. `FETTLE_CRASH_MATRIX=all` takes all points (`make soak`).
@Suite(.serialized) struct ExecutorCrashTests {
    @Test func killedAtAnyWriteOfTheExecutorTheCampaignEndsTheSame() throws {
        let lab = try Lab("\(labPrefix)-executor")
        defer { lab.down() }
        try lab.runHost(["lab", "serve", try run([Testbed.script("make-deb-repo")]).output.trimmed])
        try lab.startServer(["--interval", "5"])
        let token = try lab.token(uses: 200)
        try start(lab, "first", token, at: nil)
        try lab.fettle(["organisations", "approvals", "default", "0", "--yes"])
        try patch(lab, ["first"])
        let names = try points(lab, "first")
        #expect(
            names.count >= 8 && names.contains("before order.json") && names.contains("before answer.json"), "\(names)")

        let chosen = Self.choice(names.count)
        let hosts = chosen.map { "e\($0)" }
        for (host, point) in zip(hosts, chosen) { try start(lab, host, token, at: point) }
        try patch(lab, hosts)
        var deaths: [String] = []
        for (host, point) in zip(hosts, chosen) {
            let ends = try lab.exec(host, ["sh", "-c", "cat /var/log/ends 2>/dev/null || true"]).output
            let passed = try points(lab, host)
            // How many answers the server has to give depends on how fast the host is: the last points may not be reached.
            #expect(ends.contains("137") || passed.count < point, "nothing died on \(host): \(ends)")
            if ends.contains("137") { deaths.append(passed.count >= point ? passed[point - 1] : "?") }
        }
        #expect(deaths.count * 2 > chosen.count, "\(deaths)")
        print(
            "executor matrix: \(deaths.count) deaths at \(chosen.count) of \(names.count) points: \(deaths.joined(separator: ", "))"
        )
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// A host whose executor starts again whenever it dies, as its unit has it, and dies at that point.
    private func start(_ lab: Lab, _ host: String, _ token: String, at point: Int?) throws {
        try lab.startHost(host, root: "situations", arguments: ["--size", "200m"])
        try lab.exec(host, ["fettle-agent", "enroll", token])
        let crash = point.map { "FETTLE_EXECUTOR_CRASH_AT=\($0)" } ?? ""
        let loop = """
            export FETTLE_EXECUTOR_CRASH_COUNT=/var/log/points \(crash)
            while :; do fettle-agent run --start-delay 1; echo $? >>/var/log/ends; sleep 0.5; done
            """
        try lab.exec(
            host, ["sh", "-c", "setsid sh -c '\(loop)' >>/var/log/fettle-agent.log 2>&1 </dev/null & sleep 0.1"])
    }

    private func points(_ lab: Lab, _ host: String) throws -> [String] {
        try lab.exec(host, ["cat", "/var/log/points"]).output.split(separator: "\n").map(String.init)
    }

    /// One campaign for these hosts; all must end as ordered.
    private func patch(_ lab: Lab, _ hosts: [String]) throws {
        try eventually("\(hosts) have reported", seconds: 120) {
            let list = try lab.json(["hosts", "list"]).array ?? []
            return hosts.allSatisfy { host in
                list.contains { $0["hostname"]?.string == host && $0["pending"]?["value"] != nil }
            }
        }
        let campaign = try lab.fettle(
            [
                "campaign", "create", "Executor", "--package", "tb-ok=1.1", "--budget", "100", "--reboot", "never",
                "--settle", "1", "-o", "name",
            ] + hosts.flatMap { ["--hosts", $0] }
        ).output.trimmed
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "900"], check: false, seconds: 920)
        #expect(watched.status == 0, "\(watched.everything)")
        for job in try lab.json(["campaign", "jobs", campaign]).array ?? [] {
            #expect(job["outcome"]?.string == "succeeded", "\(job)")
        }
        for host in hosts {
            #expect(try lab.exec(host, ["dpkg-query", "-Wf", "${Version}", "tb-ok"]).output == "1.1", "\(host)")
            #expect(try lab.exec(host, ["dpkg", "--audit"]).output.isEmpty)
        }
    }

    private static func choice(_ count: Int) -> [Int] {
        let environment = ProcessInfo.processInfo.environment
        if environment["FETTLE_CRASH_MATRIX"] == "all" { return Array(1...count) }
        let seed = environment["FETTLE_FUZZ_SEED"].flatMap { Int($0) } ?? 0
        let stride = Double(count) / 6
        return Set((0..<6).map { (Int(Double($0) * stride) + seed) % count + 1 }).sorted()
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
