import Feeds
import Inventory
import Matching
import Testing
import Timestamps

struct CatalogueTests {
    private var records: [FeedRecord] {
        var full = Advisory(source: "osv", id: "GHSA-a")
        full.aliases = ["CVE-2026-1"]
        full.modified = Timestamp(seconds: 2_000)
        full.published = Timestamp(seconds: 1_000)
        full.summary = "A flaw"
        full.details = "Long"
        full.severities = [
            Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", scorer: "x")
        ]
        full.weaknesses = ["CWE-79"]
        full.references = [Reference(type: "WEB", url: "https://example.org/1")]
        full.statements = [
            statement(
                "npm", "p", kind: .language, from: "1.0.0", below: "2.0.0", versions: ["odd", "1.0.0"], scheme: "npm"),
            statement("Debian:12", "x", status: .notAffected, module: "m:1", channel: "c", architectures: ["amd64"]),
        ]
        var exploited = KnownExploited(source: "kev", id: "CVE-2026-1", added: Timestamp(seconds: 5))
        exploited.due = Timestamp(seconds: 6)
        exploited.isUsedForRansom = true
        exploited.title = "Flaw"
        var points = DecisionPoints(source: "vulnrichment", id: "CVE-2026-1")
        points.exploitation = .active
        points.isAutomatable = false
        points.impact = .total
        var weakness = Weakness(id: "CWE-79", name: "XSS")
        weakness.parents = ["CWE-74"]
        return [
            .advisory(full), .exploited(exploited), .decisionPoints(points), .weakness(weakness),
            .likelihood(
                ExploitLikelihood(source: "epss", id: "CVE-2026-1", probability: 0.97, percentile: 0.99, model: "v4")),
            advisory("debian-tracker", "CVE-2026-1", modified: 10, [statement("Debian:12", "x", below: "2")]),
            advisory("debian-tracker", "CVE-2026-1", modified: 20, [statement("Debian:11", "x", below: "2")]),
        ]
    }

    @Test func keepsWhatIsSaid() throws {
        let catalogue = try catalogue(records)
        try catalogue.verify()
        guard case .advisory(let full) = records[0] else { return }
        let read = try catalogue.advisory(try catalogue.advisories(id: "GHSA-a")[0])
        var expected = full
        expected.statements = [full.statements[1], full.statements[0]]
        expected.statements[1].versions = ["1.0.0", "odd"]
        #expect(read == expected)
        // Records of one id add up.
        let tracker = try catalogue.advisory(try catalogue.advisories(id: "CVE-2026-1")[0])
        #expect(
            tracker.statements.map(\.stream) == ["Debian:11", "Debian:12"] && tracker.modified == Timestamp(seconds: 20)
        )
        let vulnerability = try catalogue.vulnerabilities(named: "GHSA-a")[0]
        #expect(vulnerability.name == "CVE-2026-1" && vulnerability.advisories.count == 2)
        guard case .exploited(let exploited) = records[1], case .decisionPoints(let points) = records[2],
            case .weakness(let weakness) = records[3], case .likelihood(let likelihood) = records[4]
        else { return }
        #expect(vulnerability.exploited == [exploited] && vulnerability.decisions == [points])
        #expect(vulnerability.likelihoods == [likelihood])
        #expect(try catalogue.weakness("CWE-79") == weakness)
        #expect(try catalogue.feeds.map(\.source) == ["debian-tracker", "epss", "kev", "osv", "vulnrichment"])
        #expect(catalogue.streams == ["Debian:11", "Debian:12", "npm"])
    }

    @Test func orderDoesNotMatter() throws {
        func bytes(_ records: [FeedRecord]) throws -> [UInt8] {
            var builder = CatalogueBuilder()
            for record in records { try builder.add(record) }
            return try builder.bytes()
        }
        var generator = Random(seed: 7)
        let all =
            records
            + (0..<200).map { index in
                advisory(
                    "osv", "X-\(index % 150)", closes: ["CVE-2025-\(index % 40)", "CVE-2025-\(index % 7)"],
                    aliases: ["GHSA-\(index % 30)"], modified: Int64(index),
                    [statement("Debian:1\(index % 3)", "p\(index % 20)", below: "1.\(index)")])
            }
        let first = try bytes(all)
        for _ in 0..<5 { #expect(try bytes(all.shuffled(using: &generator)) == first) }
        #expect(try bytes(all + all) == first)
    }

    /// Whatever byte is wrong, it is an error or another answer, and never a crash.
    @Test func damagedFilesAreRefused() throws {
        var builder = CatalogueBuilder()
        for record in records { try builder.add(record) }
        let good = try builder.bytes()
        #expect(throws: CatalogueError.self) { try Catalogue([]) }
        #expect(throws: CatalogueError.self) { try Catalogue(Array("FETTLECT and more".utf8)) }
        for length in stride(from: 0, to: good.count - 1, by: 13) {
            #expect(throws: CatalogueError.self) { try Catalogue(Array(good[..<length])) }
        }
        var random = Random(seed: 1)
        for round in 0..<4_000 {
            var bytes = good
            for _ in 0...(round % 4) {
                // Past the header, whose digest finds everything.
                let place = Int.random(in: 440..<bytes.count, using: &random)
                bytes[place] = [0, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
            }
            guard let catalogue = try? Catalogue(bytes) else { continue }
            if bytes != good { #expect(throws: CatalogueError.self) { try catalogue.verify() } }
            guard let matcher = try? Matcher([catalogue]) else { continue }
            _ = try? matcher.judge(MatchSubject(deb("x", "1"), cpes: ["a:b:c"]))
            _ = try? matcher.judge(MatchSubject(language("npm", "p", "1.5.0")))
            for row in 0..<min(catalogue.advisoryCount, 100) { _ = try? catalogue.advisory(row) }
            _ = try? catalogue.vulnerabilities(named: "CVE-2026-1")
            _ = try? catalogue.weakness("CWE-79")
            _ = try? catalogue.feeds
        }
    }
}

/// A generator that repeats itself (SplitMix64).
struct Random: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
