public import Timestamps

/// What one source says about one vulnerability, or about several that one advisory closes.
///
/// Every feed's reader makes these, and matching knows nothing else: a field has one meaning whatever feed it came from.
public struct Advisory: Sendable, Hashable {
    /// Whose word it is: the name of the feed, such as `osv`, `debian-tracker`, `redhat-vex`, `nvd`.
    public var source: String
    /// The record's id in that feed, such as `CVE-2026-1234`, `DSA-5000-1`, `RHSA-2026:0001`.
    public var id: String
    /// When it was first published.
    public var published: Timestamp?
    /// When it last changed.
    public var modified: Timestamp?
    /// When it was taken back or rejected; such an advisory is kept and never matches.
    public var withdrawn: Timestamp?
    /// Whether its source says that the vulnerability itself is disputed.
    public var isDisputed = false
    /// Whether it only informs (unmaintained, a policy, a bug fix): it is told, and is no vulnerability.
    public var isInformational = false
    /// Whether its source says that it takes effect with a reboot.
    public var isRebootSuggested = false
    /// Ids of the same vulnerability elsewhere.
    public var aliases: [String] = []
    /// Ids of the vulnerabilities that it closes: of a distribution's advisory its CVEs.
    public var closes: [String] = []
    /// Ids of other vulnerabilities or advisories.
    public var related: [String] = []
    /// One sentence.
    public var summary = ""
    /// The text, at most ``maximumDetails`` bytes.
    public var details = ""
    /// Severities that hold for all packages.
    public var severities: [Severity] = []
    /// The weaknesses, as `CWE-79`.
    public var weaknesses: [String] = []
    /// What to read.
    public var references: [Reference] = []
    /// What it says of each package.
    public var statements: [Statement] = []

    /// The longest text that a reader keeps, in bytes.
    public static let maximumDetails = 64 << 10

    /// An advisory that says nothing yet.
    public init(source: String, id: String) {
        self.source = source
        self.id = id
    }
}

/// A severity in some system.
public struct Severity: Sendable, Hashable {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, or the name of a source's own scale such as `Ubuntu`, `RedHat`, `Debian`.
    public var type: String
    /// A CVSS vector, or the scale's own word.
    public var score: String
    /// Who scored it; empty where that is the advisory's own source.
    public var scorer: String

    /// A severity.
    public init(type: String, score: String, scorer: String = "") {
        self.type = type
        self.score = score
        self.scorer = scorer
    }
}

/// A page about a vulnerability.
public struct Reference: Sendable, Hashable {
    /// `ADVISORY`, `FIX`, `WEB`, `EXPLOIT` and so on (OSV's words).
    public var type: String
    /// The address.
    public var url: String

    /// A page.
    public init(type: String, url: String) {
        self.type = type
        self.url = url
    }
}
