import Digest
import FeedImport
import Feeds
import Foundation
import Inventory
import MatchInputs
import Matching

/// Matching: the catalogue, one host from a cold program, and a fleet.
struct MatchBenchmark: Sendable {
    let bench: Bench
    /// The shared data.
    private let data: String

    init(bench: Bench) {
        self.bench = bench
        let given = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"] ?? ""
        data = given.isEmpty ? bench.source + "/../shared/data" : given
    }

    private static let fleetHosts = 100_000

    func run() async -> [Budget] {
        var budgets: [Budget] = []
        do { budgets += try host() } catch {
            budgets.append(
                Budget(what: "match of a Debian host, program start included", limit: 100, unit: "ms", note: "\(error)")
            )
        }
        do { budgets += try await fleet() } catch {
            budgets.append(
                Budget(
                    what: "100,000 hosts x 1,000 packages judged after a feed change", limit: 10, unit: "s",
                    note: "\(error)"))
        }
        return budgets
    }

    // MARK: One host

    private func host() throws -> [Budget] {
        Progress.step("match: the catalogue of the shared OSV feeds, and one Debian host")
        let feeds = data + "/feeds/osv"
        let catalogue = bench.scratch + "/catalogue"
        let status = bench.scratch + "/status"
        FileManager.default.createFile(
            atPath: status, contents: try output(of: ["zcat", data + "/inventories/bookworm-host.dpkg-status.gz"]))
        let build = try measured([
            bench.fettle, "match", "--inventory", status, "--distribution", "debian-12", "--feeds", feeds,
            "--write-catalogue", catalogue, "-o", "json",
        ])
        var opens: [Double] = []
        for _ in 0..<20 {
            let start = ContinuousClock.now
            let opened = try CatalogueFile.open(catalogue)
            opens.append(seconds(ContinuousClock.now - start) * 1000)
            guard opened.statementCount > 100_000 else {
                throw BenchmarkError("the catalogue has only \(opened.statementCount) statements")
            }
        }
        let opened = try CatalogueFile.open(catalogue)
        let size = (try FileManager.default.attributesOfItem(atPath: catalogue)[.size] as? Int ?? 0) / 1_000_000
        let command = [
            bench.fettle, "match", "--inventory", status, "--distribution", "debian-12", "--catalogue", catalogue,
        ]
        var times: [Double] = []
        var cpu: [Double] = []
        for _ in 0..<15 {
            let start = ContinuousClock.now
            let run = try measured(command)
            times.append(seconds(ContinuousClock.now - start) * 1000)
            cpu.append(run.cpu * 1000)
        }
        let note =
            "bookworm-host (1,173 packages) against \(opened.advisoryCount) advisories and \(opened.statementCount) statements of "
            + "\(opened.streams.count) streams, \(size) MB; time on the clock, \(rounded(median(cpu) ?? 0)) ms of it CPU; Trivy's and "
            + "debsecan's figures are those of field/vulnerabilities.md for the same host"
        return [
            Budget(
                what: "match of a Debian host, program start included", figure: median(times), limit: 100, unit: "ms",
                peers: [Peer(name: "Trivy 0.76", figure: 570), Peer(name: "debsecan", figure: 240)], note: note),
            Budget(what: "opening the catalogue", figure: median(opens), limit: 50, unit: "ms", note: note),
            Budget(
                what: "building the catalogue of the shared OSV feeds", figure: build.cpu, unit: "s CPU",
                note: "seven zips, 53 MB of JSON; start and one match included"),
        ]
    }

    // MARK: A fleet

    private func fleet() async throws -> [Budget] {
        Progress.step("match: \(Self.fleetHosts) hosts of 1,000 packages")
        let fleet = try MatchFleet(data: data, hosts: Self.fleetHosts)
        var builder = CatalogueBuilder()
        _ = try FeedFile(data + "/feeds/osv/AlmaLinux/all.zip").records { try builder.add($0) }
        let matcher = try Matcher([try Catalogue(try builder.bytes())])

        let index = SoftwareIndex(packages: fleet.packages, hostCount: Self.fleetHosts) { fleet.set(of: $0) }
        guard fleet.packages.count >= 50_000 else {
            throw BenchmarkError("only \(fleet.packages.count) distinct packages")
        }
        let digests = fleet.distinctSets()
        guard digests == Self.fleetHosts else { throw BenchmarkError("only \(digests) distinct sets") }

        let start = ContinuousClock.now
        let cpuBefore = ownCPUSeconds()
        var verdicts = try await FleetVerdicts(index, matcher: matcher)
        let judged = seconds(ContinuousClock.now - start)
        let cpu = ownCPUSeconds() - cpuBefore
        let found = verdicts.hosts.reduce(0) { $0 + Int($1.findings) }

        Progress.step("match: 300 hosts one by one")
        let oneByOne = ContinuousClock.now
        for number in 0..<300 {
            let host = number * (Self.fleetHosts / 300)
            var vulnerabilities: Set<String> = []
            var findings = 0
            for package in fleet.set(of: host) {
                let own = try matcher.judge(MatchSubject(fleet.packages[Int(package)]), verdicts: [.affected]).findings
                    .filter { !$0.isInformational }
                findings += own.count
                vulnerabilities.formUnion(own.map(\.vulnerability))
            }
            let counts = verdicts.hosts[host]
            guard counts.findings == UInt32(findings), counts.vulnerabilities == UInt32(vulnerabilities.count) else {
                throw BenchmarkError(
                    "host \(host) judged by itself has \(findings) findings, in the fleet \(counts.findings)")
            }
        }
        let single = seconds(ContinuousClock.now - oneByOne) / 300 * 1000

        // The advisory of a package that most hosts have, taken back, then published again.
        let (changed, withdrawn) = try fleet.widestAdvisory(of: verdicts, matcher)
        var times: [Double] = []
        var changes = 0
        var judgedAnew = 0
        for round in 0..<10 {
            var builder = CatalogueBuilder()
            let start = ContinuousClock.now
            try builder.add(.advisory(round % 2 == 0 ? withdrawn : changed))
            let result = try verdicts.apply(try Catalogue(try builder.bytes()), over: matcher)
            times.append(seconds(ContinuousClock.now - start) * 1000)
            changes = max(changes, result.changes.count)
            judgedAnew = max(judgedAnew, verdicts.judgedInLastChange)
        }
        guard changes > 0, verdicts.hosts.reduce(0, { $0 + Int($1.findings) }) == found else {
            throw BenchmarkError("an advisory that was taken back and published again left other verdicts")
        }
        let note =
            "\(Self.fleetHosts) hosts of 1,000 packages, \(digests) distinct sets, \(fleet.packages.count) distinct packages; \(found) findings "
            + "of \(verdicts.vulnerabilities.count) vulnerabilities; \(rounded(cpu)) s CPU; index \(index.byteCount / 1_000_000) MB; 300 hosts "
            + "judged one by one agree (\(rounded(single)) ms each, with evidence); the peer's 22 to 38 hosts/s are those of field/vulnerabilities.md"
        return [
            Budget(
                what: "100,000 hosts x 1,000 packages judged after a feed change", figure: judged, limit: 10, unit: "s",
                peers: [Peer(name: "vmaas-lib", figure: Double(Self.fleetHosts) / 38)], note: note),
            Budget(
                what: "the same fleet after a change of one advisory", figure: times.max(), limit: 100, unit: "ms",
                note:
                    "\(changed.id): \(judgedAnew) packages judged anew, \(changes) verdicts changed; the slowest of ten; "
                    + note),
        ]
    }
}

/// The shared Alma hosts multiplied: their own package sets, with versions moved so that no two hosts are alike.
struct MatchFleet: Sendable {
    private(set) var packages: [SoftwarePackage] = []
    private var sets: [[UInt32]] = []
    /// For each package of the base the numbers of its other versions.
    private var variants: [[UInt32]] = []

    init(data: String, hosts: Int) throws {
        let text = String(
            decoding: try output(of: ["zcat", data + "/inventories/alma9-300hosts-1000pkgs.txt.gz"]), as: UTF8.self)
        var numbers: [SoftwarePackage: UInt32] = [:]
        func number(_ package: SoftwarePackage, _ packages: inout [SoftwarePackage]) -> UInt32 {
            if let number = numbers[package] { return number }
            numbers[package] = UInt32(packages.count)
            packages.append(package)
            return UInt32(packages.count - 1)
        }
        for line in text.split(separator: "\n") {
            sets.append(
                try line.split(separator: " ").map { word in
                    guard let dot = word.lastIndex(of: "."), let release = word[..<dot].lastIndex(of: "-"),
                        let version = word[..<release].lastIndex(of: "-")
                    else { throw BenchmarkError("\(word) is no package") }
                    return number(
                        SoftwarePackage(
                            scheme: "rpm", distribution: "almalinux-9.4", name: String(word[..<version]),
                            architecture: String(word[word.index(after: dot)...]),
                            version: String(word[word.index(after: version)..<dot])), &packages)
                }.sorted())
        }
        let base = packages.count
        for package in 0..<base {
            variants.append(
                (0..<4).map { step in
                    var other = packages[package]
                    // Builds of the same version: below the shipped one for two of them, above it for the others.
                    other.version += step < 2 ? "~\(step + 1)" : ".\(step)"
                    (other.source, other.sourceVersion) = (other.name, other.version)
                    return number(other, &packages)
                })
        }
        guard sets.count == 300, hosts >= 300 else {
            throw BenchmarkError("there are \(sets.count) base hosts, not 300")
        }
    }

    /// The sorted packages of a host: those of a base host, every thirtieth or so in another version.
    func set(of host: Int) -> [UInt32] {
        var set = sets[host % sets.count]
        let generation = host / sets.count
        guard generation > 0 else { return set }
        var state = UInt64(truncatingIfNeeded: host) &* 0x9E37_79B9_7F4A_7C15
        for index in set.indices {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            if (state >> 40) % 30 == 0 { set[index] = variants[Int(set[index])][Int(state >> 33) % 4] }
        }
        return set.sorted()
    }

    /// How many different sets the hosts have.
    func distinctSets() -> Int {
        var digests: Set<SHA256Digest> = []
        for host in 0..<100_000 {
            digests.insert(set(of: host).withUnsafeBytes { SHA256.hash($0) })
        }
        return digests.count
    }

    /// The advisory that names packages of the most hosts, as it is and taken back.
    func widestAdvisory(of verdicts: FleetVerdicts, _ matcher: Matcher) throws -> (Advisory, Advisory) {
        var most = 0
        var best: Advisory?
        for package in stride(from: 0, to: packages.count, by: 25) where !verdicts.vulnerabilities(of: package).isEmpty
        {
            var hosts = 0
            verdicts.index.forEachHost(of: package) { _ in hosts += 1 }
            guard hosts > most else { continue }
            let finding = try matcher.judge(MatchSubject(packages[package]), verdicts: [.affected]).findings.first
            guard let voice = finding?.voices.first, let row = try matcher.layers[0].advisories(id: voice.record).first
            else {
                continue
            }
            best = try matcher.layers[0].advisory(row)
            most = hosts
        }
        guard let best else { throw BenchmarkError("no package is affected") }
        var withdrawn = best
        withdrawn.withdrawn = best.modified ?? best.published
        return (best, withdrawn)
    }
}
