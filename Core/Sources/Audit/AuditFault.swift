/// What is wrong with a log, and with which record first.
public struct AuditFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was done to it.
    public enum Kind: String, Hashable, Sendable {
        /// The event, its hash, or both are not what entered the tree.
        case changed
        /// The record is not there, and others follow.
        case removed
        /// The record stands in another place.
        case reordered
        /// A record that is not of this tree.
        case inserted
        /// The records from here on are not there.
        case truncated
        /// The event belongs to another organisation than the log.
        case organisation
        /// The personal data are not those that the event commits to.
        case personal
        /// A checkpoint's signature is wrong, or by no key that is trusted.
        case forgedCheckpoint
        /// A checkpoint that stands alone is signed by a key that has handed over to another one.
        case retiredKey
        /// A record that hands over to another key without the word of both keys, or of keys that nobody trusts.
        case forgedRotation
        /// A checkpoint that is signed contradicts the records.
        case inconsistent
        /// What was given is not an export or a proof, or not whole.
        case unreadable
    }

    /// What was done.
    public var kind: Kind
    /// The first record that is wrong, from 0; nil where none can be named.
    public var record: Int?
    /// The server's id of that record, where it is known.
    public var id: Int64?
    /// What was found.
    public var reason: String

    /// A fault with these fields.
    public init(_ kind: Kind, record: Int? = nil, id: Int64? = nil, _ reason: String) {
        self.kind = kind
        self.record = record
        self.id = id
        self.reason = reason
    }

    /// One line for people.
    public var description: String {
        var text = kind.rawValue
        if kind == .forgedCheckpoint { text = "forged checkpoint" }
        if kind == .retiredKey { text = "retired key" }
        if kind == .forgedRotation { text = "forged rotation of keys" }
        if let record { text += ": record \(record)" }
        if let id { text += " (event \(id))" }
        return "\(text): \(reason)"
    }
}
