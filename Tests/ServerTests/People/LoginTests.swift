import HTTPTypes
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// Attacks on logging in, each with its test.
    @Suite struct LoginTests {
        @Test(arguments: TestEngine.allCases) func theFirstAdminComesInByALinkAndSetsAPassword(
            engine: TestEngine
        ) async throws {
            try await TestServer.with(engine) { server in
                let link = try await server.api(.POST, "login-links", [:])
                #expect(link.status == 201)
                #expect(link.json["user"]?.string == "admin")
                let browser = TestBrowser(server)
                try await server.comeInByLink(browser, link)
                let me = try await browser.me()
                #expect(me.json["user"]?["name"]?.string == "admin")
                #expect(me.json["grants"]?[0]?["role"]?.string == "admin")
                // Used once is used up, and the next one is for the same user.
                let code = try #require(link.json["url"]?.string?.split(separator: "/").last.map(String.init))
                guard case .refused = try await server.people.login(link: code, TestServer.visit(browser)) else {
                    Issue.record("the link works twice")
                    return
                }
                let before = browser.session
                let weak = try await browser.send(.PUT, "/api/v1/me/password", ["password": "passwordpassword"])
                #expect(weak.status == 422)
                let changed = try await browser.send(
                    .PUT, "/api/v1/me/password", ["password": .string(TestServer.password)])
                #expect(changed.status == 200)
                #expect(browser.session != before, "a new secret with the new password")
                #expect(try await browser.me().status == 200)
                #expect(try await server.browser("admin").me().status == 200)
                #expect(try await server.api(.POST, "login-links", [:]).json["user"]?.string == "admin")
                #expect(try await server.api(.GET, "users").json["items"]?.array?.count == 1)
                let audit = try await server.audit(organisation: "")
                for action in ["user.created", "grant.added", "login-link.created", "login", "password.changed"] {
                    #expect(audit.contains(action))
                }
            }
        }

        @Test(arguments: ["\(Int64.min)", "\(Int64.max)", "0", "-1", "x", ""])
        func aForgedTicketBetweenPasswordAndCodeIsRefused(time: String) async throws {
            try await TestServer.with { server in
                let browser = TestBrowser(server)
                let outcome = try await server.people.login(
                    pending: "u.password.\(time).x", code: "123456", TestServer.visit(browser))
                guard case .refused = outcome else {
                    Issue.record("a forged ticket gives \(outcome)")
                    return
                }
            }
        }

        @Test func linksEndAfterTenMinutes() async throws {
            try await TestServer.with { server in
                let link = try await server.api(.POST, "login-links", [:])
                let code = try #require(link.json["url"]?.string?.split(separator: "/").last.map(String.init))
                #expect(try await server.people.isLinkGood(code))
                server.clock.advance(601)
                #expect(try await server.people.isLinkGood(code) == false)
                guard case .refused = try await server.people.login(link: code, TestServer.visit(TestBrowser(server)))
                else {
                    Issue.record("an old link lets in")
                    return
                }
                #expect(try await server.api(.POST, "login-links", ["user": "nobody"]).status == 404)
            }
        }

        /// Session fixation: a secret that an attacker has planted is never adopted, and the session that the browser had
        /// before ends.
        @Test func aLoginAlwaysMakesANewSecret() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [TestServer.admin])
                let planted = String(repeating: "A", count: 43)
                let browser = TestBrowser(server)
                browser.cookies = ["__Host-fettle": planted]
                #expect(try await browser.logIn("maria", TestServer.password).status == 201)
                #expect(browser.session != planted)
                let attacker = TestBrowser(server)
                attacker.cookies = ["__Host-fettle": planted]
                #expect(try await attacker.me().status == 401)
                // The attacker's own session, planted: it ends when the victim logs in over it.
                try await server.user("eve", grants: [])
                let eve = try await server.browser("eve")
                let victim = TestBrowser(server)
                victim.cookies = ["__Host-fettle": eve.session ?? ""]
                #expect(try await victim.logIn("maria", TestServer.password).status == 201)
                #expect(victim.session != eve.session)
                #expect(try await eve.me().status == 401)
                #expect(try await victim.me().json["user"]?["name"]?.string == "maria")
            }
        }

        @Test func cookiesAreBoundToHostAndHiddenFromScripts() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let answer = try await TestBrowser(server).logIn("maria", TestServer.password)
                let cookies = answer.headers["set-cookie"]
                let session = try #require(cookies.first { $0.hasPrefix("__Host-fettle=") })
                #expect(session.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax"))
                let value = session.dropFirst("__Host-fettle=".count).prefix { $0 != ";" }
                #expect(value.count == 43, "256 bits")
                for cookie in cookies {
                    #expect(cookie.hasPrefix("__Host-"))
                    #expect(cookie.contains("; Secure; HttpOnly; SameSite="))
                    #expect(!cookie.lowercased().contains("domain"))
                }
                // What the database holds lets nobody in.
                let stored = try await server.server.state.store.read { sql in
                    try sql.rows("SELECT secret_digest FROM sessions") { row in try row.blob() }
                }
                #expect(stored.count == 2, "one by link, one by password")
                #expect(stored.allSatisfy { $0.count == 32 && $0 != Array(value.utf8) })
            }
        }

        /// Enumeration: an unknown name, a wrong password, somebody without a password and somebody shut out get the same
        /// bytes, and the work of one hash.
        @Test func nobodyLearnsWhoExists() async throws {
            let costly: (inout ServerConfiguration) -> Void = {
                $0.passwordCost = PasswordCost(logarithm: 14, blockSize: 8, parallelism: 1)
            }
            try await TestServer.with(.sqlite, costly) { server in
                try await server.user("maria", grants: [TestServer.admin])
                let shut = try await server.user("shut", grants: [])
                let user = try await server.api(.GET, "users/\(shut)")
                _ = try await server.patch("users/\(shut)", ["disabled": true], user)
                _ = try await server.api(.POST, "users", ["name": "fresh"])
                var bodies: Set<String> = []
                var times: [Duration] = []
                for (name, password) in [
                    ("maria", "wrong password here"), ("nobody", "wrong password here"),
                    ("fresh", "wrong password here"),
                    ("shut", TestServer.password), ("no\nbody", "wrong password here"), ("", ""),
                ] {
                    let start = ContinuousClock.now
                    let answer = try await TestBrowser(server).logIn(name, password)
                    times.append(ContinuousClock.now - start)
                    #expect(answer.status == 401)
                    var fields = try #require(answer.json.object)
                    fields["instance"] = nil
                    bodies.insert(String(decoding: JSONValue.object(fields).canonicalBytes(), as: UTF8.self))
                }
                #expect(bodies.count == 1)
                let (least, most) = (times.min() ?? .zero, times.max() ?? .zero)
                #expect(least * 4 > most, "each costs one hash: \(times)")
            }
        }

        /// Brute force from one address: the waits grow, whichever accounts are tried.
        @Test func guessingFromOneAddressSlowsDown() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                var refused = 0
                for number in 0..<40 {
                    let answer = try await TestBrowser(server).logIn("user\(number)", "a guess of many")
                    if answer.status == 429 {
                        refused += 1
                        #expect(Int(answer.headers.first(name: "retry-after") ?? "") ?? 0 >= 1)
                    }
                }
                #expect(refused >= 29)
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password).status == 429)
                server.clock.advance(2)
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password).status == 201)
            }
        }

        /// Brute force on one account from many addresses: guesses get few, and the user still gets in: at once from a
        /// browser that they have used before, and else after a minute at most.
        @Test func guessingOneAccountSlowsDownAndItsUserStillGetsIn() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let known = try await server.browser("maria")
                _ = try await known.send(.DELETE, "/api/v1/session")
                #expect(known.session == nil)
                var judged = 0
                for minute in 0..<60 {
                    for second in 0..<6 {
                        let visit = Visit(headers: [:], address: "198.51.\(minute).\(second)")
                        let outcome = try await server.people.login(name: "maria", password: "a guess of many", visit)
                        if case .refused = outcome { judged += 1 }
                    }
                    server.clock.advance(10)
                }
                #expect(judged < 25, "of 360 guesses in ten minutes")
                #expect(try await known.logIn("maria", TestServer.password).status == 201)
                let elsewhere = Visit(headers: [:], address: "203.0.113.9")
                server.clock.advance(60)
                guard
                    case .signedIn = try await server.people.login(
                        name: "maria", password: TestServer.password, elsewhere)
                else {
                    Issue.record("the user is locked out")
                    return
                }
            }
        }

        /// A device cookie helps only the user that it was given to.
        @Test func aKnownBrowserHelpsNobodyElse() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                try await server.user("eve", grants: [])
                let eve = try await server.browser("eve")
                let device = try #require(eve.cookies["__Host-fettle-device"])
                var judged = 0
                for number in 0..<30 {
                    let visit = Visit(
                        headers: [.cookie: "__Host-fettle-device=\(device)"], address: "198.51.100.\(number)")
                    if case .refused = try await server.people.login(name: "maria", password: "a guess of many", visit)
                    {
                        judged += 1
                    }
                }
                #expect(judged <= 6)
            }
        }

        @Test func aStoredHashFollowsTheCost() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let store = server.server.state.store
                let old = try PasswordHash(
                    TestServer.password, cost: PasswordCost(logarithm: 2, blockSize: 8, parallelism: 1)
                ).text
                try await store.write { try $0.execute("UPDATE users SET password = ?1", old) }
                #expect(try await server.browser("maria").me().status == 200)
                let now = try await store.read { try $0.users.named("maria") }?.password
                #expect(now?.hasPrefix("$scrypt$ln=4,r=8,p=1$") == true)
                #expect(try await server.browser("maria").me().status == 200)
            }
        }

        /// Names and passwords that people type reach neither the log nor the audit log, least of all unescaped.
        @Test func whatIsTypedIsNotLogged() async throws {
            try await TestServer.with { server in
                for name in ["hunter2-typed-as-name", "x\nlevel=critical fake", "\u{1B}[31mred"] {
                    #expect(try await TestBrowser(server).logIn(name, "p").status == 401)
                }
                let answer = try await server.api(.GET, "audit?limit=100&installation=true")
                #expect(answer.text.contains("login.failed"))
                for text in ["hunter2", "fake", "red", "\u{1B}"] { #expect(!answer.text.contains(text)) }
            }
        }
    }
}
