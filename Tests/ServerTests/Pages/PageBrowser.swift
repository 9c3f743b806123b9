import NIOHTTP1
import NIOSSL
import Synchronization
import Testing

@testable import Server

/// What a browser without script does on the pages: keeps cookies, says where its requests come from, sends forms with
/// what the page gave it.
final class PageBrowser: Sendable {
    let server: TestServer
    private let state = Mutex<(cookies: [String: String], csrf: String)>(([:], ""))

    init(_ server: TestServer) { self.server = server }

    var cookies: [String: String] { state.withLock { $0.cookies } }
    var csrf: String { state.withLock { $0.csrf } }
    private var host: String { "localhost:\(server.port("web"))" }

    /// Opens a page; remembers the token of its forms.
    @discardableResult
    func open(_ path: String, method: HTTPMethod = .GET) async throws -> Answer {
        let answer = try await send(method, path, [:], nil)
        if let found = answer.text.firstRange(of: "name=\"csrf\" value=\"") {
            state.withLock { $0.csrf = String(answer.text[found.upperBound...].prefix { $0 != "\"" }) }
        }
        return answer
    }

    /// Sends a form.
    @discardableResult
    func submit(
        _ path: String, _ fields: [(String, String)] = [], csrf token: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        let body = ([("csrf", token ?? csrf)] + fields).map { "\(Self.encoded($0.0))=\(Self.encoded($0.1))" }
            .joined(separator: "&")
        return try await send(
            .POST, path, ["content-type": "application/x-www-form-urlencoded"].merging(headers) { $1 }, body)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ more: [String: String], _ body: String?
    ) async throws -> Answer {
        var headers: [String: String] = ["host": host]
        let cookies = cookies
        if !cookies.isEmpty {
            headers["cookie"] = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
                separator: "; ")
        }
        if method == .POST {
            headers["origin"] = "https://\(host)"
            headers["sec-fetch-site"] = "same-origin"
        }
        headers.merge(more) { $1 }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try server.authorities())
        let client = try await TestClient.connect(
            .tls(port: server.port("web"), NIOSSLContext(configuration: configuration)))
        defer { Task { await client.close() } }
        let answer = try await client.send(
            method, path, headers: HTTPHeaders(headers.map { ($0.key, $0.value) }), body: body.map { Array($0.utf8) })
        for cookie in answer.headers["set-cookie"] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            state.withLock { $0.cookies[String(pair[0])] = pair[1].isEmpty ? nil : String(pair[1]) }
        }
        return answer
    }

    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            isAlphanumeric(byte)
                ? String(UnicodeScalar(byte)) : "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// Comes in by a one-time link that the server's operator made.
    func comeIn(_ user: String? = nil) async throws {
        let link = try await server.server.state.people.operatorLink(userName: user, base: "", by: .socket)
        try await open(link.url)
        let code = String(link.url.dropFirst("/login/link/".count))
        let answer = try await submit("/login/link", [("code", code)])
        #expect(answer.status == 303, "\(answer.text)")
        try await open("/settings/account")
    }
}
