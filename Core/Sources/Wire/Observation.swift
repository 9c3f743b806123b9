public import JSON
public import Timestamps

/// When and in which boot the documents of one scan were read.
public struct Observation: Hashable, Sendable {
    /// When the scan began, by the host's clock.
    public var observed: Timestamp
    /// The running boot; nil where it could not be read.
    public var bootID: String?

    /// An observation at that time.
    public init(observed: Timestamp, bootID: String?) {
        self.observed = observed
        self.bootID = bootID
    }

    /// The observation as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["observed": .string(observed.description)]
        if let bootID { fields["bootID"] = .string(bootID) }
        return .object(fields)
    }

    /// Reads what ``json`` wrote.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            observed: try object.timestamp("observed"),
            bootID: try object.optionalString("bootID", maximumBytes: 64))
        try object.finish()
    }
}
