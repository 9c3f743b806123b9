import JSON
import Policy
import Schedule
import Testing
import Timestamps

@Suite struct SelectionTests {
    /// Patterns by a plain recursive reading.
    private func slow(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" { return slow(pattern.dropFirst(), name) || (!name.isEmpty && slow(pattern, name.dropFirst())) }
        guard let letter = name.first, first == "?" || first == letter else { return false }
        return slow(pattern.dropFirst(), name.dropFirst())
    }

    @Test func patternsOfPackages() {
        #expect(PackagePattern.matches("linux-image-*", "linux-image-6.1") && PackagePattern.matches("*", ""))
        #expect(!PackagePattern.matches("linux", "linux-image") && !PackagePattern.matches("l?", "l"))
        var random = PolicyRandom(state: 9)
        for _ in 0..<20_000 {
            let pattern = String(
                (0..<Int.random(in: 0...7, using: &random)).map { _ in "ab*?".randomElement(using: &random) ?? "a" })
            let name = String(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in "ab".randomElement(using: &random) ?? "a" })
            #expect(PackagePattern.matches(pattern, name) == slow(pattern[...], name[...]), "\(pattern) \(name)")
        }
        let long = String(repeating: "a*", count: 120)
        #expect(!PackagePattern.matches(long + "b", String(repeating: "a", count: 250)))
    }

    /// "KEV on exposed hosts: emergency; critical: this week's window; the rest: monthly."
    @Test func rulesDecideInTheirOrder() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let rules = try #require(set.first(CampaignRules.self, named: "fleet"))
        let exposed = PolicyCandidate(package: "nginx", severity: .critical, isExploited: true, exposure: .open)
        #expect(rules.rule(for: exposed)?.emergency?.approvers == 3)
        var inside = exposed
        inside.exposure = .small
        #expect(rules.rule(for: inside)?.within == 604_800)
        inside.severity = .high
        #expect(rules.rule(for: inside)?.cadence == "monthly")
        #expect(rules.rule(for: PolicyCandidate(package: "x"))?.name == "rest")
    }

    /// What is not known meets no condition: nothing is approved because of it.
    @Test func theUnknownMeetsNoCondition() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let approval = try #require(set.first(AutoApproval.self, named: "usual"))
        let whole = PolicyCandidate(
            package: "linux-image-6.1", severity: .critical, isExploited: true, isSecurity: true, exposure: .controlled,
            age: 86_400, source: "debian-security", groups: ["web", "other"])
        #expect(approval.decision(for: whole) == (.approve, "exploited"))
        let changes: [(inout PolicyCandidate) -> Void] = [
            { $0.severity = nil }, { $0.severity = .medium }, { $0.isExploited = nil }, { $0.isSecurity = nil },
            { $0.exposure = nil }, { $0.exposure = .small }, { $0.age = nil }, { $0.age = 86_399 }, { $0.source = nil },
            { $0.source = "debian" }, { $0.groups = [] }, { $0.package = "nginx" },
        ]
        for (index, change) in changes.enumerated() {
            var candidate = whole
            change(&candidate)
            #expect(approval.decision(for: candidate) == (.ask, "rest"), "\(index)")
        }
        #expect(AutoApproval().decision(for: whole) == (.ask, nil))
    }

    @Test func packageRulesHoldWhereAndWhileTheyAreMeant() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let rule = try #require(set.first(PackageRule.self, named: "postgres"))
        let day = try #require(CivilDate(year: 2027, month: 6, day: 1))
        #expect(rule.applies(to: "postgresql-15", groups: ["database"], on: day))
        #expect(!rule.applies(to: "postgresql-15", groups: ["web"], on: day))
        #expect(
            !rule.applies(to: "postgresql-9", groups: ["database"], on: day)
                && !rule.applies(to: "postgresql-155", groups: ["database"], on: day))
        #expect(
            !rule.applies(
                to: "postgresql-15", groups: ["database"], on: CivilDate(daysSinceEpoch: day.daysSinceEpoch + 1)))
    }

    @Test func aHostsCalendarHandlingAndBudgets() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let host = PolicyHost(
            id: "1", name: "w1", labels: ["tier": "web", "cluster": "c7"], facts: [.os: "debian-12", .site: "berlin"])
        let groups = set.groups(of: host)
        #expect(groups == ["web"])
        #expect(set.handling(of: groups).maximumReboots == 2)
        #expect(set.handling(of: []) == Handling())
        let zones = WindowZones(named: [try #require(PolicySamples.zone("Europe/Berlin"))])
        let next = try set.calendar(of: groups, zones: zones).nextOpenings(after: PolicySamples.now, limit: 2)
        // 11 December is excluded, 18 December an extra date, 15 January the Friday after the second Tuesday.
        #expect(next.map(\.start.description) == ["2026-12-18T21:00:00Z", "2027-01-15T21:00:00Z"])
        #expect(try set.calendar(of: [], zones: zones).windows.isEmpty)
        #expect(try set.calendar(of: [], windows: ["patch-night"], zones: zones).windows.count == 1)
        #expect(throws: ScheduleError.self) { try set.calendar(of: groups, zones: WindowZones()) }
        let keys = set.budgets(of: host, groups: ["database"], campaign: "c1", ring: "pilot").map(\.key.description)
        #expect(keys == ["clusters/c7", "sites/berlin"])
        #expect(
            set.budgets(of: host, groups: groups, campaign: "c1", ring: "pilot").map(\.key.description) == [
                "sites/berlin"
            ])
        let unknown = PolicyHost(id: "2", name: "x")
        #expect(
            set.budgets(of: unknown, groups: ["database"], campaign: "c", ring: "r").map(\.key.description) == [
                "clusters/?", "sites/?",
            ])
    }

    @Test func aWindowAndAFreezeOfOneNameAreRefused() throws {
        let documents = [
            PolicySamples.document(
                "Window", "night", ["rule": "monthly", "start": "22:00", "duration": "4h", "clocks": "UTC"]),
            PolicySamples.document(
                "Freeze", "night", ["reason": "r", "clocks": "UTC", "yearly": ["from": "12-20", "through": "01-06"]]),
        ]
        let found = try PolicySamples.read(documents).set.validate(PolicySamples.surroundings())
        #expect(found.contains { $0.severity == .error && $0.message.contains("same name") })
    }
}
