import Foundation
import Testing
import Versions

/// Every vector of the shared data, each file with the number of lines that must have been judged.
@Suite(.enabled(if: TestData.isPresent)) struct VectorTests {
    /// Files of lines `A < B`, with comments and blank lines.
    @Test(
        arguments: [
            ("deb", "osv-scalibr/debian-versions.txt", 30), ("deb", "osv-scalibr/debian-versions-generated.txt", 8_758),
            ("rpm", "osv-scalibr/redhat-versions.txt", 165), ("rpm", "claircore-rpmver/rpmvercmp.txt", 113),
            ("apk", "osv-scalibr/alpine-versions.txt", 778),
            ("apk", "osv-scalibr/alpine-versions-generated.txt", 8_470),
            ("apk", "apk/alpine_test.txt", 716), ("semver", "osv-scalibr/semver-versions.txt", 86),
            ("pypi", "osv-scalibr/pypi-versions.txt", 37), ("pypi", "osv-scalibr/pypi-versions-generated.txt", 7_601),
            ("maven", "osv-scalibr/maven-versions.txt", 102),
            ("maven", "osv-scalibr/maven-versions-generated.txt", 9_050), ("maven", "maven/pairs.tsv", 64),
            ("gem", "osv-scalibr/rubygems-versions.txt", 25),
            ("gem", "osv-scalibr/rubygems-versions-generated.txt", 2_514),
            ("composer", "osv-scalibr/packagist-versions.txt", 95),
            ("composer", "osv-scalibr/packagist-versions-generated.txt", 6_525),
            ("nuget", "osv-scalibr/nuget-versions.txt", 35), ("pub", "osv-scalibr/pub-versions.txt", 100),
            ("cran", "osv-scalibr/cran-versions.txt", 21), ("cran", "osv-scalibr/cran-versions-generated.txt", 41),
            ("hackage", "osv-scalibr/hackage-versions.txt", 11),
        ] as [(String, String, Int)])
    func pairs(scheme: String, file: String, expected: Int) throws {
        let type = try #require(VersionSchemes.named(scheme))
        var count = 0
        for line in try TestData.lines("vectors/version/" + file) {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard fields.count == 3, ["<", "=", "==", ">"].contains(fields[1]), !line.hasPrefix("#") else { continue }
            count += 1
            let symbol = fields[1] == "==" ? "=" : fields[1]
            #expect(answer(fields[0], fields[2], type) == symbol, "\(scheme): \(line)")
        }
        #expect(count >= expected)
        print("vectors: \(scheme) \(count) of \(file)")
    }

    /// Files of lines `A B -1|0|1`.
    @Test(arguments: [("alpm", "pacman/vercmp.tsv", 46), ("rpm", "rpm/rpmvercmp.tsv", 91)] as [(String, String, Int)])
    func numbered(scheme: String, file: String, expected: Int) throws {
        let type = try #require(VersionSchemes.named(scheme))
        var count = 0
        for line in try TestData.lines("vectors/version/" + file) where !line.hasPrefix("#") && !line.isEmpty {
            let fields = line.split(separator: "\t").map(String.init)
            count += 1
            #expect(answer(fields[0], fields[1], type) == ["-1": "<", "0": "=", "1": ">"][fields[2]], "\(line)")
        }
        #expect(count >= expected)
        print("vectors: \(scheme) \(count) of \(file)")
    }

    /// Files whose lines ascend; every pair of them is judged, by key and by pair.
    @Test(
        arguments: [
            ("pypi", "pep440/ordered.txt", 92), ("maven", "maven/ordered-number.txt", 24),
            ("maven", "maven/ordered-qualifier.txt", 22),
        ] as [(String, String, Int)])
    func ascending(scheme: String, file: String, expected: Int) throws {
        let type = try #require(VersionSchemes.named(scheme))
        let versions = try TestData.lines("vectors/version/" + file).filter { !$0.hasPrefix("#") && !$0.isEmpty }
        #expect(versions.count == expected)
        let keys = try versions.map { try type.key(for: $0) }
        for (index, key) in keys.enumerated() {
            for later in index + 1..<max(keys.count, index + 1) {
                // Two spellings in one of Maven's lists are one version there.
                #expect(key < keys[later], "\(versions[index]) < \(versions[later])")
            }
            if index + 1 < keys.count { #expect(answer(versions[index], versions[index + 1], type) == "<") }
        }
        print("vectors: \(scheme) \(versions.count) ascending of \(file)")
    }

    @Test func goVersions() throws {
        var keys: [VersionKey] = []
        var refused = 0
        for line in try TestData.lines("vectors/version/gosemver/ordered-canonical.tsv")
        where !line.hasPrefix("#") && !line.isEmpty {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if fields[1].isEmpty {
                #expect(throws: VersionError.self, "\(line)") { try GoVersion.key(for: fields[0]) }
                refused += 1
            } else {
                #expect(answer(fields[0], fields[1], GoVersion.self) == "=", "\(line)")
                let key = try GoVersion.key(for: fields[0])
                if let last = keys.last { #expect(!(key < last), "\(line)") }
                keys.append(key)
            }
        }
        #expect(keys.count == 24 && refused == 8)
        print("vectors: golang \(keys.count + refused) of gosemver/ordered-canonical.tsv")
    }

    @Test func openSSLVersions() throws {
        let all = try TestData.lines("vectors/version/univers/openssl/openssl_all_versions.txt").filter { !$0.isEmpty }
        let data = try Data(
            contentsOf: URL(filePath: TestData.root + "/vectors/version/univers/openssl/openssl_versort_expected.json"))
        let expected = try JSONDecoder().decode([[String: String]].self, from: data).compactMap { $0["value"] }
        var keyed: [(VersionKey, String)] = []
        for version in Set(all + expected) { keyed.append((try OpenSSLVersion.key(for: version), version)) }
        keyed.sort { $0.0 < $1.0 }
        #expect(keyed.map { $0.1 } == expected)
        print("vectors: openssl \(expected.count) in order, \(all.count) read")
    }

    @Test func rpmPackageNames() throws {
        var count = 0
        for line in try TestData.lines("vectors/version/claircore-rpmver/parse.txt")
        where !line.hasPrefix("#") && !line.isEmpty {
            let fields = line.split(separator: " ").map { $0 == "''" || $0 == "\"\"" ? "" : String($0) }
            let package = try RPMPackageName.parse(fields[0])
            let evr = try RPMVersion.parse(package.evr)
            #expect(
                [package.name, evr.epoch, evr.version, evr.release ?? "", package.architecture] == fields.dropFirst())
            count += 1
        }
        for line in try TestData.lines("vectors/version/claircore-rpmver/compare.txt")
        where !line.hasPrefix("#") && !line.isEmpty {
            let fields = line.split(separator: " ").map(String.init)
            #expect(try RPMPackageName.compare(fields[0], fields[2]).symbol == String(fields[1].prefix(1)), "\(line)")
            count += 1
        }
        #expect(count == 16)
        print("vectors: rpm package names \(count)")
    }

    private func answer(_ a: String, _ b: String, _ scheme: any VersionScheme.Type) -> String {
        do { return try scheme.compare(a, b).symbol } catch { return error.description }
    }
}
