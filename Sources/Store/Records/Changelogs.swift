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

    /// Keeps a claim, and what was read where nobody has read the same before. A host's later word replaces its earlier one.
    public func put(organisation: String, _ claim: Claim, content: [UInt8]?) throws {
        if let reading = claim.reading, let content {
            try sql.execute(
                """
                INSERT INTO changelog_readings (organisation, digest, content) VALUES (?1, ?2, ?3)
                ON CONFLICT (organisation, digest) DO NOTHING
                """, organisation, reading, content)
        }
        try sql.execute(
            """
            INSERT INTO changelog_claims
                (organisation, candidate, host, name, architecture, version, source, source_version, reading, problem, read_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT (organisation, candidate, host) DO UPDATE
            SET reading = excluded.reading, problem = excluded.problem, read_at = excluded.read_at
            """, organisation, claim.candidate, claim.host, claim.name, claim.architecture, claim.version, claim.source,
            claim.sourceVersion, claim.reading, claim.problem, claim.readAt)
        try sql.execute(
            "DELETE FROM changelog_claims WHERE organisation = ?1 AND read_at < ?2", organisation,
            claim.readAt.adding(seconds: -Self.keptSeconds))
    }

    /// All claims of an organisation, by source package and time.
    public func claims(organisation: String) throws -> [Claim] {
        try sql.rows(
            """
            SELECT candidate, host, name, architecture, version, source, source_version, reading, problem, read_at
            FROM changelog_claims WHERE organisation = ?1 ORDER BY source, source_version, read_at, host
            """, organisation
        ) { row in
            Claim(
                candidate: try row.digest(), host: try row.text(), name: try row.text(), architecture: try row.text(),
                version: try row.text(), source: try row.text(), sourceVersion: try row.text(),
                reading: try row.optionalDigest(), problem: try row.text(), readAt: try row.timestamp())
        }
    }

    /// What was read.
    public func readings(organisation: String) throws -> [SHA256Digest: [UInt8]] {
        let rows = try sql.rows(
            "SELECT digest, content FROM changelog_readings WHERE organisation = ?1", organisation
        ) { row in (try row.digest(), try row.blob()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Another number than before where claims have come, of any organisation.
    public func stamp() throws -> Int64 {
        try sql.first("SELECT count(*) + coalesce(max(read_at), 0) FROM changelog_claims") { row in
            try row.integer()
        } ?? 0
    }
}

extension Transaction {
    /// What hosts have read in changelogs.
    public var changelogs: Changelogs { Changelogs(sql: self) }
}
