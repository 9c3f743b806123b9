import Access
import Foundation
import JSON
import NIOHTTP1
import NIOSSL
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// What people do on pages, without script.
    @Suite struct PageFormTests {
        @Test func firstLoginPasswordAndLogout() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let today = try await browser.open("/")
                #expect(today.text.contains("Welcome to Fettle"))
                let different = try await browser.submit(
                    "/settings/account/password", [("password", "violet tram eats gravel"), ("again", "violet")])
                #expect(different.status == 400 && different.text.contains("The two are not the same."))
                let weak = try await browser.submit(
                    "/settings/account/password", [("password", "password"), ("again", "password")])
                #expect(weak.status >= 400 && weak.text.contains("aria-invalid"))
                let set = try await browser.submit(
                    "/settings/account/password",
                    [("password", "violet tram eats gravel"), ("again", "violet tram eats gravel")])
                #expect(set.status == 303, "\(set.text)")
                try await browser.open("/settings/account?done=password")
                let out = try await browser.submit("/logout")
                #expect(out.status == 303)
                #expect(try await browser.open("/").status == 303)

                let login = try await browser.open("/login?next=/hosts%3Fq%3Dx")
                #expect(login.text.contains("name=\"next\" value=\"/hosts?q=x\""))
                let wrong = try await browser.submit(
                    "/login", [("name", "admin"), ("password", "wrong password here")])
                #expect(wrong.status == 403 && wrong.text.contains("not right"))
                try await browser.open("/login")
                let right = try await browser.submit(
                    "/login", [("name", "admin"), ("password", "violet tram eats gravel"), ("next", "//evil.example/")])
                #expect(right.status == 303)
                #expect(right.headers["location"].first == "/", "a login leads nowhere else")
            }
        }

        @Test func secondFactorIsSetUpWithADrawingAndTheSecret() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let password = "violet tram eats gravel"
                try await browser.submit("/settings/account/password", [("password", password), ("again", password)])
                try await browser.open("/settings/account")
                let wrong = try await browser.submit("/settings/account/second-factor", [("factor-password", "no")])
                #expect(wrong.status >= 400 && !wrong.text.contains("class=\"qr\""))
                let begun = try await browser.submit("/settings/account/second-factor", [("factor-password", password)])
                #expect(begun.status == 200 && begun.text.contains("class=\"qr\""), "\(begun.status)")
            }
        }

        @Test func enrolmentTokensAreShownOnce() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                try await browser.open("/settings/enrolment")
                let made = try await browser.submit(
                    "/settings/enrolment",
                    [
                        ("note", "<b>rack</b> & \"4\""), ("uses", "2"), ("hours", "24"),
                        ("labels", "site=berlin, tier=web"),
                    ])
                #expect(made.status == 200, "\(made.text)")
                let command = try #require(made.text.firstRange(of: "fettle-agent enroll "))
                let secret = String(made.text[command.upperBound...].prefix { $0 != "<" && $0 != "\"" })
                #expect(secret.utf8.count > 60)
                #expect(made.text.contains("&lt;b&gt;rack&lt;/b&gt; &amp; &quot;4&quot;"))
                let later = try await browser.open("/settings/enrolment")
                #expect(!later.text.contains(secret) && later.text.contains("&lt;b&gt;rack"))
                let bad = try await browser.submit(
                    "/settings/enrolment", [("note", "x"), ("uses", "0"), ("hours", "24"), ("labels", "site")])
                #expect(bad.status == 400 && bad.text.contains("aria-invalid"))
                let host = try await TestHost.enrol(server, token: .init(parsing: secret))
                let page = try await browser.open("/hosts/\(host.id)")
                #expect(page.status == 200 && page.text.contains("berlin"))
            }
        }

        /// A claim of a restore stands on every page of those who may answer it, and on no other's; it is dismissed only with a
        /// reason, and only the claim that was read.
        @Test(arguments: TestEngine.allCases) func aFalseClaimIsDismissedOnItsPage(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let host = try await TestHost.enrol(server, token: server.token())
                let path = "/settings/restore/dismiss"
                let browser = PageBrowser(server)
                try await browser.comeIn()
                #expect(try await browser.open(path).status == 409, "nobody claims anything")
                #expect(try await browser.submit(path, [("reason", "x")]).status == 409)
                let state = server.server.state
                try await state.noteRestore(
                    organisation: "default", host: host.id, fence: 41, reason: "it has seen <b>fence 41</b>")
                for page in ["/", "/hosts/\(host.id)", "/settings/organisations"] {
                    let answer = try await browser.open(page)
                    #expect(answer.text.contains("href=\"\(path)\""), "\(page)")
                    #expect(answer.text.contains("it has seen &lt;b&gt;fence 41"), "\(page)")
                }
                _ = try await state.people.createUser(
                    name: "ada", grants: [Grant(.admin, organisation: "default")], by: .socket)
                let other = PageBrowser(server)
                try await other.comeIn("ada")
                #expect(try await !other.open("/").text.contains("fence 41"))
                #expect(try await other.open(path).status == 403)
                #expect(try await other.submit(path, [("reason", "x")]).status == 403)
                #expect(state.restore != nil)

                let asked = try await browser.open(path)
                let name = try #require(try await server.host(host.id)["hostname"]?.string)
                #expect(asked.status == 200 && asked.text.contains("\(name), which made it, is put into quarantine"))
                func claim(_ page: Answer) throws -> String {
                    let start = try #require(page.text.firstRange(of: "name=\"claim\" value=\""))
                    return String(page.text[start.upperBound...].prefix { $0 != "\"" })
                }
                let shown = try claim(asked)
                #expect(try await browser.submit(path, [("claim", shown), ("reason", "no")], csrf: "").status == 403)
                #expect(try await browser.submit(path, [("claim", shown), ("reason", "")]).status == 400)
                // A higher claim came since: it is read first.
                try await state.noteRestore(organisation: "default", host: host.id, fence: 42, reason: "fence 42")
                let again = try await browser.submit(path, [("claim", shown), ("reason", "cloned")])
                #expect(again.status == 200 && again.text.contains("fence 42") && state.restore != nil)
                let done = try await browser.submit(path, [("claim", try claim(again)), ("reason", "cloned")])
                #expect(done.status == 303, "\(done.text)")
                #expect(state.restore == nil)
                #expect(try await server.host(host.id)["status"]?.string == "quarantined")
                #expect(try await server.audit(organisation: "").contains("server.restore-dismissed"))
                #expect(try await !browser.open("/").text.contains(path))
            }
        }

        @Test func identityIsDecidedOnlyWhenConfirmed() async throws {
            try await TestServer.with { server in
                let host = try await TestHost.enrol(server, token: server.token())
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let name = try #require(try await server.host(host.id)["hostname"]?.string)
                let asked = try await browser.open("/hosts/\(host.id)/retire")
                #expect(asked.status == 200 && asked.text.contains("Type \(name) to go on"))
                let hasty = try await browser.submit(
                    "/hosts/\(host.id)/retire", [("reason", "old"), ("typed", "other")])
                #expect(hasty.status == 400)
                #expect(try await server.host(host.id)["status"]?.string == "active")
                let done = try await browser.submit("/hosts/\(host.id)/retire", [("reason", "old"), ("typed", name)])
                #expect(done.status == 303, "\(done.text)")
                #expect(try await server.host(host.id)["status"]?.string == "retired")
                let unfitting = try await browser.submit("/hosts/\(host.id)/release")
                #expect(unfitting.status == 409)
            }
        }

        @Test func coloursAreKeptInACookie() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let answer = try await browser.submit("/theme", [("theme", "dark"), ("back", "/hosts?q=x")])
                #expect(answer.status == 303 && answer.headers["location"].first == "/hosts?q=x")
                #expect(answer.headers["set-cookie"].first?.contains("Secure; HttpOnly; SameSite=Lax") == true)
                #expect(try await browser.open("/hosts").text.contains("data-theme=\"dark\""))
                for back in ["//evil.example", "https://evil.example", "/a\r\nSet-Cookie: x=y", "\\\\evil"] {
                    let answer = try await browser.submit("/theme", [("theme", "no<such>"), ("back", back)])
                    #expect(answer.headers["location"] == ["/"], "\(back)")
                    #expect(!answer.headers["set-cookie"].contains { $0.hasPrefix("x=") }, "\(back)")
                }
            }
        }

        @Test func crossSiteFormsAreRefused() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                for headers in [["origin": "https://evil.example"], ["sec-fetch-site": "cross-site"]] {
                    let answer = try await browser.submit("/theme", [("theme", "dark")], headers: headers)
                    #expect(answer.status == 403, "\(headers)")
                }
                let answer = try await browser.submit("/theme", [], headers: ["content-type": "text/plain"])
                #expect(answer.status == 415)
            }
        }

        @Test func headersForbidWhatPagesDoNotDo() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                for path in ["/login", "/", "/none", "/assets/none"] {
                    let answer = try await browser.open(path)
                    let policy = answer.headers["content-security-policy"].first ?? ""
                    #expect(
                        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "\(path)")
                    #expect(answer.headers["x-content-type-options"] == ["nosniff"], "\(path)")
                }
                let page = try await browser.open("/login").text
                #expect(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"))
            }
        }

        @Test func filesOfOursAreKeptForEver() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                let page = try await browser.open("/login").text
                let start = try #require(page.firstRange(of: "/assets/fettle."))
                let path = "/assets/fettle." + page[start.upperBound...].prefix { $0 != "\"" }
                let answer = try await browser.open(path)
                #expect(answer.status == 200)
                #expect(answer.headers["cache-control"] == ["public, max-age=31536000, immutable"])
                #expect(try await browser.open("/assets/../fettle.db").status != 200)
            }
        }

        @Test func eventsBeginAndTellOfChanges() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let stopper = Task {
                    try await Task.sleep(for: .milliseconds(1500))
                    _ = try await TestHost.enrol(server, token: server.token())
                    try await Task.sleep(for: .milliseconds(2500))
                    await server.server.stop()
                }
                let answer = try await browser.open("/events")
                try await stopper.value
                #expect(answer.headers["content-type"] == ["text/event-stream; charset=utf-8"])
                #expect(answer.text.contains("event: begun"))
                #expect(answer.text.contains("event: changed"), "\(answer.text)")
            }
        }

        /// A login's form carries the token of the login's cookie, not that of a session which is still alive.
        @Test func aLinkLetsInWhoeverIsStillSignedIn() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let session = browser.cookies["__Host-fettle"]
                try await browser.comeIn()
                #expect(browser.cookies["__Host-fettle"] != session)
                let forged = try await browser.submit("/login/link", [("code", "x")], csrf: "forged")
                #expect(forged.status == 403)
                #expect(try await browser.submit("/theme", [("theme", "dark")], csrf: "forged").status == 403)
            }
        }

        @Test func headHasNoBody() async throws {
            try await TestServer.with { server in
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.trustRoots = .certificates(try server.authorities())
                let client = try await TestClient.connect(
                    .tls(port: server.port("web"), NIOSSLContext(configuration: configuration)))
                // Bytes of a body would be taken for the next answer.
                let head = try await client.send(.HEAD, "/login")
                #expect(head.status == 200 && head.body.isEmpty)
                let page = try await client.send(.GET, "/login")
                #expect(page.status == 200)
                #expect(head.headers["content-length"] == page.headers["content-length"])
                #expect(try await client.send(.HEAD, "/assets/none").status == 404)
                #expect(try await client.send(.GET, "/login").status == 200)
                await client.close()
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let events = try await browser.open("/events", method: .HEAD)
                #expect(events.status == 200 && events.body.isEmpty)
                #expect(events.headers["content-type"] == ["text/event-stream; charset=utf-8"])
                #expect(server.server.state.eventStreams.count == 0)
            }
        }

        @Test func pagesHaveARate() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.apiRequestsPerMinute = 3
            } body: { server in
                let browser = PageBrowser(server)
                for _ in 0..<3 { #expect(try await browser.open("/login").status == 200) }
                let refused = try await browser.open("/login")
                #expect(refused.status == 429)
                #expect(refused.headers["retry-after"].first.flatMap { Int($0) } ?? 0 > 0)
            }
        }

        @Test func eventsEndWithTheRightToLookInABusyFleet() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let busy = Task {
                    while !Task.isCancelled {
                        _ = try await TestHost.enrol(server, token: server.token())
                        try await Task.sleep(for: .milliseconds(400))
                    }
                }
                // Without the end that is expected, the server's ends the stream.
                let stopper = Task {
                    try await Task.sleep(for: .seconds(40))
                    await server.server.stop()
                }
                let leaver = Task {
                    try await Task.sleep(for: .seconds(1))
                    return try await browser.submit("/logout").status
                }
                let start = ContinuousClock.now
                let answer = try await browser.open("/events")
                #expect(ContinuousClock.now - start < .seconds(30))
                busy.cancel()
                stopper.cancel()
                _ = await busy.result
                #expect(try await leaver.value == 303)
                #expect(answer.text.contains("event: changed"))
                #expect(server.server.state.eventStreams.count == 0)
            }
        }

        @Test func placesOfEventsAreLeftByThemselves() {
            let streams = EventStreams()
            var slots = (0..<EventStreams.maximumPerPerson).map { _ in streams.enter("user:u") }
            // An optimised build lets go of what is not read any more.
            withExtendedLifetime(slots) {
                #expect(streams.enter("user:u") == nil && streams.count == EventStreams.maximumPerPerson)
            }
            slots.removeAll()
            #expect(streams.count == 0)
            #expect(streams.id(of: "7") == streams.id(of: "7") && streams.id(of: "7") != streams.id(of: "8"))
            #expect(streams.id(of: "7") != EventStreams().id(of: "7"), "nobody can count along")
        }
    }
}
