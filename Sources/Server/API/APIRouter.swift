import Access
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Store
import Timestamps
import Wire

/// What all listeners that serve the API share.
struct APIServices: Sendable {
    let cursors: CursorSeal
    let rates: RateLimits
    let idempotency: IdempotencyRecords

    init(state: ServerState) throws {
        let secret = try APISecret(folder: state.configuration.data.authorityPath)
        cursors = CursorSeal(secret: secret)
        rates = RateLimits(perMinute: state.configuration.limits.apiRequestsPerMinute)
        idempotency = IdempotencyRecords(store: state.store, secret: secret)
    }
}

/// Runs the operations of the table: finds the one that is meant, finds out who asks and whether they may, checks what
/// was sent, and dresses the answer. Whatever is thrown becomes a problem.
struct APIRouter: Sendable {
    let state: ServerState
    let services: APIServices
    let table: OperationTable
    let authenticate: Authentication

    init(
        state: ServerState, services: APIServices, table: OperationTable = .all,
        authenticate: @escaping Authentication
    ) {
        self.state = state
        self.services = services
        self.table = table
        self.authenticate = authenticate
    }

    /// Answers a request; the first value names the operation for metrics.
    func respond(_ request: Request, _ exchange: Exchange) async -> (String, Response) {
        let id = RequestID.of(request)
        var trail = Trail()
        var response: Response
        do {
            response = try await answer(request, exchange, id, &trail)
        } catch {
            response = state.metrics.answer(to: error, request, exchange, instance: "urn:fettle:request:\(id)")
        }
        response.headers[.requestID] = id
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if let rate = trail.rate {
            for (name, value) in rate.fields { response.headers[name] = value }
        }
        log(request, exchange, id, trail, response)
        return (trail.operation.map { "api-\($0.id)" } ?? "api-unknown", response)
    }

    /// What is known of a request so far, for the answer's header fields and the log.
    struct Trail {
        var operation: Operation?
        var caller: Caller?
        var rate: RateLimits.Verdict?
    }

    private func answer(
        _ request: Request, _ exchange: Exchange, _ id: String, _ trail: inout Trail
    ) async throws -> Response {
        let path = String(request.uri.path)
        let operation: Operation
        let pathValues: [String: String]
        switch table.match(request.method, path: path) {
        case .nothing: throw Refusal(.notFound(path))
        case .otherMethods(let methods):
            let allow: HTTPFields = [.allow: methods.joined(separator: ", ")]
            if request.method == .options { return Response(status: .noContent, headers: allow) }
            throw Refusal(.methodNotAllowed(request.method.rawValue, path, allow: methods), headers: allow)
        case .operation(let found, let values): (operation, pathValues) = (found, values)
        }
        trail.operation = operation

        let (caller, rate) = try await services.rates.checked(exchange) { try await authenticate(request, exchange) }
        trail.caller = caller
        trail.rate = rate
        if let rate, !rate.isAllowed { throw Refusal(.tooManyRequests, retryAfter: rate.wait) }
        if operation.access != .open, caller == nil {
            throw Refusal(.signInRequired, headers: [.wwwAuthenticate: "Bearer realm=\"fettle\""])
        }
        // A login needs none: whoever comes anew may still have an old session's cookie.
        if case .session(_, let csrf) = caller?.credential, operation.method != .get, operation.access != .open {
            let sent = Array((request.headers[.csrfToken] ?? "").utf8)
            guard constantTimeEqual(sent, Array(csrf.utf8)) else { throw Refusal(.csrf) }
        }

        let known =
            caller
            ?? Caller(
                principal: Principal(id: "nobody", grants: []), credential: .apiToken(id: ""),
                address: exchange.address,
                user: nil)
        let query = try QueryItems(request.uri.query.map { $0[...] } ?? "")
        let place = try await self.place(operation, known, query, pathValues, request.headers)

        let forms = operation.responses.compactMap(\.mediaType)
        if !forms.isEmpty, !MediaTypes.accepts(request.headers[.accept], anyOf: forms) {
            throw Refusal(.notAcceptable(Array(Set(forms)).sorted()))
        }
        let parameters = try checked(operation, query, pathValues, request.headers)
        let bytes = try await bodyBytes(operation, request)
        let body = try checkedBody(operation, request.headers, bytes)
        let list = listName(operation, place.organisation, parameters)
        let call = Call(
            state: state, caller: known, organisation: place.organisation, reach: place.reach, parameters: parameters,
            body: body, requestID: id, now: state.clock.now(), limit: Int(parameters["limit"]?.integer ?? 100),
            cursor: try cursor(parameters["cursor"]?.string, list), ifMatch: try ifMatch(operation, request.headers),
            headers: request.headers)

        if operation.isRepeatable, let key = request.headers[.idempotencyKey] {
            let fingerprint = IdempotencyRecords.Request(
                principal: known.principal.id, key: key, method: operation.method.rawValue,
                target: request.head.path ?? path, body: bytes)
            return try await services.idempotency.run(fingerprint, now: call.now) {
                try await self.response(operation, call, query, request, list)
            }.response
        }
        return try await self.response(operation, call, query, request, list).response
    }

    // MARK: - Who may, and where

    private func place(
        _ operation: Operation, _ caller: Caller, _ query: QueryItems, _ path: [String: String], _ headers: HTTPFields
    ) async throws -> (organisation: String, reach: Reach) {
        var organisation: String?
        if operation.about == .organisation {
            let asked = path["organisation"] ?? query.values["organisation"]
            if let asked { try check([(path["organisation"] == nil ? .organisation : nil, asked)]) }
            let name = asked ?? caller.principal.usualOrganisation ?? ServerState.firstOrganisation
            // One that the caller does not know answers as one that does not exist, before anything else is looked at.
            guard caller.principal.knows(organisation: name) else { throw Refusal(.missing("organisation", name)) }
            organisation = name
        }
        var reach = Reach.all
        if case .permission(let permission, let other) = operation.access {
            reach = caller.principal.reach(permission, organisation: organisation)
            if reach == .none, let other { reach = caller.principal.reach(other, organisation: organisation) }
            guard reach != .none else {
                let place = organisation.map { " in the organisation \"\($0)\"" } ?? " of the installation"
                throw Refusal(.forbidden("It needs the permission \(permission.rawValue)\(place)."))
            }
        }
        // A request that lacks what it must have is told so, whatever it is about.
        _ = try ifMatch(operation, headers)
        if let name = organisation {
            let exists = try await state.store.read { try $0.organisations.exists(name) }
            guard exists else { throw Refusal(.missing("organisation", name)) }
        }
        return (organisation ?? "", reach)
    }

    private func check(_ values: [(Parameter?, String)]) throws {
        for (parameter, value) in values {
            let schema = OrganisationSchema.id
            let faults = schema.faults(in: .string(value))
            guard let first = faults.first else { continue }
            let place = parameter == nil ? "path organisation" : "query organisation"
            throw Refusal(.invalid([.init(parameter: place, detail: first.detail, cure: first.cure)]))
        }
    }

    // MARK: - What was sent

    private func checked(
        _ operation: Operation, _ query: QueryItems, _ path: [String: String], _ headers: HTTPFields
    ) throws -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        var faults: [Problem.Fault] = []
        let declared = operation.allParameters
        for parameter in declared {
            let text: String? =
                switch parameter.place {
                case .path: path[parameter.name]
                case .query: query.values[parameter.name]
                case .header: HTTPField.Name(parameter.name).flatMap { headers[$0] }
                }
            let place = "\(parameter.place.rawValue) \(parameter.name)"
            guard let text else {
                // A missing If-Match has a status of its own.
                if parameter.isRequired, parameter != .ifMatch {
                    faults.append(.init(parameter: place, detail: "It is required but absent.", cure: "Add it."))
                }
                continue
            }
            let value = parameter.schema.value(ofParameter: text)
            let found = parameter.schema.faults(in: value)
            faults += found.map { .init(parameter: place, detail: $0.detail, cure: $0.cure) }
            if parameter.place != .header { values[parameter.name] = value }
        }
        let known = Set(declared.filter { $0.place == .query }.map(\.name))
        for name in query.values.keys.sorted() where !known.contains(name) {
            let cure =
                known.isEmpty
                ? "Leave it out: there are none here."
                : "Leave it out; known are \(known.sorted().joined(separator: ", "))."
            faults.append(
                .init(parameter: "query \(name.prefix(64))", detail: "There is no such parameter.", cure: cure))
        }
        if !faults.isEmpty { throw Refusal(.invalid(Array(faults.prefix(Schema.maximumFaults)))) }
        return values
    }

    private func bodyBytes(_ operation: Operation, _ request: Request) async throws -> [UInt8] {
        guard operation.method != .get else { return [] }
        return try await request.bytes(upTo: operation.body?.maximumBytes ?? 1024)
    }

    private func checkedBody(_ operation: Operation, _ headers: HTTPFields, _ bytes: [UInt8]) throws -> JSONValue {
        guard let declared = operation.body else {
            guard bytes.isEmpty else {
                throw Refusal(.invalid([.init(pointer: "", detail: "It takes no body.", cure: "Send none.")]))
            }
            return .null
        }
        if bytes.isEmpty, !declared.isRequired { return .null }
        if !operation.traits.contains(.anyMediaType), !bytes.isEmpty || headers[.contentType] != nil {
            guard MediaTypes.essence(headers[.contentType] ?? "") == declared.mediaType else {
                throw Refusal(.unsupportedMediaType(declared.mediaType))
            }
        }
        let limits = JSONLimits(
            maximumBytes: declared.maximumBytes, maximumDepth: 16, maximumItems: 100_000,
            maximumStringBytes: declared.maximumBytes)
        let value = try JSONValue(parsing: bytes, limits: limits)
        let faults = declared.schema.faults(in: value)
        guard faults.isEmpty else { throw Refusal(.invalid(faults)) }
        return value
    }

    private func ifMatch(_ operation: Operation, _ headers: HTTPFields) throws(Refusal) -> [String]? {
        guard let field = headers[.ifMatch] else {
            if operation.traits.contains(.conditional) { throw Refusal(.preconditionRequired) }
            return nil
        }
        // What is no list of tags matches nothing.
        return EntityTag.list(field) ?? []
    }
}

extension Schema {
    /// A parameter's text as the schema types it; text where it does not fit, for the validation to refuse.
    func value(ofParameter text: String) -> JSONValue {
        switch self {
        case .integer: Int64(text).flatMap { String($0) == text ? .integer($0) : nil } ?? .string(text)
        case .boolean: text == "true" ? true : text == "false" ? false : .string(text)
        case .described(let schema, _): schema.value(ofParameter: text)
        case .component(let component): component.schema.value(ofParameter: text)
        default: .string(text)
        }
    }
}

extension Principal {
    /// The organisation that is meant where none is named: the only one they know.
    var usualOrganisation: String? {
        let organisations = Set(grants.map(\.organisation))
        guard organisations.count == 1, let only = organisations.first else { return nil }
        return only
    }
}
