public import Digest

/// Versioned canonical bytes: a header line, then strictly ascending lines of tab-separated fields.
///
/// Software sets and offer sets travel and are named in this form: equal contents have equal bytes and so
/// one digest; a reader needs no parser beyond line and tab; and a change is a few lines removed and added.
public struct LineDocument: Hashable, Sendable {
    /// The bytes, header included, ending in a line feed.
    public let bytes: [UInt8]

    /// What names the document: SHA-256 of its bytes.
    public let digest: SHA256Digest

    /// How large a document may be.
    public struct Limits: Sendable {
        /// Bytes in all.
        public var bytes: Int
        /// Lines after the header.
        public var lines: Int
        /// Bytes of one line.
        public var lineBytes: Int

        /// Limits with these values.
        public init(bytes: Int, lines: Int, lineBytes: Int) {
            self.bytes = bytes
            self.lines = lines
            self.lineBytes = lineBytes
        }

        /// 16 MiB, 100,000 lines of 2 KiB: ten times the largest host seen.
        public static let standard = Limits(bytes: 16 << 20, lines: 100_000, lineBytes: 2048)
    }

    /// The document of these lines, which are sorted and made unique here.
    ///
    /// - Parameters:
    ///   - header: the first line, without its line feed.
    ///   - lines: without line feeds; a field holds no tab.
    public init(header: String, lines: some Sequence<String>) {
        let sorted = lines.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        var bytes = Array(header.utf8)
        bytes.append(lineFeed)
        var previous: [UInt8]?
        for line in sorted where line != previous {
            bytes.append(contentsOf: line)
            bytes.append(lineFeed)
            previous = line
        }
        self.bytes = bytes
        self.digest = SHA256.hash(bytes)
    }

    /// Reads and checks received bytes: the header, the order, the character set and the limits.
    ///
    /// - Throws: ``LineDocumentError`` with the line's number.
    public init(parsing bytes: [UInt8], header: String, limits: Limits = .standard) throws(LineDocumentError) {
        guard bytes.count <= limits.bytes else {
            throw LineDocumentError(line: 0, problem: "is \(bytes.count) bytes; at most \(limits.bytes) are taken")
        }
        guard bytes.last == lineFeed else {
            throw LineDocumentError(line: 0, problem: "does not end in a line feed: it was cut short")
        }
        try bytes.withUnsafeBufferPointer { (buffer) throws(LineDocumentError) in
            try Self.check(buffer, header: Array(header.utf8), limits)
        }
        self.bytes = bytes
        self.digest = SHA256.hash(bytes)
    }

    /// Everything but the size and the last byte, in one pass over each line.
    private static func check(
        _ bytes: UnsafeBufferPointer<UInt8>, header: [UInt8], _ limits: Limits
    ) throws(LineDocumentError) {
        let scan = LineScan(bytes)
        let content = scan.content()
        var number = 0
        var previous = 0..<0
        var start = 0
        while start < bytes.count {
            let line = start..<scan.lineFeed(from: start)
            start = line.upperBound + 1
            number += 1
            if number == 1 {
                guard bytes[line].elementsEqual(header) else {
                    throw LineDocumentError(
                        line: 1, problem: "is not the header \"\(String(decoding: header, as: UTF8.self))\"")
                }
                continue
            }
            guard number - 1 <= limits.lines else {
                throw LineDocumentError(line: number, problem: "is more than \(limits.lines) lines")
            }
            guard line.count <= limits.lineBytes, !line.isEmpty else {
                throw LineDocumentError(line: number, problem: "is empty or over \(limits.lineBytes) bytes")
            }
            // The whole was looked at before: here is only found where.
            if content.controls, bytes[line].contains(where: { $0 < 0x20 && $0 != tab || $0 == 0x7F }) {
                throw LineDocumentError(line: number, problem: "holds a control character")
            }
            guard number == 2 || scan.precedes(previous, line) else {
                throw LineDocumentError(line: number, problem: "is not after the line before it")
            }
            previous = line
        }
        guard content.ascii || String(validating: bytes, as: UTF8.self) != nil else {
            throw LineDocumentError(line: 0, problem: "is not UTF-8")
        }
    }

    /// The lines after the header, each without its line feed.
    public var lines: [String] {
        var lines = bytes.split(separator: lineFeed).map { String(decoding: $0, as: UTF8.self) }
        if !lines.isEmpty { lines.removeFirst() }
        return lines
    }

    /// Where the lines after the header stand in ``bytes``, each without its line feed.
    public var lineRanges: [Range<Int>] {
        bytes.withUnsafeBufferPointer { bytes in
            let scan = LineScan(bytes)
            var ranges: [Range<Int>] = []
            ranges.reserveCapacity(bytes.count / 48)
            var start = scan.lineFeed(from: 0) + 1
            while start < bytes.count {
                let end = scan.lineFeed(from: start)
                ranges.append(start..<end)
                start = end + 1
            }
            return ranges
        }
    }

    /// The header, without its line feed.
    public var header: String {
        String(decoding: bytes.prefix { $0 != lineFeed }, as: UTF8.self)
    }
}

/// Why received bytes are not a ``LineDocument``.
public struct LineDocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, from 1; 0 for the document as a whole.
    public let line: Int
    /// What is wrong with it.
    public let problem: String

    /// The error at that line.
    public init(line: Int, problem: String) {
        self.line = line
        self.problem = problem
    }

    /// One sentence that names the line.
    public var description: String {
        line == 0 ? "the document \(problem)" : "line \(line) \(problem)"
    }
}

let lineFeed: UInt8 = 0x0A
let tab: UInt8 = 0x09
