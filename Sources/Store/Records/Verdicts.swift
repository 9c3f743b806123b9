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
        /// Its offer set; nil before its first report.
        public var offers: SHA256Digest?
        /// The number of its origin set (``PackageOrigins``), for whoever has read it; 0 where all of its packages are, or may
        /// be, its distribution's own.
        public var origins: Int64 = 0
        /// The set of updates that it waits for; nil or 0 where that is not known.
        public var pendingSet: Int64?
        /// When it was enrolled; where the same machine was enrolled before, when that was.
        public var enrolled: Timestamp
        /// When it was last looked at; nil before its first report.
        public var observed: Timestamp?
        /// Its facts; nil before its first report.
        public var facts: SHA256Digest?
        /// Whether it may report; one in quarantine is judged all the same, so that its clocks run on.
        public var isActive: Bool

        /// What it has, as it is judged; nil before its first report.
        public var software: Software? { self.set.map { Software(set: $0, origins: origins) } }
    }

    /// A software set with where its packages came from: what hosts alike are judged by, once.
    public struct Software: Sendable, Hashable {
        /// The set.
        public var set: SHA256Digest
        /// The number of the origin set; 0 where there is none.
        public var origins: Int64

        /// A set with these origins.
        public init(set: SHA256Digest, origins: Int64 = 0) {
            self.set = set
            self.origins = origins
        }
    }

    /// A package as it is judged.
    public struct Subject: Sendable, Hashable {
        /// The package.
        public var package: SoftwarePackage
        /// Where it came from; its distribution's own is assumed where nothing else is known.
        public var origin: SoftwareOrigin
        /// Its number as its distribution's own.
        public var base: Int64
    }

    /// A host that has changed.
    public struct ChangedHost: Sendable, Hashable {
        /// Its organisation.
        public var organisation: String
        /// Its id.
        public var id: String
        /// As it is; nil where it was retired or revoked.
        public var host: Host?

        /// A host as it is.
        public init(organisation: String, id: String, host: Host?) {
            self.organisation = organisation
            self.id = id
            self.host = host
        }
    }

    /// What is open of a package and a vulnerability.
    public struct Open: Sendable, Hashable {
        /// `affected`, or `unknown` where it was affected and nobody who would know says anything any more.
        public var verdict: String
        /// Since when it is open, whatever the verdict has become since.
        public var since: Timestamp
        /// Since when a fix is known; nil while there is none.
        public var fixKnown: Timestamp?

        /// Something open.
        public init(verdict: String, since: Timestamp, fixKnown: Timestamp? = nil) {
            self.verdict = verdict
            self.since = since
            self.fixKnown = fixKnown
        }
    }

    /// What was open and is closed.
    public struct Closed: Sendable, Hashable {
        /// Since when it was open.
        public var since: Timestamp
        /// Since when a fix was known; nil while there was none.
        public var fixKnown: Timestamp?
        /// When it was closed.
        public var at: Timestamp

        /// Something closed.
        public init(since: Timestamp, fixKnown: Timestamp? = nil, at: Timestamp) {
            self.since = since
            self.fixKnown = fixKnown
            self.at = at
        }
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
        /// Whether it comes from a security origin.
        public var isSecurity = false
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
        /// What is now; empty where it is closed, ``gone`` where nobody has the package any more.
        public var after: String
        /// When.
        public var at: Timestamp
        /// Since when a fix is known; nil while there is none.
        public var fixKnown: Timestamp?
        /// Since when it is open: earlier than ``at`` where it was open under another id.
        public var since: Timestamp

        /// A change.
        public init(
            key: Key, before: String, after: String, at: Timestamp, fixKnown: Timestamp? = nil, since: Timestamp? = nil
        ) {
            self.since = since ?? at
            self.key = key
            self.before = before
            self.after = after
            self.at = at
            self.fixKnown = fixKnown
        }

        /// What ``after`` is where nobody has the package any more.
        public static let gone = "gone"
    }

    /// Hosts that changed since the watermark that was told last, of all organisations, and the watermark to ask with next.
    ///
    /// None is missed, however late its transaction commits; one may be told again.
    public func changedHosts(since stamp: Int64) throws -> (hosts: [ChangedHost], watermark: Int64) {
        let watermark = try sql.first(sql.dialect.changeWatermark) { row in try row.integer() } ?? 0
        let hosts = try sql.rows(
            "SELECT organisation, status, \(Self.columns) FROM hosts WHERE change >= ?1 ORDER BY organisation, id",
            stamp
        ) { row in
            let organisation = try row.text()
            let status = try row.text()
            let host = try Self.host(&row, isActive: status == HostStatus.active.rawValue)
            return ChangedHost(
                organisation: organisation, id: host.id, host: Self.judged.contains(status) ? host : nil)
        }
        return (hosts, watermark)
    }

    /// The hosts of an organisation that are judged, by id.
    public func hosts(organisation: String) throws -> [Host] {
        try sql.rows(
            "SELECT status, \(Self.columns) FROM hosts WHERE organisation = ?1 ORDER BY id", organisation
        ) { row in
            let status = try row.text()
            let host = try Self.host(&row, isActive: status == HostStatus.active.rawValue)
            return Self.judged.contains(status) ? host : nil
        }.compactMap(\.self)
    }

    private static let columns =
        """
        id, hostname, labels, set_digest, offers_digest, pending_set, coalesce(clocks_from, enrolled_at), observed_at,
            facts_digest
        """
    private static let judged: Set = [HostStatus.active.rawValue, HostStatus.quarantined.rawValue]

    private static func host(_ row: inout SQLRow, isActive: Bool) throws -> Host {
        Host(
            id: try row.text(), hostname: try row.text(), labels: try Labels.parse(row.text()),
            set: try row.optionalDigest(), offers: try row.optionalDigest(), pendingSet: try row.optionalInteger(),
            enrolled: try row.timestamp(),
            observed: try row.optionalTimestamp(), facts: try row.optionalDigest(), isActive: isActive)
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

    /// The numbers of what a host has: of packages that are not its distribution's own, those that they have as such; nil
    /// where the organisation does not hold the set.
    public func packages(organisation: String, _ software: Software) throws -> [Int64]? {
        guard let ids = try packages(organisation: organisation, set: software.set) else { return nil }
        let foreign = try sql.packageOrigins.numbers(in: software.origins)
        return foreign.isEmpty ? ids : ids.map { foreign[$0] ?? $0 }
    }

    /// The packages of these numbers.
    public func packages(_ ids: [Int64]) throws -> [Int64: SoftwarePackage] { try subjects(ids).mapValues(\.package) }

    /// The packages of these numbers, each with where it came from.
    public func subjects(_ ids: [Int64]) throws -> [Int64: Subject] {
        let foreign = try sql.packageOrigins.foreign(ids)
        var found: [Int64: Subject] = [:]
        let known = ids.filter { $0 > 0 || foreign[$0] != nil }
        let bases = known.map { foreign[$0]?.package ?? $0 }
        for (id, (base, line)) in zip(known, zip(bases, try PackageInterning(sql: sql).lines(of: bases))) {
            guard let package = SoftwarePackage(line: line) else { continue }
            found[id] = Subject(package: package, origin: foreign[id]?.origin ?? .assumed, base: base)
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
                "SELECT name, architecture, candidate, status, security FROM offered_updates WHERE id IN (\(places))",
                list: part.map(\.sqlValue)
            ) { row in
                Offer(
                    name: try row.text(), architecture: try row.text(), candidate: try row.text(),
                    status: try row.text(), isSecurity: try row.bool())
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

    /// What is open of an organisation.
    public func open(organisation: String) throws -> [Key: Open] {
        let rows = try sql.rows(
            "SELECT package, vulnerability, verdict, since, fix_known_at FROM open_verdicts WHERE organisation = ?1",
            organisation
        ) { row in
            (
                Key(package: try row.integer(), vulnerability: try row.text()),
                Open(
                    verdict: try row.text(), since: try row.timestamp(), fixKnown: try row.optionalTimestamp())
            )
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// What was closed lately (``forgetClosed(before:)``).
    public func closed(organisation: String) throws -> [Key: Closed] {
        let rows = try sql.rows(
            """
            SELECT package, vulnerability, since, fix_known_at, closed_at FROM closed_verdicts
            WHERE organisation = ?1
            """, organisation
        ) { row in
            (
                Key(package: try row.integer(), vulnerability: try row.text()),
                Closed(since: try row.timestamp(), fixKnown: try row.optionalTimestamp(), at: try row.timestamp())
            )
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Forgets what was closed before a time, in all organisations.
    public func forgetClosed(before time: Timestamp) throws {
        try sql.execute("DELETE FROM closed_verdicts WHERE closed_at < ?1", time)
    }

    /// Grows with every change of an organisation's verdicts; 0 before the first.
    public func revision(organisation: String) throws -> Int64 {
        try sql.first("SELECT revision FROM verdict_revisions WHERE organisation = ?1", organisation) { row in
            try row.integer()
        } ?? 0
    }

    /// The revisions of all organisations.
    public func revisions() throws -> [String: Int64] {
        let rows = try sql.rows("SELECT organisation, revision FROM verdict_revisions") { row in
            (try row.text(), try row.integer())
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Writes changes down: what is open now, and an event for each. A change whose `before` is not what stands in the
    /// database was written by another server, and is passed over.
    ///
    /// - Parameter catalogue: the digest of what was judged by.
    /// - Returns: the organisation's revision after it.
    @discardableResult
    public func record(organisation: String, _ changes: [Change], catalogue: SHA256Digest) throws -> Int64 {
        // The row first: of two servers that write at once one waits here.
        try sql.execute(
            """
            INSERT INTO verdict_revisions (organisation, revision, changed_at) VALUES (?1, 1, ?2)
            ON CONFLICT (organisation) DO UPDATE SET revision = verdict_revisions.revision + 1,
                changed_at = excluded.changed_at
            """, organisation, changes.map(\.at).max() ?? Timestamp(milliseconds: 0))
        for change in changes where try apply(change, organisation) {
            try sql.execute(
                """
                INSERT INTO verdict_events
                    (organisation, package, vulnerability, verdict_before, verdict_after, catalogue, at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                """, organisation, change.key.package, change.key.vulnerability, change.before, change.after, catalogue,
                change.at)
        }
        return try revision(organisation: organisation)
    }

    /// Whether the change was due.
    private func apply(_ change: Change, _ organisation: String) throws -> Bool {
        let (package, vulnerability) = (change.key.package, change.key.vulnerability)
        if change.after.isEmpty || change.after == Change.gone {
            try sql.execute(
                """
                INSERT INTO closed_verdicts (organisation, package, vulnerability, since, fix_known_at, closed_at)
                SELECT organisation, package, vulnerability, since, fix_known_at, ?5 FROM open_verdicts
                WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3 AND verdict = ?4
                ON CONFLICT (organisation, package, vulnerability) DO UPDATE SET since = excluded.since,
                    fix_known_at = excluded.fix_known_at, closed_at = excluded.closed_at
                """, organisation, package, vulnerability, change.before, change.at)
            return try sql.execute(
                """
                DELETE FROM open_verdicts
                WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3 AND verdict = ?4
                """, organisation, package, vulnerability, change.before) > 0
        }
        if change.before.isEmpty {
            try sql.execute(
                "DELETE FROM closed_verdicts WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3",
                organisation, package, vulnerability)
            return try sql.execute(
                """
                INSERT INTO open_verdicts (organisation, package, vulnerability, verdict, since, fix_known_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (organisation, package, vulnerability) DO NOTHING
                """, organisation, package, vulnerability, change.after, change.since,
                change.fixKnown) > 0
        }
        return try sql.execute(
            """
            UPDATE open_verdicts SET verdict = ?5
            WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3 AND verdict = ?4
            """, organisation, package, vulnerability, change.before, change.after) > 0
    }

    /// Notes since when fixes are known; nil where what was told of one was withdrawn. No verdict changes by that.
    public func noteFixes(organisation: String, _ fixes: [Key: Timestamp?]) throws {
        for (key, time) in fixes.sorted(by: {
            ($0.key.package, $0.key.vulnerability) < ($1.key.package, $1.key.vulnerability)
        }) {
            try sql.execute(
                """
                UPDATE open_verdicts SET fix_known_at = ?4
                WHERE organisation = ?1 AND package = ?2 AND vulnerability = ?3
                """, organisation, key.package, key.vulnerability, time)
        }
    }

    /// The changes of one vulnerability, the latest first, at most `limit`.
    ///
    /// - Parameters:
    ///   - packages: only of these; nil for all.
    ///   - latest: none after it: what is shown beside a view of that time must not be ahead of it; nil for all.
    public func changes(
        organisation: String, vulnerability: String, packages: Set<Int64>? = nil, until latest: Timestamp? = nil,
        limit: Int
    ) throws -> [Change] {
        let changes = try sql.rows(
            """
            SELECT package, verdict_before, verdict_after, at FROM verdict_events
            WHERE organisation = ?1 AND vulnerability = ?2 AND at <= ?3 ORDER BY id DESC LIMIT ?4
            """, organisation, vulnerability, latest ?? Timestamp(milliseconds: .max), packages == nil ? limit : 10_000
        ) { row in
            Change(
                key: Key(package: try row.integer(), vulnerability: vulnerability), before: try row.text(),
                after: try row.text(), at: try row.timestamp())
        }
        return Array(changes.filter { packages?.contains($0.key.package) ?? true }.prefix(limit))
    }
}

extension Transaction {
    /// What was judged of packages.
    public var verdicts: Verdicts { Verdicts(sql: self) }
}

extension Verdicts.Host {
    /// A host that has not reported.
    public init(id: String, hostname: String, labels: [String: String], enrolled: Timestamp, isActive: Bool = true) {
        self.init(
            id: id, hostname: hostname, labels: labels, set: nil, offers: nil, enrolled: enrolled, isActive: isActive)
    }
}
