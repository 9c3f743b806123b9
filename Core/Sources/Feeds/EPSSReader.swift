import Timestamps

/// Reads the scores of the Exploit Prediction Scoring System (https://www.first.org/epss/data_stats): a comment with the
/// model and the day, a row of headings, then a vulnerability a row.
///
/// Other tables with columns `cve`, `epss` and `percentile` (or `EPSS Percentile`, in any case and order) are read as well;
/// without a comment their model is not known and stays empty. The numbers of different models must not be compared.
public struct EPSSReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "epss") {
        tally = FeedTally(source: source)
    }

    /// Reads one table.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        var rows = CSVRows(bytes)
        var model = ""
        var date: Timestamp?
        while rows.nextByte == 0x23 { comment(rows.passLine(), &model, &date) }
        var columns: Columns?
        while true {
            do throws(CSVRows.Fault) {
                guard try rows.next() else { break }
            } catch {
                tally.quarantine(place: "\(place), line \(rows.line)", reason: error.reason)
                continue
            }
            guard let found = columns else {
                columns = Columns(rows, &self)
                guard columns != nil else {
                    return tally.quarantine(
                        place: "\(place), line \(rows.line)",
                        reason: "the headings are not cve, epss and percentile; is it a table of EPSS?")
                }
                continue
            }
            let id = rows.text(found.id) ?? ""
            guard RecordID.isCVE(id) else {
                tally.quarantine(place: "\(place), line \(rows.line)", record: id, reason: "it names no CVE")
                continue
            }
            guard let probability = rows.fraction(found.probability), let percentile = rows.fraction(found.percentile)
            else {
                tally.quarantine(
                    place: "\(place), line \(rows.line)", record: id,
                    reason: "epss and percentile must both be numbers from 0 to 1")
                continue
            }
            try store(
                .likelihood(
                    ExploitLikelihood(
                        source: source, id: id, probability: probability, percentile: percentile, model: model,
                        date: date)))
            tally.store()
        }
        if columns == nil, tally.quarantined == 0 || rows.line == 0 {
            tally.quarantine(place: place, reason: "it has no row of headings; was it cut off?")
        }
    }

    /// `#model_version:v2025.03.14,score_date:2026-01-30T12:55:00Z`.
    private mutating func comment(_ line: String, _ model: inout String, _ date: inout Timestamp?) {
        for part in line.drop(while: { $0 == "#" || $0 == " " }).split(separator: ",") {
            guard let colon = part.firstIndex(of: ":") else { continue }
            let value = part[part.index(after: colon)...].drop { $0 == " " }
            switch part[..<colon] {
            case "model_version": model = String(value)
            case "score_date": date = FeedDate.timestamp(String(value))
            default: tally.drop("#" + part[..<colon].prefix(64))
            }
        }
    }

    /// Where the values stand in a row.
    private struct Columns {
        var id = -1
        var probability = -1
        var percentile = -1

        init?(_ rows: CSVRows, _ reader: inout EPSSReader) {
            for index in 0..<rows.count {
                let name = (rows.text(index) ?? "").lowercased()
                switch name {
                case "cve" where id < 0: id = index
                case "epss" where probability < 0: probability = index
                case "percentile" where percentile < 0, "epss percentile" where percentile < 0: percentile = index
                default: reader.tally.drop(String(name.prefix(64)))
                }
            }
            if id < 0 || probability < 0 || percentile < 0 { return nil }
        }
    }
}
