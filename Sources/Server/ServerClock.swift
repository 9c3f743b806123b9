import FoundationEssentials
public import Timestamps

/// Where the server reads the time; tests give it another.
public struct ServerClock: Sendable {
    /// The time now.
    public var now: @Sendable () -> Timestamp

    /// A clock that reads like this.
    public init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
    }

    /// The machine's clock.
    public static let system = ServerClock { timestamp(Date()) }
}
