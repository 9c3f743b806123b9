import CSV
import JSON

extension DecisionTable {
    /// The most bytes of a table's file.
    public static let maximumFileBytes = 1 << 20

    /// Reads comma-separated values as CERT/CC publishes them: a line of headings, an optional column `row` first, the
    /// outcome last.
    ///
    /// - Parameters:
    ///   - assumed: the answer where none is known, by the normalised name of the point.
    /// - Throws: ``DecisionTableFault`` that names the row.
    public init(
        csv bytes: [UInt8], id: String, title: String? = nil, version: String = "1", assumed: [String: String] = [:]
    ) throws(DecisionTableFault) {
        guard bytes.count <= Self.maximumFileBytes else {
            throw DecisionTableFault(id, "\(bytes.count) bytes; at most \(Self.maximumFileBytes) are read")
        }
        var lines: [[String]] = []
        do {
            try bytes.withUnsafeBytes { raw in
                var reader = CSVReader(raw)
                var fields: [CSVReader.Field] = []
                while try reader.next(&fields) {
                    guard lines.count <= Self.maximumRows else {
                        throw DecisionTableFault(id, "more than \(Self.maximumRows) rows")
                    }
                    let texts = fields.map(\.string)
                    if let long = texts.first(where: { $0.utf8.count > Self.maximumWordBytes }) {
                        throw DecisionTableFault(
                            id, "row \(reader.row) has a cell of \(long.utf8.count) bytes; shorten it")
                    }
                    lines.append(texts)
                }
            }
        } catch let error as DecisionTableFault {
            throw error
        } catch {
            throw DecisionTableFault(id, "\(error)")
        }
        guard let heads = lines.first else {
            throw DecisionTableFault(id, "the file is empty; give a line of headings and a row for each combination")
        }
        let first = heads.first.map(Self.normalised) == "row" ? 1 : 0
        guard heads.count >= first + 2 else {
            throw DecisionTableFault(id, "\(heads.count) columns; a table needs a question and an outcome at least")
        }
        var rows: [Row] = []
        for (index, line) in lines.dropFirst().enumerated() {
            guard line.count == heads.count else {
                throw DecisionTableFault(id, "row \(index + 1) has \(line.count) cells, the headings \(heads.count)")
            }
            rows.append(
                Row(
                    number: first == 1 ? Int(line[0]) ?? index : index, answers: Array(line[first..<heads.count - 1]),
                    outcome: line[heads.count - 1]))
        }
        let points = heads[first..<heads.count - 1].map { head in
            let name = Self.normalised(head)
            return Point(name: name, values: [], assumed: assumed[name] ?? Self.assumptions[name])
        }
        try self.init(
            id: id, title: title ?? id, version: version, points: Self.checked(points, rows),
            outcomeName: heads[heads.count - 1], rows: rows)
    }

    /// Reads a decision table in SSVC's own JSON (schema version 2).
    ///
    /// - Throws: ``DecisionTableFault`` that names the place.
    public init(
        ssvc bytes: [UInt8], id: String, assumed: [String: String] = [:]
    ) throws(DecisionTableFault) {
        let limits = JSONLimits(
            maximumBytes: Self.maximumFileBytes, maximumDepth: 16, maximumItems: 100_000, maximumStringBytes: 1 << 14)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: bytes, limits: limits)
        } catch {
            throw DecisionTableFault(id, "\(error)")
        }
        guard let points = document["decision_points"]?.object, let outcome = document["outcome"]?.string,
            let mapping = document["mapping"]?.array, mapping.count <= Self.maximumRows
        else {
            throw DecisionTableFault(id, "no decision_points, outcome or mapping of at most \(Self.maximumRows) rows")
        }
        guard let first = mapping.first?.object else { throw DecisionTableFault(id, "/mapping has no row") }
        let keys = first.keys.filter { $0 != outcome }.sorted()
        func values(_ point: String) throws(DecisionTableFault) -> [(key: String, name: String)] {
            guard let list = points[point]?["values"]?.array else {
                throw DecisionTableFault(id, "/decision_points has no values of '\(point)'")
            }
            return list.compactMap { value in
                guard let key = value["key"]?.string, let name = value["name"]?.string else { return nil }
                return (key, name)
            }
        }
        var known: [String: [(key: String, name: String)]] = [:]
        for key in keys + [outcome] { known[key] = try values(key) }
        var rows: [Row] = []
        for (index, entry) in mapping.enumerated() {
            func answer(_ key: String) throws(DecisionTableFault) -> String {
                guard let short = entry[key]?.string, let value = known[key]?.first(where: { $0.key == short }) else {
                    throw DecisionTableFault(id, "/mapping/\(index) has no value of '\(key)' that the point defines")
                }
                return value.name
            }
            var answers: [String] = []
            for key in keys { answers.append(try answer(key)) }
            rows.append(Row(number: index, answers: answers, outcome: try answer(outcome)))
        }
        func name(_ key: String) -> String { Self.normalised(points[key]?["name"]?.string ?? key) }
        try self.init(
            id: id, title: document["name"]?.string ?? id, version: document["version"]?.string ?? "1",
            points: keys.map { key in
                let point = name(key)
                return Point(
                    name: point, values: known[key]?.map(\.name) ?? [],
                    assumed: assumed[point] ?? Self.assumptions[point])
            }, outcomeName: name(outcome), rows: rows)
    }

    /// What SSVC's documents advise to assume where nothing is known: exposure open, automatable yes, safety marginal,
    /// mission crippled in support, exploitation none after a search. What the asset's owner has not said about its
    /// exposure to the internet is taken as exposed, as SSVC does for the system's exposure.
    public static let assumptions = [
        "exploitation": "none", "in kev": "no", "automatable": "yes", "technical impact": "total",
        "system exposure": "open", "publicly exposed": "yes", "safety impact": "marginal",
        "mission impact": "mef support crippled", "human impact": "medium", "mission and well-being impact": "medium",
    ]

    /// Drops an assumption that the rows do not know: another's table may use a known name with values of its own.
    private static func checked(_ points: [Point], _ rows: [Row]) -> [Point] {
        points.enumerated().map { index, point in
            guard let assumed = point.assumed,
                !rows.contains(where: { index < $0.answers.count && normalised($0.answers[index]) == assumed })
            else { return point }
            return Point(name: point.name, values: point.values)
        }
    }
}
