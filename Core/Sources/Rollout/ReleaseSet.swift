public import JSON

/// One package of a release set: the exact version that a campaign brings, and where it may come back to.
public struct ReleasePackage: Hashable, Sendable {
    /// The binary package's name.
    public var name: String
    /// Its architecture, as the package manager writes it: `amd64`, `all`.
    public var architecture: String
    /// The exact version to install.
    public var version: String
    /// The SHA-256 of the package's file as 64 hexadecimal digits; nil where the host's own signed index is the only word.
    public var sha256: String?
    /// The versions that the campaign's hosts had when the set was frozen, sorted by their bytes: the only ones that a
    /// rollback may install.
    public var previous: [String]
    /// Whether it is not installed yet on some hosts: it may come where the other packages need it (a new kernel), and is
    /// not brought to hosts that do without.
    public var isAddition: Bool

    /// A package of a release set.
    public init(
        name: String, architecture: String, version: String, sha256: String? = nil, previous: [String] = [],
        isAddition: Bool = false
    ) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.sha256 = sha256
        self.previous = previous.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.isAddition = isAddition
    }

    /// `name:architecture`.
    public var id: String { "\(name):\(architecture)" }

    /// The package as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "architecture": .string(architecture), "version": .string(version),
            "previous": .array(previous.map(JSONValue.string)),
        ]
        if let sha256 { fields["sha256"] = .string(sha256) }
        if isAddition { fields["addition"] = true }
        return .object(fields)
    }

    /// Reads a package.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            name: try object.string("name", maximumBytes: 256),
            architecture: try object.string("architecture", maximumBytes: 32),
            version: try object.string("version", maximumBytes: 256),
            sha256: try object.optionalString("sha256", maximumBytes: 64),
            previous: try object.strings("previous", maximumCount: 1000, maximumBytes: 256),
            isAddition: try object.optionalBool("addition") ?? false)
        try object.finish()
    }
}

/// The packages of one OS target, frozen: production gets what the pilots proved, never what a resolver finds later.
public struct ReleaseTarget: Hashable, Sendable {
    /// The distribution release as software sets name it: `debian-12`.
    public var distribution: String
    /// The packages, sorted by ``ReleasePackage/id``.
    public var packages: [ReleasePackage]

    /// The most packages of one target.
    public static let maximumPackages = 5000

    /// A target with these packages; they are sorted here.
    public init(distribution: String, packages: [ReleasePackage]) {
        self.distribution = distribution
        self.packages = packages.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    }

    /// The target as JSON.
    public var json: JSONValue {
        ["distribution": .string(distribution), "packages": .array(packages.map(\.json))]
    }

    /// Reads a target.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let distribution = try object.string("distribution", maximumBytes: 128)
        var packages: [ReleasePackage] = []
        for package in try object.objects("packages", maximumCount: Self.maximumPackages) {
            packages.append(try ReleasePackage(package))
        }
        self.init(distribution: distribution, packages: packages)
        try object.finish()
    }
}
