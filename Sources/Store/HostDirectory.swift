import Synchronization
public import Timestamps

/// What check-ins need of each host, in memory: a host with nothing new is answered without the database.
///
/// Writes of this server show at once after their commit, those of other servers after ``Store/refreshDirectory()``.
public final class HostDirectory: Sendable {
    /// One host.
    public struct Entry: Sendable {
        /// The host as it stood when it was last read; its last-seen time may be older than ``lastSeen(host:)``.
        public let host: HostRecord
        /// Its certificates.
        public let certificates: [HostCertificate]
    }

    /// What a host's check-ins told, kept in memory and written down in batches.
    public struct Presence: Hashable, Sendable {
        /// When it was last seen.
        public var lastSeen: Timestamp
        /// Its clock less ours, in milliseconds; nil where it does not tell.
        public var clockOffset: Int64?
        /// When, by our clock, its last scan began that found what we hold; nil where it has not told.
        public var scannedAt: Timestamp?
    }
    /// What is written down of a host that was seen.
    typealias SeenHost = (host: String, lastSeen: Timestamp, clockOffset: Int64?, scannedAt: Timestamp?)

    private struct State {
        var hosts: [String: Entry] = [:]
        var serials: [String: String] = [:]
        var watermark: Int64 = 0
        /// Seen since the last flush.
        var unwritten: Set<String> = []
        var seen: [String: Presence] = [:]
        /// Changed since the fleet's index last caught up.
        var changed: Set<String> = []
        /// Seen since then.
        var touched: Set<String> = []
    }

    private let state = Mutex(State())

    init() {}

    /// The host with that id.
    public func host(_ id: String) -> Entry? {
        state.withLock { $0.hosts[id] }
    }

    /// The host that the certificate of that serial was issued to, and the certificate.
    public func host(serial: String) -> (entry: Entry, certificate: HostCertificate)? {
        state.withLock { state in
            guard let id = state.serials[serial], let entry = state.hosts[id],
                let certificate = entry.certificates.first(where: { $0.serial == serial })
            else { return nil }
            return (entry, certificate)
        }
    }

    /// How many hosts there are, by status.
    public func counts() -> [HostStatus: Int] {
        state.withLock { state in
            state.hosts.values.reduce(into: [:]) { $0[$1.host.status, default: 0] += 1 }
        }
    }

    /// Notes that a host checked in; written down by ``Store/flushPresence()``.
    ///
    /// - Parameters:
    ///   - clockOffset: its clock less ours, in milliseconds; nil where it does not tell.
    ///   - scannedAt: when, by our clock, its last scan began that found what we hold; nil where it does not tell, and
    ///     then the last such time stays.
    public func touch(host: String, at time: Timestamp, clockOffset: Int64? = nil, scannedAt: Timestamp? = nil) {
        state.withLock { state in
            state.unwritten.insert(host)
            let scannedAt = scannedAt ?? state.seen[host]?.scannedAt
            state.seen[host] = Presence(lastSeen: time, clockOffset: clockOffset, scannedAt: scannedAt)
            state.touched.insert(host)
        }
    }

    /// When this server last saw a host; nil since its start.
    public func lastSeen(host: String) -> Timestamp? {
        state.withLock { $0.seen[host]?.lastSeen }
    }

    /// What a host's check-ins have told this server since its start; nil where there was none.
    public func presence(host: String) -> Presence? {
        state.withLock { $0.seen[host] }
    }

    func apply(_ entries: [Entry], watermark: Int64? = nil) {
        state.withLock { state in
            for entry in entries {
                // A refresh may carry an older version than a write that was committed meanwhile.
                if let known = state.hosts[entry.host.id], known.host.change > entry.host.change { continue }
                for certificate in state.hosts[entry.host.id]?.certificates ?? [] {
                    state.serials[certificate.serial] = nil
                }
                state.hosts[entry.host.id] = entry
                state.changed.insert(entry.host.id)
                for certificate in entry.certificates { state.serials[certificate.serial] = entry.host.id }
            }
            if let watermark { state.watermark = watermark }
        }
    }

    /// The hosts that changed or were seen since this was last asked; the record of those that were only seen is nil.
    func takeChanged() -> [(id: String, host: HostRecord?, presence: FleetPresence)] {
        state.withLock { state in
            let (changed, touched) = (state.changed, state.touched)
            state.changed = []
            state.touched = []
            func taken(_ id: String, _ host: HostRecord?) -> (id: String, host: HostRecord?, presence: FleetPresence) {
                (id, host, state.seen[id].map(FleetPresence.init) ?? FleetPresence())
            }
            return changed.compactMap { id in state.hosts[id].map { taken(id, $0.host) } }
                + touched.subtracting(changed).map { taken($0, nil) }
        }
    }

    var watermark: Int64 { state.withLock { $0.watermark } }

    func takeUnwritten() -> [SeenHost] {
        state.withLock { state in
            defer { state.unwritten = [] }
            return state.unwritten.compactMap { host in
                state.seen[host].map { (host, $0.lastSeen, $0.clockOffset, $0.scannedAt) }
            }
        }
    }

    func putBack(_ presences: [SeenHost]) {
        state.withLock { $0.unwritten.formUnion(presences.map(\.host)) }
    }
}

extension Store {
    /// Reads hosts that changed since the last time into ``directory``. Servers that share a database do this every
    /// few seconds; a change is never missed, however long its transaction took.
    public func refreshDirectory() async throws {
        let known = caches.directory.watermark
        let (entries, watermark) = try await read { transaction in
            let watermark = try transaction.first(transaction.dialect.changeWatermark) { row in try row.integer() } ?? 0
            var certificates: [String: [HostCertificate]] = [:]
            for (host, certificate) in try transaction.hosts.certificates(changedSince: known) {
                certificates[host, default: []].append(certificate)
            }
            let hosts = try transaction.rows(
                "SELECT \(HostRecord.columns) FROM \(HostRecord.source) WHERE change >= ?1", known
            ) { row in try HostRecord(&row) }
            let entries = hosts.map { HostDirectory.Entry(host: $0, certificates: certificates[$0.id] ?? []) }
            return (entries, watermark)
        }
        caches.directory.apply(entries, watermark: watermark)
        try await refreshFleet(since: known)
    }

    /// Gives hosts a present stamp whose own is of another cluster, from which the database was dumped and restored:
    /// servers would take each change for older than what they know.
    func bringStampsDown() async throws {
        guard let (probe, cure) = engine.dialect.stampsAhead else { return }
        let ahead = try await read { try $0.first(probe) { row in try row.integer() } ?? 0 }
        guard ahead > 0 else { return }
        try await write { _ = try $0.execute(cure) }
    }

    /// Writes down, in one transaction, which hosts were seen since the last time. Call it every 30 seconds.
    public func flushPresence() async throws {
        let presences = caches.directory.takeUnwritten().sorted { $0.host < $1.host }
        if presences.isEmpty { return }
        do {
            try await write { transaction in
                for (host, lastSeen, clockOffset, scannedAt) in presences {
                    // A host that this server does not know (a message raced its removal) is left out.
                    try transaction.execute(
                        """
                        INSERT INTO host_presence (organisation, host, last_seen, clock_offset, scanned_at)
                        SELECT organisation, id, ?2, ?3, ?4 FROM hosts WHERE id = ?1
                        ON CONFLICT (organisation, host) DO UPDATE SET last_seen = excluded.last_seen,
                            clock_offset = excluded.clock_offset,
                            scanned_at = COALESCE(excluded.scanned_at, host_presence.scanned_at)
                            WHERE host_presence.last_seen <= excluded.last_seen
                        """, host, lastSeen, clockOffset, scannedAt)
                }
            }
        } catch {
            caches.directory.putBack(presences)
            throw error
        }
    }
}

extension Hosts {
    fileprivate func certificates(changedSince stamp: Int64) throws -> [(host: String, HostCertificate)] {
        try sql.rows(
            """
            SELECT c.host, serial, key_digest, not_before, not_after, issued_at, revoked_at, revocation_reason
            FROM certificates c JOIN hosts h ON h.organisation = c.organisation AND h.id = c.host
            WHERE h.change >= ?1 ORDER BY issued_at DESC, serial
            """, stamp
        ) { row in
            let host = try row.text()
            var certificate = HostCertificate(
                serial: try row.text(), keyDigest: try row.digest(), notBefore: try row.timestamp(),
                notAfter: try row.timestamp(), issuedAt: try row.timestamp())
            certificate.revokedAt = try row.optionalTimestamp()
            certificate.revocationReason = try row.optionalText()
            return (host, certificate)
        }
    }
}
