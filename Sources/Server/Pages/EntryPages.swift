import HTML
import HTTPTypes
import Hummingbird
import Pages
import Store
import Wire

/// What comes before a login, and its end.
enum EntryPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/login", "login", access: .open, parameters: ["next"]) { call in
            if call.caller?.user != nil {
                return call.seeOther(Location(untrusted: call.query["next"] ?? "") ?? Location())
            }
            return page(.password, call)
        },
        PageDeclaration(.post, "/login", "login", access: .open, login),
        PageDeclaration(.post, "/login/code", "login-code", access: .open, code),
        PageDeclaration(.get, "/login/link/{code}", "login-link", access: .open) { call in
            guard try await call.state.people.isLinkGood(call.path("code")) else {
                return page(.password, call, error: "This link has been used, or its time is over.")
            }
            return page(.link(code: call.path("code")), call)
        },
        PageDeclaration(.post, "/login/link", "login-link", access: .open, link),
        PageDeclaration(.post, "/logout", "logout", access: .signedIn) { call in
            let cookie = try await call.state.people.logout(call.caller)
            return call.seeOther(Location("login"), cookies: [cookie])
        },
        PageDeclaration(.get, "/device", "device", access: .signedIn, parameters: ["code"], device),
        PageDeclaration(.post, "/device", "device", access: .signedIn, decide),
    ]

    /// The login page at one of its steps.
    private static func page(
        _ step: LoginModel.Step, _ call: PageCall, error: String = "", status: HTTPResponse.Status = .ok
    ) -> Response {
        let form = call.state.people.loginForm(call.request)
        var context = call.context()
        context.person = nil
        context.csrf = form.csrf
        let action =
            switch step {
            case .code: Location("login", "code")
            case .link: Location("login", "link")
            default: Location("login")
            }
        var model = LoginModel(step, action: action)
        model.error = error
        model.name = call.field("name")
        model.next = Location(untrusted: call.form?["next"] ?? call.query["next"] ?? "")
        return call.html(loginPage(model, context), status: status, cookies: form.setCookie.map { [$0] } ?? [])
    }

    private static func login(_ call: PageCall) async throws -> Response {
        let people = call.state.people
        try people.checkLoginForm(call.request, call.form?["csrf"])
        let outcome = try await people.login(
            name: call.field("name"), password: call.form?["password"] ?? "", Visit(call.request, call.exchange))
        return finish(outcome, call, at: .password, refused: "The name or the password is not right.")
    }

    private static func code(_ call: PageCall) async throws -> Response {
        let people = call.state.people
        try people.checkLoginForm(call.request, call.form?["csrf"])
        let ticket = call.field("ticket")
        let outcome = try await people.login(
            pending: ticket, code: call.field("code"), Visit(call.request, call.exchange))
        return finish(
            outcome, call, at: .code(ticket: ticket),
            refused: "The code is not right. If this took longer than five minutes, log in from the start.")
    }

    private static func link(_ call: PageCall) async throws -> Response {
        let people = call.state.people
        try people.checkLoginForm(call.request, call.form?["csrf"])
        let outcome = try await people.login(link: call.field("code"), Visit(call.request, call.exchange))
        return finish(outcome, call, at: .password, refused: "This link has been used, or its time is over.")
    }

    private static func finish(
        _ outcome: LoginOutcome, _ call: PageCall, at step: LoginModel.Step, refused: String
    ) -> Response {
        switch outcome {
        case .signedIn(let signedIn):
            let next = Location(untrusted: call.form?["next"] ?? "") ?? Location()
            return call.seeOther(
                signedIn.user.needsPassword ? Location("settings", "account") : next, cookies: signedIn.setCookies)
        case .secondFactor(let pending): return page(.code(ticket: pending), call)
        case .refused: return page(step, call, error: refused, status: .forbidden)
        case .slowDown(let seconds):
            return page(step, call, error: "Too many attempts. Wait \(seconds) s.", status: .tooManyRequests)
        case .busy:
            return page(step, call, error: "The server is busy. Try again in a moment.", status: .serviceUnavailable)
        }
    }

    // MARK: Programs

    private static func device(_ call: PageCall) async throws -> Response {
        var model = DeviceModel(code: call.query["code"] ?? "")
        if !model.code.isEmpty {
            do {
                let login = try await call.state.people.waitingDevice(userCode: model.code, by: call.person)
                model.machine = login.machine.isEmpty ? "unnamed" : login.machine
                model.address = login.address
                model.askedAt = login.createdAt
            } catch let refusal as Refusal {
                model.error = "\(refusal.problem.detail) \(refusal.problem.cure)"
            }
        }
        return call.html(devicePage(model, call.context()))
    }

    private static func decide(_ call: PageCall) async throws -> Response {
        let isApproved = call.field("decision") == "approved"
        var model = DeviceModel(code: call.field("code"))
        do {
            try await call.state.people.decideDevice(userCode: model.code, isApproved: isApproved, by: call.person)
            model.decision = isApproved ? "approved" : "denied"
        } catch let refusal as Refusal {
            model.error = "\(refusal.problem.detail) \(refusal.problem.cure)"
        }
        return call.html(devicePage(model, call.context()))
    }
}
