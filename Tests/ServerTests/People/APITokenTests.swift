import Access
import Foundation
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    @Suite struct APITokenTests {
        private func make(
            _ browser: TestBrowser, _ body: JSONValue = ["name": "ci"]
        ) async throws -> (id: String, text: String) {
            let answer = try await browser.send(.POST, "/api/v1/api-tokens", body)
            #expect(answer.status == 201, "\(answer.text)")
            return (answer.json["id"]?.string ?? "", answer.json["token"]?.string ?? "")
        }

        @Test(arguments: TestEngine.allCases) func aTokenActsForItsOwnerUntilItIsRevoked(
            engine: TestEngine
        ) async throws {
            try await TestServer.with(engine) { server in
                try await server.user("maria", grants: [TestServer.admin])
                let maria = try await server.browser("maria")
                let token = try await make(maria)
                #expect(token.text.hasPrefix("fettle_"))
                let me = try await server.bearer(token.text)
                #expect(me.json["principal"]?.string == "token:\(token.id)")
                #expect(me.json["user"]?["name"]?.string == "maria")
                #expect(try await server.bearer(token.text, .GET, "/api/v1/hosts").status == 200)
                let used = try await maria.send(.GET, "/api/v1/api-tokens").json["items"]?[0]
                #expect(used?["lastUsed"]?.string != nil)
                #expect(used?["token"] == nil, "told once")
                let stored = try await server.people.store.read { sql in
                    try sql.rows("SELECT id, name, created_by FROM api_tokens") { row in
                        [try row.text(), try row.text(), try row.text()]
                    }
                }
                #expect(!stored.joined().contains(token.text))
                #expect(try await maria.send(.DELETE, "/api/v1/api-tokens/\(token.id)").status == 204)
                #expect(try await server.bearer(token.text).status == 401, "at once")
                #expect(try await maria.send(.DELETE, "/api/v1/api-tokens/\(token.id)").status == 404)
                #expect(
                    try await server.audit(organisation: "").filter { $0.hasPrefix("api-token.") } == [
                        "api-token.created", "api-token.revoked",
                    ])
            }
        }

        /// Token theft: after a revocation on one server another one lets the token in for less than two seconds.
        @Test func revocationReachesOtherServers() async throws {
            let database = try await TestEngine.postgresql.newDatabase()
            let one = try await TestServer.start(.postgresql, database: database)
            let folder = try temporaryFolder()
            try FileManager.default.copyItem(atPath: "\(one.folder)/authority", toPath: "\(folder)/authority")
            let two = try await TestServer.start(.postgresql, folder: folder, database: database, clock: one.clock)
            do {
                try await one.user("maria", grants: [TestServer.admin])
                let maria = try await one.browser("maria")
                let token = try await make(maria)
                let elsewhere = TestBrowser(two)
                elsewhere.cookies = maria.cookies
                #expect(try await two.bearer(token.text).status == 200)
                #expect(try await elsewhere.me().status == 200)
                #expect(try await maria.send(.DELETE, "/api/v1/api-tokens/\(token.id)").status == 204)
                #expect(try await maria.send(.DELETE, "/api/v1/session").status == 204)
                #expect(try await one.bearer(token.text).status == 401)
                // The thief asks all the time, so that what is remembered stays warm.
                let start = ContinuousClock.now
                var (last, lastSession) = (Duration.zero, Duration.zero)
                while ContinuousClock.now - start < .seconds(3) {
                    if try await two.bearer(token.text).status == 200 { last = ContinuousClock.now - start }
                    if try await elsewhere.me().status == 200 { lastSession = ContinuousClock.now - start }
                }
                #expect(last < .seconds(2), "\(last)")
                #expect(lastSession < .seconds(2), "\(lastSession)")
            }
            try await one.stop()
            try await two.stop()
        }

        @Test func aTokenNeverExceedsItsOwnerOrItsScopes() async throws {
            try await TestServer.with { server in
                let id = try await server.user("maria", grants: [["role": "operator"]])
                let maria = try await server.browser("maria")
                let wide = try await make(maria)
                let narrow = try await make(maria, ["name": "ci", "scopes": ["enrolment:read"]])
                #expect(try await server.bearer(wide.text, .GET, "/api/v1/hosts").status == 200)
                #expect(try await server.bearer(narrow.text, .GET, "/api/v1/hosts").status == 403)
                #expect(try await server.bearer(narrow.text, .GET, "/api/v1/enrolment-tokens").status == 200)
                // Scopes beyond the owner's roles give nothing.
                let beyond = try await make(maria, ["name": "ci", "scopes": ["people:write", "people:read"]])
                #expect(try await server.bearer(beyond.text, .GET, "/api/v1/users").status == 403)
                // A token makes no wider and no longer one.
                #expect(
                    try await server.bearer(narrow.text, .POST, "/api/v1/api-tokens", ["name": "x"]).status == 403)
                #expect(
                    try await server.bearer(
                        narrow.text, .POST, "/api/v1/api-tokens", ["name": "x", "scopes": ["hosts:read"]]
                    ).status == 403)
                let child = try await server.bearer(
                    narrow.text, .POST, "/api/v1/api-tokens", ["name": "x", "scopes": ["enrolment:read"], "days": 366])
                #expect(child.status == 201)
                let list = try await maria.send(.GET, "/api/v1/api-tokens").json["items"]?.array ?? []
                let parent = list.first { $0["id"]?.string == narrow.id }
                #expect(child.json["expires"] == parent?["expires"], "it lives no longer")
                // The role goes, and with it what the token may do, at once.
                let user = try await server.api(.GET, "users/\(id)")
                let grant = user.json["grants"]?[0]?["id"]?.string ?? ""
                #expect(try await server.api(.DELETE, "users/\(id)/grants/\(grant)").status == 204)
                #expect(try await server.bearer(wide.text, .GET, "/api/v1/hosts").status != 200)
                #expect(try await server.bearer(wide.text).status == 200)
                // The owner is shut out, then gone.
                let seen = try await server.api(.GET, "users/\(id)")
                #expect(try await server.patch("users/\(id)", ["disabled": true], seen).status == 200)
                #expect(try await server.bearer(wide.text).status == 401)
                #expect(try await maria.me().status == 401)
                #expect(try await server.api(.DELETE, "users/\(id)").status == 204)
                #expect(try await server.bearer(wide.text).status == 401)
            }
        }

        /// Token theft: what the thief made with the token ends with it, and opens no session.
        @Test(arguments: TestEngine.allCases) func revocationEndsWhatTheTokenMade(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let id = try await server.user("maria", grants: [TestServer.admin])
                let other = try await server.user("other", grants: [TestServer.admin])
                let fresh = try await server.api(.POST, "users", ["name": "fresh"]).json["id"]?.string ?? ""
                let maria = try await server.browser("maria")
                let (stolen, own) = (try await make(maria), try await make(maria))
                var texts = [stolen.text]
                for _ in 0..<2 {
                    let child = try await server.bearer(
                        texts.last ?? "", .POST, "/api/v1/api-tokens", ["name": "child"])
                    texts.append(try #require(child.json["token"]?.string, "\(child.text)"))
                }
                for user in [id, other] {
                    let link = try await server.bearer(stolen.text, .POST, "/api/v1/users/\(user)/login-links", [:])
                    #expect(link.status == 403 && link.problem?.kind == "person-required")
                }
                #expect(
                    try await server.bearer(stolen.text, .POST, "/api/v1/users/\(fresh)/login-links", [:]).status == 201
                )
                #expect(try await maria.send(.POST, "/api/v1/users/\(other)/login-links", [:]).status == 201)
                #expect(try await maria.send(.DELETE, "/api/v1/api-tokens/\(stolen.id)").status == 204)
                for text in texts { #expect(try await server.bearer(text).status == 401) }
                #expect(try await server.bearer(own.text).status == 200)
                #expect(try await server.audit(organisation: "").filter { $0 == "api-token.revoked" }.count == 3)
            }
        }

        @Test func aTokenWithScopesHasNoSayInTheAccount() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [TestServer.admin])
                let maria = try await server.browser("maria")
                let wide = try await make(maria)
                let narrow = try await make(maria, ["name": "ci", "scopes": ["hosts:read"]])
                let session = try await maria.send(.GET, "/api/v1/sessions").json["items"]?[0]?["id"]?.string ?? ""
                for (method, path) in [
                    (.GET, "sessions"), (.DELETE, "sessions"), (.DELETE, "sessions/\(session)"), (.GET, "api-tokens"),
                    (.DELETE, "api-tokens/\(wide.id)"),
                ] as [(HTTPMethod, String)] {
                    let answer = try await server.bearer(narrow.text, method, "/api/v1/\(path)")
                    #expect(answer.status == 403 && answer.problem?.kind == "person-required", "\(path)")
                }
                #expect(try await maria.me().status == 200)
                #expect(try await server.bearer(wide.text, .GET, "/api/v1/sessions").status == 200)
                #expect(
                    try await server.bearer(narrow.text, .DELETE, "/api/v1/api-tokens/\(narrow.id)").status == 204)
                #expect(try await server.bearer(narrow.text).status == 401)
            }
        }

        @Test func tokensEndAndAreLimited() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let maria = try await server.browser("maria")
                let short = try await make(maria, ["name": "ci", "days": 1])
                for days in [0, 367] as [Int64] {
                    #expect(
                        try await maria.send(.POST, "/api/v1/api-tokens", ["name": "x", "days": .integer(days)]).status
                            == 400)
                }
                server.clock.advance(86_400 - 5)
                #expect(try await server.bearer(short.text).status == 200)
                server.clock.advance(6)
                #expect(try await server.bearer(short.text).status == 401)
                for text in ["", "x", "fettle_", "Bearer", APITokenText().description, short.text + "x"] {
                    #expect(try await server.bearer(text).status == 401)
                }
                let basic = try await server.web(.GET, "/api/v1/me", headers: ["authorization": "Basic bWFyaWE6eA=="])
                #expect(basic.status == 401)
                #expect(basic.headers.first(name: "www-authenticate")?.hasPrefix("Bearer") == true)
            }
        }
    }
}
