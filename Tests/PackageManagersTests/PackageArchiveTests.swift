import Foundation
import PackageManagers
import Testing

/// Changelogs in real `.deb` files that dpkg-deb builds.
@Suite struct PackageArchiveTests {
    private static let text =
        "tool (1.1-1) x; urgency=low\n\n  * CVE-2023-1234\n\n -- A <a@b>  Tue, 02 Jan 2024 10:00:00 +0000\n"

    /// Builds a package and reads its changelog.
    private func read(
        compression: String, _ fill: (String) throws -> Void
    ) throws -> PackageArchive.Changelog {
        let bytes = try build(compression: compression, fill)
        return try PackageArchive.changelog(in: MemorySource(bytes), of: "tool")
    }

    private func build(compression: String, _ fill: (String) throws -> Void) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let doc = "\(folder)/tree/usr/share/doc/tool"
        try FileManager.default.createDirectory(atPath: "\(folder)/tree/DEBIAN", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: doc, withIntermediateDirectories: true)
        let control = "Package: tool\nVersion: 1.1-1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
        try Data(control.utf8).write(to: URL(filePath: "\(folder)/tree/DEBIAN/control"))
        try fill(doc)
        try Self.run([
            "dpkg-deb", "--root-owner-group", "-Z\(compression)", "-b", "\(folder)/tree", "\(folder)/tool.deb",
        ])
        return Array(try Data(contentsOf: URL(filePath: "\(folder)/tool.deb")))
    }

    /// What a process that was killed has left is removed, except what is wanted again.
    @Test func onlyWantedPartsStay() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("left-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["tool_1%3a1.1-1_amd64.deb", "tool_1%3a1.0-1_amd64.deb", "other_1_all.deb.FAILED"] {
            try Data([1]).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        let wanted = CandidateFile(
            name: "tool", architecture: "amd64", version: "1:1.1-1", source: "tool", sourceVersion: "1:1.1-1",
            sha256: String(repeating: "0", count: 64), bytes: 10)
        CandidateFile.clean(folder, keeping: [wanted])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tool_1%3a1.1-1_amd64.deb"])
        CandidateFile.clean(folder)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        CandidateFile.clean(folder + "/none")
    }

    private static func run(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
    }

    private func write(_ text: String, _ path: String, gzip: Bool = true) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        if gzip { try Self.run(["gzip", "-9n", path]) }
    }

    @Test(arguments: ["xz", "gzip", "zstd", "none"])
    func everyCompression(_ compression: String) throws {
        let found = try read(compression: compression) { doc in
            try write(Self.text, doc + "/changelog.Debian")
            try write("upstream's own\n", doc + "/changelog")
            try write("rebuilt\n", doc + "/changelog.Debian.amd64")
        }
        #expect(found == .text(Array(Self.text.utf8)))
    }

    @Test("A native package's is changelog.gz; one that is a link is another package's; long names are read over")
    func kinds() throws {
        #expect(
            try read(compression: "xz") { doc in
                let deep = doc + "/" + String(repeating: "long-name-", count: 14)
                try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
                try write("x", deep + "/" + String(repeating: "y", count: 120), gzip: false)
                try write(Self.text, doc + "/changelog")
            } == .text(Array(Self.text.utf8)))
        #expect(
            try read(compression: "xz") { doc in
                try FileManager.default.removeItem(atPath: doc)
                try FileManager.default.createSymbolicLink(atPath: doc, withDestinationPath: "libtool1")
            } == .link("libtool1"))
        #expect(
            try read(compression: "xz") { doc in
                try FileManager.default.createSymbolicLink(
                    atPath: doc + "/changelog.Debian.gz", withDestinationPath: "../libtool1/changelog.Debian.gz")
            } == .link("libtool1"))
        #expect(try read(compression: "xz") { try write("x", $0 + "/README", gzip: false) } == .missing)
    }

    @Test("Damaged and cut packages are errors, never without a changelog")
    func damaged() throws {
        let good = try build(compression: "gzip") { try write(Self.text, $0 + "/changelog.Debian") }
        // Cut where the data would begin: an archive of nothing is no package without a changelog.
        let name = Array("data.tar".utf8)
        let place = try #require(good.indices.first { good[$0...].starts(with: name) })
        #expect(throws: PackageScanError.self) {
            try PackageArchive.changelog(in: MemorySource(Array(good.prefix(place + 60))), of: "tool")
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let cut = Array(good.prefix(Int.random(in: 0..<(good.count - 200), using: &random)))
            #expect(throws: PackageScanError.self) {
                try PackageArchive.changelog(in: MemorySource(cut), of: "tool")
            }
            var bad = good
            bad[Int.random(in: 0..<bad.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            // Either it is noticed, or what was hit does not matter; it must not crash.
            _ = try? PackageArchive.changelog(in: MemorySource(bad), of: "tool")
        }
        var limits = PackageArchive.Limits()
        limits.text = 20
        #expect(throws: PackageScanError.self) {
            try PackageArchive.changelog(in: MemorySource(good), of: "tool", limits: limits)
        }
    }
}
