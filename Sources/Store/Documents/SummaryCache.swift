public import Digest
import Synchronization

/// What the server made of facts documents that came a moment ago: a report names them right after their upload.
///
/// A summary follows from the document's bytes alone, so that its digest names it whatever organisation sent it.
final class SummaryCache: Sendable {
    private struct State {
        var young: [SHA256Digest: FactsSummary] = [:]
        var old: [SHA256Digest: FactsSummary] = [:]
    }

    private static let capacity = 4096
    private let state = Mutex(State())

    subscript(digest: SHA256Digest) -> FactsSummary? {
        state.withLock { $0.young[digest] ?? $0.old[digest] }
    }

    func insert(_ summary: FactsSummary, for digest: SHA256Digest) {
        state.withLock { state in
            state.young[digest] = summary
            if state.young.count >= Self.capacity {
                state.old = state.young
                state.young = [:]
            }
        }
    }
}

extension Store {
    /// Keeps the summary of a facts document in memory, so that the report that names it need not parse it again.
    public func remember(_ summary: FactsSummary, facts digest: SHA256Digest) {
        caches.summaries.insert(summary, for: digest)
    }
}
