import HTTPTypes
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    @Suite struct SecondFactorTests {
        /// Turns it on; the app, and the recovery codes.
        private func turnOn(
            _ browser: TestBrowser, _ server: TestServer
        ) async throws -> (app: TimeBasedCode, recovery: [String]) {
            let proposal = try await browser.send(
                .POST, "/api/v1/me/second-factor", ["password": .string(TestServer.password)])
            #expect(proposal.status == 201)
            let app = TimeBasedCode(secret: try #require(decoded(proposal.json["secret"]?.string ?? "")))
            #expect(proposal.json["address"]?.string?.hasPrefix("otpauth://totp/Fettle:maria?secret=") == true)
            #expect(try await browser.send(.PUT, "/api/v1/me/second-factor", ["code": "000000"]).status == 422)
            let confirmed = try await browser.send(
                .PUT, "/api/v1/me/second-factor", ["code": .string(app.now(server))])
            #expect(confirmed.status == 200, "\(confirmed.text)")
            return (app, confirmed.json["recoveryCodes"]?.array?.compactMap(\.string) ?? [])
        }

        @Test(arguments: TestEngine.allCases) func aCodeIsAskedForAndWorksOnce(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await server.user("maria", grants: [])
                let (one, other) = (try await server.browser("maria"), try await server.browser("maria"))
                let before = one.session
                let (app, _) = try await turnOn(one, server)
                #expect(one.session != before, "a new secret with the new right")
                #expect(try await one.me().status == 200)
                #expect(try await other.me().status == 401, "other sessions ended")
                let first = app.now(server)
                let asked = try await TestBrowser(server).logIn("maria", TestServer.password)
                #expect(asked.status == 401)
                #expect(asked.problem?.kind == "code-required")
                #expect(
                    try await TestBrowser(server).logIn("maria", TestServer.password, code: first).status == 401,
                    "the code that turned it on is used up")
                server.clock.advance(60)
                let code = app.now(server)
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password, code: code).status == 201)
                #expect(
                    try await TestBrowser(server).logIn("maria", TestServer.password, code: code).status == 401,
                    "replayed")
                server.clock.advance(-30)
                let older = app.now(server)
                #expect(
                    try await TestBrowser(server).logIn("maria", TestServer.password, code: older).status == 401,
                    "an older one, seen over a shoulder")
            }
        }

        /// Of racing logins with one code one comes in.
        @Test(arguments: TestEngine.allCases) func racingReplaysWinOnce(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await server.user("maria", grants: [])
                let (app, _) = try await turnOn(try await server.browser("maria"), server)
                server.clock.advance(60)
                let code = app.now(server)
                let user = try #require(try await server.people.store.read { try $0.users.named("maria") })
                let now = server.people.clock.now()
                let wins = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<8 {
                        group.addTask { (try? await server.people.useCode(user, code, now)) != nil }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(wins == 1)
            }
        }

        @Test func recoveryCodesWorkOnceAndAreStoredHashed() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let (_, recovery) = try await turnOn(try await server.browser("maria"), server)
                #expect(Set(recovery).count == 10)
                let code = recovery[3].uppercased().replacing("-", with: " ")
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password, code: code).status == 201)
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password, code: code).status == 401)
                let user = try #require(try await server.people.store.read { try $0.users.named("maria") })
                #expect(try await server.people.store.read { try $0.users.recoveryCodesLeft(user.id) } == 9)
            }
        }

        /// Guessing codes, with the password known, slows down.
        @Test func guessingCodesSlowsDown() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                _ = try await turnOn(try await server.browser("maria"), server)
                guard
                    case .secondFactor(let pending) = try await server.people.login(
                        name: "maria", password: TestServer.password, Visit(headers: [:], address: "192.0.2.1"))
                else {
                    Issue.record("no code is asked for")
                    return
                }
                var judged = 0
                for number in 0..<50 {
                    let outcome = try await server.people.login(
                        pending: pending, code: "\(100_000 + number)",
                        Visit(headers: [:], address: "198.51.100.\(number)"))
                    if case .refused = outcome { judged += 1 }
                }
                #expect(judged <= 6)
            }
        }

        /// What stands between password and code is good for that user, five minutes and that password.
        @Test func thePendingLoginCannotBeForged() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let eve = try await server.user("eve", grants: [])
                let browser = try await server.browser("maria")
                let (app, _) = try await turnOn(browser, server)
                server.clock.advance(60)
                let visit = Visit(headers: [:], address: "192.0.2.1")
                func pending() async throws -> String {
                    guard
                        case .secondFactor(let pending) = try await server.people.login(
                            name: "maria", password: TestServer.password, visit)
                    else { return "" }
                    return pending
                }
                func comesIn(_ pending: String) async throws -> Bool {
                    let outcome = try await server.people.login(pending: pending, code: app.now(server), visit)
                    if case .signedIn = outcome { return true }
                    return false
                }
                let good = try await pending()
                var parts = good.split(separator: ".").map(String.init)
                parts[0] = eve
                #expect(try await !comesIn(parts.joined(separator: ".")))
                parts = good.split(separator: ".").map(String.init)
                parts[2] = "\((Int64(parts[2]) ?? 0) + 1)"
                #expect(try await !comesIn(parts.joined(separator: ".")))
                #expect(try await !comesIn(""))
                #expect(try await !comesIn("a.password.1.b"))
                server.clock.advance(301)
                #expect(try await !comesIn(good), "too late")
                #expect(try await comesIn(try await pending()))
            }
        }

        @Test func theSecretIsSealedForItsUser() async throws {
            try await TestServer.with { server in
                try await server.user("maria", grants: [])
                let (app, _) = try await turnOn(try await server.browser("maria"), server)
                let user = try #require(try await server.people.store.read { try $0.users.named("maria") })
                let sealed = try #require(user.totpSecret)
                #expect(!Array(sealed).contains(app.secret))
                #expect(try server.people.keys.open(sealed, for: "totp:\(user.id)") == app.secret)
                #expect(throws: (any Error).self) { try server.people.keys.open(sealed, for: "totp:u-eve") }
                var damaged = sealed
                damaged[20] ^= 1
                let bytes = damaged
                #expect(throws: (any Error).self) { try server.people.keys.open(bytes, for: "totp:\(user.id)") }
            }
        }

        @Test func theSocketsLinkIsTheWayBackAndAnAdminsIsNot() async throws {
            try await TestServer.with { server in
                let id = try await server.user("maria", grants: [])
                let (app, _) = try await turnOn(try await server.browser("maria"), server)
                server.clock.advance(60)
                let link = try await server.api(.POST, "users/\(id)/login-links", [:])
                let code = try #require(link.json["url"]?.string?.split(separator: "/").last.map(String.init))
                let visit = Visit(headers: [:], address: "192.0.2.1")
                guard case .secondFactor(let pending) = try await server.people.login(link: code, visit) else {
                    Issue.record("an admin's link stands in for the code")
                    return
                }
                guard case .signedIn = try await server.people.login(pending: pending, code: app.now(server), visit)
                else {
                    Issue.record("link and code do not let in")
                    return
                }
                let browser = TestBrowser(server)
                try await server.comeInByLink(browser, try await server.api(.POST, "login-links", ["user": "maria"]))
                #expect(try await browser.me().status == 200)
                server.clock.advance(60)
                let off = try await browser.send(
                    .POST, "/api/v1/me/second-factor/removal",
                    ["password": .string(TestServer.password), "code": .string(app.now(server))])
                #expect(off.status == 200, "\(off.text)")
                #expect(try await TestBrowser(server).logIn("maria", TestServer.password).status == 201)
            }
        }
    }
}

extension TimeBasedCode {
    fileprivate func now(_ server: TestServer) -> String {
        code(step: Self.step(server.people.clock.now()))
    }
}

extension Array where Element == UInt8 {
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: other) }
    }
}

/// RFC 4648, section 6.
private func decoded(_ text: String) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    var (bytes, buffer, bits): ([UInt8], Int, Int) = ([], 0, 0)
    for byte in text.utf8 {
        guard let value = alphabet.firstIndex(of: byte) else { return nil }
        buffer = (buffer << 5 | value) & 0xFFF
        bits += 5
        if bits >= 8 {
            bits -= 8
            bytes.append(UInt8(buffer >> bits & 0xFF))
        }
    }
    return bytes
}
