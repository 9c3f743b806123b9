/// Why nobody can say of a host that it lacks nothing: rule 7, a verdict without fresh evidence is *unknown*.
public enum UnjudgedReason: String, Hashable, Sendable, CaseIterable {
    /// It may not talk to the server.
    case notActive = "not-active"
    /// It has never reported.
    case notReported = "not-reported"
    /// It was not seen for more than three intervals.
    case silent
    /// It is seen, but its scans have failed for more than three of their intervals.
    case notScanned = "not-scanned"
    /// What its repositories offer is not stored here.
    case offersMissing = "offers-missing"
    /// It holds no package index.
    case noIndexes = "no-indexes"
    /// An index is older than its repository says it may be.
    case indexesExpired = "indexes-expired"
    /// Its indexes were last fetched longer ago than a week.
    case indexesOld = "indexes-old"
    /// When its indexes were last fetched is not known.
    case indexesOfUnknownAge = "indexes-of-unknown-age"

    /// Whether nothing that it reported is evidence any more; otherwise only what it reported of updates is not.
    public var isOfTheHost: Bool {
        switch self {
        case .notActive, .notReported, .silent, .notScanned: true
        case .offersMissing, .noIndexes, .indexesExpired, .indexesOld, .indexesOfUnknownAge: false
        }
    }

    /// What a person reads.
    public var sentence: String {
        switch self {
        case .notActive: "the host is not active"
        case .notReported: "the host has not reported yet"
        case .silent: "the host is silent"
        case .notScanned: "the host's scans fail"
        case .offersMissing: "the offers that the host reported are not stored here"
        case .noIndexes: "the host holds no package index"
        case .indexesExpired: "a package index has expired"
        case .indexesOld: "the package indexes were not fetched for a week"
        case .indexesOfUnknownAge: "when the package indexes were last fetched is not known"
        }
    }
}
