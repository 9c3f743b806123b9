import JSON

/// A reader whose counts the code of this module keeps for it.
protocol TallyingReader: FeedReader {
    var tally: FeedTally { get set }
}

/// A record while it is read: what it will give out, once all of it was found good.
struct FeedItem {
    /// The record's id as far as it was read, for faults.
    var id = ""
    /// What to give out.
    var records: [FeedRecord] = []
    /// Why the record cannot be used; nil where it can.
    var fault: String?
}

/// Limits for documents that hold many records and are read as a stream, and for those that hold one.
enum FeedLimits {
    /// A whole feed in one document: nothing of it stays but the record being read.
    static let feed = JSONLimits(
        maximumBytes: 8 << 30, maximumDepth: 64, maximumItems: 1 << 31, maximumStringBytes: 16 << 20)
    /// One advisory: the largest that is known has 20 MB (a kernel's VEX document).
    static let advisory = JSONLimits(
        maximumBytes: 256 << 20, maximumDepth: 64, maximumItems: 16_000_000, maximumStringBytes: 16 << 20)
}

extension TallyingReader {
    /// Reads a JSON document: what is no JSON, or not of the feed's form, is one fault; what the taker threw goes on.
    mutating func document(
        _ bytes: UnsafeRawBufferPointer, _ place: String, _ limits: JSONLimits,
        _ read: (inout Self, inout JSONReader, inout (any Error)?) throws(JSONError) -> Void
    ) throws {
        var stopped: (any Error)?
        do throws(JSONError) {
            // Some publishers begin with a byte order mark, which RFC 8259 lets a reader ignore.
            let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
            let text = hasMark ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst(3)) : bytes
            var reader = try JSONReader(text, limits: limits)
            try read(&self, &reader, &stopped)
            try reader.finish()
        } catch {
            if let stopped { throw stopped }
            tally.quarantine(place: place, reason: error.description)
        }
    }

    /// Reads a document that is one record, or an array of them.
    mutating func oneOrMany(
        _ bytes: UnsafeRawBufferPointer, _ place: String, _ limits: JSONLimits, _ store: (FeedRecord) throws -> Void,
        _ read: (inout Self, inout JSONReader, inout FeedItem) throws(JSONError) -> Void
    ) throws {
        try document(bytes, place, limits) { this, reader, stopped throws(JSONError) in
            guard try reader.peek() == .array else { return try this.record(&reader, place, &stopped, store, read) }
            try reader.array { reader throws(JSONError) in
                try this.record(&reader, place, &stopped, store, read)
            }
        }
    }

    /// Tells what was given up in a record that is kept; of one that is put aside it does not matter any more.
    mutating func alarms(_ reasons: [String], _ place: String, _ item: FeedItem) {
        guard item.fault == nil else { return }
        for reason in reasons { tally.alarm(place: place, record: item.id, reason: reason) }
    }

    /// Reads one record of a document: one that breaks the feed's rules is put aside, and only what is no JSON ends all.
    mutating func record(
        _ reader: inout JSONReader, _ place: String, _ stopped: inout (any Error)?,
        _ store: (FeedRecord) throws -> Void,
        _ read: (inout Self, inout JSONReader, inout FeedItem) throws(JSONError) -> Void
    ) throws(JSONError) {
        let start = reader
        var item = FeedItem()
        do throws(JSONError) {
            try read(&self, &reader, &item)
        } catch {
            reader = start
            try reader.skip()
            tally.quarantine(place: place, record: item.id, reason: error.description)
            return
        }
        try give(item, place, &stopped, store)
    }

    /// Gives a record out, or puts it aside.
    mutating func give(
        _ item: FeedItem, _ place: String, _ stopped: inout (any Error)?, _ store: (FeedRecord) throws -> Void
    ) throws(JSONError) {
        if let fault = item.fault {
            tally.quarantine(place: place, record: item.id, reason: fault)
            return
        }
        do {
            for record in item.records { try store(record) }
        } catch {
            stopped = error
            throw JSONError(.outOfBounds, reason: "whoever takes the records stopped")
        }
        tally.store()
    }

    /// Counts a field whose value the reader then skips.
    mutating func drop(_ place: StaticString, _ key: JSONText) {
        tally.drop(place, key)
    }
}
