import FeedImport
import Foundation
import Inventory
import MatchInputs
import Matching
import SoftwareReading
import Testing
import Timestamps

struct InputTests {
    private func write(_ text: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private let osv = """
        {"id": "DSA-1", "modified": "2026-01-01T00:00:00Z", "upstream": ["CVE-2026-1"], "affected": [
          {"package": {"ecosystem": "Debian:12", "name": "openssl"},
           "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}
        """

    /// A catalogue is kept beside its feeds, and written anew when they change or when it is damaged.
    @Test func theCatalogueFollowsTheFeeds() throws {
        try TestData.withFolder { folder in
            try write(osv, "\(folder)/feeds/a.json")
            let cache = CatalogueCache(feeds: "\(folder)/feeds")
            var said: [String] = []
            let kept = "\(folder)/.fettle-catalogue"
            let first = try cache.open(folder: kept) { said.append($0) }
            #expect(first.statementCount == 1 && said.isEmpty)
            func names() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: kept).filter { $0.count == 64 }
            }
            let name = try #require(try names().first)
            #expect(try CatalogueFile.open("\(kept)/\(name)").digest == first.digest)
            try "damaged".write(toFile: "\(kept)/\(name)", atomically: true, encoding: .utf8)
            #expect(try cache.open(folder: kept) { _ in }.digest == first.digest)
            try write(osv.replacingOccurrences(of: "DSA-1", with: "DSA-2"), "\(folder)/feeds/b.json")
            #expect(try cache.open(folder: kept) { _ in }.statementCount == 2)
            #expect(try names().count == 1)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: kept).count == 2, "it, and that it was verified")
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/feeds")
            #expect(files.count == 2, "nothing is added")
            #expect(throws: (any Error).self) { try CatalogueCache(feeds: "\(folder)/none").open { _ in } }
            #expect(throws: (any Error).self) { try CatalogueFile.open("\(folder)/feeds/a.json") }
        }
    }

    /// A folder that `fettle feeds` keeps is never read as plain files, and how a feed is read is part of what is cached.
    @Test func keptFeedsAreReadByTheirManifests() throws {
        try TestData.withFolder { folder in
            let now = Timestamp(seconds: 1_790_000_000)
            let kept = FeedFolder("\(folder)/kept")
            func take(_ name: String, _ id: String, _ time: Timestamp) throws {
                try write(osv.replacingOccurrences(of: "DSA-1", with: id), "\(folder)/\(name).json")
                try FeedImporter(kept, FeedConfiguration(feeds: []), now: { time }).run(
                    "\(folder)/\(name).json", .init(name: name, source: "osv")
                ) { _, _ in }
            }
            // Two files of one source: it is as old as the one that was asked for longest ago.
            try take("b", "DSA-1", now.adding(seconds: -500_000_000))
            try take("c", "DSA-2", now)
            let cache = CatalogueCache(feeds: kept.path)
            let catalogue = try cache.open(folder: "\(folder)/cache") { _ in }
            let matcher = try Matcher([catalogue])
            let package = SoftwarePackage(
                scheme: "deb", distribution: "debian-12", name: "openssl", architecture: "amd64", version: "1.0-1")
            let dates = try matcher.judge(MatchSubject(package)).findings.flatMap(\.voices).map(\.feedDate)
            #expect(Set(dates) == [now.adding(seconds: -500_000_000)])
            let manifest = "\(kept.path)/b/manifest.json"
            let text = try String(contentsOfFile: manifest, encoding: .utf8)
            try write(text.replacingOccurrences(of: "\"kind\":\"osv\"", with: "\"kind\":\"echo\""), manifest)
            _ = try? cache.open(folder: "\(folder)/cache") { _ in }
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/cache")
            #expect(names.filter { $0.utf8.count == 64 }.count == 2)
            try write("{", manifest)
            #expect(throws: ImportError.self) { try cache.open(folder: "\(folder)/cache") { _ in } }
        }
    }

    @Test func rootsAreRead() throws {
        try TestData.withFolder { folder in
            let root = "\(folder)/root"
            try write("ID=debian\nVERSION_ID=\"12\"\n", "\(root)/etc/os-release")
            try write(
                """
                Package: libssl3
                Status: install ok installed
                Architecture: amd64
                Version: 1.0-1+b2
                Source: openssl (1.0-1)

                Package: gone
                Status: deinstall ok config-files
                Architecture: amd64
                Version: 1.0

                Package: half
                Status: install ok half-configured
                Architecture: amd64
                Version: 1.0

                """, "\(root)/var/lib/dpkg/status")
            let found = try SoftwareInput.root(root)
            #expect(found.packages.map(\.package.name) == ["half", "libssl3"])
            #expect(
                found.packages[1].package.sourceVersion == "1.0-1"
                    && found.packages[1].package.distribution == "debian-12")
            try write(osv, "\(folder)/feeds/a.json")
            let matcher = try Matcher([try CatalogueCache(feeds: "\(folder)/feeds").open(folder: folder) { _ in }])
            let findings = try matcher.judge(MatchSubject(found.packages[1].package)).findings
            #expect(findings.map(\.vulnerability) == ["CVE-2026-1"] && findings[0].verdict == .affected)

            let alpine = "\(folder)/alpine"
            try write("ID=alpine\nVERSION_ID=3.20.3\n", "\(alpine)/etc/os-release")
            try write("P:musl\nV:1.2-r0\no:musl\n\n", "\(alpine)/lib/apk/db/installed")
            #expect(try SoftwareInput.root(alpine).packages.map(\.package.distribution) == ["alpine-3.20.3"])

            let project = "\(folder)/project"
            try write("module m\n\nrequire a.b/c v1.0.0\n", "\(project)/go.mod")
            try write("a.b/c v0.9.0 h1:x\na.b/c v1.0.0 h1:x\n", "\(project)/go.sum")
            try write(#"{"packages": {"node_modules/x": {"version": "1.0.0"}}}"#, "\(project)/web/package-lock.json")
            #expect(try SoftwareInput.root(project).packages.map(\.package.version) == ["1.0.0", "1.0.0"])
            #expect(throws: MatchInputError.self) { try SoftwareInput.root("\(folder)/feeds") }
        }
    }

    /// A database with headers in the layout that rpm writes.
    @Test func rpmDatabasesAreRead() throws {
        try TestData.withFolder { folder in
            // Headers as rpm writes them: name, epoch, version, release, architecture, source, module.
            func header(_ name: String, epoch: UInt32?, module: String?, vendor: String? = nil) -> [UInt8] {
                var entries: [[UInt32]] = []
                var data: [UInt8] = []
                func add(_ tag: UInt32, _ text: String) {
                    entries.append([tag, 6, UInt32(data.count), 1])
                    data += Array(text.utf8) + [0]
                }
                add(1000, name)
                add(1001, "1.2")
                add(1002, "3.el9")
                add(1022, "x86_64")
                add(1044, "src-\(name)-1.2-3.el9.src.rpm")
                if let module { add(5096, module) }
                if let vendor { add(1011, vendor) }
                if let epoch {
                    while data.count % 4 != 0 { data.append(0) }
                    entries.append([1003, 4, UInt32(data.count), 1])
                    withUnsafeBytes(of: epoch.bigEndian) { data += Array($0) }
                }
                let words = [UInt32(entries.count), UInt32(data.count)] + entries.flatMap { $0 }
                return words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } } + data
            }
            let rows = [
                header("bash", epoch: nil, module: nil, vendor: "AlmaLinux"),
                header("nodejs", epoch: 1, module: "nodejs:18:90:c3", vendor: "NodeSource"),
                header("gpg-pubkey", epoch: nil, module: nil),
            ]
            func make(_ rows: [[UInt8]], _ path: String, isLogged: Bool = false) throws {
                let hex = rows.map { $0.map { String(format: "%02x", $0) }.joined() }.joined(separator: ",")
                let process = Process()
                process.executableURL = URL(filePath: "/usr/bin/python3")
                process.arguments = [
                    "-c",
                    isLogged
                        ? "import os,sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\nd.execute('PRAGMA journal_mode=WAL')\nd.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)')\nd.commit()\nd.execute('PRAGMA wal_checkpoint(TRUNCATE)')\nfor h in sys.argv[2].split(','): d.execute('INSERT INTO Packages (blob) VALUES (?)', (bytes.fromhex(h),))\nd.commit()\nos._exit(0)"
                        : "import sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\nd.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)')\nfor h in sys.argv[2].split(','): d.execute('INSERT INTO Packages (blob) VALUES (?)', (bytes.fromhex(h),))\nd.commit()",
                    path, hex,
                ]
                try process.run()
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
            let root = "\(folder)/root"
            try write("ID=\"almalinux\"\nVERSION_ID=\"9.4\"\n", "\(root)/etc/os-release")
            try FileManager.default.createDirectory(atPath: "\(root)/var/lib/rpm", withIntermediateDirectories: true)
            try make(rows, "\(root)/var/lib/rpm/rpmdb.sqlite")
            let packages = try SoftwareInput.root(root).packages.map(\.package)
            #expect(packages.map(\.version) == ["1.2-3.el9", "1:1.2-3.el9"] && packages[1].module == "nodejs:18")
            #expect(packages[1].source == "src-nodejs" && packages[1].sourceVersion == "1:1.2-3.el9")
            #expect(packages[0].distribution == "almalinux-9.4")
            let origins = try SoftwareInput.root(root).packages.map(\.origin)
            #expect(origins == [.distribution, .thirdParty("NodeSource")])
            // The last transactions stand in the log beside it alone; nothing is written there.
            try make(rows, "\(folder)/logged.sqlite", isLogged: true)
            let before = try FileManager.default.attributesOfItem(atPath: "\(folder)/logged.sqlite-wal")[.size] as? Int
            #expect((before ?? 0) > 0)
            #expect(try RPMDatabase.packages("\(folder)/logged.sqlite", distribution: "x").count == 2)
            let after = try FileManager.default.attributesOfItem(atPath: "\(folder)/logged.sqlite-wal")[.size] as? Int
            #expect(before == after)
            try make([Array(rows[0].prefix(40))], "\(folder)/damaged.sqlite")
            #expect(throws: MatchInputError.self) {
                try RPMDatabase.packages("\(folder)/damaged.sqlite", distribution: "x")
            }
            try write("text", "\(folder)/text")
            #expect(throws: MatchInputError.self) { try RPMDatabase.packages("\(folder)/text", distribution: "x") }
            // An old format is named, and not passed over.
            try write("x", "\(folder)/old/var/lib/rpm/Packages")
            #expect(throws: MatchInputError.self) { try SoftwareInput.root("\(folder)/old") }
        }
    }

    /// Damage that stays within all bounds is found, once for each file.
    @Test func catalogueFilesAreReadAgainstTheirDigest() throws {
        try TestData.withFolder { folder in
            try write(osv, "\(folder)/feeds/a.json")
            let path = "\(folder)/catalogue"
            var bytes = try CatalogueCache(feeds: "\(folder)/feeds").build { _ in }
            try CatalogueFile.write(bytes, to: path)
            #expect(try VerifiedCatalogue.open(path).statementCount == 1)
            #expect(FileManager.default.fileExists(atPath: path + ".verified"))
            #expect(try VerifiedCatalogue.open(path).statementCount == 1)
            let text = try #require(bytes.firstRange(of: Array("openssl".utf8)))
            bytes[text.lowerBound] = UInt8(ascii: "p")
            try CatalogueFile.write(bytes, to: path)
            #expect(throws: CatalogueError.self) { try VerifiedCatalogue.open(path) }
            #expect(try CatalogueFile.open(path).statementCount == 1, "its bounds are whole")
        }
    }

    /// The user's cache keeps what was used last.
    @Test func theUsersCacheIsSwept() throws {
        try TestData.withFolder { folder in
            let cache = "\(folder)/cache"
            func names() throws -> Set<String> {
                Set(try FileManager.default.contentsOfDirectory(atPath: cache).filter { $0.count == 64 })
            }
            var first: Set<String> = []
            for number in 0..<7 {
                let feeds = "\(folder)/feeds\(number)"
                try write(osv.replacingOccurrences(of: "DSA-1", with: "DSA-\(number)"), "\(feeds)/a.json")
                _ = try CatalogueCache(feeds: feeds).open(folder: cache) { _ in }
                if number == 0 {
                    first = try names()
                    let mark = "\(cache)/\(try #require(first.first)).verified"
                    // Used long after all others.
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: 86_400)], ofItemAtPath: mark)
                }
            }
            #expect(try names().count == 4)
            #expect(try names().isSuperset(of: first))
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 8)
        }
    }

    /// Only a whole feed that names everything makes silence mean something.
    @Test func aStreamIsWholeByWhatIsLoaded() throws {
        try TestData.withFolder { folder in
            func tracker(_ count: Int, broken: Bool = false) -> String {
                var entries = (0..<count).map {
                    #""p\#($0)": {"CVE-2026-\#(1000 + $0)": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "1"}}}}"#
                }
                if broken {
                    entries.append(#""q": {"CVE-2026-1": {"releases": {"bookworm": {"status": "resolved"}}}}"#)
                }
                return "{\(entries.joined(separator: ","))}"
            }
            func coverage(_ text: String, _ name: String) throws -> FeedCoverage {
                try write(text, "\(folder)/\(name)/tracker.json")
                return try Catalogue(CatalogueCache(feeds: "\(folder)/\(name)").build { _ in })
                    .coverage(of: "Debian:12")
            }
            let found = [
                try coverage(tracker(1_200), "whole"), try coverage(tracker(20), "part"),
                try coverage(tracker(1_200, broken: true), "broken"), try coverage(osv, "advisories"),
            ]
            #expect(found == [.everything, .advisories, .advisories, .advisories])
        }
    }

    /// Of two releases in two files of one source each is as old as its own file: what stands still makes only its own silence
    /// old. Of two files of one release the older counts, of a whole one and a part the whole one.
    @Test func aStreamIsAsOldAsWhatNamesIt() throws {
        try TestData.withFolder { folder in
            let now = Timestamp(seconds: 1_790_000_000)
            let (old, older) = (now.adding(seconds: -500_000), now.adding(seconds: -900_000))
            func tracker(_ release: String, _ count: Int, _ first: Int) -> String {
                let entries = (first..<first + count).map {
                    #""p\#($0)": {"CVE-2026-\#(1000 + $0)": {"releases": {"\#(release)": {"status": "resolved", "fixed_version": "1"}}}}"#
                }
                return "{\(entries.joined(separator: ","))}"
            }
            let kept = FeedFolder("\(folder)/kept")
            func take(_ name: String, _ text: String, _ time: Timestamp) throws {
                try write(text, "\(folder)/\(name).json")
                try FeedImporter(kept, FeedConfiguration(feeds: []), now: { time }).run(
                    "\(folder)/\(name).json", .init(name: name, source: "debian-tracker")
                ) { _, _ in }
            }
            func dates() throws -> [Timestamp?] {
                let catalogue = try Catalogue(CatalogueCache(feeds: kept.path).build { _ in })
                return [
                    try catalogue.feedDate(ofStream: "Debian:12"), try catalogue.feedDate(ofStream: "Debian:13"),
                    try catalogue.feeds.first { $0.source == "debian-tracker" }?.date,
                ]
            }
            try take("bookworm", tracker("bookworm", 1_200, 0), old)
            try take("trixie", tracker("trixie", 1_200, 0), now)
            #expect(try dates() == [old, now, old])
            try take("part", tracker("trixie", 20, 5_000), older)
            #expect(try dates() == [old, now, older], "a part names nothing whole")
            try take("more", tracker("trixie", 1_100, 2_000), older)
            #expect(try dates() == [old, older, older])
        }
    }

    /// apt's own lists tell whose a package is.
    @Test func originsAreReadFromListsOfRepositories() throws {
        try TestData.withFolder { folder in
            let root = "\(folder)/root"
            try write("ID=debian\nVERSION_ID=\"12\"\n", "\(root)/etc/os-release")
            func installed(_ name: String, _ version: String, _ source: String) -> String {
                "Package: \(name)\nStatus: install ok installed\nArchitecture: amd64\nVersion: \(version)\nSource: \(source)\n\n"
            }
            func listed(_ name: String, _ version: String, _ source: String) -> String {
                "Package: \(name)\nArchitecture: amd64\nVersion: \(version)\nSource: \(source)\n\n"
            }
            try write(
                installed("dpkg", "1.21.22", "dpkg") + installed("openssl", "1.0-1", "openssl")
                    + installed("docker-ce", "5:24", "docker-ce") + installed("left-over", "1", "gone")
                    + installed("containerd.io", "1.6", "containerd") + installed("libssl3", "1.0-0", "openssl")
                    + installed("both", "1", "both"),
                "\(root)/var/lib/dpkg/status")
            try write(
                "deb http://deb.debian.org/debian bookworm main\ndeb https://download.docker.com/linux/debian bookworm stable\n",
                "\(root)/etc/apt/sources.list")
            let lists = "\(root)/var/lib/apt/lists"
            try write("Origin: Debian\nSuite: oldstable\n", "\(lists)/deb.debian.org_debian_dists_bookworm_InRelease")
            try write(
                listed("dpkg", "1.21.22", "dpkg") + listed("openssl", "1.0-1", "openssl")
                    + listed("libssl3", "1.0-1", "openssl") + listed("both", "2", "both"),
                "\(lists)/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages")
            let docker = "\(lists)/download.docker.com_linux_debian_dists_bookworm_"
            try write("Origin: Docker\n", docker + "InRelease")
            try write(
                listed("docker-ce", "5:24", "docker-ce") + listed("containerd.io", "1.7", "containerd")
                    + listed("both", "3", "both"),
                docker + "stable_binary-amd64_Packages")
            func origins() throws -> [String: SoftwareOrigin] {
                let found = try SoftwareInput.root(root).packages.map { ($0.package.name, $0.origin) }
                return Dictionary(uniqueKeysWithValues: found)
            }
            let found = try origins()
            #expect(found["openssl"] == .distribution && found["dpkg"] == .distribution)
            #expect(found["libssl3"] == .distribution, "an older build of what the distribution offers")
            #expect(found["docker-ce"] == .thirdParty("Docker") && found["containerd.io"] == .thirdParty("Docker"))
            for name in ["left-over", "both"] {
                guard case .unknown = found[name] else {
                    Issue.record("\(name) is \(String(describing: found[name]))")
                    continue
                }
            }
            // Without lists nothing tells.
            try FileManager.default.removeItem(atPath: lists)
            #expect(try Set(origins().values) == [.assumed])
        }
    }

    /// Images without dpkg have a file a package.
    @Test func distrolessImagesAreRead() throws {
        try TestData.withFolder { folder in
            let root = "\(folder)/root"
            try write("ID=debian\nVERSION_ID=\"12\"\n", "\(root)/etc/os-release")
            let status = "\(root)/var/lib/dpkg/status.d"
            try write("Package: libssl3\nArchitecture: amd64\nVersion: 3.0-1\nSource: openssl\n", "\(status)/libssl3")
            try write("Package: base-files\nArchitecture: amd64\nVersion: 12.4\n", "\(status)/base")
            try write("d41d8cd98f00b204e9800998ecf8427e  usr/x\n", "\(status)/base.md5sums")
            let packages = try SoftwareInput.root(root).packages
            #expect(packages.map(\.package.name) == ["base-files", "libssl3"])
            #expect(packages[1].package.source == "openssl" && packages[0].origin == .assumed)
            try write("no package\n", "\(status)/broken")
            #expect(throws: (any Error).self) { try SoftwareInput.root(root) }
        }
    }

    /// What is not looked into is told.
    @Test func whatCannotBeReadIsTold() throws {
        try TestData.withFolder { folder in
            let deep = (0..<15).map { "d\($0)" }.joined(separator: "/")
            try write(
                #"{"packages": {"node_modules/x": {"version": "1.0.0"}}}"#, "\(folder)/p/\(deep)/package-lock.json")
            try write(#"{"packages": {"node_modules/y": {"version": "1.0.0"}}}"#, "\(folder)/p/package-lock.json")
            let found = try SoftwareInput.root("\(folder)/p")
            #expect(found.packages.map(\.package.name) == ["y"] && found.skippedCount == 1)
            #expect(found.skipped[0].contains("too deep"))
            // A database behind a link that leads round in a circle is not one that is not there.
            try FileManager.default.createDirectory(atPath: "\(folder)/q/var/lib", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/q/var/lib/dpkg", withDestinationPath: "dpkg")
            #expect(throws: MatchInputError.self) { try SoftwareInput.root("\(folder)/q") }
        }
    }

    @Test func linesNameTheirPlace() throws {
        try TestData.withFolder { folder in
            try write("PyPI\tA_b\t1.0\nDebian:12\topenssl\t1\textra\n", "\(folder)/lines")
            var lines: [(text: String, package: SoftwarePackage)]?
            let found = try SoftwareInput.inventory("\(folder)/lines", distribution: nil, lines: &lines)
            #expect(
                found.packages.map(\.package.name) == ["a-b", "openssl"]
                    && lines?.map(\.text) == ["PyPI\tA_b\t1.0", "Debian:12\topenssl\t1"])
            try write("PyPI\ta\t1.0\nno tabs\n", "\(folder)/bad")
            #expect { try SoftwareInput.inventory("\(folder)/bad", distribution: nil, lines: &lines) } throws: {
                "\($0)".contains("line 2")
            }
            try write("Package: x\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n", "\(folder)/status")
            #expect { try SoftwareInput.inventory("\(folder)/status", distribution: nil, lines: &lines) } throws: {
                "\($0)".contains("--distribution")
            }
            #expect(
                try SoftwareInput.inventory("\(folder)/status", distribution: "debian-12", lines: &lines).packages.count
                    == 1)
        }
    }
}
