import Feeds
import Priority
import Testing
import Timestamps

struct ComplianceRuleTests {
    private let released = at("2026-01-31")

    private func facts(
        _ vector: String? = wormable, labels: [String: String] = ["exposure": "open"], severity: String? = nil,
        closed: Timestamp? = nil, listed: Timestamp? = nil
    ) -> ComplianceFacts {
        var dates = FindingDates(detected: at("2026-02-03"))
        dates.fixReleased = released
        dates.closed = closed
        return ComplianceFacts(
            vulnerability: vulnerability(vector: vector, listed: listed), asset: asset(labels), dates: dates,
            vendorSeverity: severity)
    }

    @Test(
        arguments: [
            (ComplianceRule.Control.pciDSS, "2026-02-28T00:00:00Z"), (.cis, "2026-02-28T00:00:00Z"),
            (.cyberEssentials, "2026-02-14T00:00:00Z"), (.bod1902, "2026-02-18T00:00:00Z"),
            (.hipaaProposal, "2026-02-15T00:00:00Z"), (.nercCIP, "2026-04-11T00:00:00Z"),
            (.fedRAMPLow, "2026-03-07T00:00:00Z"), (.fedRAMPModerate, "2026-02-19T00:00:00Z"),
            (.fedRAMPHigh, "2026-02-11T00:00:00Z"), (.bod2604, "2026-02-06T00:00:00Z"),
            (.essentialEight1, "2026-02-02T00:00:00Z"),
        ])
    func theDueInstantIsInTimeAndTheNextIsNot(_ control: ComplianceRule.Control, _ due: String) {
        let rule = ComplianceRule(control)
        let due = at(due)
        #expect(rule.status(facts(), now: at("2026-02-01")) == .open(due: due))
        #expect(rule.status(facts(), now: due) == .open(due: due))
        #expect(rule.status(facts(), now: due.adding(seconds: 1)) == .missed(due: due))
        #expect(rule.status(facts(closed: due), now: at("2026-12-01")) == .met)
        #expect(rule.status(facts(closed: due.adding(seconds: 1)), now: at("2026-12-01")) == .missed(due: due))
    }

    /// As a policy an organisation gets the rule's own dates, with what they rest on; nothing pauses them.
    @Test(arguments: DeadlinePolicy.compliance)
    func aPolicySetsTheDatesOfItsRule(_ policy: DeadlinePolicy) throws {
        let control = try #require(policy.rule)
        let mild = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
        for vector in [wormable, mild, nil] {
            for labels in [["exposure": "open"], ["exposure": "small", "criticality": "low"], [:]] {
                for listed in [nil, at("2026-02-10")] {
                    var facts = facts(vector, labels: labels, listed: listed)
                    facts.isOperatingSystem = false
                    facts.dates.pauses = [SLAPause(reason: .freeze, from: at("2026-02-04"))]
                    let now = at("2026-02-04")
                    var paused = policy
                    paused.pauses = [.freeze]
                    let deadline = paused.deadline(
                        of: facts.vulnerability, on: facts.asset, dates: facts.dates, now: now)
                    switch ComplianceRule(control).status(facts, now: now) {
                    case .open(let due), .missed(let due): #expect(deadline.due == due)
                    default: #expect(deadline.due == nil)
                    }
                    #expect(deadline.counts && !deadline.isEvidenceFirst && deadline.pausedBy == nil)
                    #expect(deadline.decision.table == ComplianceRule(control).title)
                    #expect(deadline.sentence.contains("by \(ComplianceRule(control).title)"))
                    let isScored = deadline.decision.inputs.first { $0.point == "severity" }?.because != nil
                    #expect(
                        isScored == (vector != nil) || !deadline.decision.inputs.contains { $0.point == "severity" })
                }
            }
        }
    }

    @Test func clocksStartWhereThePolicySays() {
        let facts = facts(listed: at("2026-02-20"))
        func due(_ start: DeadlinePolicy.ClockStart) -> ComplianceRule.Status {
            ComplianceRule(.cyberEssentials, clockStart: start).status(facts, now: released)
        }
        #expect(due(.release) == .open(due: at("2026-02-14")))
        #expect(due(.detection) == .open(due: at("2026-02-17")))
        #expect(due(.knownExploited) == .open(due: at("2026-03-06")))
    }

    @Test func coversWhatIsUnknownAndLeavesOutWhatIsMild() {
        let mild = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
        for control in [ComplianceRule.Control.pciDSS, .cyberEssentials, .bod1902, .hipaaProposal] {
            #expect(ComplianceRule(control).status(facts(mild), now: released) == .notCovered)
            #expect(ComplianceRule(control).status(facts(nil), now: released) != .notCovered)
        }
        #expect(ComplianceRule(.bod1902).status(facts(labels: ["exposure": "small"]), now: released) == .notCovered)
        #expect(
            ComplianceRule(.cyberEssentials).status(facts(mild, severity: "important"), now: released) != .notCovered)
        var old = facts()
        old.isSupported = false
        #expect(
            ComplianceRule(.cyberEssentials).status(old, now: released)
                == .broken("the software gets no fixes any more"))
    }

    @Test func theRevokedDirectiveTakesTheCataloguesOwnDate() {
        var facts = facts()
        #expect(ComplianceRule(.bod2201).status(facts, now: released) == .notCovered)
        var entry = KnownExploited(source: "kev", id: "CVE-2026-1", added: at("2026-02-10"))
        entry.due = at("2026-02-13")
        facts.vulnerability.add(.exploited(entry))
        #expect(ComplianceRule(.bod2201).status(facts, now: at("2026-02-11")) == .open(due: at("2026-02-13")))
    }

    @Test func exceptionsHoldUntilTheyEnd() {
        var facts = facts()
        var exception = RiskException(
            id: "X", vulnerability: "CVE-2026-1", owner: "ann", reason: "r", compensatingControl: "c",
            expires: at("2026-05-01"))
        exception.approver = "bob"
        exception.approved = at("2026-02-10")
        facts.exception = exception
        let rule = ComplianceRule(.cyberEssentials)
        #expect(rule.status(facts, now: at("2026-04-30")) == .excepted(until: at("2026-05-01")))
        #expect(rule.status(facts, now: at("2026-05-01")) == .missed(due: at("2026-02-14")))
        facts.vulnerability.add(.exploited(KnownExploited(source: "kev", id: "CVE-2026-1", added: at("2026-03-01"))))
        #expect(
            rule.status(facts, now: at("2026-03-02")) == .missed(due: at("2026-02-14")), "re-opened by exploitation")
    }
}
