import Synchronization
import Timestamps

/// How far running steps are, as hosts tell it between two records of their journals: in memory, of this server alone.
final class LiveProgress: Sendable {
    /// One job's.
    struct Progress: Hashable, Sendable {
        /// In percent; nil where the step does not tell.
        var percent: Int64?
        /// What it does.
        var activity: String
        /// When it was told.
        var time: Timestamp
    }
    private struct State {
        var jobs: [String: Progress] = [:]
        /// Counts changes, for those who watch.
        var changes: Int64 = 0
    }
    private let state = Mutex(State())

    /// The most jobs that are remembered; the oldest half goes when there are more.
    static let maximum = 20_000

    /// Notes what a host tells; nothing to tell forgets it.
    func note(_ job: String, percent: Int64?, activity: String, now: Timestamp) {
        state.withLock { state in
            if percent == nil, activity.isEmpty {
                if state.jobs.removeValue(forKey: job) != nil { state.changes += 1 }
                return
            }
            if let known = state.jobs[job], known.percent == percent, known.activity == activity {
                state.jobs[job]?.time = now
                return
            }
            state.jobs[job] = Progress(percent: percent, activity: activity, time: now)
            state.changes += 1
            if state.jobs.count > Self.maximum {
                let kept = state.jobs.sorted { $0.value.time > $1.value.time }.prefix(Self.maximum / 2)
                state.jobs = Dictionary(kept.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
            }
        }
    }

    /// What is known of a job; nil where nothing is.
    func progress(_ job: String) -> Progress? { state.withLock { $0.jobs[job] } }

    /// A number that grows with every change.
    var changes: Int64 { state.withLock { $0.changes } }
}
