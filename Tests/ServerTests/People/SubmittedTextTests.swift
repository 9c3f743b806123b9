import HTTPTypes
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    @Suite struct SubmittedTextTests {
        @Test func namesAreWhatLogsAndPathsBear() throws {
            for name in ["maria", "m", "m.lopez@acme", "7of9", String(repeating: "a", count: 64)] {
                #expect(try SubmittedText.userName(name) == name)
            }
            for name in [
                "", "Maria", " maria", "maria\n", "maria\u{1B}[31m", "-x", "a/b", "müller", "a b",
                String(repeating: "a", count: 65), "x\u{202E}y",
            ] {
                #expect(throws: Refusal.self) { try SubmittedText.userName(name) }
            }
            #expect(SubmittedText.typedName(" Maria ") == "maria")
            #expect(SubmittedText.typedName("maria\u{7}") == nil)
        }

        /// Header and log injection: what could break a line, or the direction of writing, is refused or left out.
        @Test(arguments: ["a\nb", "a\rb", "a\u{0}b", "a\u{1B}b", "a\u{85}b", "a\u{2028}b", "a\u{202E}b", "a\u{200F}b"])
        func controlCharactersGetNowhere(text: String) {
            #expect(throws: Refusal.self) { try SubmittedText.line(text, field: "displayName") }
            #expect(throws: Refusal.self) { try SubmittedText.email(text + "@example.org") }
            #expect(SubmittedText.shown(text, maximum: 10) == "ab")
            #expect(LocalPath("/" + text) == nil)
        }

        @Test func linesOfAnyScriptPass() throws {
            for line in ["", "María López", "Анна", "李雷", "ישראל", "O'Neill & Söhne <x>"] {
                #expect(try SubmittedText.line(line, field: "displayName") == line)
            }
        }

        @Test func onlyOwnPathsAreGoneTo() {
            for path in ["/", "/hosts?x=1", "/device?code=BCDF-GHJK"] { #expect(LocalPath(path)?.description == path) }
            for path in [
                "", "//evil.example", "https://evil.example", "/\\evil.example", "\\/evil.example", "hosts",
                "/x\r\nSet-Cookie: a=b", "/ x", "javascript:alert(1)", "/\u{e9}",
                "/" + String(repeating: "a", count: 1024),
            ] {
                #expect(LocalPath(path) == nil, "\(path)")
            }
            #expect(LocalPath(nil) == nil)
        }

        @Test func formsAreReadAsBrowsersWriteThem() throws {
            let form = try FormFields(bytes: Array("name=maria+l%C3%B3pez&x=&x=2&y&pass=%25+%2B%26%3D&z=%zz".utf8))
            #expect(form["name"] == "maria lópez")
            #expect(form.all("x") == ["", "2"])
            #expect(form["y"] == "")
            #expect(form["pass"] == "% +&=")
            #expect(form["z"] == "%zz")
            #expect(form["none"] == nil)
            for bad in ["a=%ff", "a=%00", String(repeating: "a&", count: 501)] {
                #expect(throws: Refusal.self) { try FormFields(bytes: Array(bad.utf8)) }
            }
        }

        @Test func cookiesAreReadStrictly() {
            func value(_ field: String...) -> String? {
                var headers: HTTPFields = [:]
                for field in field { headers.append(HTTPField(name: .cookie, value: field)) }
                return Cookie.session.value(headers)
            }
            #expect(value("__Host-fettle=abc") == "abc")
            #expect(value("a=b; __Host-fettle=abc; c=d") == "abc")
            #expect(value("a=b", "__Host-fettle=abc") == "abc")
            #expect(value("__Host-fettle=abc; __Host-fettle=abc") == "abc")
            #expect(value("__Host-fettle=abc; __Host-fettle=xyz") == nil, "one of them is somebody else's")
            #expect(value("__Host-fettle-login=abc") == nil)
            #expect(value("x__Host-fettle=abc") == nil)
            #expect(value("__Host-fettle=") == nil)
            #expect(value("__Host-fettle=a b") == nil)
            #expect(value("__Host-fettle=" + String(repeating: "a", count: 257)) == nil)
        }

        @Test func apiTokensTellTheirMistakes() throws {
            let token = APITokenText()
            let text = token.description
            #expect(text.utf8.count == 75)
            #expect(APITokenText(text) == token)
            #expect(APITokenText(text.dropLast()) == nil)
            #expect(APITokenText(text + "a") == nil)
            #expect(APITokenText(text.uppercased()) == nil)
            for index in [8, 20, 70] {
                var letters = Array(text)
                letters[index] = letters[index] == "7" ? "8" : "7"
                #expect(APITokenText(String(letters)) == nil, "a mistyped letter")
            }
            #expect(Set((0..<100).map { _ in APITokenText().id }).count == 100)
        }

        @Test func addressesCountByWhatACustomerHas() {
            #expect(addressKey("192.0.2.7") == "192.0.2.7")
            #expect(addressKey("::ffff:192.0.2.7") == "192.0.2.7")
            #expect(addressKey("2001:db8:1:2::1") == addressKey("2001:db8:1:2:ffff:ffff:ffff:ffff"))
            #expect(addressKey("2001:db8:1:2::1") != addressKey("2001:db8:1:3::1"))
            #expect(addressKey("fe80::1%eth0") == addressKey("fe80::2"))
        }
    }

    @Suite struct AttemptLimiterTests {
        private let t0 = Timestamp(seconds: 1_800_000_000)

        @Test func delaysDoubleToACapAndAreNotProlonged() {
            let limiter = AttemptLimiter(free: 3, cap: 60)
            for _ in 0..<4 { #expect(limiter.begin("a", now: t0) == nil) }
            #expect(limiter.begin("a", now: t0) == 1)
            #expect(limiter.begin("b", now: t0) == nil, "others go on")
            var now = t0
            var waits: [Int64] = []
            for _ in 0..<10 {
                var wait: Int64 = 0
                while limiter.begin("a", now: now) != nil {
                    // Who hammers meanwhile makes nothing longer.
                    wait += 1
                    now = now.adding(seconds: 1)
                }
                waits.append(wait)
            }
            #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60])
        }

        @Test func successForgetsAndWithdrawalTakesBack() {
            let limiter = AttemptLimiter(free: 1, cap: 60)
            #expect(limiter.begin("a", now: t0) == nil)
            #expect(limiter.begin("a", now: t0) == nil)
            #expect(limiter.begin("a", now: t0) == 1)
            limiter.succeeded("a")
            #expect(limiter.begin("a", now: t0) == nil)
            for _ in 0..<20 {
                #expect(limiter.begin("c", now: t0) == nil)
                limiter.withdrawn("c")
            }
            #expect(limiter.begin("d", now: t0) == nil)
            #expect(limiter.begin("d", now: t0) == nil)
            #expect(limiter.begin("d", now: t0.adding(seconds: 3601)) == nil, "forgotten after an hour")
            #expect(limiter.begin("d", now: t0.adding(seconds: 3601)) == nil)
        }

        @Test func memoryIsBounded() {
            let limiter = AttemptLimiter(free: 1, cap: 60, maximumEntries: 100)
            for _ in 0..<5 { _ = limiter.begin("worst", now: t0) }
            for number in 0..<1000 { _ = limiter.begin("n\(number)", now: t0) }
            #expect(limiter.begin("worst", now: t0) != nil, "who failed most is remembered")
        }
    }
}
