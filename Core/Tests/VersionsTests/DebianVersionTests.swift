import Foundation
import Testing
import Versions

func ordering(_ a: VersionKey, _ b: VersionKey) -> Ordering { a == b ? .equal : a < b ? .less : .greater }

struct DebianVersionTests {
    @Test func parts() throws {
        #expect(try DebianVersion.parse("1:2.3-4") == DebianVersion(epoch: 1, upstream: "2.3", revision: "4"))
        #expect(try DebianVersion.parse(" 2.3\t") == DebianVersion(epoch: 0, upstream: "2.3", revision: ""))
        #expect(try DebianVersion.parse("0:1:2-3-4") == DebianVersion(epoch: 0, upstream: "1:2-3", revision: "4"))
        #expect(try DebianVersion.parse("2147483647:0").epoch == 2_147_483_647)
        #expect(try DebianVersion.parse("v1_2", strictness: .lax).upstream == "v1_2")
    }

    @Test(
        arguments: [
            ("1.0", "=", "1.0-0"), ("1.0", "=", "0:1.00"), ("1.0", "=", "1.0-"), ("1a", "=", "1a0"), ("1", "<", "1.0"),
            ("1.0~rc1", "<", "1.0"), ("1.0~~", "<", "1.0~"), ("1.0a", "<", "1.0+"), ("1.0Z", "<", "1.0a"),
            ("1:0", ">", "9"),
            ("1.10", ">", "1.9"), ("1-1~deb12u1", "<", "1-1"), ("1.0-1", "<", "1.0.1"), ("2", "<", "10"),
        ] as [(String, String, String)])
    func known(a: String, symbol: String, b: String) throws {
        if b.hasSuffix("-") {
            #expect(throws: VersionError.self) { try DebianVersion.key(for: b) }
        } else {
            #expect(try compare(a, b, scheme: DebianVersion.self).symbol == symbol)
        }
    }

    @Test func numbersOfAnyLength() throws {
        var texts: [String] = []
        for count in [1, 2, 18, 19, 20, 21, 249, 250, 251, 252, 253, 254, 255, 256, 257, 300, 511, 512, 513, 900] {
            texts.append("1" + String(repeating: "0", count: count - 1))
            texts.append(String(repeating: "9", count: count))
        }
        let keys = try texts.map { try DebianVersion.key(for: $0) }
        for (index, key) in keys.enumerated() {
            #expect(try DebianVersion.key(for: "000" + texts[index]) == key)
            for later in keys[(index + 1)...] { #expect(key < later) }
        }
    }

    @Test(arguments: [
        ("", 0, "empty"), ("   ", 3, "empty"), ("1 0", 1, "blank"), (":1", 0, "epoch"), ("a:1", 0, "not a number"),
        ("1x:1", 1, "not a number"), ("-1:1", 0, "negative"), ("2147483648:1", 0, "above 2147483647"),
        ("99999999999999999999:1", 0, "above"), ("0:", 2, "nothing follows"), ("1.0-", 4, "revision"),
        ("-1", 0, "upstream version is empty"), ("0:-1", 2, "upstream version is empty"),
        ("abc", 0, "start with a digit"),
        (" 1.0_1", 4, "'_' is not allowed in an upstream"), ("1.0-1_1", 5, "'_' is not allowed in a revision"),
        ("0:1-1:1", 5, "':' is not allowed in a revision"), ("1.é2", 2, "U+00E9"), ("1.\u{0}", 2, "U+0000"),
        ("1.0\n", 3, "U+000A"), (String(repeating: "1", count: 1025), 1024, "longer than 1024"),
    ])
    func errorsSayWhere(text: String, offset: Int, reason: String) {
        let error = #expect(throws: VersionError.self) { try DebianVersion.key(for: text) }
        #expect(error?.offset == offset)
        #expect(error?.reason.contains(reason) == true)
        #expect(error?.scheme == "deb")
        #expect(error?.version == text)
    }

    @Test func errorsPointWithACaret() {
        let error = #expect(throws: VersionError.self) { try DebianVersion.key(for: "1é_1") }
        #expect(
            error?.description == """
                not a deb version: U+00E9 is not allowed in an upstream version (letters, digits and . + - ~ : are)
                  1?_1
                   ^
                """)
        let atEnd = #expect(throws: VersionError.self) { try DebianVersion.key(for: "1.0-") }
        #expect(atEnd?.description.hasSuffix("\n  1.0-\n      ^") == true)
        let long = #expect(throws: VersionError.self) {
            try DebianVersion.key(for: String(repeating: "1", count: 100) + "_" + String(repeating: "2", count: 100))
        }
        let lines = long?.description.split(separator: "\n") ?? []
        #expect(lines.count == 3 && lines[1].count < 100)
        #expect(lines[1][lines[1].index(lines[1].startIndex, offsetBy: lines[2].count - 1)] == "_")
    }

    @Test func schemesByName() {
        #expect(VersionSchemes.named("deb") is DebianVersion.Type)
        #expect(VersionSchemes.named("nothing") == nil)
    }

    @Test func keysReturnFromStorage() throws {
        let key = try DebianVersion.key(for: "1:2.3~rc1-4")
        #expect(VersionKey(bytes: key.bytes) == key)
        #expect(key.bytes.count <= 20)
    }

    // MARK: vectors

    /// The rows `<` and `>` of dpkg's own t-version.c. The file's rows `==` pair objects of different checks there (dpkg
    /// itself denies them), so the equalities of t-version.c are in ``dpkgUnitTestEqualities()``.
    @Test(.enabled(if: TestData.isPresent)) func dpkgUnitTestVectors() throws {
        var count = 0
        for line in try TestData.lines("vectors/version/dpkg/t-version.tsv") where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 7, let expected = [Ordering.less, .greater].first(where: { $0.symbol == fields[3] })
            else { continue }
            let a = DebianVersion(epoch: try #require(UInt32(fields[0])), upstream: fields[1], revision: fields[2])
            let b = DebianVersion(epoch: try #require(UInt32(fields[4])), upstream: fields[5], revision: fields[6])
            #expect(ordering(a.key, b.key) == expected, "\(line)")
            count += 1
        }
        #expect(count == 6)
    }

    @Test func dpkgUnitTestEqualities() {
        func key(_ epoch: UInt32, _ upstream: String, _ revision: String) -> VersionKey {
            DebianVersion(epoch: epoch, upstream: upstream, revision: revision).key
        }
        #expect(key(0, "", "") == key(0, "", ""))
        #expect(key(1, "", "") != key(2, "", ""))
        #expect(key(0, "1", "1") != key(0, "2", "1"))
        #expect(key(0, "1", "1") != key(0, "1", "2"))
        #expect(key(0, "0", "00") == key(0, "00", "0"))
        #expect(key(0, "0", "") == key(0, "", "0"))
    }

    @Test(.enabled(if: TestData.isPresent)) func dpkgPerlVectors() throws {
        var count = 0
        for line in try TestData.lines("vectors/version/dpkg/Dpkg_Version.txt")
        where !line.hasPrefix("#") && !line.isEmpty {
            let fields = line.split(separator: " ").map(String.init)
            let expected = try #require([-1: Ordering.less, 0: .equal, 1: .greater][Int(fields[2]) ?? 9])
            #expect(try compare(fields[0], fields[1], scheme: DebianVersion.self) == expected, "\(line)")
            count += 1
        }
        #expect(count > 40)
    }

    @Test(.enabled(if: TestData.isPresent)) func refusedVectors() throws {
        var count = 0
        for line in try TestData.lines("vectors/version/dpkg/t-version-invalid.txt") where !line.hasPrefix("#") {
            #expect(throws: VersionError.self, "\(line)") { try DebianVersion.key(for: line) }
            count += 1
        }
        #expect(count >= 14)
    }

    @Test(.enabled(if: TestData.isPresent), arguments: ["debian-versions.txt", "debian-versions-generated.txt"])
    func scalibrVectors(file: String) throws {
        var count = 0
        for line in try TestData.lines("vectors/version/osv-scalibr/\(file)") where !line.isEmpty {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count == 3, ["<", "=", ">"].contains(fields[1]) else { continue }
            let a = try DebianVersion.parse(fields[0], strictness: .lax)
            let b = try DebianVersion.parse(fields[2], strictness: .lax)
            #expect(ordering(a.key, b.key).symbol == fields[1], "\(line)")
            count += 1
        }
        #expect(count > 10)
    }
}
