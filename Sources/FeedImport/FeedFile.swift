public import Feeds
import Glibc
import JSON

/// How a feed's file is to be read.
public struct FeedReading: Sendable, Hashable {
    /// What its documents are; nil where each document tells by itself.
    public var kind: FeedKind?
    /// Whose word its records are; nil for the kind's own name.
    public var source: String?
    /// The stream of all records, for feeds that do not say it themselves.
    public var stream: String?

    /// A way to read.
    public init(kind: FeedKind? = nil, source: String? = nil, stream: String? = nil) {
        self.kind = kind
        self.source = source
        self.stream = stream
    }
}

/// Everything that was in a feed's file: what was taken, what was put aside, and what nobody uses.
public struct FeedCounts: Sendable, Hashable {
    /// Documents that were read.
    public var documents = 0
    /// Documents of no kind that is known, by the file's or entry's name, the first 1,000 of them.
    public var unknown: [String] = []
    /// How many documents were of no kind that is known.
    public var unknownCount = 0
    /// Records that were given out.
    public var stored = 0
    /// Records, or whole documents, that were put aside.
    public var quarantined = 0
    /// What the records say of packages.
    public var statements = 0
    /// How much of that says that versions are affected.
    public var affecting = 0
    /// Statements that were given up inside records that were stored.
    public var alarmed = 0
    /// Fields without a use, with how often they stood.
    public var unmapped: [String: Int] = [:]
    /// How many fields without a use stood in all.
    public var unmappedCount: Int { unmapped.values.reduce(0, +) }
    /// Bytes of documents after decompression.
    public var bytes: Int64 = 0
    /// The kinds of documents that were found.
    public var kinds: Set<FeedKind> = []
    /// Why records were put aside, and statements given up, the first of each.
    public var faults: [FeedFault] = []
    /// Why statements were given up.
    public var alarms: [FeedFault] = []
}

/// Reads the records of a feed's file, whatever it is wrapped in.
public struct FeedFile: Sendable {
    /// How far the reading is.
    public typealias Progress = (FeedCounts) -> Void

    /// Where it lies.
    public let path: String
    /// What it is called in faults.
    public let name: String
    /// How it is read.
    public let reading: FeedReading
    /// What bounds it.
    public let limits: ImportLimits
    /// Where documents that are too large for memory lie.
    public let scratch: String

    /// A file.
    ///
    /// - Parameter scratch: a folder for documents that are too large for memory, in files without names.
    public init(
        _ path: String, name: String? = nil, reading: FeedReading = FeedReading(),
        limits: ImportLimits = ImportLimits(),
        scratch: String = "/var/tmp"
    ) {
        self.path = path
        self.name = name ?? path.split(separator: "/").last.map(String.init) ?? path
        self.reading = reading
        self.limits = limits
        self.scratch = scratch
    }

    /// Calls `store` for each record.
    ///
    /// - Throws: ``ImportError`` where the file cannot be taken as a whole: damaged, cut short, hostile, or nothing but one
    ///   broken document. What was given out by then is not to be used. What `store` throws is thrown on.
    public func records(progress: Progress = { _ in }, _ store: (FeedRecord) throws -> Void) throws -> FeedCounts {
        var counts = FeedCounts()
        var readers: [FeedKind: any FeedReader] = [:]
        var said = (statements: 0, affecting: 0)
        func count(_ record: FeedRecord) throws {
            if case .advisory(let advisory) = record {
                said.statements += advisory.statements.count
                for statement in advisory.statements where statement.status == .affected { said.affecting += 1 }
            }
            try store(record)
        }
        try Container(limits: limits, scratch: scratch).documents(of: path, name: name) { bytes, place, isAlone in
            guard let kind = reading.kind ?? FeedSniffer.kind(of: bytes) else {
                counts.unknownCount += 1
                if counts.unknown.count < 1_000 { counts.unknown.append(place) }
                return
            }
            var reader =
                readers[kind] ?? kind.reader(source: reading.source ?? kind.defaultSource, stream: reading.stream)
            let before = reader.tally.quarantined
            // Taken out of the table while it is read: it is a value, and a copy of its counts is not wanted.
            readers[kind] = nil
            try reader.read(bytes, place: place, count)
            readers[kind] = reader
            counts.documents += 1
            counts.bytes += Int64(bytes.count)
            counts.kinds.insert(kind)
            if isAlone, reader.tally.quarantined > before, let reason = Self.breach(in: bytes) {
                throw ImportError(.refused, "\(place) is not whole: \(reason); nothing of it was taken; fetch it again")
            }
            if counts.documents % 256 == 1 { progress(Self.total(counts, readers.values)) }
        }
        counts = Self.total(counts, readers.values)
        (counts.statements, counts.affecting) = (said.statements, said.affecting)
        for (_, reader) in readers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            counts.faults += reader.tally.faults
            counts.alarms += reader.tally.alarms
        }
        progress(counts)
        return counts
    }

    private static func total(_ base: FeedCounts, _ readers: some Collection<any FeedReader>) -> FeedCounts {
        var counts = base
        (counts.stored, counts.quarantined, counts.alarmed, counts.unmapped) = (0, 0, 0, [:])
        for reader in readers {
            counts.stored += reader.tally.stored
            counts.quarantined += reader.tally.quarantined
            counts.alarmed += reader.tally.alarmed
            counts.unmapped.merge(reader.tally.unmapped, uniquingKeysWith: +)
        }
        return counts
    }

    /// Why a document is broken as such, and not only in some record; nil where it is whole.
    private static func breach(in bytes: UnsafeRawBufferPointer) -> String? {
        guard let first = bytes.first(where: { $0 > 0x20 }) else { return "it is empty" }
        if first == UInt8(ascii: "<") {
            do throws(XMLFault) {
                let scanner = try XMLScanner(bytes)
                while try scanner.next() != nil {}
                return nil
            } catch {
                return error.description
            }
        }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
        do throws(JSONError) {
            let limits = JSONLimits(
                maximumBytes: .max, maximumDepth: 128, maximumItems: .max, maximumStringBytes: 64 << 20)
            var reader = try JSONReader(bytes, limits: limits)
            try reader.skip()
            try reader.finish()
            return nil
        } catch {
            return error.description
        }
    }
}
