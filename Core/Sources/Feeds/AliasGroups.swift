/// Which ids name the same vulnerability, from what advisories list as aliases: never from what they close or relate to.
///
/// The trap is a record that lists several CVEs as aliases: it speaks of several flaws, and joining all its names would make
/// one of them. The rules, which do not depend on the order in which records come:
///
/// - An id is of a *space*: the authority that numbers it, such as CVE or GHSA. In one space two ids are two vulnerabilities.
/// - A record's names (its id and its aliases) are joined when no space occurs twice among them.
/// - Where a space does occur twice, the record speaks of several, and joins nothing: its names stay apart, and
///   ``several`` tells of which it speaks.
/// - Where joins that are each good by themselves would bring two CVEs together in a chain, the whole chain is joined by
///   records that name its CVE themselves only: the other names are *shared*, and stand in no group.
public struct AliasGroups: Sendable {
    /// Of each id the group's name; ids that are alone are not there.
    private let groups: [String: String]
    private let members: [String: [String]]
    /// Records that speak of several vulnerabilities, with the names they list, sorted.
    public let several: [String: [String]]

    /// The name of the vulnerability that an id names: its CVE where there is one, else the least of its names.
    public func name(of id: String) -> String { groups[id] ?? id }

    /// All names of the vulnerability that an id names, sorted; itself where it is alone.
    public func names(of id: String) -> [String] { members[name(of: id)] ?? [id] }

    /// Collects names, then makes groups.
    public struct Builder: Sendable {
        private var records: [String: Set<String>] = [:]

        /// Nothing collected.
        public init() {}

        /// Adds what an advisory lists; one that was withdrawn is no witness.
        public mutating func add(_ advisory: Advisory) {
            guard advisory.withdrawn == nil, !advisory.aliases.isEmpty else { return }
            add(advisory.id, aliases: advisory.aliases)
        }

        /// Adds a record's id and its aliases.
        public mutating func add(_ id: String, aliases: [String]) {
            records[id, default: []].formUnion(aliases.filter { !$0.isEmpty && $0 != id })
        }

        /// The groups.
        public func groups() -> AliasGroups { AliasGroups(records) }
    }

    private init(_ records: [String: Set<String>]) {
        var several: [String: [String]] = [:]
        var joins: [[String]] = []
        for (id, aliases) in records {
            let names = ([id] + aliases).sorted()
            guard names.count > 1 else { continue }
            if Self.holdsTwo(names) { several[id] = names.filter { $0 != id } } else { joins.append(names) }
        }
        // Chains in which two CVEs met fall back to what names the CVE itself.
        var sets = DisjointSets()
        for names in joins { for name in names.dropFirst() { sets.join(names[0], name) } }
        var cves: [String: Set<String>] = [:]
        for names in joins {
            for name in names where Self.space(name) == "CVE" { cves[sets.root(name), default: []].insert(name) }
        }
        let broken = Set(cves.filter { $0.value.count > 1 }.map { $0.key })
        var groups: [String: Set<String>] = [:]
        var claims: [String: Set<String>] = [:]
        for names in joins {
            let root = sets.root(names[0])
            guard broken.contains(root) else {
                groups[root, default: []].formUnion(names)
                continue
            }
            guard let cve = names.first(where: { Self.space($0) == "CVE" }) else { continue }
            for name in names where name != cve { claims[name, default: []].insert(cve) }
        }
        for (name, owners) in claims {
            guard owners.count == 1, let cve = owners.first else { continue }
            groups["\u{0}" + cve, default: [cve]].insert(name)
        }
        var byID: [String: String] = [:]
        var members: [String: [String]] = [:]
        for group in groups.values {
            let sorted = group.sorted()
            guard let name = sorted.first(where: { Self.space($0) == "CVE" }) ?? sorted.first else { continue }
            members[name] = sorted
            for id in sorted { byID[id] = name }
        }
        self.groups = byID
        self.members = members
        self.several = several
    }

    /// Whether two of the names are of one space.
    private static func holdsTwo(_ names: [String]) -> Bool {
        var spaces: Set<Substring> = []
        return !names.allSatisfy { spaces.insert(space($0)).inserted }
    }

    /// `CVE`, `GHSA`; of `UBUNTU-CVE-2026-1` the whole before the number.
    private static func space(_ id: String) -> Substring {
        if RecordID.isWrapped(id), let dash = id.firstIndex(of: "-") { return id[..<dash] }
        return id.prefix { $0 != "-" }
    }

    /// Union and find over names.
    private struct DisjointSets {
        private var parents: [String: String] = [:]

        mutating func root(_ name: String) -> String {
            var root = name
            while let parent = parents[root], parent != root { root = parent }
            var at = name
            while let parent = parents[at], parent != root {
                parents[at] = root
                at = parent
            }
            return root
        }

        /// The lesser name stays the root, so that the order of joins makes no difference.
        mutating func join(_ a: String, _ b: String) {
            let left = root(a)
            let right = root(b)
            guard left != right else { return }
            parents[max(left, right)] = min(left, right)
        }
    }
}
