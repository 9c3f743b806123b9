import Changelog
import Testing

@Suite struct MentionTests {
    @Test("An id in any usual place of a fix is closed")
    func closing() throws {
        #expect(try closes("* Fix a hole (CVE-2023-1234).") == ["CVE-2023-1234"])
        #expect(try closes("* CVE-2023-1234, CVE-2023-1235: fix two holes") == ["CVE-2023-1234", "CVE-2023-1235"])
        #expect(try closes("* debian/patches/CVE-2023-1234-2.patch: check the length") == ["CVE-2023-1234"])
        #expect(try closes("* Fix cve-2023-1234 and CAN-2004-0001.") == ["CVE-2004-0001", "CVE-2023-1234"])
        #expect(
            try closes("* SECURITY UPDATE: (closes: #123456)", "  - CVE-2014-0160", "  - CVE-2021-123456") == [
                "CVE-2014-0160", "CVE-2021-123456",
            ])
        #expect(try closes("* New upstream release, fixes", "  CVE-2023-", "  1234 and others") == ["CVE-2023-1234"])
        #expect(try closes("[ Somebody ]", "* Fix:", "  + CVE-2023-1234") == ["CVE-2023-1234"])
        #expect(try closes("Plain words about CVE-2023-1234.") == ["CVE-2023-1234"])
    }

    @Test(
        "A mention that is no closing does not count",
        arguments: [
            "* CVE-2023-1234: not affected, the code came later.",
            "* This version is not vulnerable to CVE-2023-1234",
            "* CVE-2023-1234 does not affect this release",
            "* Fix a regression of CVE-2023-1234.",
            "* Fix regression in the patch for CVE-2023-1234",
            "* Fix regression introduced by the fix for CVE-2023-1234.",
            "* Follow-up for CVE-2023-1234",
            "* Complete the incomplete fix for CVE-2023-1234",
            "* CVE-2023-1234 remains unfixed",
            "* TO" + "DO: CVE-2023-1234",
            "* Drop CVE-2023-1234.patch, merged upstream.",
            "* Refresh patches, drop CVE-2023-1234.patch",
            "* Add a test for CVE-2023-1234",
        ])
    func mentions(_ line: String) throws {
        #expect(try closes(line) == [])
    }

    @Test("Only the clause that says so is taken out")
    func clauses() throws {
        #expect(try closes("* Fix CVE-2023-1234. CVE-2023-9999 does not affect us.") == ["CVE-2023-1234"])
        #expect(try closes("* Fix CVE-2023-1234; not affected by CVE-2023-9999") == ["CVE-2023-1234"])
        #expect(try closes("* Fix CVE-2023-1234, a regression of CVE-2022-1111") == ["CVE-2023-1234"])
        #expect(
            try closes("* Not affected:", "  - CVE-2023-1111", "  - CVE-2023-2222", "* Fixed:", "  - CVE-2023-3333")
                == [
                    "CVE-2023-3333"
                ])
    }

    @Test(
        "What begins like an id and is none is no id, and says that there is more",
        arguments: [
            "* Fix CVE-2023-123", "* Fix CVE-2023-XXXX", "* Fix CVE-20XX-1234", "* Fix CVE-1066-1234",
            "* Fix CVE-2023-012345", "* Fix CVE-2023-12345678901234567890",
        ])
    func malformed(_ line: String) throws {
        let entry = try DebianChangelog.read(changelog([("1.0-1", [line])])).entries[0]
        #expect(entry.closes == [])
        #expect(entry.isVague)
    }

    @Test("Prose is no id")
    func prose() throws {
        let entry = try DebianChangelog.read(
            changelog([("1", ["* One can 2023 things, CVE ids: none, SCVE-2023-1234, XCAN-2023-12345"])])
        ).entries[0]
        #expect(entry.closes == [])
        #expect(!entry.isVague)
    }

    @Test(
        "A range or a shortened list names more than it spells out",
        arguments: [
            "* Fix CVE-2021-3444/3445", "* Fix CVE-2021-3444, 3445", "* Fix CVE-2021-3444 to CVE-2021-3449",
            "* Fix CVE-2021-3444 - CVE-2021-3449", "* Fix CVE-2021-3444..3449",
        ])
    func ranges(_ line: String) throws {
        let entry = try DebianChangelog.read(changelog([("1.0-1", [line])])).entries[0]
        #expect(entry.closes.contains("CVE-2021-3444"))
        #expect(entry.isVague)
    }

    @Test("A list that is spelled out is not vague")
    func spelled() throws {
        let entry = try DebianChangelog.read(
            changelog([("1", ["* Fix CVE-2021-3444, CVE-2021-3445 (closes: #1001234, #1001235) / LP: 1234567"])])
        ).entries[0]
        #expect(entry.closes == ["CVE-2021-3444", "CVE-2021-3445"])
        #expect(!entry.isVague)
    }

    @Test("Taking a fix back opens what it closed")
    func reverts() throws {
        let reading = try DebianChangelog.read(
            changelog([("2", ["* Revert the fix for CVE-2023-1234: it breaks mail."]), ("1", ["* Fix CVE-2023-1234"])]))
        #expect(reading.entries[0].reopens == ["CVE-2023-1234"])
    }
}
