import JSON
import Timestamps
import Wire

extension Schema {
    /// The most faults that are told of one value.
    static let maximumFaults = 20

    /// What is wrong with a value, place by place; empty where nothing is.
    func faults(in value: JSONValue, at pointer: String = "") -> [Problem.Fault] {
        var faults: [Problem.Fault] = []
        check(value, pointer, &faults)
        return faults
    }

    private func check(_ value: JSONValue, _ pointer: String, _ faults: inout [Problem.Fault]) {
        guard faults.count < Self.maximumFaults else { return }
        func fault(_ detail: String, _ cure: String, at place: String? = nil) {
            if faults.count < Self.maximumFaults {
                faults.append(.init(pointer: place ?? pointer, detail: detail, cure: cure))
            }
        }
        func wrongType(_ expected: String) {
            fault("Expected \(expected), found \(value.kindPhrase).", "Send \(expected).")
        }
        switch self {
        case .anything: return
        case .described(let schema, _): schema.check(value, pointer, &faults)
        case .component(let component): component.schema.check(value, pointer, &faults)
        case .null: if value != .null { wrongType("null") }
        case .boolean: if value.bool == nil { wrongType("true or false") }
        case .integer(let range):
            guard let number = value.integer else { return wrongType("a whole number") }
            if !range.contains(number) {
                fault(
                    "\(number) is not from \(range.lowerBound) to \(range.upperBound).",
                    "Send a number within these bounds.")
            }
        case .string(let text):
            guard let string = value.string else { return wrongType("a string") }
            if let (detail, cure) = text.fault(in: string) { fault(detail, cure) }
        case .array(let items, let count):
            guard let elements = value.array else { return wrongType("an array") }
            guard count.contains(elements.count) else {
                return fault(
                    "\(elements.count) elements, where \(count.lowerBound) to \(count.upperBound) are taken.",
                    "Send as many.")
            }
            for (index, element) in elements.enumerated() { items.check(element, "\(pointer)/\(index)", &faults) }
        case .map(let values, let names, let maximum):
            guard let members = value.object else { return wrongType("an object") }
            guard members.count <= maximum else {
                return fault("\(members.count) members, where \(maximum) are taken at most.", "Send fewer.")
            }
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                let place = "\(pointer)/\(escapedPointer(name))"
                if let (detail, cure) = names.fault(in: name) {
                    fault("The name is not one: \(detail)", cure, at: place)
                } else {
                    values.check(member, place, &faults)
                }
            }
        case .object(let properties):
            guard let members = value.object else { return wrongType("an object") }
            for property in properties {
                let place = "\(pointer)/\(escapedPointer(property.name))"
                if let member = members[property.name] {
                    property.schema.check(member, place, &faults)
                } else if property.isRequired {
                    fault("It is required but absent.", "Add \"\(property.name)\".", at: place)
                }
            }
            let known = Set(properties.map(\.name))
            for name in members.keys.sorted() where !known.contains(name) {
                fault(
                    "There is no \"\(name.prefix(64))\" here.",
                    "Leave it out; known are \(properties.map(\.name).joined(separator: ", ")).",
                    at: "\(pointer)/\(escapedPointer(name))")
            }
        case .anyOf(let schemas):
            var nearest: [Problem.Fault]?
            for schema in schemas {
                let found = schema.faults(in: value, at: pointer)
                if found.isEmpty { return }
                // What is wrong deepest inside is nearest to what was meant.
                if schema != .null, (nearest.map { Self.depth(found) > Self.depth($0) } ?? true) { nearest = found }
            }
            faults += nearest ?? []
        }
    }

    private static func depth(_ faults: [Problem.Fault]) -> Int {
        faults.map { $0.pointer?.utf8.count { $0 == UInt8(ascii: "/") } ?? 0 }.max() ?? 0
    }
}

extension Schema.Text {
    /// What is wrong with a text, and what would be right; nil where nothing is.
    func fault(in text: String) -> (detail: String, cure: String)? {
        if !values.isEmpty {
            return values.contains(text)
                ? nil : ("\"\(text.prefix(64))\" is none of them.", "Send one of \(values.joined(separator: ", ")).")
        }
        let length = text.unicodeScalars.count
        if length < minimum || length > maximum {
            return ("\(length) characters, where \(minimum) to \(maximum) are taken.", "Send as many.")
        }
        if format == .dateTime, Timestamp(rfc3339: text) == nil {
            return ("\"\(text.prefix(64))\" is not a time of RFC 3339.", "Write it as 2026-11-21T08:00:00Z.")
        }
        if let pattern, !Self.matches(pattern, text) {
            if pattern == Schema.oneLine {
                return ("There are control characters in it.", "Send one line of plain text.")
            }
            return ("\"\(text.prefix(64))\" does not match \(pattern).", "Send text that does.")
        }
        return nil
    }

    /// Whether the text matches; patterns are ours, short and without nesting, and lengths were checked before.
    private static func matches(_ pattern: String, _ text: String) -> Bool {
        if pattern == Schema.oneLine { return text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } }
        guard let regex = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
        return text.wholeMatch(of: regex) != nil
    }
}

extension JSONValue {
    /// What the value is, short enough for a message.
    var kindPhrase: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "the number \(value)"
        case .number(let value): "the number \(value)"
        case .string(let value): "the string \"\(value.prefix(32))\(value.count > 32 ? "…" : "")\""
        case .array(let value): "an array of \(value.count)"
        case .object(let value): "an object of \(value.count)"
        }
    }
}

/// A reference token of a JSON pointer (RFC 6901): `~` and `/` are escaped.
func escapedPointer(_ component: String) -> String {
    var result = ""
    for scalar in component.unicodeScalars {
        switch scalar {
        case "~": result += "~0"
        case "/": result += "~1"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
