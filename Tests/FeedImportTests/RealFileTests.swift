import Feeds
import Foundation
import Testing

@testable import FeedImport

/// Real files of many vendors: everything that is in them is taken or told of.
@Suite struct RealFileTests {
    /// What Python's own parsers count: the path below the folder, documents, those of a known shape, records in them.
    private static let counted: [(path: String, documents: Int, known: Int, records: Int)] = {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "count-records.py").path
        guard SharedData.isPresent, let scratch = try? Scratch(),
            let text = try? scratch.run("python3", script, SharedData.feeds)
        else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t")
            guard fields.count == 4 else { return nil }
            return (String(fields[0]), Int(fields[1]) ?? 0, Int(fields[2]) ?? 0, Int(fields[3]) ?? 0)
        }
    }()

    /// Read without a word about what they are; every record is stored or put aside, as many as Python finds.
    @Test(.enabled(if: SharedData.isPresent)) func `Each real file imports completely`() throws {
        let scratch = try Scratch()
        #expect(Self.counted.count > 60)
        var kinds: Set<FeedKind> = []
        for item in Self.counted {
            let file = FeedFile("\(SharedData.feeds)/\(item.path)", scratch: scratch.path)
            var given = 0
            let counts: FeedCounts
            do {
                counts = try file.records { _ in given += 1 }
            } catch let error as ImportError where item.known == 0 {
                print("\(item.path): refused: \(error)")
                continue
            }
            kinds.formUnion(counts.kinds)
            print(
                "\(item.path): \(counts.stored + counts.quarantined) records = \(counts.stored) stored + \(counts.quarantined)",
                "quarantined; \(counts.unmappedCount) fields unmapped, \(counts.alarmed) statements given up,",
                "\(counts.unknownCount) of \(counts.documents + counts.unknownCount) documents of no known kind")
            #expect(counts.documents + counts.unknownCount == item.documents, "\(item.path)")
            #expect(given >= counts.stored)
            if item.known == item.documents {
                #expect(counts.stored + counts.quarantined == item.records, "\(item.path): \(counts.faults.prefix(3))")
                #expect(counts.unknownCount == 0, "\(item.path): \(counts.unknown.prefix(3))")
            } else if item.known > 0 {
                #expect(counts.stored + counts.quarantined >= item.records, "\(item.path)")
            }
        }
        #expect(kinds.isSuperset(of: [.osv, .nvd, .cve, .kev, .epss, .debianList, .oval, .cvrf, .updateInfo, .secdb]))
    }

    @Test(.enabled(if: SharedData.isPresent)) func `The feeds of vendors have few faults`() throws {
        let scratch = try Scratch()
        for (path, most) in [
            ("osv/AlmaLinux/all.zip", 0), ("osv/Debian/all.zip", 0), ("osv/PyPI/all.zip", 5), ("osv/Go/all.zip", 0),
            ("osv/crates.io/all.zip", 0), ("osv/Bitnami/all.zip", 0), ("kev/known_exploited_vulnerabilities.json", 0),
            ("nvd/nvdcve-2.0-sample.json.gz", 0), ("oval/photon_com.vmware.phsa-photon3.xml", 0),
            ("oval/bookworm-host-derived.oval.xml.gz", 0), ("updateinfo/vmaas_updateinfo.xml", 0),
            ("debian/DSA-list.txt", 0),
        ] {
            let counts = try FeedFile("\(SharedData.feeds)/\(path)", scratch: scratch.path).records { _ in }
            #expect(counts.quarantined <= most, "\(path): \(counts.faults.prefix(5))")
            #expect(counts.alarmed <= counts.stored / 20, "\(path): \(counts.alarms.prefix(5))")
        }
    }

    @Test(.enabled(if: SharedData.isPresent)) func `All of a folder imports in one go and is read again from there`()
        throws
    {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let answers = try folder.take("\(SharedData.feeds)/oval")
        #expect(answers.count == 12)
        var records = 0
        try folder.records { _, _ in records += 1 }
        let stored = try folder.manifests().compactMap(\.revision?.stored).reduce(0, +)
        #expect(records == stored && stored > 900)
    }
}
