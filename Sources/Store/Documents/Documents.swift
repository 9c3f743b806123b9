public import Digest
public import Inventory
public import Timestamps

/// The documents that hosts report, keyed by organisation and digest: no organisation learns what another has.
public struct Documents {
    let sql: Transaction

    /// Which of these the organisation does not hold, in their order.
    public func unknown(organisation: String, _ names: [DocumentName]) throws -> [DocumentName] {
        var seen: Set<DocumentName> = []
        let names = names.filter { seen.insert($0).inserted }
        var unknown: [DocumentName] = []
        // Three at once, which is what one report names.
        for start in stride(from: 0, to: names.count, by: 3) {
            let part = names[start..<min(start + 3, names.count)]
            let columns = part.enumerated().map { at, name in
                "(SELECT count(*) FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?\(at + 2))"
            }
            _ = try sql.rows(
                "SELECT \(columns.joined(separator: ", "))",
                list: [.text(organisation)] + part.map(\.digest.sqlValue)
            ) { row in
                for name in part where try !row.bool() { unknown.append(name) }
            }
        }
        return unknown
    }

    /// Whether the organisation holds a document.
    public func has(organisation: String, _ name: DocumentName) throws -> Bool {
        try storedAt(organisation, name) != nil
    }

    /// Takes an uploaded document that was checked.
    ///
    /// - Returns: whether the organisation did not hold it.
    @discardableResult
    public func put(organisation: String, _ document: CheckedDocument, now: Timestamp) throws -> Bool {
        let name = document.name
        if let stored = try storedAt(organisation, name) {
            // Hosts that are built alike send the same ones at once: writing them again would make them wait for each
            // other.
            if stored <= now.adding(seconds: -3600) {
                try sql.execute(
                    "UPDATE \(name.kind.table) SET stored_at = ?3 WHERE organisation = ?1 AND digest = ?2",
                    organisation, name.digest, now)
            }
            return false
        }
        switch document.content {
        case .set(let lines):
            let ids = try PackageInterning(sql: sql).ids(of: lines).sorted()
            try sql.execute(
                """
                INSERT INTO software_sets (organisation, digest, packages, package_count, stored_at)
                VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organisation, digest) DO NOTHING
                """, organisation, name.digest, PackageIDs.encode(ids), ids.count, now)
        case .offers(let packed, let pending):
            let set = try PendingSets(sql: sql).id(organisation: organisation, pending)
            try sql.execute(
                """
                INSERT INTO offer_sets (organisation, digest, content, stored_at, pending_set, index_count,
                    indexes_valid_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT (organisation, digest) DO NOTHING
                """, organisation, name.digest, packed, now, set, pending.indexes.count, pending.indexes.validUntil)
        case .facts(let packed):
            try sql.execute(
                """
                INSERT INTO host_facts (organisation, digest, content, stored_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (organisation, digest) DO NOTHING
                """, organisation, name.digest, packed, now)
        }
        return true
    }

    /// Checks and takes an uploaded document; ``CheckedDocument`` does the first part outside the transaction.
    @discardableResult
    public func put(organisation: String, _ name: DocumentName, bytes: [UInt8], now: Timestamp) throws -> Bool {
        try put(organisation: organisation, CheckedDocument(name, bytes: bytes), now: now)
    }

    /// Takes an uploaded change of a document that the organisation holds.
    ///
    /// - Returns: whether the organisation did not hold it.
    /// - Throws: ``DocumentError`` or `LineDocumentError`.
    @discardableResult
    public func put(organisation: String, _ name: DocumentName, delta: LineDelta, now: Timestamp) throws -> Bool {
        guard name.kind != .facts,
            let base = try content(organisation: organisation, DocumentName(name.kind, delta.base))
        else { throw DocumentError.unknownBase(delta.base) }
        let header = name.kind == .set ? SoftwareSet.header : OfferSet.header
        let document = try delta.applied(to: LineDocument(parsing: base, header: header))
        return try put(organisation: organisation, CheckedDocument(name, bytes: document.bytes), now: now)
    }

    /// The canonical bytes of a document; nil where the organisation does not hold it.
    public func content(organisation: String, _ name: DocumentName) throws -> [UInt8]? {
        if name.kind == .set { return try lines(organisation: organisation, set: name.digest)?.bytes }
        let stored = try sql.first(
            "SELECT content FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?2", organisation, name.digest
        ) { row in try row.blob() }
        guard let stored else { return nil }
        guard let bytes = PackedContent.unpack(stored) else { throw corrupt(name) }
        return bytes
    }

    /// A software set; nil where the organisation does not hold it.
    public func softwareSet(organisation: String, _ digest: SHA256Digest) throws -> SoftwareSet? {
        try lines(organisation: organisation, set: digest).map(SoftwareSet.init)
    }

    /// An offer set; nil where the organisation does not hold it.
    public func offerSet(organisation: String, _ digest: SHA256Digest) throws -> OfferSet? {
        try content(organisation: organisation, DocumentName(.offers, digest)).map { try OfferSet(parsing: $0) }
    }

    /// The facts' canonical JSON; nil where the organisation does not hold them.
    public func facts(organisation: String, _ digest: SHA256Digest) throws -> [UInt8]? {
        try content(organisation: organisation, DocumentName(.facts, digest))
    }

    /// Removes documents that no report names and that were stored before `time`; returns how many.
    ///
    /// The grace keeps what was uploaded for a report that is still to come; let it be hours, as a document that is sent
    /// again within an hour is not stored anew.
    @discardableResult
    public func collect(storedBefore time: Timestamp) throws -> Int {
        var removed = 0
        for (kind, column) in [(DocumentKind.set, "set_digest"), (.offers, "offers_digest"), (.facts, "facts_digest")] {
            removed += try sql.execute(
                """
                DELETE FROM \(kind.table) WHERE stored_at < ?1 AND NOT EXISTS (SELECT 1 FROM host_states s
                    WHERE s.organisation = \(kind.table).organisation AND s.\(column) = \(kind.table).digest)
                """, time)
        }
        try PendingSets(sql: sql).collect()
        try sql.packageOrigins.collect(storedBefore: time)
        return removed
    }

    /// When the organisation last stored a document; nil where it does not hold it.
    private func storedAt(_ organisation: String, _ name: DocumentName) throws -> Timestamp? {
        try sql.first(
            "SELECT stored_at FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?2", organisation,
            name.digest
        ) { row in try row.timestamp() }
    }

    private func lines(organisation: String, set digest: SHA256Digest) throws -> LineDocument? {
        let stored = try sql.first(
            "SELECT packages FROM software_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
        ) { row in try row.blob() }
        guard let stored else { return nil }
        guard let ids = PackageIDs.decode(stored) else { throw corrupt(DocumentName(.set, digest)) }
        let document = LineDocument(header: SoftwareSet.header, lines: try PackageInterning(sql: sql).lines(of: ids))
        guard document.digest == digest else { throw corrupt(DocumentName(.set, digest)) }
        return document
    }

    private func corrupt(_ name: DocumentName) -> StoreError {
        StoreError(
            .corrupt, "the stored \(name.kind.rawValue) document \(name.digest.hex) no longer has its digest",
            cure: "restore the database from a backup; the hosts that have it send it again once its row is deleted")
    }
}

extension Transaction {
    /// The documents that hosts report.
    public var documents: Documents { Documents(sql: self) }
}
