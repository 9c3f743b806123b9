import CVSS
import Foundation
import Testing

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardized.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

    /// The lines of a vector file without comments and blank ones.
    static func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: root + "/vectors/cvss/" + path, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init)
    }
}

@Suite(.enabled(if: TestData.isPresent)) struct CVSSVectorFileTests {
    /// Lines `VECTOR - (BASE, TEMPORAL, ENVIRONMENTAL)` with `None` for what is not defined; version 4 has one score.
    @Test(
        arguments: [
            ("simple2", 427), ("calculator2", 5), ("cvsslib2", 24), ("simple3", 1_596), ("simple31", 1_614),
            ("calculator3", 2), ("cvsslib3", 29), ("simple4", 661), ("supplemental4", 352), ("security4", 54),
            ("threat4", 6),
        ] as [(String, Int)])
    func redHat(name: String, expected: Int) throws {
        var count = 0
        for line in try TestData.lines("redhat/vectors_\(name).txt").filter({ $0.contains(" - ") }) {
            let parts = line.split(separator: " - ", maxSplits: 1).map(String.init)
            let numbers = parts[1].filter { !"() ".contains($0) }.split(separator: ",").map { Double($0) }
            let vector = try CVSSVector.parse(parts[0])
            let scores = vector.scores
            let ours =
                numbers.count == 1 ? [scores.overall] : [scores.base, scores.temporal, scores.environmental]
            #expect(ours.map { $0.map { Double($0.tenths) / 10 } } == numbers.map { $0.map { abs($0) } }, "\(line)")
            count += 1
        }
        #expect(count == expected)
        print("vectors: cvss \(count) of redhat/vectors_\(name)")
    }

    /// Lines `VECTOR SCORE # comment`, where the score is the one that says most.
    @Test(arguments: [("v2", 12), ("v30", 32), ("v31", 35), ("v4", 40)] as [(String, Int)])
    func claircoreScores(name: String, expected: Int) throws {
        var count = 0
        for line in try TestData.lines("claircore/\(name)_score.list") {
            let fields = line.split(separator: " ")
            let vector = try CVSSVector.parse(String(fields[0]), strictness: .strict)
            #expect(Double(vector.scores.overall.tenths) / 10 == Double(fields[1]), "\(line)")
            count += 1
        }
        #expect(count == expected)
        print("vectors: cvss \(count) of claircore/\(name)_score.list")
    }

    @Test(arguments: [("v2", 6), ("v3", 22), ("v4", 43)] as [(String, Int)])
    func claircoreRoundTrips(name: String, expected: Int) throws {
        var count = 0
        for line in try TestData.lines("claircore/\(name)_roundtrip.list") {
            let text = String(try #require(line.split(separator: " ").first))
            #expect(try CVSSVector.parse(text, strictness: .strict).description == text)
            count += 1
        }
        #expect(count == expected)
        print("vectors: cvss \(count) of claircore/\(name)_roundtrip.list")
    }

    /// Lines that must be refused, but for those marked `#OK`.
    @Test(arguments: [("v2", 12), ("v3", 21), ("v4", 15)] as [(String, Int)])
    func claircoreErrors(name: String, expected: Int) throws {
        let prefix = ["v2": "", "v3": "CVSS:3.", "v4": "CVSS:4.0/"][name] ?? ""
        var count = 0
        for line in try TestData.lines("claircore/\(name)_error.list") {
            count += 1
            let text = String(try #require(line.split(separator: " ").first))
            if line.hasSuffix("#OK") {
                #expect(throws: Never.self, "\(line)") { try CVSSVector.parse(text, strictness: .strict) }
                continue
            }
            // Each list is one version's parser's: vectors of another version are good elsewhere.
            guard let vector = try? CVSSVector.parse(text, strictness: .strict) else { continue }
            #expect(!vector.description.hasPrefix(prefix) || prefix.isEmpty && vector.version != .v2, "\(line)")
        }
        #expect(count == expected)
        print("vectors: cvss \(count) of claircore/\(name)_error.list")
    }

    /// Vectors from real advisories: each is read, written back and scored; 44 have a provider urgency, one
    /// an order, that only the lax reading takes.
    @Test func realVectors() throws {
        var counts: [CVSSVersion: Int] = [:]
        var lax = 0
        for line in try TestData.lines("real-vectors.txt") {
            if (try? CVSSVector.parse(line, strictness: .strict)) == nil { lax += 1 }
            let vector = try CVSSVector.parse(line)
            #expect(try CVSSVector.parse(vector.description) == vector)
            #expect(vector.scores.overall.tenths <= 100)
            counts[vector.version, default: 0] += 1
        }
        #expect(counts == [.v30: 211, .v31: 788, .v4: 427] && lax == 45)
        print("vectors: cvss \(counts.values.reduce(0, +)) of real-vectors.txt")
    }
}
