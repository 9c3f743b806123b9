public import Digest
public import JSON
public import Orders
public import Rollout
public import Timestamps

/// A job that the server has for the host, as its desired state lists it. It is no right to change anything: that is a grant.
public struct JobOffer: Hashable, Sendable {
    /// The job: 32 hexadecimal digits.
    public var job: String
    /// Of which campaign.
    public var campaign: String
    /// Which attempt of this host, from 1.
    public var attempt: Int64
    /// The signed release document.
    public var release: Envelope
    /// The next time in which the host may change,
    public var notBefore: Timestamp
    /// the last moment at which it may begin,
    public var lastSafeStart: Timestamp
    /// and its end.
    public var notAfter: Timestamp
    /// Whether the server asks for the job's end: before the point of no return the agent drops it, after it goes on.
    public var isCancelled: Bool
    /// Whether the host shall be taken back to what it was before this job (which has ended).
    public var rollsBack: Bool

    /// An offer.
    public init(
        job: String, campaign: String, attempt: Int64, release: Envelope, notBefore: Timestamp,
        lastSafeStart: Timestamp, notAfter: Timestamp, isCancelled: Bool = false, rollsBack: Bool = false
    ) {
        self.job = job
        self.campaign = campaign
        self.attempt = attempt
        self.release = release
        self.notBefore = notBefore
        self.lastSafeStart = lastSafeStart
        self.notAfter = notAfter
        self.isCancelled = isCancelled
        self.rollsBack = rollsBack
    }

    /// The offer as JSON.
    public var json: JSONValue {
        [
            "job": .string(job), "campaign": .string(campaign), "attempt": .integer(attempt), "release": release.json,
            "notBefore": .string(notBefore.description), "lastSafeStart": .string(lastSafeStart.description),
            "notAfter": .string(notAfter.description), "cancelled": .bool(isCancelled), "rollBack": .bool(rollsBack),
        ]
    }

    /// Reads an offer.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            job: try object.string("job", maximumBytes: 64), campaign: try object.string("campaign", maximumBytes: 64),
            attempt: try object.integer("attempt", in: 1...1_000_000),
            release: try Envelope(json: object.value("release"), at: object.pointer(to: "release")),
            notBefore: try object.timestamp("notBefore"), lastSafeStart: try object.timestamp("lastSafeStart"),
            notAfter: try object.timestamp("notAfter"), isCancelled: try object.bool("cancelled"),
            rollsBack: try object.bool("rollBack"))
        try object.finish()
    }
}

/// `POST /agent/vN/jobs/{job}/claim`: the host is ready to change and asks for its permit.
/// `POST /agent/vN/jobs/{job}/confirm`: it holds a grant, is about to change, and asks whether that still stands.
public struct JobQuestion: WireMessage, Hashable {
    /// The current exchange token.
    public var exchangeToken: String
    /// 32 hexadecimal digits drawn for this question; a ticket repeats it.
    public var nonce: String
    /// The highest fence that the agent has journaled; of the grant itself in a `confirm`.
    public var fence: Int64

    /// A question.
    public init(exchangeToken: String, nonce: String, fence: Int64) {
        self.exchangeToken = exchangeToken
        self.nonce = nonce
        self.fence = fence
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        ["exchangeToken": .string(exchangeToken), "nonce": .string(nonce), "fence": .integer(fence)]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            exchangeToken: try object.string("exchangeToken", maximumBytes: 64),
            nonce: try object.string("nonce", maximumBytes: 64),
            fence: try object.integer("fence", in: 0...Int64.max))
        try object.finish()
    }
}

/// The answer to a ``JobQuestion``.
public struct JobAnswer: WireMessage, Hashable {
    /// The signed grant (to a claim) or ticket (to a confirmation); nil where the answer is no, for now or for good.
    public var order: Envelope?
    /// Seconds after which to ask again; nil where asking again is of no use.
    public var retryAfter: Int64?
    /// Why there is no order, in one sentence; empty where there is one.
    public var reason: String

    /// An answer.
    public init(order: Envelope?, retryAfter: Int64? = nil, reason: String = "") {
        self.order = order
        self.retryAfter = retryAfter
        self.reason = reason
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        var fields: [String: JSONValue] = ["reason": .string(reason)]
        if let order { fields["order"] = order.json }
        if let retryAfter { fields["retryAfter"] = .integer(retryAfter) }
        return .object(fields)
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        var order: Envelope?
        if let value = object.optionalValue("order") { order = try Envelope(json: value, at: "/order") }
        self.init(
            order: order, retryAfter: try object.optionalInteger("retryAfter", in: 1...86_400),
            reason: try object.string("reason", maximumBytes: 1024))
        try object.finish()
    }
}

/// `POST /agent/vN/jobs/{job}/entries`: the next records of the job's journal, and what else is new of it.
public struct JobProgress: WireMessage, Hashable {
    /// The most records in one message.
    public static let maximumEntries = 100
    /// The most bytes of log in one message.
    public static let maximumLogBytes = 64 << 10
    /// The most bytes of log that are kept of a job.
    public static let maximumLogTotal: Int64 = 4 << 20

    /// The current exchange token.
    public var exchangeToken: String
    /// Consecutive records, from the one that the server expects.
    public var entries: [JobEntry]
    /// Where ``log`` begins in the job's log, in bytes.
    public var logOffset: Int64
    /// The next bytes of what the package manager and the scripts wrote; UTF-8, what is not is replaced.
    public var log: String
    /// How far the running step is, in percent, and what it does; nil where nothing runs. Not kept.
    public var percent: Int64?
    /// See ``percent``.
    public var activity: String

    /// A message.
    public init(
        exchangeToken: String, entries: [JobEntry], logOffset: Int64 = 0, log: String = "", percent: Int64? = nil,
        activity: String = ""
    ) {
        self.exchangeToken = exchangeToken
        self.entries = entries
        self.logOffset = logOffset
        self.log = log
        self.percent = percent
        self.activity = activity
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        var fields: [String: JSONValue] = [
            "exchangeToken": .string(exchangeToken), "entries": .array(entries.map(\.json)),
            "logOffset": .integer(logOffset), "log": .string(log), "activity": .string(activity),
        ]
        if let percent { fields["percent"] = .integer(percent) }
        return .object(fields)
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(exchangeToken: try object.string("exchangeToken", maximumBytes: 64), entries: [])
        for (index, value) in try object.array("entries", maximumCount: Self.maximumEntries).enumerated() {
            entries.append(try JobEntry(json: value, at: "/entries/\(index)"))
        }
        logOffset = try object.integer("logOffset", in: 0...Self.maximumLogTotal)
        log = try object.string("log", maximumBytes: Self.maximumLogBytes * 3)
        percent = try object.optionalInteger("percent", in: 0...100)
        activity = try object.string("activity", maximumBytes: 1024)
        try object.finish()
    }
}

/// The answer to ``JobProgress``, given when what it acknowledges is on the server's disk.
public struct JobProgressReply: WireMessage, Hashable {
    /// The ordinal of the record that the server expects next; after the last record of an ended job the agent may forget it.
    public var expectedEntry: Int64
    /// How many bytes of the log the server has.
    public var logSize: Int64

    /// An answer.
    public init(expectedEntry: Int64, logSize: Int64) {
        self.expectedEntry = expectedEntry
        self.logSize = logSize
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        ["expectedEntry": .integer(expectedEntry), "logSize": .integer(logSize)]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            expectedEntry: try object.integer("expectedEntry", in: 1...JobEntry.maximumCount + 1),
            logSize: try object.integer("logSize", in: 0...JobProgress.maximumLogTotal))
        try object.finish()
    }
}
