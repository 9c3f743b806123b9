import Digest
import JSON
public import Timestamps

/// One numbered observation that a host reports.
public struct ReportEntry: Hashable, Sendable {
    /// Counts from 1 within an incarnation.
    public var sequence: Int64
    /// When the host was scanned, by its own clock.
    public var observed: Timestamp
    /// The running boot.
    public var bootID: String?
    /// What was found.
    public var digests: DocumentDigests
    /// Why it was scanned.
    public var cause: String

    /// An observation with these fields.
    public init(sequence: Int64, observed: Timestamp, bootID: String?, digests: DocumentDigests, cause: String) {
        self.sequence = sequence
        self.observed = observed
        self.bootID = bootID
        self.digests = digests
        self.cause = cause
    }
}

/// Consecutive reports of one host.
public struct ReportSubmission: Sendable {
    /// The host's organisation.
    public var organisation: String
    /// The host.
    public var host: String
    /// The life of its report queue, within which reports are numbered.
    public var incarnation: String
    /// The reports, in order.
    public var entries: [ReportEntry]
    /// Whether a number above the expected one is taken: where this server was restored from a backup, or the
    /// incarnation is new to it, what lies between was acknowledged to the agent and deleted there.
    public var acceptsGap: Bool

    /// Reports of that host.
    public init(
        organisation: String, host: String, incarnation: String, entries: [ReportEntry], acceptsGap: Bool = false
    ) {
        self.organisation = organisation
        self.host = host
        self.incarnation = incarnation
        self.entries = entries
        self.acceptsGap = acceptsGap
    }
}

/// What became of a submission.
public struct ReportOutcome: Hashable, Sendable {
    /// The number that is expected next: all below are on disk.
    public var nextReport: Int64
    /// Documents that the next reports name and the organisation does not hold.
    public var needed: [DocumentName]
    /// How many were taken now; those taken before count as nothing.
    public var accepted: Int

    /// That outcome.
    public init(nextReport: Int64, needed: [DocumentName], accepted: Int) {
        self.nextReport = nextReport
        self.needed = needed
        self.accepted = accepted
    }
}

/// What the server makes of a facts document for lists.
public struct FactsSummary: Hashable, Sendable {
    /// The host's name; nil leaves the one that is known.
    public var hostname: String?
    /// The operating system's name and version.
    public var operatingSystem: String
    /// Anything else that lists show: a JSON object.
    public var json: String
    /// Whether the host must be restarted; nil where it does not know.
    public var rebootRequired: Bool?
    /// How many packages are in a broken state, an interrupted transaction counted as one; nil where it does not know.
    public var broken: Int64?
    /// How many things must be restarted; nil where it does not know.
    public var restarts: Int64?
    /// When its package indexes were last fetched, by its own clock; nil where it does not know.
    public var indexesFetched: Timestamp?
    /// Its addresses.
    public var addresses: [String] = []

    /// A summary with these fields; the others are not known.
    public init(hostname: String?, operatingSystem: String, json: String = "{}") {
        self.hostname = hostname
        self.operatingSystem = operatingSystem
        self.json = json
    }
}

/// Numbered reports, each taken once, in order, and acknowledged when they are on disk.
public struct Reports {
    let sql: Transaction

    /// Takes what can be taken of a submission. Sending one again changes nothing.
    ///
    /// - Parameters:
    ///   - record: the host as this transaction has read it; nil to read it here.
    ///   - summarise: makes a summary of a facts document, for lists; not asked for one of ``Store/remember(_:facts:)``.
    /// - Throws: ``HostError`` for a host that is unknown or may not report.
    public func accept(
        _ submission: ReportSubmission, from record: HostRecord? = nil, now: Timestamp,
        summarise: @Sendable ([UInt8]) -> FactsSummary? = { _ in nil }
    ) throws -> ReportOutcome {
        let organisation = submission.organisation
        guard let host = try record ?? Hosts(sql: sql).show(organisation: organisation, id: submission.host) else {
            throw HostError.unknown(submission.host)
        }
        guard host.status == .active else {
            throw HostError.notActive(host.id, host.status, reason: host.statusReason)
        }
        var expected = try expectedReport(host, incarnation: submission.incarnation)
        var accepted: [ReportEntry] = []
        var needed: [DocumentName] = []
        var held: Set<DocumentName> = []
        var before = host.digests?.set
        for (position, entry) in submission.entries.enumerated() {
            if entry.sequence < expected { continue }
            if entry.sequence > expected {
                guard submission.acceptsGap else { break }
            }
            let missing = try sql.documents.unknown(
                organisation: organisation, entry.digests.names.filter { !held.contains($0) })
            guard missing.isEmpty else {
                // Ask at once for all that the rest of the batch names.
                let rest = submission.entries[position...].flatMap(\.digests.names).filter { !held.contains($0) }
                needed = try sql.documents.unknown(organisation: organisation, rest)
                break
            }
            held.formUnion(entry.digests.names)
            if entry.sequence > expected {
                try recordGap(host, submission.incarnation, from: expected, to: entry.sequence, now)
            }
            try insert(entry, host, submission.incarnation, now)
            try noteArrivals(entry, before, host, now)
            before = entry.digests.set
            accepted.append(entry)
            expected = entry.sequence + 1
        }
        if let last = accepted.last {
            try update(host, submission.incarnation, last, expected, now, summarise)
        }
        return ReportOutcome(nextReport: expected, needed: needed, accepted: accepted.count)
    }

    /// The number expected next of a host in that incarnation: 1 in a new one.
    public func expectedReport(_ host: HostRecord, incarnation: String) throws -> Int64 {
        if host.incarnation == incarnation { return host.nextReport }
        let last = try sql.first(
            """
            SELECT coalesce(max(sequence), 0) FROM host_states WHERE organisation = ?1 AND host = ?2 AND incarnation = ?3
            """, host.organisation, host.id, incarnation
        ) { row in try row.integer() }
        return (last ?? 0) + 1
    }

    private func insert(_ entry: ReportEntry, _ host: HostRecord, _ incarnation: String, _ now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO host_states (organisation, host, incarnation, sequence, observed_at, recorded_at, boot_id,
                set_digest, offers_digest, facts_digest, cause)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """, host.organisation, host.id, incarnation, entry.sequence, entry.observed, now, entry.bootID,
            entry.digests.set, entry.digests.offers, entry.digests.facts, entry.cause)
    }

    /// What was not on the host before has clocks of its own.
    private func noteArrivals(
        _ entry: ReportEntry, _ before: SHA256Digest?, _ host: HostRecord, _ now: Timestamp
    ) throws {
        let former =
            try before ?? sql.packageArrivals.formerSet(organisation: host.organisation, host: host.id)
        guard let former, former != entry.digests.set else { return }
        // A host's clock that runs ahead dates nothing into the future.
        try sql.packageArrivals.note(
            organisation: host.organisation, host: host.id, from: former, to: entry.digests.set,
            at: min(entry.observed, now))
    }

    private func recordGap(
        _ host: HostRecord, _ incarnation: String, from: Int64, to: Int64, _ now: Timestamp
    ) throws {
        try sql.audit.append(
            organisation: host.organisation, actor: "server", action: "reports.skipped", subject: "host:\(host.id)",
            detail: [
                "from": .integer(from), "to": .integer(to - 1), "incarnation": .string(incarnation),
                "reason": "acknowledged before this server was restored, or to another server",
            ], now: now)
    }

    /// Makes the last report taken the host's current state.
    private func update(
        _ host: HostRecord, _ incarnation: String, _ last: ReportEntry, _ expected: Int64, _ now: Timestamp,
        _ summarise: @Sendable ([UInt8]) -> FactsSummary?
    ) throws {
        var assignments = """
            incarnation = ?4, next_report = ?5, set_digest = ?6, offers_digest = ?7, facts_digest = ?8, observed_at = ?9,
            reported_at = ?3
            """
        var parameters: [SQLValue] = [
            .text(incarnation), .integer(expected), last.digests.set.sqlValue, last.digests.offers.sqlValue,
            last.digests.facts.sqlValue, last.observed.sqlValue,
        ]
        func assign(_ column: String, _ value: any SQLRepresentable) {
            parameters.append(value.sqlValue)
            assignments += ", \(column) = ?\(parameters.count + 3)"
        }
        var set: PendingSets.Stored?
        if last.digests.offers != host.digests?.offers {
            set = try PendingSets(sql: sql).set(organisation: host.organisation, offers: last.digests.offers)
            assign("pending_set", set?.id ?? 0)
            assign("pending_count", set?.pending ?? 0)
            assign("security_count", set?.security ?? 0)
        }
        var facts: FactsSummary?
        if last.digests.facts != host.digests?.facts,
            let summary = try summary(host.organisation, last.digests.facts, summarise)
        {
            facts = summary
            assign("operating_system", summary.operatingSystem)
            assign("summary", summary.json)
            if let hostname = summary.hostname, hostname != host.hostname {
                assign("hostname", hostname)
                try sql.assets.setAttribute(
                    organisation: host.organisation, asset: host.asset, name: "hostname", value: hostname,
                    source: "host:\(host.id)", validFrom: last.observed, now: now)
            }
        }
        let changed = try Hosts(sql: sql).change(host.organisation, host.id, assignments, parameters, now)
        try HostSummaries(sql: sql).put(changed, facts: facts, offers: set?.indexes, pendingSet: set?.id)
    }

    private func summary(
        _ organisation: String, _ digest: SHA256Digest, _ summarise: @Sendable ([UInt8]) -> FactsSummary?
    ) throws -> FactsSummary? {
        if let known = sql.caches.summaries[digest] { return known }
        return try sql.documents.facts(organisation: organisation, digest).flatMap(summarise)
    }
}

extension Transaction {
    /// Numbered reports.
    public var reports: Reports { Reports(sql: self) }
}
