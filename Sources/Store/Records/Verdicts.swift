public import Digest
public import Inventory
public import Timestamps

/// What was judged of packages, and what judging needs of hosts.
public struct Verdicts {
    let sql: Transaction

    /// A host as far as judging asks.
    public struct Host: Sendable, Hashable {
        /// Its id.
        public var id: String
        /// Its name.
        public var hostname: String
        /// Its labels.
        public var labels: [String: String]
        /// Its software set; nil before its first report.
        public var set: SHA256Digest?
        /// The set of updates that it waits for; nil or 0 where that is not known.
        public var pendingSet: Int64?
        /// When it was enrolled.
        public var enrolled: Timestamp
        /// When it was last looked at; nil before its first report.
        public var observed: Timestamp?
    }

    /// An update that is offered.
    public struct Offer: Sendable, Hashable {
        /// The package's name.
        public var name: String
        /// Its architecture.
        public var architecture: String
        /// The version that is offered.
        public var candidate: String
        /// Whether the host would take it now, or why not, in the word of the offers.
        public var status: String
    }

    /// What is open of one package.
    public struct Key: Sendable, Hashable {
        /// The package's number.
        public var package: Int64
        /// The vulnerability.
        public var vulnerability: String

        /// A package and a vulnerability.
        public init(package: Int64, vulnerability: String) {
            self.package = package
            self.vulnerability = vulnerability
        }
    }

    /// A change of a verdict.
    public struct Change: Sendable, Hashable {
        /// Of what.
        public var key: Key
        /// What was before; empty where there was none.
        public var before: String
        /// What is now; empty where there is none.
        public var after: String
        /// When.
        public var at: Timestamp

        /// A change.
        public init(key: Key, before: String, after: String, at: Timestamp) {
            self.key = key
            self.before = before
            self.after = after
            self.at = at
        }
    }

    /// The highest change stamp of any host: while it stays the same, nothing that judging needs has changed.
    public func fleetStamp() throws -> Int64 {
        try sql.first("SELECT coalesce(max(change), 0) FROM hosts") { row in try row.integer() } ?? 0
    }

    /// The active hosts, by id.
    public func hosts(organisation: String) throws -> [Host] {
        try sql.rows(
            """
            SELECT id, hostname, labels, set_digest, pending_set, enrolled_at, observed_at FROM hosts
            WHERE organisation = ?1 AND status = 'active' ORDER BY id
            """, organisation
        ) { row in
            Host(
                id: try row.text(), hostname: try row.text(), labels: try Labels.parse(row.text()),
                set: try row.optionalDigest(), pendingSet: try row.optionalInteger(), enrolled: try row.timestamp(),
                observed: try row.optionalTimestamp())
        }
    }

    /// The numbers of a set's packages; nil where the organisation does not hold it.
    public func packages(organisation: String, set digest: SHA256Digest) throws -> [Int64]? {
        let bytes = try sql.first(
            "SELECT packages FROM software_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
        ) { row in try row.blob() }
        guard let bytes else { return nil }
        guard let ids = PackageIDs.decode(bytes) else {
            throw StoreError(
                .corrupt, "the software set \(digest.hex) cannot be read", cure: "restore the database from a backup")
        }
        return ids
    }

    /// The packages of these numbers.
    public func packages(_ ids: [Int64]) throws -> [Int64: SoftwarePackage] {
        var found: [Int64: SoftwarePackage] = [:]
        for (id, line) in zip(ids, try PackageInterning(sql: sql).lines(of: ids)) {
            found[id] = SoftwarePackage(line: line)
        }
        return found
    }

    /// What is offered to hosts that wait for a set of updates.
    public func offers(pendingSet: Int64) throws -> [Offer] {
        let text = try sql.first("SELECT updates FROM pending_sets WHERE id = ?1", pendingSet) { row in try row.text() }
        var offers: [Offer] = []
        let ids = (text ?? "").split(separator: ",").compactMap { Int64($0) }
        for start in stride(from: 0, to: ids.count, by: 64) {
            let part = PackageInterning.padded(Array(ids[start..<min(start + 64, ids.count)]))
            let places = (1...part.count).map { "?\($0)" }.joined(separator: ", ")
            offers += try sql.rows(
                "SELECT name, architecture, candidate, status FROM offered_updates WHERE id IN (\(places))",
                list: part.map(\.sqlValue)
            ) { row in
                Offer(
                    name: try row.text(), architecture: try row.text(), candidate: try row.text(),
                    status: try row.text())
            }
        }
        return offers
    }

    /// The set of updates that a host waits for; nil where that is not known.
    public func pendingSet(organisation: String, host: String) throws -> Int64? {
        let found = try sql.first(
            "SELECT pending_set FROM hosts WHERE organisation = ?1 AND id = ?2", organisation, host
        ) { row in try row.optionalInteger() }
        return found.flatMap { $0 }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// What is open, with since when.
    public func open(organisation: String) throws -> [Key: Timestamp] {
        let rows = try sql.rows(
            "SELECT package, vulnerability, since FROM open_verdicts WHERE organisation = ?1", organisation
        ) { row in (Key(package: try row.integer(), vulnerability: try row.text()), try row.timestamp()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Writes changes down: what is open now, and an event for each.
    ///
    /// - Parameter catalogue: the digest of what was judged by.
    public func record(organisation: String, _ changes: [Change], catalogue: SHA256Digest) throws {
        for change in changes {
            if change.after.isEmpty {
                try sql.execute(
                    "DELETE FROM open_verdicts WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3",
                    organisation, change.key.package, change.key.vulnerability)
            } else {
                try sql.execute(
                    """
                    INSERT INTO open_verdicts (organisation, package, vulnerability, verdict, since) VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (organisation, package, vulnerability) DO UPDATE SET verdict = excluded.verdict
                    """, organisation, change.key.package, change.key.vulnerability, change.after, change.at)
            }
            try sql.execute(
                """
                INSERT INTO verdict_events
                    (organisation, package, vulnerability, verdict_before, verdict_after, catalogue, at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                """, organisation, change.key.package, change.key.vulnerability, change.before, change.after, catalogue,
                change.at)
        }
    }

    /// The changes of one vulnerability, the latest first, at most `limit`.
    public func changes(organisation: String, vulnerability: String, limit: Int) throws -> [Change] {
        try sql.rows(
            """
            SELECT package, verdict_before, verdict_after, at FROM verdict_events
            WHERE organisation = ?1 AND vulnerability = ?2 ORDER BY id DESC LIMIT ?3
            """, organisation, vulnerability, limit
        ) { row in
            Change(
                key: Key(package: try row.integer(), vulnerability: vulnerability), before: try row.text(),
                after: try row.text(), at: try row.timestamp())
        }
    }
}

extension Transaction {
    /// What was judged of packages.
    public var verdicts: Verdicts { Verdicts(sql: self) }
}
