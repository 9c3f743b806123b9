public import JSON

/// What is wrong with a policy, where, and what to do.
public struct PolicyProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable {
        /// The policy cannot be used.
        case error
        /// It can, and probably does not do what was meant.
        case warning
    }

    /// How bad it is.
    public var severity: Severity
    /// Where it stands.
    public var place: PolicyPlace
    /// The way to it from the document's top: `spec.rings[1].size`; empty for the document.
    public var path: String
    /// One sentence: what, and what to do.
    public var message: String

    /// A problem.
    public init(_ severity: Severity = .error, at place: PolicyPlace, path: String = "", message: String) {
        self.severity = severity
        self.place = place
        self.path = path
        self.message = message
    }

    /// `fleet.yaml:12:5: error: spec.rings[1].size: …`.
    public var description: String {
        "\(place): \(severity.rawValue): \(path.isEmpty ? "" : "\(path): ")\(message)"
    }

    /// The problem as JSON.
    public var json: JSONValue {
        [
            "severity": .string(severity.rawValue), "file": .string(place.file), "line": .integer(Int64(place.line)),
            "column": .integer(Int64(place.column)), "path": .string(path), "message": .string(message),
        ]
    }
}

/// What reading a document has found: its problems, where everything stands, and what it refers to.
struct PolicyReading {
    /// A name of another object.
    struct Reference: Hashable, Sendable {
        var kind: String
        var name: String
        var path: String
    }

    var problems: [PolicyProblem] = []
    var places: [String: PolicyPlace] = [:]
    var references: [Reference] = []

    mutating func refuse(_ node: PolicyNode, _ path: String, _ message: String) {
        problems.append(PolicyProblem(at: node.place, path: path, message: message))
    }
}

/// Which of some names was probably meant.
enum ClosestName {
    /// ` (did you mean x?)`, or nothing where none is near.
    static func hint(_ name: String, among names: some Sequence<String>) -> String {
        let best = names.map { ($0, distance(name.lowercased(), $0.lowercased())) }
            .min { $0.1 != $1.1 ? $0.1 < $1.1 : $0.0 < $1.0 }
        guard let best, best.1 <= max(1, min(name.count, best.0.count) / 3) else { return "" }
        return " (did you mean \(best.0)?)"
    }

    /// How many letters must be changed, added, taken away or exchanged with their neighbour.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(64))
        let b = Array(right.utf8.prefix(64))
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
                row.append(least)
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
