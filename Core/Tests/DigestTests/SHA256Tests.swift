import Digest
import Foundation
import Testing

struct SHA256Tests {
    /// FIPS 180-4 examples and the NIST "million a" message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ])
    func standardVectors(message: String, expected: String) {
        #expect(SHA256.hash(Array(message.utf8)).hex == expected)
    }

    @Test func millionA() {
        let piece = [UInt8](repeating: 0x61, count: 1000)
        var hasher = SHA256()
        for _ in 0..<1000 { hasher.update(piece) }
        #expect(hasher.finalize().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func piecesInAnyFormEqualTheWhole() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let message = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255) }
            var hasher = SHA256()
            var rest = message[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...130, using: &random))
                switch Int.random(in: 0..<4) {
                case 0: hasher.update(piece)
                case 1: hasher.update(piece.lazy.map { $0 })
                case 2: piece.withUnsafeBytes { hasher.update($0) }
                default: hasher.update(Array(piece).span)
                }
                _ = hasher.finalize()  // asking must not disturb the hasher
                rest = rest.dropFirst(piece.count)
            }
            #expect(hasher.finalize() == SHA256.hash(message))
        }
    }

    /// One file of each length 0...300, hashed by coreutils in one run.
    @Test func agreesWithSha256sum() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fettle-digest-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var messages: [String: [UInt8]] = [:]
        for length in 0...300 {
            let message = (0..<length).map { _ in UInt8.random(in: 0...255) }
            messages["\(length)"] = message
            try Data(message).write(to: folder.appending(path: "\(length)"))
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sha256sum")
        process.arguments = messages.keys.sorted()
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try #require(String(bytes: pipe.fileHandleForReading.readDataToEndOfFile(), encoding: .utf8))
        process.waitUntilExit()
        var compared = 0
        for line in output.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            let message = try #require(messages[String(fields[1])])
            #expect(SHA256.hash(message).hex == fields[0], "length \(fields[1])")
            compared += 1
        }
        #expect(compared == 301)
    }
}

struct SHA256DigestTests {
    @Test func bytesAndHexRoundTrip() throws {
        for _ in 0..<100 {
            let bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
            let digest = try #require(SHA256Digest(bytes: bytes))
            #expect(digest.bytes == bytes)
            #expect(digest.hex.count == 64)
            #expect(SHA256Digest(hex: digest.hex) == digest)
            #expect(SHA256Digest(hex: digest.hex.uppercased()) == digest)
            #expect("\(digest)" == digest.hex)
        }
    }

    @Test(arguments: [
        "", "ab", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
        String(repeating: "a", count: 63) + "g", String(repeating: "a", count: 66), String(repeating: "é", count: 32),
    ])
    func refusesOtherText(_ text: String) {
        #expect(SHA256Digest(hex: text) == nil)
    }

    @Test func refusesOtherLengths() {
        for count in [0, 31, 33] { #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: count)) == nil) }
    }

    @Test func ordersAsBytes() throws {
        for _ in 0..<200 {
            var left = [UInt8](repeating: 0, count: 32)
            var right = left
            left[Int.random(in: 0..<32)] = .random(in: 0...255)
            right[Int.random(in: 0..<32)] = .random(in: 0...255)
            let (a, b) = (try #require(SHA256Digest(bytes: left)), try #require(SHA256Digest(bytes: right)))
            #expect((a < b) == left.lexicographicallyPrecedes(right))
            #expect((a == b) == (left == right))
        }
    }
}
