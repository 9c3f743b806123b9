import Audit
import JSON
import Store
import Synchronization
import Timestamps
import Wire

/// What signs this server's audit trees, and how they are.
final class AuditKeeping: Sendable {
    private let current: Mutex<AuditKey>
    /// Where the keys are.
    let folder: String
    /// What the trees' names in checkpoints begin with; the same for all servers of a database, whatever key signs.
    let base: String
    /// How the trees are.
    let health = AuditHealth()

    /// Which key the servers of this database sign with. Whom to trust is not asked here: it names one of the folder's keys.
    private static let currentSetting = "audit-key"
    private static let baseSetting = "audit-origin"

    private init(key: AuditKey, folder: String, base: String) {
        current = Mutex(key)
        self.folder = folder
        self.base = base
    }

    /// The key that signs.
    var key: AuditKey { current.withLock { $0 } }

    /// Makes the folder's key known to the database, and ends a rotation that was interrupted; that a key is new enters the
    /// installation's log.
    ///
    /// - Parameter acceptsNew: whether a key that the database does not know may take over although nothing joins it to the one
    ///   that signs: somebody has lost the folder, and says so.
    /// - Throws: ``DataFolderError`` where a key would take over in silence.
    static func open(
        _ folder: String, _ store: Store, acceptsNew: Bool = false, now: Timestamp
    ) async throws -> AuditKeeping {
        // Another server may rotate meanwhile; a person does not do so ten times at once.
        for _ in 0..<10 {
            let named = try await store.read { try Self.named($0) }
            let key = try settled(folder, named)
            let opened = try await store.write { transaction -> (base: [UInt8], signs: Bool)? in
                guard try Self.named(transaction) == named else { return nil }
                // A rotation that the folder has on record, or a lost key that somebody named, joins it to what was before.
                let isJoined = named == nil || key.trusted.contains { $0.description == named }
                if !isJoined, !acceptsNew, try !transaction.audit.knows(key: key.key) {
                    throw Self.takesOver(folder, named ?? "")
                }
                let isNew = try transaction.audit.add(key: key.key, now: now)
                if isNew {
                    try transaction.audit.append(
                        organisation: AuditEvent.installation, actor: "server", action: "audit.key-added",
                        subject: "audit", detail: ["key": .string(key.key.description)], now: now)
                }
                // A key that has handed over never signs again, whatever folder came back from a backup: a log that it
                // signed after that would verify nowhere.
                let signs = named == nil || isNew || named == key.key.description
                if signs, named != key.key.description {
                    try transaction.settings.set(currentSetting, Array(key.key.description.utf8), now: now)
                }
                return (try transaction.settings.value(baseSetting, orSet: Array(key.key.name.utf8), now: now), signs)
            }
            guard let opened else { continue }
            if opened.signs { try NextAuditKey.tidy(folder, current: key.key) }
            return AuditKeeping(key: key, folder: folder, base: String(decoding: opened.base, as: UTF8.self))
        }
        throw DataFolderError("the audit key is being rotated again and again; start the server once that has ended")
    }

    /// Refuses a folder without a key where the database names one: a new one would be made, and would take over signing. Asked
    /// before anything is made in the folder.
    static func checkFolder(_ folder: String, _ store: Store) async throws {
        guard let named = try await store.read({ try Self.named($0) }), try readFile(AuditKey.path(folder)) == nil,
            try NextAuditKey.find(named, in: folder) == nil, try !AuditKey.isTrusted(named, folder)
        else { return }
        throw takesOver(folder, named)
    }

    private static func takesOver(_ folder: String, _ named: String) -> DataFolderError {
        DataFolderError(
            """
            \(folder) does not have the key that signs this database's audit log (\(named.prefix(40))…), and another key \
            would take over in silence: hosts and auditors could not tell it from a forgery. Put the folder back from its backup, or share the \
            folder of the other servers. Only where it is lost: start once with --accept-new-audit-key; a new key signs then, \
            on record in the audit log
            """)
    }

    /// Looks which key signs by now: another server may have rotated it.
    ///
    /// - Returns: whether this server has that key; without it, it signs nothing.
    func follow(_ store: Store) async throws -> Bool {
        let named = try await store.read { try Self.named($0) }
        if key.key.description != named {
            let key = try Self.settled(folder, named)
            current.withLock { $0 = key }
        }
        let has = key.key.description == named
        health.lacksKey = !has
        return has
    }

    /// Whether that is the key that signs, in this transaction: a checkpoint is signed by it, or not at all.
    func isCurrent(_ key: AuditKey, _ transaction: Transaction) throws -> Bool {
        try Self.named(transaction) == key.key.description
    }

    /// Lets a new key sign from now on: on record in every log, signed by both keys.
    ///
    /// - Parameter asked: the key that signs, as whoever asks has read it, so that no repetition rotates twice.
    /// - Throws: ``Refusal`` where another one signs by now.
    func rotate(from asked: NoteKey, by actor: String, _ store: Store, now: Timestamp) async throws -> NoteKey {
        guard try await follow(store), key.key == asked else { throw Refusal(.auditKeyStale) }
        let next = try NextAuditKey.make(in: folder, after: key, base: base, now: now)
        do {
            try await record(next, by: actor, store, now: now)
        } catch let refusal as Refusal {
            next.discard(in: folder)
            throw refusal
        }
        _ = try await follow(store)
        return next.key
    }

    /// The rotation's one transaction: from its end on the new key signs, whatever becomes of this server.
    func record(_ next: NextAuditKey, by actor: String, _ store: Store, now: Timestamp) async throws {
        let old = key
        try await store.write { [self] transaction in
            guard next.rotation.from == old.key, try isCurrent(old, transaction) else {
                throw Refusal(.auditKeyStale)
            }
            _ = try transaction.audit.add(key: next.key, now: now)
            try transaction.settings.set(Self.currentSetting, Array(next.key.description.utf8), now: now)
            for organisation in [AuditEvent.installation] + (try transaction.organisations.list().map(\.id)) {
                try transaction.audit.append(
                    organisation: organisation, actor: actor, action: AuditKeyRotation.action, subject: "audit",
                    detail: [
                        "from": .string(old.key.description), "to": .string(next.key.description),
                        AuditKeyRotation.member: .string(next.note.description),
                    ], now: now)
            }
        }
    }

    private static func named(_ transaction: Transaction) throws -> String? {
        try transaction.settings.value(currentSetting).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The folder's key, once a rotation to the one that the database names has come to its end.
    private static func settled(_ folder: String, _ named: String?) throws -> AuditKey {
        let key = try AuditKey(folder: folder)
        guard let named, named != key.key.description, let next = try NextAuditKey.find(named, in: folder) else {
            return key
        }
        try next.finish(in: folder)
        return try AuditKey(folder: folder)
    }

    /// The name of a tree in its checkpoints.
    func origin(_ organisation: String) -> String {
        organisation == AuditEvent.installation ? "\(base)/installation" : "\(base)/organisation/\(organisation)"
    }
}

/// The audit trees that are not to be trusted, for `/readyz` and metrics.
final class AuditHealth: Sendable {
    private let state = Mutex([String: AuditTreeFault]())
    private let key = Mutex(false)

    /// Whether the database's servers sign with a key that this one does not have.
    var lacksKey: Bool {
        get { key.withLock { $0 } }
        set { key.withLock { $0 = newValue } }
    }

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

extension Problem {
    static let auditKeyStale = Problem(
        "conflict", title: "Another key signs by now", status: 409,
        detail:
            "The audit log is not signed with that key: it was rotated already, is not known, or this server lacks it.",
        cure: "See which one signs: fettle audit key. Servers of one database share the folder authority.")
}
