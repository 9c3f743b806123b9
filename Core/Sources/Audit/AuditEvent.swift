public import Digest
public import JSON

/// One effect that somebody or something had, as it enters the audit log.
///
/// What is hashed is the canonical JSON (RFC 8785) of the event, with personal data replaced by a salted commitment, so
/// that the data can be erased later while the leaf, and every proof over it, stays as it is.
public struct AuditEvent: Sendable, Hashable {
    /// The organisation whose log the event enters; ``installation`` where it belongs to none.
    public let organisation: String
    /// When it happened, in UTC as RFC 3339 writes it: `2026-11-21T08:30:00Z`, with a fraction if need be.
    public let time: String
    /// Who or what acted, such as `user:42` or `scheduler`.
    public let actor: String
    /// What was done, such as `host.enrolled`.
    public let action: String
    /// What it was done to, such as `host:web1`.
    public let subject: String
    /// Everything else worth keeping, without personal data.
    public let detail: JSONValue
    /// Names, addresses and the like, or what is left of them; nil when there never were any.
    public private(set) var personal: PersonalData?

    /// Stands for the installation as a whole, where an effect belongs to no organisation: its events are in the
    /// installation's tree only.
    public static let installation = ""

    /// Makes an event; refuses one that lacks who, what or to what, and a time in another form than RFC 3339 UTC.
    public init(
        organisation: String, time: String, actor: String, action: String, subject: String, detail: JSONValue = [:],
        personal: PersonalData? = nil
    ) throws(AuditError) {
        for (field, value) in [("actor", actor), ("action", action), ("subject", subject)] where value.isEmpty {
            throw AuditError(field: field, reason: "it is empty; every audit event names it")
        }
        guard isUTCTimestamp(time) else {
            throw AuditError(field: "time", reason: "'\(time)' is not UTC in the form 2026-11-21T08:30:00Z (RFC 3339)")
        }
        self.organisation = organisation
        self.time = time
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        self.personal = personal
    }

    /// The canonical bytes that are hashed; they contain the commitment to personal data, never the data.
    public func canonicalBytes() -> [UInt8] {
        var members: [String: JSONValue] = [
            "action": .string(action), "actor": .string(actor), "detail": detail, "organisation": .string(organisation),
            "subject": .string(subject), "time": .string(time),
        ]
        if let personal {
            members["personal"] = ["commitment": .string(personal.commitment.hex)]
        }
        return JSONValue.object(members).canonicalBytes()
    }

    /// Reads an event from what ``canonicalBytes()`` wrote; personal data come out as erased, for only their commitment
    /// is there.
    ///
    /// - Throws: ``AuditError`` for bytes that are not an event, or not in the canonical form.
    public init(canonical bytes: [UInt8]) throws(AuditError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes, limits: .message) } catch {
            throw AuditError(field: "event", reason: "it is not JSON: \(error)")
        }
        guard value.canonicalBytes() == bytes else {
            throw AuditError(field: "event", reason: "its bytes are not in the canonical form of RFC 8785")
        }
        try self.init(value)
    }

    /// Reads an event from its members; any that an event does not have are refused.
    public init(_ value: JSONValue) throws(AuditError) {
        do {
            var object = try JSONObject(value)
            let detail = try object.value("detail")
            var personal: PersonalData?
            if var commitment = try object.optionalObject("personal") {
                let hex = try commitment.string("commitment", maximumBytes: 64)
                try commitment.finish()
                guard let digest = SHA256Digest(hex: hex), digest.hex == hex else {
                    throw AuditError(field: "personal", reason: "its commitment is not 64 hexadecimal digits")
                }
                personal = .erased(digest)
            }
            self = try AuditEvent(
                organisation: object.string("organisation"), time: object.string("time"),
                actor: object.string("actor", maximumBytes: 64 << 10),
                action: object.string("action", maximumBytes: 64 << 10),
                subject: object.string("subject", maximumBytes: 64 << 10), detail: detail, personal: personal)
            try object.finish()
        } catch let error as AuditError {
            throw error
        } catch {
            throw AuditError(field: "event", reason: "\(error)")
        }
    }

    /// The leaf of the hash tree: SHA-256 of a zero byte and ``canonicalBytes()`` (RFC 6962, section 2.1).
    public func leafHash() -> SHA256Digest { MerkleTree.leafHash(canonicalBytes()) }

    /// Forgets personal data and their salt; the leaf stays the same.
    public mutating func erasePersonalData() {
        guard let commitment = personal?.commitment else { return }
        personal = .erased(commitment)
    }
}

/// Personal data of an event.
public enum PersonalData: Sendable, Hashable {
    /// The data, and the random salt without which the commitment would tell guessable data.
    case known([String: JSONValue], salt: PersonalDataSalt)
    /// The data and the salt are gone.
    case erased(SHA256Digest)

    /// SHA-256 of the salt and the data's canonical bytes.
    public var commitment: SHA256Digest {
        switch self {
        case .erased(let commitment): return commitment
        case .known(let members, let salt):
            var hasher = SHA256()
            hasher.update(salt.bytes)
            hasher.update(JSONValue.object(members).canonicalBytes())
            return hasher.finalize()
        }
    }
}

/// Sixteen bytes from the caller's cryptographic source, new for each event and kept beside the data only.
public struct PersonalDataSalt: Sendable, Hashable {
    /// The sixteen bytes.
    public let bytes: [UInt8]

    /// Takes the salt; nil unless it has sixteen bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }
}

/// Why an audit event was refused.
public struct AuditError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field at fault.
    public let field: String
    /// What is wrong with it and what would be right.
    public let reason: String

    /// An error of that field.
    public init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }

    /// One line for people.
    public var description: String { "audit event, field \(field): \(reason)" }
}

/// Whether `text` is `YYYY-MM-DDTHH:MM:SS[.fraction]Z` with fields in range (RFC 3339, section 5.6, in UTC).
private func isUTCTimestamp(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard (20...40).contains(bytes.count), bytes.last == 0x5A else { return false }
    func number(_ range: Range<Int>) -> Int? {
        var value = 0
        for byte in bytes[range] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
    for (index, separator) in [(4, 0x2D), (7, 0x2D), (10, 0x54), (13, 0x3A), (16, 0x3A)] as [(Int, UInt8)] {
        guard bytes[index] == separator else { return false }
    }
    guard number(0..<4) != nil, let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
        let minute = number(14..<16), let second = number(17..<19),
        (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return false }
    if bytes.count == 20 { return true }
    return bytes[19] == 0x2E && bytes.count > 21 && bytes[20..<bytes.count - 1].allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
}
