import Access
import HTML
import HTTPTypes
import Hummingbird
import Pages
import Store
import Timestamps
import Wire

/// What is a person's own: password, second factor, sessions, API tokens.
enum AccountPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/settings", "settings", access: .signedIn) { call in
            call.seeOther(call.context().to("settings", "account"))
        },
        PageDeclaration(.get, "/settings/account", "account", access: .signedIn) { call in
            call.html(accountPage(try await model(call), call.context(), SettingsPages.visible(call)))
        },
        PageDeclaration(.post, "/settings/account/password", "account-password", access: .signedIn, password),
        PageDeclaration(.post, "/settings/account/second-factor", "account-factor", access: .signedIn, propose),
        PageDeclaration(.post, "/settings/account/second-factor/confirm", "account-factor", access: .signedIn, confirm),
        PageDeclaration(.post, "/settings/account/second-factor/remove", "account-factor", access: .signedIn, remove),
        PageDeclaration(.get, "/settings/sessions", "sessions", access: .signedIn, sessions),
        PageDeclaration(.post, "/settings/sessions/end-others", "sessions", access: .signedIn) { call in
            try await call.state.people.endSession(nil, by: call.person)
            return call.done(.sessions, "settings", "sessions")
        },
        PageDeclaration(.post, "/settings/sessions/{session}/end", "sessions", access: .signedIn) { call in
            try await call.state.people.endSession(call.path("session"), by: call.person)
            return call.done(.session, "settings", "sessions")
        },
        PageDeclaration(.get, "/settings/tokens", "tokens", access: .signedIn) { call in
            try await tokens(call)
        },
        PageDeclaration(.post, "/settings/tokens", "tokens", access: .signedIn, makeToken),
        PageDeclaration(.post, "/settings/tokens/{token}/revoke", "tokens", access: .signedIn) { call in
            try await call.state.people.revokeToken(call.path("token"), by: call.person)
            return call.done(.token, "settings", "tokens")
        },
    ]

    private static func model(_ call: PageCall) async throws -> AccountModel {
        guard let summary = try call.person.user else { throw Refusal(.sessionRequired) }
        let organisations = call.organisations
        let (user, left, grants) = try await call.state.store.read { transaction in
            (
                try transaction.users.get(summary.id), try transaction.users.recoveryCodesLeft(summary.id),
                try transaction.grants.list(user: summary.id)
            )
        }
        guard let user else { throw Refusal(.signInRequired) }
        var model = AccountModel(
            name: user.name, displayName: user.displayName, email: user.email, hasPassword: user.password != nil,
            passwordChangedAt: user.passwordChangedAt, hasSecondFactor: user.totpSecret != nil)
        model.recoveryCodesLeft = Int(left)
        model.roles = grants.map { ($0.grant.role.rawValue, SettingsPages.place($0.grant, organisations)) }
        return model
    }

    /// The account page with what is wrong with a form.
    private static func refused(_ call: PageCall, _ refusal: Refusal, at field: String) async throws -> Response {
        var model = try await model(call)
        model.errors[field] = "\(refusal.problem.detail) \(refusal.problem.cure)"
        return call.html(
            accountPage(model, call.context(), SettingsPages.visible(call)),
            status: .init(code: refusal.problem.status == 401 ? 403 : refusal.problem.status))
    }

    private static func password(_ call: PageCall) async throws -> Response {
        let new = call.form?["password"] ?? ""
        guard new == call.form?["again"] else {
            var model = try await model(call)
            model.errors["again"] = "The two are not the same."
            return call.html(
                accountPage(model, call.context(), SettingsPages.visible(call)), status: .badRequest)
        }
        do {
            let signedIn = try await call.state.people.changePassword(
                current: call.form?["current"], new: new, by: call.person)
            return call.seeOther(
                call.context().to(path: ["settings", "account"], query: [("done", PageNotice.password.rawValue)]),
                cookies: signedIn.setCookies)
        } catch let refusal as Refusal {
            return try await refused(call, refusal, at: refusal.problem.pointer == "/current" ? "current" : "password")
        }
    }

    private static func propose(_ call: PageCall) async throws -> Response {
        do {
            let proposal = try await call.state.people.proposeSecondFactor(
                password: call.form?["factor-password"] ?? "", by: call.person)
            var model = try await model(call)
            model.enrolment = SecondFactor(secret: proposal.secret, uri: proposal.address)
            return call.html(accountPage(model, call.context(), SettingsPages.visible(call)))
        } catch let refusal as Refusal {
            return try await refused(call, refusal, at: "factor-password")
        }
    }

    private static func confirm(_ call: PageCall) async throws -> Response {
        do {
            let (codes, signedIn) = try await call.state.people.confirmSecondFactor(
                code: call.field("code"), by: call.person)
            var model = try await model(call)
            model.newRecoveryCodes = codes
            var context = call.context()
            context.csrf = signedIn.csrf
            // Shown in the answer to the form: the codes are stored nowhere that a later page could read them from.
            return call.html(
                accountPage(model, context, SettingsPages.visible(call)), cookies: signedIn.setCookies)
        } catch let refusal as Refusal {
            return try await refused(call, refusal, at: "factor-password")
        }
    }

    private static func remove(_ call: PageCall) async throws -> Response {
        do {
            let signedIn = try await call.state.people.removeSecondFactor(
                password: call.form?["totp-password"] ?? "", code: call.field("totp-code"), by: call.person)
            return call.seeOther(
                call.context().to(path: ["settings", "account"], query: [("done", PageNotice.factor.rawValue)]),
                cookies: signedIn.setCookies)
        } catch let refusal as Refusal {
            return try await refused(call, refusal, at: "totp-password")
        }
    }

    // MARK: Sessions

    private static func sessions(_ call: PageCall) async throws -> Response {
        let caller = try call.person
        var own = ""
        if case .session(let id, _) = caller.credential { own = id }
        let rows = try await call.state.people.sessions(of: caller).map {
            SessionRow(
                id: $0.id, agent: BrowserName.of($0.agent), address: $0.address, method: $0.method.rawValue,
                createdAt: $0.createdAt, seenAt: $0.seenAt, isThis: $0.id == own)
        }
        return call.html(sessionsPage(rows, call.context(), SettingsPages.visible(call)))
    }

    // MARK: API tokens

    private static func tokens(
        _ call: PageCall, made: String? = nil, errors: [String: String] = [:], status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        var model = TokensModel()
        model.rows = try await call.state.people.tokens(of: call.person).map {
            TokenRow(
                id: $0.id, name: $0.name, scopes: $0.scopes?.sorted().map(\.rawValue), createdAt: $0.createdAt,
                expiresAt: $0.expiresAt, lastUsedAt: $0.lastUsedAt, revokedAt: $0.revokedAt)
        }
        model.made = made
        model.errors = errors
        let principal = try call.person.principal
        model.scopes = Permission.allCases.filter { permission in
            principal.may(permission, organisation: nil)
                || call.organisations.contains { principal.may(permission, organisation: $0.id) }
        }.map(\.rawValue)
        return call.html(
            tokensPage(model, call.context(), SettingsPages.visible(call)), status: status)
    }

    private static func makeToken(_ call: PageCall) async throws -> Response {
        let scopes = Set((call.form?.all("scope") ?? []).compactMap(Permission.init(rawValue:)))
        do {
            let made = try await call.state.people.makeToken(
                name: call.field("name"), scopes: scopes.isEmpty ? nil : scopes,
                days: Int64(call.field("days")) ?? People.standardTokenDays, by: call.person)
            // Shown in the answer to the form: the secret is stored nowhere that a later page could read it from.
            return try await tokens(call, made: made.text)
        } catch let refusal as Refusal {
            return try await tokens(
                call, errors: ["name": "\(refusal.problem.detail) \(refusal.problem.cure)"],
                status: .init(code: refusal.problem.status))
        }
    }
}

/// What a browser is called, from what it calls itself: a word or two, for lists of sessions.
enum BrowserName {
    static func of(_ agent: String) -> String {
        let browsers = [
            ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("HeadlessChrome/", "Chrome"),
            ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
        ]
        let systems = [
            ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("Linux", "Linux"),
        ]
        let browser = browsers.first { agent.contains($0.0) }?.1
        let system = systems.first { agent.contains($0.0) }?.1
        switch (browser, system) {
        case (let browser?, let system?): return "\(browser) on \(system)"
        case (let name?, nil), (nil, let name?): return name
        case (nil, nil): return String(agent.prefix(60))
        }
    }
}
