import Digest
import Inventory
import Store
import Synchronization
import Timestamps

/// How fresh the offers of each offer set are; read once per set, for many hosts share one.
final class OfferFreshness: Sendable {
    /// What one offer set says of its own age.
    struct Verdict: Sendable {
        /// The indexes that say until when they are valid.
        let expiries: [(name: String, validUntil: Timestamp)]
        /// Whether there is any index at all.
        let isEmpty: Bool
        /// Why the offer set cannot be read; nil where it can.
        var damage: String?

        /// Why offers from these indexes are not evidence at that time; nil where they are.
        func unknown(at now: Timestamp) -> String? {
            if let damage { return "the offers that are stored of the host cannot be read: \(damage)" }
            if isEmpty { return "the host holds no package index" }
            let expired = expiries.filter { $0.validUntil < now }
            guard let first = expired.first else { return nil }
            let more = expired.count > 1 ? " and \(expired.count - 1) more" : ""
            return "the index of \(first.name)\(more) expired at \(first.validUntil)"
        }
    }

    private struct Key: Hashable {
        let organisation: String
        let digest: SHA256Digest
    }

    private let known = Mutex<[Key: Verdict]>([:])
    private static let maximum = 20_000

    /// The verdict on a host's offers; nil where it has none that is stored here.
    ///
    /// - Throws: `StoreError`; a set that cannot be read is a verdict.
    func verdict(_ host: HostRecord, _ transaction: Transaction) throws -> Verdict? {
        guard let digest = host.digests?.offers else { return nil }
        let key = Key(organisation: host.organisation, digest: digest)
        if let verdict = known.withLock({ $0[key] }) { return verdict }
        let verdict: Verdict
        do {
            guard let offers = try transaction.documents.offerSet(organisation: host.organisation, digest) else {
                return nil
            }
            verdict = Verdict(
                expiries: offers.indexes.compactMap { index in
                    index.validUntil.map { (index.origin.displayName, $0) }
                }, isEmpty: offers.indexes.isEmpty)
        } catch let error as LineDocumentError {
            // One host's damage must not hide the others; nor may it pass for a host that lacks nothing.
            verdict = Verdict(expiries: [], isEmpty: false, damage: error.description)
        }
        known.withLock { known in
            if known.count >= Self.maximum { known.removeAll() }
            known[key] = verdict
        }
        return verdict
    }
}
