public import Timestamps

/// How often and how long users of one host have put a job off (rollouts.md, 2.7): a pure value.
///
/// The deadline beats every deferral, and a stricter policy ends those that are stored.
public struct Deferral: Hashable, Sendable {
    /// What users may do.
    public struct Policy: Hashable, Sendable {
        /// How often they may put it off.
        public var count: Int64
        /// The most seconds of one deferral.
        public var seconds: Int64
        /// Seconds of notice before the deadline.
        public var notice: Int64

        /// A policy; numbers below 0 are 0.
        public init(count: Int64, seconds: Int64, notice: Int64 = 900) {
            self.count = max(0, count)
            self.seconds = max(0, seconds)
            self.notice = max(0, notice)
        }
    }

    /// How often it was put off.
    public private(set) var count: Int64 = 0
    /// Until when; nil while it is not.
    public private(set) var until: Timestamp?

    /// Not put off yet.
    public init() {}

    /// Puts it off, for at most what the policy, the deadline and the end of the next window allow.
    ///
    /// - Returns: The exact time until which; nil where it may not be put off any more.
    public mutating func ask(seconds: Int64, policy: Policy, deadline: Timestamp, now: Timestamp) -> Timestamp? {
        let end = min(
            now.adding(seconds: min(max(0, seconds), policy.seconds)), deadline.adding(seconds: -policy.notice))
        guard count < policy.count, end > now else { return nil }
        count += 1
        until = end
        return end
    }

    /// A new policy, or a new deadline: what is stored and goes beyond it ends.
    public mutating func adjust(policy: Policy, deadline: Timestamp, now: Timestamp) {
        guard let until else { return }
        let latest = min(now.adding(seconds: policy.seconds), deadline.adding(seconds: -policy.notice))
        if count > policy.count || until > latest { self.until = nil }
    }

    /// Whether the job waits for it.
    public func holds(now: Timestamp, deadline: Timestamp) -> Bool { until.map { now < $0 && now < deadline } ?? false }
}
