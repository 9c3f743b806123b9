import Feeds
public import Timestamps

/// How deadlines are made: a decision table, the term of each outcome, and when the clock starts.
public struct DeadlinePolicy: Sendable, Hashable {
    /// When a clock starts.
    public enum ClockStart: String, Sendable, Hashable, CaseIterable {
        /// When the fix was released.
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
    /// The table; decides nothing where there is a ``rule``.
    public var table: DecisionTable
    /// The law, standard or contract that names the terms instead of the table; nil for none.
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
    public init(rule control: ComplianceRule.Control) {
        id = control.rawValue
        let rule = ComplianceRule(control)
        (version, clockStart) = (rule.version, rule.clockStart)
        (table, terms, evidenceFirst, pauses) = (.bod2604, [:], [], [])
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
        let (decision, term) = decide(vulnerability, asset, dates, now: now)
        var deadline = Deadline(decision: decision, term: term, policy: id, policyVersion: version)
        deadline.isEvidenceFirst = evidenceFirst.contains(decision.outcome)
        let added = vulnerability.knownExploited?.added
        (deadline.start, deadline.startedBy) = start(dates, added)
        let end = dates.closed ?? now
        let pauses = rule == nil ? pauses : []
        deadline.pausedSeconds = SLAPause.seconds(of: dates.pauses, reasons: pauses, from: deadline.start, to: end)
        deadline.pausedBy =
            dates.pauses.first {
                $0.from <= now && $0.until.map { now < $0 } ?? true && pauses.contains($0.reason)
            }?.reason
        deadline.due = deadline.term?.due(from: deadline.start)?.adding(seconds: deadline.pausedSeconds)
        deadline.catalogueDue = vulnerability.knownExploited?.due
        if rule == .bod2201, let own = deadline.catalogueDue { deadline.due = own }
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
            case .within(let term): (term, term.description)
            case .notCovered: (nil, "not covered")
            case .broken(let why): (.hours(0), why)
            }
        let decision = Decision(
            table: demanded.title, version: demanded.version, row: 0, outcome: outcome, inputs: demanded.inputs(facts))
        return (decision, term)
    }

    private func start(_ dates: FindingDates, _ added: Timestamp?) -> (Timestamp, String) {
        switch clockStart {
        case .detection: (dates.detected, "detection")
        case .release:
            dates.fixReleased.map { ($0, "release of the fix") }
                ?? (dates.detected, "detection, as the release of the fix is unknown")
        case .knownExploited:
            added.map { ($0, "addition to KEV") } ?? (dates.detected, "detection, as it is not in KEV")
        case .informed:
            if let added, added > dates.detected { (added, "addition to KEV") } else { (dates.detected, "detection") }
        }
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

/// When one vulnerability on one asset is due, and why.
public struct Deadline: Sendable, Hashable {
    /// How it stands.
    public enum State: Sendable, Hashable {
        case open
        /// Past its date.
        case overdue
        /// Closed, in time or not.
        case closed(inTime: Bool)
        /// Accepted until then, by the exception of that id.
        case excepted(String, until: Timestamp)
        /// A vendor's word took it away.
        case takenAway(ExploitabilityStatement)
    }

    /// What the table said.
    public var decision: Decision
    /// The outcome's term; nil where it has none.
    public var term: RemediationTerm?
    /// The policy.
    public var policy: String
    /// The policy's version.
    public var policyVersion: String
    /// Whether evidence has to be taken before anything is installed.
    public var isEvidenceFirst = false
    /// When its clock started.
    public var start = Timestamp(milliseconds: 0)
    /// What started it.
    public var startedBy = ""
    /// How long it stood still, in seconds.
    public var pausedSeconds: Int64 = 0
    /// Why it stands still now; nil where it runs.
    public var pausedBy: SLAPause.Reason?
    /// When it is due; nil where there is no date.
    public var due: Timestamp?
    /// What CISA's catalogue itself names; kept for contracts that cite it, and decides nothing.
    public var catalogueDue: Timestamp?
    /// When an exception ended because the vulnerability became known to be exploited.
    public var reopened: Timestamp?
    /// How it stands.
    public var state = State.open

    init(decision: Decision, term: RemediationTerm?, policy: String, policyVersion: String) {
        self.decision = decision
        self.term = term
        self.policy = policy
        self.policyVersion = policyVersion
    }

    /// Whether somebody has to do something about it.
    public var counts: Bool {
        switch state {
        case .open, .overdue: true
        case .closed, .excepted, .takenAway: false
        }
    }

    /// One sentence: the date, the term and what started it.
    public var sentence: String {
        let until =
            due.map { "due \($0.description.prefix(10)): \(term?.description ?? "") from \(startedBy)" }
            ?? "no date: \(term?.description ?? decision.outcome)"
        var text = "\(until) on \(start.description.prefix(10)), by \(decision.place)"
        if pausedSeconds > 0 { text += ", \(pausedSeconds / 3600) h paused" }
        if isEvidenceFirst { text += ", evidence first" }
        if decision.assumptions > 0 {
            let names = decision.inputs.filter { $0.because == nil }.map { "\($0.point) \($0.value)" }
            text += "; assumed: \(names.joined(separator: ", "))"
        }
        return text
    }
}
