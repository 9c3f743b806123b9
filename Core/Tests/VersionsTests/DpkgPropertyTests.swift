import Testing
import Versions

/// A seeded generator, so that a failure can be repeated (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Versions that differ from each other, and from what is valid, by little.
struct VersionGenerator {
    var random: Seeded
    let seeds: [String]

    mutating func seed() -> String {
        if Bool.random(using: &random), let seed = seeds.randomElement(using: &random) { return seed }
        let parts = [
            "0", "1", "00", "10", "9", "a", "Z", "rc", ".", "-", "+", "~", "~~", "dfsg", "deb12u1", "-0", ".0", "2023",
        ]
        return "1"
            + (0..<Int.random(in: 0...6, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
            .joined()
    }

    mutating func mutate(_ text: String) -> String {
        var bytes = Array(text.utf8)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return text + (["-0", "0", ".0", "~", "-", "+0", "a0", ":"].randomElement(using: &random) ?? "")
        case 1: return (["0:", "1:", "00:", "-", "v", "0", "+1:", "-0:"].randomElement(using: &random) ?? "") + text
        default: break
        }
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let byte = Array("0001199aAzZ.+-~~:_".utf8).randomElement(using: &random) ?? 0x30
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.insert(byte, at: place)
            case 1 where place < bytes.count: bytes[place] = byte
            case 2 where place < bytes.count: bytes.remove(at: place)
            default: break
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite(.enabled(if: Dpkg.isPresent)) struct DpkgPropertyTests {
    @Test func ordersGeneratedPairsAsDpkgDoes() async throws {
        var generator = VersionGenerator(random: Seeded(state: 42), seeds: try Dpkg.installedVersions())
        var claims: [(String, Ordering, String)] = []
        var counts: [Ordering: Int] = [:]
        var lax = 0
        while claims.count < 12_000 {
            let seed = generator.seed()
            let (a, b) = (Bool.random(using: &generator.random) ? seed : generator.mutate(seed), generator.mutate(seed))
            // One in eight pairs may be what dpkg only warns about.
            let strictness: DebianVersion.Strictness = claims.count % 8 == 0 ? .lax : .strict
            guard let left = try? DebianVersion.parse(a, strictness: strictness),
                let right = try? DebianVersion.parse(b, strictness: strictness), a != b
            else { continue }
            let order = ordering(left.key, right.key)
            counts[order, default: 0] += 1
            if (try? DebianVersion.key(for: a)) == nil || (try? DebianVersion.key(for: b)) == nil { lax += 1 }
            claims.append((a, order, b))
        }
        #expect(try await Dpkg.denied(claims) == [])
        // The generator is worth something only if every answer is frequent.
        #expect(counts.count == 3 && counts.values.allSatisfy { $0 > 500 }, "\(counts)")
        #expect(lax > 100)
    }

    @Test func acceptsWhatDpkgAccepts() async throws {
        var generator = VersionGenerator(random: Seeded(state: 43), seeds: try Dpkg.installedVersions())
        let texts =
            (0..<1500).map { _ in generator.mutate(generator.mutate(generator.seed())) } + [
                "", " ", " 1", "1\t", "1 2", "1.0:", "0:1:2", "1-2:3", "1\u{e9}", "9999999999:1", "2147483647:1",
                "2147483648:1",
                "-0:1", "+3:1", "+:1", "--1:1", "0x1:1",
            ]
        let valid = try await Dpkg.valid(texts)
        let comparable = try await Dpkg.comparable(texts)
        for text in texts {
            #expect(((try? DebianVersion.parse(text)) != nil) == valid.contains(text), "\(text.debugDescription)")
            if text.utf8.allSatisfy({ $0 < 0x80 }) {
                let accepted = (try? DebianVersion.parse(text, strictness: .lax)) != nil
                #expect(accepted == comparable.contains(text), "\(text.debugDescription)")
            }
        }
        #expect(valid.count > 300 && comparable.count < texts.count - 100)
    }

    /// In our order, every installed version against the three after it; the rest follows by transitivity, and random
    /// pairs check that too.
    @Test func ordersInstalledVersionsAsDpkgDoes() async throws {
        let versions = try Dpkg.installedVersions().map {
            (text: $0, key: try DebianVersion.parse($0, strictness: .lax).key)
        }
        .sorted { $0.key < $1.key }
        try #require(versions.count > 50)
        var claims: [(String, Ordering, String)] = []
        for index in versions.indices {
            for next in index + 1..<min(index + 4, versions.count) {
                claims.append(
                    (versions[index].text, ordering(versions[index].key, versions[next].key), versions[next].text))
            }
        }
        var random = Seeded(state: 44)
        for _ in 0..<1000 {
            guard let a = versions.randomElement(using: &random), let b = versions.randomElement(using: &random) else {
                continue
            }
            claims.append((a.text, ordering(a.key, b.key), b.text))
        }
        #expect(try await Dpkg.denied(claims) == [])
    }

    @Test func keyOrderIsTotalOnGeneratedVersions() throws {
        var generator = VersionGenerator(random: Seeded(state: 45), seeds: [])
        var keys: [VersionKey] = []
        while keys.count < 400 {
            if let key = try? DebianVersion.key(for: generator.mutate(generator.seed())) { keys.append(key) }
        }
        for key in keys {
            for other in keys {
                let flags = [key < other, key == other, other < key].filter { $0 }
                #expect(flags.count == 1)
                #expect((key < other) == key.bytes.lexicographicallyPrecedes(other.bytes))
            }
        }
    }
}
