public import Changelog
public import Digest
public import JSON

/// The file of an offered version, as a host's signed indexes name it.
public struct CandidatePackage: Hashable, Sendable {
    /// The binary package's name.
    public var name: String
    /// The file's architecture.
    public var architecture: String
    /// The offered version.
    public var version: String
    /// The source package.
    public var source: String
    /// The source package's version.
    public var sourceVersion: String
    /// The file's SHA-256.
    public var digest: SHA256Digest
    /// Its size in bytes.
    public var bytes: Int64

    /// A file.
    public init(
        name: String, architecture: String, version: String, source: String, sourceVersion: String,
        digest: SHA256Digest, bytes: Int64
    ) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.source = source
        self.sourceVersion = sourceVersion
        self.digest = digest
        self.bytes = bytes
    }

    /// The file as JSON.
    public var json: JSONValue {
        [
            "name": .string(name), "architecture": .string(architecture), "version": .string(version),
            "source": .string(source), "sourceVersion": .string(sourceVersion), "digest": .string(digest.hex),
            "bytes": .integer(bytes),
        ]
    }

    /// Reads a file.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            name: try object.string("name", maximumBytes: 256),
            architecture: try object.string("architecture", maximumBytes: 64),
            version: try object.string("version", maximumBytes: 256),
            source: try object.string("source", maximumBytes: 256),
            sourceVersion: try object.string("sourceVersion", maximumBytes: 256), digest: try object.digest("digest"),
            bytes: try object.integer("bytes", in: 0...(1 << 40)))
        try object.finish()
    }
}

/// What a host read in one candidate: a claim, until another host has read the same.
public struct ChangelogClaim: Hashable, Sendable {
    /// In what.
    public var candidate: CandidatePackage
    /// What the changelog says; nil where it could not be read.
    public var reading: ChangelogReading?
    /// Why it could not be read; empty where it could.
    public var problem: String

    /// A claim.
    public init(candidate: CandidatePackage, reading: ChangelogReading?, problem: String = "") {
        self.candidate = candidate
        self.reading = reading
        self.problem = problem
    }

    /// The claim as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["candidate": candidate.json, "problem": .string(problem)]
        if let reading { fields["reading"] = reading.json }
        return .object(fields)
    }

    /// Reads a claim.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            candidate: try CandidatePackage(json: object.value("candidate"), at: object.pointer(to: "candidate")),
            reading: nil, problem: try object.string("problem", maximumBytes: 1024))
        if let value = object.optionalValue("reading") {
            reading = try ChangelogReading(json: value, at: object.pointer(to: "reading"))
        }
        try object.finish()
    }
}

extension ChangelogReading {
    /// The most entries of a reading that is sent, and ids of all of them: what ``ChangelogLimits`` has.
    private static let limits = ChangelogLimits()

    /// The reading as JSON; also how the server keeps it.
    public var json: JSONValue {
        [
            "source": .string(source), "cut": .bool(isCut), "changelog": .string(digest.hex),
            "entries": .array(
                entries.map { entry in
                    var fields: [String: JSONValue] = ["version": .string(entry.version)]
                    if !entry.closes.isEmpty { fields["closes"] = .array(entry.closes.map { .string($0) }) }
                    if !entry.reopens.isEmpty { fields["reopens"] = .array(entry.reopens.map { .string($0) }) }
                    if entry.isVague { fields["vague"] = .bool(true) }
                    return .object(fields)
                }),
        ]
    }

    /// Reads what ``json`` wrote; ids are checked.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        var entries: [Entry] = []
        var ids = 0
        for (index, value) in try object.array("entries", maximumCount: Self.limits.entries).enumerated() {
            let place = "\(object.pointer(to: "entries"))/\(index)"
            var fields = try JSONObject(value, at: place)
            let entry = Entry(
                version: try fields.string("version", maximumBytes: 256), closes: try Self.ids("closes", &fields),
                reopens: try Self.ids("reopens", &fields), isVague: try fields.optionalBool("vague") ?? false)
            try fields.finish()
            ids += entry.closes.count + entry.reopens.count
            guard ids <= Self.limits.ids else {
                throw JSONError.unexpected(
                    pointer: place, expected: "at most \(Self.limits.ids) ids in all", found: "\(ids)")
            }
            entries.append(entry)
        }
        self.init(
            source: try object.string("source", maximumBytes: 256), entries: entries, isCut: try object.bool("cut"),
            digest: try object.digest("changelog"))
        try object.finish()
    }

    private static func ids(_ key: String, _ object: inout JSONObject) throws(JSONError) -> [String] {
        guard object.optionalValue(key) != nil else { return [] }
        let list = try object.strings(key, maximumCount: limits.ids, maximumBytes: 32)
        for (index, id) in list.enumerated() where !CVEIdentifier.isValid(id) || index > 0 && list[index - 1] >= id {
            throw JSONError.unexpected(
                pointer: "\(object.pointer(to: key))/\(index)", expected: "CVE ids in order", found: id)
        }
        return list
    }
}

/// `POST /agent/v2/changelogs`: what the host could read, and what it has read. Protocol 2; a server that does not know it
/// answers 404, and the agent asks again much later.
public struct ChangelogReport: WireMessage, Hashable {
    /// The most files that are told, and claims, in one message.
    public static let maximumCandidates = 400
    public static let maximumClaims = 4

    /// The current exchange token.
    public var exchangeToken: String
    /// The files of what the host is offered; none where the server has not asked for them yet.
    public var candidates: [CandidatePackage]
    /// What was read.
    public var claims: [ChangelogClaim]

    /// A report.
    public init(exchangeToken: String, candidates: [CandidatePackage] = [], claims: [ChangelogClaim] = []) {
        self.exchangeToken = exchangeToken
        self.candidates = candidates
        self.claims = claims
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "exchangeToken": .string(exchangeToken), "candidates": .array(candidates.map(\.json)),
            "claims": .array(claims.map(\.json)),
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(exchangeToken: try object.string("exchangeToken", maximumBytes: 64))
        for (index, value) in try object.array("candidates", maximumCount: Self.maximumCandidates).enumerated() {
            candidates.append(try CandidatePackage(json: value, at: "/candidates/\(index)"))
        }
        for (index, value) in try object.array("claims", maximumCount: Self.maximumClaims).enumerated() {
            claims.append(try ChangelogClaim(json: value, at: "/claims/\(index)"))
        }
        try object.finish()
    }
}

/// The answer to a ``ChangelogReport``.
public struct ChangelogReply: WireMessage, Hashable {
    /// Whether the organisation wants changelogs read.
    public var isWanted: Bool
    /// The files to read, of those that the host has told; at most ``ChangelogReport/maximumClaims``.
    public var read: [SHA256Digest]
    /// Seconds until the host shall ask again, where it has nothing to tell; 10 to 604,800.
    public var retryAfter: Int64

    /// The ``retryAfter`` that says, in answer to the last claim: ask again in this contact. The least that there is, so
    /// that agents which do not know of it ask at their next.
    public static let goOn: Int64 = 10

    /// A reply.
    public init(isWanted: Bool, read: [SHA256Digest] = [], retryAfter: Int64) {
        self.isWanted = isWanted
        self.read = read
        self.retryAfter = retryAfter
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "wanted": .bool(isWanted), "read": .array(read.map { .string($0.hex) }), "retryAfter": .integer(retryAfter),
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            isWanted: try object.bool("wanted"),
            read: try Self.digests("read", in: &object),
            retryAfter: try object.integer("retryAfter", in: 10...604_800))
        try object.finish()
    }

    static func digests(_ key: String, in object: inout JSONObject) throws(JSONError) -> [SHA256Digest] {
        var list: [SHA256Digest] = []
        let texts = try object.strings(key, maximumCount: ChangelogReport.maximumClaims, maximumBytes: 64)
        for (index, text) in texts.enumerated() {
            guard let digest = SHA256Digest(hex: text) else {
                throw JSONError.unexpected(
                    pointer: "\(object.pointer(to: key))/\(index)", expected: "64 hexadecimal digits", found: text)
            }
            list.append(digest)
        }
        return list
    }
}

/// What the network process asks of the executor: to list what is offered, or to read some of it.
public struct ChangelogOrder: Hashable, Sendable {
    /// The files to read; none asks for the list.
    public var read: [SHA256Digest]

    /// An order.
    public init(read: [SHA256Digest]) { self.read = read }

    /// The order as JSON.
    public var json: JSONValue { ["read": .array(read.map { .string($0.hex) })] }

    /// Reads an order.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(read: try ChangelogReply.digests("read", in: &object))
        try object.finish()
    }
}

/// What the executor's child answers to a ``ChangelogOrder``.
public struct ChangelogResult: Hashable, Sendable {
    /// What is offered; nil where it was not asked for.
    public var candidates: [CandidatePackage]?
    /// What was read.
    public var claims: [ChangelogClaim]
    /// Why not all was done; empty where it was.
    public var problem: String

    /// A result.
    public init(candidates: [CandidatePackage]? = nil, claims: [ChangelogClaim] = [], problem: String = "") {
        self.candidates = candidates
        self.claims = claims
        self.problem = problem
    }

    /// The result as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["claims": .array(claims.map(\.json)), "problem": .string(problem)]
        if let candidates { fields["candidates"] = .array(candidates.map(\.json)) }
        return .object(fields)
    }

    /// Reads a result.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(problem: try object.string("problem", maximumBytes: 2000))
        if object.optionalValue("candidates") != nil {
            var list: [CandidatePackage] = []
            let values = try object.array("candidates", maximumCount: ChangelogReport.maximumCandidates)
            for (index, value) in values.enumerated() {
                list.append(try CandidatePackage(json: value, at: "/candidates/\(index)"))
            }
            candidates = list
        }
        for (index, value) in try object.array("claims", maximumCount: ChangelogReport.maximumClaims).enumerated() {
            claims.append(try ChangelogClaim(json: value, at: "/claims/\(index)"))
        }
        try object.finish()
    }
}
