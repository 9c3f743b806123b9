import HTML
import Timestamps

extension Samples {
    /// The pages of evidence before patches with made-up data.
    var evidencePages: [(name: String, page: HTML)] {
        var list = EvidenceListModel()
        list.rows = [held, kept, waived]
        list.total = 3
        list.blocking = 1
        var open = EvidenceModel(row: held)
        (open.mayRecord, open.mayWaive) = (true, true)
        open.error = text("The next step is scope; volatile evidence needs a digest.")
        var verdict = EvidenceModel(row: kept)
        verdict.mayRecord = true
        return [
            ("evidence", evidenceListPage(list, context)),
            ("evidence-none", evidenceListPage(EvidenceListModel(), context)),
            ("evidence-held", evidencePage(open, context)), ("evidence-kept", evidencePage(verdict, context)),
            ("evidence-waived", evidencePage(EvidenceModel(row: waived), context)),
        ]
    }

    private var held: EvidenceRow {
        var row = EvidenceRow(
            host: "h-1", hostname: text("web1.example.org"), vulnerability: text("CVE-2026-0911"),
            since: before(90_000))
        row.packages = [text("libssl3"), text("openssl")]
        row.next = "scope"
        row.due = before(82_800)
        row.isLate = true
        return row
    }

    private var kept: EvidenceRow {
        var row = held
        row.isBlocking = false
        row.next = "verdict"
        row.due = now.adding(seconds: 86_400)
        row.isLate = false
        row.records = [
            ("scope", before(80_000), text("Ada Byron"), ""),
            ("volatile-evidence", before(70_000), text("Ada Byron"), String(repeating: "ab", count: 32)),
        ]
        return row
    }

    private var waived: EvidenceRow {
        var row = held
        row.isBlocking = false
        row.next = "verdict"
        row.waivedBy = text("Edsger Dijkstra")
        row.waived = before(3600)
        row.reason = text("It is being used against us now.")
        return row
    }
}
