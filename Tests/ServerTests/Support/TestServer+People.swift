import HTTPTypes
import JSON
import NIOHTTP1
import Testing

@testable import Server

extension TestServer {
    var people: People { server.state.people }

    /// What the link's page does when its button is pressed; the page itself is tested with the pages.
    func comeInByLink(_ browser: TestBrowser, _ link: Answer) async throws {
        let url = try #require(link.json["url"]?.string, "\(link.text)")
        let code = String(url.split(separator: "/").last ?? "")
        guard case .signedIn(let signedIn) = try await people.login(link: code, Self.visit(browser)) else {
            Issue.record("the link does not let in")
            return
        }
        for cookie in signedIn.setCookies {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            browser.cookies[String(pair[0])] = pair[1].isEmpty ? nil : String(pair[1])
        }
        browser.csrf = signedIn.csrf
    }

    static func visit(_ browser: TestBrowser, address: String = "127.0.0.1") -> Visit {
        let cookies = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        return Visit(
            headers: cookies.isEmpty ? [:] : [.cookie: cookies, .userAgent: "test"], address: address)
    }

    /// Changes what was seen, over the socket.
    func patch(_ path: String, _ body: JSONValue, _ seen: Answer) async throws -> Answer {
        let client = try await TestClient.connect(.unix("\(folder)/fettle.sock"))
        let answer = try await client.send(
            .PATCH, "/api/v1/\(path)",
            headers: [
                "content-type": "application/merge-patch+json", "if-match": seen.headers.first(name: "etag") ?? "",
            ], body: body.canonicalBytes())
        await client.close()
        ResponseChecker.check(answer, .PATCH, "/api/v1/\(path)")
        return answer
    }
}
