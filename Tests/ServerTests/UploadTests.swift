import Digest
import Foundation
import Inventory
import JSON
import NIOCore
import NIOHTTP1
import Server
import Testing
import Wire

extension ServerTests {
    @Suite struct UploadTests {
        @Test(arguments: TestEngine.allCases)
        func aDocumentIsTakenOnceAndADeltaApplies(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                let old = Truth(packages: 50)
                try await host.reported(old)
                #expect(try await host.upload(.set, old.set.digest.hex, old.set.document.bytes).status == 200)
                let new = Truth(packages: 50, version: "1.0-2")
                let delta = LineDelta(from: old.set.document, to: new.set.document).bytes
                #expect(delta.count < 400)
                let answer = try await host.upload(
                    .set, new.set.digest.hex, delta, type: "application/vnd.fettle.delta")
                #expect(answer.status == 201)
                let offers = LineDelta(from: old.offers.document, to: new.offers.document).bytes
                #expect(
                    try await host.upload(
                        .offers, new.offers.digest.hex, offers, type: "application/vnd.fettle.delta"
                    ).status == 201)
                try await host.reported(new)
                let diff = try await server.api(.GET, "hosts/\(host.id)/diff").json["changes"]?.array ?? []
                #expect(diff.count == 1)
                #expect(diff.first?["before"]?.string == "1.0-1")
                #expect(diff.first?["after"]?.string == "1.0-2")
                #expect(try await server.api(.GET, "hosts/\(host.id)/history").json["items"]?.array?.count == 2)
            }
        }

        @Test func badDocumentsAreRefusedWithTheirPlace() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                let truth = Truth()
                let set = truth.set.document.bytes
                let digest = truth.set.digest.hex
                func refused(
                    _ document: HostDocument, _ digest: String, _ bytes: [UInt8], _ status: Int, _ kind: String,
                    type: String = "application/vnd.fettle.document", _ comment: Comment
                ) async throws {
                    let answer = try await host.upload(document, digest, bytes, type: type)
                    #expect(answer.status == status, "\(comment): \(answer.text)")
                    #expect(answer.problem?.kind == kind, comment)
                }
                let other = Truth(packages: 6).set.digest.hex
                try await refused(.set, other, set, 422, "digest-mismatch", "wrong digest")
                try await refused(.set, digest, set.dropLast(3) + [], 422, "bad-document", "cut short")
                try await refused(
                    .set, digest, Array("fettle software-set 1\nb\na\n".utf8), 422, "bad-document", "order")
                try await refused(.set, digest, [0xFF, 0x0A], 422, "bad-document", "not UTF-8")
                try await refused(.set, digest, [], 422, "bad-document", "empty")
                try await refused(.facts, digest, Array("{}".utf8), 422, "bad-document", "facts without members")
                try await refused(.facts, digest, Array("{".utf8), 422, "bad-document", "truncated JSON")
                try await refused(.offers, digest, set, 422, "bad-document", "a set is no offer set")
                try await refused(.set, digest, set, 400, "malformed", type: "text/plain", "content type")
                try await refused(
                    .facts, digest, set, 400, "malformed", type: "application/vnd.fettle.delta", "facts have no delta")
                try await refused(
                    .set, digest, Array("fettle delta 1\n=zz\n".utf8), 422, "bad-document",
                    type: "application/vnd.fettle.delta", "delta without base")
                let path = try await host.send(.PUT, "documents/set/xyz", body: set)
                #expect(path.status == 400)
                let kind = try await host.send(.PUT, "documents/song/\(digest)", body: set)
                #expect(kind.status == 400)
                // Nothing of that was taken, nothing lost: the sound ones go through.
                try await host.reported(truth)
            }
        }

        @Test func oversizedBodiesAreRefusedAndTheNextRequestWorks() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.documentBytes = 100_000
                $0.limits.messageBytes = 10_000
            } body: { server in
                var host = try await TestHost.enrol(server)
                let announced = try await host.send(
                    .PUT, "documents/set/\(Truth().set.digest.hex)",
                    headers: ["content-type": "application/vnd.fettle.document"],
                    body: [UInt8](repeating: 0x61, count: 100_001))
                #expect(announced.status == 413)
                #expect(announced.problem?.kind == "body-too-large")
                let message = try await host.send(.POST, "check-in", body: [UInt8](repeating: 0x20, count: 10_001))
                #expect(message.status == 413)
                // In chunks, so that no length is announced.
                let client = try await host.connect()
                var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/check-in")
                head.headers = ["host": "localhost", "transfer-encoding": "chunked"]
                let chunk = HTTPClientRequestPart.body(
                    .byteBuffer(ByteBuffer(bytes: [UInt8](repeating: 0x20, count: 4000))))
                let chunked = try await client.send([.head(head), chunk, chunk, chunk, .end(nil)])
                #expect(chunked.status == 413)
                try await host.reported(Truth())
            }
        }

        @Test(arguments: TestEngine.allCases)
        func replayedReportsChangeNothing(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let second = Truth(packages: 6)
                try await host.upload(second)
                let batch = host.batch([host.report(Truth(), sequence: 1), host.report(second, sequence: 2)]).encoded()
                for _ in 0..<3 {
                    let answer = try await host.send(.POST, "reports", body: batch)
                    #expect(try ReportReply(decoding: answer.body).expectedReport == 3)
                }
                #expect(try await server.api(.GET, "hosts/\(host.id)/history").json["items"]?.array?.count == 2)
                #expect(server.server.metrics.value(.reports, "result=\"accepted\"") == 2)
                #expect(server.server.metrics.value(.reports, "result=\"duplicate\"") == 5)

                let holes = host.batch([host.report(second, sequence: 3), host.report(second, sequence: 5)]).encoded()
                let refused = try await host.send(.POST, "reports", body: holes)
                #expect(refused.status == 400)
                #expect(refused.problem?.pointer == "/reports/1/sequence")
            }
        }

        @Test func truncatedAndMalformedMessagesAreRefused() async throws {
            try await TestServer.with { server in
                let host = try await TestHost.enrol(server)
                let sound = host.checkInMessage().encoded()
                let client = try await host.connect()
                func send(_ body: [UInt8]) async throws -> Answer {
                    try await client.send(.POST, "/agent/v2/check-in", body: body)
                }
                for length in stride(from: 0, to: sound.count, by: 7) {
                    let answer = try await send(Array(sound[..<length]))
                    #expect(answer.status == 400)
                    #expect(answer.problem?.kind == "malformed")
                }
                let extra = try JSONValue(parsing: sound, limits: .message)
                guard case .object(var fields) = extra else { return }
                fields["surprise"] = 1
                let unknown = try await send(JSONValue.object(fields).canonicalBytes())
                #expect(unknown.status == 400)
                #expect(unknown.problem?.pointer == "/surprise")
                fields["surprise"] = nil
                fields["nextReport"] = "one"
                #expect(try await send(JSONValue.object(fields).canonicalBytes()).problem?.pointer == "/nextReport")
                let deep = Array(String(repeating: "[", count: 5000).utf8)
                #expect(try await send(deep).status == 400)
                #expect(try await client.send(.GET, "/agent/v2/check-in").status == 405)
                #expect(try await client.send(.GET, "/agent/v2/nothing").status == 404)
                #expect(try await client.send(.GET, "/api/v1/hosts").status == 404, "operators are not here")
                #expect(try await send(sound).status == 200)
            }
        }
    }
}
