import Digest
import Inventory

/// What waits on a host, as lines that are interned: the columns of `offered_updates`, joined by tabs.
struct PendingList: Sendable {
    let lines: LineList
    let securityCount: Int64
    /// How fresh the indexes are that the offers come from.
    let indexes: OfferIndexes

    /// What waits on a host with these offers.
    init(_ offers: OfferSet) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(offers.offers.count * 96)
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(offers.offers.count)
        // Most offers come from one or two indexes: their names are joined once.
        var origins: [[Int]: String] = [:]
        var security: Int64 = 0
        for offer in offers.offers {
            let origin: String
            if let known = origins[offer.origins] {
                origin = known
            } else {
                origin = Set(offer.origins.map { offers.indexes[$0].origin.displayName }).sorted()
                    .joined(separator: ", ")
                origins[offer.origins] = origin
            }
            if offer.security { security += 1 }
            let start = bytes.count
            for field in [offer.name, offer.architecture, offer.installed, offer.candidate, origin] {
                bytes.append(contentsOf: field.utf8)
                bytes.append(0x09)
            }
            bytes.append(offer.security ? UInt8(ascii: "1") : UInt8(ascii: "0"))
            for field in [offer.status.name, offer.status.reason] {
                bytes.append(0x09)
                bytes.append(contentsOf: field.utf8)
            }
            ranges.append(start..<bytes.count)
        }
        self.lines = LineList(bytes: bytes, ranges: ranges)
        self.securityCount = security
        self.indexes = OfferIndexes(offers)
    }
}

/// The sets of updates that hosts wait for, each kept once an organisation.
struct PendingSets {
    let sql: Transaction

    /// Updates in one statement, as in ``PackageInterning``.
    private static let chunk = 64

    /// The number of a set, which is stored where it is new.
    func id(organisation: String, _ list: PendingList) throws -> Int64 {
        let ids = Set(try numbers(of: list.lines)).sorted()
        let digest = SHA256.hash(PackageIDs.encode(ids))
        func find() throws -> Int64? {
            try sql.first(
                "SELECT id FROM pending_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
            ) { row in try row.integer() }
        }
        if let known = try find() { return known }
        let text = ids.isEmpty ? "" : ids.reduce(into: ",") { $0 += "\($1)," }
        let new = try sql.first(
            """
            INSERT INTO pending_sets (organisation, digest, updates, update_count, security_count)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING RETURNING id
            """, organisation, digest, text, list.lines.count, list.securityCount
        ) { row in try row.integer() }
        guard let id = try new ?? find() else {
            throw StoreError(.serialization, "a pending set was stored by another transaction", cure: "try again")
        }
        return id
    }

    /// What stored offers come to.
    struct Stored: Sendable {
        var id: Int64
        var pending: Int64
        var security: Int64
        var indexes: OfferIndexes
    }

    /// The set of stored offers and its counts, derived where they were stored before there were such sets; nil where the
    /// organisation does not hold the offers.
    func set(organisation: String, offers digest: SHA256Digest) throws -> Stored? {
        let stored = try sql.first(
            """
            SELECT s.id, s.update_count, s.security_count, o.index_count, o.indexes_valid_until
            FROM offer_sets o JOIN pending_sets s ON s.id = o.pending_set
            WHERE o.organisation = ?1 AND o.digest = ?2 AND o.index_count IS NOT NULL
            """, organisation, digest
        ) { row in
            Stored(
                id: try row.integer(), pending: try row.integer(), security: try row.integer(),
                indexes: OfferIndexes(count: try row.integer(), validUntil: try row.optionalTimestamp()))
        }
        if let stored { return stored }
        guard let offers = try sql.documents.offerSet(organisation: organisation, digest) else { return nil }
        let list = PendingList(offers)
        let id = try id(organisation: organisation, list)
        try sql.execute(
            """
            UPDATE offer_sets SET pending_set = ?3, index_count = ?4, indexes_valid_until = ?5
            WHERE organisation = ?1 AND digest = ?2
            """, organisation, digest, id, list.indexes.count, list.indexes.validUntil)
        return Stored(
            id: id, pending: Int64(list.lines.count), security: list.securityCount, indexes: list.indexes)
    }

    /// Removes the sets that neither a host nor stored offers have any more.
    func collect() throws {
        try sql.execute(
            """
            DELETE FROM pending_sets WHERE NOT EXISTS (SELECT 1 FROM offer_sets o WHERE o.pending_set = pending_sets.id)
                AND NOT EXISTS (SELECT 1 FROM hosts h WHERE h.organisation = pending_sets.organisation
                    AND h.pending_set = pending_sets.id)
            """)
    }

    /// The number of each update, interned where it is new.
    private func numbers(of lines: LineList) throws -> [Int64] {
        let cached = sql.caches.updates.ids(of: lines)
        let unknown = cached.indices.filter { cached[$0] == nil }
        if unknown.isEmpty { return cached.compactMap { $0 } }
        var found: [SHA256Digest: Int64] = [:]
        let digests = unknown.map { at in lines.line(at).withUnsafeBytes { SHA256.hash($0) } }
        for start in stride(from: 0, to: unknown.count, by: Self.chunk) {
            let end = min(start + Self.chunk, unknown.count)
            let part = Array(zip(unknown[start..<end], digests[start..<end]))
            try find(part.map(\.1), &found)
            let missing = part.filter { found[$0.1] == nil }
            if missing.isEmpty { continue }
            try insert(missing, lines, &found)
            let raced = missing.filter { found[$0.1] == nil }.map(\.1)
            if !raced.isEmpty { try find(raced, &found) }
        }
        var numbers = cached
        var learned: [(line: String, id: Int64)] = []
        for (at, digest) in zip(unknown, digests) {
            guard let id = found[digest] else {
                throw StoreError(.serialization, "an update was interned by nobody", cure: "try again")
            }
            numbers[at] = id
            learned.append((lines[at], id))
        }
        let cache = sql.caches.updates
        sql.onCommit { [learned] in cache.insert(learned) }
        return numbers.compactMap { $0 }
    }

    private func find(_ digests: [SHA256Digest], _ found: inout [SHA256Digest: Int64]) throws {
        let padded = PackageInterning.padded(digests)
        let places = (1...padded.count).map { "?\($0)" }.joined(separator: ", ")
        let rows = try sql.rows(
            "SELECT digest, id FROM offered_updates WHERE digest IN (\(places))", list: padded.map(\.sqlValue)
        ) { row in (try row.digest(), try row.integer()) }
        for (digest, id) in rows { found[digest] = id }
    }

    private func insert(
        _ updates: [(Int, SHA256Digest)], _ lines: LineList, _ found: inout [SHA256Digest: Int64]
    ) throws {
        let padded = PackageInterning.padded(updates)
        let parameters = padded.flatMap { at, digest -> [SQLValue] in
            let fields = lines.line(at).split(separator: 0x09, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            return [digest.sqlValue] + fields[0..<5].map(SQLValue.text) + [.integer(fields[5] == "1" ? 1 : 0)]
                + fields[6..<8].map(SQLValue.text)
        }
        let rows = try sql.rows(
            """
            INSERT INTO offered_updates (digest, name, architecture, installed, candidate, origin, security, status, reason)
            VALUES \(PackageInterning.places(padded.count, 9)) ON CONFLICT DO NOTHING RETURNING digest, id
            """, list: parameters
        ) { row in (try row.digest(), try row.integer()) }
        for (digest, id) in rows { found[digest] = id }
    }
}

extension Store {
    /// Derives the pending sets of hosts whose offers were stored before there were such sets, some at a time.
    func derivePendingSets() async throws {
        while true {
            let derived = try await write { transaction in
                let offers = try transaction.rows(
                    """
                    SELECT DISTINCT organisation, offers_digest FROM hosts
                    WHERE pending_set IS NULL AND offers_digest IS NOT NULL LIMIT 50
                    """
                ) { row in (try row.text(), try row.digest()) }
                for (organisation, digest) in offers {
                    // Offers that are gone: nothing is known to wait, as before.
                    let set = try PendingSets(sql: transaction).set(organisation: organisation, offers: digest)
                    try transaction.execute(
                        """
                        UPDATE hosts SET pending_set = ?3
                        WHERE organisation = ?1 AND offers_digest = ?2 AND pending_set IS NULL
                        """, organisation, digest, set?.id ?? 0)
                }
                return offers.count
            }
            if derived == 0 { return }
        }
    }
}
