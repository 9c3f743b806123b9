import Feeds
import Foundation
import Inventory
import MatchInputs
import Matching
import SoftwareReading
import Testing

/// Debian's own debsecan on a throw-away Debian root, live, beside what is judged here: the same data in each one's form.
@Suite(.enabled(if: TestData.isPresent)) struct DebsecanTests {
    /// One line of Debian's data on the release.
    private struct Row {
        var vulnerability: String
        var source: String
        /// Empty where there is no fix, `0` where the release never had it.
        var fixed: String
    }

    @Test(.timeLimit(.minutes(15))) func agreesOnALiveRoot() throws {
        let root = try #require(
            try run([TestData.repository + "/Testbed/make-roots", "server"])
                .split(separator: "\n").last.map(String.init))
        let rows = try rows()
        try TestData.withFolder { folder in
            try writeTracker(rows, "\(folder)/feeds/tracker.json")
            let theirs = try debsecan(rows, root, folder)

            let matcher = try Matcher([try CatalogueCache(feeds: "\(folder)/feeds").open(folder: folder) { _ in }])
            let found = try SoftwareInput.root(root)
            #expect(found.packages.count > 100 && found.skippedCount == 0)
            var ours: [String: Finding] = [:]
            var packages: [String: FoundPackage] = [:]
            var unknown: [String: String] = [:]
            for package in found.packages {
                let judgement = try matcher.judge(MatchSubject(package.package, origin: package.origin))
                packages[package.package.name] = package
                if !judgement.unknown.isEmpty { unknown[package.package.name] = judgement.unknown }
                for finding in judgement.findings { ours["\(finding.vulnerability) \(package.package.name)"] = finding }
            }
            let affected = Set(ours.filter { $0.value.verdict == .affected }.keys)
            var classes: [String: [String]] = [:]
            for pair in affected.symmetricDifference(theirs) {
                let name = String(pair.drop { $0 != " " }.dropFirst())
                let package = try #require(packages[name]).package
                let kind = kind(package, ours[pair], isTheirs: theirs.contains(pair), unknown: unknown[name])
                classes[kind, default: []].append(pair)
            }
            print(
                "debsecan, live: \(found.packages.count) packages, \(theirs.count) pairs there, \(affected.count) here, \(unknown.count) packages unknown, \(classes.mapValues(\.count))"
            )
            #expect(affected.intersection(theirs).count > 100, "the root has pending updates")
            #expect(classes["unexplained"] == nil, "\(classes["unexplained"]?.sorted().prefix(10) ?? [])")
            let text = try String(contentsOfFile: TestData.repository + "/docs/matching.md", encoding: .utf8)
            for kind in classes.keys {
                #expect(text.contains("| live: \(kind) |"), "docs/matching.md explains \(kind)")
            }
        }
    }

    /// Why the two differ on a pair.
    private func kind(_ package: SoftwarePackage, _ finding: Finding?, isTheirs: Bool, unknown: String?) -> String {
        if !isTheirs, let voice = finding?.voices.first, voice.kind == .source, voice.name != package.source {
            return "signed build"
        }
        if isTheirs, finding?.voices.first?.rule == .backport { return "rebuilt fix" }
        if isTheirs, package.version.contains("~bpo") { return "backport" }
        if isTheirs, unknown != nil { return "another's package" }
        return "unexplained"
    }

    /// The release's fixes from Debian's changelogs, and for some sources what never is in those: no fix, never affected.
    private func rows() throws -> [Row] {
        var rows: [Row] = []
        try TestData.records("Debian") { record in
            guard case .advisory(let advisory) = record, advisory.id.hasPrefix("DEBIAN-CVE-") else { return }
            let id = String(advisory.id.dropFirst("DEBIAN-".count))
            for statement in advisory.statements where statement.stream == "Debian:12" {
                if let fixed = statement.fixed {
                    rows.append(Row(vulnerability: id, source: statement.name, fixed: fixed))
                }
            }
        }
        let sources = Set(rows.map(\.source)).sorted()
        for (number, source) in sources.enumerated() {
            if number % 3 == 0 {
                rows.append(Row(vulnerability: "CVE-2099-\(10_000 + number)", source: source, fixed: ""))
            }
            if number % 5 == 0 {
                rows.append(Row(vulnerability: "CVE-2098-\(10_000 + number)", source: source, fixed: "0"))
            }
        }
        // What each source has once.
        var seen: Set<String> = []
        return rows.filter { seen.insert("\($0.vulnerability) \($0.source)").inserted }
    }

    private func writeTracker(_ rows: [Row], _ path: String) throws {
        var object: [String: [String: Any]] = [:]
        for row in rows {
            let state: [String: String] =
                row.fixed.isEmpty
                ? ["status": "open"] : ["status": "resolved", "fixed_version": row.fixed]
            object[row.source, default: [:]][row.vulnerability] = ["releases": ["bookworm": state]]
        }
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try JSONSerialization.data(withJSONObject: object).write(to: URL(filePath: path))
    }

    /// The pairs of vulnerability and binary package that debsecan tells.
    private func debsecan(_ rows: [Row], _ root: String, _ folder: String) throws -> Set<String> {
        let names = Array(Set(rows.map(\.vulnerability))).sorted()
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var text = "VERSION 1\n"
        for name in names { text += "\(name),,x\n" }
        text += "\n"
        // What the release never had is not in debsecan's data.
        for row in rows where row.fixed != "0" {
            let fixed = row.fixed.isEmpty ? "," : "\(row.fixed),"
            text += "\(row.source),\(places[row.vulnerability] ?? 0),S   ,\(fixed)\n"
        }
        text += "\n"
        try FileManager.default.createDirectory(atPath: "\(folder)/debsecan", withIntermediateDirectories: true)
        try text.write(toFile: "\(folder)/debsecan/plain", atomically: true, encoding: .utf8)
        _ = try run([
            "/usr/bin/python3", "-c",
            "import sys,zlib; open(sys.argv[2],'wb').write(zlib.compress(open(sys.argv[1],'rb').read()))",
            "\(folder)/debsecan/plain", "\(folder)/debsecan/bookworm",
        ])
        let output = try run([
            "/usr/bin/debsecan", "--config", "\(folder)/none", "--suite", "bookworm", "--source",
            "file://\(folder)/debsecan", "--status", "\(root)/var/lib/dpkg/status",
        ])
        return Set(output.split(separator: "\n").map { $0.split(separator: " ").prefix(2).joined(separator: " ") })
    }

    private func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(command)")
        return String(decoding: data, as: UTF8.self)
    }
}
