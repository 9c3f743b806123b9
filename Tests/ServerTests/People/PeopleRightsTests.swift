import JSON
import NIOHTTP1
import Store
import Synchronization
import Testing
import Wire

@testable import Server

extension ServerTests {
    /// Nobody gives, sees or changes more than they may.
    @Suite struct PeopleRightsTests {
        private func organisations(_ server: TestServer) async throws {
            for id in ["acme", "blue"] {
                #expect(try await server.api(.POST, "organisations", ["id": .string(id)]).status == 201)
            }
        }

        @Test(arguments: TestEngine.allCases) func anOrganisationsAdminStaysInIt(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await organisations(server)
                let root = try await server.user("root", grants: [TestServer.admin])
                try await server.user("ann@acme", grants: [["role": "admin", "organisation": "acme"]])
                let bob = try await server.user("bob@blue", grants: [["role": "viewer", "organisation": "blue"]])
                let both = try await server.user(
                    "both",
                    grants: [["role": "viewer", "organisation": "acme"], ["role": "viewer", "organisation": "blue"]])
                let ann = try await server.browser("ann@acme")
                func names(_ path: String) async throws -> [String] {
                    try await ann.send(.GET, path).json["items"]?.array?.compactMap { $0["name"]?.string } ?? []
                }
                #expect(try await names("/api/v1/users") == ["ann@acme", "both"])
                #expect(try await ann.send(.GET, "/api/v1/users?organisation=blue").status == 404)
                #expect(try await ann.send(.GET, "/api/v1/users/\(bob)").status == 404)
                #expect(try await ann.send(.GET, "/api/v1/users/\(root)").status == 404)
                let seen = try await ann.send(.GET, "/api/v1/users/\(both)").json
                #expect(seen["grants"]?.array?.count == 1, "only those in acme")
                #expect(seen["mayChange"]?.bool == false, "they are somebody elsewhere too")
                for path in ["", "/sessions", "/second-factor"] {
                    #expect(try await ann.send(.DELETE, "/api/v1/users/\(both)\(path)").status == 403)
                }
                #expect(try await ann.send(.POST, "/api/v1/users/\(both)/login-links", [:]).status == 403)
                #expect(try await ann.send(.GET, "/api/v1/users/\(both)/api-tokens").status == 403)
                func make(_ name: String, _ grants: JSONValue) async throws -> Int {
                    try await ann.send(.POST, "/api/v1/users", ["name": .string(name), "grants": grants]).status
                }
                #expect(try await make("carl@acme", [["role": "viewer", "organisation": "acme"]]) == 201)
                #expect(try await make("carl@acme", [["role": "viewer", "organisation": "acme"]]) == 409)
                #expect(try await make("x@acme", [["role": "viewer"]]) == 403, "everywhere")
                #expect(try await make("x@acme", [["role": "viewer", "organisation": "blue"]]) != 201)
                #expect(try await make("x@acme", []) == 422, "in no organisation")
                #expect(
                    try await make("bob@blue", [["role": "viewer", "organisation": "acme"]]) == 422, "tells nothing")
                #expect(try await make("nob@blue", [["role": "viewer", "organisation": "acme"]]) == 422)
                #expect(
                    try await ann.send(
                        .POST, "/api/v1/users/\(both)/grants", ["role": "operator", "organisation": "acme"]
                    ).status == 201)
                #expect(
                    try await ann.send(
                        .POST, "/api/v1/users/\(both)/grants", ["role": "operator", "organisation": "acme"]
                    ).status == 409)
                #expect(try await ann.send(.POST, "/api/v1/users/\(both)/grants", ["role": "viewer"]).status == 403)
                #expect(try await server.audit(organisation: "acme").filter { $0 == "grant.added" }.count == 4)
            }
        }

        /// A link is judged when it is made: it does not carry its maker into rights that the user got since.
        @Test(arguments: TestEngine.allCases) func aLinkEndsWhenItsUserChanges(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await organisations(server)
                try await server.user("ann@acme", grants: [["role": "admin", "organisation": "acme"]])
                let bob = try await server.user("bob@acme", grants: [["role": "viewer", "organisation": "acme"]])
                let ann = try await server.browser("ann@acme")
                func link() async throws -> String {
                    let made = try await ann.send(
                        .POST, "/api/v1/users/\(bob)/login-links", ["seconds": 86_400])
                    let url = try #require(made.json["url"]?.string, "\(made.text)")
                    return String(url.split(separator: "/").last ?? "")
                }
                func change(_ body: JSONValue) async throws {
                    let seen = try await server.api(.GET, "users/\(bob)")
                    #expect(try await server.patch("users/\(bob)", body, seen).status == 200)
                }
                var old = try await link()
                #expect(try await server.people.isLinkGood(old))
                try await change(["disabled": true])
                try await change(["disabled": false])
                #expect(try await !server.people.isLinkGood(old), "shut out")
                old = try await link()
                #expect(try await server.api(.DELETE, "users/\(bob)/second-factor").status == 204)
                #expect(try await !server.people.isLinkGood(old), "second factor")
                old = try await link()
                #expect(
                    try await server.browser("bob@acme").send(
                        .PUT, "/api/v1/me/password",
                        ["current": .string(TestServer.password), "password": "gravel eats violet trams"]
                    ).status == 200)
                #expect(try await !server.people.isLinkGood(old), "password")
                old = try await link()
                #expect(try await server.api(.POST, "users/\(bob)/grants", ["role": "admin"]).status == 201)
                #expect(try await !server.people.isLinkGood(old), "more rights")
                #expect(try await ann.send(.POST, "/api/v1/users/\(bob)/login-links", [:]).status == 403)
            }
        }

        /// Who came in by a link somebody made is not carried into rights given since; who came by password stays.
        @Test(arguments: TestEngine.allCases) func aSessionOpenedByALinkEndsWithMoreRights(
            engine: TestEngine
        ) async throws {
            try await TestServer.with(engine) { server in
                let bob = try await server.user("bob", grants: [["role": "viewer", "organisation": "default"]])
                let byPassword = try await server.browser("bob")
                let byLink = TestBrowser(server)
                try await server.comeInByLink(byLink, try await server.api(.POST, "login-links", ["user": "bob"]))
                #expect(try await byLink.send(.GET, "/api/v1/me").status == 200)
                #expect(try await server.api(.POST, "users/\(bob)/grants", ["role": "admin"]).status == 201)
                #expect(try await byLink.send(.GET, "/api/v1/me").status == 401)
                #expect(try await byPassword.send(.GET, "/api/v1/me").status == 200)
            }
        }

        @Test func theLogSaysWhatChanged() async throws {
            try await TestServer.with { server in
                let id = try await server.user("maria", grants: [])
                for body in [["disabled": false], ["disabled": true], ["disabled": true], ["disabled": false]]
                    as [JSONValue]
                {
                    let seen = try await server.api(.GET, "users/\(id)")
                    #expect(try await server.patch("users/\(id)", body, seen).status == 200)
                }
                let actions = ["user.changed", "user.disabled", "user.enabled"]
                #expect(
                    try await server.audit(organisation: "").filter(actions.contains) == [
                        "user.changed", "user.disabled", "user.changed", "user.enabled",
                    ])
                // Where there is no admin, the operator's link lets the user `admin` in again.
                let admin = try await server.api(.POST, "users", ["name": "admin"]).json["id"]?.string ?? ""
                let seen = try await server.api(.GET, "users/\(admin)")
                #expect(try await server.patch("users/\(admin)", ["disabled": true], seen).status == 200)
                #expect(try await server.api(.POST, "login-links", [:]).status == 201)
                #expect(try await server.audit(organisation: "").filter { $0 == "user.enabled" }.count == 2)
                #expect(try await server.api(.GET, "audit/export").status == 200)
                #expect(try await server.audit(organisation: "default").contains("audit.exported"))
            }
        }

        @Test func whoMayNotMayNot() async throws {
            try await TestServer.with { server in
                let root = try await server.user("root", grants: [TestServer.admin])
                for role in ["viewer", "operator", "approver", "auditor"] {
                    let id = try await server.user(role, grants: [["role": .string(role)]])
                    let browser = try await server.browser(role)
                    #expect(try await browser.send(.GET, "/api/v1/users").status == (role == "auditor" ? 200 : 403))
                    #expect(try await browser.send(.POST, "/api/v1/users", ["name": "x"]).status == 403)
                    #expect(
                        try await browser.send(.POST, "/api/v1/users/\(id)/grants", ["role": "admin"]).status == 403)
                    #expect(try await browser.send(.DELETE, "/api/v1/users/\(root)").status == 403)
                    #expect(try await browser.send(.POST, "/api/v1/users/\(root)/login-links", [:]).status == 403)
                }
                // An admin of some hosts is no admin of people.
                try await server.user("some", grants: [["role": "admin", "selector": "site=berlin"]])
                #expect(try await server.browser("some").send(.GET, "/api/v1/users").status == 403)
            }
        }

        @Test(arguments: TestEngine.allCases) func theLastAdminStays(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let id = try await server.user("root", grants: [TestServer.admin])
                try await server.user("limited", grants: [["role": "admin", "selector": "site=berlin"]])
                let user = try await server.api(.GET, "users/\(id)")
                let grant = user.json["grants"]?[0]?["id"]?.string ?? ""
                #expect(try await server.api(.DELETE, "users/\(id)").status == 409)
                #expect(try await server.api(.DELETE, "users/\(id)/grants/\(grant)").status == 409)
                #expect(try await server.patch("users/\(id)", ["disabled": true], user).status == 409)
                let other = try await server.user("other", grants: [TestServer.admin])
                // Two admins that remove each other at once: one stays.
                let ends = await withTaskGroup(of: Int.self) { group in
                    for victim in [id, other] {
                        group.addTask { (try? await server.api(.DELETE, "users/\(victim)").status) ?? 0 }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.sorted() == [204, 409])
            }
        }

        @Test func changesNeedWhatWasSeen() async throws {
            try await TestServer.with { server in
                let id = try await server.user("maria", grants: [])
                let seen = try await server.api(.GET, "users/\(id)")
                #expect(try await server.patch("users/\(id)", ["displayName": "María López"], seen).status == 200)
                #expect(try await server.patch("users/\(id)", ["displayName": "Other"], seen).status == 412)
                let now = try await server.api(.GET, "users/\(id)")
                #expect(now.json["displayName"]?.string == "María López")
                #expect(try await server.patch("users/\(id)", ["email": "no address"], now).status == 422)
            }
        }
    }

    /// RFC 8628 in shape.
    @Suite struct DeviceLoginTests {
        private func ask(_ server: TestServer, _ machine: String = "laptop") async throws -> Answer {
            try await TestBrowser(server).send(.POST, "/api/v1/device/authorisations", ["machine": .string(machine)])
        }

        private func poll(_ server: TestServer, _ code: String) async throws -> Answer {
            try await TestBrowser(server).send(.POST, "/api/v1/device/tokens", ["deviceCode": .string(code)])
        }

        @Test(arguments: TestEngine.allCases) func aPersonLetsAProgramIn(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await server.user("maria", grants: [TestServer.admin])
                let maria = try await server.browser("maria")
                let asked = try await ask(server)
                #expect(asked.status == 201)
                let device = asked.json["deviceCode"]?.string ?? ""
                let code = asked.json["userCode"]?.string ?? ""
                #expect(code.wholeMatch(of: /[B-Z]{4}-[B-Z]{4}/) != nil)
                #expect(asked.json["verificationURI"]?.string?.hasSuffix("/device") == true)
                #expect(try await poll(server, device).problem?.kind == "authorization_pending")
                #expect(try await poll(server, device).problem?.kind == "slow_down")
                server.clock.advance(11)
                #expect(try await poll(server, device).problem?.kind == "authorization_pending")
                let shown = try await maria.send(.GET, "/api/v1/device/authorisations/\(code.lowercased())")
                #expect(shown.json["machine"]?.string == "laptop")
                let path = "/api/v1/device/authorisations/\(code)/decision"
                #expect(
                    try await maria.send(.POST, path, ["approve": true], headers: ["x-csrf-token": nil]).status == 403)
                #expect(try await maria.send(.POST, path, ["approve": true]).status == 204)
                #expect(try await maria.send(.POST, path, ["approve": true]).status == 404)
                server.clock.advance(11)
                let granted = try await poll(server, device)
                #expect(granted.status == 201, "\(granted.text)")
                let token = granted.json["token"]?.string ?? ""
                #expect(try await server.bearer(token).json["user"]?["name"]?.string == "maria")
                let list = try await maria.send(.GET, "/api/v1/api-tokens").json["items"]?[0]
                #expect(list?["name"]?.string == "laptop")
                server.clock.advance(11)
                #expect(try await poll(server, device).problem?.kind == "expired_token", "answered once")
                // A program cannot let another program in.
                let second = try await ask(server).json["userCode"]?.string ?? ""
                #expect(
                    try await server.bearer(
                        token, .POST, "/api/v1/device/authorisations/\(second)/decision", ["approve": true]
                    ).status == 403)
            }
        }

        @Test func aNewPasswordEndsWhatWasApproved() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let maria = try await server.browser("maria")
                let asked = try await ask(server)
                let path = "/api/v1/device/authorisations/\(asked.json["userCode"]?.string ?? "")/decision"
                #expect(try await maria.send(.POST, path, ["approve": true]).status == 204)
                #expect(
                    try await maria.send(
                        .PUT, "/api/v1/me/password",
                        ["current": .string(TestServer.password), "password": "gravel eats violet trams"]
                    ).status == 200)
                #expect(
                    try await poll(server, asked.json["deviceCode"]?.string ?? "").problem?.kind == "expired_token")
            }
        }

        @Test func noIsNoAndTimeEnds() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let maria = try await server.browser("maria")
                let first = try await ask(server)
                #expect(
                    try await maria.send(
                        .POST, "/api/v1/device/authorisations/\(first.json["userCode"]?.string ?? "")/decision",
                        ["approve": false]
                    ).status == 204)
                #expect(
                    try await poll(server, first.json["deviceCode"]?.string ?? "").problem?.kind == "access_denied")
                let second = try await ask(server)
                server.clock.advance(601)
                #expect(
                    try await poll(server, second.json["deviceCode"]?.string ?? "").problem?.kind == "expired_token")
                #expect(
                    try await maria.send(
                        .GET, "/api/v1/device/authorisations/\(second.json["userCode"]?.string ?? "")"
                    ).status == 404)
                #expect(try await poll(server, "guess").problem?.kind == "expired_token")
                #expect(try await ask(server, "a\u{202E}b").status == 422)
            }
        }

        @Test func codesThatAreNotThereCostNoWrite() async throws {
            try await TestServer.with { server in
                let counter = CommitCounter()
                server.server.state.store.observeCommits { counter.add($0) }
                let visit = TestServer.visit(TestBrowser(server))
                for number in 0..<40 {
                    guard case .expired = try await server.people.pollDevice(code: "guess-\(number)", visit) else {
                        Issue.record("a guess is something")
                        return
                    }
                }
                #expect(counter.count < 20)
            }
        }

        @Test func guessingUserCodesAndAskingSlowDown() async throws {
            try await TestServer.with { server in
                try await server.user("eve", grants: [])
                let eve = try await server.browser("eve")
                var judged = 0
                for _ in 0..<60 {
                    let answer = try await eve.send(.GET, "/api/v1/device/authorisations/BCDF-GHJK")
                    if answer.status == 404 { judged += 1 } else { #expect(answer.status == 429) }
                }
                #expect(judged < 30)
                var asked = 0
                for _ in 0..<60 where try await ask(server).status == 201 { asked += 1 }
                #expect(asked < 30)
            }
        }
    }
}

private final class CommitCounter: Sendable {
    private let writes = Mutex(0)

    var count: Int { writes.withLock { $0 } }

    func add(_ more: Int) { writes.withLock { $0 += more } }
}
