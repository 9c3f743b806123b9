public import JSON

extension KeptPackage {
    /// The file as JSON.
    public var json: JSONValue {
        [
            "name": .string(name), "architecture": .string(architecture), "version": .string(version),
            "sha256": .string(sha256), "bytes": .integer(bytes), "file": .string(file),
            "source": .string(source.rawValue),
        ]
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let source = try object.string("source", maximumBytes: 32)
        guard let known = Source(rawValue: source) else {
            throw JSONError(.outOfBounds, pointer: object.pointer(to: "source"), reason: "\"\(source)\" is no source")
        }
        self.init(
            name: try object.string("name"), architecture: try object.string("architecture"),
            version: try object.string("version"), sha256: try object.string("sha256", maximumBytes: 64),
            bytes: try object.integer("bytes", in: 0...Int64.max), file: try object.string("file"), source: known)
        guard !file.contains("/"), file != "..", file != "." else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: "file"), reason: "expected a name without folders")
        }
        try object.finish()
    }
}

extension Prefetch.Missing {
    /// The gap as JSON.
    public var json: JSONValue {
        ["package": .string(package), "version": .string(version), "why": .string(why)]
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            package: try object.string("package"), version: try object.string("version"),
            why: try object.string("why", maximumBytes: 65_536))
        try object.finish()
    }
}

extension Prefetch {
    /// The result as JSON, as it is kept in the folder.
    public var json: JSONValue {
        [
            "new": .array(new.map(\.json)), "old": .array(old.map(\.json)), "missing": .array(missing.map(\.json)),
            "noWayBack": .array(noWayBack.map(\.json)),
        ]
    }

    /// Reads ``json``.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init()
        for package in try object.objects("new", maximumCount: 20_000) { new.append(try KeptPackage(package)) }
        for package in try object.objects("old", maximumCount: 20_000) { old.append(try KeptPackage(package)) }
        for gap in try object.objects("missing", maximumCount: 20_000) { missing.append(try Missing(gap)) }
        for gap in try object.objects("noWayBack", maximumCount: 20_000) { noWayBack.append(try Missing(gap)) }
        try object.finish()
    }
}
