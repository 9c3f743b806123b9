/// What an advisory says of one package in one stream of releases.
public struct Statement: Sendable, Hashable {
    /// What ``name`` names.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A distribution's source package; its versions are those of the source.
        case source
        /// A distribution's binary package.
        case binary
        /// A package of a language's registry, or an application.
        case language
        /// A CPE 2.3 name without its version: the weakest evidence there is.
        case cpe
    }

    /// What the source says of the versions in ``ranges`` and ``versions``.
    public enum Status: String, Sendable, Hashable, CaseIterable {
        /// They have the vulnerability.
        case affected
        /// They have it no more: `fixed` says since when.
        case fixed
        /// They never had it, or it cannot be reached (VEX).
        case notAffected = "not-affected"
        /// The source does not know yet; or what it says could not be read (``unread(stream:kind:name:reason:)``).
        case underInvestigation = "under-investigation"
    }

    /// What the source says it will do, where it says so.
    public enum Plan: String, Sendable, Hashable, CaseIterable {
        /// Nothing is said.
        case none
        /// There is no fix yet.
        case unfixed
        /// The source will not fix it here (won't fix, no-dsa, ignored, out of support scope).
        case willNotFix = "will-not-fix"
        /// It will be fixed with a later update (postponed, deferred, fix deferred).
        case deferred
        /// The release gets no more fixes.
        case endOfLife = "end-of-life"
        /// The source calls it of no importance (Debian's unimportant, Ubuntu's negligible).
        case unimportant
    }

    /// The stream of releases: an OSV ecosystem with its release where there is one, such as `Debian:12`,
    /// `Ubuntu:22.04:LTS`, `Ubuntu:Pro:18.04:LTS`, `Red Hat:enterprise_linux:9`, `AlmaLinux:9`, `SUSE:15.5`, `npm`;
    /// of distributions that OSV does not list `Amazon Linux:2023`, `Oracle Linux:9`, `Fedora:40`, `Arch Linux`;
    /// `CPE` where ``kind`` is `cpe`.
    public var stream: String
    /// What ``name`` names.
    public var kind: Kind
    /// The package's name in its stream; for `cpe` `part:vendor:product`, with a colon of a name written `\:`.
    public var name: String
    /// The module stream `name:stream`; empty where there is none.
    public var module = ""
    /// The architectures it is limited to; none means all.
    public var architectures: [String] = []
    /// What the source says.
    public var status: Status
    /// Which versions: what lies in any of them, or stands in ``versions``. None and no versions means every version.
    public var ranges: [VersionRange] = []
    /// Versions named to the letter, whether they can be ordered or not.
    public var versions: [String] = []
    /// The first version without the vulnerability in this stream; nil where none is known.
    public var fixed: String?
    /// What the source will do.
    public var plan = Plan.none
    /// The source's own words for the plan or for why it is not affected, such as `component_not_present`; may be empty.
    public var reason = ""
    /// The channel that offers the fix where it is not the stream's own, such as `esm-infra`, `appstream-eus-9.4`;
    /// empty otherwise.
    public var channel = ""
    /// Severities for this package alone.
    public var severities: [Severity] = []

    /// A statement about every version.
    public init(stream: String, kind: Kind, name: String, status: Status) {
        self.stream = stream
        self.kind = kind
        self.name = name
        self.status = status
    }

    /// What stays of a statement that a reader had to give up, such as one with bounds that no scheme can order: of the
    /// package nothing is known, which is not the same as silence.
    public static func unread(stream: String, kind: Kind, name: String, reason: String) -> Statement {
        var statement = Statement(stream: stream, kind: kind, name: name, status: .underInvestigation)
        statement.reason = bounded("cannot be read: \(reason)", to: 256)
        return statement
    }
}

/// Versions between two bounds, in one order.
public struct VersionRange: Sendable, Hashable {
    /// The order, by the name of its scheme (``VersionSchemes``), such as `deb`, `rpm`, `semver`.
    public var scheme: String
    /// The first version that is in; nil where there is none below. `0` of OSV is nil.
    public var lower: String?
    /// Whether ``lower`` itself is in.
    public var includesLower: Bool
    /// The last bound; nil where there is none above.
    public var upper: String?
    /// Whether ``upper`` itself is in: `last_affected` is, `fixed` is not.
    public var includesUpper: Bool

    /// A range; by default from its lower bound on, up to before its upper one.
    public init(
        scheme: String, lower: String? = nil, includesLower: Bool = true, upper: String? = nil,
        includesUpper: Bool = false
    ) {
        self.scheme = scheme
        self.lower = lower
        self.includesLower = includesLower
        self.upper = upper
        self.includesUpper = includesUpper
    }
}
