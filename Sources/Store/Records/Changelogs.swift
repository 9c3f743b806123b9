public import Digest
public import Timestamps

/// What hosts have read in the changelogs of offered packages: claims, each of one host.
public struct Changelogs {
    let sql: Transaction

    /// One host's word on one package file.
    public struct Claim: Sendable, Hashable {
        /// The file's digest.
        public var candidate: SHA256Digest
        /// The host.
        public var host: String
        /// The binary package, its architecture and version.
        public var name: String
        public var architecture: String
        public var version: String
        /// The source package and its version.
        public var source: String
        public var sourceVersion: String
        /// The digest of what was read; nil where it could not be.
        public var reading: SHA256Digest?
        /// Why it could not be read.
        public var problem: String
        /// When it was told.
        public var readAt: Timestamp

        /// Whether the host was only asked, and has not answered.
        public var isAsked: Bool { reading == nil && problem.isEmpty }

        /// A claim.
        public init(
            candidate: SHA256Digest, host: String, name: String, architecture: String, version: String, source: String,
            sourceVersion: String, reading: SHA256Digest?, problem: String, readAt: Timestamp
        ) {
            self.candidate = candidate
            self.host = host
            self.name = name
            self.architecture = architecture
            self.version = version
            self.source = source
            self.sourceVersion = sourceVersion
            self.reading = reading
            self.problem = problem
            self.readAt = readAt
        }
    }

    /// How long a claim is kept: what is offered longer is read again.
    public static let keptSeconds: Int64 = 400 * 86_400
    /// How long it is remembered that a host was asked and did not answer.
    public static let askedSeconds: Int64 = 86_400
    /// The most claims that are kept of one host: the oldest go.
    public static let mostOfHost = 2000

    /// Only these count: what a host said that may not talk any more is as if it had never been said.
    private static let ofActiveHosts = """
        FROM changelog_claims c JOIN hosts h
        ON h.organisation = c.organisation AND h.id = c.host AND h.status = 'active'
        """
    /// What was answered: a row with neither a reading nor a problem says that the host was asked.
    private static let answered = "(c.reading IS NOT NULL OR c.problem <> '')"
    private static let columns =
        "c.candidate, c.host, c.name, c.architecture, c.version, c.source, c.source_version, c.reading, c.problem, c.read_at"

    /// Notes that a host was asked to read a file.
    ///
    /// - Parameter claim: the file and the host, without a reading or a problem.
    public func ask(organisation: String, _ claim: Claim) throws {
        try write(organisation, claim, reading: nil, problem: "")
    }

    /// Keeps a claim, and what was read where nobody has read the same before. A host's later word replaces its earlier one.
    public func put(organisation: String, _ claim: Claim, content: [UInt8]?) throws {
        if let reading = claim.reading, let content {
            try sql.execute(
                """
                INSERT INTO changelog_readings (organisation, digest, content) VALUES (?1, ?2, ?3)
                ON CONFLICT (organisation, digest) DO NOTHING
                """, organisation, reading, content)
        }
        let problem = claim.reading == nil && claim.problem.isEmpty ? "the host does not say why" : claim.problem
        try write(organisation, claim, reading: claim.reading, problem: problem)
    }

    private func write(_ organisation: String, _ claim: Claim, reading: SHA256Digest?, problem: String) throws {
        try sql.execute(
            """
            INSERT INTO changelog_claims
                (organisation, candidate, host, name, architecture, version, source, source_version, reading, problem, read_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT (organisation, candidate, host) DO UPDATE
            SET name = excluded.name, architecture = excluded.architecture, version = excluded.version,
                source = excluded.source, source_version = excluded.source_version,
                reading = excluded.reading, problem = excluded.problem, read_at = excluded.read_at
            """, organisation, claim.candidate, claim.host, claim.name, claim.architecture, claim.version, claim.source,
            claim.sourceVersion, reading, problem, claim.readAt)
    }

    /// What one host was asked and has answered, by the file's digest.
    public func claims(organisation: String, host: String) throws -> [SHA256Digest: Claim] {
        let claims = try sql.rows(
            "SELECT \(Self.columns) FROM changelog_claims c WHERE c.organisation = ?1 AND c.host = ?2", organisation,
            host,
            read: Self.claim)
        return Dictionary(claims.map { ($0.candidate, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The claims on some source packages, with who was asked.
    public func claims(organisation: String, sources: Set<String>) throws -> [Claim] {
        let sources = sources.sorted()
        var claims: [Claim] = []
        for start in stride(from: 0, to: sources.count, by: 512) {
            let part = PackageInterning.padded(Array(sources[start..<min(start + 512, sources.count)]))
            let places = (2...(part.count + 1)).map { "?\($0)" }.joined(separator: ", ")
            claims += try sql.rows(
                """
                SELECT \(Self.columns) \(Self.ofActiveHosts)
                WHERE c.organisation = ?1 AND c.source IN (\(places))
                ORDER BY c.source, c.source_version, c.read_at, c.host
                """, list: [organisation.sqlValue] + part.map(\.sqlValue), read: Self.claim)
        }
        return claims
    }

    /// All answers of an organisation's active hosts, by source package and time.
    public func claims(organisation: String) throws -> [Claim] {
        try sql.rows(
            """
            SELECT \(Self.columns) \(Self.ofActiveHosts)
            WHERE c.organisation = ?1 AND \(Self.answered)
            ORDER BY c.source, c.source_version, c.read_at, c.host
            """, organisation, read: Self.claim)
    }

    private static func claim(_ row: inout SQLRow) throws -> Claim {
        Claim(
            candidate: try row.digest(), host: try row.text(), name: try row.text(), architecture: try row.text(),
            version: try row.text(), source: try row.text(), sourceVersion: try row.text(),
            reading: try row.optionalDigest(), problem: try row.text(), readAt: try row.timestamp())
    }

    /// What was read.
    public func readings(organisation: String) throws -> [SHA256Digest: [UInt8]] {
        let rows = try sql.rows(
            "SELECT digest, content FROM changelog_readings WHERE organisation = ?1", organisation
        ) { row in (try row.digest(), try row.blob()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// For each organisation with answers another number than before where answers or the hosts that count have changed.
    public func stamps() throws -> [String: Int64] {
        let rows = try sql.rows(
            "SELECT c.organisation, \(Self.stamp) \(Self.ofActiveHosts) WHERE \(Self.answered) GROUP BY c.organisation"
        ) { row in (try row.text(), try row.integer()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// The number of one organisation; 0 where there are no answers.
    public func stamp(organisation: String) throws -> Int64 {
        try sql.first(
            "SELECT \(Self.stamp) \(Self.ofActiveHosts) WHERE c.organisation = ?1 AND \(Self.answered)", organisation
        ) { row in try row.integer() } ?? 0
    }

    /// The remainder keeps the sum within 64 bits; no two times of a claim fall together within 24 days.
    private static let stamp = "CAST(coalesce(sum(1 + c.read_at % 2147483647), 0) AS BIGINT)"

    /// Removes what is old, who was asked long ago, what one host has too much of, and readings that no claim names.
    ///
    /// - Parameter host: the host whose number of claims is bounded; nil for none.
    public func prune(organisation: String, host: String? = nil, now: Timestamp) throws {
        try sql.execute(
            """
            DELETE FROM changelog_claims
            WHERE organisation = ?1 AND (read_at < ?2 OR (reading IS NULL AND problem = '' AND read_at < ?3))
            """, organisation, now.adding(seconds: -Self.keptSeconds), now.adding(seconds: -Self.askedSeconds))
        if let host {
            try sql.execute(
                """
                DELETE FROM changelog_claims WHERE organisation = ?1 AND host = ?2 AND candidate NOT IN (
                    SELECT candidate FROM changelog_claims WHERE organisation = ?1 AND host = ?2
                    ORDER BY read_at DESC, candidate LIMIT ?3)
                """, organisation, host, Int64(Self.mostOfHost))
        }
        try sql.execute(
            """
            DELETE FROM changelog_readings WHERE organisation = ?1 AND digest NOT IN (
                SELECT reading FROM changelog_claims WHERE organisation = ?1 AND reading IS NOT NULL)
            """, organisation)
    }
}

extension Transaction {
    /// What hosts have read in changelogs.
    public var changelogs: Changelogs { Changelogs(sql: self) }
}

extension Verdicts {
    /// A host's software set; nil before its first report.
    public func softwareSet(organisation: String, host: String) throws -> SHA256Digest? {
        let found = try sql.first(
            "SELECT set_digest FROM hosts WHERE organisation = ?1 AND id = ?2", organisation, host
        ) { row in try row.optionalDigest() }
        return found.flatMap { $0 }
    }
}
