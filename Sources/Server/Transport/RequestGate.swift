import Synchronization

/// Counts requests in work: sheds load above a bound, and lets a stop wait until all are answered.
final class RequestGate: Sendable {
    private struct State {
        var inWork = 0
        var stopping = false
    }

    private let state = Mutex(State())
    private let maximum: Int

    init(maximum: Int) {
        self.maximum = maximum
    }

    func enter() -> Bool {
        state.withLock { state in
            guard state.inWork < maximum else { return false }
            state.inWork += 1
            return true
        }
    }

    func leave() {
        state.withLock { $0.inWork -= 1 }
    }

    /// Requests in work.
    var inWork: Int { state.withLock { $0.inWork } }

    /// Whether the server is being stopped; set once.
    var stopping: Bool { state.withLock { $0.stopping } }

    func stop() {
        state.withLock { $0.stopping = true }
    }
}

/// A token bucket: so many a second, and as many at once.
final class RateLimiter: Sendable {
    private struct State {
        var tokens: Double
        var last: ContinuousClock.Instant
    }

    private let state: Mutex<State>
    private let perSecond: Double

    init(perSecond: Int) {
        self.perSecond = Double(perSecond)
        self.state = Mutex(State(tokens: Double(perSecond), last: .now))
    }

    /// Takes one; false where none is left.
    func take() -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            let elapsed = now - state.last
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            state.tokens = min(perSecond, state.tokens + seconds * perSecond)
            state.last = now
            guard state.tokens >= 1 else { return false }
            state.tokens -= 1
            return true
        }
    }
}
