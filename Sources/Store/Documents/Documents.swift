public import Digest
public import Inventory
public import Timestamps

/// The documents that hosts report, keyed by organisation and digest: no organisation learns what another has.
public struct Documents {
    let sql: Transaction

    /// Which of these the organisation does not hold, in their order.
    public func unknown(organisation: String, _ names: [DocumentName]) throws -> [DocumentName] {
        var seen: Set<DocumentName> = []
        return try names.filter { name in
            guard seen.insert(name).inserted else { return false }
            return try !has(organisation: organisation, name)
        }
    }

    /// Whether the organisation holds a document.
    public func has(organisation: String, _ name: DocumentName) throws -> Bool {
        try sql.first(
            "SELECT count(*) FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?2", organisation, name.digest
        ) { row in try row.bool() } ?? false
    }

    /// Takes an uploaded document that was checked.
    public func put(organisation: String, _ document: CheckedDocument, now: Timestamp) throws {
        if try isFresh(organisation, document.name, now) { return }
        guard document.name.kind == .set else {
            try putContent(organisation, document.name, document.bytes, now)
            return
        }
        let ids = try PackageInterning(sql: sql).ids(of: document.lines).sorted()
        try sql.execute(
            """
            INSERT INTO software_sets (organisation, digest, packages, package_count, stored_at)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organisation, digest) DO UPDATE SET stored_at = excluded.stored_at
            """, organisation, document.name.digest, PackageIDs.encode(ids), ids.count, now)
    }

    /// Checks and takes an uploaded document; ``CheckedDocument`` does the first part outside the transaction.
    public func put(organisation: String, _ name: DocumentName, bytes: [UInt8], now: Timestamp) throws {
        try put(organisation: organisation, CheckedDocument(name, bytes: bytes), now: now)
    }

    /// Takes an uploaded change of a document that the organisation holds.
    ///
    /// - Throws: ``DocumentError`` or `LineDocumentError`.
    public func put(organisation: String, _ name: DocumentName, delta: LineDelta, now: Timestamp) throws {
        guard name.kind != .facts,
            let base = try content(organisation: organisation, DocumentName(name.kind, delta.base))
        else { throw DocumentError.unknownBase(delta.base) }
        let header = name.kind == .set ? SoftwareSet.header : OfferSet.header
        let document = try delta.applied(to: LineDocument(parsing: base, header: header))
        try put(organisation: organisation, CheckedDocument(name, bytes: document.bytes), now: now)
    }

    /// The canonical bytes of a document; nil where the organisation does not hold it.
    public func content(organisation: String, _ name: DocumentName) throws -> [UInt8]? {
        if name.kind == .set { return try lines(organisation: organisation, set: name.digest)?.bytes }
        return try sql.first(
            "SELECT content FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?2", organisation, name.digest
        ) { row in try row.blob() }
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
        return removed
    }

    /// Whether the organisation has stored a document within the hour: hosts that are built alike send the same ones at
    /// once, and writing them again would make them wait for each other.
    private func isFresh(_ organisation: String, _ name: DocumentName, _ now: Timestamp) throws -> Bool {
        let stored = try sql.first(
            "SELECT stored_at FROM \(name.kind.table) WHERE organisation = ?1 AND digest = ?2", organisation,
            name.digest
        ) { row in try row.timestamp() }
        return stored.map { $0 > now.adding(seconds: -3600) } ?? false
    }

    private func putContent(_ organisation: String, _ name: DocumentName, _ bytes: [UInt8], _ now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO \(name.kind.table) (organisation, digest, content, stored_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (organisation, digest) DO UPDATE SET stored_at = excluded.stored_at
            """, organisation, name.digest, bytes, now)
    }

    private func lines(organisation: String, set digest: SHA256Digest) throws -> LineDocument? {
        let stored = try sql.first(
            "SELECT packages FROM software_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
        ) { row in try row.blob() }
        guard let stored else { return nil }
        guard let ids = PackageIDs.decode(stored) else { throw corrupt(digest) }
        let document = LineDocument(header: SoftwareSet.header, lines: try PackageInterning(sql: sql).lines(of: ids))
        guard document.digest == digest else { throw corrupt(digest) }
        return document
    }

    private func corrupt(_ digest: SHA256Digest) -> StoreError {
        StoreError(
            .corrupt, "the software set \(digest.hex) no longer has its digest",
            cure: "restore the database from a backup; the hosts that have it send it again once its row is deleted")
    }
}

extension Transaction {
    /// The documents that hosts report.
    public var documents: Documents { Documents(sql: self) }
}
