public import Digest
public import Timestamps

/// One row of a result, read column by column in the order of the statement.
public struct SQLRow {
    private let values: [SQLValue]
    private var next = 0

    init(_ values: [SQLValue]) {
        self.values = values
    }

    /// The next column, whatever it holds.
    public mutating func value() throws(StoreError) -> SQLValue {
        guard next < values.count else { throw mismatch("a column", .null) }
        defer { next += 1 }
        return values[next]
    }

    /// The next column as an integer.
    public mutating func integer() throws(StoreError) -> Int64 {
        let value = try value()
        guard case .integer(let integer) = value else { throw mismatch("an integer", value) }
        return integer
    }

    /// The next column as an integer or null.
    public mutating func optionalInteger() throws(StoreError) -> Int64? {
        let value = try value()
        if case .null = value { return nil }
        guard case .integer(let integer) = value else { throw mismatch("an integer or null", value) }
        return integer
    }

    /// The next column as text.
    public mutating func text() throws(StoreError) -> String {
        let value = try value()
        guard case .text(let text) = value else { throw mismatch("text", value) }
        return text
    }

    /// The next column as text or null.
    public mutating func optionalText() throws(StoreError) -> String? {
        let value = try value()
        if case .null = value { return nil }
        guard case .text(let text) = value else { throw mismatch("text or null", value) }
        return text
    }

    /// The next column as bytes.
    public mutating func blob() throws(StoreError) -> [UInt8] {
        let value = try value()
        guard case .blob(let blob) = value else { throw mismatch("bytes", value) }
        return blob
    }

    /// The next column as bytes or null.
    public mutating func optionalBlob() throws(StoreError) -> [UInt8]? {
        let value = try value()
        if case .null = value { return nil }
        guard case .blob(let blob) = value else { throw mismatch("bytes or null", value) }
        return blob
    }

    /// The next column as 0 or 1.
    public mutating func bool() throws(StoreError) -> Bool {
        try integer() != 0
    }

    /// The next column as milliseconds since the epoch.
    public mutating func timestamp() throws(StoreError) -> Timestamp {
        Timestamp(milliseconds: try integer())
    }

    /// The next column as milliseconds since the epoch or null.
    public mutating func optionalTimestamp() throws(StoreError) -> Timestamp? {
        try optionalInteger().map(Timestamp.init(milliseconds:))
    }

    /// The next column as a digest.
    public mutating func digest() throws(StoreError) -> SHA256Digest {
        let bytes = try blob()
        guard let digest = SHA256Digest(bytes: bytes) else { throw mismatch("32 bytes", .blob(bytes)) }
        return digest
    }

    /// The next column as a digest or null.
    public mutating func optionalDigest() throws(StoreError) -> SHA256Digest? {
        guard let bytes = try optionalBlob() else { return nil }
        guard let digest = SHA256Digest(bytes: bytes) else { throw mismatch("32 bytes", .blob(bytes)) }
        return digest
    }

    private func mismatch(_ expected: String, _ found: SQLValue) -> StoreError {
        let kind =
            switch found {
            case .null: "null"
            case .integer: "an integer"
            case .real: "a real"
            case .text: "text"
            case .blob(let bytes): "\(bytes.count) bytes"
            }
        return StoreError(
            .corrupt, "column \(next) of a row is \(kind) where \(expected) belongs",
            cure: "restore the database from a backup; if it was never edited by hand, report this as a defect")
    }
}
