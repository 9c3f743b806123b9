import Access
import HTTPTypes
import Synchronization

/// A token bucket for each principal (or address, where nobody is signed in): so many requests in a minute, and as many
/// at once.
final class RateLimits: Sendable {
    /// What is left after a request.
    struct Verdict: Sendable {
        /// Whether the request may go on.
        let isAllowed: Bool
        /// Requests in a window.
        let quota: Int
        /// How many are left now.
        let remaining: Int
        /// Seconds until all are there again.
        let reset: Int
        /// Seconds until the next one is.
        let wait: Int

        /// The fields of draft-ietf-httpapi-ratelimit-headers-10.
        var fields: [(HTTPField.Name, String)] {
            [
                (.rateLimitPolicy, "\"default\";q=\(quota);w=\(RateLimits.window)"),
                (.rateLimit, "\"default\";r=\(remaining);t=\(reset)"),
            ]
        }
    }

    private struct Bucket {
        var tokens: Double
        var last: ContinuousClock.Instant
    }

    /// Seconds of a window.
    static let window = 60
    /// So many principals are remembered; then those whose buckets are full again are forgotten.
    private static let maximum = 50_000

    private let quota: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    init(perMinute: Int) {
        quota = Double(max(1, perMinute))
    }

    /// Takes one request from that bucket.
    func take(_ name: String, now: ContinuousClock.Instant = .now) -> Verdict {
        let perSecond = quota / Double(Self.window)
        return buckets.withLock { buckets in
            if buckets.count >= Self.maximum, buckets[name] == nil {
                buckets = buckets.filter { filled($0.value, now, perSecond) < quota }
                if buckets.count >= Self.maximum { buckets.removeAll() }
            }
            var bucket = buckets[name] ?? Bucket(tokens: quota, last: now)
            bucket.tokens = filled(bucket, now, perSecond)
            bucket.last = now
            let isAllowed = bucket.tokens >= 1
            if isAllowed { bucket.tokens -= 1 }
            buckets[name] = bucket
            return Verdict(
                isAllowed: isAllowed, quota: Int(quota), remaining: Int(bucket.tokens),
                reset: Int(((quota - bucket.tokens) / perSecond).rounded(.up)),
                wait: max(1, Int(((1 - bucket.tokens) / perSecond).rounded(.up))))
        }
    }

    private func filled(_ bucket: Bucket, _ now: ContinuousClock.Instant, _ perSecond: Double) -> Double {
        let elapsed = now - bucket.last
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        return min(quota, bucket.tokens + seconds * perSecond)
    }
}
