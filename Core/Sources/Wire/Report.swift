public import Digest
public import JSON
public import Timestamps

/// One numbered observation: at that time the host looked like this.
///
/// The agent keeps it, and the three documents it names, until the server has acknowledged it.
public struct Report: Hashable, Sendable {
    /// The highest number a report may bear: what JSON carries exactly, and the number after it exists.
    public static let maximumSequence: Int64 = (1 << 53) - 1

    /// Counts from 1 within an incarnation, without gaps.
    public var sequence: Int64
    /// When the host was scanned, by its own clock.
    public var observed: Timestamp
    /// The running boot; nil where it could not be read.
    public var bootID: String?
    /// What was found.
    public var digests: HostDigests
    /// Why it was scanned: `start`, `interval`, `changed`, `requested`, `report-all`; or why it bears another number
    /// than it was first given: `merged` (older ones before it had to go, because the server was away for too long),
    /// `repaired` (ones before it were damaged on the host's disk).
    public var cause: String

    /// A report with these fields.
    public init(sequence: Int64, observed: Timestamp, bootID: String?, digests: HostDigests, cause: String) {
        self.sequence = sequence
        self.observed = observed
        self.bootID = bootID
        self.digests = digests
        self.cause = cause
    }

    /// The report as JSON; also how the agent keeps it on disk.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "sequence": .integer(sequence), "observed": .string(observed.description), "digests": digests.json,
            "cause": .string(cause),
        ]
        if let bootID { fields["bootID"] = .string(bootID) }
        return .object(fields)
    }

    /// Reads a report.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            sequence: try object.integer("sequence", in: 1...Self.maximumSequence),
            observed: try object.timestamp("observed"),
            bootID: try object.optionalString("bootID", maximumBytes: 64),
            digests: try HostDigests(object.object("digests")), cause: try object.string("cause", maximumBytes: 32))
        try object.finish()
    }
}

/// `POST /agent/vN/reports`: the oldest reports not yet acknowledged, at most 100, in order.
public struct ReportBatch: WireMessage, Hashable {
    /// The most reports in one batch.
    public static let maximumCount = 100

    /// The current exchange token.
    public var exchangeToken: String
    /// The incarnation in which the reports are numbered.
    public var incarnation: String
    /// Consecutive reports.
    public var reports: [Report]

    /// A batch with these reports.
    public init(exchangeToken: String, incarnation: String, reports: [Report]) {
        self.exchangeToken = exchangeToken
        self.incarnation = incarnation
        self.reports = reports
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "exchangeToken": .string(exchangeToken), "incarnation": .string(incarnation),
            "reports": .array(reports.map(\.json)),
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            exchangeToken: try object.string("exchangeToken", maximumBytes: 64),
            incarnation: try object.string("incarnation", maximumBytes: 64), reports: [])
        for (index, value) in try object.array("reports", maximumCount: Self.maximumCount).enumerated() {
            reports.append(try Report(json: value, at: "/reports/\(index)"))
        }
        try object.finish()
    }
}

/// The answer to a ``ReportBatch``, given when what it acknowledges is on the server's disk.
public struct ReportReply: WireMessage, Hashable {
    /// The number of the report that the server expects next: all below are safe and may be deleted.
    public var expectedReport: Int64
    /// Documents that the next reports name and the organisation does not hold: upload them
    /// (`PUT /agent/vN/documents/{set|offers|facts}/{digest}`), then send the batch again.
    public var needed: [NeededDocument]

    /// A reply with these fields.
    public init(expectedReport: Int64, needed: [NeededDocument]) {
        self.expectedReport = expectedReport
        self.needed = needed
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        ["expectedReport": .integer(expectedReport), "needed": .array(needed.map(\.json))]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            expectedReport: try object.integer("expectedReport", in: 1...Int64.max),
            needed: try NeededDocument.list("needed", in: &object))
        try object.finish()
    }
}
