/// A decision table: for each combination of answers one outcome (SSVC, <https://certcc.github.io/SSVC/>).
///
/// The rows are all there or the table is refused, so that a decision never depends on what was forgotten. Words are
/// normalised before they are compared: `PoC`, `poc` and `public poc` are one value, as are `Yes`, `Y` and `true`.
public struct DecisionTable: Sendable, Hashable {
    /// A question with its possible answers.
    public struct Point: Sendable, Hashable {
        /// Its normalised name without version, such as `exploitation`, `in kev`, `technical impact`.
        public var name: String
        /// The possible answers, normalised; ordered from least to most urgent in the tables of this module.
        public var values: [String]
        /// The answer taken where none is known; nil where the table has none and the last value counts.
        public var assumed: String?

        /// A question.
        public init(name: String, values: [String], assumed: String? = nil) {
            self.name = name
            self.values = values
            self.assumed = assumed
        }
    }

    /// Its id, such as `bod-26-04`.
    public var id: String
    /// Its title.
    public var title: String
    /// Its version.
    public var version: String
    /// The questions, in the order of the columns.
    public let points: [Point]
    /// The name of the outcome's column.
    public let outcomeName: String
    /// The outcomes that occur, in the order of their first row.
    public let outcomes: [String]
    /// The outcome of each row, as an index into ``outcomes``; row 0 has the first value of every point, the first point
    /// changes fastest.
    private let cells: [UInt16]
    /// The number of the row in the table's own file, for each cell.
    private let rowNumbers: [UInt16]

    /// The most rows of a table, of points, and of bytes of a word.
    public static let maximumRows = 4096
    /// See ``maximumRows``.
    public static let maximumPoints = 12
    /// See ``maximumRows``.
    public static let maximumWordBytes = 200

    /// How many rows it has.
    public var count: Int { cells.count }

    /// A row as it was written: its answers by point, and its outcome.
    public struct Row: Sendable, Hashable {
        /// The number of the row in its own file.
        public var number: Int
        /// The answers, in the order of the points.
        public var answers: [String]
        /// The outcome.
        public var outcome: String

        /// A row.
        public init(number: Int, answers: [String], outcome: String) {
            self.number = number
            self.answers = answers
            self.outcome = outcome
        }
    }

    /// Makes a table of rows.
    ///
    /// - Parameters:
    ///   - values: the order of the values of each point; where empty, the order in which they occur.
    /// - Throws: ``DecisionTableFault`` for a combination that occurs twice or not at all, and beyond the bounds.
    public init(
        id: String, title: String, version: String, points: [Point], outcomeName: String, rows: [Row]
    ) throws(DecisionTableFault) {
        guard (1...Self.maximumPoints).contains(points.count) else {
            throw DecisionTableFault(id, "\(points.count) questions; a table has 1 to \(Self.maximumPoints)")
        }
        guard rows.count <= Self.maximumRows else {
            throw DecisionTableFault(id, "\(rows.count) rows; at most \(Self.maximumRows) are read")
        }
        guard Set(points.map(\.name)).count == points.count else {
            throw DecisionTableFault(id, "two questions of one name; give each its own")
        }
        var points = points.map { point in
            Point(
                name: Self.normalised(point.name), values: point.values.map(Self.normalised),
                assumed: point.assumed.map(Self.normalised))
        }
        for index in points.indices {
            for row in rows where row.answers.count == points.count {
                let value = Self.normalised(row.answers[index])
                if !points[index].values.contains(value) { points[index].values.append(value) }
            }
            if let assumed = points[index].assumed, !points[index].values.contains(assumed) {
                throw DecisionTableFault(
                    id, "'\(points[index].name)' assumes '\(assumed)', which is none of its values")
            }
        }
        if let empty = points.first(where: \.values.isEmpty) {
            throw DecisionTableFault(id, "no row answers '\(empty.name)'; add a row for each combination of answers")
        }
        var size = 1
        for point in points {
            size *= max(1, point.values.count)
            guard size <= Self.maximumRows else {
                throw DecisionTableFault(id, "more than \(Self.maximumRows) combinations of answers")
            }
        }
        var outcomes: [String] = []
        var cells = [UInt16](repeating: .max, count: size)
        var numbers = [UInt16](repeating: 0, count: size)
        for row in rows {
            guard row.answers.count == points.count else {
                throw DecisionTableFault(
                    id, "row \(row.number) has \(row.answers.count) answers to \(points.count) questions")
            }
            var cell = 0
            var step = 1
            for (point, answer) in zip(points, row.answers) {
                cell += step * (point.values.firstIndex(of: Self.normalised(answer)) ?? 0)
                step *= point.values.count
            }
            guard cells[cell] == .max else {
                throw DecisionTableFault(id, "row \(row.number) answers a combination that an earlier row has answered")
            }
            let outcome = Self.normalised(row.outcome)
            guard !outcome.isEmpty else { throw DecisionTableFault(id, "row \(row.number) has no outcome") }
            if !outcomes.contains(outcome) { outcomes.append(outcome) }
            cells[cell] = UInt16(outcomes.firstIndex(of: outcome) ?? 0)
            numbers[cell] = UInt16(clamping: row.number)
        }
        if let empty = cells.firstIndex(of: .max) {
            var rest = empty
            let missing = points.map { point in
                defer { rest /= point.values.count }
                return "\(point.name) = \(point.values[rest % point.values.count])"
            }
            throw DecisionTableFault(id, "no row for \(missing.joined(separator: ", ")); add one")
        }
        self.id = id
        self.title = title
        self.version = version
        self.points = points
        self.outcomeName = Self.normalised(outcomeName)
        self.outcomes = outcomes
        self.cells = cells
        self.rowNumbers = numbers
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - answers: what is known, by the normalised name of the point. What is missing, or is none of the point's values,
    ///     is assumed and marked so.
    public func decide(_ answers: [String: Answer]) -> Decision {
        var inputs: [Decision.Input] = []
        var cell = 0
        var step = 1
        for point in points {
            let given = answers[point.name].map { (Self.normalised($0.value), $0) }
            var index = given.flatMap { point.values.firstIndex(of: $0.0) }
            if let index, let answer = given?.1 {
                inputs.append(.init(point: point.name, value: point.values[index], because: answer.because))
            } else {
                let value = point.assumed ?? point.values[point.values.count - 1]
                index = point.values.firstIndex(of: value)
                inputs.append(.init(point: point.name, value: value, because: nil))
            }
            cell += step * (index ?? 0)
            step *= point.values.count
        }
        return Decision(
            table: id, version: version, row: Int(rowNumbers[cell]), outcome: outcomes[Int(cells[cell])], inputs: inputs
        )
    }

    /// An answer with whose word it is.
    public struct Answer: Sendable, Hashable {
        /// The value.
        public var value: String
        /// Who says so, such as `kev of 2026-03-01` or `label exposure=open`.
        public var because: String

        /// An answer.
        public init(_ value: String, because: String) {
            self.value = value
            self.because = because
        }
    }

    /// A word as tables compare it: lower case, without version and name space, one space between words, with the one
    /// spelling of what is written in several ways.
    public static func normalised(_ text: String) -> String {
        var words = text.lowercased().split { $0 == " " || $0 == "_" || $0 == "\t" }.map(String.init)
        if let last = words.last, last.hasPrefix("("), last.hasSuffix(")") { words.removeLast() }
        if let last = words.last, last.hasPrefix("v"), last.dropFirst().allSatisfy({ $0.isNumber || $0 == "." }),
            last.count > 1
        {
            words.removeLast()
        }
        let word = words.joined(separator: " ")
        return switch word {
        case "poc", "public-poc", "proof of concept", "publicpoc": "public poc"
        case "y", "true": "yes"
        case "n", "false": "no"
        case "support crippled", "crippled", "mef support crippled": "mef support crippled"
        case "mission and well-being", "mission & well-being", "mission wellbeing": "mission and well-being impact"
        default: word
        }
    }
}

/// What a decision table answered, with all that it was asked.
public struct Decision: Sendable, Hashable {
    /// One answer that went in.
    public struct Input: Sendable, Hashable {
        /// The question.
        public var point: String
        /// The answer.
        public var value: String
        /// Who says so; nil where it was assumed.
        public var because: String?

        /// An input.
        public init(point: String, value: String, because: String?) {
            self.point = point
            self.value = value
            self.because = because
        }
    }

    /// The table's id.
    public var table: String
    /// The table's version.
    public var version: String
    /// The row's number in the table's own file, of which some begin at 0; nil where a rule in words decided.
    public var row: Int?
    /// The outcome.
    public var outcome: String
    /// What went in.
    public var inputs: [Input]

    /// A decision.
    public init(table: String, version: String, row: Int?, outcome: String, inputs: [Input]) {
        self.table = table
        self.version = version
        self.row = row
        self.outcome = outcome
        self.inputs = inputs
    }

    /// How many of the answers were assumed.
    public var assumptions: Int { inputs.count { $0.because == nil } }

    /// One sentence: the outcome, the row, and each answer with whose word it is.
    public var sentence: String {
        let answers = inputs.map { input in
            "\(input.point) \(input.value) (\(input.because ?? "assumed: unknown"))"
        }
        let asked = answers.isEmpty ? "" : ": \(answers.joined(separator: ", "))"
        return "\(outcome), by \(place), version \(version)\(asked)"
    }

    /// `row 3 of bod-26-04`
    var place: String { row.map { "row \($0) of \(table)" } ?? table }
}

/// Why a decision table is refused.
public struct DecisionTableFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The table.
    public let table: String
    /// What is wrong and what to do.
    public let reason: String

    /// A fault of a table.
    public init(_ table: String, _ reason: String) {
        self.table = table
        self.reason = reason
    }

    public var description: String { "decision table '\(table)': \(reason)" }
}
