import Foundation
import JSON
import Synchronization
import Testing

/// Ten Debian hosts enrol at once, report, and change; the server shows each change truthfully within one interval.
@Suite(.serialized) struct FleetTests {
    /// Seconds between check-ins; the server adds up to a tenth of jitter.
    private static let interval = 15
    /// One interval with its jitter, the scan and this test's own polling.
    private static let patience = Double(interval) * 1.1 + 8

    @Test func tenHostsAndWhatHappensToThem() throws {
        let lab = try Lab("\(labPrefix)-fleet")
        defer { lab.down() }
        try lab.startServer(["--interval", "\(Self.interval)"])
        let names = (1...10).map { "h\($0)" }
        let token = try lab.token(uses: names.count)

        // A small disk for the host that will fill it.
        for name in names {
            try lab.startHost(name, root: "minimal", arguments: ["--size", name == "h4" ? "80m" : "600m"])
        }
        try concurrently(names) { try lab.exec($0, ["fettle-agent", "enroll", token]) }
        for name in names {
            switch name {
            case "h6": try lab.startAgent(name, arguments: ["--protocol", "1"])
            case "h7": try lab.startAgent(name, clockOffset: 3600)
            default: try lab.startAgent(name)
            }
        }
        try eventually("ten hosts have reported", seconds: 60) {
            let hosts = try lab.json(["hosts", "list"]).array ?? []
            return hosts.count == 10 && hosts.allSatisfy { $0["pending"]?["value"] != nil }
        }
        #expect(throws: CommandError.self, "the token is used up") {
            try lab.exec("h1", ["fettle-agent", "enroll", "--replace", token])
        }
        let offers = try lab.host("h1")["offers"]?.array ?? []
        let upgradable = offers.filter { $0["status"]?.string == "upgradable" }.compactMap { $0["name"]?.string }
        let package = try #require(
            upgradable.first { $0.hasPrefix("tzdata") || $0.hasPrefix("lib") } ?? upgradable.first)

        try packageUpgradedByHand(lab, package)
        try hold(lab, "h3", package)
        try hold(lab, "h6", package)
        try fullDisk(lab)
        try reboot(lab)
        try clockStep(lab)
        try clone(lab)

        // Nobody else was touched: seven of the ten are as they were.
        for name in ["h8", "h9", "h10"] {
            #expect(try lab.json(["hosts", "history", name]).array?.count == 1, "\(name) reported without a change")
        }
    }

    private func packageUpgradedByHand(_ lab: Lab, _ package: String) throws {
        let before = try lab.host("h1").offer(package)
        #expect(before?["status"]?.string == "upgradable")
        try lab.exec(
            "h1", ["apt-get", "install", "-y", "-q", "--no-download", "--only-upgrade", package], seconds: 300)
        let installed = try lab.exec("h1", ["dpkg-query", "-Wf", "${Version}", package]).output
        try eventually("the upgrade of \(package) on h1 shows", seconds: Self.patience) {
            try lab.host("h1").offer(package) == nil
        }
        let changes = try lab.json(["hosts", "diff", "h1"])["changes"]?.array ?? []
        let change = changes.first { $0["name"]?.string == package }
        #expect(change?["before"]?.string == before?["installed"]?.string)
        #expect(change?["after"]?.string == installed)
    }

    private func hold(_ lab: Lab, _ host: String, _ package: String) throws {
        try lab.exec(host, ["apt-mark", "hold", package])
        try eventually("the hold of \(package) on \(host) shows", seconds: Self.patience) {
            try lab.host(host).offer(package)?["status"]?.string == "held"
        }
    }

    private func fullDisk(_ lab: Lab) throws {
        // Written until nothing fits any more; the agent has to report it all the same.
        try lab.exec("h4", ["sh", "-c", "dd if=/dev/zero of=/fill bs=64k 2>/dev/null; sync; ! echo x >/one-more"])
        try eventually("the full disk of h4 shows", seconds: Self.patience + Double(Self.interval)) {
            let facts = try lab.host("h4")["facts"]
            let disks = facts?["disks"]?["value"]?.array ?? []
            return disks.contains { $0["mountPoint"]?.string == "/" && $0["freeBytes"]?.integer == 0 }
        }
    }

    private func reboot(_ lab: Lab) throws {
        let before = try lab.host("h2")["facts"]?["bootID"]?["value"]?.string
        #expect(before != nil)
        try lab.runHost(["reboot", "h2"])
        try lab.startAgent("h2")
        try eventually("the reboot of h2 shows", seconds: Self.patience) {
            let after = try lab.host("h2")["facts"]?["bootID"]?["value"]?.string
            return after != nil && after != before
        }
        #expect(try lab.host("h2")["status"]?.string == "active")
    }

    private func clockStep(_ lab: Lab) throws {
        let offset = try lab.host("h7")["clockOffset"]?["value"]?.integer ?? 0
        #expect(abs(offset - 3600) < 60, "the server sees h7's clock \(offset) s ahead")
        #expect(try abs(lab.host("h8")["clockOffset"]?["value"]?.integer ?? 999) < 60)
        // Protocol 1 has no clock: unknown, never "right".
        #expect(try lab.host("h6")["clockOffset"]?["unknown"]?.string != nil)
    }

    private func clone(_ lab: Lab) throws {
        // By id: the copy has a name of its own, and the one identity may show either.
        let id = try #require(try lab.host("h5")["id"]?.string)
        try lab.runHost(["stop", "h5"])
        try lab.runHost(["clone", "h5", "h5-copy"])
        try lab.runHost(["up", "h5"])
        try lab.startAgent("h5")
        try lab.startAgent("h5-copy")
        try eventually("the clone of h5 shows", seconds: Self.patience * 2) {
            try lab.host(id)["status"]?.string == "quarantined"
        }
    }

    /// Runs `body` for all at once; throws the first error.
    private func concurrently(_ names: [String], _ body: @escaping @Sendable (String) throws -> Void) throws {
        let errors = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            do { try body(names[index]) } catch {
                errors.withLock { $0.append("\(names[index]): \(error)") }
            }
        }
        let all = errors.withLock { $0 }
        if !all.isEmpty { throw CommandError(description: all.joined(separator: "\n")) }
    }
}
