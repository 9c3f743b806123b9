/// Full-jitter exponential back-off, in seconds: a wait is drawn from 0 to a ceiling that doubles with each failure.
///
/// One success halves the ceiling and no more: a server that answers every second request is not well yet.
public struct Backoff: Hashable, Sendable {
    /// The first ceiling.
    public static let minimum: Int64 = 5
    /// The last ceiling.
    public static let maximum: Int64 = 900

    private var doublings = 0

    /// A back-off without failures.
    public init() {}

    /// The present ceiling, in seconds.
    public var ceiling: Int64 { min(Self.maximum, Self.minimum << Int64(min(doublings, 20))) }

    /// Counts a failure and draws the wait, in milliseconds: 1 to the ceiling.
    public mutating func failed(_ random: inout some RandomNumberGenerator) -> Int64 {
        let wait = Int64.random(in: 1...ceiling * 1000, using: &random)
        if ceiling < Self.maximum { doublings += 1 }
        return wait
    }

    /// Counts a success.
    public mutating func succeeded() { doublings = max(0, doublings - 1) }
}
