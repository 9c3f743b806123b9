import Foundation
import PackageManagers
import Testing
import Timestamps

@Suite struct AptFilesTests {
    // MARK: apt.conf

    static let configurations = [
        "APT { Get { Assume-Yes \"true\"; }; };\nAPT::Default-Release \"stable\";",
        "APT::Architectures { \"amd64\"; \"i386\"; };\nAPT::Architectures:: \"arm64\";",
        "APT::Default-Release \"one\";\n#clear APT::Default-Release;\nAPT::Get::Phase-Policy yes;",
        "// nothing \"here\"\n# nor here\nAPT::Default-Release \"a//b\"; /* long\n comment */ APT::Machine-ID \"x#y\";",
        "apt::default-release\n   \"over lines\"\n;\nAPT{Machine-ID \"no space\";}",
        "APT::Machine-ID \"first\";\nAPT::Machine-ID \"second\";\nAPT::Architectures \"a,b\";",
        "APT \"value\" { Machine-ID \"x\"; };\r\nAPT::Default-Release \"crlf\";\r\n",
        "APT::Default-Release \"a\" \"b\";\nAPT::Machine-ID %41%42;",
        "\n\n;;;\nAPT::Machine-ID \"x\";;",
        "APT::Architectures { \"a\"; };\n#clear APT::Architectures;\nAPT::Architectures { \"b\"; };",
        "APT::Default-Release \"a\"",
        "{ \"x\"; };",
        "APT::Default-Release \"a\" junk \"b\";",
        "APT { #clear APT; };",
        "#nothing;\nAPT::Default-Release \"x\";",
    ]

    @Test(arguments: configurations)
    func settingsAreReadAsAptReadsThem(_ text: String) throws {
        let root = try TemporaryRoot()
        try root.write("conf", text)
        let names = ["APT::Default-Release", "APT::Machine-ID", "APT::Get::Assume-Yes", "APT::Get::Phase-Policy"]
        let result = try ChildProcess.run(
            ["apt-config", "-o", "Dir::Etc::parts=/dev/null", "-c", "\(root.path)/conf", "shell"]
                + names.flatMap { [$0.filter(\.isLetter), $0] },
            environment: ["PATH": "/usr/bin:/bin"])
        var settings = AptConfiguration()
        do {
            try settings.read(Array(text.utf8))
        } catch {
            #expect(result.status != 0, "\(error), but apt takes it")
            return
        }
        #expect(result.status == 0, "apt says \(String(decoding: result.errors, as: UTF8.self))")
        // apt-config also prints what is set and empty.
        let theirs = String(decoding: result.output, as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasSuffix("=''") }.map { $0 + "\n" }.joined()
        let ours = names.compactMap { name in settings.value(name).map { "\(name.filter(\.isLetter))='\($0)'\n" } }
            .joined()
        #expect(ours == theirs)
    }

    @Test func listsOfSettingsAreRead() throws {
        var settings = AptConfiguration()
        try settings.read(Array("A { \"x\"; \"y\"; };\nA:: \"z\";\nB \"1,2\";".utf8))
        #expect(settings.list("a") == ["x", "y", "z"])
        #expect(settings.list("B") == ["1", "2"])
    }

    @Test func includedFilesAreRead() throws {
        let root = try TemporaryRoot()
        try root.write("etc/apt/apt.conf.d/10first", "#include \"/etc/more\";\nA \"1\";")
        try root.write("etc/more", "B \"2\";")
        try root.write("etc/apt/apt.conf.d/20.disabled", "A \"9\";")
        try root.write("etc/apt/apt.conf", "C \"3\"; A \"4\";")
        let settings = try AptConfiguration(FileTree(root: root.path))
        #expect(["A", "B", "C"].map { settings.value($0) } == ["4", "2", "3"])
        try root.write("etc/more", "#include \"/etc/more\";")
        #expect(throws: PackageScanError.self) { try AptConfiguration(FileTree(root: root.path)) }
    }

    // MARK: sources

    static let oneLine = [
        "deb http://a.example/debian stable main contrib",
        "deb [arch=amd64,i386 trusted=yes] https://user:secret@a.example:8080/x stable/updates main # comment",
        "  deb\tfile:/srv/repo ./  ",
        "deb-src http://a.example/debian stable main",
        "# deb http://a.example/debian stable main\n\n\ndeb http://b.example/debian/ stable main\r",
        "deb [ arch+=i386 ] http://a.example/ubuntu noble-updates main",
        "deb http://a.example/~user/a+b sid+x main",
        "deb http://[::1]:80/debian stable main",
        "deb http://a.example/$(ARCH)/ stable main",
    ]

    @Test(arguments: oneLine)
    func listsHaveTheNamesThatAptGivesThem(_ text: String) throws {
        let root = try TemporaryRoot()
        try root.write("etc/apt/sources.list", text + "\n")
        try root.write("var/lib/dpkg/status", "")
        let output = try tool(
            [
                "apt-get", "indextargets", "--no-release-info", "-o", "APT::Architectures=amd64", "--format",
                "$(FILENAME) $(ARCHITECTURE)", "Created-By: Packages",
            ], environment: try AptOracle(root).environment)
        let theirs = Set(
            output.split(separator: "\n").map {
                URL(fileURLWithPath: String($0.prefix { $0 != " " })).lastPathComponent
            })
        var sources = AptSources(architectures: ["amd64"])
        try sources.readLines(Array(text.utf8), path: "sources.list")
        let ours = Set(
            sources.entries.flatMap { source in
                source.component.isEmpty
                    ? [AptListName.file(AptListName.base(source) + "Packages")]
                    : (source.architectures + ["all"]).map {
                        AptListName.file(AptListName.base(source) + "\(source.component)/binary-\($0)/Packages")
                    }
            })
        // apt asks for the lists of "all" only where the Release file has them.
        #expect(ours.filter { !$0.contains("binary-all") } == theirs.filter { !$0.contains("binary-all") })
    }

    @Test func stanzasOfSourcesAreRead() throws {
        let text = """
            # a comment
            Types: deb deb-src
            URIs: http://a.example/debian
             # a comment inside
            # another
             https://b.example/debian/
            Suites: stable stable-updates
            Components: main
             contrib
            Architectures-Add: i386
            Signed-By:
             -----BEGIN PGP PUBLIC KEY BLOCK-----
             .
             abc

            Types: deb
            URIs: http://c.example/
            Suites: ./
            Enabled: no

            """
        var sources = AptSources(architectures: ["amd64"])
        // The comment with a blank before it is content, and "#" no address.
        #expect(throws: PackageScanError.self) { try sources.readStanzas(Array(text.utf8), path: "x.sources") }
        sources = AptSources(architectures: ["amd64"])
        let mended = text.replacingOccurrences(of: " # a comment inside\n", with: "")
        try sources.readStanzas(Array(mended.utf8), path: "x.sources")
        #expect(sources.entries.count == 8)
        #expect(sources.entries.first?.architectures == ["amd64", "i386"])
        #expect(Set(sources.entries.map(\.uri)) == ["http://a.example/debian/", "https://b.example/debian/"])
    }

    @Test(arguments: [
        "deb", "deb http://x/", "http://x/ stable main", "deb http://x/ stable", "deb http://x/ ./ main",
        "deb [arch=amd64 http://x/ stable main", "rpm http://x/ stable main", "deb nothing stable main",
    ])
    func whatAptRefusesIsRefused(_ text: String) throws {
        var sources = AptSources(architectures: ["amd64"])
        #expect(throws: PackageScanError.self) { try sources.readLines(Array(text.utf8), path: "sources.list") }
        let root = try TemporaryRoot()
        try root.write("etc/apt/sources.list", text + "\n")
        try root.write("var/lib/dpkg/status", "")
        let result = try ChildProcess.run(
            ["apt-get", "indextargets"],
            environment: try AptOracle(root).environment.merging(["PATH": "/usr/bin:/bin"]) { $1 })
        #expect(result.status != 0)
    }

    // MARK: preferences and dates

    @Test(arguments: [
        "Pin: release *\nPin-Priority: 5\n", "Package: a\nPin: version 1\n",
        "Package: a\nPin: version 1\nPin-Priority: 0\n",
        "Package: a\nPin: version 1\nPin-Priority: never\n", "Package: a\nPin: version 1\nPin-Priority: 40000\n",
        "Package a\n",
    ])
    func preferencesThatAptRefusesAreRefused(_ text: String) {
        var preferences = AptPreferences()
        #expect(throws: PackageScanError.self) { try preferences.read(Array(text.utf8), path: "preferences") }
    }

    @Test func oddBytesDoNotStopPreferences() throws {
        var preferences = AptPreferences()
        let bytes =
            Array("Explanation: ".utf8) + [0xFF, 0xFE]
            + Array("\r\nPackage: a b\r\nPin: version 1*\r\nPin-Priority: -7\r\n\r\n# end".utf8)
        try preferences.read(bytes, path: "preferences")
        #expect(preferences.pins.map(\.package) == ["a", "b"])
        #expect(preferences.pins.map(\.priority) == [-7, -7])
    }

    @Test func datesOfReleaseFilesAreRead() {
        #expect(HTTPDate.timestamp("Sat, 21 Nov 2026 07:59:00 UTC") == Timestamp(rfc3339: "2026-11-21T07:59:00Z"))
        #expect(HTTPDate.timestamp("Sat, 21 Nov 2026  7:59:00 +0130") == Timestamp(rfc3339: "2026-11-21T06:29:00Z"))
        for odd in [
            "", "Sat", "Sat, 31 Feb 2026 07:59:00 UTC", "Sat, 21 Nov 2026 25:00:00 UTC", "21 Nov 2026 07:59 UTC",
        ] {
            #expect(HTTPDate.timestamp(odd) == nil)
        }
    }

    /// Made with libstdc++: seed_seq of the bytes, minstd_rand, uniform_int_distribution from 0 to 100.
    @Test func theDieIsLibstdcxxs() {
        let dice = [
            "a": 94, "abc": 18, "foo-1.0-0123456789abcdef0123456789abcdef": 92, "bash-5.2.15-2-3f1c": 29,
            "x-y-zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz": 50,
        ]
        for (text, number) in dice { #expect(Phasing.die(text) == number, "\(text)") }
    }

    @Test func distributionsAreNamed() {
        #expect(OSRelease("ID=debian\nVERSION_ID=\"12\"\n").distribution == "debian-12")
        #expect(OSRelease("ID='debian'\nVERSION_CODENAME=trixie\n").distribution == "debian-trixie")
        #expect(OSRelease("# x\nNAME=x\n").distribution == "linux")
        #expect(OSRelease("ID=arch\r\n").distribution == "arch")
    }

    @Test func relationsAreRead() {
        let groups = Relation.groups("libc6 (>= 2.36), a | b:any (<< 1~) ,c(= 1:2-3) [amd64], , d <!x>")
        #expect(
            groups.map { $0.map(\.displayName) } == [
                ["libc6 (>= 2.36)"], ["a", "b:any (<< 1~)"], ["c (= 1:2-3)"], ["d"],
            ])
    }
}
