import Access

extension FleetTable {
    /// A page of patches.
    mutating func patchPage(
        reach: Reach, _ query: PatchQuery, _ sort: PatchSort, after cursor: PatchCursor?, limit: Int
    ) -> PatchPage {
        let counts = patches.counts(reach, mask(reach), rows, updates)
        var packages: [Bool]?
        if let text = query.text, !text.isEmpty {
            var found = [Bool](repeating: false, count: patches.packages.count)
            patches.names.search(text) { owner, _, _ in found[owner] = true }
            packages = found
        }
        let start = cursor.map { cursor in
            let key = PatchKey(
                name: cursor.name, candidate: cursor.candidate, origin: cursor.origin, security: cursor.security)
            let rank = patches.order.count { !(key < patches.patches[Int($0)]) }
            return SmallestKeys.Key(value: cursor.value, rank: Int64(rank) - 1, item: 0)
        }
        var best = SmallestKeys(count: limit + 1)
        var (security, other) = (0, 0)
        let ranks = patches.order.ranks
        for (number, patch) in patches.patches.enumerated() where counts.hosts[number] > 0 {
            if let packages, !packages[patches.packageOfPatch(number)] { continue }
            if patch.security { security += 1 } else { other += 1 }
            if let wanted = query.security, wanted != patch.security { continue }
            let key = SmallestKeys.Key(
                value: Self.value(sort, patch, counts.hosts[number]), rank: Int64(ranks[number]), item: number)
            if let start, !(start < key) { continue }
            best.offer(key)
        }
        var found = best.sorted()
        var next: PatchCursor?
        if found.count > limit {
            found.removeLast()
            next = found.last.map { PatchCursor(value: $0.value, patches.patches[$0.item]) }
        }
        return PatchPage(
            patches: found.map { key in
                let patch = patches.patches[key.item]
                return Patch(
                    name: patch.name, candidate: patch.candidate, origin: patch.origin, security: patch.security,
                    hosts: Int(counts.hosts[key.item]), upgradable: Int(counts.upgradable[key.item]))
            }, next: next,
            total: query.security.map { $0 ? security : other } ?? security + other, security: security, other: other,
            token: token)
    }

    /// Ascending is first to come.
    private static func value(_ sort: PatchSort, _ patch: PatchKey, _ hosts: Int32) -> Int64 {
        switch sort {
        case .name: 0
        case .hosts: -Int64(hosts)
        case .urgency: -Int64(hosts) - (patch.security ? 1 << 40 : 0)
        }
    }
}
