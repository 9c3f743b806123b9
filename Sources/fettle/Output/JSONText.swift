import JSON
import Timestamps

extension JSONValue {
    /// Indented text.
    var text: String { jsonText(self).trimmingLineFeed }

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

extension String {
    fileprivate var trimmingLineFeed: String { hasSuffix("\n") ? String(dropLast()) : self }
}

/// What a member `{"value": …}` or `{"unknown": why}` holds, for a table cell.
func cell(_ fact: JSONValue?, _ format: (JSONValue) -> String) -> String {
    if let value = fact?["value"] { return format(value) }
    return "unknown"
}

/// `3m ago`, by this machine's clock; `never` where there is no time.
func age(_ text: String?) -> String {
    guard let text, let time = Timestamp(rfc3339: text) else { return "never" }
    let seconds = now().seconds(since: time)
    return seconds < 0 ? "in \(span(-seconds))" : "\(span(seconds)) ago"
}

/// `3m`
private func span(_ seconds: Int64) -> String {
    switch seconds {
    case ..<60: "\(seconds)s"
    case ..<3600: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
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

/// `site=berlin tier=web`
func labelText(_ labels: JSONValue?) -> String {
    (labels?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }.joined(
        separator: " ")
}
