public import Inventory
public import Timestamps

/// What a host looked like from one report on.
public struct HostState: Hashable, Sendable {
    /// When it was seen, by the host's clock.
    public var observed: Timestamp
    /// When that was recorded, by ours.
    public var recorded: Timestamp
    /// The life of the report queue.
    public var incarnation: String
    /// The report's number in it.
    public var sequence: Int64
    /// The running boot.
    public var bootID: String?
    /// The documents.
    public var digests: DocumentDigests
    /// Why the host was scanned.
    public var cause: String
}

/// What differs between two software sets.
public struct SetDifference: Hashable, Sendable {
    /// Packages that came.
    public var added: [SoftwarePackage]
    /// Packages that went.
    public var removed: [SoftwarePackage]
    /// Packages whose version (or source) changed.
    public var changed: [Change]

    /// One package in two versions.
    public struct Change: Hashable, Sendable {
        /// As it was.
        public var from: SoftwarePackage
        /// As it became.
        public var to: SoftwarePackage
    }

    /// The difference between two sets. A package that is installed in several versions (kernels, on some systems)
    /// comes and goes version by version.
    public init(from old: SoftwareSet, to new: SoftwareSet) {
        struct Key: Hashable {
            let scheme: String
            let name: String
            let architecture: String
        }
        let before = Set(old.packages)
        let after = Set(new.packages)
        func grouped(_ packages: [SoftwarePackage]) -> [Key: [SoftwarePackage]] {
            Dictionary(grouping: packages) { Key(scheme: $0.scheme, name: $0.name, architecture: $0.architecture) }
        }
        let gone = grouped(old.packages.filter { !after.contains($0) })
        let come = grouped(new.packages.filter { !before.contains($0) })
        var changed: [Change] = []
        var removed: [SoftwarePackage] = []
        var added: [SoftwarePackage] = []
        for (key, packages) in gone {
            if packages.count == 1, let others = come[key], others.count == 1 {
                changed.append(Change(from: packages[0], to: others[0]))
            } else {
                removed += packages
            }
        }
        for (key, packages) in come where !(packages.count == 1 && gone[key]?.count == 1) { added += packages }
        self.added = added.sorted()
        self.removed = removed.sorted()
        self.changed = changed.sorted { $0.from < $1.from }
    }
}

/// Which set a host had when.
public struct History {
    let sql: Transaction

    static let columns = """
        observed_at, recorded_at, incarnation, sequence, boot_id, set_digest, offers_digest, facts_digest, cause
        """

    /// The host's state at `time` by its clock; nil before the first report.
    ///
    /// - Parameter known: what was recorded by then; nil for all that is known now.
    public func state(
        organisation: String, host: String, at time: Timestamp, asKnownAt known: Timestamp? = nil
    ) throws -> HostState? {
        try sql.first(
            """
            SELECT \(Self.columns) FROM host_states
            WHERE organisation = ?1 AND host = ?2 AND observed_at <= ?3 AND recorded_at <= ?4
            ORDER BY observed_at DESC, recorded_at DESC, sequence DESC LIMIT 1
            """, organisation, host, time, known ?? Timestamp(milliseconds: .max), read: Self.read)
    }

    /// The host's states, the newest first, before that time by its clock.
    public func states(
        organisation: String, host: String, before time: Timestamp? = nil, limit: Int = 100
    ) throws -> [HostState] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM host_states WHERE organisation = ?1 AND host = ?2 AND observed_at < ?3
            ORDER BY observed_at DESC, recorded_at DESC, sequence DESC LIMIT ?4
            """, organisation, host, time ?? Timestamp(milliseconds: .max), limit, read: Self.read)
    }

    /// What changed on a host between two times; nil where nothing was known at one of them.
    public func difference(
        organisation: String, host: String, from: Timestamp, to: Timestamp
    ) throws -> SetDifference? {
        guard let before = try state(organisation: organisation, host: host, at: from),
            let after = try state(organisation: organisation, host: host, at: to),
            let old = try sql.documents.softwareSet(organisation: organisation, before.digests.set),
            let new = try sql.documents.softwareSet(organisation: organisation, after.digests.set)
        else { return nil }
        return SetDifference(from: old, to: new)
    }

    static func read(_ row: inout SQLRow) throws -> HostState {
        HostState(
            observed: try row.timestamp(), recorded: try row.timestamp(), incarnation: try row.text(),
            sequence: try row.integer(), bootID: try row.optionalText(),
            digests: DocumentDigests(set: try row.digest(), offers: try row.digest(), facts: try row.digest()),
            cause: try row.text())
    }
}

extension Transaction {
    /// Which set a host had when.
    public var history: History { History(sql: self) }
}
