import Foundation
import Inventory
import Matching
import Testing

/// Answers on which independent programs agreed, judged through a catalogue; the larger ones are judged where archives can be
/// read (`MatchInputsTests`).
@Suite(.enabled(if: TestData.isPresent)) struct AgreementTests {
    @Test func agreesWithTheReferencePrograms() throws {
        let catalogue = try TestData.catalogue(["Alpine", "crates.io"])
        try catalogue.verify()
        let matcher = try Matcher([catalogue])
        for (file, rows) in [("Alpine", 4_261), ("crates.io", 2_018)] {
            var count = 0
            var wrong: [String] = []
            for line in try TestData.text(gzip: "expected/\(file).tsv.gz").split(separator: "\n") {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                let package = PackageStreams.package(stream: fields[0], name: fields[1], version: fields[2])
                let ours = Set(try matcher.records(affecting: package))
                let theirs = Set(fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : [])
                count += 1
                if ours != theirs {
                    wrong.append(
                        "\(fields[0...2]): more \(ours.subtracting(theirs)), fewer \(theirs.subtracting(ours))")
                }
            }
            print("matching: \(file): \(count) rows, \(wrong.count) differ")
            #expect(count == rows && wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        }
    }
}
