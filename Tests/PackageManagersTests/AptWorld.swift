import Foundation
import PackageManagers

/// A random host: packages, repositories, preferences and settings, all written as apt reads them.
struct AptWorld {
    static let names = [
        "alpha", "beta", "gamma", "libfoo1", "libfoo-dev", "libbar2", "python3-x", "zz", "tool.plus", "data++",
    ]
    static let versions = ["1.0", "1.0-1", "1.0-1+deb12u1", "1:0.9", "1.1~rc1", "1.1", "2.0-1~bpo12+1", "2.0-1", "0.5"]
    static let suites = ["stable", "stable-security", "testing", "stable-backports", "experimental"]
    static let codenames = ["bookworm", "bookworm-security", "trixie", "bookworm-backports", "rc-buggy"]
    static let sites = ["http://a.example/debian", "https://b.example:8443/x", "file:/srv/mirror", "http://c.example"]

    let root: TemporaryRoot
    /// What was made, for a message.
    var notes: [String] = []

    /// A host of that number; with dependencies when `tied`, with phased updates when `phased`.
    init(seed: UInt64, tied: Bool = false, phased: Bool = false) throws {
        var generator = SeededGenerator(seed)
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
        func pick<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
        root = try TemporaryRoot()
        let foreign = chance(30)
        let names = tied || phased ? Self.names + (0..<20).map { "more\($0)" } : Self.names

        var present: [String] = []
        /// The version that is installed everywhere in a tied world; no repository has it.
        let base = "0.9"

        func stanza(_ name: String, _ version: String, _ given: String) -> String {
            // Equal versions are equal stanzas, else apt takes them for different ones.
            var own = SeededGenerator(
                UInt64(abs("\(name)\(version)".utf8.reduce(5381) { ($0 &* 33 ^ Int($1)) })) ^ seed)
            func ownChance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &own) < percent }
            let architecture = ownChance(20) ? "all" : given
            var text =
                "Package: \(name)\nVersion: \(version)\nArchitecture: \(architecture)\nMaintainer: x <x@x.example>\n"
            if phased, version != base, ownChance(60) {
                text += "Phased-Update-Percentage: \(Int.random(in: 0...100, using: &own))\n"
            }
            if name.hasPrefix("lib") {
                text += "Source: \(name.contains("foo") ? "foo" : "bar (9.\(version.utf8.count))")\n"
            }
            if tied, version == base {
                if ownChance(30), let other = present.randomElement(using: &own) {
                    text += "Depends: \(other)\([" (= 0.9)", " (>= 0.5)", "", " (<< 2)"].randomElement(using: &own)!)\n"
                }
                if ownChance(8), let other = present.randomElement(using: &own) {
                    text += "Breaks: \(other) (>= 1.1)\n"
                }
                if ownChance(8) { text += "Provides: virtual\n" }
            } else if tied {
                for (field, percent) in [
                    ("Depends", 25), ("Pre-Depends", 3), ("Conflicts", 3), ("Breaks", 6), ("Recommends", 12),
                ]
                where ownChance(percent) {
                    let others = (names + ["absent", "virtual"]).filter { $0 != name }
                    let element = others.randomElement(using: &own)!
                    let operation = ["", " (>= 1.0)", " (= \(version))", " (>= 1.1)", " (<< 1.1)", " (>= 9)"]
                        .randomElement(using: &own)!
                    let alternative =
                        field.hasSuffix("pends") && ownChance(20) ? " | \(others.randomElement(using: &own)!)" : ""
                    text += "\(field): \(element)\(operation)\(alternative)\n"
                }
                if ownChance(8) { text += "Provides: virtual\n" }
            }
            return text
        }

        var status =
            "Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\nMaintainer: x <x@x.example>\nDescription: x\n\n"
        status +=
            "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\nMaintainer: x <x@x.example>\nDescription: x\n\n"
        for name in names where chance(85) {
            let architecture = foreign && !tied && chance(15) ? "i386" : "amd64"
            let want = chance(6) ? "hold" : "install"
            let text = stanza(name, tied ? base : pick(Self.versions), architecture)
            present.append(name)
            // dpkg's status file knows nothing of phasing.
            let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("Phased") }
            status +=
                "\(lines[0])\nStatus: \(want) ok installed\n\(lines[1...].joined(separator: "\n"))\nDescription: x\n\n"
        }
        try root.write("var/lib/dpkg/status", status)

        var sources = ""
        var seen: Set<String> = []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let suite = Int.random(in: 0..<Self.suites.count, using: &generator)
            let uri = pick(Self.sites)
            guard seen.insert("\(uri) \(suite)").inserted else { continue }
            let components = chance(40) ? ["main", "contrib"] : ["main"]
            sources += "deb [trusted=yes] \(uri) \(Self.suites[suite]) \(components.joined(separator: " "))\n"
            let listBase = AptListName.file("\(uri)/dists/\(Self.suites[suite])/")
            var release = "Architectures: amd64 i386\nComponents: main contrib\nDate: Sat, 21 Nov 2026 07:59:00 UTC\n"
            if chance(90) { release += "Origin: \(pick(["Debian", "Other", "Some Body"]))\n" }
            if chance(90) { release += "Label: \(pick(["Debian", "Debian-Security", "Extra"]))\n" }
            if chance(95) { release += "Suite: \(Self.suites[suite])\n" }
            if chance(90) { release += "Codename: \(Self.codenames[suite])\n" }
            if chance(60) { release += "Version: 12.\(Int.random(in: 0...9, using: &generator))\n" }
            if suite >= 3 || chance(10) { release += "NotAutomatic: yes\n" }
            if suite == 3 || chance(5) { release += "ButAutomaticUpgrades: yes\n" }
            if chance(93) { try root.write("var/lib/apt/lists/\(listBase)Release", release) }
            for component in components {
                for architecture in foreign ? ["amd64", "i386"] : ["amd64"] {
                    var list = ""
                    for name in names {
                        for version in Self.versions where chance(tied ? 5 : 14) {
                            list += stanza(name, version, architecture)
                            list +=
                                "Filename: pool/x.deb\nSize: 1\nSHA256: \(String(repeating: "0", count: 64))\nDescription: x\n\n"
                        }
                    }
                    try root.write("var/lib/apt/lists/\(listBase)\(component)_binary-\(architecture)_Packages", list)
                }
            }
        }
        try root.write("etc/apt/sources.list", sources)
        var settings =
            "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; \(foreign ? "\"i386\"; " : "")};\n"
        if phased { settings += "APT::Machine-ID \"\(String(seed &* 0x9e37_79b9, radix: 16))\";\n" }
        if !tied, chance(25) {
            settings +=
                "APT::Default-Release \"\(pick(Self.suites + Self.codenames + ["12*", "o=Debian", "nothing", "a=stable,l=Debian"]))\";\n"
        }
        try root.write("etc/apt/apt.conf.d/50world", settings)
        if !tied {
            var preferences = ""
            for _ in 0..<Int.random(in: 0...6, using: &generator) { preferences += Self.record(&generator) }
            let (first, rest) = (preferences, chance(30) ? Self.record(&generator) : "")
            try root.write("etc/apt/preferences", first)
            try root.write("etc/apt/preferences.d/more.pref", rest)
            notes.append(preferences + rest)
        }
        notes += [sources, settings]
    }

    private static func record(_ generator: inout SeededGenerator) -> String {
        func pick<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
        let package = pick([
            "*", "*", "alpha", "beta gamma", "lib*", "/^lib.*1$/", "src:foo", "src:bar", "src:*", "python3-?",
            "alpha:i386", "gamma:any",
            "*:any", "libfoo1 *", "/A/", "tool.plus", "data++", "[ab]*", "/foo|bar/:i386",
        ])
        let pin = pick([
            "version 1.0*", "version 1.1", "version 2*", "version /^1/", "version *deb12*", "origin a.example",
            "origin \"\"",
            "origin *.example", "origin \"b.example\"", "release a=stable", "release n=bookworm*",
            "release l=Debian-Security",
            "release o=Debian,a=testing", "release c=contrib", "release b=i386", "release v=12*", "release stable",
            "release 12.3",
            "release *", "release a=now", "release o=Some Body", "release l=/^debian/, n=trixie", "release x=y",
            "release 12*",
        ])
        let priority = pick([
            "-10", "-1", "1", "50", "99", "100", "101", "499", "500", "501", "990", "999", "1000", "1001", "32767",
        ])
        let isNever = package == "*" && !pin.hasPrefix("version") && Int.random(in: 0..<6, using: &generator) == 0
        return
            "Explanation: made at random\nPackage: \(package)\nPin: \(pin)\nPin-Priority: \(isNever ? "never" : priority)\n\n"
    }
}
