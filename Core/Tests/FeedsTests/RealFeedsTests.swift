import Feeds
import Foundation
import Testing
import Timestamps

/// The real files of the shared data are read completely: what goes in comes out or is put aside.
@Suite(.enabled(if: TestData.isPresent)) struct RealFeedsTests {
    @Test func exploitedVulnerabilities() throws {
        for (path, count) in [
            ("feeds/kev/known_exploited_vulnerabilities.json", 1_404), ("priority/kev-2025-08-25.json", 1_404),
            ("priority/kev-2026-01.json", 1_501),
        ] {
            var reader = KEVReader()
            let records = reader.records(try TestData.bytes(path), place: path)
            #expect(reader.stored == count && records.count == count && reader.quarantined == 0)
            #expect(reader.tally.alarmed == 0)
            print(reader.summary(path))
            let ransom = records.filter {
                if case .exploited(let entry) = $0 { entry.isUsedForRansom == true } else { false }
            }
            if count == 1_501 { #expect(ransom.count == 308) }
        }
    }

    @Test func likelihoods() throws {
        for (path, count, model) in [
            ("priority/epss-2024.csv.gz", 221_346, "v2023.03.01"),
            ("priority/epss_scores-2026-01-30.csv.gz", 0, "v2025.03.14"),
        ] {
            var reader = EPSSReader()
            let bytes = try TestData.bytes(gzip: path)
            let lines = bytes.count { $0 == 0x0A }
            let records = reader.records(bytes, place: path)
            print(reader.summary(path), lines)
            #expect(reader.stored == lines - 2 && (count == 0 || reader.stored == count) && reader.quarantined == 0)
            guard case .likelihood(let first) = records.first else { throw TestFailure() }
            #expect(first.id == "CVE-1999-0001" && first.model == model && first.date != nil)
        }
        var table = EPSSReader()
        let records = table.records(try TestData.bytes("feeds/epss/epss_kev_nvd.csv"), place: "epss_kev_nvd.csv")
        print(table.summary("epss_kev_nvd.csv"))
        #expect(records.count + table.quarantined == 1_556 && table.stored == records.count)
        guard case .likelihood(let first) = records.first else { throw TestFailure() }
        #expect(first.id == "CVE-2025-62593" && first.probability == 0.01015 && first.percentile == 0.60644)
        #expect(first.model.isEmpty && first.date == nil)
    }

    struct TestFailure: Error {}

    /// The records of the OSV set were made from the same lists by another program.
    @Test(arguments: ["DSA", "DLA"]) func debianLists(list: String) throws {
        var reader = DebianListReader()
        let bytes = try TestData.bytes("feeds/debian/\(list)-list.txt")
        let advisories = reader.records(bytes, place: "\(list)-list.txt").compactMap { $0.advisory }
        print(reader.summary(list))
        let entries = String(decoding: bytes, as: UTF8.self).split(separator: "\n").count { $0.hasPrefix("[") }
        #expect(reader.stored + reader.quarantined == entries && reader.quarantined == 0)
        var osv = OSVReader()
        var same = 0
        var more = 0
        var other: [String] = []
        let byID = Dictionary(advisories.map { ($0.id, $0) }) { first, _ in first }
        for line in try TestData.entries("feeds/osv/Debian/all.zip").split(separator: 0x0A) {
            guard let tab = line.firstIndex(of: 0x09) else { continue }
            let place = String(decoding: line[..<tab], as: UTF8.self)
            guard place.hasPrefix(list) else { continue }
            for advisory in osv.records(line[(tab + 1)...], place: place).compactMap({ $0.advisory }) {
                guard let ours = byID[advisory.id] else {
                    other.append(advisory.id)
                    continue
                }
                func fixes(_ advisory: Advisory) -> Set<String> {
                    Set(
                        advisory.statements.compactMap {
                            $0.fixed == nil ? nil : "\($0.stream) \($0.name) \($0.fixed ?? "")"
                        })
                }
                if Set(ours.closes) == Set(advisory.closes), fixes(ours) == fixes(advisory) {
                    same += 1
                } else if Set(ours.closes).isSuperset(of: advisory.closes), fixes(ours).isSuperset(of: fixes(advisory))
                {
                    // The other program loses lines that begin with spaces.
                    more += 1
                } else {
                    other.append(advisory.id)
                }
            }
        }
        print("feeds: \(list): \(same) records as in OSV, \(more) with more than there, other \(other.count)")
        #expect(other.isEmpty && more < 40, "\(other.prefix(20))")
    }

    @Test func debianTracker() throws {
        for path in ["feeds/debian/tracker-mock.json"] {
            var reader = DebianTrackerReader()
            let advisories = reader.records(try TestData.bytes(path), place: path).compactMap { $0.advisory }
            print(reader.summary(path))
            #expect(reader.stored == advisories.count && reader.stored > 0 && reader.quarantined == 0)
        }
    }

    @Test func nvd() throws {
        var reader = NVDReader()
        let records = reader.records(try TestData.bytes(gzip: "feeds/nvd/nvdcve-2.0-sample.json.gz"), place: "nvd")
        print(reader.summary("nvd"))
        #expect(reader.stored == 82 && reader.quarantined == 0)
        let advisories = records.compactMap { $0.advisory }
        #expect(advisories.count { $0.withdrawn != nil } == 2)
        #expect(advisories.count { !$0.statements.isEmpty } == 64)
        #expect(records.contains { if case .decisionPoints = $0 { true } else { false } })
    }

    @Test func vulnrichment() throws {
        var reader = CVEReader()
        var advisories = 0
        var statements = 0
        var points: [DecisionPoints] = []
        let files = try TestData.files("feeds/cve5/vulnrichment-slice.zip")
        for (name, bytes) in files {
            for record in reader.records(bytes, place: name) {
                switch record {
                case .advisory(let advisory):
                    advisories += 1
                    statements += advisory.statements.count
                case .decisionPoints(let decision): points.append(decision)
                default: Issue.record("another record")
                }
            }
        }
        print(reader.summary("vulnrichment"), statements)
        #expect(files.count == 5_251 && advisories == 5_251 && reader.stored == 5_251 && reader.quarantined == 0)
        // Ten are rejected and have none.
        #expect(
            points.count == 5_241
                && points.allSatisfy { $0.exploitation != nil && $0.isAutomatable != nil && $0.impact != nil })
        // Another program's table of the same snapshot.
        let table = try TestData.bytes("priority/vulnrichment_2024-10-24.tsv")
        var rows: [String: [String]] = [:]
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            rows[fields[0]] = fields
        }
        var wrong: [String] = []
        for decision in points {
            let automatable = decision.isAutomatable.map { $0 ? "yes" : "no" } ?? ""
            let ours = [decision.exploitation?.rawValue ?? "", automatable, decision.impact?.rawValue ?? ""]
            guard let row = rows[decision.id] else { continue }
            if ours != row[2...4].map({ $0.lowercased() }) { wrong.append(decision.id) }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(10))")
    }

    @Test func apkDatabases() throws {
        for (zip, stream) in [("chainguard", "Chainguard"), ("minimos", "MinimOS"), ("wolfi", "Wolfi")] {
            var reader = SecDBReader()
            let files = try TestData.files("feeds/distro-fixtures/\(zip).zip", ending: "", with: "input/secdb")
            #expect(!files.isEmpty)
            for (name, bytes) in files {
                let advisories = reader.records(bytes, place: name).compactMap { $0.advisory }
                #expect(advisories.allSatisfy { $0.statements.allSatisfy { $0.stream == stream } })
            }
            print(reader.summary(zip))
            #expect(reader.stored > 50 && reader.quarantined == 0)
        }
        var reader = SecDBReader()
        for (name, bytes) in try TestData.files("feeds/distro-fixtures/vulnerablecode.zip", with: "alpine/v") {
            _ = reader.records(bytes, place: name)
        }
        print(reader.summary("alpine"))
        #expect(reader.stored == 5 && reader.quarantined == 0)
    }

    @Test func archAndEcho() throws {
        var arch = ArchReader()
        for (name, bytes) in try TestData.files("feeds/distro-fixtures/vulnerablecode.zip", with: "/archlinux") {
            _ = arch.records(bytes, place: name)
        }
        for (name, bytes) in try TestData.files("feeds/distro-fixtures/trivy-db.zip", with: "arch-linux/testdata/happy")
        {
            _ = arch.records(bytes, place: name)
        }
        print(arch.summary("arch"))
        #expect(arch.stored == 4 && arch.quarantined == 0)
        var echo = EchoReader()
        for (name, bytes) in try TestData.files(
            "feeds/distro-fixtures/echo.zip", ending: "", with: "input/echo-advisories")
        {
            _ = echo.records(bytes, place: name)
        }
        for (name, bytes) in try TestData.files("feeds/distro-fixtures/trivy-db.zip", with: "echo/testdata/happy") {
            #expect(echo.records(bytes, place: name).first?.advisory?.statements[0].name == "curl")
        }
        print(echo.summary("echo"))
        #expect(echo.stored > 20 && echo.quarantined == 0)
    }

    /// The YAML of older releases; another program made OSV records of it.
    @Test func alpineYAML() throws {
        var reader = SecDBReader()
        var fixes: Set<String> = []
        for (name, bytes) in try TestData.files("feeds/alpine/secdb-yaml.zip", ending: ".yaml") {
            for advisory in reader.records(bytes, place: name).compactMap({ $0.advisory }) {
                for statement in advisory.statements {
                    fixes.insert("\(advisory.id) \(statement.stream) \(statement.name)")
                }
            }
        }
        print(reader.summary("alpine yaml"))
        for fault in reader.faults { print("feeds: alpine fault \(fault)") }
        #expect(reader.stored > 12_000 && reader.quarantined == 0)
        var osv = OSVReader()
        var missing: [String] = []
        for line in try TestData.entries("feeds/osv/Alpine/all.zip").split(separator: 0x0A) {
            guard let tab = line.firstIndex(of: 0x09) else { continue }
            for advisory in osv.records(line[(tab + 1)...]).compactMap({ $0.advisory }) {
                for statement in advisory.statements {
                    let id = advisory.id.dropFirst("ALPINE-".count)
                    // `CVE-????-?????` and `CVE-2017-8073.patch` are ids there.
                    if id.wholeMatch(of: /CVE-\d{4}-\d+|XSA-\d+/) == nil { continue }
                    if !fixes.contains("\(id) \(statement.stream) \(statement.name)") {
                        missing.append("\(id) \(statement.stream) \(statement.name)")
                    }
                }
            }
        }
        #expect(missing.isEmpty, "\(missing.count): \(missing.prefix(10))")
    }

    @Test func rubySec() throws {
        var reader = RubySecReader()
        let files = try TestData.files("feeds/rubysec/ruby-advisory-db.zip", ending: ".yml")
        for (name, bytes) in files { _ = reader.records(bytes, place: name) }
        print(reader.summary("rubysec"))
        for fault in reader.faults.prefix(10) { print("feeds: rubysec fault \(fault)") }
        for alarm in reader.tally.alarms.prefix(10) { print("feeds: rubysec alarm \(alarm)") }
        #expect(files.count == 1_381 && reader.stored == 1_381 && reader.quarantined == 0)
    }

    @Test func csaf() throws {
        var reader = CSAFReader()
        var statements = 0
        var statuses: [Statement.Status: Int] = [:]
        var count = 0
        for zip in ["feeds/csaf/csaf-samples.zip"] {
            for (name, bytes) in try TestData.files(zip) {
                count += 1
                for advisory in reader.records(bytes, place: name).compactMap({ $0.advisory }) {
                    statements += advisory.statements.count
                    for statement in advisory.statements { statuses[statement.status, default: 0] += 1 }
                }
            }
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: TestData.root + "/feeds/claircore-acceptance")
        where name.hasSuffix(".json") {
            count += 1
            _ = reader.records(try TestData.bytes("feeds/claircore-acceptance/" + name), place: name)
        }
        print(reader.summary("csaf"), statements, statuses)
        for fault in reader.faults { print("feeds: csaf fault \(fault)") }
        for alarm in reader.tally.alarms.prefix(10) { print("feeds: csaf alarm \(alarm)") }
        // Eight files are lists of documents, and say so.
        #expect(reader.stored + reader.quarantined == count && reader.quarantined == 8)
        #expect(reader.faults.allSatisfy { $0.reason.contains("no CSAF advisory") })
    }

    @Test func vex() throws {
        var open = OpenVEXReader()
        for (name, bytes) in try TestData.files("feeds/openvex/openvex.zip") { _ = open.records(bytes, place: name) }
        print(open.summary("openvex"))
        #expect(open.stored >= 2 && open.quarantined == 0)
        var cyclone = CycloneDXVEXReader()
        var count = 0
        let root = TestData.root + "/sbom/cyclonedx-bom-examples/VEX"
        for name in try FileManager.default.subpathsOfDirectory(atPath: root)
        where name.hasSuffix("vex.json") || name.contains("/vex-") {
            count += 1
            #expect(!cyclone.records(try Data(contentsOf: URL(filePath: root + "/" + name)), place: name).isEmpty)
        }
        print(cyclone.summary("cyclonedx"), count)
        #expect(cyclone.stored >= count && cyclone.quarantined == 0 && count > 10)
    }

    @Test func vunnel() throws {
        var reader = VunnelReader()
        var count = 0
        for zip in [
            "alpine", "amazon", "chainguard", "debian", "echo", "github", "mariner", "minimos", "oracle", "rhel",
            "sles", "ubuntu", "wolfi",
        ] {
            for (name, bytes) in try TestData.files("feeds/distro-fixtures/\(zip).zip", with: "snapshots/") {
                count += 1
                let advisories = reader.records(bytes, place: name).compactMap { $0.advisory }
                #expect(advisories.count == 1, "\(name)")
            }
        }
        print(reader.summary("vunnel"))
        #expect(reader.stored == count && reader.quarantined == 0 && count > 500)
        #expect(reader.tally.alarmed == 0, "\(reader.tally.alarms.prefix(5))")
    }

    @Test func errata() throws {
        var reader = ErrataReader()
        var streams: Set<String> = []
        for part in [
            "amazon/testdata/happy", "rocky/testdata/happy", "bottlerocket/testdata/happy", "alma/testdata/happy",
        ] {
            for (name, bytes) in try TestData.files("feeds/distro-fixtures/trivy-db.zip", with: part) {
                for advisory in reader.records(bytes, place: name).compactMap({ $0.advisory }) {
                    for statement in advisory.statements { streams.insert(statement.stream) }
                }
            }
        }
        print(reader.summary("errata"), streams.sorted())
        for fault in reader.faults { print("feeds: errata fault \(fault)") }
        #expect(reader.stored == 9 && reader.quarantined == 0)
    }

    /// GitHub's database, Rocky's errata and the samples of others are OSV.
    @Test func otherOSV() throws {
        var reader = OSVReader()
        var count = 0
        for (name, bytes) in try TestData.files("feeds/osv-samples/samples.zip")
            + TestData.files("feeds/distro-fixtures/rocky.zip", with: "/osv/")
        {
            count += 1
            _ = reader.records(bytes, place: name)
        }
        print(reader.summary("osv samples"))
        for fault in reader.faults.prefix(10) { print("feeds: osv fault \(fault)") }
        #expect(reader.stored + reader.quarantined == count)
        for set in ["AlmaLinux", "Go", "Bitnami"] {
            var reader = OSVReader()
            let files = try TestData.files("feeds/osv/\(set)/all.zip")
            for (name, bytes) in files { _ = reader.records(bytes, place: name) }
            print(reader.summary(set))
            #expect(reader.stored == files.count && reader.quarantined == 0)
        }
    }
}
