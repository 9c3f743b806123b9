import Synchronization
import Timestamps

/// Bounds the bytes of reports and documents that the server takes of one host in an hour by its clock.
///
/// Memory grows with the hosts that sent something within the hour, and is given back with the next.
final class UploadQuota: Sendable {
    /// A host that has sent too much.
    struct Excess: Sendable {
        /// Seconds until the next hour begins.
        let seconds: Int
        /// Whether this is the first time in this hour.
        let isFirst: Bool
    }

    private struct Hour {
        var number: Int64 = .min
        var bytes: [String: Int] = [:]
        var told: Set<String> = []
    }

    private let hour = Mutex(Hour())
    private let bytesPerHour: Int

    init(bytesPerHour: Int) {
        self.bytesPerHour = bytesPerHour
    }

    /// Whether the host would be over its quota with that many bytes more; nil where it may send them.
    func excess(_ host: String, adding bytes: Int, now: Timestamp) -> Excess? {
        hour.withLock { hour in
            Self.turn(&hour, now)
            let sent = hour.bytes[host, default: 0]
            guard sent >= bytesPerHour || bytes > bytesPerHour - sent else { return nil }
            return Excess(seconds: Int(3600 - now.seconds % 3600), isFirst: hour.told.insert(host).inserted)
        }
    }

    /// Counts what was sent.
    func add(_ host: String, _ bytes: Int, now: Timestamp) {
        hour.withLock { hour in
            Self.turn(&hour, now)
            hour.bytes[host, default: 0] += bytes
        }
    }

    private static func turn(_ hour: inout Hour, _ now: Timestamp) {
        let number = now.seconds / 3600
        if number != hour.number { hour = Hour(number: number) }
    }
}
