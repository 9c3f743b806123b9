import Feeds

/// A reader of XML feeds whose counts and faults are kept here, once for all.
protocol XMLReading: FeedReader {
    var tally: FeedTally { get set }
    /// The name of the outermost element of its documents.
    static var root: String { get }
    /// Reads what lies in the outermost element.
    mutating func records(
        _ scanner: XMLScanner, _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws
}

extension XMLReading {
    /// Reads one document: what is no XML, or another feed's, is one fault; what the taker threw goes on.
    mutating func document(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        do {
            let scanner = try XMLScanner(bytes)
            guard try scanner.next() == Self.root else {
                return tally.quarantine(place: place, reason: "its root is not <\(Self.root)>")
            }
            try records(scanner, bytes, place: place, store)
        } catch let fault as XMLFault {
            tally.quarantine(place: place, reason: fault.description)
        }
    }
}
