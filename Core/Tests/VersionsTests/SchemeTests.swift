import Testing
import Versions

/// What each scheme calls equal, older, open and wrong, one row a fact.
struct SchemeTests {
    @Test(
        arguments: [
            ("rpm", "1.0-1 < 1:0.9-1", "1.0 < 1.0-1", "1.0~rc1 < 1.0", "1.0 < 1.0^git1", "1.0^git1 < 1.0.1"),
            ("rpm", "0:1-1 = 1-1", "1.0010 = 1.10", "1_1 = 1.1", "a < 1", "1.0^ > 1.0"),
            ("apk", "1.0_alpha < 1.0", "1.0 < 1.0_p1", "1.0-r1 > 1.0", "1.05 < 1.1", "1.0a > 1.0"),
            ("alpm", "1-1 = 1", "1-1 < 1-2", "1:0 > 2", "1.0a < 1.0", "1.0.1 > 1.0"),
            ("semver", "1 = 1.0.0", "v1.2.3 = 1.2.3+b", "1.0.0-2 < 1.0.0-10", "1.0.0-10 < 1.0.0-a", "1.0.0 < 1.0.0.1"),
            ("pypi", "1.0 = 1", "1.0.dev1 < 1.0a1", "1!0.1 > 9", "1.0.post1 > 1.0+local", "1.0-rc.1 = 1.0C1"),
            ("npm", "v1.2.3 = 1.2.3", "1.2.3-a < 1.2.3", "1.2.3+x = 1.2.3+y", "1.10.0 > 1.9.0", "1.0.0-A < 1.0.0-a"),
            ("maven", "1.0 = 1-ga", "1-rc1 < 1-SNAPSHOT", "1 < 1-sp", "1-sp < 1-foo", "1a1 = 1-alpha-1"),
            ("gem", "1.0 = 1", "1.a < 1", "1.0.a = 1.a", "1.0.1 < 1.1", "1-2 < 1.2"),
            (
                "golang", "v2.0.0+incompatible = 2.0.0", "v0.0.0-20200101000000-abcdefabcdef < v0.0.0", "v1 = v1.0.0",
                "go1.21rc2 = 1.21.0-rc.2", "go1.9 < go1.10"
            ),
            ("nuget", "1.0 = 1.0.0.0", "1.0-A = 1.0-a", "1.0.0.1 > 1.0.0", "1.0.0-a < 1.0.0", "1.01 = 1.1"),
            ("cargo", "1.0.0-a < 1.0.0", "1.0.0+1 = 1.0.0+2", "1.2.0 < 1.10.0", "0.1.0 < 1.0.0", "1.0.0-1 < 1.0.0-a"),
            ("composer", "1.0 < 1.0.0", "1.0RC1 < 1.0", "1.0 < 1.0pl1", "v1.0 = 1.0", "dev-a ? dev-b"),
            ("hex", "1.0.0-a < 1.0.0", "1.0.0+1 = 1.0.0+2", "1.2.0 < 1.10.0", "0.1.0 < 1.0.0", "1.0.0-1 < 1.0.0-a"),
            ("pub", "1.0.0 < 1.0.0+1", "1.0.0+1 < 1.0.0+2", "1.0.0-a+1 < 1.0.0", "1.0.0+9 < 1.0.0+a", "1.0.0 = 1.0.0"),
            ("cran", "1.0 < 1.0.0", "1-2 = 1.2", "1.01 = 1.1", "1.9 < 1.10", "2 > 1.9"),
            ("hackage", "1.0 < 1.0.0", "1.01 = 1.1", "1.9 < 1.10", "2 > 1.9", "0.1 = 0.1"),
            ("freebsd", "1.0 = 1", "1.0_1 > 1.0", "1.0,1 > 2.0", "1.0.alpha1 < 1.0", "1.0pl1 < 1.0"),
            ("freebsd", "10a1b2 = 10a1.b2", "1.*  < 1pl1", "10 < 10a", "1+0 = 1", "1+a < 1"),
            ("brew", "1.0 = 1", "1.0-beta1 < 1.0", "1.0_1 > 1.0", "HEAD > 99", "1.0-beta1 ? 1.0-aaa"),
            (
                "windows", "10.0 = 10.0.0.0", "10.0.19045.3803 < 10.0.19045.4046", "6.3.9600 < 10.0.10240", "1 = 1",
                "2 > 1"
            ),
            ("apple", "23F79 > 23E224", "21A5248p ? 21A326", "14.5 = 14.5.0", "13.3.1 (a) > 13.3.1", "14.5 ? 23F79"),
            (
                "openssl", "1.0.2z < 1.0.2za", "1.1.1-beta1 < 1.1.1", "1.1.1 < 1.1.1a", "3.0.2 > 1.1.1n",
                "1.0.2 < 1.0.2-dev"
            ),
        ] as [(String, String, String, String, String, String)])
    func facts(_ row: (String, String, String, String, String, String)) throws {
        let scheme = try #require(VersionSchemes.named(row.0))
        for fact in [row.1, row.2, row.3, row.4, row.5] {
            let symbol = try #require(fact.first { "<=>?".contains($0) })
            let sides = fact.split(separator: symbol).map { $0.trimmed }
            #expect(try scheme.compare(sides[0], sides[1]).symbol == String(symbol), "\(row.0): \(fact)")
            #expect(try scheme.compare(sides[1], sides[0]).reversed.symbol == String(symbol), "\(row.0): \(fact)")
        }
    }

    @Test(
        arguments: [
            ("rpm", "1:", 2), ("rpm", "1.0 1", 3), ("apk", "a1", 0), ("apk", "1.0_foo", 4), ("apk", "1-1", 1),
            ("apk", "1.0-r", 5), ("alpm", "1.0.", 3), ("alpm", "1-", 2), ("semver", "x", 0), ("semver", "1.", 2),
            ("semver", "1.0.0-", 6), ("semver", "1.0.0-a..b", 8), ("pypi", "1 0", 1), ("npm", "1.0", 3),
            ("npm", "01.0.0", 0), ("npm", "9007199254740992.0.0", 0), ("npm", "1.0.0-01", 6), ("maven", "", 0),
            ("gem", "a", 0), ("gem", "1..2", 2), ("gem", "1.", 2), ("golang", "v1-pre", 2), ("golang", "bad", 0),
            ("nuget", "1.0.0.0.1", 8), ("cargo", "1.0", 3), ("cargo", "v1.0.0", 0), ("composer", "1.#", 2),
            ("hex", "1.0.0.0", 5), ("pub", "1.0.0+", 6), ("cran", "1.0a", 3), ("freebsd", "1.0_x", 4),
            ("freebsd", "1.0,", 4), ("brew", "---", 3), ("windows", "10.x", 3), ("windows", "1.1.1.1.1.1.1.1.1", 16),
            ("apple", "23", 2), ("apple", "23F", 3), ("apple", "23F79pp", 6), ("openssl", "1.1", 3),
            ("hackage", "1-2", 1), ("semver", "1.0.0-é", 6),
        ] as [(String, String, Int)])
    func errorsSayWhere(scheme: String, version: String, offset: Int) throws {
        let type = try #require(VersionSchemes.named(scheme))
        if scheme == "apple", version == "23" {
            // A product version of one number.
            #expect(try type.compare(version, "23.0") == .equal)
            return
        }
        let error = #expect(throws: VersionError.self, "\(scheme) \(version)") { try type.key(for: version) }
        #expect(error?.offset == offset, "\(scheme) \(version): \(error?.description ?? "")")
        #expect(error?.version == version)
        #expect(error?.scheme == scheme)
        #expect(error?.reason.isEmpty == false)
    }

    @Test func everySchemeHasLimits() throws {
        for scheme in VersionSchemes.all {
            for text in ["", " ", "1\u{0}", "1\n2", String(repeating: "1", count: 1025)] {
                #expect(throws: VersionError.self, "\(scheme.name)") { try scheme.key(for: text) }
            }
            // The longest that is read costs no more than a few times its length.
            let longest = String(repeating: "1.", count: 511) + "1"
            if let key = try? scheme.key(for: longest) { #expect(key.bytes.count < 4 * 1024) }
        }
    }

    @Test func namesAreSortedAndUnique() {
        let names = VersionSchemes.all.map { $0.name }
        #expect(names == Set(names).sorted())
        #expect(names.count == 22)
        #expect(VersionSchemes.named("swift") is SemanticVersion.Type)
    }

    @Test func oldPythonStringsComeBeforeStandardOnes() throws {
        #expect(PythonVersion.isStandard("1.0.post1.dev2+a.b"))
        #expect(!PythonVersion.isStandard("0.1-bulbasaur"))
        #expect(try PythonVersion.key(for: "99-bulbasaur") < PythonVersion.key(for: "0.dev0"))
    }

    /// The written rule goes in a circle; the keys do not.
    @Test func mavenKeysHaveNoCircle() throws {
        let versions = ["1.0.rc1", "1.0", "1.0-1"]
        #expect(try MavenVersion.compare(versions[2], versions[0]) == .less)
        let keys = try versions.map { try MavenVersion.key(for: $0) }
        #expect(keys[0] < keys[1] && keys[1] < keys[2])
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
