public import JSON

/// One package of an order: the exact version to bring it to, and where it may come back to.
public struct PackageGoal: Sendable, Hashable {
    /// The binary package's name.
    public var name: String
    /// Its architecture as dpkg writes it: `amd64`, `all`.
    public var architecture: String
    /// The exact version.
    public var version: String
    /// The SHA-256 of the package's file as 64 hexadecimal digits; nil where the host's signed index is the only word.
    public var sha256: String?
    /// The only versions that it may be taken back to; empty for any that the host had.
    public var previous: [String]

    /// A goal.
    public init(name: String, architecture: String, version: String, sha256: String? = nil, previous: [String] = []) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.sha256 = sha256
        self.previous = previous
    }

    /// `name:architecture`.
    public var id: String { "\(name):\(architecture)" }
}

/// What happens to one package in a change.
public struct PackageStep: Sendable, Hashable {
    /// The kind of change.
    public enum Kind: String, CaseIterable, Sendable {
        /// A higher version replaces the installed one.
        case upgrade
        /// A lower version replaces it.
        case downgrade
        /// It was not there before.
        case install
        /// It goes; never part of a plan that can be carried out.
        case remove
    }
    /// The package's name.
    public var name: String
    /// The architecture of the new version's file, or of the installed one where it goes.
    public var architecture: String
    /// What happens.
    public var kind: Kind
    /// The installed version; nil for ``Kind/install``.
    public var from: String?
    /// The architecture of the installed version; differs where a package becomes one for all architectures.
    public var fromArchitecture: String?
    /// The new version; nil for ``Kind/remove``.
    public var to: String?
    /// The SHA-256 of the new version's file as the signed index has it (and the order, where it names one).
    public var sha256: String?
    /// Bytes of the new version's file.
    public var downloadBytes: Int64
    /// Bytes that the new version takes on the disk.
    public var installedBytes: Int64
    /// Whether the order allows the way back to ``from``.
    public var mayReturn: Bool

    /// A step.
    public init(
        name: String, architecture: String, kind: Kind, from: String? = nil, fromArchitecture: String? = nil,
        to: String? = nil, sha256: String? = nil, downloadBytes: Int64 = 0, installedBytes: Int64 = 0,
        mayReturn: Bool = true
    ) {
        self.name = name
        self.architecture = architecture
        self.kind = kind
        self.from = from
        self.fromArchitecture = fromArchitecture
        self.to = to
        self.sha256 = sha256
        self.downloadBytes = downloadBytes
        self.installedBytes = installedBytes
        self.mayReturn = mayReturn
    }

    /// `name:architecture`.
    public var id: String { "\(name):\(architecture)" }

    /// The step as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "architecture": .string(architecture), "kind": .string(kind.rawValue),
            "downloadBytes": .integer(downloadBytes), "installedBytes": .integer(installedBytes),
            "mayReturn": .bool(mayReturn),
        ]
        if let from { fields["from"] = .string(from) }
        if let fromArchitecture { fields["fromArchitecture"] = .string(fromArchitecture) }
        if let to { fields["to"] = .string(to) }
        if let sha256 { fields["sha256"] = .string(sha256) }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let kind = try object.string("kind", maximumBytes: 32)
        guard let known = Kind(rawValue: kind) else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: "kind"), reason: "\"\(kind)\" is no kind of package step")
        }
        self.init(
            name: try object.string("name"), architecture: try object.string("architecture"), kind: known,
            from: try object.optionalString("from"), fromArchitecture: try object.optionalString("fromArchitecture"),
            to: try object.optionalString("to"), sha256: try object.optionalString("sha256"),
            downloadBytes: try object.integer("downloadBytes", in: 0...Int64.max),
            installedBytes: try object.integer("installedBytes", in: 0...Int64.max),
            mayReturn: try object.bool("mayReturn"))
        try object.finish()
    }
}
