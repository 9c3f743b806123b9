/// Why a record of a feed is not used: it is put into quarantine, and the rest of the feed goes on.
public struct FeedFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The feed, such as `osv`.
    public let source: String
    /// Where the record stands: a file's name, an entry of an archive, a line.
    public let place: String
    /// The record's id as far as it could be read; empty otherwise.
    public let record: String
    /// What is wrong, with the place inside the record.
    public let reason: String

    /// Makes a fault.
    public init(source: String, place: String, record: String, reason: String) {
        self.source = source
        self.place = place
        self.record = record
        self.reason = reason
    }

    /// `osv: GO-2020-0001.json (GO-2020-0001): ...`.
    public var description: String {
        "\(source): \(place)\(record.isEmpty ? "" : " (\(record))"): \(reason)"
    }
}
