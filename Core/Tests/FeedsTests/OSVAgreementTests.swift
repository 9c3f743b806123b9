import Feeds
import Testing

/// The answers on which independent programs agreed, judged anew from the same records.
@Suite(.enabled(if: TestData.isPresent)) struct OSVAgreementTests {
    @Test(
        arguments: [
            ("crates.io", "crates.io", 1_206, 2_018), ("PyPI", "PyPI", 2_661, 3_703),
            ("Alpine", "Alpine", 2_563, 4_261),
        ] as [(String, String, Int, Int)])
    func agrees(feed: String, expected: String, records: Int, rows: Int) throws {
        var reader = OSVReader()
        var packages: [String: [(id: String, statement: Statement)]] = [:]
        for line in try TestData.entries("feeds/osv/\(feed)/all.zip").split(separator: 0x0A) {
            guard let tab = line.firstIndex(of: 0x09) else { continue }
            let place = String(decoding: line[..<tab], as: UTF8.self)
            for case .advisory(let advisory) in reader.records(line[(tab + 1)...], place: place)
            where advisory.withdrawn == nil {
                for statement in advisory.statements {
                    packages["\(statement.stream)\t\(statement.name)", default: []].append((advisory.id, statement))
                }
            }
        }
        #expect(reader.stored == records && reader.quarantined == 0)
        print(reader.summary(feed))

        var count = 0
        var wrong = 0
        for row in try TestData.text(gzip: "expected/\(expected).tsv.gz").split(separator: "\n") {
            let fields = row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let ids = packages["\(fields[0])\t\(fields[1])", default: []].filter {
                $0.statement.isAffected(fields[2])
            }
            let ours = Set(ids.map { $0.id })
            let theirs = Set(fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : [])
            count += 1
            if ours != theirs {
                wrong += 1
                if wrong <= 10 {
                    #expect(
                        ours == theirs, "\(row): more \(ours.subtracting(theirs)), fewer \(theirs.subtracting(ours))")
                }
            }
        }
        #expect(count == rows && wrong == 0)
        print("feeds: \(feed) \(count) rows agree but for \(wrong)")
    }
}
