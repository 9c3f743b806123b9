import Testing
import Versions

/// Versions of every scheme, made from its own alphabet, so that they differ by little.
struct SchemeGenerator {
    static let alphabets: [String: [String]] = [
        "deb": ["0", "1", "9", "10", "a", "rc", ".", "-", "+", "~", "1:"],
        "rpm": ["0", "1", "9", "10", "a", "rc", ".", "-", "_", "~", "^", "1:"],
        "apk": ["0", "1", "9", "01", "10", "a", ".", "_alpha", "_rc1", "_p", "_git2", "-r1", "~ab"],
        "alpm": ["0", "1", "9", "10", "a", "rc", ".", "..", "-", "_", "1:"],
        "semver": ["0", "1", "9", "10", ".", ".0.0", "-a", "-1", "-rc.1", "+b", "v"],
        "pypi": ["0", "1", "9", ".", "1!", "a1", "rc", ".post", ".dev", "+l", "-1", "foo", "_"],
        "npm": ["0", "1", "9", "10", ".", ".0.0", "-a", "-1", "-rc.1", "+b"],
        "maven": ["0", "1", "9", ".", "-", "alpha", "rc", "sp", "ga", "foo", "final", "b1", "SNAPSHOT"],
        "gem": ["0", "1", "9", "10", ".", "a", "rc", "-", ".pre", "B"],
        "golang": ["0", "1", "9", "10", ".", ".0.0", "-a", "-0.20200101", "+incompatible", "v"],
        "nuget": ["0", "1", "9", "10", ".", ".0.0", "-a", "-B", "-rc.1", "+b"],
        "cargo": ["0", "1", "9", "10", ".", ".0.0", "-a", "-1", "-rc.1", "+b"],
        "composer": ["0", "1", "9", "10", ".", "a", "RC", "dev", "pl", "-", "foo", "beta"],
        "hex": ["0", "1", "9", "10", ".", ".0.0", "-a", "-1", "-rc.1", "+b"],
        "pub": ["0", "1", "9", "10", ".", ".0.0", "-a", "-1", "-rc.1", "+b", "+1"],
        "cran": ["0", "1", "9", "01", ".", "-"], "hackage": ["0", "1", "9", "01", "."],
        "freebsd": ["0", "1", "9", "10", ".", "a", "b2", "pl", "alpha", "rc1", "+", "*", "_1", ",1"],
        "brew": ["0", "1", "9", "10", ".", "alpha", "b2", "rc1", "p1", "foo", "_1", ".post1", "-"],
        "windows": ["0", "1", "9", "10", "."], "apple": ["1", "9", "23", "F", "A", "5248", "p", "."],
        "openssl": ["1.0.2", "0.9.8", "1", "a", "za", "-beta1", "-dev", "-alpha2"],
    ]

    var random: Seeded
    let alphabet: [String]

    init(scheme: String, seed: UInt64) {
        random = Seeded(state: seed)
        alphabet = Self.alphabets[scheme] ?? []
    }

    mutating func next() -> String {
        var text = ["0", "1", "2", "10"].randomElement(using: &random) ?? ""
        for _ in 0..<Int.random(in: 0...6, using: &random) { text += alphabet.randomElement(using: &random) ?? "" }
        return text
    }

    /// Versions that the scheme takes.
    mutating func versions(_ scheme: any VersionScheme.Type, count: Int) -> [(text: String, key: VersionKey)] {
        var versions: [(String, VersionKey)] = []
        var tries = 0
        while versions.count < count, tries < 200 * count {
            tries += 1
            let text = next()
            if let key = try? scheme.key(for: text) { versions.append((text, key)) }
        }
        return versions
    }
}

struct TotalOrderTests {
    @Test(arguments: VersionSchemes.all.map { $0.name })
    func keysAreATotalOrder(name: String) throws {
        let scheme = try #require(VersionSchemes.named(name))
        var generator = SchemeGenerator(scheme: name, seed: 7)
        let versions = generator.versions(scheme, count: 150)
        try #require(versions.count == 150)
        for one in versions {
            #expect(try scheme.key(for: one.text) == one.key)
            for two in versions {
                #expect([one.key < two.key, one.key == two.key, two.key < one.key].filter { $0 }.count == 1)
                #expect((one.key < two.key) == one.key.bytes.lexicographicallyPrecedes(two.key.bytes))
            }
        }
    }

    /// Pairs are antisymmetric in every scheme, and the order of the keys but for the exceptions a scheme names.
    @Test(arguments: VersionSchemes.all.map { $0.name })
    func pairsAgreeWithKeys(name: String) throws {
        let scheme = try #require(VersionSchemes.named(name))
        var generator = SchemeGenerator(scheme: name, seed: 8)
        let versions = generator.versions(scheme, count: 120)
        for one in versions {
            for two in versions {
                let order = try scheme.compare(one.text, two.text)
                #expect(order == (try scheme.compare(two.text, one.text)).reversed, "\(one.text) \(two.text)")
                if order == .unordered { continue }
                if name == "maven", hasDotQualifier(one.text) || hasDotQualifier(two.text) { continue }
                if name == "alpm", order == .equal { continue }
                #expect(order == one.key.ordering(to: two.key), "\(name): \(one.text) \(two.text)")
            }
        }
    }

    /// Pairs are transitive wherever they are the order of the keys.
    @Test(arguments: ["deb", "rpm", "apk", "pypi", "gem", "freebsd", "brew", "composer", "pub"])
    func pairsAreTransitive(name: String) throws {
        let scheme = try #require(VersionSchemes.named(name))
        var generator = SchemeGenerator(scheme: name, seed: 9)
        let texts = generator.versions(scheme, count: 30).map { $0.text }
        for a in texts {
            for b in texts where try scheme.compare(a, b) == .less {
                for c in texts where try scheme.compare(b, c) == .less {
                    let order = try scheme.compare(a, c)
                    #expect(order == .less || order == .unordered, "\(name): \(a) \(b) \(c)")
                }
            }
        }
    }

    private func hasDotQualifier(_ text: String) -> Bool {
        var previous: Character = "."
        for character in text {
            if character.isLetter, previous == "." { return true }
            previous = character
        }
        // Between digits and letters a hyphen is understood, but what counts as nothing before it differs too.
        return text.contains("ga") || text.contains("final") || text.hasPrefix("0") || text.contains(".0")
            || text.contains("-0")
    }
}
