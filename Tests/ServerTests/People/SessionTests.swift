import HTTPTypes
import Hummingbird
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// Attacks on whoever is logged in, each with its test.
    @Suite struct SessionTests {
        /// CSRF: without the token, with a wrong one, with another session's, and from another site.
        @Test func anotherSiteChangesNothing() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [TestServer.admin])
                try await server.user("eve", grants: [])
                let (maria, eve) = (try await server.browser("maria"), try await server.browser("eve"))
                func make(_ headers: [String: String?]) async throws -> Int {
                    try await maria.send(.POST, "/api/v1/api-tokens", ["name": "x"], headers: headers).status
                }
                #expect(try await make(["x-csrf-token": nil]) == 403)
                #expect(try await make(["x-csrf-token": ""]) == 403)
                #expect(try await make(["x-csrf-token": String(repeating: "A", count: 43)]) == 403)
                #expect(try await make(["x-csrf-token": eve.csrf]) == 403, "another session's")
                #expect(try await make(["origin": "https://evil.example"]) == 403)
                #expect(try await make(["origin": "null"]) == 403)
                #expect(try await make(["origin": "http://\(maria.host)"]) == 403, "another scheme")
                #expect(try await make(["origin": "https://localhost:1"]) == 403, "another port")
                #expect(try await make(["sec-fetch-site": "cross-site"]) == 403)
                #expect(try await make(["sec-fetch-site": "same-site"]) == 403)
                #expect(try await make(["origin": nil, "sec-fetch-site": nil, "x-csrf-token": nil]) == 403)
                #expect(
                    try await server.people.store.read { try $0.rows("SELECT id FROM api_tokens") { try $0.text() } }
                        .isEmpty)
                #expect(try await make(["origin": nil, "sec-fetch-site": nil]) == 201)
                #expect(try await make([:]) == 201)
                // A login across sites would put the victim into the attacker's account.
                let crossing = try await TestBrowser(server).send(
                    .POST, "/api/v1/session", ["name": "eve", "password": .string(TestServer.password)],
                    headers: ["origin": "https://evil.example"])
                #expect(crossing.status == 403)
                #expect(crossing.headers["set-cookie"].isEmpty)
                // A form can only send these types, and none of them is taken.
                for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
                    #expect(try await make(["content-type": type]) == 415)
                }
            }
        }

        @Test func theLoginFormIsTiedToItsBrowser() async throws {
            try await TestServer.with { server in
                func request(_ cookie: String?, origin: String? = "https://localhost") -> Request {
                    var head = HTTPRequest(method: .post, scheme: "https", authority: "localhost", path: "/login")
                    if let cookie { head.headerFields[.cookie] = "__Host-fettle-login=\(cookie)" }
                    if let origin { head.headerFields[.origin] = origin }
                    return Request(head: head, body: .init(buffer: .init()))
                }
                let people = server.people
                let form = people.loginForm(request(nil))
                let cookie = try #require(form.setCookie)
                #expect(cookie.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Strict"))
                let value = String(cookie.dropFirst("__Host-fettle-login=".count).prefix { $0 != ";" })
                let again = people.loginForm(request(value))
                #expect(again.csrf == form.csrf, "two tabs both work")
                #expect(again.setCookie == nil)
                try people.checkLoginForm(request(value), form.csrf)
                #expect(throws: Refusal.self) { try people.checkLoginForm(request(value), nil) }
                #expect(throws: Refusal.self) { try people.checkLoginForm(request(nil), form.csrf) }
                #expect(throws: Refusal.self) {
                    try people.checkLoginForm(request(value), people.loginForm(request(nil)).csrf)
                }
                #expect(throws: Refusal.self) {
                    try people.checkLoginForm(request(value, origin: "https://evil.example"), form.csrf)
                }
            }
        }

        /// Clickjacking and the like: every answer says what browsers may do with it, errors too.
        @Test(arguments: [
            "/", "/api/v1/me", "/api/v1/openapi.json", "/api/nothing", "/nothing", "/%00", "/api/v1/hosts?x=y",
        ])
        func everyAnswerCarriesTheHeaders(path: String) async throws {
            try await TestServer.with { server in
                for method in [.GET, .HEAD, .POST, .DELETE, .OPTIONS] as [HTTPMethod] {
                    let headers = try await server.web(method, path).headers
                    func has(_ name: String, _ text: String) -> Bool {
                        headers[name].count == 1 && headers[name][0].contains(text)
                    }
                    #expect(has("content-security-policy", "default-src 'none'"))
                    #expect(has("content-security-policy", "frame-ancestors 'none'"))
                    #expect(has("content-security-policy", "base-uri 'none'"))
                    #expect(!headers["content-security-policy"].joined().contains("unsafe"))
                    #expect(has("x-frame-options", "DENY"))
                    #expect(has("strict-transport-security", "max-age=63072000"))
                    #expect(has("x-content-type-options", "nosniff"))
                    #expect(has("referrer-policy", "same-origin"))
                    #expect(has("permissions-policy", "camera=()"))
                    #expect(has("cross-origin-opener-policy", "same-origin"))
                    #expect(has("cross-origin-resource-policy", "same-origin"))
                    #expect(headers["cache-control"].count == 1)
                    #expect(headers["access-control-allow-origin"].isEmpty)
                    #expect(headers["server"].isEmpty)
                }
            }
        }

        /// Header injection: nothing that is echoed breaks a line.
        @Test func nothingEchoedBreaksALine() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [TestServer.admin])
                let maria = try await server.browser("maria")
                for path in [
                    "/api/v1/users/x%0d%0aSet-Cookie:%20a=b", "/api/v1/x%0d%0aX-Evil:%201",
                    "/api/v1/users?cursor=%0d%0aX-Evil:%201",
                ] {
                    let answer = try await maria.send(.GET, path, checked: false)
                    #expect(answer.status >= 400)
                    #expect(answer.headers["x-evil"].isEmpty)
                    #expect(answer.headers["set-cookie"].isEmpty)
                    #expect(!answer.headers.contains { $0.value.contains("\n") || $0.value.contains("\r") })
                }
                for field in ["displayName", "email", "name"] {
                    var body: [String: JSONValue] = ["name": "otto"]
                    body[field] = "a\r\nX-Evil: 1"
                    let answer = try await maria.send(.POST, "/api/v1/users", .object(body))
                    #expect(answer.status == 400 || answer.status == 422)
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func sessionsEndIdleAndAbsolutely(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await server.user("maria", grants: [])
                let idle = try await server.browser("maria")
                server.clock.advance(3599)
                #expect(try await idle.me().status == 200)
                server.clock.advance(3599)
                #expect(try await idle.me().status == 200, "use keeps it")
                server.clock.advance(3601)
                #expect(try await idle.me().status == 401)
                let busy = try await server.browser("maria")
                for _ in 0..<23 {
                    server.clock.advance(1800)
                    #expect(try await busy.me().status == 200)
                }
                server.clock.advance(1801)
                #expect(try await busy.me().status == 401, "twelve hours are all")
                try await server.people.purge()
                #expect(
                    try await server.people.store.read { try $0.rows("SELECT id FROM sessions") { try $0.text() } }
                        .isEmpty)
            }
        }

        @Test func logoutAndListsAndEndings() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let (one, two) = (try await server.browser("maria"), try await server.browser("maria"))
                let three = try await server.browser("maria")
                let list = try await one.send(.GET, "/api/v1/sessions").json["items"]?.array ?? []
                #expect(list.count == 4, "and the one by link")
                #expect(list.filter { $0["current"]?.bool == true }.count == 1)
                let stolen = one.session
                #expect(try await one.send(.DELETE, "/api/v1/session").status == 204)
                #expect(one.session == nil)
                one.cookies["__Host-fettle"] = stolen
                #expect(try await one.me().status == 401, "the cookie is dead, not only forgotten")
                let id = try await two.send(.GET, "/api/v1/sessions").json["items"]?.array?
                    .first { $0["current"]?.bool == true }?["id"]?.string
                #expect(try await three.send(.DELETE, "/api/v1/sessions/\(id ?? "")").status == 204)
                #expect(try await two.me().status == 401)
                #expect(try await three.send(.DELETE, "/api/v1/sessions/\(id ?? "")").status == 404)
                let four = try await server.browser("maria")
                #expect(try await three.send(.DELETE, "/api/v1/sessions").status == 204)
                #expect(try await four.me().status == 401)
                #expect(try await three.me().status == 200)
            }
        }

        @Test func aNewPasswordEndsOtherSessionsAndNeedsTheOldOne() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let (one, two) = (try await server.browser("maria"), try await server.browser("maria"))
                let new: JSONValue = "gravel eats violet trams"
                #expect(try await one.send(.PUT, "/api/v1/me/password", ["password": new]).status == 422)
                #expect(
                    try await one.send(.PUT, "/api/v1/me/password", ["current": "not it at all", "password": new])
                        .status
                        == 422)
                let before = one.session
                #expect(
                    try await one.send(
                        .PUT, "/api/v1/me/password", ["current": .string(TestServer.password), "password": new]
                    ).status == 200)
                #expect(try await one.me().status == 200)
                #expect(one.session != before)
                #expect(try await two.me().status == 401)
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password).status == 401)
                #expect(try await server.browser("maria", "gravel eats violet trams").me().status == 200)
                // An API token changes no password.
                let token = try await one.send(.POST, "/api/v1/api-tokens", ["name": "x"]).json["token"]?.string ?? ""
                #expect(
                    try await server.bearer(
                        token, .PUT, "/api/v1/me/password", ["current": new, "password": "yet another password"]
                    ).status == 403)
            }
        }

        /// The web listener is not the socket: without a credential nobody may do anything.
        @Test func nobodyIsNobody() async throws {
            try await TestServer.with { server in
                for path in ["/api/v1/hosts", "/api/v1/users", "/api/v1/audit", "/api/v1/me", "/api/v1/server"] {
                    let answer = try await server.web(.GET, path)
                    #expect(answer.status == 401, "\(path)")
                    #expect(answer.headers["www-authenticate"].count == 1)
                }
                #expect(
                    try await server.web(
                        .POST, "/api/v1/login-links", headers: ["content-type": "application/json"], [:]
                    )
                    .status == 401)
                try await server.user("maria", grants: [TestServer.admin])
                let maria = try await server.browser("maria")
                #expect(
                    try await maria.send(.POST, "/api/v1/login-links", ["user": "maria"]).status == 403,
                    "an admin in a browser has no socket")
            }
        }
    }
}
