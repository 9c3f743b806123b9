import Foundation

/// A root of files with a dpkg status of real packages and copies of this machine's apt lists.
///
/// The packages are drawn evenly from the largest list. Every twentieth has a version just below the listed one, so
/// that an offer exists for it.
struct SyntheticRoot: Sendable {
    /// The folder that stands for `/`.
    let path: String
    /// Packages in the status.
    let packages: Int
    /// Those with a lowered version.
    let lowered: Int

    /// The dpkg status.
    var status: String { path + "/var/lib/dpkg/status" }

    /// Makes the root below `path`.
    init(at path: String, lists: AptLists, count: Int) throws {
        self.path = path
        let files = FileManager.default
        for folder in [
            "/var/lib/dpkg/info", "/var/lib/dpkg/updates", "/var/lib/apt", "/var/cache/apt", "/etc", "/usr/lib",
        ] {
            try files.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
        }
        try output(of: ["cp", "-a", "/var/lib/apt/lists", path + "/var/lib/apt/lists"])
        try output(of: ["cp", "-a", "/etc/apt", path + "/etc/apt"])
        try output(of: ["cp", "-L", "/etc/os-release", "/etc/debian_version", path + "/etc/"])
        var stanzas: [String] = []
        var lowered = 0
        for (number, listed) in lists.stanzas(count).enumerated() {
            let lower = number % 20 == 0
            if lower { lowered += 1 }
            stanzas.append(Self.installed(listed, lower: lower))
        }
        try Data((stanzas.joined(separator: "\n\n") + "\n").utf8).write(
            to: URL(fileURLWithPath: path + "/var/lib/dpkg/status"))
        try Data("amd64\n".utf8).write(to: URL(fileURLWithPath: path + "/var/lib/dpkg/arch"))
        self.packages = stanzas.count
        self.lowered = lowered
    }

    /// The status stanza of a listed package: without what only lists have.
    private static func installed(_ stanza: String, lower: Bool) -> String {
        let onlyListed = ["Filename:", "Size:", "MD5sum:", "SHA256:", "Description-md5:", "Tag:"]
        var lines: [String] = []
        var skips = false
        for line in stanza.split(separator: "\n") {
            if line.hasPrefix(" ") {
                if !skips { lines.append(String(line)) }
                continue
            }
            skips = onlyListed.contains { line.hasPrefix($0) }
            if skips { continue }
            // A tilde sorts before everything, the end too: just below the listed version.
            lines.append(line.hasPrefix("Version:") && lower ? line + "~0" : String(line))
            if line.hasPrefix("Package:") { lines.append("Status: install ok installed") }
        }
        return lines.joined(separator: "\n")
    }
}
