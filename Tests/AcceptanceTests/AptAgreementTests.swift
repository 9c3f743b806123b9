import Foundation
import JSON
import Testing

/// What the agent says of a host's updates, against the host's own apt. The bound of differences is 0.
@Suite(.serialized) struct AptAgreementTests {
    @Test(arguments: ["minimal", "systemd", "server"])
    func realRootsAgree(_ root: String) throws {
        let lab = try Lab("\(labPrefix)-apt-\(root)")
        defer { lab.down() }
        try start(lab, root)
        let offers = try agree(lab, root)
        #expect(!offers.isEmpty)
        guard root == "server" else { return }
        // This root has a hold, pins and a source with versions that nobody chose.
        let statuses = Set(offers.compactMap { $0["status"]?.string })
        #expect(statuses.isSuperset(of: ["held", "pinned", "upgradable"]), "\(statuses)")

        // Downgrades, patterns, source packages and whole origins.
        let records = """
            Package: *
            Pin: release a=*-security
            Pin-Priority: 400

            Package: src:curl
            Pin: release n=bookworm
            Pin-Priority: 1001

            Package: /^lib.*perl/ python3*
            Pin: origin "deb.debian.org"
            Pin-Priority: -5

            Package: src:openssl
            Pin: version 3.0.*
            Pin-Priority: 1001
            """
        try lab.exec("h", ["sh", "-c", "cat >/etc/apt/preferences.d/00test <<'E'\n\(records)\n\nE"])
        _ = try agree(lab, "server with more pins")
        try lab.exec(
            "h",
            [
                "sh", "-c",
                "rm /etc/apt/preferences.d/*; echo 'APT::Default-Release \"bookworm-backports\";' >/etc/apt/apt.conf.d/00test",
            ])
        _ = try agree(lab, "server with a default release")
    }

    @Test func situationsAgreeAndSayWhy() throws {
        let lab = try Lab("\(labPrefix)-apt-s")
        defer { lab.down() }
        try start(lab, "situations")
        let offers = try agree(lab, "situations")
        let expected = [
            "tb-ok": "upgradable ", "tb-epoch": "upgradable ", "tb-later": "upgradable ", "tb-held": "held ",
            "tb-twostep": "kept-back needs a new package: tb-twostep-data",
            "tb-nodep": "kept-back depends on tb-absent (>= 2), which no repository offers",
            "tb-conflict": "kept-back would remove tb-victim (conflict)", "tb-phased": "phased 0",
        ]
        for (name, status) in expected {
            let offer = offers.first { $0["name"]?.string == name }
            let ours = "\(offer?["status"]?.string ?? "no offer") \(offer?["reason"]?.string ?? "")"
            #expect(ours == status, "\(name)")
        }
        for (name, pin) in ["tb-pinned": "1001", "tb-never": "-1"] {
            let offer = offers.first { $0["name"]?.string == name }
            #expect(offer?["status"]?.string == "pinned", "\(name)")
            #expect(offer?["reason"]?.string?.contains("has priority \(pin): etc/apt/preferences.d/situations") == true)
        }
        for name in ["tb-newer", "tb-vanished"] { #expect(!offers.contains { $0["name"]?.string == name }, "\(name)") }

        // A hold, an undone hold, a downgrade by pin, and every phased update at once.
        let records =
            "Package: tb-ok\\nPin: version 1.0\\nPin-Priority: 1001\\n\\nPackage: src:tb-multi\\nPin: release *\\nPin-Priority: -1\\n"
        try lab.exec(
            "h",
            [
                "sh", "-c",
                "apt-mark hold tb-epoch; apt-mark unhold tb-held; printf '\(records)' >/etc/apt/preferences.d/00test",
            ])
        try lab.exec(
            "h", ["sh", "-c", "echo 'APT::Get::Always-Include-Phased-Updates yes;' >/etc/apt/apt.conf.d/00test"])
        _ = try agree(lab, "situations, changed")
    }

    /// Starts the host. Descriptors of this process are closed first: Foundation tells the end of a program by one that all
    /// its children inherit, and the host itself, which stays, would hold it.
    private func start(_ lab: Lab, _ root: String) throws {
        let closing = #"for f in /proc/self/fd/*; do n=${f##*/}; [ "$n" -le 2 ] || eval "exec $n>&-"; done; exec "$@""#
        try run(
            [
                "bash", "-c", closing, "_", Testbed.script("run-host"), "start", "h", "--root", root, "--bind",
                "\(Testbed.program("fettle-agent")):/usr/local/bin/fettle-agent",
            ], environment: ["TESTBED_LAB": lab.name])
    }

    // MARK: The comparison

    /// Compares every package of the host; the offers.
    private func agree(_ lab: Lab, _ name: String) throws -> [JSONValue] {
        let output = try lab.exec("h", ["fettle-agent", "scan", "-o", "json"]).output
        let scan = try JSONValue(
            parsing: Array(output.utf8),
            limits: JSONLimits(
                maximumBytes: 64 << 20, maximumDepth: 32, maximumItems: 1_000_000, maximumStringBytes: 1 << 20))
        let packages = try #require(scan["packages"]?.array)
        let offers = try #require(scan["offers"]?.array)
        let fields = offers.map(Fields.init)
        let policies = try policies(lab, packages.compactMap { $0["name"]?.string })
        var problems: [String] = []

        func compare(_ what: String, _ ours: Set<String>, _ theirs: Set<String>) {
            problems += ours.subtracting(theirs).map { "\(what): ours only: \($0)" }
            problems += theirs.subtracting(ours).map { "\(what): apt only: \($0)" }
        }
        // Candidates and their suites, as `apt list --upgradable` has them.
        let list = try apt(lab, ["apt", "list", "--upgradable"]).split(separator: "\n")
            .filter { $0.contains("upgradable from") }.map { line in
                let words = line.split(separator: " ").map(String.init)
                let parts = words[0].split(separator: "/", maxSplits: 1).map(String.init)
                let suites = Set(parts[1].split(separator: ",").map(String.init)).subtracting(["now"]).sorted()
                return "\(parts[0]):\(words[2]) \(words[1]) \(suites)"
            }
        let open = fields.filter { $0.status != "pinned" }
        compare("apt list", Set(open.map { "\($0.name):\($0.architecture) \($0.candidate) \($0.suites)" }), Set(list))

        // What the plain upgrade takes, and what it keeps back.
        let upgrade = try apt(lab, ["apt-get", "-s", "upgrade"])
        let taken = installs(upgrade)
        compare(
            "apt-get upgrade", Set(fields.filter { $0.status == "upgradable" }.map { "\($0.name) \($0.candidate)" }),
            taken)
        compare(
            "kept back", Set(open.filter { $0.status != "upgradable" }.map(\.name)),
            block(upgrade, "kept back").union(block(upgrade, "deferred due to phasing")))

        // The full upgrade: what needs only new packages or removals is taken there, what no repository can satisfy is not.
        let full = try apt(lab, ["apt-get", "-s", "dist-upgrade"])
        let fullTaken = installs(full)
        // And what it would bring that is not there yet.
        let additions = (scan["additions"]?.array ?? []).map {
            "\($0["name"]?.string ?? "") \($0["version"]?.string ?? "")"
        }
        compare("new in a full upgrade", Set(additions), additionsOf(full))
        for offer in open {
            let isTaken = fullTaken.contains("\(offer.name) \(offer.candidate)")
            if offer.status == "upgradable", !isTaken { problems.append("dist-upgrade does not take \(offer.name)") }
            if offer.status == "held" || offer.reason.contains("no repository offers"), isTaken {
                problems.append("dist-upgrade takes \(offer.name), which is \(offer.status) \(offer.reason)")
            }
            if offer.status == "kept-back", offer.reason.hasPrefix("needs a new package"), !isTaken {
                problems.append("dist-upgrade does not take \(offer.name): \(offer.reason)")
            }
        }

        // Every package's candidate, and security by the version tables.
        for package in packages {
            guard let name = package["name"]?.string, let version = package["version"]?.string,
                let policy = policies[name]
            else { continue }
            let offer = fields.first { $0.name == name }
            if policy.installed != version { problems.append("\(name): installed \(version), apt \(policy.installed)") }
            // A lower candidate is a downgrade that a pin wants: it is no offer.
            let ours = offer.flatMap { $0.status == "pinned" ? nil : $0.candidate }
            let isLower =
                policy.candidate == "(none)"
                || policy.versions.firstIndex { $0.version == policy.candidate }
                    .map { at in at > (policy.versions.firstIndex { $0.version == version } ?? -1) } ?? false
            if policy.candidate != ours ?? version, ours != nil || !isLower {
                problems.append("\(name): candidate \(ours ?? version), apt \(policy.candidate)")
            }
            if let offer {
                let between = policy.versions.drop { $0.version != offer.candidate }.prefix { $0.version != version }
                let isSecurity = between.contains { $0.files.contains { $0.contains("-security/") } }
                if isSecurity != offer.security {
                    problems.append("\(name): security \(offer.security), apt \(isSecurity)")
                }
            }
        }
        print("\(name): \(packages.count) packages, \(offers.count) offers, \(problems.count) differences")
        for problem in problems.sorted() { print("  \(problem)") }
        #expect(problems.sorted() == [])
        return offers
    }

    private struct Fields {
        let name, architecture, candidate, status, reason: String
        let security: Bool
        let suites: [String]

        init(_ offer: JSONValue) {
            func text(_ field: String) -> String { offer[field]?.string ?? "" }
            name = text("name")
            architecture = text("architecture")
            candidate = text("candidate")
            status = text("status")
            reason = text("reason")
            security = offer["security"]?.bool ?? false
            suites = Set((offer["origins"]?.array ?? []).compactMap { $0["suite"]?.string }).sorted()
        }
    }

    private struct Policy {
        var installed = ""
        var candidate = ""
        var versions: [(version: String, files: [String])] = []
    }

    private func policies(_ lab: Lab, _ names: [String]) throws -> [String: Policy] {
        var result: [String: Policy] = [:]
        var name = ""
        for line in try apt(lab, ["apt-cache", "policy"] + names).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if !line.hasPrefix(" "), line.hasSuffix(":") {
                name = String(line.dropLast())
                result[name] = Policy()
            } else if line.hasPrefix("  Installed: ") {
                result[name]?.installed = words[1]
            } else if line.hasPrefix("  Candidate: ") {
                result[name]?.candidate = words[1]
            } else if words.count > 1, Int(words[0]) != nil, words[1].contains("/") {
                let last = (result[name]?.versions.count ?? 0) - 1
                if last >= 0 { result[name]?.versions[last].files.append(words[1...].joined(separator: " ")) }
            } else if line.hasPrefix(" *** ") || line.hasPrefix("     ") {
                result[name]?.versions.append((words[0] == "***" ? words[1] : words[0], []))
            }
        }
        return result
    }

    private func apt(_ lab: Lab, _ command: [String]) throws -> String {
        try lab.exec("h", ["env", "LC_ALL=C.UTF-8"] + command).output
    }

    /// `name version` of what a simulation upgrades; new packages and downgrades are left out.
    private func installs(_ output: String) -> Set<String> {
        let downgraded = block(output, "DOWNGRADED")
        return Set(
            output.split(separator: "\n").filter { $0.hasPrefix("Inst ") }.compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                guard words.count > 3, words[2].hasPrefix("["), !downgraded.contains(words[1]) else { return nil }
                return "\(words[1]) \(words[3].dropFirst())"
            })
    }

    /// `name version` of what a simulation installs anew.
    private func additionsOf(_ output: String) -> Set<String> {
        Set(
            output.split(separator: "\n").filter { $0.hasPrefix("Inst ") }.compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                return words.count > 2 && words[2].hasPrefix("(") ? "\(words[1]) \(words[2].dropFirst())" : nil
            })
    }

    /// The packages that apt names under a heading.
    private func block(_ output: String, _ heading: String) -> Set<String> {
        var names: Set<String> = []
        var isInside = false
        for line in output.split(separator: "\n") {
            if line.hasPrefix("  ") {
                if isInside { names.formUnion(line.split(separator: " ").map(String.init)) }
            } else {
                isInside = line.hasPrefix("The following") && line.contains(heading)
            }
        }
        return names
    }
}
