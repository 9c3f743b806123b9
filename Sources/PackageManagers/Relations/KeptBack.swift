/// Says in one sentence why the upgrade of a package cannot simply be made.
struct KeptBack {
    /// The host with every upgrade made that apt would consider.
    var upgraded: PackageUniverse
    /// The host as it is.
    let current: PackageUniverse
    /// Versions of packages that are not installed.
    let offered: OfferedPackages
    /// Which packages will not change, with why: `held`, `phased`, `kept back`.
    var staying: [String: String]
    let native: String
    private let cache = RelationCache()
    /// Whether new recommendations count as needed.
    let installsRecommends: Bool
    /// The packages whose fields name one of the upgraded packages or what it provides.
    private let mentions: [String: [String]]

    init(
        upgraded: PackageUniverse, current: PackageUniverse, offered: OfferedPackages, staying: [String: String],
        candidates: [String], native: String, installsRecommends: Bool
    ) {
        self.upgraded = upgraded
        self.current = current
        self.offered = offered
        self.staying = staying
        self.native = native
        self.installsRecommends = installsRecommends
        var names: Set<String> = []
        for id in candidates {
            for member in [upgraded.members[id], current.members[id]].compactMap({ $0 }) {
                names.insert(member.name)
                names.formUnion(member.provides.map(\.name))
            }
        }
        let sorted = names.sorted()
        let table = NameTable(sorted)
        var mentions: [String: Set<String>] = [:]
        for universe in [current, upgraded] {
            for member in universe.members.values {
                let relations = member.relations
                for field in [relations.preDepends, relations.depends, relations.conflicts, relations.breaks] {
                    forEachRelationName(field) { name in
                        if let found = table.find(name) { mentions[sorted[found], default: []].insert(member.id) }
                    }
                }
            }
        }
        self.mentions = mentions.mapValues { $0.sorted() }
    }

    /// Why an upgrade cannot simply be made.
    struct Reason {
        /// For a person.
        var text: String
        /// Whether it holds whatever becomes of the other packages; else another one may be kept back in its place.
        var isCertain: Bool
    }

    /// The reason for a package; nil where nothing stands in the way of its upgrade.
    func reason(_ id: String) -> Reason? {
        guard let new = upgraded.members[id] else { return nil }
        var needsNew: [String] = []
        var isCertain = true
        for group in cache.groups(new.relations.preDepends) + cache.groups(new.relations.depends) {
            if isMet(group, in: upgraded) { continue }
            let text = group.map(\.displayName).joined(separator: " | ")
            let isSure = !isMet(group, in: current)
            if let alternative = group.first(where: {
                upgraded.named($0.name).isEmpty && offered.meets($0, native: native)
            }) {
                needsNew.append(alternative.name)
                isCertain = isCertain && isSure
                continue
            }
            // An installed package that would do at another version.
            if let waiting = group.lazy.compactMap({ waits(for: $0) }).first {
                return Reason(text: "depends on \(text), but \(waiting)", isCertain: isSure)
            }
            return Reason(text: "depends on \(text), which no repository offers", isCertain: isSure)
        }
        if let why = conflict(new) ?? brokenByUpgrade(new) { return why }
        if !needsNew.isEmpty {
            var seen: Set<String> = []
            let names = needsNew.filter { seen.insert($0).inserted }
            return Reason(text: "needs a new package: \(names.joined(separator: ", "))", isCertain: isCertain)
        }
        return installsRecommends ? newRecommendation(new) : nil
    }

    private func isMet(_ group: [Relation], in universe: PackageUniverse) -> Bool {
        group.contains { !universe.meeting($0, native: native).isEmpty }
    }

    /// An installed package that the new version does not get on with.
    private func conflict(_ new: Member) -> Reason? {
        for (word, field) in [("conflicts with", new.relations.conflicts), ("breaks", new.relations.breaks)] {
            for relation in cache.groups(field).joined() {
                for other in upgraded.meeting(relation, native: native) where other.name != new.name {
                    let isCertain = current.members[other.id]?.meets(relation, native: native) ?? false
                    if let why = staying[other.id] {
                        return Reason(
                            text: "\(word) \(relation.displayName), and \(other.name) is \(why)", isCertain: isCertain)
                    }
                    let how = word == "breaks" ? "it breaks it" : "conflict"
                    return Reason(text: "would remove \(other.name) (\(how))", isCertain: isCertain)
                }
            }
        }
        return nil
    }

    /// Why an installed package that the relation names does not do.
    private func waits(for relation: Relation) -> String? {
        for other in upgraded.named(relation.name) where other.name == relation.name {
            if let why = staying[other.id] { return "\(other.name) is \(why) at \(other.version)" }
            return "\(other.name) is offered only at \(other.version)"
        }
        return nil
    }

    /// An installed package that the new version would break.
    private func brokenByUpgrade(_ new: Member) -> Reason? {
        guard let old = current.members[new.id] else { return nil }
        let names = Set([new, old].flatMap { [$0.name] + $0.provides.map(\.name) })
        let concerned = Set(names.flatMap { mentions[$0] ?? [] }).sorted()
        for other in concerned.compactMap({ upgraded.members[$0] }) where other.id != new.id {
            let isFixed = current.members[other.id]?.version == other.version
            for field in [other.relations.preDepends, other.relations.depends] {
                for group in cache.groups(field) {
                    guard group.contains(where: { old.meets($0, native: native) }), !isMet(group, in: upgraded)
                    else { continue }
                    let text = group.map(\.displayName).joined(separator: " | ")
                    let others = group.flatMap { current.meeting($0, native: native) }.filter { $0.id != new.id }
                    return Reason(
                        text: "would break \(other.name), which depends on \(text)",
                        isCertain: isFixed && others.isEmpty)
                }
            }
            for field in [other.relations.conflicts, other.relations.breaks] {
                for relation in cache.groups(field).joined()
                where new.name != other.name && new.meets(relation, native: native)
                    && !old.meets(relation, native: native)
                {
                    return Reason(
                        text: "\(other.name) does not allow \(relation.displayName)", isCertain: isFixed)
                }
            }
        }
        return nil
    }

    /// A recommendation that the new version adds and that is not installed: apt-get upgrade waits for it.
    private func newRecommendation(_ new: Member) -> Reason? {
        guard let old = current.members[new.id] else { return nil }
        guard current.meetsRecommends(of: old, native),
            let missing = upgraded.missingRecommendation(of: new, native)
        else { return nil }
        let text =
            offered.meets(missing, native: native)
            ? "needs a new package: \(missing.name) (recommended)"
            : "recommends \(missing.displayName), which no repository offers"
        return Reason(text: text, isCertain: current.meeting(missing, native: native).isEmpty)
    }
}

/// Calls `body` with the name of each package in a relationship field.
func forEachRelationName(_ field: String, _ body: (UnsafeRawBufferPointer) -> Void) {
    var field = field
    field.withUTF8 { utf8 in
        let bytes = UnsafeRawBufferPointer(utf8)
        var index = 0
        while index < bytes.count {
            while index < bytes.count, isBlank(bytes[index]) || bytes[index] == 0x2C || bytes[index] == 0x7C {
                index += 1
            }
            let start = index
            while index < bytes.count, !isBlank(bytes[index]), ![0x2C, 0x7C, 0x28, 0x3A].contains(bytes[index]) {
                index += 1
            }
            if index > start { body(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) }
            while index < bytes.count, bytes[index] != 0x2C, bytes[index] != 0x7C { index += 1 }
        }
    }
}
