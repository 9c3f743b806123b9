import Foundation
import PackageManagers
import Testing
import Timestamps

/// A folder that is gone after the test.
final class TemporaryRoot: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "fettle-apt-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func link(_ name: String, to target: String) throws {
        let folder = URL(fileURLWithPath: "\(path)/\(name)").deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }
}

struct Failure: Error, CustomStringConvertible { var description: String }

/// Runs a real tool; what it prints.
@discardableResult
func tool(_ command: [String], environment: [String: String] = [:], check: Bool = true) throws -> String {
    var all = ["LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    all.merge(environment) { $1 }
    let result = try ChildProcess.run(command, environment: all)
    guard !check || result.status == 0 else {
        throw Failure(description: "\(command): \(String(decoding: result.output + result.errors, as: UTF8.self))")
    }
    return String(decoding: result.output, as: UTF8.self)
}

/// The same numbers each time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_f491_4f6c_dd1d
    }
}

let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))

/// Real apt, looking at a throw-away tree.
struct AptOracle {
    let environment: [String: String]
    let prefix: [String]

    /// Real apt on this machine.
    init() {
        environment = [:]
        prefix = []
    }

    /// Real apt with everything below `root`.
    init(_ root: TemporaryRoot) throws {
        try root.write(
            "apt-config",
            """
            Dir "\(root.path)/";
            Dir::State::status "\(root.path)/var/lib/dpkg/status";
            Dir::Bin::ischroot "/bin/false";
            Dir::Bin::methods "/usr/lib/apt/methods";
            Dir::Bin::dpkg "/usr/bin/dpkg";
            Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
            Debug::NoLocking "true";

            """)
        environment = ["APT_CONFIG": "\(root.path)/apt-config"]
        prefix = ["env", "APT_CONFIG=\(root.path)/apt-config"]
    }

    private let options = ["-o", "Debug::NoLocking=true", "-o", "APT::Get::Show-User-Simulation-Note=false"]

    /// `name version` of what `apt list --upgradable` shows.
    func upgradable() throws -> Set<String> {
        Set(
            try tool(["apt"] + options + ["list", "--upgradable"], environment: environment).split(separator: "\n")
                .filter { $0.contains("upgradable from") }.map { line in
                    let words = line.split(separator: " ")
                    return "\(words[0].prefix { $0 != "/" }):\(words[2]) \(words[1])"
                })
    }

    /// What a simulated run would install.
    func installs(_ operation: String) throws -> Set<String> {
        Set(
            try tool(["apt-get", "-s"] + options + [operation], environment: environment).split(separator: "\n")
                .filter { $0.hasPrefix("Inst ") }.map { line in
                    let words = line.split(separator: " ")
                    let version = words.first { $0.hasPrefix("(") }?.dropFirst() ?? ""
                    return "\(words[1]) \(version)"
                })
    }

    /// What `apt-cache policy` says of a package.
    struct Policy: Hashable {
        var installed = ""
        var candidate = ""
        /// `version priority`, the newest first.
        var versions: [String] = []
        /// The addresses that list the candidate.
        var candidateSites: Set<String> = []
    }

    func policies(_ names: [String]) throws -> [String: Policy] {
        var result: [String: Policy] = [:]
        for start in stride(from: 0, to: names.count, by: 500) {
            let some = Array(names[start..<min(start + 500, names.count)])
            var name = ""
            var version = ""
            for line in try tool(["apt-cache", "policy"] + some, environment: environment).split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                if !line.hasPrefix(" "), line.hasSuffix(":") {
                    name = String(line.dropLast())
                    version = ""
                    result[name] = Policy()
                } else if line.hasPrefix("  Installed: ") {
                    result[name]?.installed = words[1]
                } else if line.hasPrefix("  Candidate: ") {
                    result[name]?.candidate = words[1]
                } else if words.count > 1, Int(words[0]) != nil, words[1].contains("/") {
                    if version == result[name]?.candidate, words.count > 2 {
                        result[name]?.candidateSites.insert(words[1...].joined(separator: " "))
                    }
                } else if line.hasPrefix(" *** ") || line.hasPrefix("     ") {
                    let entry = words.first == "***" ? Array(words.dropFirst()) : words
                    version = entry[0]
                    result[name]?.versions.append("\(entry[0]) \(entry.count > 1 ? entry[1] : "")")
                }
            }
        }
        return result
    }
}

/// The lines that one has and the other lacks, for a message.
func differences(_ ours: Set<String>, _ theirs: Set<String>) -> [String] {
    ours.subtracting(theirs).map { "ours only: \($0)" }.sorted()
        + theirs.subtracting(ours).map { "apt only: \($0)" }.sorted()
}
