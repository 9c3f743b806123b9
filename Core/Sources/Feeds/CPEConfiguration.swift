import JSON

/// The configurations of a vulnerability: nodes of CPE names that are vulnerable, or that it must run on.
///
/// What is vulnerable only together with something else says so in its statement's reason: a CPE says nothing of what else
/// is on a host, and the reader of a finding must see it.
struct CPEConfiguration {
    struct Match {
        var name: CPEName
        var isVulnerable = true
        var range: VersionRange?
    }

    private struct Node {
        var isAnd = false
        var isNegated = false
        var matches: [Match] = []
    }

    private var nodes: [Node] = []
    private var isAnd = false
    private var isNegated = false
    /// Names that are none, and nodes that are negated: each was passed over.
    private(set) var alarms: [String] = []

    /// Reads one element of `configurations` (NVD) or `cpeApplicability` (CVE).
    init(
        _ reader: inout JSONReader, drop: (JSONText) -> Void
    ) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "operator": self.isAnd = try reader.feedText() == "AND"
            case "negate":
                if try reader.peek() == .bool, try reader.bool() {
                    self.isNegated = true
                    self.alarms.append("a negated configuration")
                }
            case "nodes":
                self.nodes = try reader.feedList { reader throws(JSONError) in
                    var node = Node()
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "operator": node.isAnd = try reader.feedText() == "AND"
                        case "negate": if try reader.peek() == .bool { node.isNegated = try reader.bool() }
                        case "cpeMatch":
                            node.matches = try reader.feedList { reader throws(JSONError) in
                                try self.match(&reader, drop)
                            }.compactMap { $0 }
                        default: drop(key)
                        }
                    }
                    return node
                }
            default: drop(key)
            }
        }
    }

    private mutating func match(
        _ reader: inout JSONReader, _ drop: (JSONText) -> Void
    ) throws(JSONError) -> Match? {
        var criteria = ""
        var isVulnerable = true
        var range = VersionRange(scheme: "")
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "criteria": criteria = try reader.string()
            case "vulnerable": isVulnerable = try reader.bool()
            case "versionStartIncluding": (range.lower, range.includesLower) = (try reader.feedText(), true)
            case "versionStartExcluding": (range.lower, range.includesLower) = (try reader.feedText(), false)
            case "versionEndIncluding": (range.upper, range.includesUpper) = (try reader.feedText(), true)
            case "versionEndExcluding": (range.upper, range.includesUpper) = (try reader.feedText(), false)
            case "matchCriteriaId": try reader.skip()
            default: drop(key)
            }
        }
        guard let name = CPEName(criteria) else {
            alarms.append("\(criteria.prefix(80)) is no CPE name")
            return nil
        }
        if range.lower?.isEmpty == true { range.lower = nil }
        if range.upper?.isEmpty == true { range.upper = nil }
        let hasBounds = range.lower != nil || range.upper != nil
        return Match(name: name, isVulnerable: isVulnerable, range: hasBounds ? name.range(range) : nil)
    }

    /// Adds what it says to statements, one for each name and condition.
    mutating func add(to statements: inout CPEStatements) {
        for (place, node) in nodes.enumerated() {
            // What "not" means for a host that nobody has looked at, nobody knows.
            guard !node.isNegated, !isNegated else {
                if node.isNegated { alarms.append("a negated node") }
                for match in node.matches where match.isVulnerable { statements.unread(match.name.name) }
                continue
            }
            var others: Set<String> = []
            if isAnd {
                for (other, node) in nodes.enumerated() where other != place {
                    others.formUnion(node.matches.map { $0.name.name })
                }
            }
            for match in node.matches where match.isVulnerable {
                var with = others
                if node.isAnd { with.formUnion(node.matches.map { $0.name.name }) }
                with.remove(match.name.name)
                statements.add(match, with: with)
            }
        }
    }
}

/// Statements about CPE names while they are collected: what is said of one name under one condition is one statement.
struct CPEStatements {
    /// In the order in which names came.
    private var statements: [Statement] = []
    private var places: [Key: Int] = [:]
    /// The one that was added to last.
    private var last: (key: Key, place: Int)?

    private struct Key: Hashable {
        let name: String
        let reason: String
    }

    /// The most names of a condition that are told.
    private static let maximumNames = 8

    mutating func add(_ match: CPEConfiguration.Match, with others: Set<String>) {
        var reason = match.name.target.isEmpty ? "" : "in \(match.name.target)"
        if !others.isEmpty {
            let names = others.sorted().prefix(Self.maximumNames).joined(separator: ", ")
            if !reason.isEmpty { reason += "; " }
            reason += "only with \(names)\(others.count > Self.maximumNames ? " or others" : "")"
        }
        let key = Key(name: match.name.name, reason: reason)
        // One product's versions come together.
        if let last, last.key == key { return add(match, at: last.place) }
        let place = place(of: key)
        last = (key, place)
        add(match, at: place)
    }

    private mutating func add(_ match: CPEConfiguration.Match, at place: Int) {
        if let range = match.range {
            statements[place].ranges.append(range)
        } else if match.name.version == "*" {
            statements[place].ranges.append(VersionRange(scheme: match.name.scheme))
        } else {
            statements[place].versions.append(match.name.version)
        }
    }

    /// Where the statement of a name under a condition stands; it is made where there was none.
    private mutating func place(of key: Key) -> Int {
        if let place = places[key] { return place }
        places[key] = statements.count
        var statement = Statement(stream: "CPE", kind: .cpe, name: key.name, status: .affected)
        statement.reason = key.reason
        statements.append(statement)
        return statements.count - 1
    }

    /// Says that nothing is known of a name.
    mutating func unread(_ name: String) {
        let statement = Statement.unread(stream: "CPE", kind: .cpe, name: name, reason: "a negated configuration")
        let place = place(of: Key(name: name, reason: statement.reason))
        statements[place] = statement
    }

    /// In the order in which names came.
    func finished() -> [Statement] {
        statements.map { statement in
            var statement = statement
            guard statement.status == .affected else { return statement }
            if let last = statement.ranges.last, statement.ranges.allSatisfy({ $0.upper != nil }), !last.includesUpper {
                statement.fixed = last.upper
            }
            return statement
        }
    }
}
