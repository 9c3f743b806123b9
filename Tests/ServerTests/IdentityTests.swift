import Crypto
import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Server
import SwiftASN1
import Testing
import Timestamps
import Wire
import X509

extension ServerTests {
    @Suite struct IdentityTests {
        @Test func foreignCertificatesAreRefusedInTheHandshakeAndAudited() async throws {
            try await TestServer.with { server in
                let key = P256.Signing.PrivateKey()
                let name = try DistinguishedName { CommonName("intruder") }
                let foreign = try Certificate(
                    version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
                    notValidBefore: Date(timeIntervalSinceNow: -60), notValidAfter: Date(timeIntervalSinceNow: 3600),
                    issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                    extensions: Certificate.Extensions {
                        SubjectAlternativeNames([.uniformResourceIdentifier("urn:fettle:org:default:host:h-x")])
                    }, issuerPrivateKey: .init(key))
                await #expect(throws: (any Error).self) {
                    let client = try await TestHost.connect(
                        server, certificate: try foreign.serializeAsPEM().pemString, key: key)
                    _ = try await client.send(.GET, "/agent/v2/state")
                }
                await #expect(throws: (any Error).self, "no certificate at all") {
                    let client = try await TestHost.connect(server, certificate: nil, key: key)
                    _ = try await client.send(.GET, "/agent/v2/state")
                }
                #expect(server.server.metrics.value(.handshakesRefused) >= 1)
                #expect(
                    try await eventually { try await server.audit(organisation: "").contains("certificate.refused") })
            }
        }

        @Test func theServersOwnCertificateIsNoHosts() async throws {
            try await TestServer.with { server in
                // Signed by our authority, but for another use: the enrolment listener's leaf cannot be had with its
                // key, so a certificate of the authority itself stands for it.
                let key = try P256.Signing.PrivateKey(
                    pemRepresentation: String(contentsOfFile: "\(server.folder)/authority/ca-1.key", encoding: .utf8))
                let certificate = try String(contentsOfFile: "\(server.folder)/authority/ca-1.pem", encoding: .utf8)
                do {
                    let client = try await TestHost.connect(server, certificate: certificate, key: key)
                    let answer = try await client.send(.GET, "/agent/v2/state")
                    #expect(answer.status == 401)
                } catch {
                    // Refused in the handshake: as good.
                }
            }
        }

        @Test(arguments: TestEngine.allCases)
        func anOrganisationNeverReachesAnothersHosts(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                #expect(try await server.api(.POST, "organisations", ["id": "b"]).status == 201)
                var a = try await TestHost.enrol(server)
                var b = try await TestHost.enrol(server, organisation: "b", hostname: "db1")
                #expect(b.grant.organisation == "b")
                let truth = Truth(packages: 40)
                try await a.reported(truth)

                // What A has, B is asked for all the same, in the same words and with the same answers.
                let asked = try await b.send(.POST, "reports", body: b.batch([b.report(truth, sequence: 1)]).encoded())
                let needed = try ReportReply(decoding: asked.body)
                #expect(needed.needed.count == 3)
                let delta = try await b.upload(
                    .set, Truth(packages: 41).set.digest.hex,
                    Self.delta(from: truth, to: Truth(packages: 41)), type: "application/vnd.fettle.delta")
                #expect(delta.status == 409)
                #expect(delta.problem?.kind == "base-unknown")
                for (document, bytes) in truth.documents {
                    #expect(try await b.upload(document, truth.digests[document].hex, bytes).status == 201)
                    #expect(try await b.upload(document, truth.digests[document].hex, bytes).status == 200)
                }
                try await b.reported(truth)

                // B's state and reports are B's, whatever it sends.
                let state = try DesiredState(decoding: try await b.send(.GET, "state").body)
                #expect(state.host == b.id)
                #expect(state.organisation == "b")
                let inA = try await server.api(.GET, "hosts?organisation=default").json["items"]?.array ?? []
                let inB = try await server.api(.GET, "hosts?organisation=b").json["items"]?.array ?? []
                #expect(inA.map { $0["id"]?.string } == [a.id])
                #expect(inB.map { $0["id"]?.string } == [b.id])
                #expect(try await server.api(.GET, "hosts/\(b.id)?organisation=default").status == 404)
            }
        }

        private static func delta(from old: Truth, to new: Truth) -> [UInt8] {
            LineDelta(from: old.set.document, to: new.set.document).bytes
        }

        @Test(arguments: TestEngine.allCases)
        func aRevokedHostIsRefusedOnItsOpenConnection(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let host = try await TestHost.enrol(server)
                let client = try await host.connect()
                #expect(try await client.send(.GET, "/agent/v2/state").status == 200)
                let silentRevocation = try await server.api(.POST, "hosts/\(host.id)/revoke", [:])
                #expect(silentRevocation.status == 400)
                #expect(silentRevocation.problem?.pointer == "/reason")
                #expect(try await server.api(.POST, "hosts/\(host.id)/revoke", ["reason": "stolen"]).status == 200)
                let refused = try await client.send(.GET, "/agent/v2/state")
                #expect(refused.status == 403)
                #expect(refused.problem?.kind == "certificate-revoked")
                await client.close()
                // Nor does it come back by proof of its key.
                let back = try await host.comeBack()
                #expect(back.problem?.kind == "certificate-revoked")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aCertificateIsRenewedAndBothWork(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                let key = P256.Signing.PrivateKey()
                let answer = try await host.send(
                    .POST, "renew",
                    body: RenewalRequest(certificateRequest: try TestHost.certificateRequest(key)).encoded())
                #expect(answer.status == 200, "\(answer.text)")
                let grant = try IdentityGrant(decoding: answer.body)
                #expect(grant.host == host.id)
                #expect(try await host.checkIn().status == 200, "the certificate before is good until it expires")
                host.key = key
                host.grant = grant
                host.token = grant.exchangeToken
                #expect(try await host.checkIn().status == 200)
            }
        }

        @Test func anExpiredHostReturnsByProofOfItsKey() async throws {
            try await TestServer.with(.sqlite) {
                $0.certificateLifetime = 5
            } body: { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let kept = try await host.connect()
                #expect(try await kept.send(.GET, "/agent/v2/state").status == 200)
                try await Task.sleep(for: .seconds(5.2))
                let late = try await kept.send(.GET, "/agent/v2/state")
                #expect(late.status == 401)
                #expect(late.problem?.kind == "certificate-expired")
                await kept.close()
                await #expect(throws: (any Error).self) { _ = try await host.checkIn() }

                let answer = try await host.comeBack()
                #expect(answer.status == 200, "\(answer.text)")
                let grant = try IdentityGrant(decoding: answer.body)
                #expect(grant.host == host.id)
                host.grant = grant
                host.token = grant.exchangeToken
                let reply = try await host.checkedIn()
                #expect(reply.expectedReport == 2, "its reports are kept")

                // Another key does not prove it, a nonce is good once, and not for ever.
                var thief = host
                thief.key = P256.Signing.PrivateKey()
                #expect(try await thief.comeBack().problem?.pointer == "/signature")
                let nonce = try await host.nonce()
                #expect(try await host.comeBack(nonce: nonce).status == 200)
                #expect(try await host.comeBack(nonce: nonce).problem?.pointer == "/nonce")
            }
        }

        @Test func theAuthorityIsReplacedWithoutLosingAHost() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                let before = try DesiredState(decoding: try await host.send(.GET, "state").body)
                let token = try await server.token()
                #expect(try await server.api(.POST, "authorities/rotate", ["current": 2]).status == 409)
                #expect(try await server.api(.POST, "authorities/rotate", ["current": 1]).status == 200)
                #expect(
                    try await server.api(.POST, "authorities/rotate", ["current": 1]).status == 409,
                    "sent again, it must not rotate a second time")
                let after = try DesiredState(decoding: try await host.send(.GET, "state").body)
                #expect(after.version > before.version)
                #expect(after.authorities.count == 3)
                #expect(after.authorities[0] == before.authorities[1], "the next issues now")
                #expect(try await host.checkIn().status == 200, "its certificate is by the one before")
                // A token made before pins the authority that issues now too.
                let late = try await TestHost.enrol(server, token: token)
                let issuer = try Certificate(pemEncoded: late.grant.certificate).issuer
                #expect(issuer == (try Certificate(pemEncoded: after.authorities[0]).subject))
                #expect(try await late.checkIn().status == 200)
                _ = try await host.checkedIn(stateVersion: after.version)
            }
        }
    }
}

extension TestHost {
    func nonce() async throws -> String {
        let client = try await server.enrolmentClient()
        let answer = try await client.send(.POST, "/agent/v2/challenge")
        await client.close()
        return try ReturnChallenge(decoding: answer.body).nonce
    }

    /// Proves the old key, for a new certificate of the same key.
    func comeBack(nonce: String? = nil) async throws -> Answer {
        let nonce = if let nonce { nonce } else { try await self.nonce() }
        let request = try TestHost.certificateRequest(key)
        let signature = try key.signature(
            for: ReturnRequest.signedBytes(nonce: nonce, certificateRequest: request)
        ).derRepresentation.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        let client = try await server.enrolmentClient()
        let answer = try await client.send(
            .POST, "/agent/v2/return",
            body: ReturnRequest(
                certificate: grant.certificate, nonce: nonce, signature: signature, certificateRequest: request,
                evidence: MachineEvidence(machineID: nil, productUUID: nil, hostname: "web1", bootID: bootID)
            ).encoded())
        await client.close()
        return answer
    }
}
