import CSV
import JSON
public import Timestamps

/// Replays what was known on a day and asks which order would have found what became known as exploited later.
///
/// `fettle backtest priority` reads the files; this evaluates. The layout of the files is that of the collections named in
/// docs/priority.md.
public struct PriorityReplay: Sendable {
    /// What was known of one vulnerability.
    struct Known: Sendable {
        var severity: Double?
        var likelihood: Double?
        var published: Int64?
        var isExploited = false
        var isWeaponised = false
        var hasProof = false
        var isTotal = false
        /// When the files that say all this were made, in milliseconds; 0 for today's.
        var confirmed: Int64 = 0
    }

    /// The vulnerabilities, by id.
    private var known: [String: Known] = [:]

    /// Nothing known yet.
    public init() {}

    /// How many vulnerabilities are known.
    public var count: Int { known.count }

    /// Reads CVSS, EPSS and exploit flags (cvss-bt): one line for each CVE. Where the column `epss` is no number, there is
    /// none.
    ///
    /// - Parameters:
    ///   - date: when the file was made.
    /// - Returns: the CVEs that stood in CISA's catalogue.
    /// - Throws: ``ReplayFault`` for a missing column or a broken line.
    public mutating func readExploitFlags(
        _ bytes: UnsafeRawBufferPointer, date: Timestamp
    ) throws(ReplayFault) -> Set<String> {
        let columns = [
            "cve", "base_score", "base_vector", "published_date", "epss", "cisa_kev", "vulncheck_kev", "exploitdb",
            "metasploit", "nuclei", "poc_github",
        ]
        var listed: Set<String> = []
        known.reserveCapacity(250_000)
        try Self.rows(of: bytes, columns, separator: 0x2C, file: "exploit flags") { row in
            let id = row[0].string
            var facts = Known()
            facts.severity = row[1].decimal
            facts.isTotal = row[2].isTotal
            facts.published = row[3].day
            facts.likelihood = row[4].decimal
            if row[5] == "True" { listed.insert(id) }
            facts.isExploited = row[6] == "True"
            facts.isWeaponised = row[8] == "True" || row[9] == "True"
            facts.hasProof = row[7] == "True" || row[10] == "True"
            facts.confirmed = date.milliseconds
            known[id] = facts
        }
        return listed
    }

    /// Reads CISA's decision points with CVSS (vulnrichment, flattened to tab-separated text). What was known before stays
    /// where this says nothing.
    ///
    /// - Parameters:
    ///   - date: when the file was made.
    /// - Throws: ``ReplayFault``.
    public mutating func readDecisionPoints(_ bytes: UnsafeRawBufferPointer, date: Timestamp) throws(ReplayFault) {
        let columns = ["cve", "published", "exploitation", "techimpact", "cvss_base"]
        try Self.rows(of: bytes, columns, separator: 0x09, file: "decision points") { row in
            let id = row[0].string
            var facts = known[id] ?? Known()
            facts.published = row[1].day ?? facts.published
            switch DecisionTable.normalised(row[2].string) {
            case "active": facts.isExploited = true
            case "public poc": facts.hasProof = true
            default: break
            }
            if DecisionTable.normalised(row[3].string) == "total" { facts.isTotal = true }
            facts.severity = row[4].decimal ?? facts.severity
            facts.confirmed = max(facts.confirmed, date.milliseconds)
            known[id] = facts
        }
    }

    /// Reads a day of EPSS in place of what was known. Vulnerabilities that are new get nothing else; those that this day
    /// does not have were rejected since and are dropped.
    ///
    /// - Throws: ``ReplayFault``.
    public mutating func readLikelihoods(_ bytes: UnsafeRawBufferPointer) throws(ReplayFault) {
        for id in known.keys { known[id]?.likelihood = nil }
        try Self.rows(of: bytes, ["cve", "epss"], separator: 0x2C, file: "EPSS") { row in
            known[row[0].string, default: Known()].likelihood = row[1].decimal
        }
        known = known.filter { $0.value.likelihood != nil }
    }

    /// Reads a list of CVEs: the first column of comma-separated values, or the field `cveID` of CISA's JSON.
    ///
    /// - Throws: ``ReplayFault``.
    public static func readCatalogue(_ bytes: UnsafeRawBufferPointer) throws(ReplayFault) -> Set<String> {
        var ids: Set<String> = []
        guard bytes.first(where: { $0 > 0x20 }) == 0x7B else {
            var reader = CSVReader(bytes)
            var fields: [CSVReader.Field] = []
            do throws(CSVFault) {
                while try reader.next(&fields) {
                    if let id = fields.first?.string, id.hasPrefix("CVE-") { ids.insert(id) }
                }
            } catch {
                throw ReplayFault(file: "catalogue", reason: error.description)
            }
            return ids
        }
        let limits = JSONLimits(
            maximumBytes: 64 << 20, maximumDepth: 16, maximumItems: 5_000_000, maximumStringBytes: 1 << 16)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: Array(bytes), limits: limits)
        } catch {
            throw ReplayFault(file: "catalogue", reason: "\(error)")
        }
        for entry in document["vulnerabilities"]?.array ?? [] {
            if let id = entry["cveID"]?.string { ids.insert(id) }
        }
        return ids
    }

    /// The efforts at which coverage is told.
    public static let efforts = [0.01, 0.02, 0.05, 0.10]

    /// Measures the three orders on everything that was not listed yet.
    ///
    /// - Parameters:
    ///   - date: the day whose knowledge this is.
    ///   - listed: what stood in CISA's catalogue then; it is ordered by nobody.
    ///   - later: what stood there at the end.
    public func evaluate(
        date: Timestamp, listed: Set<String>, later: Set<String>, weights: RiskWeights = RiskWeights()
    ) -> Outcome {
        // In any order: ties count as they would on average, so that it changes nothing.
        let rows = known.filter { !listed.contains($0.key) }.map { ($0.key, $0.value) }
        let likelihoods = rows.compactMap(\.1.likelihood).sorted()
        let typical = Self.typical(rows)
        var scores: [Double] = []
        scores.reserveCapacity(rows.count)
        for (id, facts) in rows {
            scores.append(weights.score(Self.inputs(id, facts, date, typical, likelihoods)))
        }
        let isTarget = rows.map { later.contains($0.0) }
        func measure(_ scores: [Double]) -> OrderMeasure {
            OrderMeasure(scores: scores, isTarget: isTarget, efforts: Self.efforts)
        }
        return Outcome(
            date: date, scored: rows.count { $0.1.severity != nil },
            severity: measure(rows.map { $0.1.severity ?? RiskWeights.neutralSeverity }),
            likelihood: measure(rows.map { $0.1.likelihood ?? 0 }), priority: measure(scores))
    }

    private static func inputs(
        _ id: String, _ facts: Known, _ date: Timestamp, _ typical: TypicalLikelihood, _ likelihoods: [Double]
    ) -> RiskInputs {
        let confirmed = Timestamp(milliseconds: facts.confirmed)
        let weight = Evidence(source: "", confirmed: confirmed).weight(at: date)
        let freshFrom = date.milliseconds - RiskWeights.freshDays * 86_400_000
        // Without a record of its own all that is known of its age is the year in its id.
        let isFresh =
            facts.published.map { $0 >= freshFrom }
            ?? TypicalLikelihood.year(of: id).map {
                $0 >= CivilDate(daysSinceEpoch: Int(date.seconds / 86_400)).year - 1
            }
            ?? false
        return RiskInputs(
            likelihood: facts.likelihood ?? typical.likelihood(of: id),
            percentile: facts.likelihood.map { share(of: likelihoods, upTo: $0) } ?? 0,
            severity: facts.severity ?? RiskWeights.neutralSeverity, exploited: facts.isExploited ? weight : 0,
            weaponised: facts.isWeaponised ? weight : 0, proofOfConcept: facts.hasProof ? weight : 0,
            isTotal: facts.isTotal, isFresh: isFresh)
    }

    private static func typical(_ rows: [(String, Known)]) -> TypicalLikelihood {
        var years: [Int: [Double]] = [:]
        for (id, facts) in rows {
            if let likelihood = facts.likelihood, let year = TypicalLikelihood.year(of: id) {
                years[year, default: []].append(likelihood)
            }
        }
        return TypicalLikelihood(medians: years.mapValues { $0.sorted()[$0.count / 2] })
    }

    private static func share(of sorted: [Double], upTo value: Double) -> Double {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return sorted.isEmpty ? 0 : Double(low) / Double(sorted.count)
    }

    /// Calls back with the named columns of each row.
    private static func rows(
        of bytes: UnsafeRawBufferPointer, _ columns: [String], separator: UInt8, file: String,
        _ body: ([CSVReader.Field]) -> Void
    ) throws(ReplayFault) {
        var reader = CSVReader(bytes, separator: separator)
        var fields: [CSVReader.Field] = []
        var places: [Int] = []
        var picked: [CSVReader.Field] = []
        do throws(CSVFault) {
            while try reader.next(&fields) {
                // EPSS puts a comment with its model before the headings.
                if fields.first?.bytes.first == 0x23 { continue }
                if places.isEmpty {
                    let names = fields.map(\.string)
                    for column in columns {
                        guard let place = names.firstIndex(of: column) else {
                            throw CSVFault(row: reader.row, reason: "no column '\(column)'")
                        }
                        places.append(place)
                    }
                    continue
                }
                guard fields.count > (places.max() ?? 0) else {
                    throw CSVFault(row: reader.row, reason: "\(fields.count) fields")
                }
                picked.removeAll(keepingCapacity: true)
                for place in places { picked.append(fields[place]) }
                body(picked)
            }
        } catch {
            throw ReplayFault(file: file, reason: error.description)
        }
    }

    /// What the replay of one day showed.
    public struct Outcome: Sendable, Hashable {
        /// The day.
        public var date: Timestamp
        /// How many of those ordered had a CVSS score in the data.
        public var scored: Int
        /// By CVSS alone.
        public var severity: OrderMeasure
        /// By EPSS alone.
        public var likelihood: OrderMeasure
        /// By the score S.
        public var priority: OrderMeasure

        /// Where S is worse than one of the two alone; none means that it beats both: a greater area, coverage that is
        /// nowhere lower, and greater at the two larger efforts.
        public var shortfalls: [String] {
            var result: [String] = []
            for (name, other) in [("CVSS", severity), ("EPSS", likelihood)] {
                if priority.area <= other.area { result.append("area under the curve is not above \(name)'s") }
                for (index, effort) in PriorityReplay.efforts.enumerated() {
                    let (mine, its) = (priority.coverage[index], other.coverage[index])
                    if mine < its - 1e-9 || (effort >= 0.05 && mine <= its + 1e-9) {
                        result.append(
                            "coverage at \((effort * 100).places(0)) % is \((mine * 100).places(1)) %, \(name)'s "
                                + "\((its * 100).places(1)) %")
                    }
                }
            }
            return result
        }
    }
}

/// Why a replay cannot read a file.
public struct ReplayFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which.
    public let file: String
    /// Where and what.
    public let reason: String

    public var description: String { "\(file): \(reason)" }
}

extension CSVReader.Field {
    /// A plain decimal number; nil for anything else. Quicker than `Double` over millions of fields.
    var decimal: Double? {
        var digits = 0.0
        var scale = 1.0
        var isFraction = false
        var count = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39:
                digits = digits * 10 + Double(byte - 0x30)
                if isFraction { scale *= 10 }
                count += 1
            case 0x2E where !isFraction: isFraction = true
            default: return Double(string)
            }
        }
        return count > 0 && count < 16 ? digits / scale : nil
    }

    /// The instant that a date `YYYY-MM-DD...` begins, in milliseconds since 1970.
    var day: Int64? {
        guard bytes.count >= 10, bytes[4] == 0x2D, bytes[7] == 0x2D else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                guard (0x30...0x39).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        return Int64(date.daysSinceEpoch) * 86_400_000
    }

    /// Whether a CVSS vector of version 2 or 3 ends in total loss of confidentiality, integrity and availability.
    var isTotal: Bool {
        func ends(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { bytes.count >= $0.count && bytes.suffix($0.count).elementsEqual($0) }
        }
        return ends("/C:H/I:H/A:H") || ends("/C:C/I:C/A:C")
    }
}
