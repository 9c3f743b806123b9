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

    /// Finds out who asks, and takes one request from their bucket, or from their address's where that tells nobody.
    ///
    /// Looking for who asks costs a question to the database, so a generous bucket of the address comes before. Whoever
    /// comes over the operator's socket is not limited.
    ///
    /// - Throws: ``Refusal`` with 429 where the address sends too much, or too much that lets nobody in; what
    ///   `authenticate` throws.
    func checked(
        _ exchange: Exchange, _ authenticate: () async throws -> Caller?
    ) async throws -> (caller: Caller?, rate: Verdict?) {
        let address = addressKey(exchange.address)
        func demand(_ verdict: Verdict) throws {
            guard verdict.isAllowed else { throw Refusal(.tooManyRequests, retryAfter: verdict.wait) }
        }
        if !exchange.isOperatorSocket { try demand(take("arrivals:" + address, cost: 1 / Self.arrivalsPerRequest)) }
        let caller: Caller?
        do {
            caller = try await authenticate()
        } catch {
            if !exchange.isOperatorSocket { try demand(take("address:" + address)) }
            throw error
        }
        if caller?.credential == .socket { return (caller, nil) }
        return (caller, take(caller?.principal.id ?? "address:" + address))
    }

    /// So many times the quota of one principal may come from one address, behind which a whole site may stand.
    private static let arrivalsPerRequest = 10.0

    /// Takes one request from that bucket.
    ///
    /// - Parameter cost: what part of the quota's unit it takes.
    func take(_ name: String, cost: Double = 1, now: ContinuousClock.Instant = .now) -> Verdict {
        let perSecond = quota / Double(Self.window)
        return buckets.withLock { buckets in
            if buckets.count >= Self.maximum, buckets[name] == nil {
                buckets = buckets.filter { filled($0.value, now, perSecond) < quota }
                if buckets.count >= Self.maximum { buckets.removeAll() }
            }
            var bucket = buckets[name] ?? Bucket(tokens: quota, last: now)
            bucket.tokens = filled(bucket, now, perSecond)
            bucket.last = now
            let isAllowed = bucket.tokens >= cost
            if isAllowed { bucket.tokens -= cost }
            buckets[name] = bucket
            return Verdict(
                isAllowed: isAllowed, quota: Int(quota), remaining: Int(bucket.tokens),
                reset: Int(((quota - bucket.tokens) / perSecond).rounded(.up)),
                wait: max(1, Int(((cost - bucket.tokens) / perSecond).rounded(.up))))
        }
    }

    private func filled(_ bucket: Bucket, _ now: ContinuousClock.Instant, _ perSecond: Double) -> Double {
        let elapsed = now - bucket.last
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        return min(quota, bucket.tokens + seconds * perSecond)
    }
}
