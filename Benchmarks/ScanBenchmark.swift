import Foundation
import JSON

/// What a scan costs, against apt asked for the same.
struct ScanBenchmark: Sendable {
    let bench: Bench

    private static let limit = 150.0

    func run() -> [Budget] {
        [
            attempt("agent scan of 2,000 packages with their offers", Self.limit) { try synthetic() },
            attempt("agent scan of this machine, resolver asked", nil) { try machine(resolver: true) },
            attempt("agent scan of this machine, resolver not asked", nil) { try machine(resolver: false) },
        ]
    }

    private func attempt(_ what: String, _ limit: Double?, _ body: () throws -> Budget) -> Budget {
        do {
            return try body()
        } catch {
            return Budget(what: what, limit: limit, unit: "ms CPU", note: "\(error)")
        }
    }

    /// The budget's own case.
    private func synthetic() throws -> Budget {
        Progress.step("agent: scans of a root with 2,000 packages")
        let root = try SyntheticRoot(at: bench.scratch + "/root", lists: AptLists(), count: 2000)
        let ours = try medianCPU([bench.agent, "scan", "-o", "json", "--no-resolver", "--root", root.path])
        let found = try scanned(ours.last.output)
        guard found.packages == root.packages, found.offers >= root.lowered else {
            throw BenchmarkError(
                "the scan found \(found.packages) packages and \(found.offers) offers where \(root.packages) and at least "
                    + "\(root.lowered) are")
        }
        let apt = AptPeer(cache: bench.scratch + "/apt-root", options: ["Dir::State::status=\(root.status)"])
        let list = try apt.listUpgradable(keepsCache: false)
        return Budget(
            what: "agent scan of 2,000 packages with their offers", figure: ours.cpu * 1000, limit: Self.limit,
            unit: "ms CPU",
            peers: [
                Peer(name: "apt list --upgradable", figure: list.cpu * 1000),
                Peer(
                    name: "the same, its caches kept",
                    figure: try apt.listUpgradable(keepsCache: true).cpu * 1000),
            ],
            note:
                "\(found.packages) installed, \(found.offers) offers, \(found.indexes) indexes, apt lists of this machine; "
                + "apt lists \(list.lines) as upgradable. The agent keeps no cache: it is compared with apt after a change of "
                + "status or lists; a scan runs only then or hourly")
    }

    private func machine(resolver: Bool) throws -> Budget {
        Progress.step("agent: scans of this machine, resolver \(resolver ? "asked" : "not asked")")
        let ours = try medianCPU(
            [bench.agent, "scan", "-o", "json", resolver ? "--resolver" : "--no-resolver"], runs: resolver ? 3 : 7)
        let found = try scanned(ours.last.output)
        let apt = AptPeer(cache: bench.scratch + "/apt-machine", options: [])
        let peer =
            resolver
            ? Peer(name: "apt-get -s dist-upgrade", figure: try apt.simulateUpgrade(keepsCache: false) * 1000)
            : Peer(name: "apt list --upgradable", figure: try apt.listUpgradable(keepsCache: false).cpu * 1000)
        let kept =
            resolver
            ? try apt.simulateUpgrade(keepsCache: true) : try apt.listUpgradable(keepsCache: true).cpu
        return Budget(
            what: "agent scan of this machine, resolver \(resolver ? "asked" : "not asked")", figure: ours.cpu * 1000,
            unit: "ms CPU", peers: [peer, Peer(name: "the same, its caches kept", figure: kept * 1000)],
            note: "\(found.packages) installed, \(found.offers) offers, facts and processes read too")
    }

    private func scanned(_ json: Data) throws -> (packages: Int, offers: Int, indexes: Int) {
        let scan = try JSONValue(parsing: Array(json), limits: .facts)
        guard let packages = scan["packages"]?.array, let offers = scan["offers"]?.array,
            let indexes = scan["indexes"]?.array
        else { throw BenchmarkError("the scan printed no packages and offers") }
        return (packages.count, offers.count, indexes.count)
    }
}

/// apt, with caches in a folder of its own so that nothing of the machine is touched.
private struct AptPeer {
    let cache: String
    let options: [String]

    private func arguments(_ command: [String]) throws -> [String] {
        try FileManager.default.createDirectory(atPath: cache + "/archives/partial", withIntermediateDirectories: true)
        let all = [
            "Dir::Cache=\(cache)", "Dir::Cache::pkgcache=pkgcache.bin", "Dir::Cache::srcpkgcache=srcpkgcache.bin",
        ]
        return command + (all + options).flatMap { ["-o", $0] }
    }

    private func forget(_ keepsCache: Bool) {
        if keepsCache { return }
        for name in ["pkgcache.bin", "srcpkgcache.bin"] {
            try? FileManager.default.removeItem(atPath: cache + "/" + name)
        }
    }

    func listUpgradable(keepsCache: Bool) throws -> (cpu: Double, lines: Int) {
        let result = try medianCPU(
            arguments(["apt", "list", "--upgradable"]), environment: ["LC_ALL": "C"], runs: 5
        ) { forget(keepsCache) }
        let lines = result.last.output.split(separator: 10).filter { $0.contains(UInt8(ascii: "/")) }.count
        return (result.cpu, lines)
    }

    func simulateUpgrade(keepsCache: Bool) throws -> Double {
        try medianCPU(
            arguments(["apt-get", "-s", "dist-upgrade"]), environment: ["LC_ALL": "C"], runs: 3
        ) { forget(keepsCache) }.cpu
    }
}
