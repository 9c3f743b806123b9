import JSON

/// Evaluates a tree.
struct Interpreter {
    /// Values made at most: an expression of a few bytes may multiply what it is given.
    static let maximumWork = 50_000_000
    private var work = 0

    mutating func evaluate(_ node: Node, _ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        work += 1
        guard work <= Self.maximumWork else {
            throw JSONQueryError("the expression makes more of the data than can be shown; narrow it with a filter")
        }
        switch node {
        case .identity: return value
        case .literal(let literal): return literal
        case .field(let name): return value[name] ?? .null
        case .index(let index):
            guard let array = value.array else { return .null }
            return value[index < 0 ? array.count + index : index] ?? .null
        case .slice(let start, let stop, let step):
            guard let array = value.array else { return .null }
            return .array(Self.slice(array, start, stop, step ?? 1))
        case .chain(let left, let right): return try evaluate(right, evaluate(left, value))
        case .projection(let left, let right):
            guard let array = try evaluate(left, value).array else { return .null }
            return try project(array, right)
        case .valueProjection(let left, let right):
            guard let object = try evaluate(left, value).object else { return .null }
            return try project(Self.sorted(object).map(\.value), right)
        case .filter(let left, let right, let condition):
            guard let array = try evaluate(left, value).array else { return .null }
            var kept: [JSONValue] = []
            for element in array where Self.isTrue(try evaluate(condition, element)) { kept.append(element) }
            return try project(kept, right)
        case .flatten(let left):
            guard let array = try evaluate(left, value).array else { return .null }
            var flat: [JSONValue] = []
            for element in array {
                if let inner = element.array { flat += inner } else { flat.append(element) }
            }
            work += flat.count
            return .array(flat)
        case .list(let nodes):
            if value == .null { return .null }
            var elements: [JSONValue] = []
            for node in nodes { elements.append(try evaluate(node, value)) }
            return .array(elements)
        case .hash(let members):
            if value == .null { return .null }
            var object: [String: JSONValue] = [:]
            for (name, node) in members { object[name] = try evaluate(node, value) }
            return .object(object)
        case .or(let left, let right):
            let first = try evaluate(left, value)
            return Self.isTrue(first) ? first : try evaluate(right, value)
        case .and(let left, let right):
            let first = try evaluate(left, value)
            return Self.isTrue(first) ? try evaluate(right, value) : first
        case .not(let inner): return .bool(!Self.isTrue(try evaluate(inner, value)))
        case .comparison(let comparison, let left, let right):
            return Self.compare(comparison, try evaluate(left, value), try evaluate(right, value))
        case .function(let name, let arguments, _):
            return try call(name, arguments, value)
        case .reference:
            throw JSONQueryError("&expression stands only as an argument of map, sort_by, max_by or min_by")
        }
    }

    private mutating func project(_ array: [JSONValue], _ right: Node) throws(JSONQueryError) -> JSONValue {
        var results: [JSONValue] = []
        for element in array {
            let result = try evaluate(right, element)
            if result != .null { results.append(result) }
        }
        return .array(results)
    }

    static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .string(""): false
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        default: true
        }
    }

    static func sorted(_ object: [String: JSONValue]) -> [(key: String, value: JSONValue)] {
        object.sorted { precedes($0.key, $1.key) }
    }

    /// Whether one text comes before another by their code points.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars) { $0.value < $1.value }
    }

    static func double(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    /// Whether one comes before another; nil where they are not both numbers or both texts.
    static func isLess(_ a: JSONValue, _ b: JSONValue) -> Bool? {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): return a < b
        case (.string(let a), .string(let b)): return precedes(a, b)
        default:
            guard let a = double(a), let b = double(b) else { return nil }
            return a < b
        }
    }

    private static func compare(_ comparison: Node.Comparison, _ a: JSONValue, _ b: JSONValue) -> JSONValue {
        switch comparison {
        case .equal: .bool(a == b)
        case .unequal: .bool(a != b)
        case .less: isLess(a, b).map { .bool($0) } ?? .null
        case .greater: isLess(b, a).map { .bool($0) } ?? .null
        case .lessOrEqual: isLess(b, a).map { .bool(!$0) } ?? .null
        case .greaterOrEqual: isLess(a, b).map { .bool(!$0) } ?? .null
        }
    }

    /// A slice as Python has it: negative places count from the end, places beyond an end are that end.
    private static func slice(_ array: [JSONValue], _ start: Int?, _ stop: Int?, _ step: Int) -> [JSONValue] {
        let count = array.count
        func place(_ value: Int, _ low: Int, _ high: Int) -> Int {
            let absolute = value < 0 ? max(value, -count - 1) + count : value
            return min(max(absolute, low), high)
        }
        var result: [JSONValue] = []
        if step > 0 {
            var index = start.map { place($0, 0, count) } ?? 0
            let end = stop.map { place($0, 0, count) } ?? count
            while index < end {
                result.append(array[index])
                guard step < end - index else { break }
                index += step
            }
        } else {
            var index = start.map { place($0, -1, count - 1) } ?? count - 1
            let end = stop.map { place($0, -1, count - 1) } ?? -1
            while index > end {
                result.append(array[index])
                guard step > end - index else { break }
                index += step
            }
        }
        return result
    }
}
