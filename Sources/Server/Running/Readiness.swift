import Synchronization

/// Where the listeners really are, and whether all of them run.
public final class Readiness: Sendable {
    private struct State {
        var addresses: [String: ListenAddress] = [:]
        var waiting: [CheckedContinuation<Bool, Never>] = []
        var ended = false
    }

    private let state = Mutex(State())
    private let expected: Int

    init(expected: Int) {
        self.expected = expected
    }

    func running(_ listener: String, at address: ListenAddress) {
        let ready = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            state.addresses[listener] = address
            guard state.addresses.count == expected else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in ready { continuation.resume(returning: true) }
    }

    /// The server has ended; whoever still waits is told.
    func end() {
        let waiting = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            state.ended = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: false) }
    }

    /// Waits until every listener runs; false where the server ended before.
    public func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state -> Bool? in
                if state.addresses.count == expected { return true }
                if state.ended { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    /// Whether every listener runs.
    public var isRunning: Bool { state.withLock { $0.addresses.count == expected } }

    /// Where that listener is: `agents`, `enrolment`, `metrics`.
    public func address(_ listener: String) -> ListenAddress? { state.withLock { $0.addresses[listener] } }
}
