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
                    let own: Timestamp? =
                        switch ComplianceRule(control).status(facts, now: now) {
                        case .open(let due), .missed(let due): due
                        default: nil
                        }
                    // Beneath the rule the table counts for what is in KEV.
                    let beneath =
                        listed == nil
                        ? nil
                        : DeadlinePolicy.bod2604.deadline(
                            of: facts.vulnerability, on: facts.asset, dates: facts.dates, now: now)
                    #expect(deadline.due == [own, beneath?.due].compactMap(\.self).min())
                    #expect(deadline.isEvidenceFirst == beneath?.isEvidenceFirst ?? false)
                    #expect(deadline.counts && deadline.pausedBy == nil && deadline.policy == control.rawValue)
                    #expect(deadline.sentence.contains(ComplianceRule(control).title), "\(deadline.sentence)")
                    #expect((deadline.beside.isEmpty) == (listed == nil))
                    guard deadline.due == own else { continue }
                    #expect(deadline.decision.table == ComplianceRule(control).title)
                    #expect(deadline.sentence.contains("by \(ComplianceRule(control).title)"))
                    let isScored = deadline.decision.inputs.first { $0.point == "severity" }?.because != nil
                    #expect(
                        isScored == (vector != nil) || !deadline.decision.inputs.contains { $0.point == "severity" })
                }
            }
        }
    }

    /// A rule of 70 days lets nobody patch over the traces of an attack: the table beneath asks for evidence, and by when.
    @Test func theTableCountsBeneathARuleForWhatIsExploited() throws {
        let policy = DeadlinePolicy(rule: .nercCIP)
        #expect(policy.evidenceFirst == DeadlinePolicy.bod2604.evidenceFirst)
        var dates = FindingDates(detected: at("2026-02-03"))
        (dates.fixKnown, dates.hasFix) = (at("2026-02-05"), true)
        func deadline(_ listed: Timestamp?, _ policy: DeadlinePolicy = policy) -> Deadline {
            policy.deadline(
                of: vulnerability(vector: wormable, listed: listed), on: asset(["exposure": "open"]), dates: dates,
                now: at("2026-02-11"))
        }
        let plain = deadline(nil)
        #expect(plain.due == at("2026-04-16") && !plain.isEvidenceFirst)
        #expect(
            plain.sentence
                == "due 2026-04-16: 70 days from when a fix became known on 2026-02-05, by NERC CIP-007-6 R2")
        let listed = deadline(at("2026-02-10"))
        #expect(listed.due == at("2026-02-13") && listed.isEvidenceFirst && listed.policy == "nerc-cip-007-6-r2")
        #expect(
            listed.sentence
                == "due 2026-02-13: 3 days from addition to KEV on 2026-02-10, by row 15 of bod-26-04, evidence first "
                + "(NERC CIP-007-6 R2: due 2026-04-16: 70 days from when a fix became known on 2026-02-05)",
            "\(listed.sentence)")
        // The shorter rule keeps its date, and the evidence of before the addition counts for nothing.
        let short = deadline(at("2026-02-10"), DeadlinePolicy(rule: .fedRAMPHigh))
        #expect(short.due == at("2026-02-11") && short.isEvidenceFirst && short.start == at("2026-02-03"))
        #expect(short.evidenceSince == at("2026-02-10"))
        #expect(short.sentence.contains("(row 15 of bod-26-04: due 2026-02-13"), "\(short.sentence)")
    }

    /// Nobody can install what is not there: the clock runs from when the fix came, however late.
    @Test(arguments: DeadlinePolicy.compliance)
    func clocksFromTheReleaseWaitForAFix(_ policy: DeadlinePolicy) throws {
        let control = try #require(policy.rule)
        var facts = facts()
        facts.isOperatingSystem = false
        (facts.dates.fixReleased, facts.dates.hasFix) = (nil, false)
        func deadline(_ now: Timestamp) -> Deadline {
            policy.deadline(of: facts.vulnerability, on: facts.asset, dates: facts.dates, now: now)
        }
        let waiting = deadline(at("2026-06-01"))
        let rule = ComplianceRule(control)
        guard rule.clockStart == .release else {
            #expect(!waiting.waitsForFix)
            return
        }
        #expect(rule.status(facts, now: at("2026-06-01")) == .waitingForFix)
        #expect(waiting.due == nil && waiting.state == .open && waiting.waitsForFix)
        #expect(waiting.sentence.hasPrefix("no date: no fix is released, and "), "\(waiting.sentence)")
        let term = try #require(waiting.term)
        let came = at("2026-04-04")
        (facts.dates.fixKnown, facts.dates.hasFix) = (came, true)
        let due = try #require(term.due(from: came))
        #expect(deadline(due).due == due && deadline(due).state == .open && deadline(due).start == came)
        #expect(deadline(due.adding(seconds: 1)).state == .overdue)
        #expect(rule.status(facts, now: due) == .open(due: due))
        // A fix that was there before the host had the package starts nothing earlier.
        facts.dates.fixKnown = at("2026-01-01")
        #expect(deadline(came).start == facts.dates.detected && deadline(came).startedBy == "detection")
        // What is told of the release counts before what was noticed here.
        facts.dates.fixReleased = released
        #expect(deadline(came).start == released)
    }

    @Test func decisionsSayWhatTheyRestOn() {
        func deadline(_ control: ComplianceRule.Control, _ facts: ComplianceFacts) -> Deadline {
            DeadlinePolicy(rule: control).deadline(
                of: facts.vulnerability, on: facts.asset, dates: facts.dates, now: at("2026-02-11"))
        }
        #expect(
            deadline(.cis, facts()).decision.sentence == "1 month, by CIS Controls 8.1, 7.3 and 7.4, version 1")
        var facts = facts()
        var entry = KnownExploited(source: "kev", id: "CVE-2026-1", added: at("2026-02-10"))
        entry.due = at("2026-02-12")
        facts.vulnerability.add(.exploited(entry))
        let own = deadline(.bod2201, facts)
        #expect(own.due == entry.due && own.isCataloguesOwn)
        #expect(
            own.sentence.hasPrefix(
                "due 2026-02-12: the date in CISA's catalogue, by CISA BOD 22-01 (revoked), evidence first (row 15"),
            "\(own.sentence)")
        // Rows that are numbered from 0 have a row 0.
        let first = Decision(table: "t", version: "1", row: 0, outcome: "never", inputs: [])
        #expect(first.sentence == "never, by row 0 of t, version 1")
    }

    /// Of two starts of one class the earlier is due earlier: months and pauses of any length between.
    @Test func classesOfStartsKeepTheOrderOfDates() throws {
        var policy = DeadlinePolicy.bod2604
        for outcome in policy.table.outcomes { policy.terms[outcome] = .months(1) }
        policy.pauses = [.freeze]
        let classes = StartClasses(policy)
        #expect(
            classes.areSeveral && !StartClasses(.bod2604).areSeveral
                && StartClasses(DeadlinePolicy(rule: .cis)).areSeveral)
        #expect(!StartClasses(DeadlinePolicy(rule: .nercCIP)).areSeveral)
        let now = at("2026-04-01")
        func due(_ start: Timestamp) throws -> Timestamp {
            var dates = FindingDates(detected: start)
            dates.pauses = [
                SLAPause(reason: .freeze, from: at("2025-12-20"), until: at("2026-02-10")),
                SLAPause(reason: .freeze, from: at("2026-03-20")),
            ]
            return try #require(
                policy.deadline(of: vulnerability(vector: wormable), on: asset(), dates: dates, now: now).due)
        }
        // Without classes the order is not that of the starts.
        #expect(try due(at("2026-01-01")) > due(at("2026-02-01")))
        #expect(try due(at("2026-01-29T20:00:00Z")) != due(at("2026-01-31T01:00:00Z")))
        var last: [Int: (start: Timestamp, due: Timestamp)] = [:]
        var start = at("2025-11-01")
        while start < now {
            let number = classes(start)
            let due = try due(start)
            if let before = last[number] { #expect(before.due <= due, "\(before.start) and \(start)") }
            last[number] = (start, due)
            start = start.adding(seconds: 5 * 3600)
        }
        #expect(last.count == 3 + 4 + 4 + 1 + 4, "from November to March, and the 29th, 30th and 31st alone")
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
