public import JSON

/// What a host's own file system can have as a snapshot before a change, found by looking at it, never assumed.
public struct SnapshotFacts: Hashable, Sendable {
    /// A kind of snapshot.
    public enum Kind: String, CaseIterable, Sendable {
        /// A read-only btrfs snapshot of the root subvolume, which holds the packages' database and their files.
        case btrfs
        /// None: the way back is the old packages alone.
        case none
    }
    /// The kind.
    public var kind: Kind
    /// What was found, and for none why there is no better one: `the file system of / is ext4, not btrfs`.
    public var why: String

    /// Means with what proves them.
    public init(_ kind: Kind, why: String) {
        self.kind = kind
        self.why = why
    }
}

extension SnapshotFacts: FactValue {
    /// The means as they stand in the facts.
    public var json: JSONValue { ["kind": .string(kind.rawValue), "why": .string(why)] }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(try object.choice("kind"), why: try object.string("why", maximumBytes: 1024))
        try object.finish()
    }
}
