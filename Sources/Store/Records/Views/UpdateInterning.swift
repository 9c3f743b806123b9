import Synchronization

/// Gives each update its number, once an organisation.
struct UpdateInterning {
    let sql: Transaction

    private static let columns = "name, architecture, installed, candidate, origin, security, status"

    /// The numbers of these updates, in their order.
    func ids(_ organisation: String, _ keys: [UpdateKey]) throws -> [Int64] {
        let cache = sql.caches.updates
        let cached = cache.ids(organisation, keys)
        var learned: [UpdateKey: Int64] = [:]
        for (key, id) in zip(keys, cached) where id == nil && learned[key] == nil {
            // One by one: an update is new once, whatever the number of hosts.
            learned[key] = try find(organisation, key) ?? insert(organisation, key)
        }
        if !learned.isEmpty {
            let news = learned
            sql.onCommit { cache.insert(organisation, news) }
        }
        return try zip(keys, cached).map { key, id in
            guard let id = id ?? learned[key] else {
                throw StoreError(.serialization, "an update was interned by nobody", cure: "try again")
            }
            return id
        }
    }

    /// The updates of an organisation with these numbers; all where nil.
    func updates(_ organisation: String, _ ids: [Int64]?) throws -> [(id: Int64, key: UpdateKey)] {
        guard let ids else {
            return try sql.rows(
                "SELECT id, \(Self.columns) FROM waiting_updates WHERE organisation = ?1", organisation, read: Self.read)
        }
        return try ids.flatMap { id in
            try sql.rows(
                "SELECT id, \(Self.columns) FROM waiting_updates WHERE id = ?1 AND organisation = ?2", id, organisation,
                read: Self.read)
        }
    }

    private func find(_ organisation: String, _ key: UpdateKey) throws -> Int64? {
        try sql.first(
            """
            SELECT id FROM waiting_updates WHERE organisation = ?1 AND name = ?2 AND architecture = ?3 AND installed = ?4
                AND candidate = ?5 AND origin = ?6 AND security = ?7 AND status = ?8
            """, organisation, key.name, key.architecture, key.installed, key.candidate, key.origin, key.security,
            key.status
        ) { row in try row.integer() }
    }

    private func insert(_ organisation: String, _ key: UpdateKey) throws -> Int64? {
        let id = try sql.first(
            """
            INSERT INTO waiting_updates (organisation, \(Self.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT DO NOTHING RETURNING id
            """, organisation, key.name, key.architecture, key.installed, key.candidate, key.origin, key.security,
            key.status
        ) { row in try row.integer() }
        // Another server may have been first.
        return try id ?? find(organisation, key)
    }

    private static func read(_ row: inout SQLRow) throws -> (id: Int64, key: UpdateKey) {
        (
            try row.integer(),
            UpdateKey(
                name: try row.text(), architecture: try row.text(), installed: try row.text(),
                candidate: try row.text(), origin: try row.text(), security: try row.bool(), status: try row.text())
        )
    }
}

/// Which number an update has. Updates never change, so nothing goes stale; a full cache begins anew.
final class UpdateCache: Sendable {
    private struct Key: Hashable {
        let organisation: String
        let update: UpdateKey
    }

    private let known = Mutex<[Key: Int64]>([:])
    private static let capacity = 300_000

    /// The numbers of these updates; nil for those that it does not hold.
    func ids(_ organisation: String, _ keys: [UpdateKey]) -> [Int64?] {
        known.withLock { known in keys.map { known[Key(organisation: organisation, update: $0)] } }
    }

    /// Remembers updates that are on disk.
    func insert(_ organisation: String, _ updates: [UpdateKey: Int64]) {
        known.withLock { known in
            if known.count > Self.capacity { known = [:] }
            for (update, id) in updates { known[Key(organisation: organisation, update: update)] = id }
        }
    }
}
