import JSON
import Logging
import Rollout
import ServiceLifecycle
import Store
import Timestamps

/// Fires timers, has releases signed, and notices what no single event tells: that the last job has ended, that every host was
/// scanned again. Any number of servers may do it; a timer is claimed, and a transition happens once.
struct RolloutScheduler: Service {
    let state: ServerState

    private static let batch = 100
    /// Seconds for which a claimed timer is this server's.
    private static let lease: Int64 = 30
    /// How many pages of a campaign's hosts are done before other timers have their turn.
    private static let offerPages = 10

    func run() async throws {
        repeat { await step() } while await slept()
    }

    /// One round: everything that is due now.
    func step() async {
        await attempt("fire timers") { try await fireTimers() }
        await attempt("look after campaigns") { try await RolloutSweep(state: state).run() }
    }

    private func fireTimers() async throws {
        while true {
            let now = state.clock.now()
            guard try await state.store.read({ try $0.timers.isDue(now: now) }) else { return }
            let due = try await state.store.write { [name = state.serverName] in
                try $0.timers.claim(by: name, limit: Self.batch, lease: Self.lease, now: now)
            }
            for timer in due {
                do { try await fire(timer) } catch {
                    state.logger.error(
                        "could not fire a timer; it is tried again",
                        metadata: ["kind": "\(timer.kind)", "subject": "\(timer.subject)", "error": "\(error)"])
                }
            }
            if due.count < Self.batch { return }
        }
    }

    private func fire(_ timer: StoredTimer) async throws {
        let now = state.clock.now()
        switch timer.kind {
        case RolloutTransaction.TimerName.signing: try await ReleaseSigning(state: state).run(timer)
        case RolloutTransaction.TimerName.campaign:
            try await state.store.write { sql in
                let rollout = RolloutTransaction(sql: sql, organisation: timer.organisation, now: now)
                guard let record = try sql.campaigns.show(organisation: timer.organisation, id: timer.subject),
                    let pending = try record.campaign().timer, pending.due <= now
                else { return try rollout.drop(timer) }
                do { try rollout.handle(.timer(pending.kind), record, by: "server") } catch is TransitionError {
                    try rollout.drop(timer)
                }
            }
        case RolloutTransaction.TimerName.offers:
            try await pages(timer) { try $0.continueOffers(timer.subject) }
        case RolloutTransaction.TimerName.withdrawals:
            try await pages(timer) { try $0.continueWithdrawals(timer.subject) }
        case RolloutTransaction.TimerName.rest:
            try await pages(timer) { try $0.continueRest(timer.subject) }
        case RolloutTransaction.TimerName.hosts:
            try await pages(timer) { try $0.continueClearing(timer.subject) }
        case RolloutTransaction.TimerName.job:
            try await state.store.write { sql in
                let rollout = RolloutTransaction(sql: sql, organisation: timer.organisation, now: now)
                guard let record = try sql.jobs.show(organisation: timer.organisation, id: timer.subject),
                    let pending = try record.hostJob().timer, pending.due <= now
                else { return try rollout.drop(timer) }
                do { try rollout.handle(.timer(pending.kind), record, by: "server") } catch is TransitionError {
                    try rollout.drop(timer)
                }
            }
        default: break
        }
    }

    /// Does some pages of a campaign's hosts, each in a transaction of its own; the timer brings the others.
    private func pages(
        _ timer: StoredTimer, _ page: @escaping @Sendable (RolloutTransaction) throws -> Bool
    ) async throws {
        for _ in 0..<Self.offerPages {
            let hasMore = try await state.store.write { [clock = state.clock] sql in
                try page(RolloutTransaction(sql: sql, organisation: timer.organisation, now: clock.now()))
            }
            guard hasMore else { return }
        }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do { try await body() } catch {
            state.logger.error("could not \(what)", metadata: ["error": "\(error)"])
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
}

extension RolloutTransaction {
    /// Removes a timer that means nothing any more.
    func drop(_ timer: StoredTimer) throws {
        try sql.timers.cancel(organisation: timer.organisation, kind: timer.kind, subject: timer.subject)
    }
}
