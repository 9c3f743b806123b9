import Access
import HTML
import HTTPTypes
import Hummingbird
import Logging
import Pages
import Store
import Timestamps
import Wire

/// Finds the page that was asked for, checks who asks, and turns whatever is thrown into a page.
struct PageRoutes: Sendable {
    let state: ServerState
    let rates: RateLimits

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        var name = "page-unknown"
        do {
            let (found, response) = try await route(request, exchange)
            name = found
            return ("page-\(name)", response)
        } catch let error as PageFailure {
            name = "page-\(error.name)"
            return (name, await answer(to: error.underlying, request, exchange))
        } catch {
            return (name, await answer(to: error, request, exchange))
        }
    }

    private func route(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        guard let parts = Self.decoded(request.uri.path) else { throw Refusal(.noSuchPage) }
        let candidates = PageTable.all.compactMap { page in page.match(parts).map { (page, $0) } }
        // A literal wins over a name: the table has it first.
        guard !candidates.isEmpty else {
            // Strangers learn nothing of what there is.
            guard try await caller(request, exchange) != nil else { throw Refusal(.signInRequired) }
            throw Refusal(.noSuchPage)
        }
        let method: HTTPRequest.Method = request.method == .head ? .get : request.method
        guard let (page, values) = candidates.first(where: { $0.0.method == method }) else {
            let allowed = Set(candidates.flatMap { $0.0.method == .get ? ["GET", "HEAD"] : [$0.0.method.rawValue] })
            throw PageMethodRefused(allowed: allowed.sorted().joined(separator: ", "))
        }
        do {
            return (page.name, try await run(page, values, request, exchange))
        } catch {
            throw PageFailure(name: page.name, underlying: error)
        }
    }

    private func run(
        _ page: PageDeclaration, _ values: [String: String], _ request: Request, _ exchange: Exchange
    ) async throws -> Response {
        let caller = try await caller(request, exchange)
        // Pages are for browsers: a program's token opens the API.
        if let caller, case .session = caller.credential {
        } else if page.access != .open {
            throw Refusal(.signInRequired)
        }
        let form = page.method == .post ? try await FormFields(request) : nil
        // An open form carries the token of the login's cookie, and its handler checks that: whoever comes by a link may
        // still have a session.
        if page.access != .open, let form, let caller { try state.people.checkForm(caller, form["csrf"]) }
        var query: [String: String] = [:]
        var asked: String?
        for (key, value) in request.uri.queryParameters {
            let (key, value) = (String(key), String(value))
            if key == "organisation" { asked = value }
            if page.parameters.contains(key) || key == "done" { query[key] = value }
        }
        let place = page.access == .open ? Place() : try await self.place(asked, caller)
        let call = PageCall(
            request: request, exchange: exchange, state: state, now: state.clock.now(), caller: caller,
            organisation: place.organisation, organisations: place.known, assumed: place.assumed, path: values,
            query: query, form: form)
        try check(page.access, call)
        return try await page.handler(call)
    }

    /// Who asks, within the rate that pages share with the API.
    private func caller(_ request: Request, _ exchange: Exchange) async throws -> Caller? {
        let (caller, rate) = try await rates.checked(exchange) {
            try await state.people.authenticate(request, exchange)
        }
        if let rate, !rate.isAllowed { throw Refusal(.tooManyRequests, retryAfter: rate.wait) }
        return caller
    }

    private func check(_ access: PageAccess, _ call: PageCall) throws {
        switch access {
        case .open: return
        case .signedIn: return
        case .permission(let permission):
            guard call.organisation != nil, call.may(permission) else { throw Refusal(.notAllowed) }
        case .installation(let permission):
            guard call.caller?.principal.may(permission, organisation: nil) ?? false else { throw Refusal(.notAllowed) }
        }
    }

    private struct Place {
        var organisation: Organisation?
        var known: [Organisation] = []
        var assumed: String?
    }

    /// The organisation that is meant: the one named; else the only one that the caller knows, else the first one, else
    /// any. One that they do not know is not there.
    private func place(_ asked: String?, _ caller: Caller?) async throws -> Place {
        guard let caller else { return Place() }
        let known = try await state.store.read { try $0.organisations.list() }.filter {
            caller.principal.knows(organisation: $0.id)
        }
        let assumed = known.first { $0.id == ServerState.firstOrganisation }?.id ?? known.first?.id
        guard let asked, !asked.isEmpty else {
            return Place(organisation: known.first { $0.id == assumed }, known: known, assumed: assumed)
        }
        guard let organisation = known.first(where: { $0.id == asked }) else { throw Refusal(.noSuchPage) }
        return Place(organisation: organisation, known: known, assumed: assumed)
    }

    /// The parts of a path; nil for what is not UTF-8 or holds what no name of ours has.
    static func decoded(_ path: String) -> [String]? {
        var parts: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            guard let text = percentDecodedStrictly(part), text.utf8.count <= 512,
                !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
            else { return nil }
            parts.append(text)
        }
        return parts
    }

    // MARK: Errors

    private func answer(to error: any Error, _ request: Request, _ exchange: Exchange) async -> Response {
        if let refused = error as? PageMethodRefused {
            return .page(
                errorPage(
                    ErrorModel(
                        status: 405, title: "This cannot be done here",
                        text: "The address exists, but not for this kind of request."),
                    PageContext(now: state.clock.now(), here: Location(), theme: PageTheme.read(request.headers))),
                status: .methodNotAllowed, headers: [.allow: refused.allowed])
        }
        let refusal: Refusal
        var number = ""
        if let known = error as? Refusal {
            refusal = known
        } else {
            number = RandomID.make("r")
            exchange.logger.error(
                "request failed",
                metadata: ["path": "\(loggedPath(request))", "error": "\(error)", "request": "\(number)"])
            refusal = databaseRefusal(error) ?? Refusal(.internalError)
        }
        let problem = refusal.problem
        state.metrics.count(.refusals, "kind=\"\(problem.kind)\"")
        if problem.kind == Problem.signInRequired.kind { return Self.toLogin(request) }
        let context = await errorContext(request, exchange)
        var headers = HTTPFields()
        if let seconds = refusal.retryAfter { headers[.retryAfter] = String(seconds) }
        return .page(
            errorPage(Self.model(problem, number), context), status: .init(code: problem.status), headers: headers)
    }

    private static func toLogin(_ request: Request) -> Response {
        let isSafe = request.method == .get
        let next = Location(untrusted: request.uri.description)
        let query: [(name: String, value: String)] =
            isSafe && next != Location() ? next.map { [("next", $0.description)] } ?? [] : []
        return Response(status: .seeOther, headers: [.location: Location("login", query: query).description])
    }

    /// An error tells no more than its kind: nothing of what was asked for stands in it, so that what is somebody else's
    /// and what is not there look the same, byte for byte.
    private func errorContext(_ request: Request, _ exchange: Exchange) async -> PageContext {
        var context = PageContext(now: state.clock.now(), here: Location(), theme: PageTheme.read(request.headers))
        guard let caller = try? await state.people.authenticate(request, exchange),
            case .session(_, let csrf) = caller.credential, let user = caller.user,
            let place = try? await self.place(nil, caller)
        else { return context }
        context.person = user.displayName
        context.csrf = csrf
        context.sections = [.settings]
        if caller.principal.may(.hostsRead, organisation: place.organisation?.id) {
            context.sections.formUnion([.today, .queue, .vulnerabilities, .hosts, .patches])
        }
        if caller.principal.may(.campaignsRead, organisation: place.organisation?.id) {
            context.sections.insert(.campaigns)
        }
        if caller.principal.may(.policiesRead, organisation: place.organisation?.id) {
            context.sections.insert(.policies)
        }
        if caller.principal.may(.auditRead, organisation: place.organisation?.id) { context.sections.insert(.activity) }
        return context
    }

    private static func model(_ problem: Problem, _ number: String) -> ErrorModel {
        switch problem.status {
        case 404:
            ErrorModel(
                status: 404, title: "There is nothing here",
                text: "Nothing has this address, or it is not yours to see. It may have been renamed or removed.")
        case 403 where problem.kind == Problem.notAllowed.kind:
            ErrorModel(
                status: 403, title: "This is not yours to do",
                text: "Your roles do not allow it. Somebody with the role admin can give you one that does.")
        case 500...:
            ErrorModel(
                status: problem.status, title: problem.title, text: "\(problem.detail) \(problem.cure)", request: number
            )
        default: ErrorModel(status: problem.status, title: problem.title, text: "\(problem.detail) \(problem.cure)")
        }
    }
}

/// The text that stands percent-encoded; nil where it is not UTF-8.
private func percentDecodedStrictly(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
            return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}

/// What a page threw, with its name for metrics.
private struct PageFailure: Error {
    let name: String
    let underlying: any Error
}

/// The page is there, but not for that method.
private struct PageMethodRefused: Error {
    let allowed: String
}

extension Problem {
    /// No page, or none of the caller's.
    static let noSuchPage = Problem(
        "not-found", title: "There is nothing here", status: 404, detail: "Nothing has this address.",
        cure: "Check the address.")
}
