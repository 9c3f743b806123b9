import Synchronization
import Timestamps

/// The nonces that returning hosts have to sign: each good once and for five minutes.
final class ChallengeBook: Sendable {
    private let open = Mutex<[String: Timestamp]>([:])
    static let lifetime: Int64 = 300
    private static let maximum = 10_000

    /// A new nonce; nil where too many are open.
    func make(now: Timestamp) -> String? {
        let nonce = randomBytes(32).map(hexadecimal).joined()
        return open.withLock { open in
            if open.count >= Self.maximum {
                open = open.filter { now.seconds(since: $0.value) < Self.lifetime }
                guard open.count < Self.maximum else { return nil }
            }
            open[nonce] = now
            return nonce
        }
    }

    /// Whether that nonce was open; it is not any more.
    func take(_ nonce: String, now: Timestamp) -> Bool {
        open.withLock { open in
            guard let made = open.removeValue(forKey: nonce) else { return false }
            return now.seconds(since: made) < Self.lifetime
        }
    }
}
