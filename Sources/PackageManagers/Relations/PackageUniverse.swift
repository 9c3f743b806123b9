import Versions

/// Something that can satisfy or break a relationship: a version of a package with what it provides.
struct Member: Sendable {
    var name: String
    var architecture: String
    var version: String
    var key: VersionKey
    var relations: PackageRelations
    /// What it provides: a name, and a version where it says one.
    var provides: [Relation]

    init(name: String, architecture: String, version: String, key: VersionKey, relations: PackageRelations) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.key = key
        self.relations = relations
        provides = Relation.list(relations.provides)
    }

    /// `name:architecture`.
    var id: String { "\(name):\(architecture)" }

    /// Whether it is, or provides, what the relation means.
    func meets(_ relation: Relation, native: String) -> Bool {
        if relation.name == name, relation.accepts(key) { return true }
        return provides.contains { provided in
            guard provided.name == relation.name else { return false }
            guard relation.operation != nil else { return true }
            // A versioned relation is met only by a provision with a version.
            return provided.operation == .equal && (versionKey(provided.version).map(relation.accepts) ?? false)
        }
    }
}

/// The packages of a host as they would be after some upgrades.
struct PackageUniverse: Sendable {
    private(set) var members: [String: Member] = [:]
    /// The identities of packages by their names and by what they provide.
    private var byName: [String: [String]] = [:]

    mutating func put(_ member: Member) {
        if let old = members[member.id] { forget(old) }
        members[member.id] = member
        for name in [member.name] + member.provides.map(\.name) { byName[name, default: []].append(member.id) }
    }

    private mutating func forget(_ member: Member) {
        for name in [member.name] + member.provides.map(\.name) { byName[name]?.removeAll { $0 == member.id } }
        members[member.id] = nil
    }

    /// The packages of that name, or that provide it.
    func named(_ name: String) -> [Member] { (byName[name] ?? []).compactMap { members[$0] } }

    /// The packages that meet the relation.
    func meeting(_ relation: Relation, native: String) -> [Member] {
        named(relation.name).filter { $0.meets(relation, native: native) }
    }
}

extension PackageUniverse {
    /// The first recommendation that is not met.
    func missingRecommendation(of member: Member, _ native: String) -> Relation? {
        if member.relations.recommends.isEmpty { return nil }
        return Relation.groups(member.relations.recommends).first { group in
            !group.contains { !meeting($0, native: native).isEmpty }
        }?.first
    }

    /// Whether all recommendations are met.
    func meetsRecommends(of member: Member, _ native: String) -> Bool {
        missingRecommendation(of: member, native) == nil
    }
}

/// Versions that the repositories offer of packages that are not installed.
struct OfferedPackages: Sendable {
    private var byName: [String: [Member]] = [:]

    mutating func add(_ member: Member) {
        for name in Set([member.name] + member.provides.map(\.name)) { byName[name, default: []].append(member) }
    }

    /// Whether one of them meets the relation.
    func meets(_ relation: Relation, native: String) -> Bool {
        (byName[relation.name] ?? []).contains { $0.meets(relation, native: native) }
    }
}
