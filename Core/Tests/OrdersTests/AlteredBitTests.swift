import JSON
import Orders
import Testing
import Timestamps

/// Every single bit of a good envelope counts.
@Suite struct AlteredBitTests {
    private let verifier: OrderVerifier

    init() throws { verifier = try Sample.verifier() }

    private func envelopes() throws -> [(Envelope, (Envelope) throws -> Void)] {
        [
            (signed(try Sample.release(), by: [key("release")]), { _ = try verifier.release($0, now: Sample.now) }),
            (signed(Sample.grant(), by: [key("director")]), { _ = try verifier.sampleGrant($0) }),
            (signed(Sample.ticket(), by: [key("director")]), { _ = try verifier.sampleTicket($0) }),
            (
                signed(Sample.roles(version: 2), by: [key("root")]),
                {
                    var verifier = verifier
                    try verifier.adopt(roles: $0, now: Sample.now)
                }
            ),
        ]
    }

    @Test func everyFlippedBitOfTheFieldsIsRefused() throws {
        var count = 0
        for (good, check) in try envelopes() {
            #expect(refusal { try check(good) } == nil)
            for field in 0..<4 {
                let size = [
                    good.payload.count, good.payloadType.utf8.count, good.signatures[0].bytes.count,
                    good.signatures[0].keyID.utf8.count,
                ][field]
                for bit in 0..<size * 8 {
                    var envelope = good
                    func flip(_ bytes: inout [UInt8]) { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
                    func flip(_ text: inout String) {
                        var bytes = Array(text.utf8)
                        flip(&bytes)
                        text = String(decoding: bytes, as: UTF8.self)
                    }
                    switch field {
                    case 0: flip(&envelope.payload)
                    case 1: flip(&envelope.payloadType)
                    case 2: flip(&envelope.signatures[0].bytes)
                    default: flip(&envelope.signatures[0].keyID)
                    }
                    if refusal({ try check(envelope) }) == nil {
                        Issue.record("\(good.payloadType): field \(field), bit \(bit) was not noticed")
                    }
                    count += 1
                }
            }
        }
        #expect(count > 15_000)
    }

    @Test func everyFlippedBitOnTheWireIsRefused() throws {
        for (good, check) in try envelopes() {
            let text = good.json.canonicalBytes()
            for bit in 0..<text.count * 8 {
                var altered = text
                altered[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let json = try? JSONValue(parsing: altered, limits: .message),
                    let envelope = try? Envelope(json: json)
                else { continue }
                if refusal({ try check(envelope) }) == nil {
                    Issue.record("\(good.payloadType): bit \(bit) of the text was not noticed")
                }
            }
        }
    }

    @Test func shortenedAndLengthenedSignaturesAreRefused() throws {
        for (good, check) in try envelopes() {
            var shorter = good
            shorter.signatures[0].bytes.removeLast()
            #expect(refusal { try check(shorter) } == .badSignature)
            var longer = good
            longer.signatures[0].bytes.append(0)
            #expect(refusal { try check(longer) } == .badSignature)
        }
    }
}
