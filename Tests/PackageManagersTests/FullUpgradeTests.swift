import Foundation
import Inventory
import PackageManagers
import Testing

/// What is said of a package that apt keeps back for no reason that the files show, by what its full upgrade does.
@Suite struct FullUpgradeTests {
    /// A host with one package and its newer version, and an apt-get that upgrades nothing and whose full upgrade does
    /// what the test says: the real one has no such case to offer on demand.
    private func status(fullUpgrade: String) throws -> OfferStatus {
        try #require(offers(fullUpgrade: fullUpgrade).offers.first).status
    }

    private func offers(fullUpgrade: String) throws -> OfferSet {
        let root = try TemporaryRoot()
        try root.write(
            "var/lib/dpkg/status",
            """
            Package: tool
            Status: install ok installed
            Architecture: amd64
            Version: 1.0-1
            Maintainer: x <x@x.example>
            Description: x


            """)
        try root.write("etc/apt/sources.list", "deb [trusted=yes] http://a.example/debian stable main\n")
        try root.write(
            "etc/apt/apt.conf.d/50arch", "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; };\n")
        let list = AptListName.file("http://a.example/debian/dists/stable/")
        try root.write(
            "var/lib/apt/lists/\(list)Release",
            "Origin: Debian\nSuite: stable\nCodename: bookworm\nArchitectures: amd64\nComponents: main\n"
                + "Date: Sat, 21 Nov 2026 07:59:00 UTC\n")
        try root.write(
            "var/lib/apt/lists/\(list)main_binary-amd64_Packages",
            "Package: tool\nVersion: 1.0-2\nArchitecture: amd64\nMaintainer: x <x@x.example>\n"
                + "Filename: pool/x.deb\nSize: 1\nSHA256: \(String(repeating: "0", count: 64))\nDescription: x\n\n")
        try root.write(
            "resolver",
            """
            #!/bin/sh
            case " $* " in *" dist-upgrade "*) \(fullUpgrade) ;; esac

            """)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root.path)/resolver")
        let scan = try Apt.scan(root: root.path, resolver: .command(["\(root.path)/resolver"]), now: now)
        return try #require(scan.offers.value)
    }

    @Test func aFullUpgradeThatCannotBeTriedIsSaid() throws {
        let failed = try status(fullUpgrade: "echo 'E: The cache is broken' >&2; exit 100")
        #expect(
            failed
                == .keptBack(
                    "a full upgrade could not be tried: apt-get dist-upgrade failed (exit 100): E: The cache is broken")
        )
        // Ended by a signal, in the middle of its output.
        guard case .keptBack(let why) = try status(fullUpgrade: "echo 'Inst tool [1.0-1] (1.0-2'; kill -9 $$") else {
            Issue.record("it is not kept back")
            return
        }
        #expect(why.hasPrefix("a full upgrade could not be tried: "))
    }

    @Test func whatAFullUpgradeBringsBesidesIsToldByVersion() throws {
        let set = try offers(
            fullUpgrade: """
                echo 'Inst new (2.0-1 Debian:stable [amd64]) []'; echo 'Inst data (2.0-1 Debian:stable, B:b [all])'
                echo 'Inst tool [1.0-1] (1.0-2 Debian:stable [amd64])'
                """)
        #expect(
            set.additions == [
                Addition(name: "data", architecture: "all", version: "2.0-1"),
                Addition(name: "new", architecture: "amd64", version: "2.0-1"),
            ])
        #expect(try OfferSet(parsing: set.document.bytes) == set)
        #expect(try offers(fullUpgrade: "exit 100").additions.isEmpty)
    }

    @Test func whatAFullUpgradeTakesWithItIsSaid() throws {
        let taken = try status(
            fullUpgrade: """
                echo 'Remv old [1.0]'; echo 'Inst new (2.0 Debian:stable [amd64])'
                echo 'Inst tool [1.0-1] (1.0-2 Debian:stable [amd64])'
                """)
        #expect(taken == .keptBack("only a full upgrade takes it, with new packages: new; removals: old"))
        #expect(
            try status(fullUpgrade: ":")
                == .keptBack("apt's resolver keeps it back, also in a full upgrade, and does not say why"))
    }
}
