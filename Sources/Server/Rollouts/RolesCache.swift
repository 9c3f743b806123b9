import Logging
import Orders
import Synchronization
import Timestamps

/// The signed roles of each organisation, asked of the signer at most every half minute.
final class RolesCache: Sendable {
    private struct Known {
        var envelope: Envelope?
        var time: Timestamp
    }
    private let known = Mutex<[String: Known]>([:])

    /// Seconds for which an answer is good.
    static let lifetime: Int64 = 30

    /// The organisation's roles; the last ones where the signer does not answer, nil where there never were any.
    func roles(_ organisation: String, _ state: ServerState) async -> Envelope? {
        let now = state.clock.now()
        let last = known.withLock { $0[organisation] }
        if let last, now.seconds(since: last.time) < Self.lifetime { return last.envelope }
        do {
            let envelope = try await state.signer.roles(organisation: organisation)
            known.withLock { $0[organisation] = Known(envelope: envelope, time: now) }
            return envelope
        } catch {
            state.logger.error(
                "the signer does not tell the roles",
                metadata: ["organisation": "\(organisation)", "error": "\(error)"])
            known.withLock { $0[organisation] = Known(envelope: last?.envelope, time: now) }
            return last?.envelope
        }
    }
}
