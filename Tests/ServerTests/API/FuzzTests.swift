import Foundation
import JSON
import NIOHTTP1
import Testing

@testable import Server

extension ServerTests {
    /// schemathesis (PyPI) makes requests out of the OpenAPI document, right ones and wrong ones, and calls that build on
    /// each other, and holds every answer to the document: over TLS, with an API token.
    @Suite struct FuzzTests {
        @Test(arguments: TestEngine.allCases) func schemathesisFindsNothing(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) {
                $0.limits.apiRequestsPerMinute = 1_000_000
            } body: { server in
                try await server.user("fuzz", grants: [TestServer.admin])
                let browser = try await server.browser("fuzz")
                let made = try await browser.send(.POST, "/api/v1/api-tokens", ["name": "fuzz"])
                let token = try #require(made.json["token"]?.string, "\(made.text)")
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())

                let folder = NSTemporaryDirectory() + "fettle-fuzz-\(engine)-\(getpid())"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                let settings = folder + "/schemathesis.toml"
                try Data(Self.settings.utf8).write(to: URL(fileURLWithPath: settings))
                let examples = ProcessInfo.processInfo.environment["FETTLE_FUZZ_EXAMPLES"] ?? "5"
                let seed = ProcessInfo.processInfo.environment["FETTLE_FUZZ_SEED"] ?? "1"
                let log = folder + "/schemathesis.log"
                let command = """
                    cd '\(folder)' && '\(repository)/Tests/api-tools' schemathesis --config-file '\(settings)' run \
                    https://localhost:\(server.port("web"))/api/v1/openapi.json --tls-verify false \
                    -H 'Authorization: Bearer \(token)' --checks all --seed \(seed) --max-examples \(examples) \
                    --workers 1 --continue-on-failure --output-sanitize false --output-truncate false >'\(log)' 2>&1
                    """
                // The server lives in this process: its threads must not wait for the fuzzer.
                let status = await withCheckedContinuation { continuation in
                    Thread.detachNewThread { continuation.resume(returning: system(command)) }
                }
                let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                let findings = said.components(separatedBy: "= FAILURES =").last ?? ""
                #expect(status == 0, "\(engine): \(findings.prefix(6000))\n(\(log))")
                #expect(said.contains("generated"), "it has run: \(said.suffix(2000))")
                // By then the authority may have been rotated away, so nobody checks the certificate.
                let alive = try shell(
                    "curl -sk -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer \(token)' "
                        + "https://localhost:\(server.port("web"))/api/v1/me")
                #expect(alive == "200", "the token lived to the end")
                if status == 0 { try? FileManager.default.removeItem(atPath: folder) }
            }
        }

        /// Statuses that a right request may get besides success. What another request has done meanwhile decides.
        private static let settings = """
            [checks]
            positive_data_acceptance.expected-statuses = [
                "2xx", "304", "401", "403", "404", "409", "412", "422", "429"]
            missing_required_header.expected-statuses = ["400", "401", "428"]

            # Ends the session and the user's other credentials on purpose.
            [[operations]]
            include-operation-id = ["removeUser", "revokeUserAPIToken", "revokeAPIToken"]
            phases.stateful.enabled = false

            # RFC 8628 answers with 400 for a code that nobody knows any more.
            [[operations]]
            include-operation-id = "pollDevice"
            checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "422", "429"]
            """
    }
}
