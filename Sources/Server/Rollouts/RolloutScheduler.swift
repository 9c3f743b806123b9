import JSON
import Logging
import Orders
import Rollout
import ServiceLifecycle
import Store
import Timestamps
import Wire

/// Fires timers, has releases signed, and notices what no single event tells: that the last job has ended, that every host was
/// scanned again. Any number of servers may do it; a timer is claimed, and a transition happens once.
struct RolloutScheduler: Service {
    let state: ServerState

    private static let batch = 100
    /// Seconds for which a claimed timer is this server's.
    private static let lease: Int64 = 30

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
        case RolloutTransaction.TimerName.signing: try await sign(timer)
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

    /// Has a release signed: outside any transaction, for the signer is another process.
    private func sign(_ timer: StoredTimer) async throws {
        let now = state.clock.now()
        let (organisation, id) = (timer.organisation, timer.subject)
        let asked = try await state.store.read { sql -> (record: CampaignRecord, plan: Plan, [ApprovalRecord])? in
            guard let record = try sql.campaigns.show(organisation: organisation, id: id) else { return nil }
            let campaign = try record.campaign()
            guard !campaign.isSigned, campaign.state == .scheduled || campaign.state == .paused else { return nil }
            let hosts = try sql.campaigns.hosts(organisation: organisation, campaign: id).map(\.host)
            return (
                record, try record.storedPlan().plan(hosts: hosts),
                try sql.campaigns.approvals(organisation: organisation, campaign: id)
            )
        }
        guard let (record, plan, approvals) = asked else {
            try await state.store.write {
                try RolloutTransaction(sql: $0, organisation: organisation, now: now).drop(timer)
            }
            return
        }
        let campaign = try record.campaign()
        let valid = approvals.filter { $0.epoch == campaign.epoch && $0.planDigest == record.planDigest }.map { one in
            var signature: Envelope.Signature?
            if let key = one.keyID, let bytes = one.signature { signature = .init(keyID: key, bytes: bytes) }
            return ReleaseDocument.Approval(approver: one.approver, time: one.approvedAt, signature: signature)
        }
        let signed: Result<Envelope, any Error>
        do {
            guard let digest = record.planDigest, plan.digest == digest else {
                throw Refusal(.unsignable("the stored plan is not the one that was approved"))
            }
            // Long enough for the window, the proof, and the way back.
            let expires = (campaign.endsAt ?? now).adding(seconds: 4 * 86_400)
            signed = .success(
                try await state.signer.release(
                    plan: plan, author: campaign.author, approvals: valid,
                    approvalsRequired: campaign.approvalsRequired, expires: expires))
        } catch {
            signed = .failure(error)
        }
        try await state.store.write { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            let current = try rollout.campaign(id)
            guard current.planDigest == record.planDigest, current.epoch == record.epoch else {
                return try rollout.drop(timer)
            }
            do {
                switch signed {
                case .success(let envelope):
                    try rollout.handle(.releaseSigned, current, by: "server") {
                        $0.release = envelope.json.canonicalText
                    }
                    try rollout.drop(timer)
                case .failure(let error):
                    try rollout.handle(.signingFailed(reason: reason(error)), current, by: "server") {
                        var remarks = $0.storedRemarks
                        remarks.signing = reason(error)
                        $0.remarks = remarks.json.canonicalText
                    }
                    var again = timer
                    again.dueAt = now.adding(seconds: Campaign.signingRetry)
                    try sql.timers.set(again)
                }
            } catch is TransitionError {
                try rollout.drop(timer)
            }
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

/// What went wrong, in one sentence for people.
private func reason(_ error: any Error) -> String {
    if let refusal = error as? Refusal { return String(refusal.problem.detail.prefix(1000)) }
    return String("\(error)".prefix(1000))
}

extension RolloutTransaction {
    /// Removes a timer that means nothing any more.
    func drop(_ timer: StoredTimer) throws {
        try sql.timers.cancel(organisation: timer.organisation, kind: timer.kind, subject: timer.subject)
    }
}
