public import Timestamps

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

    /// What the table or the rule said; of a rule that lies over a table, what the one with the earlier date said.
    public var decision: Decision
    /// The outcome's term; nil where it has none, and where ``isCataloguesOwn``.
    public var term: RemediationTerm?
    /// The policy.
    public var policy: String
    /// The policy's version.
    public var policyVersion: String
    /// Whether evidence has to be taken before anything is installed.
    public var isEvidenceFirst = false
    /// Since when evidence counts: detection, or the addition to KEV where that is later.
    public var evidenceSince = Timestamp(milliseconds: 0)
    /// When its clock started; detection where it ``waitsForFix``.
    public var start = Timestamp(milliseconds: 0)
    /// What started it.
    public var startedBy = ""
    /// Whether its clock has not started, as it starts at the release of a fix and there is none.
    public var waitsForFix = false
    /// How long it stood still, in seconds.
    public var pausedSeconds: Int64 = 0
    /// Why it stands still now; nil where it runs.
    public var pausedBy: SLAPause.Reason?
    /// When it is due; nil where there is no date.
    public var due: Timestamp?
    /// What CISA's catalogue itself names; kept for contracts that cite it, and decides nothing but where ``isCataloguesOwn``.
    public var catalogueDue: Timestamp?
    /// Whether ``due`` is the catalogue's own date.
    public var isCataloguesOwn = false
    /// Where a rule lies over a table: what the other of the two said.
    public var beside = ""
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

    /// The outcome of a rule that takes the date of CISA's catalogue.
    static let cataloguesOwn = "the date in CISA's catalogue"

    /// This, of a rule, over what the table says: the earlier date of both counts, and evidence comes first where the table
    /// asks for it.
    func laid(over table: Deadline, as rule: String) -> Deadline {
        var deadline = self
        if let due = table.due, self.due.map({ due < $0 }) ?? true {
            deadline = table
            (deadline.policy, deadline.policyVersion) = (policy, policyVersion)
            deadline.beside = "\(rule): \(until)"
        } else {
            deadline.beside = "\(table.decision.place): \(table.until)"
        }
        deadline.isEvidenceFirst = table.isEvidenceFirst
        return deadline
    }

    /// The date, the term and what started it; or why there is no date.
    private var until: String {
        guard let due else {
            guard waitsForFix else { return "no date: \(term?.description ?? decision.outcome)" }
            return "no date: no fix is released" + (term.map { ", and \($0) count from then" } ?? "")
        }
        let date = "due \(due.description.prefix(10)): "
        if isCataloguesOwn { return date + Self.cataloguesOwn }
        return date + "\(term?.description ?? "") from \(startedBy) on \(start.description.prefix(10))"
    }

    /// One sentence: the date, the term and what started it.
    public var sentence: String {
        var text = "\(until), by \(decision.place)"
        if pausedSeconds > 0 { text += ", \(pausedSeconds / 3600) h paused" }
        if isEvidenceFirst { text += ", evidence first" }
        if !beside.isEmpty { text += " (\(beside))" }
        if decision.assumptions > 0 {
            let names = decision.inputs.filter { $0.because == nil }.map { "\($0.point) \($0.value)" }
            text += "; assumed: \(names.joined(separator: ", "))"
        }
        return text
    }
}
