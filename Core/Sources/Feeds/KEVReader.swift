import JSON
import Timestamps

/// Reads CISA's catalogue of known exploited vulnerabilities (https://www.cisa.gov/known-exploited-vulnerabilities-catalog),
/// or one entry of it.
public struct KEVReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "kev") {
        tally = FeedTally(source: source)
    }

    /// Reads a catalogue; one that holds fewer entries than it says raises an alarm.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.feed) { this, reader, stopped throws(JSONError) in
            let start = reader
            var said: Int64?
            var held = 0
            var isCatalogue = false
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "count": said = try reader.integer()
                case "vulnerabilities":
                    isCatalogue = true
                    try reader.array { reader throws(JSONError) in
                        held += 1
                        try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                            try this.entry(&reader, &item)
                        }
                    }
                default: if isCatalogue { this.drop("", key) }
                }
            }
            if !isCatalogue {
                reader = start
                try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                    try this.entry(&reader, &item)
                }
            } else if let said, said != held {
                this.tally.alarm(
                    place: place, record: "", reason: "it says that it has \(said) entries, and has \(held)")
            }
        }
    }

    private mutating func entry(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var entry = KnownExploited(source: source, id: "", added: .init(seconds: 0))
        var hasDate = false
        var id = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "cveID": id = try reader.string()
            case "vulnerabilityName": entry.title = try reader.feedText()
            case "requiredAction": entry.action = try reader.feedDetails()
            case "dateAdded":
                if let date = try reader.feedDate() { (entry.added, hasDate) = (date, true) }
            case "dueDate": entry.due = try reader.feedDate()
            case "knownRansomwareCampaignUse":
                // `Unknown` is what it says.
                if try reader.feedText().lowercased() == "known" { entry.isUsedForRansom = true }
            case "cwes": entry.weaknesses = try reader.feedStrings()
            default: self.drop("vulnerabilities/", key)
            }
        }
        entry.id = id
        item.id = id
        item.fault = RecordID.fault(of: id) ?? (hasDate ? nil : "it has no dateAdded")
        item.records = [.exploited(entry)]
    }
}
