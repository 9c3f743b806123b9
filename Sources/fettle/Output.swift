import ArgumentParser
import JSON
import Timestamps

/// How a command prints its data.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// `-o table|json`.
struct OutputOption: ParsableArguments {
    @Option(name: [.customShort("o"), .long], help: "How to print: table or json.")
    var output: OutputFormat = .table

    /// Prints items as one JSON array, or hands them to `table`.
    func show(_ items: [JSONValue], table: ([JSONValue]) -> Void) {
        switch output {
        case .json: print(JSONValue.array(items).text)
        case .table: table(items)
        }
    }

    /// Prints one value as JSON, or hands it to `table`.
    func show(_ value: JSONValue, table: (JSONValue) -> Void) {
        switch output {
        case .json: print(value.text)
        case .table: table(value)
        }
    }
}

extension JSONValue {
    /// Indented text.
    var text: String { prettyPrinted() }

    /// The text of a member; empty where there is none.
    func text(_ key: String) -> String {
        switch self[key] {
        case .string(let text)?: text
        case .integer(let number)?: String(number)
        case .bool(let value)?: value ? "yes" : "no"
        default: ""
        }
    }
}

/// What a member `{"value": …}` or `{"unknown": why}` holds, for a table cell.
func cell(_ fact: JSONValue?, _ format: (JSONValue) -> String) -> String {
    if let value = fact?["value"] { return format(value) }
    return "unknown"
}

/// `3m ago`, by this machine's clock; `never` where there is no time.
func age(_ text: String?) -> String {
    guard let text, let time = Timestamp(rfc3339: text) else { return "never" }
    let seconds = max(0, now().seconds(since: time))
    return switch seconds {
    case ..<60: "\(seconds)s ago"
    case ..<3600: "\(seconds / 60)m ago"
    case ..<172_800: "\(seconds / 3600)h ago"
    default: "\(seconds / 86_400)d ago"
    }
}

/// `24h`, `90m`, `7d`, `30s` as seconds; nil for anything else.
func seconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number > 0,
        number < 1_000_000
    else { return nil }
    return number * unit
}
