import Feeds
import Foundation
import Testing

/// Every reader with a small real document of its feed.
private let readers: [(name: String, make: @Sendable () -> any FeedReader, sample: String)] = [
    (
        "osv", { OSVReader() },
        #"{"id": "X-1", "modified": "2024-01-02T03:04:05Z", "aliases": ["CVE-2024-1234"], "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}], "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "1.0"}, {"introduced": "2"}]}], "versions": ["0.1\u00e9"]}]}"#
    ),
    (
        "debian-tracker", { DebianTrackerReader() },
        #"{"curl": {"CVE-2024-0001": {"description": "d", "releases": {"bookworm": {"status": "resolved", "fixed_version": "1", "urgency": "low"}, "sid": {"status": "open"}}}}}"#
    ),
    (
        "debian-list", { DebianListReader() },
        "[29 Mar 2023] DSA-5380-1 xorg-server - security update\n\t{CVE-2023-1393}\n\t[bullseye] - xorg-server 2:1.20.11-1+deb11u6 (x)\n"
    ),
    (
        "kev", { KEVReader() },
        #"{"count": 1, "vulnerabilities": [{"cveID": "CVE-2024-0001", "dateAdded": "2024-01-02", "dueDate": "2024-01-23", "cwes": ["CWE-79"]}]}"#
    ),
    (
        "epss", { EPSSReader() },
        "#model_version:v1,score_date:2026-01-30T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01,0.7\n\"CVE-1999-0002\",0.5,\"0.5\"\n"
    ),
    (
        "nvd", { NVDReader() },
        #"{"vulnerabilities": [{"cve": {"id": "CVE-2024-0001", "published": "2014-11-24T15:59:00.090", "metrics": {"cvssMetricV31": [{"source": "x", "cvssData": {"vectorString": "CVSS:3.1/AV:N"}}]}, "configurations": [{"operator": "AND", "nodes": [{"operator": "OR", "cpeMatch": [{"vulnerable": true, "criteria": "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*", "versionEndExcluding": "1"}]}]}]}}]}"#
    ),
    (
        "cve", { CVEReader() },
        #"{"cveMetadata": {"cveId": "CVE-2024-0001", "state": "PUBLISHED"}, "containers": {"cna": {"affected": [{"cpes": ["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"], "versions": [{"version": "1", "lessThan": "2", "status": "affected", "changes": [{"at": "1.5", "status": "unaffected"}]}]}]}, "adp": [{"metrics": [{"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "poc"}]}}}]}]}}"#
    ),
    (
        "secdb", { SecDBReader() },
        #"{"distroversion": "v3.18", "packages": [{"pkg": {"name": "a", "secfixes": {"1.2-r0": ["CVE-2024-0001 (+)"]}}}]}"#
    ),
    (
        "secdb yaml", { SecDBReader() },
        "distroversion: v3.5\npackages:\n  - pkg:\n      name: a\n      secfixes:\n        2-r0:\n        - CVE-2016-9587\n"
    ),
    (
        "arch", { ArchReader() },
        #"[{"name": "AVG-1", "packages": ["a"], "status": "Fixed", "fixed": "1-2", "issues": ["CVE-2024-0001"]}]"#
    ),
    ("echo", { EchoReader() }, #"{"curl": {"CVE-2024-0001": {"fixed_version": "1"}}}"#),
    (
        "csaf", { CSAFReader() },
        #"{"document": {"category": "csaf_vex", "tracking": {"id": "CVE-2024-0001"}}, "product_tree": {"branches": [{"category": "vendor", "name": "v", "branches": [{"category": "product_name", "name": "p", "product": {"product_id": "P", "name": "p", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"}}}, {"category": "product_version", "name": "o", "product": {"product_id": "O", "name": "o", "product_identification_helper": {"purl": "pkg:rpm/redhat/o@1-2?arch=x86_64"}}}]}], "relationships": [{"category": "default_component_of", "full_product_name": {"product_id": "P:O", "name": "n"}, "product_reference": "O", "relates_to_product_reference": "P"}]}, "vulnerabilities": [{"cve": "CVE-2024-0001", "product_status": {"fixed": ["P:O"]}}]}"#
    ),
    (
        "openvex", { OpenVEXReader() },
        #"{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": {"name": "CVE-2024-0001"}, "status": "fixed", "products": [{"@id": "pkg:deb/ubuntu/curl@7?arch=source&distro=jammy"}]}]}"#
    ),
    (
        "cyclonedx", { CycloneDXVEXReader() },
        #"{"bomFormat": "CycloneDX", "components": [{"bom-ref": "a", "purl": "pkg:npm/a@1"}], "vulnerabilities": [{"id": "CVE-2024-0001", "affects": [{"ref": "a", "versions": [{"range": "vers:npm/>=1|<2", "status": "affected"}]}]}]}"#
    ),
    (
        "vunnel", { VunnelReader() },
        #"[{"Vulnerability": {"Name": "CVE-2024-0001", "NamespaceName": "rhel:8", "FixedIn": [{"Name": "a", "NamespaceName": "rhel:8", "Version": "1", "VulnerableRange": "< 1 || >= 2, < 3"}]}}]"#
    ),
    (
        "errata", { ErrataReader() },
        #"{"id": "ALAS2023-2023-1", "cveids": ["CVE-2024-0001"], "packages": [{"name": "a", "version": "1", "release": "2.amzn2023", "arch": "noarch"}]}"#
    ),
    (
        "github", { GitHubReader() },
        #"[{"ghsa_id": "GHSA-1", "vulnerabilities": [{"package": {"ecosystem": "npm", "name": "p"}, "vulnerable_version_range": ">= 1.0, < 1.2"}]}]"#
    ),
    (
        "rubysec", { RubySecReader() },
        "---\ngem: x\ncve: 2024-1234\ntitle: 'a ''b'' c'\nurl: \"https://x\\u00e9\"\ndescription: |\n  text\n\n  more\npatched_versions:\n  - \"~> 2.3.4\"\n  - '>= 3'\nrelated:\n  url:\n    - https://x\n"
    ),
]

struct HostileFeedsTests {
    private func read(_ reader: inout any FeedReader, _ bytes: [UInt8]) -> Int {
        var count = 0
        bytes.withUnsafeBytes { bytes in
            do {
                try reader.read(bytes, place: "hostile/sample.json") { _ in count += 1 }
            } catch {
                Issue.record("the reader threw \(error)")
            }
        }
        return count
    }

    @Test(arguments: readers.indices) func samplesAreRead(index: Int) {
        var reader = readers[index].make()
        #expect(read(&reader, Array(readers[index].sample.utf8)) > 0, "\(readers[index].name): \(reader.faults)")
        #expect(reader.quarantined == 0 && reader.stored > 0)
    }

    /// What is no document of the feed is one fault that says so, and the reader reads on.
    @Test(arguments: readers.indices) func hostileDocuments(index: Int) {
        let sample = Array(readers[index].sample.utf8)
        let deep = [UInt8](repeating: 0x5B, count: 200_000)
        let deepObjects = Array(String(repeating: #"{"a":"#, count: 100_000).utf8)
        let latin: [UInt8] = [0x7B, 0x22, 0xE9, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
        for (bytes, what) in [
            (deep, "deep"), (deepObjects, "deep objects"), (latin, "invalid UTF-8"), ([0, 1, 2, 3], "binary"),
        ] {
            var reader = readers[index].make()
            _ = read(&reader, bytes)
            #expect(reader.stored == 0 && reader.quarantined >= 1, "\(readers[index].name): \(what)")
            #expect(
                reader.faults.first?.reason.isEmpty == false && reader.faults.first?.place.hasPrefix("hostile") == true)
            #expect(read(&reader, sample) > 0)
        }
    }

    /// A document that breaks off anywhere is told, or what was cut off was nothing.
    @Test(arguments: readers.indices) func truncatedDocuments(index: Int) {
        let sample = Array(readers[index].sample.utf8)
        let isJSON = sample[0] == 0x7B || (sample[0] == 0x5B && sample[1] == 0x7B)
        for end in 0..<sample.count {
            var reader = readers[index].make()
            _ = read(&reader, Array(sample[..<end]))
            if isJSON { #expect(reader.quarantined == 1, "\(readers[index].name) cut at \(end)") }
        }
    }

    /// Mutated documents never stop the program, whatever they say.
    @Test(arguments: readers.indices) func mutations(index: Int) {
        var random = SplitMix(state: UInt64(index) &* 977 &+ 5)
        let sample = Array(readers[index].sample.utf8)
        let parts: [[UInt8]] = [
            "\"", "{", "}", "[", "]", ",", ":", "null", "0", "-", "\n", "\\u0000", "99999999999999999999", "\u{1F600}",
            "~> 9", "#", "|", "'",
        ].map { Array($0.utf8) }
        for _ in 0..<600 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                guard !bytes.isEmpty else { break }
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: parts.randomElement(using: &random) ?? [], at: at)
                case 3:
                    let end = min(bytes.count, at + Int.random(in: 1...20, using: &random))
                    bytes.removeSubrange(at..<end)
                default:
                    let end = min(bytes.count, at + Int.random(in: 1...20, using: &random))
                    bytes.insert(contentsOf: bytes[at..<end], at: at)
                }
            }
            var reader = readers[index].make()
            let count = read(&reader, bytes)
            #expect(count >= reader.stored)
        }
    }

    /// The same numbers every time.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
