import Feeds
import Foundation
import Testing

@testable import FeedImport

/// Every parser of feeds, XML and containers included, over documents that are broken in every way: none of them stops the
/// program, and what is refused loses nothing.
@Suite struct FuzzTests {
    /// A small document of each kind.
    private static let samples: [FeedKind: String] = [
        .osv: osv("A-1"),
        .nvd:
            #"{"format":"NVD_CVE","vulnerabilities":[{"cve":{"id":"CVE-2024-0001","published":"2014-11-24T15:59:00.090","configurations":[{"nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:v:p:*:*:*:*:*:*:*:*","versionEndExcluding":"1"}]}]}]}}]}"#,
        .cve:
            #"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Apple","product":"macOS","versions":[{"version":"unspecified","lessThan":"13","status":"affected"}]}]}}}"#,
        .kev:
            #"{"catalogVersion":"1","count":1,"vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23"}]}"#,
        .epss: "#model_version:v1,score_date:2026-01-30T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01,0.7\n",
        .debianTracker:
            #"{"curl":{"CVE-2024-0001":{"description":"d","releases":{"bookworm":{"status":"resolved","fixed_version":"1","urgency":"low"}}}}}"#,
        .debianList:
            "[29 Mar 2023] DSA-5380-1 xorg-server - security update\n\t{CVE-2023-1393}\n\t[bullseye] - xorg-server 2:1.20\n",
        .csaf:
            #"{"document":{"category":"csaf_vex","publisher":{"name":"Microsoft"},"tracking":{"id":"CVE-2024-0001"}},"product_tree":{"branches":[{"category":"product_name","name":"Windows 10 Version 1809","product":{"product_id":"P","name":"p"}}]},"vulnerabilities":[{"cve":"CVE-2024-0001","product_status":{"known_affected":["P"]},"remediations":[{"category":"vendor_fix","details":"10.0.1.2:x","url":"https://x/help/5041578","product_ids":["P"]}]}]}"#,
        .echo: #"{"curl":{"CVE-2024-0001":{"fixed_version":"1"}}}"#,
        .github:
            #"{"ghsa_id":"GHSA-1","vulnerabilities":[{"package":{"ecosystem":"npm","name":"p"},"vulnerable_version_range":">= 1.0, < 1.2"}]}"#,
        .rubySec: "---\ngem: x\ncve: 2024-1234\ntitle: t\nurl: https://x\npatched_versions:\n  - \"~> 2.3.4\"\n",
        .errata:
            #"{"id":"ALASKERNEL-5.10-2022-001","cveids":["CVE-2024-0001"],"packages":[{"name":"kernel","version":"5.10.1","release":"2.amzn2","arch":"noarch"}]}"#,
        .vunnel:
            #"{"Vulnerability":{"Name":"CVE-2024-0001","NamespaceName":"rhel:8","FixedIn":[{"Name":"a","NamespaceName":"rhel:8","Version":"1"}]}}"#,
        .secdb:
            #"{"distroversion":"v3.18","packages":[{"pkg":{"name":"a","secfixes":{"1.2-r0":["CVE-2024-0001"]}}}]}"#,
        .arch:
            #"[{"name":"AVG-1","packages":["a"],"status":"Fixed","affected":"1","fixed":"1-2","issues":["CVE-2024-0001"]}]"#,
        .cycloneDX:
            #"{"bomFormat":"CycloneDX","components":[{"bom-ref":"a","purl":"pkg:npm/a@1"}],"vulnerabilities":[{"id":"CVE-2024-0001","affects":[{"ref":"a"}]}]}"#,
        .openVEX:
            #"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{"name":"CVE-2024-0001"},"status":"fixed","products":[{"@id":"pkg:deb/ubuntu/curl@7?arch=source&distro=jammy"}]}]}"#,
        .updateInfo:
            "<?xml version='1.0'?><updates><update type='security' from='x@almalinux.org'><id>ALSA-1</id><issued date='2022-05-10'/><pkglist><collection><module name='m' stream='1'/><package name='a' version='1' release='2.el9' epoch='0' arch='x86_64'/></collection></pkglist></update></updates>",
        .oval: """
        <oval_definitions><definitions><definition id="oval:org.debian:def:1" class="vulnerability"><metadata><title>CVE-2024-0001</title>
        <affected><platform>Debian GNU/Linux 12</platform></affected></metadata><criteria><criterion test_ref="t:1"/></criteria></definition></definitions>
        <tests><dpkginfo_test id="t:1"><object object_ref="o:1"/><state state_ref="s:1"/></dpkginfo_test></tests>
        <objects><dpkginfo_object id="o:1"><name>curl</name></dpkginfo_object></objects>
        <states><dpkginfo_state id="s:1"><evr datatype="debian_evr_string" operation="less than">0:7-1</evr></dpkginfo_state></states></oval_definitions>
        """,
        .cvrf:
            "<cvrfdoc><DocumentTitle>t</DocumentTitle><DocumentTracking><Identification><ID>RHSA-1</ID></Identification></DocumentTracking><Vulnerability><CVE>CVE-2024-0001</CVE></Vulnerability></cvrfdoc>",
        .cwe:
            "<Weakness_Catalog><Weaknesses><Weakness ID='79' Name='Cross-site Scripting'><Related_Weaknesses><Related_Weakness Nature='ChildOf' CWE_ID='74'/></Related_Weaknesses></Weakness></Weaknesses></Weakness_Catalog>",
    ]

    /// Reads a file; what is refused is an ``ImportError`` with words.
    private func take(_ path: String, kind: FeedKind?, _ scratch: Scratch) -> FeedCounts? {
        do {
            var given = 0
            let counts = try FeedFile(path, name: "f", reading: FeedReading(kind: kind), scratch: scratch.path).records
            {
                _ in given += 1
            }
            #expect(given >= counts.stored)
            return counts
        } catch let error as ImportError {
            #expect(!error.description.isEmpty)
        } catch {
            Issue.record("\(kind.map(\.rawValue) ?? "?"): \(error)")
        }
        return nil
    }

    @Test func `There is a sample of each kind, and it is known by its content`() throws {
        let scratch = try Scratch()
        for kind in FeedKind.allCases {
            let text = try #require(Self.samples[kind], "\(kind)")
            let counts = take(try scratch.write("f", text), kind: nil, scratch)
            #expect(
                counts?.kinds == [kind] && counts?.stored == 1 && counts?.quarantined == 0,
                "\(kind): \(String(describing: counts))")
        }
    }

    @Test(arguments: FeedKind.allCases) func `Hostile documents are refused or put aside`(_ kind: FeedKind) throws {
        let scratch = try Scratch()
        let sample = Array((Self.samples[kind] ?? "").utf8)
        let isXML = sample.first == UInt8(ascii: "<")
        let half = Array(sample.prefix(sample.count / 2))
        let hostile: [(String, [UInt8])] = [
            ("deep", Array(repeating: 0x5B, count: 300_000)),
            ("deep objects", Array(String(repeating: #"{"a":"#, count: 100_000).utf8)),
            ("deep elements", Array(String(repeating: "<a>", count: 100_000).utf8)),
            ("invalid UTF-8", half + [0xFF, 0xFE, 0xC3, 0x28, 0xED, 0xA0, 0x80] + sample.dropFirst(half.count)),
            ("zeros", Array(repeating: 0, count: 100_000)),
            ("cut", half),
            ("a huge name", Array("{\"\(String(repeating: "a", count: 20 << 20))\":1}".utf8)),
        ]
        for (what, bytes) in hostile {
            let counts = take(try scratch.write("f", bytes), kind: kind, scratch)
            // A list of lines, cut between two, is a shorter list; everything else is told.
            if [.epss, .debianList, .rubySec, .secdb].contains(kind) { continue }
            #expect(counts == nil || counts?.stored == 0, "\(kind) \(what)")
            #expect(counts == nil || counts?.quarantined ?? 0 > 0, "\(kind) \(what)")
        }
        if isXML {
            let entity =
                "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
            let text = entity + String(decoding: sample, as: UTF8.self)
            #expect(take(try scratch.write("f", text), kind: kind, scratch) == nil)
        }
    }

    @Test(arguments: FeedKind.allCases) func `Altered documents never stop the program`(_ kind: FeedKind) throws {
        let scratch = try Scratch()
        var random = Seeded(state: UInt64(FeedKind.allCases.firstIndex(of: kind) ?? 0) &* 7_919 &+ 11)
        let sample = Array((Self.samples[kind] ?? "").utf8)
        for _ in 0..<150 {
            _ = take(try scratch.write("f", Self.altered(sample, &random)), kind: kind, scratch)
        }
    }

    @Test(arguments: ["zip", "tar", "gz", "xz", "bz2", "zst", "tar.gz", "tar.zst"])
    func `Altered containers never stop the program, and give no record of what is damaged`(_ form: String) throws {
        let scratch = try Scratch()
        for number in 0..<4 { _ = try scratch.write("in/\(number).json", osv("A-\(number)", fixed: "\(number).7-1")) }
        let make =
            [
                "zip": "python3 -m zipfile -c f in/", "tar": "tar cf f in", "gz": "gzip -c in/0.json > f",
                "xz": "xz -c in/0.json > f", "bz2": "bzip2 -c in/0.json > f", "zst": "zstd -qc in/0.json > f",
                "tar.gz": "tar c in | gzip > f", "tar.zst": "tar c in | zstd -q > f",
            ][form] ?? ""
        try scratch.run("sh", "-c", make)
        let whole = try bytes("\(scratch.path)/f")
        #expect(take("\(scratch.path)/f", kind: .osv, scratch)?.quarantined == 0)
        var random = Seeded(state: UInt64(form.utf8.count) &* 104_729)
        for _ in 0..<150 { _ = take(try scratch.write("g", Self.altered(whole, &random)), kind: .osv, scratch) }
        // Cut anywhere, it is refused, or nothing of its documents is missing.
        for _ in 0..<60 {
            let end = Int.random(in: 1..<whole.count, using: &random)
            let counts = take(try scratch.write("g", Array(whole[..<end])), kind: .osv, scratch)
            let documents = form == "zip" || form.hasPrefix("tar") ? 4 : 1
            #expect(counts == nil || counts?.documents == documents || (counts?.stored ?? 0) == 0, "\(form) at \(end)")
        }
    }

    private static func altered(_ sample: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = sample
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 1...20, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(at..<end)
            case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 3: bytes.insert(contentsOf: Array("<![CDATA[&#x0;]]>\"{[<!--".utf8).shuffled(using: &random), at: at)
            default: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
        }
        return bytes
    }

    /// The same numbers every time.
    private struct Seeded: RandomNumberGenerator {
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
