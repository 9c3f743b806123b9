import Foundation
import JSON
import Testing

/// Campaigns on a Debian host under real systemd, with the agent's own unit: services, checks of every kind, the way back.
@Suite(.serialized) struct ServiceTests {
    private static let host = "svc1"

    @Test func servicesAndChecksUnderSystemd() throws {
        let lab = try Lab("\(labPrefix)-services")
        defer { lab.down() }
        try prepare(lab)

        try checksThatPass(lab)
        try staleServiceIsRestarted(lab)
        try checkFails(lab, package: "tb-svc", check: ["--check-http", "127.0.0.1:8099/"], says: "answers 500")
        #expect(try answer(lab).contains("200"), "the old service answers again")
        try checkFails(lab, package: "tb-svcdie", check: ["--check-unit", "tb-svcdie.service"], says: "tb-svcdie")
        #expect(try lab.exec(Self.host, ["systemctl", "is-active", "tb-svcdie"], check: false).output == "active\n")
        try checkFails(lab, package: "tb-epoch", check: ["--check-tcp", "127.0.0.1:9"], says: "127.0.0.1 port 9")
        // Nobody asks about it by name: what the plan restarts and ran before has to run afterwards.
        try checkFails(lab, package: "tb-svcdie", check: ["--restart-unit", "tb-svcdie.service"], says: "tb-svcdie")
        #expect(try lab.exec(Self.host, ["dpkg", "--audit"]).output.isEmpty)
        #expect(try lab.exec(Self.host, ["systemctl", "--failed", "--plain", "--no-legend"]).output.isEmpty)
        #expect(try lab.fettle(["audit", "verify"]).status == 0)
    }

    /// A host that boots, with packages of ours at 1.0, their updates offered, and the agent as it is installed.
    private func prepare(_ lab: Lab) throws {
        let repository = try run([Testbed.script("make-deb-repo")], seconds: 300).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let own = try ownRepository(lab)
        try lab.runHost(["lab", "serve", repository])
        try lab.runHost(["lab", "serve", own, "8001"])
        try lab.startServer(["--interval", "5"])
        let packaging = Testbed.repository + "/packaging"
        try lab.startHost(
            Self.host, root: "systemd",
            arguments: [
                "--boot", "--bind", "\(Testbed.program("fettle-agent")):/usr/sbin/fettle-agent",
                "--bind", "\(packaging)/fettle-agent.service:/etc/systemd/system/fettle-agent.service",
                "--bind", "\(packaging)/fettle-agent.sysusers:/usr/lib/sysusers.d/fettle-agent.conf",
                "--bind", "\(repository):/srv/repository",
            ])
        try eventually("\(Self.host) has booted", seconds: 90) {
            ["running\n", "degraded\n"].contains(try lab.runHost(["state", Self.host], check: false).output)
        }
        try lab.exec(
            Self.host,
            [
                "sh", "-ec",
                """
                export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
                rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /var/lib/apt/lists/*
                cp /srv/repository/testbed.gpg /etc/apt/testbed.gpg
                sh /srv/repository/sources.sh http://198.18.0.1:8000 /etc/apt/testbed.gpg tb-stable tb-security \
                    >/etc/apt/sources.list.d/testbed.sources
                echo 'deb [trusted=yes] http://198.18.0.1:8001 ./' >/etc/apt/sources.list.d/own.list
                apt-get -q update
                apt-get -q -y install tb-svc=1.0 tb-svcdie=1.0 tb-ok=1.0 tb-epoch=1.0 tb-stale=1.0
                systemctl start tb-stale
                systemd-sysusers fettle-agent.conf
                """,
            ], seconds: 300)
        try lab.exec(Self.host, ["fettle-agent", "enroll", try lab.token()])
        try lab.exec(Self.host, ["systemctl", "start", "fettle-agent"])
        try eventually("the host has reported", seconds: 60) {
            try lab.json(["hosts", "list"]).array?.first?["pending"]?["value"] != nil
        }
        try lab.fettle(["organisations", "approvals", "default", "0", "--yes"])
    }

    /// A repository with `tb-stale`: a daemon whose program the update replaces, and whose scripts restart nothing.
    private func ownRepository(_ lab: Lab) throws -> String {
        let folder = lab.folder + "/own"
        try run([
            "bash", "-euc",
            """
            mkdir -p "$1"; cd "$1"
            for version in 1.0 1.1; do
                tree=tree-$version
                mkdir -p $tree/DEBIAN $tree/usr/lib/tb-stale $tree/lib/systemd/system
                printf 'Package: tb-stale\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@x.example>\\nDescription: x\\n' \
                    $version >$tree/DEBIAN/control
                cp /bin/sleep $tree/usr/lib/tb-stale/daemon
                echo $version >>$tree/usr/lib/tb-stale/daemon
                printf '[Service]\\nExecStart=/usr/lib/tb-stale/daemon 1000000\\n' >$tree/lib/systemd/system/tb-stale.service
                dpkg-deb --root-owner-group -Zgzip -b $tree tb-stale_${version}_all.deb >/dev/null
            done
            rm -r tree-*
            apt-ftparchive packages . >Packages
            """, "_", folder,
        ])
        return folder
    }

    private func checksThatPass(_ lab: Lab) throws {
        // What the host can come back by is in the plan before anybody approves it.
        let preview = try lab.fettle(["campaign", "create", "Test", "--package", "tb-ok", "--everywhere", "--dry-run"])
        #expect(preview.output.contains("WAY BACK") && preview.output.contains("no snapshot: / is an overlay"))
        let job = try campaign(
            lab,
            [
                "--package", "tb-ok", "--check-http", "127.0.0.1:8099/", "--check-tcp", "127.0.0.1:8099",
                "--check-unit", "tb-svc.service", "--stop-unit", "tb-svcdie.service",
            ])
        #expect(job["outcome"]?.string == "succeeded", "\(job)")
        #expect(try version(lab, "tb-ok") == "1.1")
        #expect(try lab.exec(Self.host, ["systemctl", "is-active", "tb-svcdie"]).output == "active\n")
    }

    /// The program of a service is replaced: the agent restarts it by itself, and it runs the new one.
    private func staleServiceIsRestarted(_ lab: Lab) throws {
        func process() throws -> (pid: String, program: String) {
            let pid = try lab.exec(Self.host, ["systemctl", "show", "-P", "MainPID", "tb-stale"]).output
                .trimmingCharacters(in: .whitespacesAndNewlines)
            return (pid, try lab.exec(Self.host, ["readlink", "/proc/\(pid)/exe"]).output)
        }
        let before = try process()
        let job = try campaign(lab, ["--package", "tb-stale"])
        #expect(job["outcome"]?.string == "succeeded", "\(job)")
        let after = try process()
        #expect(after.pid != before.pid && after.program == "/usr/lib/tb-stale/daemon\n", "\(before) \(after)")
        let log = try lab.fettle(["campaign", "log", try #require(job["campaign"]?.string), Self.host]).output
        #expect(log.contains("restarted tb-stale.service"), "\(log)")
    }

    /// An update after which a check fails is taken back, and the sentence says which check and how.
    private func checkFails(_ lab: Lab, package: String, check: [String], says: String) throws {
        let job = try campaign(lab, ["--package", package] + check)
        #expect(job["outcome"]?.string == "rolled-back", "\(package): \(job)")
        #expect(job["sentence"]?.string?.contains(says) == true, "\(job)")
        #expect(try version(lab, package) == "1.0")
    }

    /// The end of a campaign's one job.
    private func campaign(_ lab: Lab, _ arguments: [String]) throws -> JSONValue {
        let id = try lab.fettle(
            ["campaign", "create", "Test", "--everywhere", "--reboot", "never", "--settle", "6", "-o", "name"]
                + arguments
        ).output.trimmingCharacters(in: .whitespacesAndNewlines)
        try lab.fettle(["campaign", "approve", id, "--yes"])
        _ = try lab.fettle(["campaign", "watch", id, "--timeout", "240"], check: false, seconds: 250)
        return try #require(
            try lab.json(["campaign", "jobs", id]).array?.first, "\(lab.serverLog.suffix(2000))")
    }

    private func version(_ lab: Lab, _ package: String) throws -> String {
        try lab.exec(Self.host, ["dpkg-query", "-Wf", "${Version}", package]).output
    }

    private func answer(_ lab: Lab) throws -> String {
        try lab.exec(
            Self.host,
            [
                "bash", "-c",
                "exec 3<>/dev/tcp/127.0.0.1/8099; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 head -n 1 <&3",
            ]
        ).output
    }
}
