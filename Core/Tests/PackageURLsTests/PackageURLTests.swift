import Foundation
import PackageURLs
import Testing

struct PackageURLTests {
    @Test func readsParts() throws {
        let url = try #require(
            PackageURL(
                "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1~deb12u2"
            ))
        #expect(url.type == "deb" && url.namespace == "debian" && url.name == "libssl3")
        #expect(url.version == "3.0.11-1~deb12u2" && url.qualifiers["upstream"] == "openssl@3.0.11-1~deb12u2")
        let scoped = try #require(PackageURL("pkg:npm/%40angular/core@1.0.0"))
        #expect(scoped.namespace == "@angular" && scoped.name == "core")
        #expect(PackageURL("pkg:npm/@angular/core")?.namespace == "@angular")
        #expect(PackageURL("pkg:npm/@angular/core@2")?.version == "2")
        for bad in [
            "", "npm/x", "pkg:npm", "pkg:npm/", "pkg:npm/%4", "pkg:/x", "pkg:npm/a/@2", "pkg:npm/@2", "pkg:npm/a@%zz",
            "pkg:npm/a?b=%f", "pkg:npm/%FF", "pkg:", "pkg", "pkg:npm/" + String(repeating: "a", count: 8 << 10),
        ] {
            #expect(PackageURL(bad) == nil, "\(bad.prefix(40))")
        }
    }

    /// As VEX documents write them.
    @Test func readsModulesAndSuffixes() throws {
        let module = try #require(PackageURL("pkg:rpmmod/redhat/virt@rhel:8060020230403063348:ad008a3a"))
        #expect(
            module.type == "rpmmod" && module.name == "virt" && module.version == "rhel:8060020230403063348:ad008a3a")
        let package = try #require(
            PackageURL("pkg:RPM/redhat/nodejs@18.1-1.module%2Bel9?Arch=x86_64&rpmmod=nodejs:18:9020:rhel9&empty=&bare"))
        #expect(package.type == "rpm" && package.version == "18.1-1.module+el9")
        #expect(package.qualifiers == ["arch": "x86_64", "rpmmod": "nodejs:18:9020:rhel9"])
        #expect(PackageURL("pkg://oci//image@sha256%3Aabc?tag=1#a/b")?.version == "sha256:abc")
    }

    private struct Suite: Decodable {
        struct Case: Decodable {
            var testType: String
            var description: String
            var input: Input
            var expectedOutput: Output?
            var expectedFailure: Bool
        }
        enum Input: Decodable {
            case text(String)
            case other
            init(from decoder: any Decoder) throws {
                self = (try? decoder.singleValueContainer().decode(String.self)).map(Input.text) ?? .other
            }
        }
        struct Output: Decodable {
            var type: String
            var namespace: String?
            var name: String
            var version: String?
            var qualifiers: [String: String]?
            private enum Key: CodingKey { case type, namespace, name, version, qualifiers }
            init(from decoder: any Decoder) throws {
                guard let values = try? decoder.container(keyedBy: Key.self) else {
                    (type, name) = ("", "")
                    return
                }
                type = try values.decodeIfPresent(String.self, forKey: .type) ?? ""
                name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
                namespace = try values.decodeIfPresent(String.self, forKey: .namespace)
                version = try values.decodeIfPresent(String.self, forKey: .version)
                qualifiers = try values.decodeIfPresent([String: String].self, forKey: .qualifiers)
            }
        }
        var tests: [Case]
    }

    /// The specification's own tests of reading, but for what each type adds: which letters are lower case, which parts it asks
    /// for or forbids.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: Self.vectors)))
    func specificationsOwnTestsAgree() throws {
        var (read, refused) = (0, 0)
        let files = try FileManager.default.subpathsOfDirectory(atPath: Self.vectors).filter {
            $0.hasSuffix("-test.json")
        }
        for file in files.sorted() {
            let data = try Data(contentsOf: URL(filePath: "\(Self.vectors)/\(file)"))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            for one in try decoder.decode(Suite.self, from: data).tests where one.testType == "parse" {
                guard case .text(let text) = one.input else { continue }
                if one.expectedFailure {
                    guard file.hasSuffix("specification-test.json") else { continue }
                    refused += 1
                    #expect(PackageURL(text) == nil, "\(file): \(text): \(one.description)")
                    continue
                }
                // Of git the whole path behind the host is the name.
                guard let expected = one.expectedOutput, expected.type != "git" else { continue }
                read += 1
                let url = PackageURL(text)
                #expect(url?.type == expected.type, "\(file): \(text)")
                #expect(url?.version.lowercased() == (expected.version ?? "").lowercased(), "\(file): \(text)")
                #expect(url?.qualifiers == expected.qualifiers ?? [:], "\(file): \(text)")
                #expect(Self.plain(url?.name) == Self.plain(expected.name), "\(file): \(text)")
                #expect(Self.plain(url?.namespace) == Self.plain(expected.namespace), "\(file): \(text)")
            }
        }
        print("vectors: purl \(read) read, \(refused) refused")
        #expect(read > 150 && refused > 5)
    }

    private static func plain(_ text: String?) -> String {
        (text ?? "").lowercased().replacingOccurrences(of: "_", with: "-")
    }

    private static let vectors: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty {
            return path + "/vectors/purl"
        }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data/vectors/purl").standardized.path
    }()
}
