import Foundation
import Priority
import Testing
import Timestamps

struct PriorityReplayTests {
    private let efforts = [0.1, 0.5]

    @Test func measuresAPerfectOrderAndABlindOne() {
        let isTarget = (0..<100).map { $0 < 10 }
        let perfect = OrderMeasure(scores: (0..<100).map { -Double($0) }, isTarget: isTarget, efforts: efforts)
        #expect(perfect.coverage == [1, 1] && perfect.area > 0.95 && perfect.targets == 10)
        let blind = OrderMeasure(scores: [Double](repeating: 1, count: 100), isTarget: isTarget, efforts: efforts)
        #expect(abs(blind.coverage[0] - 0.1) < 1e-12 && abs(blind.coverage[1] - 0.5) < 1e-12)
        #expect(abs(blind.area - 0.5) < 1e-12)
        let none = OrderMeasure(scores: [1, 2], isTarget: [false, false], efforts: efforts)
        #expect(none.area == 0 && none.coverage == [0, 0])
    }

    /// The shared data at both dates: S beats CVSS and EPSS alone.
    @Test(.enabled(if: TestData.isPresent))
    func beatsBothAtBothDates() throws {
        let day = try #require(Timestamp(rfc3339: "2024-03-04T00:00:00Z"))
        let second = try #require(Timestamp(rfc3339: "2026-01-30T00:00:00Z"))
        var replay = PriorityReplay()
        let flags = try TestData.unzipped("priority/cvss-bt-2024.csv.gz")
        let listed = try flags.withUnsafeBytes { try replay.readExploitFlags($0, date: day) }
        #expect(replay.count == 240_316 && listed.count == 1083)
        let end = try TestData.bytes("priority/kev_epss_cvss-2026-08-22.csv")
            .withUnsafeBytes { try PriorityReplay.readCatalogue($0) }
        let middle = try TestData.bytes("priority/kev-2026-01.json")
            .withUnsafeBytes { try PriorityReplay.readCatalogue($0) }
        #expect(end.count == 1556 && middle.count == 1501)
        let first = replay.evaluate(date: day, listed: listed, later: end.union(middle))
        #expect(first.priority.targets == 135 && first.priority.count == 239_233)
        #expect(first.shortfalls.isEmpty, "\(first.shortfalls)")
        #expect(first.priority.area > 0.87 && first.priority.coverage[2] > 0.58)
        try TestData.bytes("priority/vulnrichment_2024-10-24.tsv").withUnsafeBytes {
            try replay.readDecisionPoints($0, date: Timestamp(rfc3339: "2024-10-24T00:00:00Z") ?? day)
        }
        try TestData.unzipped("priority/epss_scores-2026-01-30.csv.gz").withUnsafeBytes {
            try replay.readLikelihoods($0)
        }
        let later = replay.evaluate(date: second, listed: middle, later: end)
        #expect(later.shortfalls.isEmpty, "\(later.shortfalls)")
        for outcome in [first, later] {
            print(
                outcome.date, outcome.priority.count, outcome.scored, outcome.priority.targets,
                "CVSS", outcome.severity.coverage, outcome.severity.area, "EPSS", outcome.likelihood.coverage,
                outcome.likelihood.area, "S", outcome.priority.coverage, outcome.priority.area)
        }
    }

    @Test(
        arguments: [
            ("a,b\n1,2\n", "no column 'cve'"),
            (
                "cve,base_score,base_vector,published_date,epss,cisa_kev,vulncheck_kev,exploitdb,metasploit,nuclei,poc_github\nX,1\n",
                "2 fields"
            ),
        ])
    func refusesFilesThatAreNot(_ text: String, _ part: String) {
        var replay = PriorityReplay()
        #expect {
            _ = try Array(text.utf8).withUnsafeBytes {
                try replay.readExploitFlags($0, date: Timestamp(seconds: 0))
            }
        } throws: { "\($0)".contains(part) }
    }
}
