public import JSON
public import Timestamps

/// What makes a campaign an emergency (rollouts.md, 2.7): it goes past the named checks, for a short time, with two approvers at
/// least. Signature, fence, budget, the halt monitor and the order of rings and dependencies hold as ever.
public struct Emergency: Hashable, Sendable {
    /// What it may go past: these alone.
    public enum Bypass: String, CaseIterable, Hashable, Sendable, Comparable {
        /// The maintenance window.
        case window
        /// Users' deferral, but for 15 minutes of notice.
        case deferral
        /// The soak of rings, but for an hour of the first.
        case soak
        /// The snapshot.
        case snapshot

        /// By name.
        public static func < (left: Bypass, right: Bypass) -> Bool { left.rawValue < right.rawValue }
    }
    /// Why.
    public let reason: String
    /// Seconds that it holds from the last approval on; a day at most.
    public let lifetime: Int64
    /// What it goes past, sorted.
    public let bypass: [Bypass]
    /// Of how many people the approval is needed; two at least.
    public let approvers: Int64

    /// The longest that an emergency holds, in seconds.
    public static let maximumLifetime: Int64 = 86_400
    /// The shortest soak of the first ring, in seconds.
    public static let shortestSoak: Int64 = 3600
    /// The shortest notice to users, in seconds.
    public static let shortestNotice: Int64 = 900

    /// An emergency; nil without a reason.
    public init?(reason: String, lifetime: Int64 = maximumLifetime, bypass: Set<Bypass>, approvers: Int64 = 2) {
        guard !reason.isEmpty, reason.utf8.count <= 4096 else { return nil }
        self.reason = reason
        self.lifetime = max(60, min(lifetime, Self.maximumLifetime))
        self.bypass = bypass.sorted()
        self.approvers = max(2, min(approvers, 16))
    }

    /// The soak of a ring: without the bypass its own.
    public func soak(_ rules: RingRules, isFirst: Bool) -> Int64 {
        guard bypass.contains(.soak) else { return rules.soak }
        return isFirst ? min(rules.soak, Self.shortestSoak) : 0
    }

    /// The emergency as JSON.
    public var json: JSONValue {
        [
            "reason": .string(reason), "lifetime": .integer(lifetime), "approvers": .integer(approvers),
            "bypass": .array(bypass.map { .string($0.rawValue) }),
        ]
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        var bypass: Set<Bypass> = []
        for word in try object.strings("bypass", maximumCount: 4, maximumBytes: 16) {
            guard let one = Bypass(rawValue: word) else {
                throw JSONError(
                    .outOfBounds, pointer: object.pointer(to: "bypass"),
                    reason: "an emergency goes past window, deferral, soak and snapshot, not \"\(word)\"")
            }
            bypass.insert(one)
        }
        let reason = try object.string("reason", maximumBytes: 4096)
        let lifetime = try object.integer("lifetime", in: 60...Self.maximumLifetime)
        let approvers = try object.integer("approvers", in: 2...16)
        guard let emergency = Emergency(reason: reason, lifetime: lifetime, bypass: bypass, approvers: approvers) else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: "reason"), reason: "an emergency needs a reason")
        }
        self = emergency
        try object.finish()
    }
}

/// What an emergency's grant carries: who approved it, why, until when, and what it goes past.
public struct EmergencyClause: Hashable, Sendable {
    /// The people; two at least.
    public let approvers: [String]
    /// Why.
    public let reason: String
    /// Until when.
    public let expires: Timestamp
    /// What it goes past.
    public let bypass: [Emergency.Bypass]

    /// The clause as JSON.
    public var json: JSONValue {
        [
            "approvers": .array(approvers.map(JSONValue.string)), "reason": .string(reason),
            "expires": .string(expires.description), "bypass": .array(bypass.map { .string($0.rawValue) }),
        ]
    }
}
