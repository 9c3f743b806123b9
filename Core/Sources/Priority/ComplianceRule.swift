import Feeds
public import Timestamps

/// What a compliance rule asks about one vulnerability on one asset.
public struct ComplianceFacts: Sendable, Hashable {
    /// The vulnerability.
    public var vulnerability: VulnerabilityFacts
    /// The asset.
    public var asset: AssetFacts
    /// Its dates.
    public var dates: FindingDates
    /// The vendor's own word for the severity, in lower case; nil where it gives none.
    public var vendorSeverity: String?
    /// Whether it is the operating system itself rather than an application.
    public var isOperatingSystem: Bool
    /// Whether the software gets fixes at all.
    public var isSupported = true
    /// An exception that may hold.
    public var exception: RiskException?

    /// Facts.
    public init(
        vulnerability: VulnerabilityFacts, asset: AssetFacts, dates: FindingDates, vendorSeverity: String? = nil,
        isOperatingSystem: Bool = true
    ) {
        self.vulnerability = vulnerability
        self.asset = asset
        self.dates = dates
        self.vendorSeverity = vendorSeverity
        self.isOperatingSystem = isOperatingSystem
    }

    /// Whether anybody knows of exploitation.
    var isExploited: Bool { vulnerability.knownExploited != nil || !vulnerability.exploitedElsewhere.isEmpty }

    /// Critical by the vendor's word, else by a score of 9 and more; nil where neither is known.
    var isCritical: Bool? {
        if let vendorSeverity { return vendorSeverity == "critical" }
        return vulnerability.score.map { $0.value.value >= 9 }
    }

    /// High or critical by the vendor's word, else by a score of 7 and more; nil where neither is known.
    var isHigh: Bool? {
        if let vendorSeverity { return ["critical", "high", "important"].contains(vendorSeverity) }
        return vulnerability.score.map { $0.value.value >= 7 }
    }
}

/// A rule of law, standard or contract on how long something may stay open, as a predicate over facts.
///
/// The clock's start is a field, since several texts leave it open; nothing pauses such a clock. The numbers are those of
/// standards as researched (docs/priority.md says which were read in their own text).
public struct ComplianceRule: Sendable, Hashable {
    /// What the rule asks for here.
    public enum Demand: Sendable, Hashable {
        /// Closed within that term.
        case within(RemediationTerm)
        /// Nothing: it does not cover this.
        case notCovered
        /// It is broken whatever is done in time, such as software without support.
        case broken(String)
    }

    /// How a finding stands.
    public enum Status: Sendable, Hashable {
        /// Closed in time.
        case met
        /// Open, and in time until then.
        case open(due: Timestamp)
        /// An exception holds until then.
        case excepted(until: Timestamp)
        /// Late since then: still open, or closed too late.
        case missed(due: Timestamp)
        /// Broken, and why.
        case broken(String)
        /// The rule does not cover it.
        case notCovered
        /// Open, without a date: the clock starts at the release of a fix, and there is none.
        case waitingForFix
    }

    /// Which rule.
    public enum Control: String, Sendable, Hashable, CaseIterable {
        /// The decision table's own term.
        case bod2604 = "bod-26-04"
        /// CISA's catalogue's due date (revoked in June 2026; contracts still cite it).
        case bod2201 = "bod-22-01"
        /// Internet-facing: critical 15 days, high 30 days from detection (revoked).
        case bod1902 = "bod-19-02"
        /// FedRAMP vulnerability detection and response, by class of the system.
        case fedRAMPLow = "fedramp-vdr-low"
        /// See ``fedRAMPLow``.
        case fedRAMPModerate = "fedramp-vdr-moderate"
        /// See ``fedRAMPLow``.
        case fedRAMPHigh = "fedramp-vdr-high"
        /// PCI DSS 4.0.1, 6.3.3: critical patches within one month of release.
        case pciDSS = "pci-dss-6.3.3"
        /// CIS Controls 8.1, 7.3 and 7.4: patches monthly.
        case cis = "cis-8.1-7.3"
        /// UK Cyber Essentials 3.3, A6.4 and A6.5: high or critical within 14 days of release.
        case cyberEssentials = "cyber-essentials-3.3"
        /// Essential Eight, maturity level 1.
        case essentialEight1 = "essential-eight-ml1"
        /// Essential Eight, maturity level 2.
        case essentialEight2 = "essential-eight-ml2"
        /// Essential Eight, maturity level 3.
        case essentialEight3 = "essential-eight-ml3"
        /// NERC CIP-007-6 R2: evaluated every 35 days, applied or planned within 35 more.
        case nercCIP = "nerc-cip-007-6-r2"
        /// The HIPAA proposal of January 2025: critical 15 days, high 30 days.
        case hipaaProposal = "hipaa-2025-proposal"
    }

    /// Which rule.
    public var control: Control
    /// Its version here: a new one for every change of a number.
    public var version = "1"
    /// When its clock starts.
    public var clockStart: DeadlinePolicy.ClockStart
    /// The policy whose table ``Control/bod2604`` evaluates.
    public var policy = DeadlinePolicy.bod2604

    /// A rule with its usual start of the clock.
    public init(_ control: Control, clockStart: DeadlinePolicy.ClockStart? = nil) {
        self.control = control
        let usual: DeadlinePolicy.ClockStart =
            switch control {
            case .bod2604: .informed
            case .bod2201: .knownExploited
            case .bod1902, .fedRAMPLow, .fedRAMPModerate, .fedRAMPHigh: .detection
            case .pciDSS, .cis, .cyberEssentials, .essentialEight1, .essentialEight2, .essentialEight3, .nercCIP,
                .hipaaProposal:
                .release
            }
        self.clockStart = clockStart ?? usual
    }

    /// What is shown as its name.
    public var title: String {
        switch control {
        case .bod2604: "CISA BOD 26-04"
        case .bod2201: "CISA BOD 22-01 (revoked)"
        case .bod1902: "CISA BOD 19-02 (revoked)"
        case .fedRAMPLow: "FedRAMP VDR, Low"
        case .fedRAMPModerate: "FedRAMP VDR, Moderate"
        case .fedRAMPHigh: "FedRAMP VDR, High"
        case .pciDSS: "PCI DSS 4.0.1, 6.3.3"
        case .cis: "CIS Controls 8.1, 7.3 and 7.4"
        case .cyberEssentials: "UK Cyber Essentials 3.3, A6.4 and A6.5"
        case .essentialEight1: "Essential Eight, maturity level 1"
        case .essentialEight2: "Essential Eight, maturity level 2"
        case .essentialEight3: "Essential Eight, maturity level 3"
        case .nercCIP: "NERC CIP-007-6 R2"
        case .hipaaProposal: "HIPAA, proposal of January 2025"
        }
    }

    /// What the rule asks for. What is unknown counts as covered: a miss nobody saw is worse than a patch too many.
    public func demand(_ facts: ComplianceFacts, now: Timestamp) -> Demand {
        let isExposed = facts.asset.exposure.value == .open
        switch control {
        case .bod2604:
            let deadline = policy.deadline(
                of: facts.vulnerability, on: facts.asset, dates: facts.dates, now: now)
            return deadline.term.map { $0 == .onUpgrade ? .notCovered : .within($0) } ?? .notCovered
        case .bod2201:
            // The date is the catalogue's own; `status` takes it from there.
            return facts.vulnerability.knownExploited?.due == nil ? .notCovered : .within(.days(21))
        case .bod1902:
            guard isExposed else { return .notCovered }
            return bySeverity(facts, critical: .days(15), high: .days(30))
        case .hipaaProposal: return bySeverity(facts, critical: .days(15), high: .days(30))
        case .fedRAMPLow, .fedRAMPModerate, .fedRAMPHigh: return fedRAMP(facts, isExposed: isExposed)
        case .pciDSS: return facts.isCritical ?? true ? .within(.months(1)) : .notCovered
        case .cis: return .within(.months(1))
        case .cyberEssentials:
            guard facts.isSupported else { return .broken("the software gets no fixes any more") }
            return facts.isHigh ?? true ? .within(.days(14)) : .notCovered
        case .essentialEight1, .essentialEight2, .essentialEight3: return essentialEight(facts, isExposed: isExposed)
        case .nercCIP: return .within(.days(70))
        }
    }

    /// How the finding stands at an instant. Closed at the due instant itself is in time.
    public func status(_ facts: ComplianceFacts, now: Timestamp) -> Status {
        let term: RemediationTerm
        switch demand(facts, now: now) {
        case .notCovered: return .notCovered
        case .broken(let why): return .broken(why)
        case .within(let demanded): term = demanded
        }
        let added = facts.vulnerability.knownExploited?.added
        let due: Timestamp
        if control == .bod2201 {
            guard let own = facts.vulnerability.knownExploited?.due else { return .notCovered }
            due = own
        } else {
            guard let start = clockStart.start(facts.dates, knownExploited: added) else { return .waitingForFix }
            guard let end = term.due(from: start.at) else { return .notCovered }
            due = end
        }
        if let closed = facts.dates.closed { return closed <= due ? .met : .missed(due: due) }
        if let exception = facts.exception, exception.vulnerability == facts.vulnerability.id,
            exception.assets?.contains(facts.asset.id) ?? true,
            case .active(let until) = exception.standing(at: now, knownExploited: added)
        {
            return .excepted(until: until)
        }
        return now <= due ? .open(due: due) : .missed(due: due)
    }

    /// What the rule looks at here, each with whose word it is.
    func inputs(_ facts: ComplianceFacts) -> [Decision.Input] {
        var inputs: [Decision.Input] = []
        func add(_ point: String, _ value: String, _ because: String?) {
            inputs.append(Decision.Input(point: point, value: value, because: because))
        }
        let (vulnerability, asset) = (facts.vulnerability, facts.asset)
        if [.bod1902, .hipaaProposal, .pciDSS, .cyberEssentials].contains(control) || isEssentialEight {
            let because =
                facts.vendorSeverity.map { "the vendor: \($0)" }
                ?? vulnerability.score.map { "\($0.value.name) \($0.value.value.places(1)), \($0.evidence.phrase)" }
            add("severity", facts.isCritical ?? true ? "critical" : facts.isHigh ?? true ? "high" : "lower", because)
        }
        if control == .bod2201 {
            let entry = vulnerability.knownExploited
            add(
                "due in kev", entry?.due.map { String($0.description.prefix(10)) } ?? "no",
                entry.map { Evidence(source: $0.source, date: $0.added).phrase }
                    ?? (vulnerability.isExploitationKnown ? "not listed" : nil))
        }
        if control == .bod1902 || isFedRAMP || isEssentialEight {
            add("exposed to the internet", asset.exposure.value == .open ? "yes" : "no", asset.exposure.because)
        }
        if isFedRAMP || isEssentialEight {
            let evidence =
                vulnerability.knownExploited.map { Evidence(source: $0.source, date: $0.added) }
                ?? vulnerability.exploitedElsewhere.first
            add(
                "exploited", facts.isExploited ? "yes" : "no",
                evidence?.phrase ?? (vulnerability.isExploitationKnown ? "not listed" : nil))
        }
        if isFedRAMP {
            add(
                "automatable", vulnerability.isAutomatable?.value ?? true ? "yes" : "no",
                vulnerability.isAutomatable?.evidence.phrase)
            add(
                "technical impact", vulnerability.impact?.value.rawValue ?? "total",
                vulnerability.impact?.evidence.phrase)
            add("criticality", asset.criticality.value.rawValue, asset.criticality.because)
        }
        return inputs
    }

    /// Whether some of its terms are calendar months.
    var hasMonths: Bool { control == .pciDSS || control == .cis || isEssentialEight }

    private var isFedRAMP: Bool { [.fedRAMPLow, .fedRAMPModerate, .fedRAMPHigh].contains(control) }

    private var isEssentialEight: Bool {
        [.essentialEight1, .essentialEight2, .essentialEight3].contains(control)
    }

    private func bySeverity(_ facts: ComplianceFacts, critical: RemediationTerm, high: RemediationTerm) -> Demand {
        if facts.isCritical ?? true { return .within(critical) }
        return facts.isHigh ?? true ? .within(high) : .notCovered
    }

    /// Days by potential adverse impact N5 to N2 and by: internet-reachable and likely exploitable, likely exploitable,
    /// neither. N1 has no days.
    private func fedRAMP(_ facts: ComplianceFacts, isExposed: Bool) -> Demand {
        let hours: [[Double]] =
            switch control {
            case .fedRAMPLow: [[4, 8, 32], [8, 32, 64], [32, 64, 192], [96, 160, 192]]
            case .fedRAMPHigh: [[0.5, 1, 8], [2, 8, 32], [8, 16, 64], [24, 96, 192]]
            default: [[2, 4, 16], [4, 8, 64], [16, 32, 128], [48, 128, 192]]
            }
        let isTotal = facts.vulnerability.impact?.value != .partial
        // The adverse impact on the agency's mission, of the asset's worth and the vulnerability's technical impact.
        let row: Int =
            switch (facts.asset.criticality.value, isTotal) {
            case (.essential, true): 0
            case (.essential, false), (.high, true): 1
            case (.high, false), (.medium, true): 2
            case (.medium, false), (.low, true): 3
            case (.low, false): 4
            }
        guard row < 4 else { return .notCovered }
        let isLikely = facts.isExploited || facts.vulnerability.isAutomatable?.value ?? true
        return .within(.hours(Int(hours[row][isLikely ? (isExposed ? 0 : 1) : 2] * 24)))
    }

    private func essentialEight(_ facts: ComplianceFacts, isExposed: Bool) -> Demand {
        let isUrgent = facts.isExploited || facts.isCritical ?? true
        let fast = Demand.within(isUrgent ? .hours(48) : .days(14))
        if isExposed { return fast }
        switch (control, facts.isOperatingSystem) {
        case (.essentialEight3, true): return .within(isUrgent ? .hours(48) : .months(1))
        case (.essentialEight3, false): return fast
        case (_, true): return .within(.months(1))
        case (.essentialEight2, false): return .within(.months(1))
        // Level 1 names office, browser, mail, PDF and security software; which an application is, nobody tells us.
        default: return .within(.days(14))
        }
    }
}
