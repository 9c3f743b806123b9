extension KeptBack {
    /// Whether what becomes of a package depends on others, of which only the resolver knows whether they are upgraded.
    ///
    /// - Parameters:
    ///   - doubtful: the packages in doubt; each is as likely at its installed version as at its candidate.
    ///   - candidates: the host with every upgrade made.
    func isEntangled(_ id: String, doubtful: Set<String>, candidates: PackageUniverse) -> Bool {
        guard let new = upgraded.members[id], let old = current.members[id] else { return false }
        func both(_ id: String) -> [Member] { [current.members[id], candidates.members[id]].compactMap { $0 } }
        /// Met by a package that is not in doubt, or by one that meets it either way.
        func isSure(_ group: [Relation], except: String? = nil) -> Bool {
            group.contains { relation in
                upgraded.meeting(relation, native: native).contains { member in
                    if member.id == except { return false }
                    return !doubtful.contains(member.id)
                        || both(member.id).allSatisfy { $0.meets(relation, native: native) }
                }
            }
        }
        var groups = Relation.groups(new.relations.preDepends) + Relation.groups(new.relations.depends)
        if installsRecommends { groups += Relation.groups(new.relations.recommends) }
        let names = Set(doubtful.flatMap { both($0).flatMap { [$0.name] + $0.provides.map(\.name) } })
        for group in groups where group.contains(where: { names.contains($0.name) }) && !isSure(group) { return true }
        let refused = Relation.list(new.relations.conflicts) + Relation.list(new.relations.breaks)
        let members = doubtful.flatMap(both)
        for relation in refused where names.contains(relation.name) {
            if members.contains(where: { $0.id != id && $0.meets(relation, native: native) }) { return true }
        }
        for other in members where other.id != id {
            for group in Relation.groups(other.relations.preDepends) + Relation.groups(other.relations.depends) {
                let loses =
                    group.contains { old.meets($0, native: native) }
                    && !group.contains { new.meets($0, native: native) }
                if loses, !isSure(group, except: id) { return true }
            }
            for relation in Relation.list(other.relations.conflicts) + Relation.list(other.relations.breaks)
            where other.name != new.name && new.meets(relation, native: native) {
                return true
            }
        }
        return false
    }
}
