import Digest
import Server
import Testing

extension ServerTests {
    /// The server lets the cryptography library digest whole documents: the names of documents must not depend on it.
    @Suite struct DigestTests {
        @Test func theLibrarysDigestsEqualOurs() async throws {
            try await TestServer.with { _ throws in
                for count in [0, 1, 1023, 1024, 1025, 4096, 89_123] {
                    let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max) }
                    let portable = bytes.withUnsafeBytes { SHA256.portableHash($0) }
                    #expect(SHA256.hash(bytes) == portable)
                    var pieces = SHA256()
                    for start in stride(from: 0, to: count, by: 700) {
                        pieces.update(bytes[start..<min(start + 700, count)])
                    }
                    #expect(pieces.finalize() == portable)
                }
            }
        }
    }
}
