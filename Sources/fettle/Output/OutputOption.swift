import ArgumentParser
import CSV
import JSON
import JSONQuery
import TextTable
import YAML

/// How a command prints its data.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, wide, json, yaml, csv, name
}

/// `-o FORMAT` and `--query EXPRESSION`.
struct OutputOption: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long],
        help: "How to print: table, wide (more columns), json, yaml, csv, or name (ids alone, one a line).")
    var output: OutputFormat = .table
    @Option(
        help: ArgumentHelp(
            "Print what this JMESPath expression makes of the JSON: '[?silent].hostname'.", valueName: "expression"))
    var query: String?

    func validate() throws { _ = try parsedQuery() }

    private func parsedQuery() throws -> JSONQuery? {
        guard let query else { return nil }
        do {
            return try JSONQuery(query)
        } catch {
            throw ValidationError("--query: \(error)\nThe language: https://jmespath.org/specification.html")
        }
    }

    /// The text of data in the chosen format.
    func text(_ shown: Shown) throws -> String {
        if let query = try parsedQuery() {
            do {
                return try text(of: query.evaluate(shown.value), columns: query.columns)
            } catch let error as JSONQueryError {
                throw CommandFailure.failed("--query: \(error)")
            }
        }
        switch output {
        case .json: return jsonText(shown.value)
        case .yaml: return shown.value.yaml()
        case .csv: return shown.csv()
        case .name: return shown.names.map { TextTable.printable($0) + "\n" }.joined()
        case .table: return shown.text(false)
        case .wide: return shown.text(true)
        }
    }

    /// The text of what a query made, which may have any shape.
    private func text(of value: JSONValue, columns: [String]?) throws -> String {
        switch output {
        case .json: return jsonText(value)
        case .yaml: return value.yaml()
        case .csv: return FreeTable(value, columns).csv
        case .table, .wide: return FreeTable(value, columns).text
        case .name:
            let values = value.array ?? [value]
            guard values.allSatisfy({ $0.array == nil && $0.object == nil }) else {
                throw CommandFailure.usage("-o name prints single values: let --query end in one, such as '[].id'")
            }
            return values.map { TextTable.printable(flatText($0)) + "\n" }.joined()
        }
    }

    /// Whether people read it: a table that no query made.
    var isForPeople: Bool { query == nil && (output == .table || output == .wide) }

    /// Says for people what became of one thing, and prints it for programs.
    func tell(_ value: JSONValue, _ sentence: String) throws {
        say(sentence)
        try show(value) { _ in }
    }

    /// Prints items, in a table as `table` does.
    func show(_ items: [JSONValue], table: @escaping ([JSONValue]) -> Void) throws {
        guard isForPeople else { return emit(try text(Shown(items))) }
        table(items)
    }

    /// Prints one value, as text the way `table` does.
    func show(_ value: JSONValue, table: @escaping (JSONValue) -> Void) throws {
        guard isForPeople else { return emit(try text(Shown(item: value))) }
        table(value)
    }
}

/// JSON as text; what a terminal would obey in it is written as escapes, which every parser reads back.
func jsonText(_ value: JSONValue) -> String {
    var result = String.UnicodeScalarView()
    for scalar in value.prettyPrinted().unicodeScalars {
        switch scalar.value {
        case 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
            let digits = String(scalar.value, radix: 16)
            result.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars)
        default: result.append(scalar)
        }
    }
    return String(result) + "\n"
}

/// A value in one cell: texts as they are, nothing for null, JSON for what has parts.
func flatText(_ value: JSONValue) -> String {
    switch value {
    case .null: ""
    case .string(let text): text
    default: String(decoding: value.canonicalBytes(), as: UTF8.self)
    }
}

/// A table of whatever a query made.
struct FreeTable {
    private var headings: [String] = []
    private var rows: [[String]] = []

    /// - Parameter columns: the order of the columns, where the query says one.
    init(_ value: JSONValue, _ columns: [String]?) {
        let values = value.array ?? (value == .null ? [] : [value])
        let objects = values.compactMap(\.object)
        if objects.count == values.count, !objects.isEmpty {
            let names = Set(objects.flatMap(\.keys))
            headings = columns.map { $0.filter(names.contains) } ?? names.sorted()
            rows = objects.map { object in headings.map { flatText(object[$0] ?? .null) } }
        } else {
            rows = values.map { $0.array?.map(flatText) ?? [flatText($0)] }
        }
    }

    var csv: String {
        var csv = CSVText(headings: headings)
        for row in rows { csv.add(row) }
        return csv.text
    }

    var text: String {
        if !headings.isEmpty { return tableText(headings, rows) }
        return rows.map { $0.map(TextTable.printable).joined(separator: "\t") + "\n" }.joined()
    }
}
