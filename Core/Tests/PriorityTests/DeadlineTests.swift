import Access
import Feeds
import Priority
import Testing
import Timestamps

func at(_ text: String) -> Timestamp { Timestamp(rfc3339: text.count == 10 ? text + "T00:00:00Z" : text)! }

/// A vulnerability as feeds tell it.
func vulnerability(_ id: String = "CVE-2026-1", vector: String? = nil, listed: Timestamp? = nil) -> VulnerabilityFacts {
    var facts = VulnerabilityFacts(id: id)
    if let vector {
        var advisory = Advisory(source: "nvd", id: id)
        advisory.severities = [Severity(type: vector.hasPrefix("CVSS:4") ? "CVSS_V4" : "CVSS_V3", score: vector)]
        facts.add(.advisory(advisory))
    }
    if let listed { facts.add(.exploited(KnownExploited(source: "kev", id: id, added: listed))) }
    return facts
}

let wormable = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

func asset(_ labels: [String: String] = [:], _ id: String = "a1") -> AssetFacts {
    AssetRules().facts(id: id, name: id, labels: labels)
}

struct DeadlineTests {
    private let detected = at("2026-03-01")

    @Test func readsTermsAndCountsCalendarMonths() {
        #expect(RemediationTerm("3 days & forensic investigation") == .days(3))
        #expect(RemediationTerm("fix on system upgrade") == .onUpgrade && RemediationTerm("2 weeks") == .days(14))
        #expect(RemediationTerm("soon") == nil && RemediationTerm("-3 days") == nil)
        #expect(RemediationTerm.months(1).due(from: at("2026-01-31T10:00:00Z")) == at("2026-02-28T10:00:00Z"))
        #expect(RemediationTerm.months(1).due(from: at("2024-01-31")) == at("2024-02-29"))
        #expect(RemediationTerm.months(13).due(from: at("2025-12-15")) == at("2027-01-15"))
        #expect(RemediationTerm.months(1).due(from: at("1969-12-31T23:00:00Z")) == at("1970-01-31T23:00:00Z"))
    }

    @Test func takesTheTermOfTheRowFromTheLaterOfDetectionAndListing() {
        let listed = at("2026-03-10")
        let deadline = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: wormable, listed: listed), on: asset(["exposure": "open"]),
            dates: FindingDates(detected: detected), now: at("2026-03-13"))
        #expect(deadline.due == at("2026-03-13") && deadline.isEvidenceFirst && deadline.state == .open)
        #expect(deadline.decision.row == 15 && deadline.startedBy == "addition to KEV")
        #expect(deadline.sentence.contains("row 15 of bod-26-04") && deadline.sentence.contains("evidence first"))
        let late = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: wormable, listed: listed), on: asset(["exposure": "open"]),
            dates: FindingDates(detected: detected), now: at("2026-03-13T00:00:01Z"))
        #expect(late.state == .overdue)
    }

    /// Without CISA's catalogue nobody can say that a vulnerability is not in it: that is assumed, and named.
    @Test func withoutTheCatalogueNothingIsNotListed() {
        var facts = vulnerability(vector: wormable)
        facts.isExploitationKnown = false
        let deadline = DeadlinePolicy.bod2604.deadline(
            of: facts, on: asset(), dates: FindingDates(detected: detected), now: detected)
        #expect(deadline.decision.inputs.first == .init(point: "in kev", value: "no", because: nil))
        #expect(deadline.sentence.contains("assumed: in kev no"))
        facts.isExploitationKnown = true
        let known = DeadlinePolicy.bod2604.deadline(
            of: facts, on: asset(), dates: FindingDates(detected: detected), now: detected)
        #expect(known.decision.inputs.first?.because == "not listed")
    }

    @Test func whoAskedForAnExceptionDoesNotApproveIt() {
        var exception = RiskException(
            id: "x", vulnerability: "CVE-2026-1", owner: "ada", reason: "r", compensatingControl: "c",
            expires: at("2026-06-01"))
        exception.requester = "bob"
        (exception.approver, exception.approved) = ("bob", detected)
        #expect(
            exception.standing(at: detected, knownExploited: nil)
                == .incomplete("who asked for it approved it; another has to"))
        exception.approver = "eve"
        exception.revoked = at("2026-03-02")
        #expect(exception.standing(at: at("2026-03-02"), knownExploited: nil) == .revoked(at("2026-03-02")))
    }

    @Test func saysWhatItAssumed() {
        let deadline = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(), on: asset(), dates: FindingDates(detected: detected), now: detected)
        #expect(deadline.decision.outcome == "3 days" && deadline.decision.assumptions == 3)
        #expect(deadline.sentence.contains("assumed: publicly exposed yes, automatable yes, technical impact total"))
        let inside = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"), on: asset(["exposure": "small"]),
            dates: FindingDates(detected: detected), now: detected)
        #expect(inside.due == nil && inside.term == .onUpgrade && inside.decision.assumptions == 0)
    }

    @Test func givesAssetsTheirFactsByLabelThenByFirstRule() throws {
        var dmz = AssetRules.Rule(name: "dmz", selector: try LabelSelector("zone=dmz"))
        dmz.exposure = .open
        dmz.mitigation = "web application firewall"
        var rest = AssetRules.Rule(name: "rest", selector: LabelSelector())
        rest.exposure = .small
        rest.criticality = .high
        let rules = AssetRules([dmz, rest])
        let web = rules.facts(id: "1", name: "web", labels: ["zone": "dmz", "criticality": "Essential"])
        #expect(web.exposure.value == .open && web.exposure.because == "rule 'dmz'")
        #expect(web.criticality.value == .essential && web.criticality.because == "label criticality=Essential")
        #expect(web.mitigation == "web application firewall (rule 'dmz')")
        let other = rules.facts(id: "2", name: "db", labels: ["exposure": "what"])
        #expect(other.exposure.value == .small && other.criticality.value == .high && other.safety.because == nil)
        #expect(web.humanImpact.outcome == "very high")
        let reach = AttackReach(vulnerability(vector: wormable), web)
        #expect(reach.factor == 0.5 && reach.text.contains("mitigated by web application firewall"))
        #expect(AttackReach(vulnerability(vector: "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"), other).factor == 0.1)
    }

    @Test func pausesMoveTheDateOnce() {
        var policy = DeadlinePolicy.bod2604
        policy.pauses = [.noFix, .evidenceHold]
        var dates = FindingDates(detected: detected)
        dates.pauses = [
            SLAPause(reason: .noFix, from: at("2026-02-01"), until: at("2026-03-03")),
            SLAPause(reason: .evidenceHold, from: at("2026-03-02"), until: at("2026-03-04")),
            SLAPause(reason: .offline, from: at("2026-03-04"), until: at("2026-03-09")),
        ]
        let facts = vulnerability(vector: wormable)
        let exposed = asset(["exposure": "open"])
        let deadline = policy.deadline(of: facts, on: exposed, dates: dates, now: at("2026-03-20"))
        #expect(deadline.pausedSeconds == 3 * 86_400 && deadline.due == at("2026-03-07") && deadline.state == .overdue)
        dates.pauses.append(SLAPause(reason: .noFix, from: at("2026-03-05")))
        let waiting = policy.deadline(of: facts, on: exposed, dates: dates, now: at("2026-03-20"))
        #expect(waiting.pausedBy == .noFix && waiting.due == at("2026-03-22") && waiting.state == .open)
    }

    @Test func exceptionsEndByThemselvesWhenExploited() {
        var exception = RiskException(
            id: "X1", vulnerability: "CVE-2026-1", assets: ["a1"], owner: "ann", reason: "legacy",
            compensatingControl: "firewalled", expires: at("2026-06-01"))
        #expect(exception.standing(at: detected, knownExploited: nil) == .requested)
        exception.approver = "ann"
        exception.approved = detected
        #expect(
            exception.standing(at: detected, knownExploited: nil)
                == .incomplete("its owner approved it; another has to"))
        exception.approver = "bob"
        #expect(exception.standing(at: detected, knownExploited: nil) == .active(until: at("2026-06-01")))
        #expect(exception.standing(at: at("2026-06-01"), knownExploited: nil) == .expired(at("2026-06-01")))
        let listed = at("2026-04-01")
        #expect(exception.standing(at: listed, knownExploited: listed) == .reopened(listed))
        var bare = exception
        bare.compensatingControl = " "
        #expect(bare.standing(at: detected, knownExploited: nil) == .incomplete("it names no compensating control"))

        let dates = FindingDates(detected: detected)
        let before = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: wormable), on: asset(), dates: dates, exceptions: [exception],
            now: at("2026-03-20"))
        #expect(before.state == .excepted("X1", until: at("2026-06-01")) && !before.counts)
        let after = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: wormable, listed: listed), on: asset(), dates: dates, exceptions: [exception],
            now: at("2026-04-02"))
        #expect(after.state == .open && after.reopened == listed && after.due == at("2026-04-04"))
        let elsewhere = DeadlinePolicy.bod2604.deadline(
            of: vulnerability(vector: wormable), on: asset([:], "a2"), dates: dates, exceptions: [exception],
            now: at("2026-03-02"))
        #expect(elsewhere.counts)
    }

    @Test func aPatchTakesTheShortestOfWhatCounts() {
        let exposed = asset(["exposure": "open"])
        let dates = FindingDates(detected: detected)
        func deadline(_ facts: VulnerabilityFacts, _ statements: [ExploitabilityStatement] = []) -> Deadline {
            DeadlinePolicy.bod2604.deadline(
                of: facts, on: exposed, dates: dates, statements: statements, now: at("2026-03-02"))
        }
        let slow = deadline(vulnerability("CVE-2026-2", vector: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N"))
        let fast = deadline(vulnerability(vector: wormable))
        let word = Evidence(source: "redhat-vex")
        let away = deadline(
            vulnerability(vector: wormable),
            [.init(status: .notAffected, justification: "component_not_present", evidence: word)])
        let unproved = deadline(
            vulnerability(vector: wormable), [.init(status: .notAffected, justification: "", evidence: word)])
        #expect(DeadlinePolicy.deadline(ofPatchWith: [slow, fast])?.due == at("2026-03-04"))
        #expect(DeadlinePolicy.deadline(ofPatchWith: [slow, away])?.due == at("2026-04-30"))
        #expect(unproved.counts && !away.counts)
        #expect(DeadlinePolicy.deadline(ofPatchWith: [away]) == nil)
    }

    @Test func otherTablesDecideToo() {
        let critical = asset(["exposure": "open", "criticality": "essential", "safety": "critical"])
        let facts = vulnerability(vector: wormable, listed: detected)
        let dates = FindingDates(detected: detected)
        let deployer = DeadlinePolicy.deployer.deadline(of: facts, on: critical, dates: dates, now: detected)
        #expect(deployer.decision.outcome == "immediate" && deployer.due == at("2026-03-04"))
        let cisa = DeadlinePolicy.cisaCoordinator.deadline(of: facts, on: critical, dates: dates, now: detected)
        #expect(cisa.decision.outcome == "act" && cisa.decision.assumptions == 0)
    }

    @Test func evidenceComesBeforeInstallation() {
        var hold = EvidenceHold(since: detected)
        let digest = String(repeating: "a", count: 64)
        #expect(hold.blocksInstallation && hold.next?.step == .scope && hold.next?.due == at("2026-03-01T02:00:00Z"))
        func record(_ step: EvidenceHold.Step, _ digest: String) -> Bool {
            hold.record(step, .init(at: at("2026-03-02"), by: "ann", digest: digest))
        }
        let steps = [
            record(.volatileEvidence, digest), record(.scope, ""), record(.volatileEvidence, "x"),
            record(.volatileEvidence, digest), record(.volatileEvidence, digest),
        ]
        #expect(steps == [false, true, false, true, false], "scope first, evidence with its digest, each once")
        #expect(!hold.blocksInstallation && hold.next?.due == at("2026-03-04"))
    }

    @Test func evidenceIsWaivedByNameAndTheVerdictStaysDue() {
        var hold = EvidenceHold(since: detected)
        let nobody = hold.waive(.init(at: at("2026-03-02"), by: "", digest: ""))
        let someone = hold.waive(.init(at: at("2026-03-02"), by: "bob", digest: ""))
        let again = hold.waive(.init(at: at("2026-03-02"), by: "eve", digest: ""))
        #expect([nobody, someone, again] == [false, true, false])
        #expect(!hold.blocksInstallation && hold.waiver?.by == "bob" && hold.next?.step == .verdict)
        let verdict = hold.record(.verdict, .init(at: at("2026-03-03"), by: "ann", digest: ""))
        #expect(verdict && hold.next == nil)
    }
}
