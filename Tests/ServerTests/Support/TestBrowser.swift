import JSON
import NIOHTTP1
import NIOSSL
import Server
import Synchronization
import Testing

/// What a browser does on the listener for people: keeps cookies, says where its requests come from, sends the token of
/// its session.
final class TestBrowser: Sendable {
    let server: TestServer
    private let state = Mutex<(cookies: [String: String], csrf: String?)>(([:], nil))

    init(_ server: TestServer) { self.server = server }

    var cookies: [String: String] {
        get { state.withLock { $0.cookies } }
        set { state.withLock { $0.cookies = newValue } }
    }

    var csrf: String? {
        get { state.withLock { $0.csrf } }
        set { state.withLock { $0.csrf = newValue } }
    }

    var session: String? { cookies["__Host-fettle"] }

    var host: String { "localhost:\(server.port("web"))" }

    /// Sends a request as a page of our own would, with `headers` instead where they say otherwise (nil: without).
    func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, headers changes: [String: String?] = [:],
        checked: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        var headers: [String: String] = ["host": host]
        if body != nil { headers["content-type"] = "application/json" }
        let cookies = cookies
        if !cookies.isEmpty {
            headers["cookie"] = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
                separator: "; ")
        }
        if method != .GET, method != .HEAD {
            headers["origin"] = "https://\(host)"
            headers["sec-fetch-site"] = "same-origin"
            if let csrf { headers["x-csrf-token"] = csrf }
        }
        for (name, value) in changes { headers[name] = value }
        let answer = try await server.web(method, path, headers: HTTPHeaders(headers.map { ($0.key, $0.value) }), body)
        for cookie in answer.headers["set-cookie"] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let (name, value) = (String(pair[0]), String(pair[1]))
            state.withLock { $0.cookies[name] = value.isEmpty ? nil : value }
        }
        if let csrf = answer.json["csrf"]?.string { self.csrf = csrf }
        if checked { ResponseChecker.check(answer, method, path, sourceLocation: sourceLocation) }
        return answer
    }

    /// Logs in.
    func logIn(_ name: String, _ password: String, code: String? = nil) async throws -> Answer {
        var body: [String: JSONValue] = ["name": .string(name), "password": .string(password)]
        if let code { body["code"] = .string(code) }
        return try await send(.POST, "/api/v1/session", .object(body))
    }

    func me() async throws -> Answer { try await send(.GET, "/api/v1/me") }
}

extension TestServer {
    /// One request on a new connection to the listener for people.
    func web(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], _ body: JSONValue? = nil
    ) async throws -> Answer {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try authorities())
        let client = try await TestClient.connect(
            .tls(port: port("web"), NIOSSLContext(configuration: configuration)))
        defer { Task { await client.close() } }
        return try await client.send(method, path, headers: headers, body: body?.canonicalBytes())
    }

    /// A request with an API token.
    func bearer(
        _ token: String, _ method: HTTPMethod = .GET, _ path: String = "/api/v1/me", _ body: JSONValue? = nil
    ) async throws -> Answer {
        var headers: HTTPHeaders = ["host": "localhost", "authorization": "Bearer \(token)"]
        if body != nil { headers.add(name: "content-type", value: "application/json") }
        let answer = try await web(method, path, headers: headers, body)
        ResponseChecker.check(answer, method, path)
        return answer
    }

    /// Makes a user with a password, the way people do: by a link.
    @discardableResult
    func user(_ name: String, _ password: String = TestServer.password, grants: [JSONValue]) async throws -> String {
        let made = try await api(.POST, "users", ["name": .string(name), "grants": .array(grants)])
        let id = try #require(made.json["id"]?.string, "\(made.text)")
        let browser = TestBrowser(self)
        try await comeInByLink(browser, try await api(.POST, "login-links", ["user": .string(name)]))
        let changed = try await browser.send(.PUT, "/api/v1/me/password", ["password": .string(password)])
        #expect(changed.status == 200, "\(changed.text)")
        return id
    }

    static let password = "violet tram eats gravel"
    static let admin: JSONValue = ["role": "admin"]

    /// Logs somebody in with a new browser.
    func browser(_ name: String, _ password: String = TestServer.password) async throws -> TestBrowser {
        let browser = TestBrowser(self)
        let answer = try await browser.logIn(name, password)
        #expect(answer.status == 201, "\(answer.text)")
        return browser
    }
}
