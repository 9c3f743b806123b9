import Access
import Timestamps

extension FleetTable {
    /// The questions of a query, a bit each: what a host fails. One that fails none is found; one that fails a single one
    /// counts for what else that question could have been answered.
    private struct Misses: OptionSet {
        let rawValue: UInt32
        static let text = Misses(rawValue: 1 << 0)
        static let status = Misses(rawValue: 1 << 1)
        static let selector = Misses(rawValue: 1 << 2)
        static let security = Misses(rawValue: 1 << 3)
        static let pending = Misses(rawValue: 1 << 4)
        static let reboot = Misses(rawValue: 1 << 5)
        static let silent = Misses(rawValue: 1 << 6)
        static let stale = Misses(rawValue: 1 << 7)
        static let broken = Misses(rawValue: 1 << 8)
        static let restarts = Misses(rawValue: 1 << 9)
        static let judged = Misses(rawValue: 1 << 10)
        static let system = Misses(rawValue: 1 << 11)
        static let patch = Misses(rawValue: 1 << 12)
    }

    /// A query made ready for a pass.
    private struct Plan {
        let query: HostQuery
        let text: [Bool]?
        let selected: [Bool]?
        let patch: [Bool]?
        let statuses: [Bool]
        let reboot: [Bool]
        let systems: [Bool]?

        func misses(_ number: Int, _ row: FleetRow, _ verdict: FleetVerdict) -> Misses {
            var misses: Misses = []
            if let text, !text[number] { misses.insert(.text) }
            if !statuses[Int(row.status)] { misses.insert(.status) }
            if let selected, !selected[Int(row.labels)] { misses.insert(.selector) }
            if let wanted = query.security, wanted != (row.security > 0) { misses.insert(.security) }
            if let wanted = query.pending, wanted != (row.pending > 0) { misses.insert(.pending) }
            if !reboot[verdict.reboot] { misses.insert(.reboot) }
            if let wanted = query.silent, wanted != verdict.silent { misses.insert(.silent) }
            if let wanted = query.stale, wanted != verdict.stale { misses.insert(.stale) }
            if let wanted = query.broken, wanted ? verdict.broken <= 0 : verdict.broken != 0 { misses.insert(.broken) }
            if let wanted = query.restarts, wanted ? verdict.restarts <= 0 : verdict.restarts != 0 {
                misses.insert(.restarts)
            }
            if let wanted = query.judged,
                wanted ? !verdict.judged : row.status != FleetRow.active || verdict.judged
            {
                misses.insert(.judged)
            }
            if let systems, !systems[Int(row.system)] { misses.insert(.system) }
            if let patch, !patch[number] { misses.insert(.patch) }
            return misses
        }
    }

    /// What facets are counted in.
    private struct Tally {
        var statuses = [Int](repeating: 0, count: HostStatus.allCases.count)
        var reboot = [Int](repeating: 0, count: RebootState.allCases.count)
        var facets = HostFacets()
        var systems: [Int]
        var labels: [Int]

        mutating func add(_ row: FleetRow, _ verdict: FleetVerdict, _ misses: Misses) {
            if misses.subtracting(.status).isEmpty { statuses[Int(row.status)] += 1 }
            if misses.subtracting(.reboot).isEmpty { reboot[verdict.reboot] += 1 }
            if misses.subtracting(.system).isEmpty { systems[Int(row.system)] += 1 }
            if row.security > 0, misses.subtracting(.security).isEmpty { facets.security += 1 }
            if row.pending > 0, misses.subtracting(.pending).isEmpty { facets.pending += 1 }
            if verdict.silent, misses.subtracting(.silent).isEmpty { facets.silent += 1 }
            if verdict.stale, misses.subtracting(.stale).isEmpty { facets.stale += 1 }
            if verdict.broken > 0, misses.subtracting(.broken).isEmpty { facets.broken += 1 }
            if verdict.restarts > 0, misses.subtracting(.restarts).isEmpty { facets.restarts += 1 }
            if row.status == FleetRow.active, !verdict.judged, misses.subtracting(.judged).isEmpty {
                facets.unjudged += 1
            }
            if misses.isEmpty { labels[Int(row.labels)] += 1 }
        }
    }

    /// A page of hosts.
    mutating func page(
        reach: Reach, _ query: HostQuery, _ order: HostOrder, after cursor: HostCursor?, limit: Int, now: Int64
    ) -> HostPage {
        let allowed = mask(reach)
        let plan = plan(query)
        let start = cursor.map { key(after: $0, order) }
        var tally = Tally(
            systems: Array(repeating: 0, count: systems.count), labels: Array(repeating: 0, count: labelSets.count))
        var best = SmallestKeys(count: limit + 1)
        var total = 0
        let ranks = self.order.ranks
        for (number, row) in rows.enumerated() where allowed[Int(row.labels)] {
            let verdict = FleetVerdict(row, now)
            let misses = plan.misses(number, row, verdict)
            // Two bits or more: neither found nor counted.
            if misses.rawValue & (misses.rawValue &- 1) != 0 { continue }
            tally.add(row, verdict, misses)
            guard misses.isEmpty else { continue }
            total += 1
            let key = Self.key(Self.value(order.sort, row, verdict), Int64(ranks[number]), order, number)
            if let start, !(start < key) { continue }
            best.offer(key)
        }
        var found = best.sorted().map(\.item)
        var next: HostCursor?
        if found.count > limit {
            found.removeLast()
            next = found.last.map { number in
                let value = Self.value(order.sort, rows[number], FleetVerdict(rows[number], now))
                return HostCursor(value: value, hostname: hostnames[number], id: ids[number])
            }
        }
        let wanted = query.patch.map { patches.wanted($0) }
        return HostPage(
            hosts: found.map { item($0, now, wanted) }, next: next, total: total, facets: facets(tally), token: token)
    }

    /// One host; nil where it is not there or beyond reach.
    mutating func item(_ id: String, reach: Reach, now: Int64) -> HostItem? {
        guard let number = numbers[id].map(Int.init), mask(reach)[Int(rows[number].labels)] else { return nil }
        return item(number, now, nil)
    }

    /// What Today counts.
    mutating func counts(reach: Reach, now: Int64) -> FleetCounts {
        let allowed = mask(reach)
        var counts = FleetCounts()
        counts.token = token
        var statuses = [Int](repeating: 0, count: HostStatus.allCases.count)
        var reboot = [Int](repeating: 0, count: RebootState.allCases.count)
        var lastReport = FleetRow.never
        var lastSeen = FleetRow.never
        for row in rows where allowed[Int(row.labels)] {
            statuses[Int(row.status)] += 1
            lastReport = max(lastReport, row.reportedAt)
            lastSeen = max(lastSeen, row.seen)
            guard row.status == FleetRow.active else { continue }
            let verdict = FleetVerdict(row, now)
            if row.security > 0 {
                counts.security += 1
                if verdict.judged { counts.securityJudged += 1 }
                counts.securityUpdates += Int64(row.security)
            }
            if row.pending > 0 { counts.pending += 1 }
            reboot[verdict.reboot] += 1
            if verdict.silent { counts.silent += 1 }
            if verdict.stale { counts.stale += 1 }
            if verdict.broken > 0 { counts.broken += 1 }
            if verdict.restarts > 0 { counts.restarts += 1 }
            if verdict.broken < 0 { counts.brokenUnknown += 1 }
            if verdict.restarts < 0 { counts.restartsUnknown += 1 }
            if verdict.judged {
                counts.judged += 1
            } else if let why = row.unjudged(now) {
                counts.unjudged[why, default: 0] += 1
            }
        }
        for (status, count) in zip(HostStatus.allCases, statuses) { counts.statuses[status] = count }
        for (state, count) in zip(RebootState.allCases, reboot) { counts.reboot[state] = count }
        counts.lastReport = Self.time(lastReport)
        counts.lastSeen = Self.time(lastSeen)
        return counts
    }

    // MARK: - Below

    private mutating func plan(_ query: HostQuery) -> Plan {
        var text: [Bool]?
        if let needle = query.text, !needle.isEmpty {
            var found = [Bool](repeating: false, count: rows.count)
            // The name and the id; addresses are searched, not filtered.
            names.search(needle) { owner, part, _ in if part < 2 { found[owner] = true } }
            text = found
        }
        var patch: [Bool]?
        if let filter = query.patch {
            let wanted = patches.wanted(filter)
            let places = wanted.indices.filter { wanted[$0] }.map { UInt32($0) }
            patch = updates.map { updates in Self.holds(updates, places, wanted) }
        }
        return Plan(
            query: query, text: text, selected: query.selector.map { mask(.selected([$0])) }, patch: patch,
            statuses: HostStatus.allCases.map { query.statuses.isEmpty || query.statuses.contains($0) },
            reboot: RebootState.allCases.map { query.reboot.isEmpty || query.reboot.contains($0) },
            systems: query.operatingSystems.isEmpty ? nil : systems.map(query.operatingSystems.contains))
    }

    /// Whether ascending updates hold one of these places, which `wanted` marks.
    private static func holds(_ updates: [UInt32], _ places: [UInt32], _ wanted: [Bool]) -> Bool {
        if places.count * 8 > updates.count { return updates.contains { wanted[Int($0)] } }
        return places.contains { place in
            var low = 0
            var high = updates.count
            while low < high {
                let middle = (low + high) / 2
                if updates[middle] < place { low = middle + 1 } else { high = middle }
            }
            return low < updates.count && updates[low] == place
        }
    }

    /// What a host is sorted by.
    private static func value(_ sort: HostSort, _ row: FleetRow, _ verdict: FleetVerdict) -> Int64 {
        switch sort {
        case .name: 0
        case .security: Int64(row.security)
        case .pending: Int64(row.pending)
        case .lastSeen: row.seen
        case .lastScan: row.scanned
        case .reboot: verdict.reboot == 0 ? 2 : verdict.reboot == 2 ? 1 : 0
        }
    }

    private static func key(_ value: Int64, _ rank: Int64, _ order: HostOrder, _ item: Int) -> SmallestKeys.Key {
        // ~ turns the order round and, unlike minus, has a result for every number.
        SmallestKeys.Key(
            value: order.descending ? ~value : value,
            rank: order.descending && order.sort == .name ? ~rank : rank, item: item)
    }

    /// The greatest key that is not after the cursor.
    private func key(after cursor: HostCursor, _ order: HostOrder) -> SmallestKeys.Key {
        func isBefore(_ number: Int32, orAt: Bool) -> Bool {
            let (name, id) = (hostnames[Int(number)], ids[Int(number)])
            if name != cursor.hostname { return name < cursor.hostname }
            return orAt ? id <= cursor.id : id < cursor.id
        }
        if order.descending, order.sort == .name {
            // Turned round: what follows has a rank below the first one that is not before the cursor.
            let rank = self.order.count { isBefore($0, orAt: false) }
            return Self.key(cursor.value, Int64(rank), order, 0)
        }
        let rank = self.order.count { isBefore($0, orAt: true) }
        return Self.key(cursor.value, Int64(rank) - 1, order, 0)
    }

    private func item(_ number: Int, _ now: Int64, _ wanted: [Bool]?) -> HostItem {
        let row = rows[number]
        let verdict = FleetVerdict(row, now)
        return HostItem(
            id: ids[number], hostname: hostnames[number], labels: labelSets[Int(row.labels)],
            status: HostStatus.allCases[Int(row.status)], operatingSystem: systems[Int(row.system)],
            pending: row.reported ? Int64(row.pending) : nil, security: row.reported ? Int64(row.security) : nil,
            reboot: RebootState.allCases[verdict.reboot], broken: verdict.broken < 0 ? nil : Int64(verdict.broken),
            restarts: verdict.restarts < 0 ? nil : Int64(verdict.restarts), lastSeen: Self.time(row.seen),
            lastScan: Self.time(row.scanned), lastReport: Self.time(row.reportedAt), silent: verdict.silent,
            unjudged: row.unjudged(now),
            updates: wanted.map { wanted in
                updates[number].filter { wanted[Int($0)] }.map { place in
                    let key = patches.keys[Int(place)]
                    return WaitingUpdate(
                        name: key.name, architecture: key.architecture, installed: key.installed,
                        candidate: key.candidate, origin: key.origin, security: key.security, status: key.status)
                }
            } ?? [])
    }

    private func facets(_ tally: Tally) -> HostFacets {
        var facets = tally.facets
        for (status, count) in zip(HostStatus.allCases, tally.statuses) { facets.statuses[status] = count }
        for (state, count) in zip(RebootState.allCases, tally.reboot) { facets.reboot[state] = count }
        facets.operatingSystems = Self.most(
            zip(systems, tally.systems).filter { !$0.0.isEmpty && $0.1 > 0 }.map {
                FacetValue(value: $0.0, hosts: $0.1)
            })
        var labels: [String: Int] = [:]
        for (set, count) in zip(labelSets, tally.labels) where count > 0 {
            for (name, value) in set { labels["\(name)=\(value)", default: 0] += count }
        }
        facets.labels = Self.most(labels.map { FacetValue(value: $0.key, hosts: $0.value) })
        return facets
    }

    private static func most(_ values: [FacetValue]) -> [FacetValue] {
        let sorted = values.sorted { $0.hosts != $1.hosts ? $0.hosts > $1.hosts : $0.value < $1.value }
        return Array(sorted.prefix(HostFacets.maximumValues))
    }

    private static func time(_ milliseconds: Int64) -> Timestamp? {
        milliseconds == FleetRow.never ? nil : Timestamp(milliseconds: milliseconds)
    }
}
