import Audit
import JSON
import Logging
import Store
import Timestamps
import Wire

/// Evidence that this server was restored from a backup: somebody has seen a later state than it knows.
struct RestoreEvidence: Sendable, Hashable {
    /// Whose agent told.
    let organisation: String
    /// The host that told; nil in evidence of before that was kept.
    var host: String?
    /// The highest epoch that an agent has seen.
    let fence: Int64
    /// What was seen, for people.
    let reason: String
    /// When it was first noticed; a later claim of more does not move it.
    let since: Timestamp
}

/// Which life of the server this is. The database has it; each server keeps a copy and follows the others.
struct ServerLife: Sendable {
    /// Grows when an operator has confirmed a restore.
    var epoch: Int64
    /// Set while a restore waits to be confirmed.
    var restore: RestoreEvidence?
    /// When the restore that began this epoch was first noticed; nil in the first.
    var epochStarted: Timestamp?
    /// Counts changes of this copy, so that an answer of the database that is older than one is not taken.
    var revision = 0

    private static let startSetting = "epoch-started"

    /// As the database has it.
    init(_ transaction: Transaction) throws {
        epoch = try transaction.epochs.current()
        restore = try RestoreEvidence(transaction.settings.value(RestoreEvidence.setting))
        epochStarted = try transaction.settings.value(Self.startSetting).flatMap {
            Timestamp(rfc3339: String(decoding: $0, as: UTF8.self))
        }
    }

    /// Writes down that the epoch began for a restore that was noticed then.
    static func began(_ since: Timestamp, _ transaction: Transaction, now: Timestamp) throws {
        try transaction.settings.set(startSetting, Array(since.description.utf8), now: now)
    }
}

extension ServerState {
    /// The server's epoch.
    var epoch: Int64 { known.epoch }

    /// Set while a restore waits to be acknowledged.
    var restore: RestoreEvidence? { known.restore }

    /// Tokens given before then may lack what was given between a backup and its restore, as an operator has confirmed:
    /// they are seeded anew, once. An agent's word alone forgives nobody.
    var reseedsTokensOlderThan: Timestamp? { known.epochStarted }

    /// Learns what other servers of the same database have noticed or confirmed. Every few seconds.
    func followOthers() async throws {
        let revision = known.revision
        learn(try await store.read { try ServerLife($0) }, since: revision)
    }

    /// Notes that an agent has seen a later state than this server knows, the first time and whenever a higher epoch
    /// is seen. It is known when it is written down, not before.
    func noteRestore(organisation: String, host: String, fence: Int64, reason: String) async throws {
        if let known = restore, known.fence >= fence { return }
        let now = clock.now()
        let (life, isNews) = try await store.write { transaction -> (ServerLife, Bool) in
            var life = try ServerLife(transaction)
            // Another server may have noticed it, or even had it confirmed, a moment ago.
            if let known = life.restore, known.fence >= fence { return (life, false) }
            let evidence = RestoreEvidence(
                organisation: organisation, host: host, fence: fence, reason: reason, since: life.restore?.since ?? now)
            try transaction.settings.set(RestoreEvidence.setting, evidence.json.canonicalBytes(), now: now)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: "host:\(host)", action: "server.restore-noticed",
                subject: "server", detail: evidence.json, now: now)
            life.restore = evidence
            return (life, true)
        }
        learn(life)
        guard isNews else { return }
        logger.critical(
            "this server seems to be restored from a backup; confirm with: fettle server acknowledge-restore",
            metadata: ["reason": "\(reason)", "host": "\(host)", "fence": "\(fence)"])
    }

    /// Takes a claim of a restore for false, as a person says who has looked: nothing is forgiven by it any more, orders go
    /// on, and the host that made it is put into quarantine, because it would only make it again.
    ///
    /// - Returns: the host that told; nil where it is not known or is gone.
    func dismissRestore(reason: String, actor: String) async throws -> String? {
        let now = clock.now()
        let (life, host) = try await store.write { transaction -> (ServerLife, String?) in
            guard let evidence = try ServerLife(transaction).restore else { throw Refusal(.notRestored) }
            try transaction.settings.set(RestoreEvidence.setting, [], now: now)
            var detail = evidence.json.object ?? [:]
            detail["why"] = .string(reason)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: actor, action: "server.restore-dismissed",
                subject: "server", detail: .object(detail), now: now)
            var told: String?
            if let id = evidence.host,
                let host = try transaction.hosts.show(organisation: evidence.organisation, id: id),
                host.status == .active
            {
                try transaction.hosts.setStatus(
                    organisation: host.organisation, host: id, .quarantined,
                    reason: "it claimed that the server was restored, which was dismissed: \(reason)", actor: actor,
                    now: now)
                told = id
            }
            return (try ServerLife(transaction), told)
        }
        learn(life)
        logger.notice("claim of a restore dismissed", metadata: ["actor": "\(actor)", "host": "\(host ?? "")"])
        return host
    }

    /// Begins a new epoch above all that was seen.
    func acknowledgeRestore(actor: String) async throws -> Int64 {
        let now = clock.now()
        let life = try await store.write { transaction in
            // As the database has it: another server may have noticed it, or begun the epoch already.
            guard let evidence = try ServerLife(transaction).restore else { throw Refusal(.notRestored) }
            try transaction.settings.set(RestoreEvidence.setting, [], now: now)
            _ = try transaction.epochs.raise(
                above: evidence.fence, organisation: AuditEvent.installation, actor: actor, cause: evidence.reason,
                now: now)
            // Whose token was seeded anew since the restore was noticed is not forgiven again.
            try ServerLife.began(evidence.since, transaction, now: now)
            try transaction.hosts.bumpAllStates(now: now)
            return try ServerLife(transaction)
        }
        learn(life)
        logger.notice("restore acknowledged", metadata: ["epoch": "\(life.epoch)", "actor": "\(actor)"])
        return life.epoch
    }
}

extension Problem {
    static let notRestored = Problem(
        "not-restored", title: "Nothing to acknowledge", status: 409,
        detail: "No agent has seen a later state than this server knows.", cure: "Nothing needs to be done.")
}

extension RestoreEvidence {
    static let setting = "restore-noticed"

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "organisation": .string(organisation), "fence": .integer(fence), "reason": .string(reason),
            "since": .string(since.description),
        ]
        if let host { fields["host"] = .string(host) }
        return .object(fields)
    }

    /// Reads ``json``; nil for nothing and for what was acknowledged.
    init?(_ bytes: [UInt8]?) throws {
        guard let bytes, !bytes.isEmpty else { return nil }
        var object = try JSONObject(JSONValue(parsing: bytes, limits: .message))
        self.init(
            organisation: try object.string("organisation"), host: try object.optionalString("host"),
            fence: try object.integer("fence", in: 0...Int64.max),
            reason: try object.string("reason", maximumBytes: 4096),
            since: Timestamp(rfc3339: try object.string("since")) ?? Timestamp(milliseconds: 0))
    }
}
