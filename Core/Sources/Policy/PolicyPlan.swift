public import JSON

/// What applying policies would do: creates, changes and deletions, with what changes in each.
public struct PolicyPlan: Hashable, Sendable {
    /// What becomes of an object.
    public enum Action: String, Hashable, Sendable {
        case create, change, delete
    }

    /// One value that differs.
    public struct Difference: Hashable, Sendable {
        /// The way to it: `spec.rings[early].size`.
        public var path: String
        /// What it was; nil where it was not there, or the default.
        public var before: JSONValue?
        /// What it becomes; nil where it is taken out, or goes to the default.
        public var after: JSONValue?
    }

    /// What becomes of one object.
    public struct Step: Hashable, Sendable {
        /// What.
        public var action: Action
        /// Which: `RingPlan/standard`.
        public var title: String
        /// What differs, by path; empty unless it changes.
        public var differences: [Difference]
    }

    /// The steps, sorted by title.
    public var steps: [Step]
    /// How many objects stay as they are.
    public var unchanged: Int

    /// Whether there is nothing to do.
    public var isEmpty: Bool { steps.isEmpty }

    /// The way from what is in force to what is wanted.
    ///
    /// - Parameters:
    ///   - before: The canonical objects in force (``PolicyObject/json``).
    ///   - after: Those that are wanted.
    ///   - prunes: Whether what is not wanted is deleted.
    public init(from before: [JSONValue], to after: [JSONValue], prunes: Bool = true) {
        func titled(_ objects: [JSONValue]) -> [String: JSONValue] {
            Dictionary(
                objects.map { ("\($0["kind"]?.string ?? "")/\($0["metadata"]?["name"]?.string ?? "")", $0) },
                uniquingKeysWith: { $1 })
        }
        let old = titled(before)
        let new = titled(after)
        var steps: [Step] = []
        var unchanged = 0
        for title in Set(old.keys).union(new.keys).sorted() {
            switch (old[title], new[title]) {
            case (nil, _): steps.append(Step(action: .create, title: title, differences: []))
            case (_, nil): if prunes { steps.append(Step(action: .delete, title: title, differences: [])) }
            case (let was?, let becomes?):
                if was == becomes {
                    unchanged += 1
                } else {
                    steps.append(
                        Step(action: .change, title: title, differences: Self.differences(was, becomes, "")))
                }
            }
        }
        self.steps = steps
        self.unchanged = unchanged
    }

    /// The plan in lines: `+` creates, `~` changes with what, `-` deletes.
    public var lines: [String] {
        var lines: [String] = []
        for step in steps {
            switch step.action {
            case .create: lines.append("+ \(step.title)")
            case .delete: lines.append("- \(step.title)")
            case .change:
                lines.append("~ \(step.title)")
                for difference in step.differences {
                    let before = difference.before.map(Self.text) ?? "(unset)"
                    let after = difference.after.map(Self.text) ?? "(unset)"
                    lines.append("    \(difference.path): \(before) -> \(after)")
                }
            }
        }
        return lines
    }

    /// The plan as JSON.
    public var json: JSONValue {
        [
            "steps": .array(
                steps.map { step in
                    [
                        "action": .string(step.action.rawValue), "object": .string(step.title),
                        "differences": .array(
                            step.differences.map {
                                ["path": .string($0.path), "before": $0.before ?? .null, "after": $0.after ?? .null]
                            }),
                    ]
                }), "unchanged": .integer(Int64(unchanged)),
        ]
    }

    private static func text(_ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        return String(decoding: value.canonicalBytes(), as: UTF8.self)
    }

    private static func differences(_ before: JSONValue, _ after: JSONValue, _ path: String) -> [Difference] {
        if before == after { return [] }
        func compare(_ old: [String: JSONValue], _ new: [String: JSONValue], _ at: (String) -> String) -> [Difference] {
            Set(old.keys).union(new.keys).sorted().flatMap { key -> [Difference] in
                switch (old[key], new[key]) {
                case (let was?, let becomes?): differences(was, becomes, at(key))
                case (let was, let becomes): [Difference(path: at(key), before: was, after: becomes)]
                }
            }
        }
        switch (before, after) {
        case (.object(let old), .object(let new)): return compare(old, new) { path.isEmpty ? $0 : "\(path).\($0)" }
        case (.array(let old), .array(let new)):
            // Values with names are followed by them, so that a new ring is one line; their order is a difference of its own.
            guard let was = named(old), let becomes = named(new) else {
                return [Difference(path: path, before: before, after: after)]
            }
            var found = compare(was, becomes) { "\(path)[\($0)]" }
            let common = Set(was.keys).intersection(becomes.keys)
            let names = { (values: [JSONValue]) in values.compactMap { $0["name"]?.string }.filter(common.contains) }
            if names(old) != names(new) {
                found.append(
                    Difference(
                        path: "\(path) (order)", before: .string(names(old).joined(separator: ", ")),
                        after: .string(names(new).joined(separator: ", "))))
            }
            return found
        default: return [Difference(path: path, before: before, after: after)]
        }
    }

    private static func named(_ values: [JSONValue]) -> [String: JSONValue]? {
        var found: [String: JSONValue] = [:]
        for value in values {
            guard let name = value["name"]?.string, found.updateValue(value, forKey: name) == nil else { return nil }
        }
        return found
    }
}
