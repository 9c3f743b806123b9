import Foundation
import Inventory
import JSON

/// CPU seconds that patchman spends on one host's report.
struct PatchmanFigures: Sendable {
    var version: String
    var packages: Int
    /// A host it has never seen, packages it has never seen.
    var first: Double
    /// The same report once more.
    var again: Double
}

/// patchman (PyPI), taking in the report of the same host.
struct PatchmanPeer: Sendable {
    let bench: Bench

    func run(_ set: LineDocument) throws -> PatchmanFigures {
        Progress.step("server: patchman takes in the same host")
        let status = bench.scratch + "/patchman-status"
        try Data(Self.status(SoftwareSet(set)).utf8).write(to: URL(fileURLWithPath: status))
        let printed = try output(of: [
            "python3", bench.source + "/Benchmarks/patchman-ingest", bench.cache, status, "2",
        ])
        let report = try JSONValue(parsing: Array(printed.split(separator: 10).last ?? []), limits: .message)
        let cpu = (report["reports"]?.array ?? []).compactMap { value -> Double? in
            switch value["cpu"] {
            case .number(let seconds): seconds
            case .integer(let seconds): Double(seconds)
            default: nil
            }
        }
        guard let first = cpu.first, let again = cpu.last, cpu.count == 2, let version = report["version"]?.string,
            let packages = report["packages"]?.integer
        else { throw BenchmarkError("patchman-ingest printed no figures") }
        guard Int(packages) == set.lines.count else {
            throw BenchmarkError("patchman stored \(packages) packages of \(set.lines.count)")
        }
        return PatchmanFigures(version: version, packages: Int(packages), first: first, again: again)
    }

    /// The set as a dpkg status.
    private static func status(_ set: SoftwareSet) -> String {
        set.packages.map {
            "Package: \($0.name)\nStatus: install ok installed\nArchitecture: \($0.architecture)\nVersion: \($0.version)\n"
        }.joined(separator: "\n")
    }
}
