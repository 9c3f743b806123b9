import JSON

/// Reads one kind of feed, document by document, and gives out what it says.
///
/// A record that cannot be used is put aside with its place and reason, and never stops the rest. Bytes that are no
/// document of this feed at all, or that break off in the middle, are one fault more; what stood before the break has been
/// given out by then, so a caller that must not lose anything takes over a document's records only when ``tally`` shows no
/// new fault.
///
/// - Note: Records of one source with the same id add up: a feed that is ordered by package says of one CVE in several
///   places, and its reader gives an ``Advisory`` for each, with statements of their own.
public protocol FeedReader: Sendable {
    /// What has been read so far.
    var tally: FeedTally { get }

    /// Reads one document and calls `store` for each record as soon as it is read.
    ///
    /// - Parameters:
    ///   - bytes: the whole document; it may be a mapped file, for it is read once from front to back.
    ///   - place: what the document is called in faults: a file's name, an entry of an archive.
    ///   - store: takes a record; what it throws ends the reading and is thrown on. Faults of the feed are never thrown.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws
}

extension FeedReader {
    /// The feed's name in records and faults.
    public var source: String { tally.source }
    /// How many records of the feed were given out; one of them may be several values.
    public var stored: Int { tally.stored }
    /// How many records, or whole documents, were put aside.
    public var quarantined: Int { tally.quarantined }
    /// Why, the first ``FeedTally/maximumFaults`` of them.
    public var faults: [FeedFault] { tally.faults }
    /// Fields without a use, by their place in the record, with how often they stood.
    public var unmapped: [String: Int] { tally.unmapped }
}

/// What a reader has seen of a feed: the counts that show that nothing was lost in silence.
public struct FeedTally: Sendable {
    /// The most faults, and the most alarms, that are kept in words; all are counted.
    public static let maximumFaults = 1_000
    /// The most names of fields that are counted one by one.
    public static let maximumFields = 1_000

    /// The feed's name in records and faults.
    public let source: String
    /// How many records of the feed were given out.
    public private(set) var stored = 0
    /// How many records, or whole documents, were put aside.
    public private(set) var quarantined = 0
    /// Why, the first ``maximumFaults`` of them.
    public private(set) var faults: [FeedFault] = []
    /// How many statements were given up inside records that were stored, such as bounds that no version can be compared
    /// with: each may hide a finding.
    public private(set) var alarmed = 0
    /// Why, the first ``maximumFaults`` of them.
    public private(set) var alarms: [FeedFault] = []
    /// Fields that few records have.
    private var rare: [String: Int] = [:]
    /// Fields that many have, in the order in which they came: found without making a string of them.
    private var frequent: [(place: StaticString, name: String, count: Int)] = []
    private static let maximumFrequent = 24

    /// Fields without a use, by their place in the record, with how often they stood.
    public var unmapped: [String: Int] {
        var all = rare
        for field in frequent { all["\(field.place)\(field.name)", default: 0] += field.count }
        return all
    }

    /// Nothing read yet.
    public init(source: String) {
        self.source = source
    }

    /// Counts a record that was given out.
    public mutating func store() { stored += 1 }

    /// Puts a record, or a whole document, aside.
    public mutating func quarantine(place: String, record: String = "", reason: String) {
        quarantined += 1
        guard faults.count < Self.maximumFaults else { return }
        faults.append(FeedFault(source: source, place: place, record: String(record.prefix(256)), reason: reason))
    }

    /// Tells of a statement that was given up in a record that is kept.
    public mutating func alarm(place: String, record: String, reason: String) {
        alarmed += 1
        guard alarms.count < Self.maximumFaults else { return }
        alarms.append(FeedFault(source: source, place: place, record: String(record.prefix(256)), reason: reason))
    }

    /// Counts a field without a use.
    public mutating func drop(_ field: String) {
        // A hostile record must not fill the table.
        if rare.count < Self.maximumFields || rare[field] != nil { rare[field, default: 0] += 1 }
    }

    /// Counts a field without a use: where it stands, and its name.
    mutating func drop(_ place: StaticString, _ name: JSONText) {
        for index in frequent.indices
        where frequent[index].place.utf8Start == place.utf8Start && name.equals(frequent[index].name) {
            frequent[index].count += 1
            return
        }
        let text = String(name.string.prefix(64))
        if frequent.count < Self.maximumFrequent, name.equals(text) {
            frequent.append((place, text, 1))
        } else {
            drop("\(place)\(text)")
        }
    }
}
