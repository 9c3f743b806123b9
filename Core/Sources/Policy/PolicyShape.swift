import JSON

/// The keys of an object: from this one description come its reader, its writer and its schema.
public struct PolicyShape<Root: Sendable>: Sendable {
    struct Key: Sendable {
        var name: String
        var isRequired: Bool
        var schema: JSONValue
        var read: @Sendable (PolicyNode, String, inout Root, inout PolicyReading) -> Void
        /// Nil where it is the default.
        var write: @Sendable (Root) -> JSONValue?
    }

    let initial: Root
    private(set) var keys: [Key] = []
    private(set) var alternatives: [(names: [String], isExact: Bool)] = []
    private var checks: [@Sendable (Root) -> (key: String, reason: String)?] = []

    init(_ initial: Root) { self.initial = initial }

    /// A key that must be there.
    mutating func required<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: PolicyCodec<Value>,
        _ about: String
    ) {
        keys.append(
            Key(
                name: name, isRequired: true, schema: described(codec.schema, about),
                read: { node, at, root, reading in
                    if let value = codec.read(node, at, &reading) { root[keyPath: path] = value }
                },
                write: { codec.write($0[keyPath: path]) }))
    }

    /// A key that may be left out, and is nil then.
    mutating func optional<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, _ codec: PolicyCodec<Value>,
        _ about: String
    ) {
        keys.append(
            Key(
                name: name, isRequired: false, schema: described(codec.schema, about),
                read: { node, at, root, reading in
                    if let value = codec.read(node, at, &reading) { root[keyPath: path] = value }
                },
                write: { $0[keyPath: path].map(codec.write) }))
    }

    /// A key that may be left out, and has the value of the empty object then.
    mutating func key<Value: Equatable>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ codec: PolicyCodec<Value>,
        _ about: String
    ) {
        let usual = initial[keyPath: path]
        var schema = described(codec.schema, about)
        if case .object(var members) = schema {
            let written = codec.write(usual)
            if written != .array([]), written != .string("") { members["default"] = written }
            schema = .object(members)
        }
        keys.append(
            Key(
                name: name, isRequired: false, schema: schema,
                read: { node, at, root, reading in
                    if let value = codec.read(node, at, &reading) { root[keyPath: path] = value }
                },
                write: { $0[keyPath: path] == usual ? Optional<JSONValue>.none : codec.write($0[keyPath: path]) }))
    }

    /// Exactly one of these keys stands there.
    mutating func exactlyOne(_ names: String...) { alternatives.append((names, true)) }

    /// One of these keys at least stands there.
    mutating func atLeastOne(_ names: String...) { alternatives.append((names, false)) }

    /// What holds between keys; the key at fault and what to do, or nil.
    mutating func check(_ rule: @escaping @Sendable (Root) -> (key: String, reason: String)?) { checks.append(rule) }

    private func described(_ schema: JSONValue, _ about: String) -> JSONValue {
        guard case .object(var members) = schema else { return schema }
        members["description"] = .string(about)
        return .object(members)
    }

    /// What editors are told.
    var schema: JSONValue {
        var members: [String: JSONValue] = [
            "type": "object", "additionalProperties": false,
            "properties": .object(Dictionary(keys.map { ($0.name, $0.schema) }) { first, _ in first }),
        ]
        let required = keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members["required"] = .array(required) }
        let rules = alternatives.map { names, isExact -> JSONValue in
            [isExact ? "oneOf" : "anyOf": .array(names.map { ["required": [.string($0)]] })]
        }
        if !rules.isEmpty { members["allOf"] = .array(rules) }
        return .object(members)
    }

    func read(_ node: PolicyNode, _ path: String, _ reading: inout PolicyReading) -> Root? {
        guard case .map(let members) = node.content else {
            reading.refuse(
                node, path,
                "expected keys with values, found \(node.phrase); write \(keys.prefix(3).map { $0.name + ": …" }.joined(separator: ", "))"
            )
            return nil
        }
        let problems = reading.problems.count
        var root = initial
        var names: Set<String> = []
        for member in members {
            let at = path.isEmpty ? member.name : "\(path).\(member.name)"
            guard let key = keys.first(where: { $0.name == member.name }) else {
                let hint = ClosestName.hint(member.name, among: keys.map(\.name))
                reading.problems.append(
                    PolicyProblem(
                        at: member.place, path: at,
                        message:
                            "there is no key \"\(member.name.prefix(64))\" here\(hint); keys are \(keys.map(\.name).joined(separator: ", "))"
                    ))
                continue
            }
            names.insert(member.name)
            reading.places[at] = member.value.place
            key.read(member.value, at, &root, &reading)
        }
        for key in keys where key.isRequired && !names.contains(key.name) {
            let about = key.schema["description"]?.string.map { " (\($0))" } ?? ""
            reading.refuse(node, path, "the key \(key.name) is missing; add it\(about)")
        }
        for (group, isExact) in alternatives {
            let found = group.filter(names.contains)
            if found.isEmpty {
                reading.refuse(
                    node, path,
                    "one of the keys \(group.joined(separator: ", ")) is missing; add \(isExact ? "one" : "at least one")"
                )
            } else if isExact, found.count > 1 {
                reading.refuse(node, path, "\(found.joined(separator: " and ")) exclude one another; keep one")
            }
        }
        // What holds between keys is asked only where each is right by itself.
        guard reading.problems.count == problems else { return nil }
        for check in checks {
            guard let (key, reason) = check(root) else { continue }
            let at = path.isEmpty ? key : "\(path).\(key)"
            reading.problems.append(PolicyProblem(at: reading.places[at] ?? node.place, path: at, message: reason))
        }
        return reading.problems.count == problems ? root : nil
    }

    func write(_ root: Root) -> JSONValue {
        var members: [String: JSONValue] = [:]
        for key in keys { members[key.name] = key.write(root) }
        return .object(members)
    }
}

extension PolicyCodec {
    /// An object of those keys.
    static func object(_ initial: Value, _ describe: (inout PolicyShape<Value>) -> Void) -> PolicyCodec {
        var shape = PolicyShape(initial)
        describe(&shape)
        let made = shape
        return PolicyCodec(schema: made.schema) { node, path, reading in
            made.read(node, path, &reading)
        } write: {
            made.write($0)
        }
    }
}
