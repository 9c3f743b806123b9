public import Digest
public import JSON
public import Timestamps

/// A message of the agent protocol: JSON whose fields are fixed within a protocol version.
public protocol WireMessage: Sendable {
    /// The message as it stands in that version.
    func json(_ version: ProtocolVersion) -> JSONValue
    /// Reads a message of that version; an unknown field is an error.
    init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError)
}

extension WireMessage {
    /// The bytes to send: canonical JSON (RFC 8785).
    public func encoded(_ version: ProtocolVersion = .current) -> [UInt8] {
        json(version).canonicalBytes()
    }

    /// Reads received bytes within the limits of a message.
    public init(
        decoding bytes: [UInt8], _ version: ProtocolVersion = .current, limits: JSONLimits = .message
    ) throws(JSONError) {
        try self.init(json: JSONValue(parsing: bytes, limits: limits), version)
    }
}

extension JSONObject {
    /// A digest written as 64 hexadecimal digits.
    mutating func digest(_ key: String) throws(JSONError) -> SHA256Digest {
        let text = try string(key, maximumBytes: 64)
        guard let digest = SHA256Digest(hex: text) else {
            throw JSONError.unexpected(pointer: pointer(to: key), expected: "64 hexadecimal digits", found: text)
        }
        return digest
    }

    /// A digest that may be absent.
    mutating func optionalDigest(_ key: String) throws(JSONError) -> SHA256Digest? {
        guard let text = try optionalString(key, maximumBytes: 64) else { return nil }
        guard let digest = SHA256Digest(hex: text) else {
            throw JSONError.unexpected(pointer: pointer(to: key), expected: "64 hexadecimal digits", found: text)
        }
        return digest
    }

    /// A time written in RFC 3339.
    mutating func timestamp(_ key: String) throws(JSONError) -> Timestamp {
        let text = try string(key, maximumBytes: 40)
        guard let time = Timestamp(rfc3339: text) else {
            throw JSONError.unexpected(pointer: pointer(to: key), expected: "a time of RFC 3339", found: text)
        }
        return time
    }
}

extension JSONError {
    /// A value of the right type that is not what the field holds.
    static func unexpected(pointer: String, expected: String, found: String) -> JSONError {
        JSONError(.outOfBounds, pointer: pointer, reason: "expected \(expected), found \"\(found.prefix(80))\"")
    }
}
