import Changelog
import Testing
import Versions

@Suite struct StepTests {
    private func step(
        _ entries: [(version: String, lines: [String])], from: String, to: String? = nil, after: String = ""
    ) throws -> ChangelogStep {
        try DebianChangelog.read(changelog(entries) + Array(after.utf8))
            .step(from: from, to: to ?? entries[0].version, scheme: DebianVersion.self)
    }

    @Test("Entries above the installed version count, those at it and below do not")
    func between() throws {
        let result = try step(
            [("1.3-1", ["* CVE-2023-3333"]), ("1.2-1", ["* CVE-2023-2222"]), ("1.1-1", ["* CVE-2023-1111"])],
            from: "1.1-1")
        #expect(
            result.closes == [
                .init(id: "CVE-2023-2222", version: "1.2-1"), .init(id: "CVE-2023-3333", version: "1.3-1"),
            ])
        #expect(result.unknown == "")
    }

    @Test("A version without an entry is placed by the order of versions where the file keeps it")
    func withoutEntry() throws {
        let ordered: [(version: String, lines: [String])] = [
            ("1.3-1", ["* CVE-2023-3333"]), ("1.1-1", ["* CVE-2023-1111"]),
        ]
        #expect(try step(ordered, from: "1.2-1").closes.map(\.id) == ["CVE-2023-3333"])
        #expect(try step(ordered, from: "1.2-1").unknown == "")
        let muddled: [(version: String, lines: [String])] = [
            ("1.3-1", ["* CVE-2023-3333"]), ("1.0-1", []), ("1.1-1", ["* CVE-2023-1111"]),
        ]
        #expect(try step(muddled, from: "1.2-1").closes.map(\.id) == ["CVE-2023-3333"])
        let earlier: [(version: String, lines: [String])] = [
            ("1.3-1", ["* CVE-2023-3333"]), ("1.2.5-1", []), ("1.4-1", []), ("1.1-1", ["* CVE-2023-1111"]),
        ]
        let result = try step(earlier, from: "1.2-1")
        #expect(result.closes == [])
        #expect(result.unknown.contains("not in the order of versions"))
    }

    @Test("Place counts before order: a version out of order is found where it stands")
    func place() throws {
        let result = try step(
            [("2:1-1", ["* CVE-2023-3333"]), ("1.9-1", ["* CVE-2023-2222"]), ("5.0-1", ["* CVE-2023-1111"])],
            from: "5.0-1", to: "2:1-1")
        #expect(result.closes.map(\.id) == ["CVE-2023-2222", "CVE-2023-3333"])
    }

    @Test("A cut changelog is unknown beyond its end, not none")
    func cut() throws {
        let mark = "\n# Older entries have been removed from this changelog.\n"
        let result = try step([("1.3-1", ["* CVE-2023-3333"])], from: "1.2-1", after: mark)
        #expect(result.closes.map(\.id) == ["CVE-2023-3333"])
        #expect(result.unknown.contains("cut above"))
        let within = try step([("1.3-1", ["* CVE-2023-3333"]), ("1.2-1", [])], from: "1.2-1", after: mark)
        #expect(within.unknown == "")
    }

    @Test("A changelog of another version or package is unknown")
    func other() throws {
        let result = try step([("1.3-1", ["* CVE-2023-3333"])], from: "1.2-1", to: "1.4-1")
        #expect(result.closes == [])
        #expect(result.unknown.contains("not the offered 1.4-1"))
        #expect(try step([("1.3-1", [])], from: "1.3-1").unknown.contains("not newer"))
    }

    @Test("The oldest entry that closes an id wins, and a revert in between opens it")
    func oldestWins() throws {
        let again: [(version: String, lines: [String])] = [
            ("1.3-1", ["* More of CVE-2023-1111"]), ("1.2-1", []), ("1.1-1", ["* CVE-2023-1111"]), ("1.0-1", []),
        ]
        #expect(try step(again, from: "1.2-1").closes == [])
        #expect(try step(again, from: "1.0-1").closes == [.init(id: "CVE-2023-1111", version: "1.1-1")])
        let reverted: [(version: String, lines: [String])] = [
            ("1.3-1", ["* Fix CVE-2023-1111 properly"]), ("1.2-1", ["* Revert the fix of CVE-2023-1111"]),
            ("1.1-1", ["* CVE-2023-1111"]), ("1.0-1", []),
        ]
        #expect(try step(reverted, from: "1.2-1").closes == [.init(id: "CVE-2023-1111", version: "1.3-1")])
        #expect(try step(Array(reverted.dropFirst()), from: "1.0-1").closes == [])
    }

    @Test("What is not spelled out above the installed version makes the step unknown beside what it lists")
    func vague() throws {
        let entries: [(version: String, lines: [String])] = [
            ("1.3-1", ["* CVE-2023-3333"]), ("1.2-1", ["* CVE-2021-1000 to CVE-2021-1009"]), ("1.1-1", []),
        ]
        #expect(try step(entries, from: "1.2-1").unknown == "")
        #expect(try step(entries, from: "1.1-1").unknown.contains("1.2-1"))
    }

    @Test("What cannot be read is an error, never an empty list")
    func unreadable() {
        #expect(throws: ChangelogError.noEntry) { try DebianChangelog.read([]) }
        #expect(throws: ChangelogError.self) {
            try DebianChangelog.read(Array("Changes in 1.0\n\n  * CVE-2023-1\n".utf8))
        }
        #expect(throws: ChangelogError.noEntry) { try RPMChangelog.read(Array("- no heading\n".utf8)) }
    }

    @Test("Limits cut, and what is cut is said")
    func limits() throws {
        let many = (0..<50).map { (version: "1.\(99 - $0)-1", lines: ["* CVE-2023-1\(100 + $0)"]) }
        let few = try DebianChangelog.read(changelog(many), limits: ChangelogLimits(entries: 10))
        #expect(few.entries.count == 10)
        #expect(few.isCut)
        #expect(try !DebianChangelog.read(changelog(many)).isCut)
        let ids = try DebianChangelog.read(changelog(many), limits: ChangelogLimits(ids: 7))
        #expect(ids.entries.count == 7)
        #expect(ids.isCut)
        let short = try DebianChangelog.read(changelog(many), limits: ChangelogLimits(bytes: 1000))
        #expect(short.isCut)
        #expect(short.digest == (try DebianChangelog.read(changelog(many)).digest))
    }

    @Test("RPM changelogs: headings with and without epoch and suffix, and none")
    func rpm() throws {
        let text = """
            * Tue Feb 06 2024 A Person <a@example.org> - 1:1.2-5
            - Fix CVE-2024-2222
            * Tue Jan 02 2024 A Person <a@example.org> - 1.2-4.el9
            - Resolves: CVE-2024-1111

            * Mon Jan 01 2024 A Person <a@example.org> 1.2-3
            - CVE-2023-1111
            """
        let reading = try RPMChangelog.read(Array(text.utf8))
        #expect(reading.entries.map(\.version) == ["1:1.2-5", "1.2-4.el9", "1.2-3"])
        let step = reading.step(from: "1:1.2-4.el9", to: "1:1.2-5.el9", scheme: RPMVersion.self)
        #expect(step.closes.map(\.id) == ["CVE-2024-2222"])
        #expect(step.unknown == "")
        let older = reading.step(from: "1:1.2-2.el9", to: "1:1.2-5.el9", scheme: RPMVersion.self)
        #expect(older.closes.count == 3)
        #expect(older.unknown.contains("cut"))
    }
}
