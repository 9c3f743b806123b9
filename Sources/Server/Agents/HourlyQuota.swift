import Synchronization
import Timestamps

/// Bounds what the server takes of one host in an hour by its clock: bytes of reports and documents, records of journals.
///
/// Memory grows with the hosts that sent something within the hour, and is given back with the next.
final class HourlyQuota: Sendable {
    /// A host that has sent too much.
    struct Excess: Sendable {
        /// Seconds until the next hour begins.
        let seconds: Int
        /// Whether this is the first time in this hour.
        let isFirst: Bool
    }

    private struct Hour {
        var number: Int64 = .min
        var counts: [String: Int] = [:]
        var told: Set<String> = []
    }

    private let hour = Mutex(Hour())
    /// How many of an hour.
    let limit: Int

    init(perHour limit: Int) {
        self.limit = limit
    }

    /// Whether the host would be over its quota with that many more; nil where it may send them.
    func excess(_ host: String, adding count: Int, now: Timestamp) -> Excess? {
        hour.withLock { hour in
            Self.turn(&hour, now)
            let sent = hour.counts[host, default: 0]
            guard sent >= limit || count > limit - sent else { return nil }
            return Excess(seconds: Int(3600 - now.seconds % 3600), isFirst: hour.told.insert(host).inserted)
        }
    }

    /// Counts what was sent.
    func add(_ host: String, _ count: Int, now: Timestamp) {
        hour.withLock { hour in
            Self.turn(&hour, now)
            hour.counts[host, default: 0] += count
        }
    }

    private static func turn(_ hour: inout Hour, _ now: Timestamp) {
        let number = now.seconds / 3600
        if number != hour.number { hour = Hour(number: number) }
    }
}
