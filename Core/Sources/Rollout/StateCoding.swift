import Digest
import JSON
import Timestamps

/// What the stored states have in common when they are read.
extension JSONObject {
    mutating func word<T: RawRepresentable>(_ key: String) throws(JSONError) -> T where T.RawValue == String {
        let text = try string(key, maximumBytes: 64)
        guard let value = T(rawValue: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "\"\(text)\" is no word of this field")
        }
        return value
    }

    mutating func optionalWord<T: RawRepresentable>(_ key: String) throws(JSONError) -> T? where T.RawValue == String {
        guard let text = try optionalString(key, maximumBytes: 64) else { return nil }
        guard let value = T(rawValue: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "\"\(text)\" is no word of this field")
        }
        return value
    }

    mutating func instant(_ key: String) throws(JSONError) -> Timestamp {
        let text = try string(key, maximumBytes: 40)
        guard let time = Timestamp(rfc3339: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "expected a time of RFC 3339")
        }
        return time
    }

    mutating func optionalInstant(_ key: String) throws(JSONError) -> Timestamp? {
        guard optionalValue(key) != nil else { return nil }
        return try instant(key)
    }

    mutating func digest(_ key: String) throws(JSONError) -> SHA256Digest {
        let text = try string(key, maximumBytes: 64)
        guard let digest = SHA256Digest(hex: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "expected 64 hexadecimal digits")
        }
        return digest
    }

    mutating func optionalDigest(_ key: String) throws(JSONError) -> SHA256Digest? {
        guard optionalValue(key) != nil else { return nil }
        return try digest(key)
    }
}
