import Feeds
public import Timestamps

/// How deadlines are made: a decision table, the term of each outcome, and when the clock starts.
public struct DeadlinePolicy: Sendable, Hashable {
    /// When a clock starts.
    public enum ClockStart: String, Sendable, Hashable, CaseIterable {
        /// When the fix was released, as far as that is told; else when a fix became known here, or detection where that is
        /// later. While there is no fix the clock does not run and there is no date.
        case release
        /// When the vulnerability was first seen on the asset.
        case detection
        /// When it was added to the catalogue of known exploited vulnerabilities, where it is in it.
        case knownExploited = "known-exploited"
        /// When all that the decision rests on was known here: detection, and the addition to the catalogue where it is in it.
        case informed
    }

    /// Its id.
    public var id: String
    /// Its version: a new one for every change.
    public var version: String
    /// The table; where there is a ``rule`` it counts for what is known to be exploited alone.
    public var table: DecisionTable
    /// The law, standard or contract that names the terms; nil for none.
    public let rule: ComplianceRule.Control?
    /// The term of each outcome; an outcome that is missing here and is no term itself has no deadline.
    public var terms: [String: RemediationTerm]
    /// The outcomes that ask for evidence before anything is installed.
    public var evidenceFirst: Set<String>
    /// When the clock starts.
    public var clockStart: ClockStart
    /// The pauses that stop the clock.
    public var pauses: Set<SLAPause.Reason>

    /// A policy; an outcome that names forensics asks for evidence first.
    public init(
        id: String, version: String, table: DecisionTable, terms: [String: RemediationTerm] = [:],
        clockStart: ClockStart = .informed, pauses: Set<SLAPause.Reason> = []
    ) {
        self.id = id
        self.version = version
        self.table = table
        rule = nil
        self.terms = Dictionary(
            terms.map { (DecisionTable.normalised($0), $1) }, uniquingKeysWith: { first, _ in first })
        self.evidenceFirst = Set(table.outcomes.filter { $0.contains("forensic") })
        self.clockStart = clockStart
        self.pauses = pauses
    }

    /// BOD 26-04 as published: the default. The directive's own rule for the start of the clock could not be read; ours is
    /// ``ClockStart/informed``.
    public static let bod2604 = DeadlinePolicy(id: "bod-26-04", version: "1", table: .bod2604)
    /// CISA's coordinator tree. It names no days: these are ours.
    public static let cisaCoordinator = DeadlinePolicy(
        id: "cisa-coordinator", version: "1", table: .cisaCoordinator,
        terms: ["track": .days(60), "track*": .days(30), "attend": .days(14), "act": .days(3)])
    /// SSVC's deployer tree. It names no days: these are ours.
    public static let deployer = DeadlinePolicy(
        id: "ssvc-deployer", version: "1", table: .deployer,
        terms: ["defer": .onUpgrade, "scheduled": .days(60), "out-of-cycle": .days(14), "immediate": .days(3)])
    /// The terms of a law, standard or contract, with its own start of the clock. Nothing pauses such a clock.
    ///
    /// Of what CISA lists as exploited the table of ``bod2604`` counts beneath it: evidence comes first where the table asks for
    /// it, and of the two dates the earlier one counts.
    public init(rule control: ComplianceRule.Control) {
        id = control.rawValue
        let rule = ComplianceRule(control)
        (version, clockStart) = (rule.version, rule.clockStart)
        (table, terms, evidenceFirst, pauses) = (.bod2604, [:], Self.bod2604.evidenceFirst, [])
        self.rule = control
    }

    /// The policies of laws, standards and contracts. BOD 26-04 is the table ``bod2604``.
    public static let compliance = ComplianceRule.Control.allCases.filter { $0 != .bod2604 }.map {
        DeadlinePolicy(rule: $0)
    }
    /// The policies that come with Fettle and have a table, the default first.
    public static let standard = [bod2604, cisaCoordinator, deployer]

    /// The term of an outcome; nil where it has none.
    public func term(of outcome: String) -> RemediationTerm? { terms[outcome] ?? RemediationTerm(outcome) }

    /// Decides one vulnerability on one asset.
    ///
    /// - Parameters:
    ///   - exceptions: those that may hold here; other vulnerabilities' and assets' are passed over.
    ///   - statements: what vendors say that takes it away.
    public func deadline(
        of vulnerability: VulnerabilityFacts, on asset: AssetFacts, dates: FindingDates,
        exceptions: [RiskException] = [], statements: [ExploitabilityStatement] = [], now: Timestamp
    ) -> Deadline {
        var deadline = clock(vulnerability, asset, dates, now: now)
        if let rule, vulnerability.knownExploited != nil {
            let beneath = Self.bod2604.clock(vulnerability, asset, dates, now: now)
            deadline = deadline.laid(over: beneath, as: ComplianceRule(rule).title)
        }
        let added = vulnerability.knownExploited?.added
        deadline.state = .open
        if let closed = dates.closed {
            deadline.state = .closed(inTime: deadline.due.map { closed <= $0 } ?? true)
            return deadline
        }
        if let statement = statements.first(where: { $0.isValid(at: now) }) {
            deadline.state = .takenAway(statement)
            return deadline
        }
        for exception in exceptions
        where exception.vulnerability == vulnerability.id && exception.assets?.contains(asset.id) ?? true {
            switch exception.standing(at: now, knownExploited: added) {
            case .active(let until):
                deadline.state = .excepted(exception.id, until: until)
                return deadline
            case .reopened(let when): deadline.reopened = when
            case .expired, .requested, .incomplete, .revoked: break
            }
        }
        if let due = deadline.due, now > due { deadline.state = .overdue }
        return deadline
    }

    /// The deadline of a patch: the earliest among what it fixes there. What is closed, taken away or excepted does not
    /// count; nil where nothing is left that has a date.
    public static func deadline(ofPatchWith deadlines: [Deadline]) -> Deadline? {
        deadlines.filter(\.counts).filter { $0.due != nil }.min {
            ($0.due?.milliseconds ?? .max, $1.isEvidenceFirst ? 1 : 0) < (
                $1.due?.milliseconds ?? .max, $0.isEvidenceFirst ? 1 : 0
            )
        }
    }

    /// By when the table, or the rule alone, wants it closed; how that stands is not looked at.
    private func clock(
        _ vulnerability: VulnerabilityFacts, _ asset: AssetFacts, _ dates: FindingDates, now: Timestamp
    ) -> Deadline {
        let (decision, term) = decide(vulnerability, asset, dates, now: now)
        var deadline = Deadline(decision: decision, term: term, policy: id, policyVersion: version)
        deadline.isEvidenceFirst = rule == nil && evidenceFirst.contains(decision.outcome)
        deadline.catalogueDue = vulnerability.knownExploited?.due
        let added = vulnerability.knownExploited?.added
        // What is evidence of an attack does not depend on when a patch has to be there.
        deadline.evidenceSince = max(added ?? dates.detected, dates.detected)
        let start = clockStart.start(dates, knownExploited: added)
        (deadline.start, deadline.startedBy) = start ?? (dates.detected, "")
        if rule == .bod2201 {
            (deadline.due, deadline.isCataloguesOwn) = (deadline.catalogueDue, deadline.catalogueDue != nil)
            return deadline
        }
        guard start != nil else {
            deadline.waitsForFix = true
            return deadline
        }
        let pauses = rule == nil ? pauses : []
        deadline.pausedSeconds = SLAPause.seconds(
            of: dates.pauses, reasons: pauses, from: deadline.start, to: dates.closed ?? now)
        deadline.pausedBy =
            dates.pauses.first {
                $0.from <= now && $0.until.map { now < $0 } ?? true && pauses.contains($0.reason)
            }?.reason
        deadline.due = term?.due(from: deadline.start)?.adding(seconds: deadline.pausedSeconds)
        return deadline
    }

    /// What the table, or the rule, says of one vulnerability on one asset.
    private func decide(
        _ vulnerability: VulnerabilityFacts, _ asset: AssetFacts, _ dates: FindingDates, now: Timestamp
    ) -> (Decision, RemediationTerm?) {
        guard let rule else {
            let decision = table.decide(Self.answers(vulnerability, asset))
            return (decision, term(of: decision.outcome))
        }
        // Nobody tells which packages are the operating system itself: what is stricter counts.
        let facts = ComplianceFacts(vulnerability: vulnerability, asset: asset, dates: dates, isOperatingSystem: false)
        let demanded = ComplianceRule(rule, clockStart: clockStart)
        let (term, outcome): (RemediationTerm?, String) =
            switch demanded.demand(facts, now: now) {
            case .within where rule == .bod2201: (nil, Deadline.cataloguesOwn)
            case .within(let term): (term, term.description)
            case .notCovered: (nil, "not covered")
            case .broken(let why): (.hours(0), why)
            }
        let decision = Decision(
            table: demanded.title, version: demanded.version, row: nil, outcome: outcome, inputs: demanded.inputs(facts)
        )
        return (decision, term)
    }

    /// The answers to all questions that the standard tables ask, each with whose word it is.
    static func answers(
        _ vulnerability: VulnerabilityFacts, _ asset: AssetFacts
    ) -> [String: DecisionTable.Answer] {
        var answers: [String: DecisionTable.Answer] = [:]
        if let entry = vulnerability.knownExploited {
            answers["in kev"] = .init("yes", because: Evidence(source: entry.source, date: entry.added).phrase)
        } else if vulnerability.isExploitationKnown {
            answers["in kev"] = .init("no", because: "not listed")
        }
        if let entry = vulnerability.knownExploited {
            answers["exploitation"] = .init("active", because: Evidence(source: entry.source, date: entry.added).phrase)
        } else if let evidence = vulnerability.exploitedElsewhere.first {
            answers["exploitation"] = .init("active", because: evidence.phrase)
        } else if let evidence = (vulnerability.weaponised + vulnerability.proofsOfConcept).first {
            answers["exploitation"] = .init("public poc", because: evidence.phrase)
        }
        if let automatable = vulnerability.isAutomatable {
            answers["automatable"] = .init(automatable.value ? "yes" : "no", because: automatable.evidence.phrase)
        }
        if let impact = vulnerability.impact {
            answers["technical impact"] = .init(impact.value.rawValue, because: impact.evidence.phrase)
        }
        if let because = asset.exposure.because {
            answers["publicly exposed"] = .init(asset.exposure.value == .open ? "yes" : "no", because: because)
            answers["system exposure"] = .init(asset.exposure.value.rawValue, because: because)
        }
        if let because = asset.criticality.because ?? asset.safety.because {
            let impact = asset.humanImpact.outcome
            answers["human impact"] = .init(impact, because: because)
            answers["mission and well-being impact"] = .init(impact == "very high" ? "high" : impact, because: because)
        }
        if let because = asset.criticality.because {
            answers["mission impact"] = .init(asset.missionImpact, because: because)
        }
        if let because = asset.safety.because {
            answers["safety impact"] = .init(asset.safety.value.rawValue, because: because)
        }
        return answers
    }
}
