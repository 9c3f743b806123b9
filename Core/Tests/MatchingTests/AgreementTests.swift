import Foundation
import Inventory
import Matching
import Testing

/// The answers on which independent programs agreed, judged through a catalogue.
@Suite(.enabled(if: TestData.isPresent)) struct AgreementTests {
    @Test func agreesWithTheReferencePrograms() throws {
        let catalogue = try TestData.catalogue(["Alpine", "Debian", "PyPI", "crates.io"])
        try catalogue.verify()
        let matcher = try Matcher([catalogue])
        for (file, rows) in [
            ("Alpine", 4_261), ("Debian-5000", 5_000), ("PyPI", 3_703), ("crates.io", 2_018), ("bookworm-host", 1_223),
        ] {
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
