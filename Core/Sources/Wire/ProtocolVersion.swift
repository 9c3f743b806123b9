/// A major version of the agent protocol; it stands in the path: `/agent/v2/check-in`.
///
/// The server answers in the agent's version and supports two. Within a version unknown fields are refused:
/// a new field is a new version.
public enum ProtocolVersion: Int, Sendable, CaseIterable, Comparable {
    /// The first: without the agent's clock, so that the server cannot judge a host's time.
    case one = 1
    /// The current one: a check-in carries the agent's clock.
    case two = 2

    /// What this release speaks.
    public static let current: ProtocolVersion = .two

    public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rawValue < right.rawValue }
}
