import Synchronization

/// Counts a listener's requests in work, in all and per peer: sheds load above a bound, so that no peer takes all of it.
final class RequestGate: Sendable {
    /// Whether a request may begin.
    enum Admission: Sendable {
        case admitted
        /// More is in work than the server can hold.
        case overloaded
        /// More of this peer is in work than the server takes of one.
        case tooManyFromPeer
        /// The server is being stopped; what is in work is finished.
        case stopping
    }

    private struct State {
        var inWork = 0
        var byPeer: [String: Int] = [:]
        var stopping = false
    }

    private let state = Mutex(State())
    private let maximum: Int
    private let maximumPerPeer: Int

    init(maximum: Int, maximumPerPeer: Int) {
        self.maximum = maximum
        self.maximumPerPeer = maximumPerPeer
    }

    /// Lets a request in; ``leave(_:)`` must follow where it was admitted.
    ///
    /// - Parameter peer: the host of the certificate, else the address.
    func enter(_ peer: String) -> Admission {
        state.withLock { state in
            guard !state.stopping else { return .stopping }
            guard state.inWork < maximum else { return .overloaded }
            let count = state.byPeer[peer, default: 0]
            guard count < maximumPerPeer else { return .tooManyFromPeer }
            state.byPeer[peer] = count + 1
            state.inWork += 1
            return .admitted
        }
    }

    func leave(_ peer: String) {
        state.withLock { state in
            state.inWork -= 1
            let count = state.byPeer[peer, default: 1] - 1
            state.byPeer[peer] = count > 0 ? count : nil
        }
    }

    /// Requests in work.
    var inWork: Int { state.withLock { $0.inWork } }

    /// Whether the server is being stopped; set once.
    var stopping: Bool { state.withLock { $0.stopping } }

    func stop() {
        state.withLock { $0.stopping = true }
    }
}

/// The gates of the listeners for the world, one each: a flood at enrolment does not shed agents. Probes and operators
/// have none: they must come through whatever agents do.
struct RequestGates: Sendable {
    /// Before hosts with certificates.
    let agents: RequestGate
    /// Before whoever wants one.
    let enrolment: RequestGate

    init(_ limits: ServerLimits) {
        agents = RequestGate(maximum: limits.requestsInWork, maximumPerPeer: limits.requestsInWorkPerHost)
        enrolment = RequestGate(
            maximum: limits.enrolmentsInWork, maximumPerPeer: limits.enrolmentsInWorkPerAddress)
    }

    /// The gate of that listener; nil for one without.
    subscript(listener: String) -> RequestGate? {
        switch listener {
        case "agents": agents
        case "enrolment": enrolment
        default: nil
        }
    }

    /// Requests in work, behind all gates.
    var inWork: Int { agents.inWork + enrolment.inWork }

    /// Whether the server is being stopped.
    var stopping: Bool { agents.stopping }

    func stop() {
        agents.stop()
        enrolment.stop()
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
