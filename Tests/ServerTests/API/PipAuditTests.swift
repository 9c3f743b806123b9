import Foundation
import JSON
import NIOHTTP1
import Testing

@testable import Server

extension ServerTests {
    /// The OSV query API, held to a client of OSV's own service: pip-audit (PyPI).
    @Suite struct PipAuditTests {
        @Test func pipAuditFindsWhatTheFeedsSay() async throws {
            let folder = try temporaryFolder()
            let names = ["CVE-2026-0002", "CVE-2026-0003"]
            for (number, name) in names.enumerated() {
                let record = """
                    {"id": "PYSEC-2026-\(number)", "modified": "2026-03-01T00:00:00Z", "aliases": ["\(name)"],
                     "summary": "a flaw", "details": "a flaw",
                     "affected": [{"package": {"ecosystem": "PyPI", "name": "flawed"},
                       "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.\(number + 4)"}]}]}]}
                    """
                try ExceptionTests.write(record, "record\(number)", in: folder)
            }
            let server = try await TestServer.start(folder: folder)
            do {
                _ = try await ExceptionTests.until(server, "server") { $0["feeds"]?["catalogue"] != .null }
                try await Self.audit(
                    server, ["flawed==1.3", "sound==1.0"], expected: ["PYSEC-2026-0", "PYSEC-2026-1"])
                try await Self.audit(server, ["flawed==1.4"], expected: ["PYSEC-2026-1"])
                try await Self.audit(server, ["flawed==1.5"], expected: [])
                try await Self.compare(server)
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }

        /// What pip-audit tells of these requirements: exactly those records, each with its fix.
        private static func audit(_ server: TestServer, _ requirements: [String], expected: [String]) async throws {
            let (list, output, bundle) = (
                "\(server.folder)/requirements.txt", "\(server.folder)/audit.json", "\(server.folder)/bundle.pem"
            )
            try Data((requirements.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: list))
            try Data(server.server.state.authorities.authorities.pems.joined(separator: "\n").utf8)
                .write(to: URL(filePath: bundle))
            let command = """
                cd '\(server.folder)' && REQUESTS_CA_BUNDLE='\(bundle)' '\(repository)/Tests/pip-audit' \
                --vulnerability-service osv --osv-url https://localhost:\(server.port("web"))/v1/query \
                --disable-pip --no-deps --progress-spinner off --cache-dir '\(server.folder)/cache' \
                -r '\(list)' -f json -o '\(output)' >'\(server.folder)/audit.log' 2>&1 </dev/null
                """
            // The server lives in this process: its threads must not wait for the client.
            let status = await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: system(command)) }
            }
            let said = (try? String(contentsOfFile: "\(server.folder)/audit.log", encoding: .utf8)) ?? ""
            #expect((status == 0) == expected.isEmpty, "\(said)")
            let json = try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: output))), limits: .message)
            var found: [String] = []
            for dependency in json["dependencies"]?.array ?? [] {
                #expect(dependency["skip_reason"] == nil, "\(dependency)")
                for vulnerability in dependency["vulns"]?.array ?? [] {
                    found.append(vulnerability["id"]?.string ?? "")
                    #expect(vulnerability["fix_versions"]?.array?.isEmpty == false, "\(vulnerability)")
                }
            }
            #expect(found.sorted() == expected)
        }

        /// Query, batch and single record tell the same of each id.
        private static func compare(_ server: TestServer) async throws {
            let client = try await TestClient.connect(.unix("\(server.folder)/fettle.sock"))
            let package: JSONValue = ["package": ["name": "flawed", "ecosystem": "PyPI"], "version": "1.0"]
            let whole = try await client.send(.POST, "/v1/query", headers: [:], body: package.canonicalBytes())
            let batch: JSONValue = ["queries": [package]]
            let ids = try await client.send(.POST, "/v1/querybatch", headers: [:], body: batch.canonicalBytes())
            let records = whole.json["vulns"]?.array ?? []
            #expect(records.count == 2)
            #expect(
                ids.json["results"]?[0]?["vulns"]?.array?.compactMap { $0["id"]?.string }
                    == records.compactMap { $0["id"]?.string })
            for record in records {
                let one = try await client.send(
                    .GET, "/v1/vulns/\(record["id"]?.string ?? "")", headers: [:], body: nil)
                #expect(one.json == record)
            }
            await client.close()
        }
    }
}
