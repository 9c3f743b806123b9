import Versions

/// One package that a relationship field names, with the versions it means (deb-control(5), policy 7.1).
package struct Relation: Sendable, Hashable {
    /// How versions are compared.
    enum Operator: String, Sendable {
        case less = "<<", lessOrEqual = "<=", equal = "=", greaterOrEqual = ">=", greater = ">>"
    }

    var name: String
    /// `any`, an architecture, or empty.
    var qualifier: String
    /// nil where every version is meant.
    var operation: Operator?
    var version: String
    private var key: VersionKey?

    /// As written: `libc6 (>= 2.36)`.
    package var displayName: String {
        let name = qualifier.isEmpty ? name : "\(name):\(qualifier)"
        return operation.map { "\(name) (\($0.rawValue) \(version))" } ?? name
    }

    /// Whether that version is meant.
    func accepts(_ other: VersionKey) -> Bool {
        guard let operation, let key else { return operation == nil }
        return switch operation {
        case .less: other < key
        case .lessOrEqual: other <= key
        case .equal: other == key
        case .greaterOrEqual: other >= key
        case .greater: other > key
        }
    }

    /// The alternatives, separated by `|`, of each element, separated by commas; what is malformed is left out.
    package static func groups(_ field: String) -> [[Relation]] {
        if field.isEmpty { return [] }
        return field.split(separator: ",").prefix(10_000).compactMap { element in
            let group = element.split(separator: "|").compactMap { Relation($0) }
            return group.isEmpty ? nil : group
        }
    }

    /// All packages that a field without alternatives names.
    static func list(_ field: String) -> [Relation] { groups(field).flatMap { $0 } }

    private init?(_ text: Substring) {
        let bytes = text.trimmed.utf8
        let end = bytes.firstIndex { isBlank($0) || $0 == 0x28 || $0 == 0x5B || $0 == 0x3C } ?? bytes.endIndex
        let full = String(bytes[..<end]) ?? ""
        guard !full.isEmpty else { return nil }
        let parts = full.split(separator: ":", maxSplits: 1).map(String.init)
        name = parts.first ?? full
        qualifier = parts.count > 1 ? parts[1] : ""
        operation = nil
        version = ""
        guard let open = bytes[end...].firstIndex(of: 0x28), let close = bytes[open...].firstIndex(of: 0x29),
            let inner = String(bytes[bytes.index(after: open)..<close])?.trimmed
        else { return }
        let sign = inner.prefix { "<>=".contains($0) }
        operation =
            switch sign {
            case "<<": .less
            case "<", "<=": .lessOrEqual
            case ">>": .greater
            case ">", ">=": .greaterOrEqual
            default: .equal
            }
        version = inner.dropFirst(sign.count).trimmed
        key = versionKey(version)
    }
}

/// Fields that were read once; the same ones are asked for again and again.
final class RelationCache {
    private var groups: [String: [[Relation]]] = [:]

    /// The same as ``Relation/groups(_:)``.
    func groups(_ field: String) -> [[Relation]] {
        if field.isEmpty { return [] }
        if let known = groups[field] { return known }
        let read = Relation.groups(field)
        groups[field] = read
        return read
    }
}
