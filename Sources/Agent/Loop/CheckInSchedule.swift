import Digest
public import Timestamps

/// When a host checks in: at its own phase of the interval, so that a fleet is spread evenly however it was started.
public struct CheckInSchedule: Hashable, Sendable {
    /// Seconds between check-ins.
    public var interval: Int64
    /// The host's place in it, in milliseconds: hash(host, salt) mod interval.
    public let phase: Int64

    /// The schedule of that host.
    public init(host: String, salt: String, interval: Int64) {
        self.interval = interval
        let word = SHA256.hash(Array("\(host)\n\(salt)".utf8)).bytes.prefix(8).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        phase = Int64(word % UInt64(max(1, interval) * 1000))
    }

    /// Milliseconds from `now` to the next check-in: 0.4 to 1.6 intervals.
    ///
    /// That is the next slot at least half an interval away (the nearer one may be the slot that was just used, early),
    /// and up to a tenth of the interval before or after it.
    public func wait(from now: Timestamp, _ random: inout some RandomNumberGenerator) -> Int64 {
        let length = interval * 1000
        let position = ((now.milliseconds % length) + length) % length
        var wait = (phase - position + length) % length
        if wait < length / 2 { wait += length }
        return wait + Int64.random(in: -length / 10...length / 10, using: &random)
    }
}
