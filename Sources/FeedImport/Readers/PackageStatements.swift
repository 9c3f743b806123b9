import Feeds
import Versions

/// Statements of one advisory, gathered so that what differs in nothing but the architecture is one.
struct PackageStatements {
    private var order: [Statement] = []
    private var architectures: [Statement: Set<String>] = [:]

    /// Adds a statement for one architecture; empty or `noarch` means all.
    mutating func add(_ statement: Statement, architecture: String) {
        var key = statement
        key.architectures = []
        if architectures[key] == nil { order.append(key) }
        architectures[key, default: []].insert(architecture.isEmpty ? "noarch" : architecture)
    }

    /// Adds a statement for several architectures; none means all.
    mutating func add(_ statement: Statement, architectures: [String] = []) {
        if architectures.isEmpty { return add(statement, architecture: "") }
        for architecture in architectures { add(statement, architecture: architecture) }
    }

    /// Whether there are none.
    var isEmpty: Bool { order.isEmpty }

    /// The statements in the order in which they came.
    var statements: [Statement] {
        order.map { key in
            var statement = key
            let names = architectures[key] ?? []
            // A package for all machines beside those for single ones: it is one package, whoever installs it.
            if !names.contains("noarch"), !names.contains("all"), !names.contains("(none)") {
                statement.architectures = names.sorted()
            }
            return statement
        }
    }
}

extension Statement {
    /// Every version before `fixed` is affected.
    static func affected(
        stream: DistributionStream, kind: Kind, name: String, scheme: String, before fixed: String
    ) -> Statement {
        var statement = Statement(stream: stream.stream, kind: kind, name: name, status: .affected)
        statement.channel = stream.channel
        statement.ranges = [VersionRange(scheme: scheme, upper: fixed)]
        statement.fixed = fixed
        return statement
    }
}

/// Ids of vulnerabilities in text: `CVE-2026-1234`, each once, in order.
func cveIdentifiers(in text: String) -> [String] {
    var found: [String] = []
    var rest = text[...]
    while let start = rest.firstRange(of: "CVE-") {
        rest = rest[start.lowerBound...]
        let year = rest.dropFirst(4).prefix { $0.isNumber }
        let number = rest.dropFirst(4 + year.count + 1).prefix { $0.isNumber }
        let id = "CVE-\(year)-\(number)"
        rest = rest.dropFirst(4)
        guard year.utf8.count == 4, (4...19).contains(number.utf8.count), id.utf8.count <= 32,
            rest.dropFirst(4).first == "-", !found.contains(id)
        else { continue }
        found.append(id)
    }
    return found
}

/// What every XML reader asks of an id.
func isUsableIdentifier(_ id: String) -> Bool {
    !id.isEmpty && id.utf8.count <= 256 && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
}

/// A text cut to what an advisory keeps.
func boundedDetails(_ text: String) -> String {
    guard text.utf8.count > Advisory.maximumDetails else { return text }
    return String(
        decoding: Array(text.utf8.prefix(Advisory.maximumDetails - 3)).dropLast(while: { $0 & 0xC0 == 0x80 }),
        as: UTF8.self)
}

extension Array where Element == UInt8 {
    fileprivate func dropLast(while isPart: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        // Up to the last whole character: its continuation bytes and its first byte go.
        var slice = self[...]
        while let last = slice.last, isPart(last) { slice = slice.dropLast() }
        if let last = slice.last, last >= 0xC0 { slice = slice.dropLast() }
        return slice
    }
}

/// Whether a scheme can order the version: nothing may be told of one that it cannot.
func isVersion(_ version: String, scheme name: String) -> Bool {
    guard let scheme = VersionSchemes.named(name) else { return false }
    return (try? scheme.key(for: version)) != nil || (try? scheme.compare(version, version)) != nil
}

extension Advisory {
    /// Names the scale of its source's own word for a severity after the distribution that it speaks for, such as `RedHat`.
    mutating func nameScale() {
        let distribution = statements.first?.stream.prefix { $0 != ":" }.filter { $0 != " " } ?? source
        for index in severities.indices where severities[index].type.isEmpty { severities[index].type = distribution }
    }
}
