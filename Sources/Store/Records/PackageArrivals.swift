import Digest
public import Inventory
public import Timestamps

/// Since when hosts have source packages that they did not have at first.
///
/// A finding's clock on a host cannot start before the package was there. One row is kept for each host and source package that
/// came after the host's first report; an update, a rollback or another build of the same source is no arrival. What goes and
/// comes back within ``memory`` was never away: removing a package and installing it again starts no clock anew.
public struct PackageArrivals {
    let sql: Transaction

    /// How long it is remembered that a package was on a host after it went, in seconds; as long as the clock of what was closed.
    public static let memory: Int64 = 30 * 86_400

    /// What packages of one source are called here.
    public static func key(_ package: SoftwarePackage) -> String {
        "\(package.scheme)\t\(package.source.isEmpty ? package.name : package.source)"
    }

    /// One source package on one host.
    struct Arrival: Hashable {
        /// Since when it is there; nil for the host's beginning.
        var since: Timestamp?
        /// Since when it is gone.
        var left: Timestamp?
    }

    /// What becomes of a host's arrivals by a change of its packages: pure, so that reports and the history give the same.
    static func step(
        _ known: Arrival?, isComing: Bool, at time: Timestamp
    ) -> Arrival? {
        if isComing {
            guard let known else { return Arrival(since: time) }
            guard let left = known.left else { return known }
            // What was there from the beginning and was not away for long needs no row.
            if time.seconds(since: left) <= memory { return known.since.map { Arrival(since: $0) } }
            return Arrival(since: time)
        }
        return Arrival(since: known?.since, left: time)
    }

    /// Takes note of a host's change from one set to another.
    ///
    /// - Parameter time: when it was seen.
    func note(
        organisation: String, host: String, from old: SHA256Digest, to new: SHA256Digest, at time: Timestamp
    ) throws {
        let (come, gone) = try difference(organisation, old, new)
        guard !come.isEmpty || !gone.isEmpty else { return }
        for (source, isComing) in come.sorted().map({ ($0, true) }) + gone.sorted().map({ ($0, false) }) {
            let known = try sql.first(
                """
                SELECT since, left_at FROM package_arrivals WHERE organisation = ?1 AND host = ?2 AND source = ?3
                """, organisation, host, source, read: Self.read)
            let next = Self.step(known, isComing: isComing, at: time)
            guard next != known else { continue }
            try put(next, organisation, host, source)
        }
    }

    private func put(_ arrival: Arrival?, _ organisation: String, _ host: String, _ source: String) throws {
        guard let arrival else {
            try sql.execute(
                "DELETE FROM package_arrivals WHERE organisation = ?1 AND host = ?2 AND source = ?3", organisation,
                host, source)
            return
        }
        try sql.execute(
            """
            INSERT INTO package_arrivals (organisation, host, source, since, left_at) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (organisation, host, source) DO UPDATE SET since = excluded.since, left_at = excluded.left_at
            """, organisation, host, source, arrival.since ?? Timestamp(milliseconds: 0), arrival.left)
    }

    private static func read(_ row: inout SQLRow) throws -> Arrival {
        let since = try row.timestamp()
        return Arrival(since: since.milliseconds == 0 ? nil : since, left: try row.optionalTimestamp())
    }

    /// The sources that one set has and the other has not; none where either is not stored: nothing is known of it then.
    private func difference(
        _ organisation: String, _ old: SHA256Digest, _ new: SHA256Digest
    ) throws -> (come: Set<String>, gone: Set<String>) {
        guard old != new, let before = try sql.verdicts.packages(organisation: organisation, set: old).map(Set.init),
            let after = try sql.verdicts.packages(organisation: organisation, set: new).map(Set.init)
        else { return ([], []) }
        var come = try sources(after.subtracting(before))
        var gone = try sources(before.subtracting(after))
        (come, gone) = (come.subtracting(gone), gone.subtracting(come))
        guard !come.isEmpty || !gone.isEmpty else { return ([], []) }
        // Another binary of a source that stays is no arrival.
        let stays = try sources(after.intersection(before))
        return (come.subtracting(stays), gone.subtracting(stays))
    }

    private func sources(_ ids: Set<Int64>) throws -> Set<String> {
        guard !ids.isEmpty else { return [] }
        return Set(
            try PackageInterning(sql: sql).lines(of: ids.sorted()).compactMap(SoftwarePackage.init(line:)).map(
                Self.key))
    }

    /// What came to hosts later and is there, by host and ``key(_:)``.
    public func all(organisation: String) throws -> [String: [String: Timestamp]] {
        var found: [String: [String: Timestamp]] = [:]
        _ = try sql.rows(
            "SELECT host, source, since FROM package_arrivals WHERE organisation = ?1 AND left_at IS NULL", organisation
        ) { row in
            let (host, source) = (try row.text(), try row.text())
            found[host, default: [:]][source] = try row.timestamp()
        }
        return found
    }

    /// What came to one host later and is there, by ``key(_:)``.
    public func of(organisation: String, host: String) throws -> [String: Timestamp] {
        let rows = try sql.rows(
            """
            SELECT source, since FROM package_arrivals WHERE organisation = ?1 AND host = ?2 AND left_at IS NULL
            """, organisation, host
        ) { row in (try row.text(), try row.timestamp()) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Forgets what went before a time, in all organisations.
    public func forget(before time: Timestamp) throws {
        try sql.execute("DELETE FROM package_arrivals WHERE left_at < ?1", time)
    }

    /// A machine that is enrolled again goes on with its clocks: what has the same machine id and the same product UUID is the
    /// same machine, whether or not somebody has retired its older entry.
    func take(over old: HostRecord, by new: String) throws {
        try sql.execute(
            """
            UPDATE hosts SET continues = ?3,
                clocks_from = (SELECT coalesce(p.clocks_from, p.enrolled_at) FROM hosts p
                    WHERE p.organisation = ?1 AND p.id = ?3)
            WHERE organisation = ?1 AND id = ?2
            """, old.organisation, new, old.id)
        try sql.execute(
            """
            INSERT INTO package_arrivals (organisation, host, source, since, left_at)
            SELECT organisation, ?2, source, since, left_at FROM package_arrivals WHERE organisation = ?1 AND host = ?3
            """, old.organisation, new, old.id)
    }

    /// The last set of what a host was before it was enrolled again; nil where it is new.
    func formerSet(organisation: String, host: String) throws -> SHA256Digest? {
        try sql.first(
            """
            SELECT p.set_digest FROM hosts h JOIN hosts p ON p.organisation = h.organisation AND p.id = h.continues
            WHERE h.organisation = ?1 AND h.id = ?2
            """, organisation, host
        ) { row in try row.optionalDigest() }.flatMap(\.self)
    }

    /// Reads a host's reports for what came, where the server had them before it kept this. What lies before the oldest report
    /// that it has, or between two of which a set is gone, cannot be told: such a package counts as there from the beginning.
    func rebuild(organisation: String, host: String) throws {
        let states = try sql.rows(
            """
            SELECT set_digest, observed_at, recorded_at FROM host_states WHERE organisation = ?1 AND host = ?2
            ORDER BY recorded_at, observed_at, sequence
            """, organisation, host
        ) { row in (set: try row.digest(), at: min(try row.timestamp(), try row.timestamp())) }
        for (before, after) in zip(states, states.dropFirst()) where before.set != after.set {
            try note(organisation: organisation, host: host, from: before.set, to: after.set, at: after.at)
        }
        try sql.execute(
            "UPDATE hosts SET arrivals_read = 1 WHERE organisation = ?1 AND id = ?2", organisation, host)
    }
}

extension Transaction {
    /// Since when hosts have what they did not have at first.
    public var packageArrivals: PackageArrivals { PackageArrivals(sql: self) }
}

extension Store {
    /// Reads what came to hosts from the reports of a database that was filled before this was kept; once, before anything else.
    func deriveArrivals() async throws {
        let hosts = try await read { sql in
            try sql.rows("SELECT organisation, id FROM hosts WHERE arrivals_read = 0 ORDER BY organisation, id") {
                row in
                (organisation: try row.text(), id: try row.text())
            }
        }
        for start in stride(from: 0, to: hosts.count, by: 50) {
            let part = Array(hosts[start..<min(start + 50, hosts.count)])
            try await write { sql in
                for host in part {
                    // Another server may have done it meanwhile.
                    let isDue =
                        try sql.first(
                            "SELECT arrivals_read FROM hosts WHERE organisation = ?1 AND id = ?2", host.organisation,
                            host.id
                        ) { row in try row.integer() } == 0
                    if isDue { try sql.packageArrivals.rebuild(organisation: host.organisation, host: host.id) }
                }
            }
        }
    }
}
