import Feeds
import Foundation
import Inventory
import MatchInputs
import Matching
import PackageManagers
import Testing
import Versions

/// What independent programs agreed on, and a plain reading of the records, against the catalogue; and the table of
/// differences that docs/matching.md shows.
@Suite(.enabled(if: TestData.isPresent)) struct AgreementTests {
    /// A difference to a peer, with its class and cause.
    private struct Difference: Hashable {
        var peer: String
        var about: String
        var ours: String
        var theirs: String
        var kind: String
        var cause: String
    }

    @Test func agreesWithPeersAndWithAPlainReading() throws {
        var builder = CatalogueBuilder()
        var plain = PlainReading()
        for ecosystem in TestData.ecosystems {
            try TestData.records(ecosystem) { record in
                try builder.add(record)
                plain.add(record)
            }
        }
        let catalogue = try Catalogue(try builder.bytes())
        try catalogue.verify()
        let matcher = try Matcher([catalogue])
        var summary: [[String]] = []
        var differences: [Difference] = []

        for (file, rows, peers) in [
            ("Alpine", 4_261, "the result on which the reference programs agreed"),
            ("Debian-5000", 5_000, "the result on which the reference programs agreed"),
            ("PyPI", 3_703, "the result on which the reference programs agreed"),
            ("crates.io", 2_018, "the result on which the reference programs agreed"),
            ("bookworm-host", 1_223, "debsecan, Trivy, OpenSCAP, OSV matcher"),
        ] {
            var pairs = 0
            var before = differences.count
            let list = try TestData.rows("expected/\(file).tsv.gz")
            #expect(list.count == rows)
            for fields in list {
                let package = PackageStreams.package(stream: fields[0], name: fields[1], version: fields[2])
                let ours = Set(try matcher.records(affecting: package))
                let theirs = Set(fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : [])
                pairs += theirs.count
                for id in ours.symmetricDifference(theirs).sorted() {
                    differences.append(
                        Difference(
                            peer: file, about: "\(fields[0]) \(fields[1]) \(fields[2]) \(id)",
                            ours: ours.contains(id) ? "affected" : "-", theirs: theirs.contains(id) ? "affected" : "-",
                            kind: "unexplained", cause: ""))
                }
            }
            swap(&before, &pairs)
            summary.append([file, peers, "\(rows) versions", "\(before)", "\(differences.count - pairs)"])
        }

        // The same host, as verdicts on its binary packages.
        let host = try host(matcher)
        let debsecan = Set(
            try TestData.text("expected/bookworm-host.debsecan.txt").split(separator: "\n").map {
                $0.split(separator: " ").prefix(2).joined(separator: " ")
            })
        let before = differences.count
        let affected = Set(host.filter { $0.value.verdict == .affected }.keys)
        for pair in affected.symmetricDifference(debsecan).sorted() {
            differences.append(difference(pair, host[pair], isTheirs: debsecan.contains(pair)))
        }
        summary.append([
            "bookworm-host, verdicts", "debsecan", "858 pairs of CVE and binary package", "\(debsecan.count)",
            "\(differences.count - before)",
        ])
        #expect(debsecan.count == 858 && affected.subtracting(debsecan).isEmpty)

        // Every boundary that the records have, read plainly from the records themselves.
        for ecosystem in TestData.ecosystems {
            // Alma's 58,522 are told apart by releases of the same packages: every eighth is enough.
            let every = ecosystem == "AlmaLinux" ? 8 : 1
            let list = try TestData.rows("inventories/boundary.\(ecosystem).tsv.gz").enumerated()
                .filter { $0.offset % every == 0 }.map(\.element)
            var pairs = 0
            let before = differences.count
            for fields in list {
                let package = PackageStreams.package(stream: fields[0], name: fields[1], version: fields[2])
                let ours = try matcher.records(affecting: package)
                let theirs = plain.records(stream: fields[0], name: fields[1], version: fields[2])
                pairs += theirs.count
                if ours != theirs.sorted() {
                    differences.append(
                        Difference(
                            peer: "boundary.\(ecosystem)", about: fields.prefix(3).joined(separator: " "),
                            ours: "\(ours.count)", theirs: "\(theirs.count)", kind: "unexplained", cause: ""))
                }
            }
            summary.append([
                "boundary.\(ecosystem)", "a plain reading of the records, by comparing versions",
                "\(list.count) versions", "\(pairs)", "\(differences.count - before)",
            ])
        }

        for row in summary { print("matching: " + row.joined(separator: " | ")) }
        let unexplained = differences.filter { $0.kind == "unexplained" }
        #expect(unexplained.isEmpty, "\(unexplained.prefix(10))")
        try compareWithDocument(table(summary, differences))
    }

    /// Verdicts of the shared host by `CVE package`.
    private func host(_ matcher: Matcher) throws -> [String: Finding] {
        let status = Array(try TestData.text("inventories/bookworm-host.dpkg-status.gz").utf8)
        let packages = try DpkgSoftware.packages(status: status, path: "status", distribution: "debian-12")
        #expect(packages.count == 1_223)
        var verdicts: [String: Finding] = [:]
        for package in packages {
            let judgement = try matcher.judge(MatchSubject(package))
            // Backports are the next release's, of which there is no data here.
            #expect(judgement.unknown.isEmpty || package.version.contains("~bpo"))
            for finding in judgement.findings {
                let key = "\(finding.vulnerability) \(package.name)"
                if verdicts[key]?.verdict != .affected { verdicts[key] = finding }
            }
        }
        return verdicts
    }

    private func difference(_ pair: String, _ ours: Finding?, isTheirs: Bool) -> Difference {
        let voice = ours?.voices.first
        let isBackport = isTheirs && ours?.verdict == .fixed && voice?.rule == .backport
        return Difference(
            peer: "debsecan", about: pair, ours: ours?.verdict.rawValue ?? "-", theirs: isTheirs ? "affected" : "-",
            kind: isBackport ? "backport" : "unexplained",
            cause: isBackport
                ? "\(voice?.version ?? "") is the fix \(voice?.upper ?? "") rebuilt for this release; debsecan compares the numbers alone"
                : "")
    }

    // MARK: The document

    private func table(_ summary: [[String]], _ differences: [Difference]) -> String {
        var text = "| data | compared with | judged | pairs expected | differences |\n|---|---|---|---|---|\n"
        for row in summary { text += "| " + row.joined(separator: " | ") + " |\n" }
        text += "\n| class | pairs | data | example | here | there | cause |\n|---|---|---|---|---|---|---|\n"
        for kind in Set(differences.map(\.kind)).sorted() {
            // One row a source version: the binaries of a source share their cause.
            for (cause, list) in Dictionary(grouping: differences.filter { $0.kind == kind }, by: \.cause).sorted(by: {
                $0.key < $1.key
            }) {
                guard let first = list.first else { continue }
                text +=
                    "| \(kind) | \(list.count) | \(first.peer) | \(first.about) | \(first.ours) | \(first.theirs) | \(cause) |\n"
            }
        }
        text += "| unexplained | \(differences.filter { $0.kind == "unexplained" }.count) | | | | | |\n"
        return text
    }

    /// The document shows what this test found; `FETTLE_WRITE_DOCS=1` writes it there.
    private func compareWithDocument(_ table: String) throws {
        let path = TestData.repository + "/docs/matching.md"
        let (start, end) = ("<!-- differences: written by AgreementTests -->\n", "<!-- end of differences -->")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let first = try #require(text.range(of: start))
        let last = try #require(text.range(of: end))
        if ProcessInfo.processInfo.environment["FETTLE_WRITE_DOCS"] == "1" {
            let written = text.replacingCharacters(in: first.upperBound..<last.lowerBound, with: table)
            try written.write(toFile: path, atomically: true, encoding: .utf8)
            return
        }
        #expect(
            String(text[first.upperBound..<last.lowerBound]) == table,
            "docs/matching.md is not what was found: run the test with FETTLE_WRITE_DOCS=1")
    }
}

/// Reads records as a person would: every statement of a package, every range, versions compared as the scheme compares them.
private struct PlainReading {
    private var statements: [String: [(id: String, statement: Statement)]] = [:]
    private var orders: [String: VersionKey?] = [:]

    mutating func add(_ record: FeedRecord) {
        guard case .advisory(let advisory) = record, advisory.withdrawn == nil else { return }
        for statement in advisory.statements where statement.status == .affected {
            statements["\(statement.stream)\t\(statement.name)", default: []].append((advisory.id, statement))
        }
    }

    private mutating func key(_ version: String, _ scheme: any VersionScheme.Type) -> VersionKey? {
        let name = "\(scheme.name) \(version)"
        if let known = orders[name] { return known }
        let key =
            scheme == DebianVersion.self
            ? try? DebianVersion.parse(version, strictness: .lax).key : try? scheme.key(for: version)
        orders[name] = .some(key)
        return key
    }

    private mutating func order(_ version: String, _ bound: String, _ scheme: any VersionScheme.Type) -> Ordering? {
        if let a = key(version, scheme), let b = key(bound, scheme) { return a.ordering(to: b) }
        let order = try? scheme.compare(version, bound)
        return order == .unordered ? nil : order
    }

    mutating func records(stream: String, name: String, version: String) -> Set<String> {
        var ids: Set<String> = []
        for (id, statement) in statements["\(stream)\t\(name)"] ?? [] {
            if statement.versions.contains(version) {
                ids.insert(id)
                continue
            }
            for range in statement.ranges {
                guard let scheme = VersionSchemes.named(range.scheme) else { continue }
                guard order(version, version, scheme) != nil else { continue }
                if let lower = range.lower {
                    guard let order = order(version, lower, scheme),
                        order == .greater || (order == .equal && range.includesLower)
                    else { continue }
                }
                if let upper = range.upper {
                    guard let order = order(version, upper, scheme),
                        order == .less || (order == .equal && range.includesUpper)
                    else { continue }
                }
                ids.insert(id)
            }
        }
        return ids
    }
}
