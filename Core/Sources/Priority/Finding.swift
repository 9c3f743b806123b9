public import Timestamps

/// The dates of one vulnerability on one asset, as far as they are known.
public struct FindingDates: Sendable, Hashable {
    /// When it was first seen there.
    public var detected: Timestamp
    /// When the fix was released; nil where there is none or nobody says.
    public var fixReleased: Timestamp?
    /// When a fix became known here, which stands in for its release; nil where there is none or that is not known either.
    public var fixKnown: Timestamp?
    /// Whether there is a fix, as far as anybody knows.
    public var hasFix = true
    /// When it was proved closed: fixed and, where one was needed, rebooted.
    public var closed: Timestamp?
    /// When its clock stood still.
    public var pauses: [SLAPause] = []

    /// A finding that was just detected.
    public init(detected: Timestamp) {
        self.detected = detected
    }
}

/// A time in which a deadline's clock stood still.
public struct SLAPause: Sendable, Hashable {
    /// Why.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// There is no fix to install.
        case noFix = "no-fix"
        /// The fix exists and the asset's repositories do not offer it.
        case notInstallable = "not-installable"
        /// Volatile evidence is taken first.
        case evidenceHold = "evidence-hold"
        /// A change freeze.
        case freeze
        /// The asset is away.
        case offline
    }

    /// Why it stood still.
    public var reason: Reason
    /// From when.
    public var from: Timestamp
    /// Until when; nil while it stands still.
    public var until: Timestamp?

    /// A pause.
    public init(reason: Reason, from: Timestamp, until: Timestamp? = nil) {
        self.reason = reason
        self.from = from
        self.until = until
    }

    /// Seconds of `pauses` with one of `reasons` between `start` and `end`; what overlaps counts once.
    public static func seconds(
        of pauses: [SLAPause], reasons: Set<Reason>, from start: Timestamp, to end: Timestamp
    ) -> Int64 {
        let spans = pauses.filter { reasons.contains($0.reason) }
            .map { (max($0.from, start), min($0.until ?? end, end)) }
            .filter { $0.0 < $0.1 }.sorted { $0.0 < $1.0 }
        var total: Int64 = 0
        var last = start
        for (from, until) in spans where until > last {
            total += until.seconds(since: max(from, last))
            last = until
        }
        return total
    }
}

/// An accepted risk: with owner, reason, compensating control and expiry, or it is none.
public struct RiskException: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// The vulnerability.
    public var vulnerability: String
    /// The assets it holds for; nil for all.
    public var assets: Set<String>?
    /// Who answers for it.
    public var owner: String
    /// Why.
    public var reason: String
    /// What stands in for the patch.
    public var compensatingControl: String
    /// The package or source package that it holds for; nil for all.
    public var package: String?
    /// Who asked for it; empty where that is not known.
    public var requester = ""
    /// Who approved it; nil while nobody has. Never its owner, nor who asked for it.
    public var approver: String?
    /// When it was approved.
    public var approved: Timestamp?
    /// When it ends.
    public var expires: Timestamp
    /// Whether whoever approved it knew that the vulnerability is being exploited.
    public var coversExploitation = false
    /// When somebody revoked it; nil while nobody has.
    public var revoked: Timestamp?

    /// The longest that an exception runs, in days.
    public static let maximumDays = 366

    /// Asks for an exception.
    public init(
        id: String, vulnerability: String, assets: Set<String>? = nil, owner: String, reason: String,
        compensatingControl: String, expires: Timestamp
    ) {
        self.id = id
        self.vulnerability = vulnerability
        self.assets = assets
        self.owner = owner
        self.reason = reason
        self.compensatingControl = compensatingControl
        self.expires = expires
    }

    /// What it is worth at an instant.
    public enum Standing: Sendable, Hashable {
        /// It lacks something: what.
        case incomplete(String)
        /// Nobody has approved it.
        case requested
        /// It holds until then.
        case active(until: Timestamp)
        /// It has run out.
        case expired(Timestamp)
        /// The vulnerability became known to be exploited after it was approved: it holds no more.
        case reopened(Timestamp)
        /// Somebody ended it.
        case revoked(Timestamp)
    }

    /// Whether it holds, and if not, why.
    public func standing(at now: Timestamp, knownExploited: Timestamp?) -> Standing {
        if let revoked, revoked <= now { return .revoked(revoked) }
        for (name, text) in [("owner", owner), ("reason", reason), ("compensating control", compensatingControl)]
        where !text.contains(where: { !$0.isWhitespace }) {
            return .incomplete("it names no \(name)")
        }
        guard let approver, let approved else { return .requested }
        if approver == owner { return .incomplete("its owner approved it; another has to") }
        if approver == requester { return .incomplete("who asked for it approved it; another has to") }
        if expires.seconds(since: approved) > Int64(Self.maximumDays) * 86_400 {
            return .incomplete("it runs longer than \(Self.maximumDays) days")
        }
        if now >= expires { return .expired(expires) }
        if let knownExploited, knownExploited <= now, !coversExploitation { return .reopened(knownExploited) }
        return .active(until: expires)
    }
}

/// What a vendor says of a vulnerability in a product as it is used (VEX), where it takes the finding away.
public struct ExploitabilityStatement: Sendable, Hashable {
    /// `not_affected` or `fixed`.
    public enum Status: String, Sendable, Hashable {
        case notAffected = "not_affected"
        case fixed
    }

    /// What it says.
    public var status: Status
    /// Why, such as `vulnerable_code_not_in_execute_path`. Without it `not_affected` counts for nothing.
    public var justification: String
    /// Whose word it is.
    public var evidence: Evidence
    /// Until when it holds; nil where it names no end.
    public var expires: Timestamp?

    /// A statement.
    public init(status: Status, justification: String, evidence: Evidence, expires: Timestamp? = nil) {
        self.status = status
        self.justification = justification
        self.evidence = evidence
        self.expires = expires
    }

    /// Whether it takes the finding away.
    public func isValid(at now: Timestamp) -> Bool {
        (status == .fixed || !justification.isEmpty) && (expires.map { now < $0 } ?? true)
    }
}
