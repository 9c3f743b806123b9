import Audit
import Digest
import HTTPTypes
import Hummingbird
import JSON
import Store
import Timestamps
import Wire

/// The operator API on the Unix socket. Who may open the socket may do everything: people and roles come later, and
/// until then it listens nowhere else.
struct OperatorRoutes: Sendable {
    let state: ServerState

    /// Who acts, in the audit log: the account that owns the socket.
    static let actor = "operator:socket"

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        let path = request.pathParts.map { Self.decoded($0) }
        guard path.count >= 3, path[0] == "api", path[1] == "v1" else { throw Refusal(.notFound(request.uri.path)) }
        let query = try Query(request)
        return try await named("api-\(Self.known.contains(path[2]) ? path[2] : "unknown")") {
            switch (request.method, path[2], path.count) {
            case (.get, "hosts", 3): return try await hosts(query)
            case (.get, "hosts", 4): return try await host(path[3], query)
            case (.get, "hosts", 5) where path[4] == "diff": return try await difference(path[3], query)
            case (.get, "hosts", 5) where path[4] == "history": return try await history(path[3], query)
            case (.post, "hosts", 5): return try await act(path[4], on: path[3], query, request)
            case (.get, "patches", 3): return try await patches(query)
            case (.get, "tokens", 3): return try await tokens(query)
            case (.post, "tokens", 3): return try await createToken(request)
            case (.delete, "tokens", 4): return try await revokeToken(path[3])
            case (.get, "organisations", 3): return try await organisations()
            case (.post, "organisations", 3): return try await createOrganisation(request)
            case (.get, "authorities", 3): return authorities()
            case (.post, "authorities", 4) where path[3] == "rotate": return try await rotateAuthority()
            case (_, "audit", _): return try await audit(request, Array(path.dropFirst(3)), query)
            case (.get, "server", 3): return try await server()
            case (.post, "server", 4) where path[3] == "acknowledge-restore":
                return .json(["epoch": .integer(try await state.acknowledgeRestore(actor: Self.actor))])
            default: throw Refusal(.notFound(request.uri.path))
            }
        }
    }

    private static let known = ["hosts", "patches", "tokens", "organisations", "authorities", "audit", "server"]

    /// A request's body as an object; an empty body as an empty one.
    static func body(_ request: Request) async throws -> JSONObject {
        let bytes = try await request.bytes(upTo: 64 << 10)
        return try JSONObject(bytes.isEmpty ? [:] : JSONValue(parsing: bytes, limits: .message))
    }

    private static func decoded(_ part: Substring) -> String { percentDecoded(part) }

    private func authorities() -> Response {
        let set = state.authorities.authorities
        var items: [JSONValue] = []
        for authority in set.trusted {
            let role =
                authority.number == set.current.number
                ? "issues" : authority.number == set.next.number ? "next" : "previous"
            items.append([
                "number": .integer(Int64(authority.number)), "role": .string(role),
                "notAfter": .string(authority.notAfter.description), "pin": .string(authority.pin.hex),
            ])
        }
        return .json(["items": .array(items)])
    }

    private func rotateAuthority() async throws -> Response {
        try state.authorities.rotate()
        _ = try state.credentials.renewIfDue()
        let now = state.clock.now()
        let number = state.authorities.authorities.current.number
        try await state.store.write { transaction in
            try transaction.hosts.bumpAllStates(now: now)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: Self.actor, action: "authority.rotated",
                subject: "authority:\(number)", now: now)
        }
        return .json(["number": .integer(Int64(number))])
    }

    private func organisations() async throws -> Response {
        let items = try await state.store.read { try $0.organisations.list() }
        return .json([
            "items": .array(items.map { ["id": .string($0.id), "name": .string($0.name)] })
        ])
    }

    private func createOrganisation(_ request: Request) async throws -> Response {
        var body = try await Self.body(request)
        let name = try body.string("name", maximumBytes: 63)
        try body.finish()
        guard !name.isEmpty,
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { throw Refusal(.malformed("a name is small letters, digits and hyphens", pointer: "/name")) }
        let now = state.clock.now()
        let made = try await state.store.write { transaction in
            guard try transaction.organisations.create(Organisation(id: name, name: name, createdAt: now)) else {
                return false
            }
            try transaction.audit.append(
                organisation: name, actor: Self.actor, action: "organisation.created", subject: "organisation:\(name)",
                now: now)
            return true
        }
        guard made else {
            throw Refusal(
                .init(
                    "exists", title: "The organisation exists", status: 409, detail: "There is one named \"\(name)\".",
                    cure: "Choose another name."))
        }
        return .json(["id": .string(name), "name": .string(name)], status: .created)
    }

    private func server() async throws -> Response {
        let counts = try await state.census.current(state).counts(nil)
        var hosts = FleetCensus.statuses(state).mapValues { JSONValue.integer(Int64($0)) }
        hosts["silent"] = .integer(Int64(counts.silent))
        hosts["stale"] = .integer(Int64(counts.stale))
        hosts["unjudged"] = .integer(Int64(counts.unjudged))
        let authority = state.authorities.authorities.current
        var fields: [String: JSONValue] = [
            "version": .string(state.configuration.version), "started": .string(state.started.description),
            "database": .string(state.store.engineVersion), "epoch": .integer(state.epoch),
            "restored": .bool(state.restore != nil), "agentAddress": .string(state.agentAddress.description),
            "enrolmentAddress": .string(state.enrolmentAddress.description),
            "metricsAddress": .string(
                (state.readiness.address("metrics") ?? state.configuration.metrics).description),
            "hosts": .object(hosts), "authority": .string("\(authority.number), until \(authority.notAfter)"),
        ]
        if let restore = state.restore { fields["restoredReason"] = .string(restore.reason) }
        return .json(.object(fields))
    }
}

/// The parameters of a request.
struct Query: Sendable {
    private let values: [String: String]
    /// The path without them, for links to the next page.
    let path: String

    init(_ request: Request) throws {
        var values: [String: String] = [:]
        for (key, value) in request.uri.queryParameters { values[String(key)] = String(value) }
        self.values = values
        self.path = request.uri.path
    }

    subscript(_ key: String) -> String? { values[key] }

    /// The organisation that is asked about.
    var organisation: String { values["organisation"] ?? ServerState.firstOrganisation }

    /// How many items a page is to have.
    func limit(default standard: Int = 100) throws(Refusal) -> Int {
        guard let text = values["limit"] else { return standard }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw Refusal(.malformed("limit is a number from 1 to 1000", pointer: "/limit"))
        }
        return limit
    }

    func time(_ key: String) throws(Refusal) -> Timestamp? {
        guard let text = values[key] else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw Refusal(.malformed("\(key) is a time of RFC 3339", pointer: "/\(key)"))
        }
        return time
    }

    /// The header that leads to the next page (RFC 8288).
    func link(after key: String?) -> HTTPFields {
        guard let key, let link = HTTPField.Name("Link") else { return [:] }
        var parameters = values
        parameters["after"] = key
        let text = parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\(percentEncoded($0.value))" }
        return [link: "<\(path)?\(text.joined(separator: "&"))>; rel=\"next\""]
    }
}

/// Text as it may stand in a query (RFC 3986, section 2.3).
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let scalar = Unicode.Scalar(byte)
        if byte < 0x80,
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "-._~".unicodeScalars.contains(scalar)
        {
            result.unicodeScalars.append(scalar)
        } else {
            result += "%" + hexadecimal(byte).uppercased()
        }
    }
    return result
}

/// Text with its percent escapes replaced; as it is where they are not UTF-8.
func percentDecoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self) ?? String(text)
}
