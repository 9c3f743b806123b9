public import Digest
public import Inventory
public import Timestamps

/// Where hosts' packages came from: kept for each host only where that is not known to be the distribution, and once for all
/// hosts that are alike.
///
/// A package that is not its distribution's has a negative number of its own, so that it is judged apart.
public struct PackageOrigins {
    let sql: Transaction

    /// Reports of a host that came in between are looked at too, at most so many.
    private static let maximumReports = 32
    /// Of a host of which nothing is known yet the last ones alone: where what it had came from is told by what it has.
    private static let firstReports = 2

    /// What a host's origins are, and what they were read from.
    public struct Known: Sendable, Hashable {
        /// The software set.
        public var set: SHA256Digest
        /// The offer set.
        public var offers: SHA256Digest
        /// When the host was scanned.
        public var observed: Timestamp
        /// Whether the host told of its repositories: what is in no origin set is then the distribution's own.
        public var isListed: Bool
        /// The number of the origin set; 0 where all packages are, or may be, the distribution's own.
        public var originSet: Int64
    }

    /// What was read for a host: its packages that are not known to be the distribution's own.
    public struct Reading: Sendable, Hashable {
        /// What it was read from; the number of the origin set is that of ``foreign`` only once it is recorded.
        public var known: Known
        /// By the package's number.
        public var foreign: [Int64: SoftwareOrigin]
    }

    /// What is known of an organisation's hosts, by id.
    public func all(organisation: String) throws -> [String: Known] {
        let rows = try sql.rows(
            """
            SELECT host, set_digest, offers_digest, observed_at, listed, origin_set FROM host_origins
            WHERE organisation = ?1
            """, organisation
        ) { row in
            (
                try row.text(),
                Known(
                    set: try row.digest(), offers: try row.digest(), observed: try row.timestamp(),
                    isListed: try row.bool(), originSet: try row.integer())
            )
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Reads where a host's packages came from, by its last reports and by what was known; nil where it has not reported, or
    /// where a document is gone.
    public func read(organisation: String, _ host: Verdicts.Host, since known: Known?) throws -> Reading? {
        guard let set = host.set, let offers = host.offers, let observed = host.observed else { return nil }
        var steps = try between(organisation, host.id, known?.observed, observed)
        if steps.last.map({ $0.set != set || $0.offers != offers }) ?? true { steps.append((set, offers, observed)) }
        var reading: Reading?
        if let known { reading = Reading(known: known, foreign: try foreign(in: known.originSet)) }
        for step in steps {
            // A document in between that was collected only leaves what it told untold.
            guard let next = try apply(organisation, step, reading) else { continue }
            reading = next
        }
        guard let reading, reading.known.set == set, reading.known.offers == offers else { return nil }
        return reading
    }

    private typealias Step = (set: SHA256Digest, offers: SHA256Digest, observed: Timestamp)

    /// What a host reported since, the oldest first.
    private func between(
        _ organisation: String, _ host: String, _ since: Timestamp?, _ until: Timestamp
    ) throws -> [Step] {
        try sql.rows(
            """
            SELECT set_digest, offers_digest, observed_at FROM host_states
            WHERE organisation = ?1 AND host = ?2 AND observed_at > ?3 AND observed_at <= ?4
            ORDER BY observed_at DESC, sequence DESC LIMIT \(since == nil ? Self.firstReports : Self.maximumReports)
            """, organisation, host, since ?? Timestamp(milliseconds: .min), until
        ) { row in (try row.digest(), try row.digest(), try row.timestamp()) }.reversed()
    }

    private func apply(_ organisation: String, _ step: Step, _ before: Reading?) throws -> Reading? {
        if let before, before.known.set == step.set, before.known.offers == step.offers { return before }
        guard let ids = try sql.verdicts.packages(organisation: organisation, set: step.set),
            let offers = try sql.documents.offerSet(organisation: organisation, step.offers)
        else { return nil }
        let packages = try PackageInterning(sql: sql).lines(of: ids).compactMap(SoftwarePackage.init(line:))
        guard packages.count == ids.count else {
            throw StoreError(
                .corrupt, "a package of the software set \(step.set.hex) cannot be read",
                cure: "restore the database from a backup")
        }
        // What was on the host before and is not among the foreign was the distribution's, where it told of repositories.
        var own: Set<Int64> = []
        if let before, before.known.isListed {
            own =
                before.known.set == step.set
                ? Set(ids) : Set(try sql.verdicts.packages(organisation: organisation, set: before.known.set) ?? [])
        }
        let numbers = Dictionary(zip(packages, ids), uniquingKeysWith: { first, _ in first })
        let origins = offers.origins(of: packages) { package in
            guard let id = numbers[package] else { return nil }
            return before?.foreign[id] ?? (own.contains(id) ? .distribution : nil)
        }
        var foreign: [Int64: SoftwareOrigin] = [:]
        for (id, origin) in zip(ids, origins) {
            switch origin {
            case .thirdParty, .unknown: foreign[id] = origin
            case .distribution, .assumed: break
            }
        }
        // Without lists, what is new is only taken for the distribution's.
        let isListed = offers.tellsOrigins || ((before?.known.isListed ?? false) && !origins.contains(.assumed))
        return Reading(
            known: Known(
                set: step.set, offers: step.offers, observed: step.observed, isListed: isListed, originSet: 0),
            foreign: foreign)
    }

    /// Gives what was read its number.
    ///
    /// - Returns: the number of the origin set; 0 where there is nothing in it.
    public func intern(organisation: String, _ foreign: [Int64: SoftwareOrigin], now: Timestamp) throws -> Int64 {
        guard !foreign.isEmpty else { return 0 }
        var numbers: [Int64] = []
        for (package, origin) in foreign.sorted(by: { $0.key < $1.key }) {
            numbers.append(try number(package, origin))
        }
        let text = numbers.sorted().reduce(into: ",") { $0 += "\($1)," }
        let digest = SHA256.hash(Array(text.utf8))
        func find() throws -> (id: Int64, storedAt: Timestamp)? {
            try sql.first(
                "SELECT id, stored_at FROM origin_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
            ) { row in (try row.integer(), try row.timestamp()) }
        }
        if let known = try find() {
            // It is about to be used: collecting leaves it alone.
            if known.storedAt <= now.adding(seconds: -3600) {
                try sql.execute("UPDATE origin_sets SET stored_at = ?2 WHERE id = ?1", known.id, now)
            }
            return known.id
        }
        let new = try sql.first(
            """
            INSERT INTO origin_sets (organisation, digest, packages, stored_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO NOTHING RETURNING id
            """, organisation, digest, text, now
        ) { row in try row.integer() }
        guard let id = try new ?? find()?.id else {
            throw StoreError(.serialization, "an origin set was stored by another transaction", cure: "try again")
        }
        return id
    }

    private func number(_ package: Int64, _ origin: SoftwareOrigin) throws -> Int64 {
        let (kind, text) = Self.words(origin)
        func find() throws -> Int64? {
            try sql.first(
                "SELECT id FROM foreign_packages WHERE package = ?1 AND kind = ?2 AND origin = ?3", package, kind, text
            ) { row in try row.integer() }
        }
        if let known = try find() { return known }
        let new = try sql.first(
            """
            INSERT INTO foreign_packages (package, kind, origin) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING RETURNING id
            """, package, kind, text
        ) { row in try row.integer() }
        guard let id = try new ?? find() else {
            throw StoreError(.serialization, "an origin was stored by another transaction", cure: "try again")
        }
        return id
    }

    /// Keeps what is known of a host now.
    public func record(organisation: String, host: String, _ known: Known) throws {
        try sql.execute(
            """
            INSERT INTO host_origins (organisation, host, set_digest, offers_digest, observed_at, listed, origin_set)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organisation, host) DO UPDATE SET
                set_digest = excluded.set_digest, offers_digest = excluded.offers_digest,
                observed_at = excluded.observed_at, listed = excluded.listed, origin_set = excluded.origin_set
            """, organisation, host, known.set, known.offers, known.observed, known.isListed, known.originSet)
    }

    /// The packages of an origin set: for each the number that it has as not the distribution's.
    public func numbers(in originSet: Int64) throws -> [Int64: Int64] {
        Dictionary(try rows(in: originSet).map { ($0.package, -$0.id) }, uniquingKeysWith: { first, _ in first })
    }

    private func foreign(in originSet: Int64) throws -> [Int64: SoftwareOrigin] {
        Dictionary(try rows(in: originSet).map { ($0.package, $0.origin) }, uniquingKeysWith: { first, _ in first })
    }

    private func rows(in originSet: Int64) throws -> [(id: Int64, package: Int64, origin: SoftwareOrigin)] {
        guard originSet > 0 else { return [] }
        let text = try sql.first("SELECT packages FROM origin_sets WHERE id = ?1", originSet) { row in try row.text() }
        guard let text else {
            throw StoreError(
                .corrupt, "the origin set \(originSet) is not there", cure: "restore the database from a backup")
        }
        return try rows(text.split(separator: ",").compactMap { Int64($0) })
    }

    private func rows(_ ids: [Int64]) throws -> [(id: Int64, package: Int64, origin: SoftwareOrigin)] {
        var found: [(Int64, Int64, SoftwareOrigin)] = []
        for start in stride(from: 0, to: ids.count, by: 64) {
            let part = PackageInterning.padded(Array(ids[start..<min(start + 64, ids.count)]))
            let places = (1...part.count).map { "?\($0)" }.joined(separator: ", ")
            found += try sql.rows(
                "SELECT id, package, kind, origin FROM foreign_packages WHERE id IN (\(places))",
                list: part.map(\.sqlValue)
            ) { row in
                (try row.integer(), try row.integer(), Self.origin(kind: try row.text(), try row.text()))
            }
        }
        return found
    }

    /// What the negative numbers among these stand for.
    public func foreign(_ numbers: [Int64]) throws -> [Int64: (package: Int64, origin: SoftwareOrigin)] {
        let rows = try rows(numbers.filter { $0 < 0 }.map { -$0 })
        return Dictionary(rows.map { (-$0.id, ($0.package, $0.origin)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Removes origin sets that no host has any more and that were stored before `time`.
    func collect(storedBefore time: Timestamp) throws {
        try sql.execute(
            """
            DELETE FROM origin_sets WHERE stored_at < ?1 AND NOT EXISTS (SELECT 1 FROM host_origins h
                WHERE h.organisation = origin_sets.organisation AND h.origin_set = origin_sets.id)
            """, time)
    }

    private static func words(_ origin: SoftwareOrigin) -> (kind: String, text: String) {
        switch origin {
        case .thirdParty(let name): ("third-party", name)
        case .unknown(let why): ("unknown", why)
        case .distribution, .assumed: ("distribution", "")
        }
    }

    private static func origin(kind: String, _ text: String) -> SoftwareOrigin {
        switch kind {
        case "third-party": .thirdParty(text)
        case "distribution": .distribution
        default: .unknown(text)
        }
    }
}

extension Transaction {
    /// Where hosts' packages came from.
    public var packageOrigins: PackageOrigins { PackageOrigins(sql: self) }
}
