public import Timestamps

/// One record of the Open Source Vulnerability format (https://ossf.github.io/osv-schema/), as far as it is used.
public struct OSVRecord: Sendable, Hashable {
    /// The record's id, such as `GHSA-...`, `DSA-5000-1`, `CVE-...`.
    public var id = ""
    /// When the record last changed.
    public var modified: Timestamp?
    /// When it was first published.
    public var published: Timestamp?
    /// When it was taken back; such a record is kept and never matches.
    public var withdrawn: Timestamp?
    /// Ids of the same vulnerability elsewhere.
    public var aliases: [String] = []
    /// Ids of what it was made from: of a distribution's advisory, the vulnerabilities it closes.
    public var upstream: [String] = []
    /// Ids of other vulnerabilities.
    public var related: [String] = []
    /// One sentence.
    public var summary = ""
    /// The text.
    public var details = ""
    /// Severities that hold for all packages.
    public var severities: [OSVSeverity] = []
    /// What to read.
    public var references: [OSVReference] = []
    /// The packages.
    public var affected: [OSVAffected] = []
}

/// A severity in some system.
public struct OSVSeverity: Sendable, Hashable {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, `Ubuntu` and so on.
    public var type = ""
    /// A CVSS vector, or the system's own word.
    public var score = ""
}

/// A page about a vulnerability.
public struct OSVReference: Sendable, Hashable {
    /// `ADVISORY`, `FIX`, `WEB` and so on.
    public var type = ""
    /// The address.
    public var url = ""
}

/// One package of a record, with the versions that are affected.
public struct OSVAffected: Sendable, Hashable {
    /// The package's ecosystem as written, such as `Debian:12`; empty where only a repository is named.
    public var ecosystem = ""
    /// The package's name in its ecosystem.
    public var name = ""
    /// The package as a package URL; empty when not written.
    public var packageURL = ""
    /// Severities for this package alone.
    public var severities: [OSVSeverity] = []
    /// Ranges of versions; affected is what is in any of them.
    public var ranges: [OSVRange] = []
    /// Versions that are affected to the letter, whether they can be ordered or not.
    public var versions: [String] = []

    /// A package without a name.
    public init() {}
}

/// A range of versions.
public struct OSVRange: Sendable, Hashable {
    /// How its versions are ordered.
    public enum Order: String, Sendable, Hashable {
        /// Semantic Versioning.
        case semver = "SEMVER"
        /// As the package's ecosystem does.
        case ecosystem = "ECOSYSTEM"
        /// By commits of a repository, which no version tells.
        case git = "GIT"
    }

    /// How its versions are ordered.
    public var order = Order.ecosystem
    /// The repository of a range of commits.
    public var repository = ""
    /// The events, in no order.
    public var events: [OSVEvent] = []

    /// A range with events.
    public init(order: Order = .ecosystem, repository: String = "", events: [OSVEvent] = []) {
        self.order = order
        self.repository = repository
        self.events = events
    }
}

/// Where a range starts or ends.
public struct OSVEvent: Sendable, Hashable {
    /// What happens at the version.
    public enum Kind: String, Sendable, Hashable {
        /// Affected from here on. `0` is before every version.
        case introduced
        /// Not affected from here on.
        case fixed
        /// Affected up to here, and not after it.
        case lastAffected = "last_affected"
        /// Says nothing about this version and later ones.
        case limit
    }

    /// What happens at the version.
    public var kind: Kind
    /// The version.
    public var version: String

    /// An event at a version.
    public init(kind: Kind, version: String) {
        self.kind = kind
        self.version = version
    }
}
