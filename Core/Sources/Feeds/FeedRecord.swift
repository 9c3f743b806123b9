public import Timestamps

/// One thing that a feed says: what its reader gives out, one after the other.
public enum FeedRecord: Sendable, Hashable {
    /// What a source says of packages.
    case advisory(Advisory)
    /// That a vulnerability is being exploited.
    case exploited(KnownExploited)
    /// How likely it is to be exploited.
    case likelihood(ExploitLikelihood)
    /// What a coordinator decided on the inputs of SSVC.
    case decisionPoints(DecisionPoints)
    /// A weakness of the CWE catalogue.
    case weakness(Weakness)
}

/// An entry of a catalogue of known exploited vulnerabilities (CISA KEV and its like).
public struct KnownExploited: Sendable, Hashable {
    /// Whose word it is, such as `kev`.
    public var source: String
    /// The vulnerability.
    public var id: String
    /// The day it was added.
    public var added: Timestamp
    /// The day the catalogue's own rule asks for; nil where it names none.
    public var due: Timestamp?
    /// Whether it is known to be used for ransom; nil where that is unknown.
    public var isUsedForRansom: Bool?
    /// The catalogue's name of it.
    public var title = ""
    /// What the catalogue asks to do.
    public var action = ""
    /// Weaknesses, as `CWE-79`.
    public var weaknesses: [String] = []

    /// An entry.
    public init(source: String, id: String, added: Timestamp) {
        self.source = source
        self.id = id
        self.added = added
    }
}

/// The probability that exploitation is seen in the next 30 days (EPSS).
public struct ExploitLikelihood: Sendable, Hashable {
    /// Whose word it is, such as `epss`.
    public var source: String
    /// The vulnerability.
    public var id: String
    /// The probability, 0 to 1.
    public var probability: Double
    /// The share of vulnerabilities with the same or a lower probability, 0 to 1.
    public var percentile: Double
    /// The model that said so, such as `v2026.06.15`: figures of different models must not be compared.
    public var model: String
    /// The day it was computed for.
    public var date: Timestamp?

    /// A likelihood.
    public init(
        source: String, id: String, probability: Double, percentile: Double, model: String, date: Timestamp? = nil
    ) {
        self.source = source
        self.id = id
        self.probability = probability
        self.percentile = percentile
        self.model = model
        self.date = date
    }
}

/// The inputs of SSVC that do not depend on the asset, as a coordinator found them (CISA vulnrichment).
public struct DecisionPoints: Sendable, Hashable {
    /// How far exploitation has come.
    public enum Exploitation: String, Sendable, Hashable, CaseIterable {
        case none, poc, active
    }

    /// How much of the component an attacker controls.
    public enum Impact: String, Sendable, Hashable, CaseIterable {
        case partial, total
    }

    /// Whose word it is, such as `vulnrichment`.
    public var source: String
    /// The vulnerability.
    public var id: String
    /// How far exploitation has come; nil where it is not said.
    public var exploitation: Exploitation?
    /// Whether steps 1 to 4 of the kill chain can be automated; nil where it is not said.
    public var isAutomatable: Bool?
    /// How much an attacker controls; nil where it is not said.
    public var impact: Impact?
    /// When it was decided.
    public var date: Timestamp?

    /// Inputs that say nothing yet.
    public init(source: String, id: String) {
        self.source = source
        self.id = id
    }
}

/// A weakness of the Common Weakness Enumeration.
public struct Weakness: Sendable, Hashable {
    /// Its id, as `CWE-79`.
    public var id: String
    /// Its name.
    public var name: String
    /// The ids of more general ones.
    public var parents: [String] = []

    /// A weakness.
    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}
