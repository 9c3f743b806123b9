public import JSON
public import Timestamps

/// Something that happened to a host.
public struct TimelineEntry: Hashable, Sendable {
    /// When: reports and boots by what the host told, the rest by our clock.
    public var time: Timestamp
    /// What.
    public var content: Content
    /// What sorts entries of one instant and kind.
    var key: Int64

    /// What happened.
    public enum Content: Hashable, Sendable {
        /// It reported what differs from the report before; `previous` is nil for the first one that is kept.
        case report(HostState, previous: DocumentDigests?)
        /// It started anew.
        case boot(String)
        /// Something that the server keeps as an event: enrolled, quarantined, released, agent changed.
        case event(StoredEvent)
        /// Somebody did something to it.
        case act(TimelineAct)
    }
}

/// An act of the audit log as a timeline shows it.
public struct TimelineAct: Hashable, Sendable {
    /// The leaf's id in the log.
    public var leaf: Int64
    /// Who acted.
    public var actor: String
    /// What was done.
    public var action: String
    /// What else the event says.
    public var detail: JSONValue
}

/// Where a page of a timeline ends.
public struct TimelineCursor: Hashable, Sendable, CustomStringConvertible {
    var time: Int64
    var kind: Int64
    var key: Int64

    /// `TIME.KIND.KEY`.
    public var description: String { "\(time).\(kind).\(key)" }

    init(time: Int64, kind: Int64, key: Int64) {
        (self.time, self.kind, self.key) = (time, kind, key)
    }

    /// Reads a ``description``; nil for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".").map { Int64($0) }
        guard parts.count == 3, let time = parts[0], let kind = parts[1], let key = parts[2] else { return nil }
        self.init(time: time, kind: kind, key: key)
    }
}

/// A page of a timeline.
public struct TimelinePage: Hashable, Sendable {
    /// The entries, the newest first.
    public var entries: [TimelineEntry]
    /// Where to go on; nil after the last page.
    public var next: TimelineCursor?
}

/// What happened to one host: reports that differ, boots, changes of status, and what people did to it.
///
/// Whether whoever asks may see the host (and acts of the audit log) is checked before.
public struct HostTimeline {
    let sql: Transaction

    /// The most entries on a page.
    public static let largestPage = 500

    /// A page, the newest entries first.
    ///
    /// - Parameter acts: whether acts of the audit log are shown.
    public func page(
        organisation: String, host: String, acts: Bool = true, after cursor: TimelineCursor? = nil, limit: Int = 50
    ) throws -> TimelinePage {
        let limit = max(1, min(limit, Self.largestPage))
        var entries = try reports(organisation, host, cursor, limit + 1)
        entries += try boots(organisation, host, cursor, limit + 1)
        entries += try events(organisation, host, cursor, limit + 1)
        if acts { entries += try self.acts(organisation, host, cursor, limit + 1) }
        entries.sort { $0.position > $1.position }
        let more = entries.count > limit
        entries = Array(entries.prefix(limit))
        let last = entries.last.map { TimelineCursor(time: $0.position.0, kind: $0.position.1, key: $0.position.2) }
        return TimelinePage(entries: entries, next: more ? last : nil)
    }

    /// The greatest key of that kind that may follow the cursor, at its very instant.
    private func bounds(_ cursor: TimelineCursor?, kind: Int64) -> (time: Int64, key: Int64) {
        guard let cursor else { return (.max, .max) }
        if kind == cursor.kind { return (cursor.time, cursor.key) }
        return (cursor.time, kind < cursor.kind ? .max : .min)
    }

    private func reports(
        _ organisation: String, _ host: String, _ cursor: TimelineCursor?, _ limit: Int
    ) throws -> [TimelineEntry] {
        let (time, key) = bounds(cursor, kind: TimelineEntry.reportKind)
        // One more than asked for: what the oldest one on the page changed shows against the one before it.
        let states = try sql.rows(
            """
            SELECT \(History.columns) FROM host_states WHERE organisation = ?1 AND host = ?2
                AND (observed_at, recorded_at * 4096 + sequence % 4096) < (?3, ?4)
            ORDER BY observed_at DESC, recorded_at * 4096 + sequence % 4096 DESC LIMIT ?5
            """, organisation, host, time, key, limit + 1, read: History.read)
        return zip(states, states.dropFirst().map(Optional.some) + [nil]).prefix(limit).map { state, previous in
            TimelineEntry(
                time: state.observed, content: .report(state, previous: previous?.digests),
                key: state.recorded.milliseconds * 4096 + state.sequence % 4096)
        }
    }

    private func boots(
        _ organisation: String, _ host: String, _ cursor: TimelineCursor?, _ limit: Int
    ) throws -> [TimelineEntry] {
        let (time, key) = bounds(cursor, kind: TimelineEntry.bootKind)
        // Boots of a host are few, and two are never first seen in one millisecond.
        return try sql.rows(
            """
            SELECT boot_id, first_seen FROM host_boots WHERE organisation = ?1 AND host = ?2
                AND (first_seen, CAST(0 AS BIGINT)) < (?3, ?4) ORDER BY first_seen DESC, boot_id LIMIT ?5
            """, organisation, host, time, key, limit
        ) { row in
            let boot = try row.text()
            return TimelineEntry(time: try row.timestamp(), content: .boot(boot), key: 0)
        }
    }

    private func events(
        _ organisation: String, _ host: String, _ cursor: TimelineCursor?, _ limit: Int
    ) throws -> [TimelineEntry] {
        let (time, key) = bounds(cursor, kind: TimelineEntry.eventKind)
        // A boot has its own entry.
        return try sql.rows(
            """
            SELECT id, organisation, occurred_at, kind, subject, payload FROM events
            WHERE organisation = ?1 AND subject = ?2 AND (occurred_at, id) < (?3, ?4) AND kind <> 'host.booted'
            ORDER BY occurred_at DESC, id DESC LIMIT ?5
            """, organisation, "host:\(host)", time, key, limit
        ) { row in
            let event = StoredEvent(
                id: try row.integer(), organisation: try row.text(), occurredAt: try row.timestamp(),
                kind: try row.text(), subject: try row.text(), payload: try row.text())
            return TimelineEntry(time: event.occurredAt, content: .event(event), key: event.id)
        }
    }

    private func acts(
        _ organisation: String, _ host: String, _ cursor: TimelineCursor?, _ limit: Int
    ) throws -> [TimelineEntry] {
        let (time, key) = bounds(cursor, kind: TimelineEntry.actKind)
        return try sql.rows(
            """
            SELECT id, event, recorded_at FROM audit_leaves
            WHERE organisation = ?1 AND subject = ?2 AND (recorded_at, id) < (?3, ?4)
            ORDER BY recorded_at DESC, id DESC LIMIT ?5
            """, organisation, "host:\(host)", time, key, limit
        ) { row in
            let id = try row.integer()
            let event = try? JSONValue(parsing: try row.blob(), limits: .message)
            let act = TimelineAct(
                leaf: id, actor: event?["actor"]?.string ?? "", action: event?["action"]?.string ?? "",
                detail: event?["detail"] ?? [:])
            return TimelineEntry(time: try row.timestamp(), content: .act(act), key: id)
        }
    }
}

extension TimelineEntry {
    static let reportKind: Int64 = 1
    static let bootKind: Int64 = 2
    static let eventKind: Int64 = 3
    static let actKind: Int64 = 4

    /// Where it stands in the timeline.
    fileprivate var position: (Int64, Int64, Int64) {
        switch content {
        case .report: (time.milliseconds, Self.reportKind, key)
        case .boot: (time.milliseconds, Self.bootKind, key)
        case .event: (time.milliseconds, Self.eventKind, key)
        case .act: (time.milliseconds, Self.actKind, key)
        }
    }
}

extension Transaction {
    /// What happened to one host.
    public var timeline: HostTimeline { HostTimeline(sql: self) }
}
