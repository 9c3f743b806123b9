import Audit
import Logging
import ServiceLifecycle
import Store
import Timestamps

/// Numbers audit leaves every second, and signs the trees that grew.
///
/// Every server does it; the database lets one at a time through.
struct AuditKeeper: Service {
    let state: ServerState

    private static let batch = 500

    func run() async throws {
        // Leaves of before this start first, and a checkpoint of them.
        repeat { await step(interval: state.configuration.auditCheckpointInterval) } while await slept()
    }

    /// The last step, when nothing is written any more: what was done is signed before the server is gone.
    func finish() async { await step(interval: 0) }

    private func step(interval: Int64) async {
        do {
            try await sequence()
            try await sign(interval: interval)
        } catch {
            state.logger.error("could not keep the audit trees", metadata: ["error": "\(error)"])
        }
    }

    private func sequence() async throws {
        guard try await state.store.read({ try $0.audit.hasUnsequenced() }) else { return }
        while true {
            let now = state.clock.now()
            let skipped = state.auditKeeping.health.faulty
            // Every leaf is in the installation's tree: without that one none can be numbered.
            guard !skipped.contains(AuditEvent.installation) else { return }
            do {
                let outcome = try await state.store.write {
                    try $0.audit.sequence(limit: Self.batch, skipping: skipped, now: now)
                }
                for id in outcome.altered {
                    state.logger.critical(
                        "an audit event was altered before it was numbered; its hash is in the tree, so that verifying names it",
                        metadata: ["event": "\(id)"])
                }
                if outcome.sequenced < Self.batch { return }
            } catch let fault as AuditTreeFault {
                note(fault)
            }
        }
    }

    private func sign(interval: Int64) async throws {
        let keeping = state.auditKeeping
        let lacked = keeping.health.lacksKey
        guard try await keeping.follow(state.store) else {
            if !lacked {
                state.logger.critical(
                    "the audit log is signed with a key that this server lacks, and it signs nothing; share the folder authority, or copy it from the server that rotated the key, and restart"
                )
            }
            return
        }
        let key = keeping.key
        let trees = try await state.store.read { try $0.audit.trees() }
        let now = state.clock.now()
        for tree in trees {
            let due = try await state.store.read { transaction in
                let kept = try transaction.audit.latestCheckpoint(tree)
                let size = try transaction.audit.tree(tree).size
                return size != kept?.size ?? 0 && kept.map { now.seconds(since: $0.signedAt) >= interval } ?? true
            }
            guard due else { continue }
            let outcome = try await state.store.write { transaction -> AuditSigning in
                // A key that was retired a moment ago signs nothing: whoever verifies would take it for forged.
                guard try keeping.isCurrent(key, transaction) else { return .notDue }
                return try transaction.audit.checkpoint(
                    tree, origin: keeping.origin(tree), interval: interval, now: now,
                    trusts: { !($0.signers(key.trusted, verify: AuditSignatures.verify)?.isEmpty ?? true) },
                    sign: { try key.sign($0) })
            }
            switch outcome {
            case .notDue: break
            case .signed: keeping.health.clear(tree)
            case .refused(let fault): note(fault)
            }
        }
    }

    private func note(_ fault: AuditTreeFault) {
        guard state.auditKeeping.health.note(fault) else { return }
        state.logger.critical(
            "the audit log contradicts what was signed, or is damaged; it is not signed any more",
            metadata: ["fault": "\(fault)"])
    }

    /// Sleeps until the next look; false where the server stops.
    private func slept() async -> Bool {
        await cancelWhenGracefulShutdown {
            do {
                try await Task.sleep(for: .seconds(state.configuration.auditSequencingInterval))
                return !Task.isCancelled
            } catch {
                return false
            }
        }
    }
}
