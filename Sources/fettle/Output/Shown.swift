import CSV
import JSON

/// A column of a list.
struct Column: Sendable {
    let heading: String
    /// Whether only `-o wide` (and csv) has it.
    let isWide: Bool
    /// What stands in a table, for people.
    let text: @Sendable (JSONValue) -> String
    /// What stands in CSV, for programs.
    let raw: @Sendable (JSONValue) -> String

    /// A column whose tables and CSV show the same.
    init(_ heading: String, wide isWide: Bool = false, _ text: @escaping @Sendable (JSONValue) -> String) {
        self.init(heading, wide: isWide, raw: text, text: text)
    }

    /// A column whose tables and CSV differ.
    init(
        _ heading: String, wide isWide: Bool = false, raw: @escaping @Sendable (JSONValue) -> String,
        text: @escaping @Sendable (JSONValue) -> String
    ) {
        self.heading = heading
        self.isWide = isWide
        self.text = text
        self.raw = raw
    }

    /// A column of one member.
    static func member(_ key: String, _ heading: String? = nil, wide: Bool = false) -> Column {
        Column(heading ?? key.uppercased(), wide: wide) { $0.text(key) }
    }

    /// A column of a time: how long ago in tables, RFC 3339 in CSV.
    static func age(_ key: String, _ heading: String, wide: Bool = false) -> Column {
        Column(heading, wide: wide, raw: { $0.text(key) }, text: { fettle.age($0[key]?.string) })
    }
}

/// Data with every way to print them.
struct Shown: Sendable {
    /// What JSON, YAML and queries see.
    let value: JSONValue
    /// The text of `-o table` and, where true is given, of `-o wide`.
    let text: @Sendable (Bool) -> String
    private(set) var csv: @Sendable () -> String
    private(set) var names: [String]
    /// What is said beside a table.
    var notes: [String] = []

    /// A list; `empty` is said where a table would have no row.
    init(
        _ items: [JSONValue], _ columns: [Column], empty: String = "",
        name: (JSONValue) -> String = { $0.text("id") }
    ) {
        value = .array(items)
        names = items.map(name)
        text = { wide in
            let columns = columns.filter { wide || !$0.isWide }
            return tableText(columns.map(\.heading), items.map { item in columns.map { $0.text(item) } })
        }
        csv = { Self.csv(items, columns) }
        if items.isEmpty, !empty.isEmpty { notes = [empty] }
    }

    /// One thing, with its text for people.
    init(item: JSONValue, name: String? = nil, csv columns: [Column]? = nil, text: @escaping @Sendable (Bool) -> String)
    {
        value = item
        names = [name ?? item.text("id")]
        self.text = text
        csv = { columns.map { Self.csv([item], $0) } ?? FreeTable(item, nil).csv }
    }

    /// A list whose tables are somebody else's.
    init(_ items: [JSONValue]) {
        value = .array(items)
        names = items.map { $0.text("id") }
        let items: JSONValue = .array(items)
        text = { _ in FreeTable(items, nil).text }
        csv = { FreeTable(items, nil).csv }
    }

    /// One thing whose text is somebody else's.
    init(item: JSONValue) {
        self.init(item: item) { _ in FreeTable(item, nil).text }
    }

    /// The same with the lines and names of a list that it holds.
    func with(csv: @escaping @Sendable () -> String, names: [String]) -> Shown {
        var copy = self
        copy.csv = csv
        copy.names = names
        return copy
    }

    private static func csv(_ items: [JSONValue], _ columns: [Column]) -> String {
        var csv = CSVText(headings: columns.map(\.heading))
        for item in items { csv.add(columns.map { $0.raw(item) }) }
        return csv.text
    }
}
