import Audit
import JSON
import Store
import Synchronization
import Timestamps

/// What signs this server's audit trees, and how they are.
final class AuditKeeping: Sendable {
    /// Signs.
    let key: AuditKey
    /// What the trees' names in checkpoints begin with; the same for all servers of a database.
    let base: String
    /// How the trees are.
    let health = AuditHealth()

    private static let baseSetting = "audit-origin"

    private init(key: AuditKey, base: String) {
        self.key = key
        self.base = base
    }

    /// Makes the key known to the database; that a key is new enters the installation's log.
    static func open(_ key: AuditKey, _ store: Store, now: Timestamp) async throws -> AuditKeeping {
        let base = try await store.write { transaction in
            if try transaction.audit.add(key: key.key, now: now) {
                try transaction.audit.append(
                    organisation: AuditEvent.installation, actor: "server", action: "audit.key-added", subject: "audit",
                    detail: ["key": .string(key.key.description)], now: now)
            }
            return try transaction.settings.value(baseSetting, orSet: Array(key.key.name.utf8), now: now)
        }
        return AuditKeeping(key: key, base: String(decoding: base, as: UTF8.self))
    }

    /// The name of a tree in its checkpoints.
    func origin(_ organisation: String) -> String {
        organisation == AuditEvent.installation ? "\(base)/installation" : "\(base)/organisation/\(organisation)"
    }
}

/// The audit trees that are not to be trusted, for `/readyz` and metrics.
final class AuditHealth: Sendable {
    private let state = Mutex([String: AuditTreeFault]())

    /// One a tree, by organisation.
    var faults: [AuditTreeFault] { state.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }

    /// The organisations with a fault.
    var faulty: [String] { state.withLock { $0.keys.sorted() } }

    /// Notes a fault; false where it was known.
    func note(_ fault: AuditTreeFault) -> Bool {
        state.withLock { $0.updateValue(fault, forKey: fault.organisation) != fault }
    }

    /// Notes that a tree is well.
    func clear(_ organisation: String) {
        state.withLock { $0[organisation] = nil }
    }
}
