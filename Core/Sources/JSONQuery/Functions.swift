import JSON

/// The functions of the specification.
enum Functions {
    /// What each takes: the types of its arguments; `+` at the end stands for more of the last.
    private static let signatures: [String: [String]] = [
        "abs": ["number"], "avg": ["array of numbers"], "ceil": ["number"], "contains": ["array or string", "any"],
        "ends_with": ["string", "string"], "floor": ["number"], "join": ["string", "array of strings"],
        "keys": ["object"], "length": ["string, array or object"], "map": ["&expression", "array"],
        "max": ["array of numbers or of strings"], "max_by": ["array", "&expression"], "merge": ["object+"],
        "min": ["array of numbers or of strings"], "min_by": ["array", "&expression"], "not_null": ["any+"],
        "reverse": ["array or string"], "sort": ["array of numbers or of strings"],
        "sort_by": ["array", "&expression"], "starts_with": ["string", "string"], "sum": ["array of numbers"],
        "to_array": ["any"], "to_string": ["any"], "to_number": ["any"], "type": ["any"], "values": ["object"],
    ]

    static func check(_ name: String, _ arguments: [Node], offset: Int) throws(JSONQueryError) {
        guard let signature = signatures[name] else {
            throw JSONQueryError(
                offset: offset,
                "there is no function \(name); there are: \(signatures.keys.sorted().joined(separator: ", "))")
        }
        let isVariadic = signature.last?.hasSuffix("+") == true
        guard isVariadic ? arguments.count >= signature.count : arguments.count == signature.count else {
            throw JSONQueryError(
                offset: offset,
                "\(name) takes \(signature.count)\(isVariadic ? " or more" : "") argument(s): \(signature.joined(separator: ", "))"
            )
        }
        for (index, argument) in arguments.enumerated() {
            let wantsReference = signature[min(index, signature.count - 1)] == "&expression"
            if case .reference = argument, !wantsReference {
                throw JSONQueryError(offset: offset, "argument \(index + 1) of \(name) is not an &expression")
            } else if wantsReference, !isReference(argument) {
                throw JSONQueryError(offset: offset, "argument \(index + 1) of \(name) is an &expression")
            }
        }
    }

    private static func isReference(_ node: Node) -> Bool { if case .reference = node { true } else { false } }

    static func type(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension Interpreter {
    mutating func call(_ name: String, _ arguments: [Node], _ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        switch name {
        case "map": return try map(arguments[0], evaluate(arguments[1], value))
        case "sort_by", "max_by", "min_by":
            return try byKey(name, evaluate(arguments[0], value), arguments[1])
        case "not_null":
            for argument in arguments {
                let result = try evaluate(argument, value)
                if result != .null { return result }
            }
            return .null
        default:
            var values: [JSONValue] = []
            for argument in arguments { values.append(try evaluate(argument, value)) }
            return try plain(name, values)
        }
    }

    private mutating func map(_ reference: Node, _ subject: JSONValue) throws(JSONQueryError) -> JSONValue {
        guard case .reference(let body) = reference, let array = subject.array else {
            throw Self.wrong("map", "an array", subject)
        }
        var results: [JSONValue] = []
        for element in array { results.append(try evaluate(body, element)) }
        return .array(results)
    }

    private mutating func byKey(
        _ name: String, _ subject: JSONValue, _ reference: Node
    ) throws(JSONQueryError) -> JSONValue {
        guard case .reference(let body) = reference, let array = subject.array else {
            throw Self.wrong(name, "an array", subject)
        }
        var keyed: [(key: JSONValue, value: JSONValue)] = []
        for element in array { keyed.append((try evaluate(body, element), element)) }
        try Self.sameType(name, keyed.map(\.key))
        switch name {
        case "sort_by":
            return .array(Self.stable(keyed.map { ($0.key, $0.value) }))
        case "max_by":
            guard var best = keyed.first else { return .null }
            for one in keyed.dropFirst() where Self.isLess(best.key, one.key) == true { best = one }
            return best.value
        default:
            guard var best = keyed.first else { return .null }
            for one in keyed.dropFirst() where Self.isLess(one.key, best.key) == true { best = one }
            return best.value
        }
    }

    /// Sorted by key, equal keys in the order in which they came.
    private static func stable(_ keyed: [(JSONValue, JSONValue)]) -> [JSONValue] {
        keyed.enumerated().sorted { a, b in
            if isLess(a.element.0, b.element.0) == true { return true }
            if isLess(b.element.0, a.element.0) == true { return false }
            return a.offset < b.offset
        }.map { $0.element.1 }
    }

    private static func sameType(_ name: String, _ values: [JSONValue]) throws(JSONQueryError) {
        let types = Set(values.map(Functions.type))
        guard types.isEmpty || types == ["number"] || types == ["string"] else {
            throw JSONQueryError(
                "\(name) orders numbers or strings, not \(types.sorted().joined(separator: " and ")); filter first: [?key]"
            )
        }
    }

    private func plain(_ name: String, _ values: [JSONValue]) throws(JSONQueryError) -> JSONValue {
        let first = values[0]
        switch name {
        case "abs", "ceil", "floor": return try rounded(name, first)
        case "sum", "avg": return try total(name, first)
        case "contains":
            if let text = first.string { return .bool(values[1].string.map { Self.contains(text, $0) } ?? false) }
            guard let array = first.array else { throw Self.wrong(name, "an array or a string", first) }
            return .bool(array.contains(values[1]))
        case "starts_with", "ends_with":
            guard let text = first.string, let part = values[1].string else {
                throw Self.wrong(name, "two strings", first.string == nil ? first : values[1])
            }
            let scalars = Array(text.unicodeScalars)
            return .bool(
                name == "starts_with"
                    ? scalars.starts(with: part.unicodeScalars)
                    : scalars.reversed().starts(with: part.unicodeScalars.reversed()))
        case "join":
            guard let glue = first.string else { throw Self.wrong(name, "a string", first) }
            var parts: [String] = []
            for value in values[1].array ?? [values[1]] {
                guard values[1].array != nil, let text = value.string else {
                    throw Self.wrong(name, "an array of strings", value)
                }
                parts.append(text)
            }
            return .string(parts.joined(separator: glue))
        case "keys", "values":
            guard let object = first.object else { throw Self.wrong(name, "an object", first) }
            let sorted = Self.sorted(object)
            return .array(name == "keys" ? sorted.map { .string($0.key) } : sorted.map(\.value))
        case "length":
            switch first {
            case .string(let text): return .integer(Int64(text.unicodeScalars.count))
            case .array(let array): return .integer(Int64(array.count))
            case .object(let object): return .integer(Int64(object.count))
            default: throw Self.wrong(name, "a string, an array or an object", first)
            }
        case "max", "min", "sort": return try ordered(name, first)
        case "merge":
            var merged: [String: JSONValue] = [:]
            for value in values {
                guard let object = value.object else { throw Self.wrong(name, "objects", value) }
                merged.merge(object) { $1 }
            }
            return .object(merged)
        case "reverse":
            if let text = first.string {
                return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            }
            guard let array = first.array else { throw Self.wrong(name, "an array or a string", first) }
            return .array(array.reversed())
        case "to_array": return first.array == nil ? .array([first]) : first
        case "to_string":
            return first.string == nil ? .string(String(decoding: first.canonicalBytes(), as: UTF8.self)) : first
        case "to_number": return Self.number(first)
        default: return .string(Functions.type(first))
        }
    }

    private func rounded(_ name: String, _ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        if case .integer(let number) = value {
            return name == "abs" && number < 0 ? JSONValue(-Double(number)) ?? .null : value
        }
        guard case .number(let number) = value else { throw Self.wrong(name, "a number", value) }
        let result = name == "abs" ? abs(number) : number.rounded(name == "ceil" ? .up : .down)
        return JSONValue(result) ?? .null
    }

    private func total(_ name: String, _ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        guard let array = value.array else { throw Self.wrong(name, "an array of numbers", value) }
        var exact: Int64? = 0
        var sum = 0.0
        for element in array {
            guard let number = Self.double(element) else { throw Self.wrong(name, "an array of numbers", element) }
            sum += number
            if let whole = exact, case .integer(let integer) = element {
                let (next, overflows) = whole.addingReportingOverflow(integer)
                exact = overflows ? nil : next
            } else {
                exact = nil
            }
        }
        if name == "avg" { return array.isEmpty ? .null : JSONValue(sum / Double(array.count)) ?? .null }
        return exact.map { .integer($0) } ?? JSONValue(sum) ?? .null
    }

    private func ordered(_ name: String, _ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        guard let array = value.array else { throw Self.wrong(name, "an array", value) }
        try Self.sameType(name, array)
        let sorted = Self.stable(array.map { ($0, $0) })
        return name == "sort" ? .array(sorted) : (name == "max" ? sorted.last : sorted.first) ?? .null
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let (text, part) = (Array(text.utf8), Array(part.utf8))
        guard !part.isEmpty else { return true }
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
    }

    private static func number(_ value: JSONValue) -> JSONValue {
        if double(value) != nil { return value }
        guard let text = value.string, let parsed = try? JSONValue(parsing: Array(text.utf8), limits: .message),
            double(parsed) != nil
        else { return .null }
        return parsed
    }

    private static func wrong(_ name: String, _ wanted: String, _ value: JSONValue) -> JSONQueryError {
        JSONQueryError("\(name) takes \(wanted); here is \(Functions.type(value))")
    }
}
