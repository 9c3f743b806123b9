import Foundation
import NIOHTTP1
import NIOSSL
import Testing

@testable import Server

extension ServerTests {
    @Suite struct WebListenerTests {
        @Test func aCertificateFromFilesIsUsedAndFollowed() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            func certificate(_ name: String) throws {
                try shell(
                    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
                        + "-addext subjectAltName=DNS:localhost -keyout '\(folder)/\(name).key' -out '\(folder)/\(name).pem'"
                )
            }
            for name in ["one", "two"] { try certificate(name) }
            for kind in ["pem", "key"] {
                try FileManager.default.copyItem(atPath: "\(folder)/one.\(kind)", toPath: "\(folder)/web.\(kind)")
            }
            func speaks(_ server: TestServer, trusting name: String) async throws -> Bool {
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile("\(folder)/\(name).pem"))
                let context = try NIOSSLContext(configuration: configuration)
                do {
                    let client = try await TestClient.connect(.tls(port: server.port("web"), context))
                    defer { Task { await client.close() } }
                    return try await client.send(.GET, "/api/v1/openapi.json").status == 200
                } catch {
                    return false
                }
            }
            let files: (inout ServerConfiguration) -> Void = {
                $0.webCertificate = ("\(folder)/web.pem", "\(folder)/web.key")
            }
            try await TestServer.with(.sqlite, files) { server in
                #expect(try await speaks(server, trusting: "one"))
                #expect(try await !speaks(server, trusting: "two"))
                for kind in ["key", "pem"] {
                    try shell(
                        "cp '\(folder)/two.\(kind)' '\(folder)/new' && mv '\(folder)/new' '\(folder)/web.\(kind)'")
                }
                #expect(try server.server.state.credentials.renewIfDue() == false)
                #expect(try await speaks(server, trusting: "two"))
                #expect(try await !speaks(server, trusting: "one"))
            }
            try shell("cp '\(folder)/one.key' '\(folder)/web.key'")
            await #expect {
                try await TestServer.with(.sqlite, files) { _ in }
            } throws: { "\($0)".contains("do not belong together") || "\($0)".contains("--web-key") }
        }

        @Test func oneAddressTakesOnlySoManyConnections() async throws {
            let few: (inout ServerConfiguration) -> Void = { $0.limits.webConnectionsPerAddress = 3 }
            try await TestServer.with(.sqlite, few) { server in
                var held: [TestClient] = []
                for _ in 0..<3 { held.append(try await TestClient.connect(.plain(port: server.port("web")))) }
                #expect(
                    try await eventually { server.server.state.limiters["web"]?.counts.open == 3 })
                await #expect(throws: (any Error).self) { try await server.web(.GET, "/") }
                for client in held { await client.close() }
                #expect(
                    try await eventually { server.server.state.limiters["web"]?.counts.open == 0 })
                #expect(try await server.web(.GET, "/api/v1/openapi.json").status == 200)
            }
        }
    }
}
