import Logging
import ServiceLifecycle
import Store
import Timestamps

/// Reads, after an upgrade, what came to hosts from the reports that the server has (``ArrivalsBacklog``), while it serves.
///
/// It takes half of one core's time at most: tens of thousands of hosts take a while. Until a host is read its findings count
/// from its beginning, which is the stricter date.
struct ArrivalsReader: Service {
    let state: ServerState

    /// One server at a time does it.
    private static let lease = (name: "arrivals", seconds: Int64(60))
    private let name = "arrivals-\(UInt64.random(in: 0...(.max)))"

    init(state: ServerState) { self.state = state }

    func run() async throws {
        while await !isDone() {
            guard await slept(.seconds(10)) else { return }
        }
        try? await gracefulShutdown()
    }

    /// Reads until nothing is left; false where another server does it, or it failed and is tried again.
    private func isDone() async -> Bool {
        do {
            let backlog = ArrivalsBacklog(state.store)
            let total = try await backlog.remaining()
            guard total > 0 else { return true }
            guard try await holds() else { return false }
            state.logger.notice(
                "reading what came to hosts from their former reports; until then their findings count from the host's beginning",
                metadata: ["hosts": "\(total)"])
            var read = 0
            var told = ContinuousClock.now
            var held = told
            while true {
                let start = ContinuousClock.now
                guard let count = try await backlog.step() else { break }
                read += count
                let end = ContinuousClock.now
                if end - held > .seconds(Self.lease.seconds / 4) {
                    guard try await holds() else { return false }
                    held = end
                }
                if end - told > .seconds(30) {
                    state.logger.info(
                        "reading what came to hosts", metadata: ["read": "\(read)", "hosts": "\(total)"])
                    told = end
                }
                // As long as it took, so that others have their turn; hosts that go on reporting are not raced.
                guard await slept(max(end - start, .milliseconds(count == 0 ? 1000 : 1))) else { return false }
            }
            state.logger.notice("read what came to hosts", metadata: ["hosts": "\(read)"])
            try await state.store.write { try $0.leases.give(back: Self.lease.name, by: name) }
            return true
        } catch {
            state.logger.error(
                "could not read what came to hosts; it is tried again", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func holds() async throws -> Bool {
        let now = state.clock.now()
        return try await state.store.write {
            try $0.leases.take(Self.lease.name, by: name, seconds: Self.lease.seconds, now: now)
        }
    }

    /// Sleeps; false where the server stops.
    private func slept(_ time: Duration) async -> Bool {
        await cancelWhenGracefulShutdown {
            do {
                try await Task.sleep(for: time)
                return !Task.isCancelled
            } catch {
                return false
            }
        }
    }
}
