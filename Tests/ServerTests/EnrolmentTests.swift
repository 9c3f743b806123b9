import Crypto
import Foundation
import JSON
import NIOHTTP1
import Server
import SwiftASN1
import Testing
import Wire
import X509

extension ServerTests {
    @Suite struct EnrolmentTests {
        @Test(arguments: TestEngine.allCases)
        func aHostEnrolsAndTheServerDecidesWhoItIs(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let host = try await TestHost.enrol(server)
                let certificate = try Certificate(pemEncoded: host.grant.certificate)
                #expect(certificate.subject.description == "CN=\(host.id)")
                let names = try #require(try certificate.extensions.subjectAlternativeNames)
                #expect(
                    names.map { $0 } == [.uniformResourceIdentifier("urn:fettle:org:default:host:\(host.id)")])
                let usage = try #require(try certificate.extensions.extendedKeyUsage)
                #expect(Array(usage) == [.clientAuth])
                let seconds = certificate.notValidAfter.timeIntervalSinceNow
                #expect(abs(seconds - 30 * 86_400) < 60)
                #expect(host.grant.authorities.count == 2)
                #expect(host.grant.agentAddress == "127.0.0.1:\(server.port("agents"))")
                #expect(try await server.host(host.id)["hostname"]?.string == "web1")
                #expect(try await host.checkIn().status == 200)
            }
        }

        @Test func serialsAreRandomAndAuthoritiesTwo() async throws {
            try await TestServer.with { server in
                let first = try Certificate(pemEncoded: try await TestHost.enrol(server).grant.certificate)
                let second = try Certificate(pemEncoded: try await TestHost.enrol(server).grant.certificate)
                #expect(first.serialNumber.bytes.count == 16)
                #expect(first.serialNumber != second.serialNumber)
                let authorities = try await server.api(.GET, "authorities").json["items"]?.array ?? []
                #expect(authorities.map { $0["role"]?.string } == ["issues", "next"])
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(server.folder)/authority/ca-1.key")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func badTokensOfEveryKindAreRefusedAndTold(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                func kind(_ token: EnrolmentToken) async throws -> String? {
                    let client = try await server.enrolmentClient()
                    let request = try TestHost.request(
                        P256.Signing.PrivateKey(), token, hostname: "web1", bootID: "b")
                    let answer = try await client.send(.POST, "/agent/v2/enrol", body: request.encoded())
                    await client.close()
                    #expect(answer.status == 403)
                    #expect(answer.headers.first(name: "content-type") == "application/problem+json")
                    #expect(answer.problem?.cure.contains("fettle tokens create") == true)
                    return answer.problem?.kind
                }
                let good = try await server.token()
                var unknown = good
                unknown.id = "t-nosuch"
                var wrongSecret = good
                wrongSecret.secret = String(repeating: "0", count: 64)
                #expect(try await kind(unknown) == "token-unknown")
                #expect(try await kind(wrongSecret) == "token-unknown")

                _ = try await TestHost.enrol(server, token: good)
                #expect(try await kind(good) == "token-used-up")
                var spentButWrong = good
                spentButWrong.secret = String(repeating: "1", count: 64)
                #expect(try await kind(spentButWrong) == "token-unknown", "whoever lacks the secret learns nothing")

                let revoked = try await server.token()
                #expect(try await server.api(.POST, "enrolment-tokens/\(revoked.id)/revoke").status == 200)
                #expect(try await kind(revoked) == "token-revoked")

                let expiring = try await server.token(expiresIn: 60)
                server.clock.advance(120)
                #expect(try await kind(expiring) == "token-expired")
                #expect(server.server.metrics.value(.identities, "occasion=\"enrolment\",result=\"refused\"") == 6)
            }
        }

        @Test func aCountedTokenEnrolsAsManyAsItSays() async throws {
            try await TestServer.with { server in
                let token = try await server.token(uses: 3)
                let results = await withTaskGroup(of: Int.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            guard let client = try? await server.enrolmentClient(),
                                let request = try? TestHost.request(
                                    P256.Signing.PrivateKey(), token, hostname: "h\(number)", bootID: "b"),
                                let answer = try? await client.send(.POST, "/agent/v2/enrol", body: request.encoded())
                            else { return 0 }
                            await client.close()
                            return answer.status
                        }
                    }
                    return await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(results.count { $0 == 201 } == 3)
                #expect(results.count { $0 == 403 } == 5)
            }
        }

        @Test func certificateRequestsMustBeSoundAndP256() async throws {
            try await TestServer.with { server in
                let token = try await server.token()
                let client = try await server.enrolmentClient()
                func refused(_ pem: String) async throws {
                    var request = try TestHost.request(P256.Signing.PrivateKey(), token, hostname: "w", bootID: "b")
                    request.certificateRequest = pem
                    let answer = try await client.send(.POST, "/agent/v2/enrol", body: request.encoded())
                    #expect(answer.status == 400)
                    #expect(answer.problem?.kind == "malformed")
                    #expect(answer.problem?.pointer == "/certificateRequest")
                }
                try await refused("no certificate request")
                let other = try CertificateSigningRequest(
                    version: .v1, subject: DistinguishedName { CommonName("x") },
                    privateKey: Certificate.PrivateKey(P384.Signing.PrivateKey()),
                    attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA384)
                try await refused(try other.serializeAsPEM().pemString)
                // Signed by another key than the one it is for: a bit of the signature turned.
                let sound = try TestHost.certificateRequest(P256.Signing.PrivateKey())
                var der = try PEMDocument(pemString: sound).derBytes
                der[der.count - 1] ^= 1
                try await refused(PEMDocument(type: "CERTIFICATE REQUEST", derBytes: der).pemString)
                await client.close()
                // The token was not used up by any of them.
                _ = try await TestHost.enrol(server, token: token)
            }
        }

        @Test func theSameMachineEnrolledTwiceIsALikelyDuplicate() async throws {
            try await TestServer.with { server in
                let first = try await TestHost.enrol(server, machineID: "m1", productUUID: "u1")
                let second = try await TestHost.enrol(server, hostname: "web1-copy", machineID: "m1", productUUID: "u1")
                #expect(first.id != second.id)
                let duplicates = try await server.host(second.id)["likelyDuplicates"]?.array ?? []
                #expect(duplicates.map { $0["id"]?.string } == [first.id])
            }
        }

        @Test func enrolmentsAreLimitedPerSecond() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.enrolmentsPerSecond = 3
            } body: { server in
                let client = try await server.enrolmentClient()
                var statuses: [Int] = []
                for _ in 0..<10 {
                    let answer = try await client.send(.POST, "/agent/v2/challenge")
                    statuses.append(answer.status)
                    if answer.status == 429 {
                        #expect(answer.problem?.kind == "too-many-requests")
                        #expect(Int(answer.headers.first(name: "retry-after") ?? "") ?? 0 >= 1)
                    }
                }
                #expect(statuses.contains(429))
                #expect(statuses.prefix(3) == [200, 200, 200])
                await client.close()
            }
        }
    }
}
