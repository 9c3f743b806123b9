import Feeds
import Testing
import Timestamps

struct KEVReaderTests {
    @Test func readsEntries() throws {
        var reader = KEVReader()
        let records = reader.records(
            """
            {"title": "t", "count": 3, "vulnerabilities": [{"cveID": "CVE-2024-0001", "vulnerabilityName": "n",
             "dateAdded": "2024-01-02", "dueDate": "2024-01-23", "requiredAction": "a", "knownRansomwareCampaignUse": "Known",
             "cwes": ["CWE-79"], "notes": ""}, {"cveID": "CVE-2024-0002"},
             {"cveID": "CVE-2024-0003", "dateAdded": "2024-01-02", "knownRansomwareCampaignUse": "Unknown"}]}
            """)
        guard case .exploited(let first) = records[0], case .exploited(let last) = records[1] else {
            Issue.record("other records")
            return
        }
        #expect(first.id == "CVE-2024-0001" && first.added == Timestamp(rfc3339: "2024-01-02T00:00:00Z"))
        #expect(first.due == Timestamp(rfc3339: "2024-01-23T00:00:00Z") && first.isUsedForRansom == true)
        #expect(last.isUsedForRansom == nil && last.due == nil)
        #expect(reader.quarantined == 1 && reader.faults[0].record == "CVE-2024-0002" && reader.tally.alarmed == 0)
    }

    /// A catalogue that was cut, and closed again, is noticed.
    @Test func shrunken() {
        var reader = KEVReader()
        _ = reader.records(#"{"count": 2, "vulnerabilities": [{"cveID": "CVE-2024-0001", "dateAdded": "2024-01-02"}]}"#)
        #expect(reader.stored == 1 && reader.tally.alarms[0].reason.contains("2 entries, and has 1"))
    }
}

struct EPSSReaderTests {
    private func read(_ text: String) -> (scores: [ExploitLikelihood], reader: EPSSReader) {
        var reader = EPSSReader()
        let scores = reader.records(text, place: "epss.csv").compactMap { record -> ExploitLikelihood? in
            guard case .likelihood(let score) = record else { return nil }
            return score
        }
        return (scores, reader)
    }

    @Test func readsScores() {
        let (scores, reader) = read(
            "#model_version:v2025.03.14,score_date:2026-01-30T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01,0.7\r\n\n"
                + "CVE-1999-0002,1e-05,1.0")
        #expect(scores.map { $0.id } == ["CVE-1999-0001", "CVE-1999-0002"] && reader.quarantined == 0)
        #expect(scores[1].probability == 0.00001 && scores[1].percentile == 1 && scores[1].model == "v2025.03.14")
        #expect(scores[0].date == Timestamp(rfc3339: "2026-01-30T12:55:00Z"))
        #expect(
            read(
                "#model_version:v2023.03.01,score_date:2025-02-20T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.1,0.7"
            ).scores[0].date
                == Timestamp(rfc3339: "2025-02-20T00:00:00Z"))
    }

    /// Other tables: columns in any order, text in quotes with line ends and quotes inside, no model.
    @Test func otherDialects() {
        let (scores, reader) = read(
            "CVE,CVSS3,EPSS,EPSS Percentile,Description\nCVE-2025-0001,8.8,0.5,0.9,\"a, \"\"b\"\"\nc\"\nCVE-2025-0002,,0.25,0.5,d\n"
        )
        #expect(scores.map { $0.probability } == [0.5, 0.25] && scores[0].model.isEmpty && scores[0].date == nil)
        #expect(reader.unmapped == ["cvss3": 1, "description": 1])
    }

    @Test func badRows() {
        let (scores, reader) = read(
            "cve,epss,percentile\nCVE-2025-0001,2,0.5\nCVE-2025-0002,x,0.5\nCVE-2025-0003\nfoo,0.1,0.1\nCVE-2025-0004,0.5,nan\n"
                + "\"CVE-2025-0005\"x,0.5,0.5\nCVE-2025-0006,0.5,0.5")
        #expect(scores.map { $0.id } == ["CVE-2025-0006"])
        #expect(
            reader.quarantined == 6 && reader.faults[0].place == "epss.csv, line 2"
                && reader.faults[5].place == "epss.csv, line 7")
        #expect(
            read("#model_version:v1\ninvalid,header,format\nCVE-2024-6775,0.1,0.1").reader.faults[0].reason.contains(
                "headings"))
        #expect(read("").reader.quarantined == 1 && read("cve,epss,percentile").reader.quarantined == 0)
        #expect(read("cve,epss,percentile\n\"CVE").reader.quarantined == 1)
    }
}

struct NVDReaderTests {
    private func vulnerability(_ fields: String) -> Advisory? {
        var reader = NVDReader()
        let advisories = reader.advisories(
            #"{"format": "NVD_CVE", "vulnerabilities": [{"cve": {"id": "CVE-2024-0001", "published": "2014-11-24T15:59:00.090", "lastModified": "2025-04-12T10:46:40.837", \#(fields)}}]}"#
        )
        #expect(reader.quarantined == 0, "\(reader.faults)")
        return advisories.first
    }

    @Test func scoresKeepTheirScorer() throws {
        let advisory = try #require(
            vulnerability(
                """
                "metrics": {"cvssMetricV2": [{"source": "nvd@nist.gov", "type": "Primary", "cvssData": {"vectorString": "AV:N/AC:L/Au:N/C:N/I:P/A:P", "baseScore": 6.4}}],
                 "cvssMetricV31": [{"source": "cna@vuldb.com", "cvssData": {"vectorString": "CVSS:3.1/AV:N"}}],
                 "cvssMetricV40": [{"source": "x", "cvssData": {"vectorString": "CVSS:4.0/AV:N"}}]},
                "weaknesses": [{"source": "a", "description": [{"lang": "en", "value": "CWE-79"}, {"lang": "en", "value": "NVD-CWE-noinfo"}]},
                 {"source": "b", "description": [{"lang": "en", "value": "CWE-79"}]}],
                "descriptions": [{"lang": "es", "value": "s"}, {"lang": "en", "value": "e"}],
                "references": [{"url": "u", "tags": ["Exploit", "Patch"]}, {"url": "v", "tags": ["Patch", "Vendor Advisory"]}, {"url": "w"}]
                """))
        #expect(
            advisory.severities == [
                Severity(type: "CVSS_V2", score: "AV:N/AC:L/Au:N/C:N/I:P/A:P"),
                Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N", scorer: "cna@vuldb.com"),
                Severity(type: "CVSS_V4", score: "CVSS:4.0/AV:N", scorer: "x"),
            ])
        #expect(advisory.weaknesses == ["CWE-79"] && advisory.details == "e")
        #expect(advisory.references.map { $0.type } == ["EXPLOIT", "FIX", "WEB"])
        #expect(advisory.modified == Timestamp(rfc3339: "2025-04-12T10:46:40.837Z"))
    }

    /// Ranges and versions of one name are one statement; what must be there beside it is said.
    @Test func configurations() throws {
        let advisory = try #require(
            vulnerability(
                #"""
                "configurations": [{"operator": "AND", "nodes": [{"operator": "OR", "negate": false, "cpeMatch": [
                  {"vulnerable": true, "criteria": "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*", "versionStartIncluding": "4.0", "versionEndExcluding": "4.2"}]},
                 {"operator": "OR", "negate": false, "cpeMatch": [{"vulnerable": false, "criteria": "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*"}]}]},
                 {"nodes": [{"operator": "OR", "negate": false, "cpeMatch": [
                  {"vulnerable": true, "criteria": "cpe:2.3:a:v:q\\:r:1.0:rc1:*:*:*:*:*:*"},
                  {"vulnerable": true, "criteria": "cpe:2.3:a:v:q\\:r:1.1:*:*:*:*:*:*:*"},
                  {"vulnerable": true, "criteria": "cpe:2.3:a:v:q\\:r:*:*:*:*:*:*:*:*", "versionStartExcluding": "2", "versionEndIncluding": "3"},
                  {"vulnerable": true, "criteria": "cpe:2.3:a:w:plugin:*:*:*:*:*:wordpress:*:*", "versionEndExcluding": "5"},
                  {"vulnerable": true, "criteria": "nonsense"}]}]}]
                """#))
        #expect(advisory.statements.map { $0.name } == ["a:v:p", #"a:v:q\:r"#, "a:w:plugin"])
        #expect(advisory.statements.allSatisfy { $0.kind == .cpe && $0.stream == "CPE" && $0.status == .affected })
        #expect(
            advisory.statements[0].reason == "only with o:microsoft:windows" && advisory.statements[0].fixed == "4.2")
        #expect(advisory.statements[0].isAffected("4.1") && !advisory.statements[0].isAffected("3.9"))
        #expect(advisory.statements[1].versions == ["1.0-rc1", "1.1"])
        #expect(
            advisory.statements[1].isAffected("3") && !advisory.statements[1].isAffected("2")
                && !advisory.statements[1].isAffected("1.0"))
        #expect(advisory.statements[2].reason == "in wordpress")
    }

    @Test func rejectedAndDisputed() {
        #expect(vulnerability(#""vulnStatus": "Rejected""#)?.withdrawn != nil)
        #expect(
            vulnerability(#""vulnStatus": "Analyzed", "cveTags": [{"sourceIdentifier": "x", "tags": ["disputed"]}]"#)?
                .isDisputed == true)
        let old = vulnerability(#""descriptions": [{"lang": "en", "value": "** DISPUTED ** x"}]"#)
        #expect(old?.isDisputed == true && old?.withdrawn == nil)
    }

    @Test func badRecords() {
        var reader = NVDReader()
        let advisories = reader.advisories(
            """
            {"vulnerabilities": [{"cve": {"id": 7}}, {"cve": {"id": "X"}}, {}, {"cve": {"id": "CVE-2024-0001", "published": "soon"}},
             {"cve": {"id": "CVE-2024-0002"}}], "totalResults": 5}
            """)
        #expect(advisories.map { $0.id } == ["CVE-2024-0002"] && reader.quarantined == 4)
        #expect(reader.faults[3].record.isEmpty || reader.faults[3].reason.contains("RFC 3339"))
        var single = NVDReader()
        #expect(single.advisories(#"{"id": "CVE-2024-0001", "published": "2014-11-24T15:59:00.090"}"#).count == 1)
    }
}

struct CVEReaderTests {
    private func read(_ cna: String, adp: String = "[]", state: String = "PUBLISHED") -> [FeedRecord] {
        var reader = CVEReader()
        let records = reader.records(
            #"{"dataType": "CVE_RECORD", "containers": {"adp": \#(adp), "cna": {\#(cna)}}, "cveMetadata": {"cveId": "CVE-2024-0001", "state": "\#(state)", "dateUpdated": "2024-08-02T10:49:09.071Z"}}"#
        )
        #expect(reader.quarantined == 0, "\(reader.faults)")
        return records
    }

    /// Values come in mixed case.
    @Test(arguments: [("PoC", "Yes", "TOTAL"), ("poc", "yes", "total"), ("Public PoC", "YES", "Total")])
    func decisionPoints(exploitation: String, automatable: String, impact: String) throws {
        let records = read(
            #""title": "t""#,
            adp:
                #"[{"title": "CISA ADP Vulnrichment", "providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"other": {"content": {"id": "CVE-2024-0001", "options": [{"Exploitation": "\#(exploitation)"}, {"Automatable": "\#(automatable)"}, {"Technical Impact": "\#(impact)"}], "timestamp": "2024-07-31T20:35:08.071895Z"}, "type": "ssvc"}}, {"cvssV3_1": {"vectorString": "CVSS:3.1/AV:N"}}]}]"#
        )
        guard case .decisionPoints(let points) = try #require(records.last) else {
            Issue.record("no decision points")
            return
        }
        #expect(points.source == "vulnrichment" && points.id == "CVE-2024-0001" && points.date != nil)
        #expect(points.exploitation == .poc && points.isAutomatable == true && points.impact == .total)
        #expect(
            records[0].advisory?.severities == [Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N", scorer: "CISA-ADP")])
    }

    @Test func products() throws {
        let advisory = try #require(
            read(
                """
                "affected": [{"vendor": "V", "product": "P", "cpes": ["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"], "defaultStatus": "unaffected",
                  "versions": [{"version": "1.0", "lessThan": "1.5", "status": "affected", "versionType": "semver"},
                   {"version": "2.0", "status": "affected"}, {"version": "3", "status": "unaffected"}, {"version": "n/a", "status": "affected"},
                   {"version": "4.0", "lessThanOrEqual": "4.9", "status": "affected", "changes": [{"at": "4.5", "status": "unaffected"}]},
                   {"version": "abc", "lessThan": "def", "status": "affected", "versionType": "git"}]},
                 {"vendor": "V", "product": "Q", "versions": [{"version": "1", "status": "affected"}]},
                 {"packageName": "left-pad", "collectionURL": "https://registry.npmjs.org", "versions": [{"version": "0", "lessThan": "1.3.0", "status": "affected"}]},
                 {"vendor": "Red Hat", "packageName": "kernel", "collectionURL": "https://access.redhat.com/downloads/content/package-browser/",
                  "cpes": ["cpe:/o:redhat:enterprise_linux:8"], "defaultStatus": "affected"}],
                "tags": ["disputed"], "source": {"advisory": "GHSA-xhjp-4rjf-q268"}
                """
            ).first?.advisory)
        #expect(advisory.statements.map { $0.name } == ["left-pad", "a:v:p"])
        #expect(
            advisory.statements[0].ranges == [VersionRange(scheme: "npm", upper: "1.3.0")]
                && advisory.statements[0].stream == "npm")
        let statement = advisory.statements[1]
        for version in ["1.0", "1.4", "2.0", "4.0", "4.4"] { #expect(statement.isAffected(version), "\(version)") }
        for version in ["0.9", "1.5", "3", "4.5", "5"] { #expect(!statement.isAffected(version), "\(version)") }
        #expect(advisory.isDisputed && advisory.aliases == ["GHSA-xhjp-4rjf-q268"])
    }

    @Test func rejected() {
        #expect(
            read(#""rejectedReasons": [{"lang": "en", "value": "not used"}]"#, state: "REJECTED")[0].advisory?.withdrawn
                != nil)
    }
}
