public import JSON
import Timestamps

/// Reads records of the Open Source Vulnerability format (https://ossf.github.io/osv-schema/), one a document: also those
/// of GitHub, Ubuntu, Debian, Red Hat, SUSE, Chainguard and others who publish in it.
///
/// A record costs what is kept of it: fields that have no use here are checked, counted by name, and dropped.
/// Of a distribution's advisory, what it was made from (`upstream`, and CVEs in `related` and `aliases`, as older records
/// have them) is what it closes; `DEBIAN-CVE-2026-1` and its like are another name of their CVE.
public struct OSVReader: TallyingReader {
    /// The largest record, in bytes, its depth and its items.
    public static let limits = JSONLimits(
        maximumBytes: 16 << 20, maximumDepth: 32, maximumItems: 1_000_000, maximumStringBytes: 4 << 20)

    /// What has been read so far.
    public internal(set) var tally: FeedTally

    private var places = OSVPlaces()

    /// A reader that has read nothing.
    public init(source: String = "osv") {
        tally = FeedTally(source: source)
    }

    /// Reads one record.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        var record = OSVDraft(advisory: Advisory(source: source, id: ""))
        do throws(JSONError) {
            var reader = try JSONReader(bytes, limits: Self.limits)
            try self.read(&record, from: &reader)
            try reader.finish()
        } catch {
            tally.quarantine(place: place, record: record.advisory.id, reason: error.description)
            return
        }
        if let reason = record.fault {
            tally.quarantine(place: place, record: record.advisory.id, reason: reason)
            return
        }
        // Go's database writes the zero of its own type, year 1, where nobody has set a date: no date, and not the oldest one.
        func date(_ date: Timestamp?) -> Timestamp? { date.flatMap { $0.milliseconds < 0 ? nil : $0 } }
        record.advisory.modified = date(record.advisory.modified)
        record.advisory.published = date(record.advisory.published)
        record.advisory.withdrawn = date(record.advisory.withdrawn)
        record.finish(&places)
        for alarm in record.alarms { tally.alarm(place: place, record: record.advisory.id, reason: alarm) }
        try store(.advisory(record.advisory))
        tally.store()
    }

    private mutating func read(_ record: inout OSVDraft, from reader: inout JSONReader) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id": record.advisory.id = try reader.string()
            case "modified": record.advisory.modified = try reader.osvDate()
            case "published": record.advisory.published = try reader.osvDate()
            case "withdrawn": record.advisory.withdrawn = try reader.osvDate()
            case "aliases": record.advisory.aliases = try reader.feedStrings()
            case "upstream": record.upstream = try reader.feedStrings()
            case "related": record.advisory.related = try reader.feedStrings()
            case "summary": record.advisory.summary = try reader.feedText()
            case "details": record.advisory.details = try reader.feedDetails()
            case "severity": record.advisory.severities = try severities(&reader)
            case "references":
                record.advisory.references = try reader.feedList { reader throws(JSONError) in
                    var reference = Reference(type: "", url: "")
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "type": reference.type = try reader.string()
                        case "url": reference.url = try reader.string()
                        default: self.drop("references/", key)
                        }
                    }
                    return reference
                }
            case "affected":
                record.affected = try reader.feedList { reader throws(JSONError) in try self.affected(&reader) }
            case "database_specific":
                try reader.feedObject { reader, key throws(JSONError) in
                    switch key {
                    case "severity" where try reader.peek() == .string: record.severity = try reader.string()
                    case "cwe_ids": record.advisory.weaknesses = try reader.feedStrings()
                    default: self.drop("database_specific/", key)
                    }
                }
            default: drop("", key)
            }
        }
    }

    private mutating func affected(_ reader: inout JSONReader) throws(JSONError) -> OSVAffected {
        var affected = OSVAffected()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "package":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "ecosystem": affected.ecosystem = try reader.string()
                    case "name": affected.name = try reader.string()
                    default: self.drop("affected/package/", key)
                    }
                }
            case "severity": affected.severities = try self.severities(&reader)
            case "versions": affected.versions = try reader.feedStrings()
            case "ranges":
                affected.ranges = try reader.feedList { reader throws(JSONError) in try self.range(&reader) }
            case "ecosystem_specific":
                try reader.feedObject { reader, key throws(JSONError) in
                    switch key {
                    case "urgency" where try reader.peek() == .string: affected.urgency = try reader.string()
                    default: self.drop("affected/ecosystem_specific/", key)
                    }
                }
            case "database_specific":
                try reader.feedObject { reader, key throws(JSONError) in
                    switch key {
                    case "informational" where try reader.peek() == .string:
                        affected.informational = try reader.string()
                    case "last_known_affected_version_range" where try reader.peek() == .string:
                        affected.lastKnown = try reader.string()
                    default: self.drop("affected/database_specific/", key)
                    }
                }
            default: self.drop("affected/", key)
            }
        }
        return affected
    }

    private mutating func range(_ reader: inout JSONReader) throws(JSONError) -> OSVRange {
        var range = OSVRange()
        var hasOrder = false
        let start = reader.offset
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "type":
                let offset = reader.offset
                let type = try reader.text()
                switch type {
                case "SEMVER": range.order = .semver
                case "ECOSYSTEM": range.order = .ecosystem
                case "GIT": range.order = .git
                default:
                    throw JSONError(
                        .outOfBounds, offset: offset,
                        reason: "the range's type is \(type.string.prefix(40)), not SEMVER, ECOSYSTEM or GIT")
                }
                hasOrder = true
            case "events":
                range.events.reserveCapacity(2)
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        guard let kind = Self.kind(key) else { return self.drop("affected/ranges/events/", key) }
                        range.events.append(OSVRange.Event(kind: kind, version: try reader.string()))
                    }
                }
            default: self.drop("affected/ranges/", key)
            }
        }
        guard hasOrder else { throw JSONError(.outOfBounds, offset: start, reason: "the range has no type") }
        return range
    }

    private static func kind(_ key: JSONText) -> OSVRange.Event.Kind? {
        switch key {
        case "introduced": .introduced
        case "fixed": .fixed
        case "last_affected": .lastAffected
        case "limit": .limit
        default: nil
        }
    }

    private mutating func severities(_ reader: inout JSONReader) throws(JSONError) -> [Severity] {
        try reader.feedList { reader throws(JSONError) in
            var severity = Severity(type: "", score: "")
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "type": severity.type = try reader.string()
                case "score": severity.score = try reader.string()
                case "source": severity.scorer = try reader.feedText()
                default: self.drop("severity/", key)
                }
            }
            return severity
        }
    }
}

extension JSONReader {
    /// A date: of OSV it must be there in full.
    fileprivate mutating func osvDate() throws(JSONError) -> Timestamp? {
        if try isNull() { return nil }
        let offset = offset
        let text = try text()
        guard let date = text.withBytes({ Timestamp(rfc3339: $0) }) else {
            throw JSONError(.outOfBounds, offset: offset, reason: "\(text.string.prefix(40)) is no RFC 3339 date")
        }
        return date
    }
}
