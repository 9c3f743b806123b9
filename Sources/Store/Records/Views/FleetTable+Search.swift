import Access

extension FleetTable {
    /// How well a text was met: less is better.
    private enum Match {
        static let exact: Int64 = 0
        static let prefix: Int64 = 1
        static let word: Int64 = 2
        static let inside: Int64 = 3

        /// The match of a needle of `count` bytes that begins at byte `offset` of a value.
        static func of(_ value: String, _ offset: Int, _ count: Int) -> Int64 {
            let bytes = value.utf8
            if offset == 0 { return bytes.count == count ? exact : prefix }
            let before = bytes[bytes.index(bytes.startIndex, offsetBy: offset - 1)]
            let isWordByte =
                before >= 0x80 || (0x30...0x39).contains(before) || (0x41...0x5A).contains(before & 0xDF)
            return isWordByte ? inside : word
        }
    }

    /// Hosts by name, id, address and label.
    mutating func searchHosts(_ text: String, reach: Reach, limit: Int) -> SearchResult<FoundHost> {
        let length = text.utf8.count
        guard length > 0, length <= FleetSearch.longestText else { return SearchResult(items: [], total: 0) }
        let allowed = mask(reach)
        var found: [Int: (match: Int64, field: FoundHost.Field, value: String)] = [:]
        func offer(_ number: Int, _ field: FoundHost.Field, _ value: String, _ offset: Int) {
            let match = Match.of(value, offset, length)
            if let known = found[number], known.match <= match { return }
            found[number] = (match, field, value)
        }
        names.search(text) { number, part, offset in
            guard allowed[Int(rows[number].labels)] else { return }
            switch part {
            case 0: offer(number, .name, hostnames[number], offset)
            case 1: offer(number, .id, ids[number], offset)
            default: offer(number, .address, addresses[number][part - 2], offset)
            }
        }
        var labels = [Int32: (value: String, offset: Int)]()
        labelText.search(text) { set, part, offset in
            guard allowed[set] else { return }
            let (name, value) = labelSets[set].sorted { $0.key < $1.key }[part]
            labels[Int32(set)] = ("\(name)=\(value)", offset)
        }
        if !labels.isEmpty {
            for (number, row) in rows.enumerated() {
                guard let label = labels[row.labels] else { continue }
                offer(number, .label, label.value, label.offset)
            }
        }
        var best = SmallestKeys(count: limit)
        for (number, hit) in found {
            best.offer(SmallestKeys.Key(value: hit.match, rank: Int64(order.ranks[number]), item: number))
        }
        let items = best.sorted().compactMap { key in
            found[key.item].map { hit in
                FoundHost(id: ids[key.item], hostname: hostnames[key.item], field: hit.field, value: hit.value)
            }
        }
        return SearchResult(items: items, total: found.count)
    }

    /// Packages that are installed or wait on hosts within reach.
    mutating func searchPackages(
        _ text: String, reach: Reach, limit: Int, _ names: PackageNames
    ) -> SearchResult<FoundPackage> {
        let length = text.utf8.count
        guard length > 0, length <= FleetSearch.longestText else { return SearchResult(items: [], total: 0) }
        let counts = patches.counts(reach, mask(reach), rows, updates)
        var found: [(match: Int64, package: FoundPackage)] = []
        func offer(_ name: String, _ offset: Int, _ pending: Int, _ installed: Int?) {
            found.append(
                (Match.of(name, offset, length), FoundPackage(name: name, pending: pending, installed: installed)))
        }
        // What is installed is counted over all hosts: who sees only some of them is told of what waits there.
        let installed = reach == .all ? census.hosts : []
        func isInstalled(_ number: Int) -> Bool { number < installed.count && installed[number] > 0 }
        names.text.search(text) { number, _, offset in
            guard isInstalled(number) else { return }
            let name = names.names[number]
            let pending = patches.packageNumbers[name].map { Int(counts.packages[Int($0)]) } ?? 0
            offer(name, offset, pending, Int(installed[number]))
        }
        patches.names.search(text) { number, _, offset in
            let name = patches.packages[number]
            guard counts.packages[number] > 0 else { return }
            if let known = names.number(name), isInstalled(Int(known)) { return }
            offer(name, offset, Int(counts.packages[number]), nil)
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
