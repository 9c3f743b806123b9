/// A major version of the agent protocol; it stands in the path: `/agent/v2/check-in`.
///
/// The server answers in the agent's version and supports all of these. Within a version unknown fields are refused:
/// a new field is a new version.
public enum ProtocolVersion: Int, Sendable, CaseIterable, Comparable {
    /// The first: without the agent's clock, so that the server cannot judge a host's time.
    case one = 1
    /// A check-in carries the agent's clock, and there are jobs.
    case two = 2
    /// The current one: the release of a job may be one that only takes hosts back.
    case three = 3

    /// What this release speaks.
    public static let current: ProtocolVersion = .three
    /// The first in which agents read a release that only takes hosts back; those before refuse the document.
    public static let readsRollbackReleases: ProtocolVersion = .three

    public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rawValue < right.rawValue }
}
