import Logging
import ServiceLifecycle
import Store
import Timestamps

/// What a server does by itself: writes last-seen times down, follows other servers, renews its certificate, collects
/// documents that nothing names any more.
struct Maintenance: Service {
    let state: ServerState

    func run() async throws {
        var tick = 0
        // Until the drain is over; the last flush is the store's own, when it closes.
        while await slept() {
            tick += 1
            if tick % 30 == 0 {
                await attempt("write last-seen times") { try await state.store.flushPresence() }
                await attempt("write when API tokens were used") { try await state.people.maintain() }
                await attempt("follow the fleet") { try await state.store.followFleet() }
            }
            if tick % 600 == 0 {
                await attempt("remove ended sessions") { try await state.people.purge() }
                await attempt("forget old requests") {
                    let now = state.clock.now()
                    _ = try await state.store.write { try $0.idempotencyKeys.collect(now: now) }
                }
            }
            if state.store.isShared, tick % 2 == 0 {
                await attempt("follow other servers") {
                    try state.authorities.reload()
                    try await state.store.refreshDirectory()
                    try await state.followOthers()
                }
            }
            if tick % 5 == 0 {
                await attempt("renew the server's certificate") {
                    if try state.credentials.renewIfDue() { state.logger.info("server certificate renewed") }
                }
                await attempt("count the hosts") { try await state.census.refreshIfDue(state) }
            }
            if tick % 3600 == 0 {
                await attempt("forget old changelogs") {
                    let now = state.clock.now()
                    for organisation in try await state.store.read({ try $0.organisations.list().map(\.id) }) {
                        try await state.store.write { try $0.changelogs.prune(organisation: organisation, now: now) }
                    }
                }
                await attempt("collect documents") {
                    let now = state.clock.now()
                    let removed = try await state.store.write { transaction in
                        try transaction.documents.collect(storedBefore: now.adding(seconds: -86_400))
                    }
                    if removed > 0 { state.logger.info("documents collected", metadata: ["removed": "\(removed)"]) }
                }
            }
        }
    }

    /// Sleeps a second; false where the server stops.
    private func slept() async -> Bool {
        await cancelWhenGracefulShutdown {
            do {
                try await Task.sleep(for: .seconds(1))
                return !Task.isCancelled
            } catch {
                return false
            }
        }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            state.logger.error("could not \(what)", metadata: ["error": "\(error)"])
        }
    }
}
