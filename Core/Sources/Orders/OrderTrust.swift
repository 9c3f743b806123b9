public import JSON
public import Timestamps

/// What a host remembers of the orders it has seen, so that nothing older is ever believed: written durably before it is acted on.
public struct OrderTrust: Hashable, Sendable {
    /// The adopted roles document in its envelope; nil before the first one.
    public var roles: Envelope?
    /// The highest fence of a grant that was accepted; 0 for none.
    public var lastFence: Int64
    /// The highest epoch of the server that was seen.
    public var epoch: Int64
    /// The latest time that a trusted signature has proved to be past: the host's clock is never believed to be earlier.
    public var timeFloor: Timestamp

    /// What is remembered; nothing by default.
    public init(
        roles: Envelope? = nil, lastFence: Int64 = 0, epoch: Int64 = 0, timeFloor: Timestamp = Timestamp(seconds: 0)
    ) {
        self.roles = roles
        self.lastFence = lastFence
        self.epoch = epoch
        self.timeFloor = timeFloor
    }

    /// The time to judge orders by: the clock's, but never before the floor. A clock that was set back reopens nothing.
    public func now(clock: Timestamp) -> Timestamp { max(clock, timeFloor) }

    /// Raises what only ever rises; lower values change nothing.
    public mutating func observe(fence: Int64? = nil, epoch: Int64? = nil, time: Timestamp? = nil) {
        if let fence { lastFence = max(lastFence, fence) }
        if let epoch { self.epoch = max(self.epoch, epoch) }
        if let time { timeFloor = max(timeFloor, time) }
    }

    /// The memory as JSON, for the host's disk.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "format": 1, "lastFence": .integer(lastFence), "epoch": .integer(epoch),
            "timeFloor": .string(timeFloor.description),
        ]
        if let roles { fields["roles"] = roles.json }
        return .object(fields)
    }

    /// Reads ``json``; the roles' signatures were checked before they were written.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        _ = try object.integer("format", in: 1...1)
        self.init(
            lastFence: try object.integer("lastFence", in: 0...Int64.max),
            epoch: try object.integer("epoch", in: 0...Int64.max), timeFloor: try object.time("timeFloor"))
        if let value = object.optionalValue("roles") {
            roles = try Envelope(json: value, at: object.pointer(to: "roles"))
        }
        try object.finish()
    }
}
