import Digest
public import JSON
public import Timestamps
public import Wire

/// What the network process must not forget: `state.json`.
public struct AgentMemory: Hashable, Sendable {
    /// The file's name.
    public static let file = "state.json"

    /// When the host was enrolled; nil where that is not known any more.
    public var enrolled: Timestamp?
    /// SHA-256 of the certificate that these tokens came with; another one on disk means that a crash came between.
    public var certificate: String?
    /// The token to present.
    public var exchangeToken: String
    /// The one before, until the server has accepted the current one.
    public var previousToken: String?
    /// The highest server epoch seen.
    public var epoch: Int64
    /// The epoch in which the server last told what it expects.
    public var acknowledgedEpoch: Int64
    /// The desired state held.
    public var state: DesiredState?
    /// The scan request that was last fulfilled.
    public var scanRequest: Int64 = 0
    /// The renewal request that was last fulfilled.
    public var renewRequest: Int64 = 0
    /// What the last report said.
    public var digests: HostDigests?
    /// What the last acknowledged report said: the server holds these documents.
    public var acknowledged: HostDigests?

    /// The memory of a host that has just been granted an identity.
    public init(exchangeToken: String, epoch: Int64) {
        self.exchangeToken = exchangeToken
        self.epoch = epoch
        self.acknowledgedEpoch = epoch
    }

    /// The memory as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "exchangeToken": .string(exchangeToken), "epoch": .integer(epoch),
            "acknowledgedEpoch": .integer(acknowledgedEpoch), "scanRequest": .integer(scanRequest),
            "renewRequest": .integer(renewRequest),
        ]
        if let enrolled { fields["enrolled"] = .string(enrolled.description) }
        if let certificate { fields["certificate"] = .string(certificate) }
        if let previousToken { fields["previousToken"] = .string(previousToken) }
        if let state { fields["state"] = state.json(.current) }
        if let digests { fields["digests"] = Self.json(digests) }
        if let acknowledged { fields["acknowledged"] = Self.json(acknowledged) }
        return .object(fields)
    }

    /// Reads what ``json`` wrote.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        let range: ClosedRange<Int64> = 0...Int64.max
        self.init(
            exchangeToken: try object.string("exchangeToken", maximumBytes: 64),
            epoch: try object.integer("epoch", in: range))
        acknowledgedEpoch = try object.integer("acknowledgedEpoch", in: range)
        scanRequest = try object.integer("scanRequest", in: range)
        renewRequest = try object.integer("renewRequest", in: range)
        enrolled = try object.optionalString("enrolled", maximumBytes: 40).flatMap { Timestamp(rfc3339: $0) }
        certificate = try object.optionalString("certificate", maximumBytes: 64)
        previousToken = try object.optionalString("previousToken", maximumBytes: 64)
        if let value = object.optionalValue("state") { state = try DesiredState(json: value, .current) }
        digests = try Self.digests("digests", in: &object)
        acknowledged = try Self.digests("acknowledged", in: &object)
        try object.finish()
    }

    private static func json(_ digests: HostDigests) -> JSONValue {
        .object(
            Dictionary(
                uniqueKeysWithValues: HostDocument.allCases.map { ($0.rawValue, .string(digests[$0].hex)) }))
    }

    private static func digests(_ key: String, in object: inout JSONObject) throws(JSONError) -> HostDigests? {
        guard var fields = try object.optionalObject(key) else { return nil }
        let set = SHA256Digest(hex: try fields.string("set", maximumBytes: 64))
        let offers = SHA256Digest(hex: try fields.string("offers", maximumBytes: 64))
        let facts = SHA256Digest(hex: try fields.string("facts", maximumBytes: 64))
        try fields.finish()
        guard let set, let offers, let facts else { return nil }
        return HostDigests(set: set, offers: offers, facts: facts)
    }
}
