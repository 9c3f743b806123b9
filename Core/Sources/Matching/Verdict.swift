public import Feeds
public import Inventory
public import Timestamps

/// What is known of one vulnerability in one package.
public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// The installed version has it.
    case affected
    /// The installed version has it no more.
    case fixed
    /// The package never had it, or it cannot be reached.
    case notAffected = "not-affected"
    /// Nobody who would know says anything that can be used.
    case unknown
}

/// How a source's statement was applied to a version.
public enum MatchRule: String, Sendable, Hashable, CaseIterable {
    /// The version is listed to the letter.
    case listed
    /// It lies between the bounds of a range.
    case range
    /// The statement is about every version.
    case everyVersion = "every-version"
    /// It is at or above the version that fixes it.
    case fixReached = "fix-reached"
    /// It is above the last version that is known to have it, and no fix is named.
    case afterLast = "after-last"
    /// It is below the version that fixes it.
    case belowFix = "below-fix"
    /// It is the fixing version, rebuilt for an older release (`1.2-3~deb12u1` of `1.2-3`).
    case backport
    /// It lies outside of all ranges and is not listed.
    case outside
    /// The version, or a bound, cannot be ordered.
    case unordered
    /// The statement is about a module stream, and which one the package is from is not known.
    case moduleUnknown = "module-unknown"
}

/// What one record says of one package, and whether it counted.
public struct Voice: Sendable, Hashable {
    /// The feed.
    public var source: String
    /// The record's id in it.
    public var record: String
    /// The stream.
    public var stream: String
    /// What ``name`` names: with `cpe` it is weak evidence.
    public var kind: Statement.Kind
    /// The package's name in the statement.
    public var name: String
    /// The version that was compared: of the source package where the statement is about that.
    public var version: String
    /// What the record says.
    public var verdict: Verdict
    /// By which rule.
    public var rule: MatchRule
    /// The lower bound of the range that decided; nil where there is none.
    public var lower: String?
    /// Its upper bound; nil where there is none.
    public var upper: String?
    /// The first version without the vulnerability that the record knows; nil where it knows none.
    public var fixed: String?
    /// What the source will do.
    public var plan: Statement.Plan
    /// The source's own words.
    public var reason: String
    /// The channel that offers the fix, where it is not the stream's own.
    public var channel: String
    /// When the record last changed.
    public var modified: Timestamp?
    /// How old the feed is.
    public var feedDate: Timestamp?
    /// Why this voice did not decide; empty where it did.
    public var overruled: String
}

/// How severe a vulnerability is, and on whose word.
public struct FindingSeverity: Sendable, Hashable {
    /// `critical`, `high`, `medium`, `low`, `none`; `unknown` where nobody says.
    public var word: String
    /// The CVSS score in tenths; nil where the word is a source's own.
    public var tenths: Int?
    /// The vector or the source's word.
    public var score: String
    /// The scale, such as `CVSS_V3`, `Ubuntu`.
    public var type: String
    /// Who says so.
    public var source: String

    static let unknown = FindingSeverity(word: "unknown", tenths: nil, score: "", type: "", source: "")
}

/// One vulnerability in one package, with everyone who speaks of it.
public struct Finding: Sendable, Hashable {
    /// The vulnerability's name: its CVE where it has one.
    public var vulnerability: String
    /// All its ids.
    public var ids: [String]
    /// What holds.
    public var verdict: Verdict
    /// The version that closes it in the stream that decided; nil where none is known.
    public var fixed: String?
    /// What the deciding source will do.
    public var plan: Statement.Plan
    /// The severity.
    public var severity: FindingSeverity
    /// One sentence of an advisory.
    public var summary: String
    /// Whether it rests on a CPE alone.
    public var isWeak: Bool
    /// Whether a source says that the vulnerability itself is disputed.
    public var isDisputed: Bool
    /// Whether every record about it only informs: it is told, and is no vulnerability.
    public var isInformational: Bool
    /// Why the verdict is what it is, where no voice decided it.
    public var reason: String
    /// Everyone who speaks of it; who decided first.
    public var voices: [Voice]
}

/// What is known of one package.
public struct Judgement: Sendable, Hashable {
    /// The package.
    public var package: SoftwarePackage
    /// The streams with data that it was judged by.
    public var streams: [String]
    /// Why nothing can be said of it; empty where it was judged. A package without data is unknown, never clean.
    public var unknown: String
    /// Its findings of every verdict, sorted by vulnerability.
    public var findings: [Finding]
}

/// A package to judge, with what only its host knows.
public struct MatchSubject: Sendable, Hashable {
    /// Where it came from.
    public typealias Origin = SoftwareOrigin

    /// The package.
    public var package: SoftwarePackage
    /// Where it came from.
    public var origin: Origin
    /// Its CPE names without version, `part:vendor:product`; none unless somebody wrote them down for it.
    public var cpes: [String]
    /// The package of the operating system whose files it is part of; nil where it is not.
    public var owner: SoftwarePackage?
    /// Where ``owner`` came from.
    public var ownerOrigin: Origin

    /// A subject.
    public init(
        _ package: SoftwarePackage, origin: Origin = .assumed, cpes: [String] = [], owner: SoftwarePackage? = nil,
        ownerOrigin: Origin = .assumed
    ) {
        self.package = package
        self.origin = origin
        self.cpes = cpes
        self.owner = owner
        self.ownerOrigin = ownerOrigin
    }
}
