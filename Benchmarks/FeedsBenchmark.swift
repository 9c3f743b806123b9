import FeedImport
import Feeds
import Foundation

/// How fast feeds are read: CPU time per gigabyte of JSON, of the readers alone, and of the files as they come.
struct FeedsBenchmark: Sendable {
    let bench: Bench

    /// 200 MB of JSON a second and core.
    private static let limit = 5.0

    /// A feed: where its documents are, and who reads them.
    private struct Sample {
        var name: String
        var path: String
        var reader: @Sendable () -> any FeedReader
        /// Python that makes `documents` of the file at `path`.
        var documents = "documents = unzipped(path)"
        /// Whether the file is read as it comes, too.
        var isWhole = true
    }

    private static let samples: [Sample] =
        ["AlmaLinux", "Alpine", "Bitnami", "Debian", "Go", "PyPI", "crates.io"].map { name in
            Sample(name: "OSV \(name)", path: "osv/\(name)/all.zip", reader: { OSVReader() })
        } + [
            Sample(name: "CVE 5, vulnrichment", path: "cve5/vulnrichment-slice.zip", reader: { CVEReader() }),
            Sample(name: "CSAF of all vendors", path: "csaf/csaf-samples.zip", reader: { CSAFReader() }),
            Sample(
                name: "CSAF VEX of Red Hat", path: "claircore-acceptance", reader: { CSAFReader() },
                documents: """
                    documents = [open(f, 'rb').read() for f in sorted(glob.glob(path + '/*.json'))]
                    documents = [d for d in documents if b'csaf_vex' in d]
                    """, isWhole: false),
            Sample(
                name: "NVD, 5,000 records", path: "nvd/nvdcve-2.0-sample.json.gz", reader: { NVDReader() },
                documents: """
                    page = json.load(gzip.open(path))
                    items = page['vulnerabilities']
                    page['vulnerabilities'] = (items * (5000 // len(items) + 1))[:5000]
                    documents = [json.dumps(page).encode()]
                    """, isWhole: false),
            Sample(
                name: "Debian tracker, 20,000 records", path: "debian/tracker-mock.json",
                reader: { DebianTrackerReader() },
                documents: """
                    issue = next(iter(next(iter(json.load(open(path)).values())).values()))
                    packages = {'package-%d' % p: {'CVE-2026-%d' % (10000 + 10 * p + k): issue for k in range(10)} for p in range(2000)}
                    documents = [json.dumps(packages).encode()]
                    """, isWhole: false),
            Sample(
                name: "KEV", path: "kev/known_exploited_vulnerabilities.json", reader: { KEVReader() },
                documents: "documents = [open(path, 'rb').read()]", isWhole: false),
        ]

    func run() -> [Budget] {
        Self.samples.flatMap { sample in
            Progress.step("feeds: \(sample.name)")
            do { return try measure(sample) } catch {
                return [
                    Budget(
                        what: "1 GB of JSON read: \(sample.name)", limit: Self.limit, unit: "s CPU", note: "\(error)")
                ]
            }
        }
    }

    private var folder: String {
        let given = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"] ?? ""
        return (given.isEmpty ? bench.source + "/../shared/data" : given) + "/feeds/"
    }

    private func measure(_ sample: Sample) throws -> [Budget] {
        let path = folder + sample.path
        let documents = try Self.documents(sample, path)
        let bytes = documents.reduce(0) { $0 + $1.count }
        guard bytes > 0 else { throw BenchmarkError("\(path) has no documents") }
        var times: [Double] = []
        var tally: FeedTally?
        while times.count < 5 || times.reduce(0, +) < 1, times.count < 50 {
            var reader = sample.reader()
            var failure: (any Error)?
            let start = ownCPUSeconds()
            for document in documents {
                do {
                    try document.withUnsafeBytes { try reader.read($0, place: sample.name) { _ in } }
                } catch {
                    failure = error
                }
            }
            times.append(ownCPUSeconds() - start)
            if let failure { throw failure }
            tally = reader.tally
        }
        guard let tally, let median = median(times) else { throw BenchmarkError("nothing was read") }
        let rate = Double(bytes) / 1e6 / median
        var budgets = [
            Budget(
                what: "1 GB of JSON read: \(sample.name)", figure: 1000 / rate, limit: Self.limit, unit: "s CPU",
                note:
                    "\(rounded(rate)) MB/s; \(rounded(Double(bytes) / 1e6)) MB, \(tally.stored) records stored, \(tally.quarantined) put aside; median of \(times.count) readings"
            )
        ]
        guard sample.isWhole else { return budgets }
        let start = ownCPUSeconds()
        let counts = try FeedFile(path, scratch: bench.scratch).records { _ in }
        let whole = ownCPUSeconds() - start
        budgets.append(
            Budget(
                what: "1 GB of JSON read from its zip: \(sample.name)", figure: whole * 1e9 / Double(counts.bytes),
                unit: "s CPU", note: "\(rounded(Double(counts.bytes) / 1e6 / whole)) MB/s, decompressed and told apart")
        )
        return budgets
    }

    /// The documents of a sample: archives and templates are Python's, so that nothing of them is in the figure.
    private static func documents(_ sample: Sample, _ path: String) throws -> [[UInt8]] {
        let script = """
            import glob, gzip, json, struct, sys, zipfile
            def unzipped(path):
                archive = zipfile.ZipFile(path)
                return [archive.read(name) for name in archive.namelist() if name.endswith('.json')]
            path = sys.argv[1]
            \(sample.documents)
            for document in documents:
                sys.stdout.buffer.write(struct.pack('<Q', len(document)) + document)
            """
        let data = [UInt8](try output(of: ["python3", "-c", script, path]))
        var documents: [[UInt8]] = []
        var offset = 0
        while offset + 8 <= data.count {
            let length = Int(data[offset..<offset + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
            offset += 8
            documents.append(Array(data[offset..<offset + length]))
            offset += length
        }
        return documents
    }
}
