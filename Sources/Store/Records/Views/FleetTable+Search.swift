import Access

extension FleetTable {
    /// Hosts by name, id, address and label.
    mutating func searchHosts(_ text: String, reach: Reach, limit: Int) -> SearchResult<FoundHost> {
        guard !text.isEmpty, text.utf8.count <= FleetSearch.longestText else {
            return SearchResult(items: [], total: 0)
        }
        let allowed = mask(reach)
        // By label set first, so that one pass over the hosts takes both.
        var labels = [(match: UInt8, part: Int)](repeating: (NameText.Match.none, 0), count: labelSets.count)
        var isLabel = false
        labelText.search(text) { set, part, match in
            labels[set] = (match, part)
            isLabel = true
        }
        var best = SmallestKeys(count: limit)
        var total = 0
        let ranks = order.ranks
        /// A found host, with where the text was found: a part of its names, or past those of its labels.
        func offer(_ number: Int, _ place: Int, _ match: UInt8) {
            total += 1
            best.offer(
                SmallestKeys.Key(value: Int64(match), rank: Int64(ranks[number]), item: number << 16 | place))
        }
        if isLabel {
            var found = [(match: UInt8, part: UInt16)](repeating: (NameText.Match.none, 0), count: rows.count)
            names.search(text) { number, part, match in found[number] = (match, UInt16(clamping: part)) }
            for (number, row) in rows.enumerated() where allowed[Int(row.labels)] {
                let (name, label) = (found[number], labels[Int(row.labels)])
                if name.match <= label.match, name.match != NameText.Match.none {
                    offer(number, Int(name.part), name.match)
                } else if label.match != NameText.Match.none {
                    offer(number, Self.labelPlace + label.part, label.match)
                }
            }
        } else {
            names.search(text) { number, part, match in
                if allowed[Int(rows[number].labels)] { offer(number, part, match) }
            }
        }
        let items = best.sorted().map { found($0.item >> 16, $0.item & 0xFFFF) }
        return SearchResult(items: items, total: total)
    }

    /// Where labels begin among the places of a match; a host has far fewer addresses.
    private static let labelPlace = 0x8000

    private func found(_ number: Int, _ place: Int) -> FoundHost {
        let field: FoundHost.Field
        let value: String
        switch place {
        case 0: (field, value) = (.name, hostnames[number])
        case 1: (field, value) = (.id, ids[number])
        case Self.labelPlace...:
            let label = labelSets[Int(rows[number].labels)].sorted { $0.key < $1.key }[place - Self.labelPlace]
            (field, value) = (.label, "\(label.key)=\(label.value)")
        default: (field, value) = (.address, addresses[number][place - 2])
        }
        return FoundHost(id: ids[number], hostname: hostnames[number], field: field, value: value)
    }

    /// Packages that are installed or wait on hosts within reach.
    mutating func searchPackages(
        _ text: String, reach: Reach, limit: Int, _ names: PackageNames
    ) -> SearchResult<FoundPackage> {
        guard !text.isEmpty, text.utf8.count <= FleetSearch.longestText else {
            return SearchResult(items: [], total: 0)
        }
        let counts = patches.counts(reach, mask(reach), rows, updates)
        var found: [(match: UInt8, package: FoundPackage)] = []
        // What is installed is counted over all hosts: who sees only some of them is told of what waits there.
        let installed = reach == .all ? census.hosts : []
        func isInstalled(_ number: Int) -> Bool { number < installed.count && installed[number] > 0 }
        names.text.search(text) { number, _, match in
            guard isInstalled(number) else { return }
            let name = names.names[number]
            let pending = patches.packageNumbers[name].map { Int(counts.packages[Int($0)]) } ?? 0
            found.append((match, FoundPackage(name: name, pending: pending, installed: Int(installed[number]))))
        }
        patches.names.search(text) { number, _, match in
            let name = patches.packages[number]
            guard counts.packages[number] > 0 else { return }
            if let known = names.number(name), isInstalled(Int(known)) { return }
            found.append((match, FoundPackage(name: name, pending: Int(counts.packages[number]), installed: nil)))
        }
        found.sort { left, right in
            if left.match != right.match { return left.match < right.match }
            let (a, b) = (
                max(left.package.pending, left.package.installed ?? 0),
                max(right.package.pending, right.package.installed ?? 0)
            )
            return a != b ? a > b : left.package.name < right.package.name
        }
        return SearchResult(items: found.prefix(limit).map(\.package), total: found.count)
    }
}
