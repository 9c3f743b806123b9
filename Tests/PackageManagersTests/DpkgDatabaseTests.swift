import Foundation
import Inventory
import PackageManagers
import Testing
import Timestamps

@Suite struct DpkgDatabaseTests {
    @Test func thisMachinesPackagesAreDpkgs() throws {
        let format =
            "${Package}\\t${Architecture}\\t${Version}\\t${source:Package}\\t${source:Version}\\t${db:Status-Status}\\n"
        let theirs = Set(
            try tool(["dpkg-query", "-W", "-f", format]).split(separator: "\n")
                .filter { !$0.hasSuffix("config-files") && !$0.hasSuffix("not-installed") }
                .map { $0.split(separator: "\t").prefix(5).joined(separator: "\t") })
        let scan = try Apt.scan(resolver: .none, now: now)
        let ours = Set(
            scan.set.packages.map { "\($0.name)\t\($0.architecture)\t\($0.version)\t\($0.source)\t\($0.sourceVersion)" }
        )
        #expect(differences(ours, theirs) == [])
        #expect(!ours.isEmpty)
        let manual = Set(try tool(["apt-mark", "showmanual"]).split(separator: "\n").map(String.init))
        let names = Set(
            (try #require(scan.packages.value?.manuallyInstalled.value)).map { String($0.prefix { $0 != ":" }) })
        #expect(differences(names, manual) == [])
    }

    static let status = """
        Package: plain
        Status: install ok installed
        Architecture: amd64
        Version: 1.0-1
        Source: origin (1.0)
        Description: text
         more
         .
         Package: not-a-field

        Package: held
        Status: hold ok installed
        Architecture: all
        Version: 2

        Package: broken
        Status: install reinstreq half-installed
        Architecture: amd64
        Version: 3

        Package: halfway
        Status: install ok half-configured
        Architecture: i386
        Version: 4

        Package: waits
        Status: install ok triggers-awaited
        Architecture: amd64
        Version: 5

        Package: residual
        Status: deinstall ok config-files
        Architecture: amd64
        Version: 6

        Package: gone
        Status: purge ok not-installed
        Architecture: amd64

        """

    @Test func statesAreFactsAndFilesOnTheDiskAreInTheSet() throws {
        let root = try TemporaryRoot()
        try root.write("var/lib/dpkg/status", Self.status)
        try root.write("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        try root.write(
            "var/lib/apt/extended_states",
            "Package: plain\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: held\nArchitecture: amd64\nAuto-Installed: 1\n"
        )
        let scan = try Apt.scan(root: root.path, resolver: .none, now: now)
        #expect(scan.set.packages.map(\.name) == ["broken", "halfway", "held", "plain", "waits"])
        #expect(scan.set.packages.first { $0.name == "plain" }?.source == "origin")
        #expect(scan.set.packages.first { $0.name == "plain" }?.sourceVersion == "1.0")
        #expect(scan.distribution == "debian-12")
        let facts = try #require(scan.packages.value)
        #expect(
            facts.abnormal.map { "\($0.package) \($0.state) \($0.needsReinstall)" } == [
                "broken:amd64 half-installed true", "halfway:i386 half-configured false",
                "waits:amd64 triggers-awaited false",
            ])
        #expect(facts.holds == ["held:all"])
        #expect(facts.residualConfiguration == ["residual:amd64"])
        #expect(facts.manuallyInstalled == .known(["broken:amd64", "halfway:i386", "waits:amd64"]))
        #expect(!facts.interruptedTransaction)
        #expect(facts.lastUpdate.value == nil)
    }

    @Test func theJournalOverrulesTheStatusFile() throws {
        let root = try TemporaryRoot()
        try root.write("var/lib/dpkg/status", Self.status)
        try root.write(
            "var/lib/dpkg/updates/0001",
            "Package: plain\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 1.1\n")
        try root.write(
            "var/lib/dpkg/updates/0002",
            "Package: plain\nStatus: install ok half-configured\nArchitecture: amd64\nVersion: 1.1\n")
        try root.write("var/lib/dpkg/updates/tmp.i", "half a stanza")
        let scan = try Apt.scan(root: root.path, resolver: .none, now: now)
        #expect(scan.set.packages.first { $0.name == "plain" }?.version == "1.1")
        let facts = try #require(scan.packages.value)
        #expect(facts.interruptedTransaction)
        #expect(facts.abnormal.contains { $0.package == "plain:amd64" && $0.state == "half-configured" })
    }

    @Test func whatIsNoDpkgDatabaseIsAnErrorThatSaysSo() throws {
        let root = try TemporaryRoot()
        #expect(throws: PackageScanError.noDpkg(root: "\(root.path)/")) { try Apt.scan(root: root.path, now: now) }
        try root.write("var/lib/dpkg/status", "Package: a\nStatus: install ok unheard-of\nVersion: 1\n")
        #expect(throws: PackageScanError.self) { try Apt.scan(root: root.path, now: now) }
        try root.write("var/lib/dpkg/status", [0, 1, 2, 3, 0xFF] + Array("\n\n\n: : :\n".utf8))
        #expect(throws: PackageScanError.self) { try Apt.scan(root: root.path, now: now) }
        try root.write("var/lib/dpkg/status", "")
        #expect(try Apt.scan(root: root.path, now: now).set.packages.isEmpty)
    }
}
