import Foundation
import JSON
import Testing

/// Campaigns on real Debian hosts, through the real server and agent: what the server says at the end is what dpkg says.
@Suite(.serialized) struct PatchTests {
    /// Real pending security updates of Debian, to exactly the approved versions and nothing else.
    @Test func aRealHostIsPatchedToExactlyWhatWasApproved() throws {
        let lab = try Lab("\(labPrefix)-patch")
        defer { lab.down() }
        try start(lab, ["web1"], root: "minimal")
        let before = try installed(lab, "web1")

        let campaign = try create(lab, ["--security", "--everywhere", "--budget", "1"])
        let plan = try lab.json(["campaign", "show", campaign])
        let goals = try goals(plan)
        #expect(!goals.isEmpty, "\(plan)")
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "400"], check: false, seconds: 420)
        #expect(watched.status == 0, "\(watched.everything)\n\(lab.agentLog("web1").suffix(4000))")

        let job = try #require(try lab.json(["campaign", "jobs", campaign]).array?.first)
        #expect(job["outcome"]?.string == "succeeded", "\(job)")
        let after = try installed(lab, "web1")
        for (package, version) in goals where before[package] != nil {
            #expect(after[package] == version, "\(package)")
        }
        for (package, version) in before where goals[package] == nil {
            #expect(after[package] == version, "\(package) was not in the order")
        }
        #expect(after.keys.sorted() == before.keys.sorted())
        #expect(try lab.exec("web1", ["dpkg", "--audit"]).output.isEmpty)
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// The same upgrade, with agent, dpkg and apt killed in the middle: it ends at the old or the new versions or flagged, and
    /// what the server shows is what dpkg says.
    @Test func aRealUpgradeThatIsKilledEndsAtOldOrNew() throws {
        let lab = try Lab("\(labPrefix)-real")
        defer { lab.down() }
        try start(lab, ["web1"], root: "minimal")
        let before = try installed(lab, "web1")
        let campaign = try create(lab, ["--security", "--everywhere", "--budget", "1"])
        let goals = try goals(lab.json(["campaign", "show", campaign]))
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        try eventually("packages change", seconds: 240) { try hasBegun(lab, "web1") }
        var killed: [String] = []
        for victim in ["dpkg", "fettle-agent", "dpkg", "apt-get", "fettle-agent"] {
            if victim == "fettle-agent" {
                let lines = try lab.killAgent("web1")
                killed.append(lines.contains { $0.contains(" --job ") } ? "agent and job" : "agent")
            } else if try !lab.kill("web1", victim, seconds: 3).isEmpty {
                killed.append(victim)
            }
        }
        #expect(killed.count { $0.hasPrefix("agent") } == 2 && killed.contains("agent and job"), "\(killed)")
        #expect(killed.contains("dpkg"), "\(killed)")
        _ = try lab.fettle(["campaign", "watch", campaign, "--timeout", "400"], check: false, seconds: 420)
        let job = try #require(try lab.json(["campaign", "jobs", campaign]).array?.first)
        let after = try installed(lab, "web1")
        let outcome = job["outcome"]?.string ?? ""
        // Killed while it only asked dpkg, it has changed nothing.
        #expect(["succeeded", "rolled-back", "needs-repair", "failed-no-change"].contains(outcome), "\(job)")
        if outcome != "needs-repair" {
            for (package, version) in before {
                let goal = outcome == "succeeded" ? goals[package] ?? version : version
                #expect(after[package] == goal, "\(package), \(outcome)")
            }
            #expect(try lab.exec("web1", ["dpkg", "--audit"]).output.isEmpty)
        }
        for package in job["packages"]?.array ?? [] {
            guard let id = package["package"]?.string, let now = package["now"]?.string else { continue }
            let name = String(id.prefix { $0 != ":" })
            #expect(after[name] == nil || after[name] == now, "the server shows \(id) \(now)")
        }
        print("a real upgrade, killed \(killed.joined(separator: ", ")): \(outcome)")
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// Packages made to fail: the host is as it was before, or is flagged, and never said to be well.
    @Test func whatFailsIsTakenBackAndSaidSo() throws {
        let lab = try Lab("\(labPrefix)-fail")
        defer { lab.down() }
        try lab.runHost(["lab", "serve", try run([Testbed.script("make-deb-repo")]).output.trimmed])
        try start(lab, ["s1"], root: "situations")
        let before = try installed(lab, "s1")

        let good = try create(lab, ["--package", "tb-ok", "--package", "tb-epoch", "--hosts", "s1"])
        try lab.fettle(["campaign", "approve", good, "--yes"])
        #expect(
            try lab.fettle(["campaign", "watch", good, "--timeout", "120"], check: false, seconds: 130).status == 0)
        let between = try installed(lab, "s1")
        #expect(between["tb-ok"] == "1.1" && between["tb-epoch"] == "1:0.9")

        let bad = try create(lab, ["--package", "tb-failpost", "--hosts", "s1"])
        try lab.fettle(["campaign", "approve", bad, "--yes"])
        #expect(try lab.fettle(["campaign", "watch", bad, "--timeout", "180"], check: false, seconds: 190).status != 0)
        let job = try #require(try lab.json(["campaign", "jobs", bad]).array?.first)
        #expect(job["outcome"]?.string == "rolled-back", "\(job)")
        #expect(job["sentence"]?.string?.contains("tb-failpost") == true, "\(job)")
        let after = try installed(lab, "s1")
        #expect(after == between, "as before the second campaign")
        #expect(after["tb-failpost"] == before["tb-failpost"])
        #expect(try lab.exec("s1", ["dpkg", "--audit"]).output.isEmpty)

        // The host's own veto wins, and the server says so.
        try lab.exec("s1", ["sh", "-c", "mkdir -p /etc/fettle-agent && echo nothing >/etc/fettle-agent/veto"])
        let vetoed = try create(
            lab, ["--package", "tb-multi-a", "--package", "tb-multi-b", "--package", "tb-multi-c", "--hosts", "s1"])
        try lab.fettle(["campaign", "approve", vetoed, "--yes"])
        #expect(
            try lab.fettle(["campaign", "watch", vetoed, "--timeout", "120"], check: false, seconds: 130).status != 0)
        let refused = try #require(try lab.json(["campaign", "jobs", vetoed]).array?.first)
        #expect(refused["outcome"]?.string == "refused", "\(refused)")
        #expect(try installed(lab, "s1") == after)
    }

    /// The agent and its job die again and again while a campaign runs: the end is the same.
    @Test func killedProcessesChangeNothingAboutTheEnd() throws {
        let lab = try Lab("\(labPrefix)-kill")
        defer { lab.down() }
        try lab.runHost(["lab", "serve", try run([Testbed.script("make-deb-repo")]).output.trimmed])
        try start(lab, ["s1"], root: "situations")
        try lab.exec("s1", ["sh", "-c", "mkdir -p /etc/tb && echo 20 >/etc/tb/slow-seconds"])
        let campaign = try create(lab, ["--package", "tb-slow", "--package", "tb-ok", "--hosts", "s1"])
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        // Before its job, at its very beginning, and twice while apt is at work, which goes on alone meanwhile.
        #expect(try !lab.killAgent("s1").isEmpty)
        #expect(try lab.killAgent("s1", where: "--job").contains { $0.contains(" --job ") })
        try eventually("packages change", seconds: 90) { try hasBegun(lab, "s1") }
        for _ in 0..<2 { #expect(try lab.killAgent("s1", where: "--job").contains { $0.contains(" --job ") }) }
        #expect(try installed(lab, "s1")["tb-slow"] != "1.1", "it was killed in the middle of the change")
        lab.stopServer(kill: true)
        try lab.startServer(["--interval", "5"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "180"], check: false, seconds: 190)
        #expect(watched.status == 0, "\(watched.everything)\n\(lab.agentLog("s1").suffix(4000))")
        let after = try installed(lab, "s1")
        #expect(after["tb-slow"] == "1.1" && after["tb-ok"] == "1.1")
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// The network is cut in the middle of a change: the host goes on by what it was told, and tells it later.
    @Test func aCutNetworkKeepsNoChangeFromEnding() throws {
        let lab = try Lab("\(labPrefix)-cut")
        defer { lab.down() }
        try lab.runHost(["lab", "serve", try run([Testbed.script("make-deb-repo")]).output.trimmed])
        try start(lab, ["s1"], root: "situations")
        try lab.exec("s1", ["sh", "-c", "mkdir -p /etc/tb && echo 5 >/etc/tb/slow-seconds"])
        let campaign = try create(lab, ["--package", "tb-slow", "--package", "tb-ok", "--hosts", "s1"])
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        func job() throws -> JSONValue? { try lab.json(["campaign", "jobs", campaign]).array?.first }
        try eventually("packages change", seconds: 90) { try hasBegun(lab, "s1") }
        try lab.runHost(["link", "s1", "down"])
        try eventually("the job has ended without a network", seconds: 90) {
            try installed(lab, "s1")["tb-slow"] == "1.1"
                && lab.exec(
                    "s1",
                    [
                        "sh", "-c",
                        "grep -l '\"phase\":\"commit\"' /var/lib/fettle-agent/executor/jobs/*/journal || true",
                    ]
                )
                .output.isEmpty == false
        }
        let before = try #require(try job())
        #expect(before["outcome"]?.string == nil, "nobody has told the server: \(before)")
        try lab.runHost(["link", "s1", "up"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "240"], check: false, seconds: 250)
        #expect(watched.status == 0, "\(watched.everything)\n\(lab.agentLog("s1").suffix(4000))")
        #expect(try job()?["outcome"]?.string == "succeeded")
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// The operator takes back what a campaign has changed, where it was halted between two hosts.
    @Test func whatWasChangedIsTakenBackByTheOperator() throws {
        let lab = try Lab("\(labPrefix)-back")
        defer { lab.down() }
        try lab.runHost(["lab", "serve", try run([Testbed.script("make-deb-repo")]).output.trimmed])
        try start(lab, ["s1", "s2"], root: "situations")
        let before = ["s1": try installed(lab, "s1"), "s2": try installed(lab, "s2")]
        for host in ["s1", "s2"] {
            try lab.exec(
                host, ["sh", "-c", "mkdir -p /etc/tb; echo 8 >/etc/tb/slow-seconds; echo mine >>/etc/tb-conffile.conf"])
        }
        let selection = ["--package", "tb-slow", "--package", "tb-conffile", "--everywhere", "--budget", "1"]
        let campaign = try create(lab, selection)
        try lab.fettle(["campaign", "approve", campaign, "--yes"])
        try eventually("one host has begun to change", seconds: 120) {
            try hasBegun(lab, "s1") || hasBegun(lab, "s2")
        }
        try lab.fettle(["campaign", "halt", campaign, "--reason", "trouble elsewhere", "--yes"])
        try eventually("it is halted", seconds: 120) {
            try lab.json(["campaign", "show", campaign])["state"]?.string == "halted"
        }
        let changed = try ["s1", "s2"].filter { try installed(lab, $0)["tb-slow"] == "1.1" }
        #expect(changed.count == 1, "\(changed)")
        try lab.fettle(["campaign", "rollback", campaign, "--reason", "it was a mistake", "--yes"])
        let watched = try lab.fettle(["campaign", "watch", campaign, "--timeout", "240"], check: false, seconds: 250)
        #expect(watched.status == 0, "\(watched.everything)\n\(lab.agentLog(changed.first ?? "s1").suffix(3000))")
        for host in ["s1", "s2"] {
            #expect(try installed(lab, host) == before[host], "\(host)")
            #expect(try lab.exec(host, ["dpkg", "--audit"]).output.isEmpty)
            #expect(try lab.exec(host, ["tail", "-n", "1", "/etc/tb-conffile.conf"]).output == "mine\n")
        }
        let jobs = try lab.json(["campaign", "jobs", campaign]).array ?? []
        #expect(jobs.contains { $0["outcome"]?.string == "rolled-back" }, "\(jobs)")
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    private func start(_ lab: Lab, _ hosts: [String], root: String) throws {
        try lab.startServer(["--interval", "5"])
        let token = try lab.token(uses: hosts.count)
        for host in hosts {
            try lab.startHost(host, root: root)
            try lab.enrol(host, token: token)
        }
        try eventually("the hosts have reported", seconds: 60) {
            let list = try lab.json(["hosts", "list"]).array ?? []
            return list.count == hosts.count && list.allSatisfy { $0["pending"]?["value"] != nil }
        }
        try lab.fettle(["organisations", "approvals", "default", "0", "--yes"])
    }

    /// Whether a job on that host is past its point of no return.
    private func hasBegun(_ lab: Lab, _ host: String) throws -> Bool {
        let command = "grep -qs mutate-intent /var/lib/fettle-agent/executor/jobs/*/journal"
        return try lab.exec(host, ["sh", "-c", command], check: false).status == 0
    }

    private func create(_ lab: Lab, _ selection: [String]) throws -> String {
        try lab.fettle(
            ["campaign", "create", "Test", "--reboot", "never", "--settle", "1", "-o", "name"] + selection
        ).output.trimmed
    }

    /// Versions by package.
    private func installed(_ lab: Lab, _ host: String) throws -> [String: String] {
        let lines = try lab.exec(host, ["dpkg-query", "-Wf", "${Package}\\t${Version}\\t${db:Status-Abbrev}\\n"]).output
        var packages: [String: String] = [:]
        for line in lines.split(separator: "\n") {
            let fields = line.split(separator: "\t").map(String.init)
            if fields.count == 3, fields[2].hasPrefix("ii") { packages[fields[0]] = fields[1] }
        }
        return packages
    }

    /// The approved versions by package.
    private func goals(_ campaign: JSONValue) throws -> [String: String] {
        var goals: [String: String] = [:]
        for target in campaign["plan"]?["targets"]?.array ?? [] {
            for package in target["packages"]?.array ?? [] {
                if let name = package["name"]?.string { goals[name] = package["version"]?.string }
            }
        }
        return goals
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
