import Digest
import JSON
public import Timestamps
public import Wire

/// The reports that the server has not acknowledged, in one file that survives a crash at any byte.
///
/// `reports`: a header line and a line a report, each after sixteen digits of its SHA-256. Reports are appended and
/// synced; acknowledging and renumbering replace the whole file. A torn end is recognised and cut off: it was never
/// confirmed to anybody. Damage before the end costs the damaged lines only: what is left gets new numbers in a new
/// incarnation, and the first of them says so.
public struct ReportQueue: Sendable {
    /// Within which the reports are numbered; random.
    public private(set) var incarnation: String
    /// The number of the oldest report, or of the next one where none waits.
    public private(set) var first: Int64
    /// The waiting reports, oldest first, numbered without gaps from ``first``.
    public private(set) var reports: [Report]
    /// How many lines were found damaged when the file was read.
    public let damaged: Int
    private let folder: DurableFolder

    private static let file = "reports"
    private static let markBytes = 16
    /// The most reports kept; more are merged.
    public static let maximumCount = 10_000

    /// The number of the next report.
    public var next: Int64 { first + Int64(reports.count) }

    /// Opens the queue in that folder, or makes it.
    public init(_ folder: DurableFolder) throws(SystemError) {
        self.folder = folder
        guard let bytes = try folder.read(Self.file, limit: 64 << 20) else {
            self.incarnation = Self.newIncarnation()
            self.first = 1
            self.reports = []
            self.damaged = 0
            try rewrite()
            return
        }
        let read = Self.parse(bytes)
        self.damaged = read.damaged
        self.reports = read.reports
        self.incarnation = read.header?.incarnation ?? Self.newIncarnation()
        self.first = read.header?.first ?? 1
        if read.header == nil || read.damaged > 0 {
            try renumber(from: 1, newIncarnation: true, cause: read.damaged > 0 ? "repaired" : nil)
        } else if read.torn {
            try rewrite()
        }
    }

    /// Removes the queue of a former identity.
    static func remove(from folder: DurableFolder) throws(SystemError) {
        try folder.remove(file)
    }

    /// Adds a report and confirms it only when it is on the disk.
    public mutating func append(
        observed: Timestamp, bootID: String?, digests: HostDigests, cause: String
    ) throws(SystemError) {
        let report = Report(
            sequence: next, observed: observed, bootID: bootID, digests: digests, cause: cause)
        if reports.count >= Self.maximumCount {
            reports.append(report)
            try mergeMiddle()
            return
        }
        try folder.append(Self.line(report.json), to: Self.file)
        reports.append(report)
    }

    /// Removes the reports below `expected`, which the server has on its disk.
    public mutating func acknowledge(below expected: Int64) throws(SystemError) {
        guard expected > first else { return }
        reports.removeFirst(min(reports.count, Int(expected - first)))
        first = expected
        try rewrite()
    }

    /// Gives the waiting reports new numbers.
    ///
    /// - Parameters:
    ///   - from: the oldest one's, or the next one's where none waits.
    ///   - newIncarnation: whether they are counted within a new one, of which the server knows nothing yet.
    ///   - cause: what the oldest one says of it.
    public mutating func renumber(from: Int64, newIncarnation: Bool, cause: String? = nil) throws(SystemError) {
        if newIncarnation { incarnation = Self.newIncarnation() }
        first = from
        for index in reports.indices { reports[index].sequence = from + Int64(index) }
        if let cause, !reports.isEmpty { reports[0].cause = cause }
        try rewrite()
    }

    /// Drops every second report of the older half, never the oldest: what happened when becomes coarser, what is
    /// true now does not change. The report after a gap says "merged".
    public mutating func mergeMiddle() throws(SystemError) {
        var kept: [Report] = []
        for (index, report) in reports.enumerated() {
            if index > 0, index < reports.count / 2, index % 2 == 1 { continue }
            var report = report
            if index > 0, index <= reports.count / 2, index % 2 == 0 { report.cause = "merged" }
            kept.append(report)
        }
        reports = kept
        // Some of them may have been sent: their numbers must not mean something else in the same incarnation.
        try renumber(from: 1, newIncarnation: true)
    }

    /// Drops the reports that name a document that is lost; the next one left says "repaired".
    public mutating func drop(naming lost: NeededDocument) throws(SystemError) {
        let kept = reports.filter { $0.digests[lost.document] != lost.digest }
        guard kept.count < reports.count else { return }
        reports = kept
        try renumber(from: 1, newIncarnation: true, cause: "repaired")
    }

    private func rewrite() throws(SystemError) {
        var bytes = Self.line([
            "incarnation": .string(incarnation), "first": .integer(first),
        ])
        for report in reports { bytes.append(contentsOf: Self.line(report.json)) }
        try folder.replace(Self.file, with: bytes)
    }

    private static func line(_ json: JSONValue) -> [UInt8] {
        let text = json.canonicalBytes()
        return Array(SHA256.hash(text).hex.utf8.prefix(markBytes)) + [0x20] + text + [0x0A]
    }

    private struct Contents {
        var header: (incarnation: String, first: Int64)?
        var reports: [Report] = []
        var damaged = 0
        var torn = false
    }

    private static func parse(_ bytes: [UInt8]) -> Contents {
        var contents = Contents()
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        // What stands after the last line feed was being written when the power went.
        contents.torn = lines.popLast()?.isEmpty == false
        for (index, line) in lines.enumerated() {
            let value = value(of: line)
            if index == 0 {
                contents.header = value.flatMap(header)
                if contents.header == nil { contents.damaged += 1 }
            } else if let value, let report = try? Report(json: value) {
                contents.reports.append(report)
            } else {
                contents.damaged += 1
            }
        }
        if let header = contents.header {
            for (index, report) in contents.reports.enumerated()
            where report.sequence != header.first + Int64(index) && contents.damaged == 0 {
                contents.damaged += 1
            }
        }
        return contents
    }

    private static func value(of line: ArraySlice<UInt8>) -> JSONValue? {
        guard line.count > markBytes + 1 else { return nil }
        let text = Array(line.dropFirst(markBytes + 1))
        guard Array(SHA256.hash(text).hex.utf8.prefix(markBytes)) == Array(line.prefix(markBytes)) else { return nil }
        return try? JSONValue(parsing: text, limits: .message)
    }

    private static func header(_ value: JSONValue) -> (incarnation: String, first: Int64)? {
        guard let incarnation = value["incarnation"]?.string, let first = value["first"]?.integer, first >= 1 else {
            return nil
        }
        return (incarnation, first)
    }

    private static func newIncarnation() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<2).flatMap { _ in
            let word = generator.next()
            return stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        return String(SHA256.hash(bytes).hex.prefix(32))
    }
}
