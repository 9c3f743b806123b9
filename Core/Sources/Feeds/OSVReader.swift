public import JSON
import Timestamps

/// Reads OSV records one by one, keeps count, and puts aside what it cannot use.
///
/// A record costs what is kept of it: fields that have no use here are checked, counted by name, and dropped.
public struct OSVReader: Sendable {
    /// The largest record, in bytes, its depth and its items.
    public static let limits = JSONLimits(
        maximumBytes: 16 << 20, maximumDepth: 32, maximumItems: 1_000_000, maximumStringBytes: 4 << 20)
    /// The most faults that are kept in words; all are counted.
    public static let maximumFaults = 1_000

    /// The feed's name in faults.
    public let source: String
    /// How many records were read.
    public private(set) var stored = 0
    /// How many were put aside.
    public private(set) var quarantined = 0
    /// Why, the first ``maximumFaults`` of them.
    public private(set) var faults: [FeedFault] = []
    /// Fields without a use, by their place in the record, with how often they stood.
    public private(set) var unmapped: [String: Int] = [:]

    /// A reader that has read nothing.
    public init(source: String = "osv") {
        self.source = source
    }

    /// Reads one document that is one record; nil, and a fault, where it cannot be used.
    public mutating func record(_ bytes: UnsafeRawBufferPointer, place: String) -> OSVRecord? {
        var record = OSVRecord()
        do throws(JSONError) {
            var reader = try JSONReader(bytes, limits: Self.limits)
            try read(&record, from: &reader)
            try reader.finish()
        } catch {
            quarantine(FeedFault(source: source, place: place, record: record.id, reason: error.description))
            return nil
        }
        if let reason = Self.fault(of: record) {
            quarantine(FeedFault(source: source, place: place, record: record.id, reason: reason))
            return nil
        }
        stored += 1
        return record
    }

    private mutating func quarantine(_ fault: FeedFault) {
        quarantined += 1
        if faults.count < Self.maximumFaults { faults.append(fault) }
    }

    /// What a record must have.
    private static func fault(of record: OSVRecord) -> String? {
        if record.id.isEmpty { return "it has no id" }
        if record.id.utf8.count > 256 || record.id.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            return "its id is longer than 256 bytes or has characters that are not printable ASCII"
        }
        if record.modified == nil { return "it has no date of modification" }
        for (index, affected) in record.affected.enumerated() where affected.name.isEmpty != affected.ecosystem.isEmpty
        {
            return "/affected/\(index)/package: name and ecosystem must both be there"
        }
        return nil
    }

    private mutating func read(_ record: inout OSVRecord, from reader: inout JSONReader) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id": record.id = try reader.string()
            case "modified": record.modified = try Self.date(&reader)
            case "published": record.published = try Self.date(&reader)
            case "withdrawn": record.withdrawn = try Self.date(&reader)
            case "aliases": record.aliases = try Self.strings(&reader)
            case "upstream": record.upstream = try Self.strings(&reader)
            case "related": record.related = try Self.strings(&reader)
            case "summary": record.summary = try Self.text(&reader)
            case "details": record.details = try Self.text(&reader)
            case "severity": record.severities = try severities(&reader)
            case "references":
                record.references = try Self.list(&reader) { reader throws(JSONError) in
                    var reference = OSVReference()
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
                record.affected = try Self.list(&reader) { reader throws(JSONError) in try self.affected(&reader) }
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
                    case "purl": affected.packageURL = try reader.string()
                    default: self.drop("affected/package/", key)
                    }
                }
            case "severity": affected.severities = try self.severities(&reader)
            case "versions": affected.versions = try Self.strings(&reader)
            case "ranges":
                affected.ranges = try Self.list(&reader) { reader throws(JSONError) in try self.range(&reader) }
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
                let type = try reader.string()
                guard let order = OSVRange.Order(rawValue: type) else {
                    throw JSONError(
                        .outOfBounds, offset: offset,
                        reason: "the range's type is \(type), not SEMVER, ECOSYSTEM or GIT")
                }
                range.order = order
                hasOrder = true
            case "repo": range.repository = try reader.string()
            case "events":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        guard let kind = Self.kind(key) else { return self.drop("affected/ranges/events/", key) }
                        range.events.append(OSVEvent(kind: kind, version: try reader.string()))
                    }
                }
            default: self.drop("affected/ranges/", key)
            }
        }
        guard hasOrder else { throw JSONError(.outOfBounds, offset: start, reason: "the range has no type") }
        return range
    }

    private static func kind(_ key: JSONText) -> OSVEvent.Kind? {
        switch key {
        case "introduced": .introduced
        case "fixed": .fixed
        case "last_affected": .lastAffected
        case "limit": .limit
        default: nil
        }
    }

    private mutating func severities(_ reader: inout JSONReader) throws(JSONError) -> [OSVSeverity] {
        try Self.list(&reader) { reader throws(JSONError) in
            var severity = OSVSeverity()
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "type": severity.type = try reader.string()
                case "score": severity.score = try reader.string()
                default: self.drop("severity/", key)
                }
            }
            return severity
        }
    }

    /// Counts a field whose value the reader then skips.
    private mutating func drop(_ place: String, _ key: JSONText) {
        // A hostile record must not fill the table.
        let name = place + String(key.string.prefix(64))
        if unmapped.count < 1_000 || unmapped[name] != nil { unmapped[name, default: 0] += 1 }
    }

    private static func date(_ reader: inout JSONReader) throws(JSONError) -> Timestamp? {
        if try reader.peek() == .null {
            try reader.null()
            return nil
        }
        let offset = reader.offset
        let text = try reader.string()
        guard let date = Timestamp(rfc3339: text) else {
            throw JSONError(.outOfBounds, offset: offset, reason: "\(text.prefix(40)) is no RFC 3339 date")
        }
        return date
    }

    private static func text(_ reader: inout JSONReader) throws(JSONError) -> String {
        if try reader.peek() == .null {
            try reader.null()
            return ""
        }
        return try reader.string()
    }

    private static func strings(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        try list(&reader) { reader throws(JSONError) in try reader.string() }
    }

    /// An array; null is none.
    private static func list<Element>(
        _ reader: inout JSONReader, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        if try reader.peek() == .null {
            try reader.null()
            return []
        }
        var elements: [Element] = []
        try reader.array { reader throws(JSONError) in elements.append(try element(&reader)) }
        return elements
    }
}
