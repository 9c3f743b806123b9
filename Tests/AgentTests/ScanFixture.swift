import Agent
import Foundation
import Inventory

/// A host's files as a test writes them, gone with the test.
final class ScanFixture {
    let folder: URL

    /// Not below /tmp: what runs from there is left out of the scan by design.
    init() throws {
        let cache = ProcessInfo.processInfo.environment["HOME"].map { URL(filePath: $0) } ?? URL(filePath: "/var/tmp")
        folder = cache.appending(path: ".cache/fettle/tests/\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var tree: HostTree { HostTree(root: folder.path()) }

    @discardableResult
    func write(_ path: String, _ text: String) throws -> ScanFixture {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return self
    }

    @discardableResult
    func link(_ path: String, to target: String) throws -> ScanFixture {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: file.path(), withDestinationPath: target)
        return self
    }

    /// A process: its program, its control group and its executable mappings as lines of /proc/PID/maps.
    @discardableResult
    func process(_ number: Int, _ program: String, group: String, maps: [String]) throws -> ScanFixture {
        let lines = maps.enumerated().map { index, path in
            let start = 0x1000 * (index + 1)
            return String(start, radix: 16) + "-" + String(start + 0x1000, radix: 16)
                + " r-xp 00000000 08:01 \(1000 + index)                 \(path)\n"
        }
        try write("proc/\(number)/maps", lines.joined())
        try write("proc/\(number)/cgroup", group)
        try write("proc/\(number)/comm", "comm\n")
        return try link("proc/\(number)/exe", to: program)
    }

    /// Process 1 as systemd, running nothing that was replaced.
    @discardableResult
    func systemd(stale: [String] = []) throws -> ScanFixture {
        try process(
            1, "/usr/lib/systemd/systemd", group: "0::/init.scope\n", maps: ["/usr/lib/systemd/systemd"] + stale)
    }

    /// A running kernel and its banner.
    @discardableResult
    func kernel(_ release: String, banner: String = "#1 SMP") throws -> ScanFixture {
        try write("proc/sys/kernel/osrelease", release + "\n")
        return try write("proc/sys/kernel/version", banner + "\n")
    }

    /// Kernel packages with their images in /boot.
    func kernels(_ packages: [(name: String, version: String)], images: Bool = true) throws -> SoftwareSet {
        for package in packages where images {
            try write("boot/vmlinuz-" + package.name.dropFirst("linux-image-".count), "")
        }
        return SoftwareSet(
            packages.map {
                SoftwarePackage(
                    scheme: "deb", distribution: "debian-12", name: $0.name, architecture: "amd64", version: $0.version)
            })
    }
}
