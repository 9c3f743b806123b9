import Dispatch
import Synchronization

/// Hashes and checks passwords on threads of its own, so many at once and no more: a flood of logins takes that much
/// processor and memory (128 MiB each), and whoever comes beyond the queue is told to come again.
final class PasswordHasher: Sendable {
    /// More wait than will be served in bearable time.
    struct Busy: Error {}

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let cost: PasswordCost
    private let state: Mutex<State>
    private let maximumWaiting: Int
    private let queue = DispatchQueue(label: "fettle.passwords", attributes: .concurrent)
    /// What an unknown user's password is checked against, so that the answer takes as long.
    private let decoy: PasswordHash

    /// - Parameters:
    ///   - concurrent: how many hashes are made at once.
    ///   - maximumWaiting: how many may wait for their turn.
    init(cost: PasswordCost, concurrent: Int, maximumWaiting: Int = 32) throws {
        self.cost = cost
        self.state = Mutex(State(free: max(1, concurrent)))
        self.maximumWaiting = maximumWaiting
        self.decoy = PasswordHash(cost: cost)
    }

    /// The hash of a password, as it is stored.
    func hash(_ password: String) async throws -> String {
        let cost = cost
        return try await run { try PasswordHash(password, cost: cost).text }
    }

    /// Whether it is the password of that stored hash, and whether the hash is of another cost than today's. Where there
    /// is no hash the answer is no, after the same time.
    func verify(_ password: String, _ stored: String?) async throws -> (isRight: Bool, isOutdated: Bool) {
        let known = stored.flatMap { PasswordHash($0) }
        let hash = known ?? decoy
        let isRight = try await run { try hash.verify(password) }
        return (isRight && known != nil, hash.cost != cost)
    }

    private func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await take()
        defer { release() }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func take() async throws {
        let isFull = state.withLock { $0.free == 0 && $0.waiting.count >= maximumWaiting }
        if isFull { throw Busy() }
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state -> Bool in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isNow { continuation.resume() }
        }
    }

    private func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}

extension PasswordHash {
    /// A hash that no password has.
    fileprivate init(cost: PasswordCost) {
        self.cost = cost
        self.salt = randomBytes(Self.saltBytes)
        self.hash = randomBytes(Self.hashBytes)
    }
}
