import Feeds
import Inventory
import Matching
import Pages
import Priority
import Store
import Timestamps

extension RiskReading {
    /// What a host is exposed to, the most pressing first: a vulnerability and a source package are one finding, however
    /// many packages were built from that.
    func findings(host id: String, after: String?, size: Int) -> HostFindings {
        var result = HostFindings()
        guard let index = hosts.first(where: { risk.hosts[$0].host.id == id }) else {
            result.isUnjudged = true
            return result
        }
        guard let packages = risk.hosts[index].packages else {
            result.isUnjudged = true
            return result
        }
        struct Key: Hashable {
            var vulnerability: String
            var source: String
            var state: ShownFinding.State
        }
        struct Entry {
            var shown: ShownFinding
            var names: [String]
        }
        let host = risk.hosts[index]
        result.unknownPackages = packages.count { !(risk.packages[$0]?.unknown.isEmpty ?? true) }
        var entries: [Key: Entry] = [:]
        for id in host.exposed {
            guard let judged = risk.packages[id] else { continue }
            for finding in judged.open {
                let shown = view.shown(finding, id, judged.package, host)
                let key = Key(
                    vulnerability: finding.vulnerability, source: judged.package.source, state: shown.state)
                entries[key, default: Entry(shown: shown, names: [])].names.append(judged.package.name)
            }
        }
        func due(_ shown: ShownFinding) -> Timestamp? { shown.deadline.counts ? shown.deadline.due : nil }
        let list = entries.map { (key: $0.key, entry: $0.value, band: DueBand(due($0.value.shown), now)) }
            .sorted { left, right in
                // What cannot be attacked, or is accepted, comes after all that is open.
                let (a, b) = (Self.order(left.key.state), Self.order(right.key.state))
                if a != b { return a < b }
                if left.band != right.band { return Self.order(left.band) < Self.order(right.band) }
                let (p, q) = (
                    left.entry.shown.known?.score.probability ?? 0, right.entry.shown.known?.score.probability ?? 0
                )
                if p != q { return p > q }
                return (left.key.vulnerability, left.key.source, left.key.state.rawValue)
                    < (right.key.vulnerability, right.key.source, right.key.state.rawValue)
            }
        let page = Page(list, after: after, size: size)
        result.total = list.count
        result.next = page.next
        result.rows = page.rows.map { key, entry, band in
            let shown = entry.shown
            var row = VulnerabilityRow(id: key.vulnerability)
            if let known = shown.known { row = self.row(key.vulnerability, known, shown.deadline) }
            row.due = due(shown)
            row.band = band
            row.exceptedUntil = shown.deadline.exceptedUntil
            row.closing = shown.isInstallable ? .installable : shown.isFixable ? .fixable : .none
            if row.severity == "unknown" { row.severity = shown.finding.severity }
            let names = Set(entry.names).sorted()
            var finding = HostFindingRow(
                row: row,
                package: names.prefix(3).joined(separator: ", ")
                    + (names.count > 3 ? " and \(names.count - 3) more" : ""), version: shown.package.version)
            finding.fixed = shown.finding.fixed
            finding.state = shown.state.rawValue
            return finding
        }
        return result
    }

    private static func order(_ state: ShownFinding.State) -> Int {
        switch state {
        case .open, .overdue: 0
        case .closedByReboot: 1
        case .unknown: 2
        case .accepted: 3
        case .dormant: 4
        case .inNameAlone: 5
        }
    }

    private static func order(_ band: DueBand) -> Int {
        DueBand.allCases.firstIndex(of: band) ?? DueBand.allCases.count
    }

    /// Vulnerabilities whose id holds a text, with on how many hosts within reach each is; then those that only feeds know.
    func search(_ text: String, limit: Int) throws -> [(id: String, summary: String, hosts: Int)] {
        let wanted = text.uppercased()
        guard wanted.utf8.count >= 3 else { return [] }
        // Of the organisation's only what hosts within reach have: the rest is nobody's business here.
        var visible: Set<String> = []
        for id in Set(hosts.flatMap { risk.hosts[$0].exposed }) {
            for finding in risk.packages[id]?.open ?? [] where finding.vulnerability.uppercased().contains(wanted) {
                visible.insert(finding.vulnerability)
            }
        }
        var names = visible.sorted(by: >)
        for found in try Set([text, wanted]).flatMap({ try view.knowledge.catalogue.vulnerabilities(named: $0) })
        where !names.contains(found.name) {
            names.insert(found.name, at: 0)
        }
        names = Array(names.prefix(limit))
        guard !names.isEmpty else { return [] }
        let asked = Set(names)
        var having: [Int64: [String]] = [:]
        for (id, judgement) in risk.packages {
            let found = judgement.open.map(\.vulnerability).filter(asked.contains)
            if !found.isEmpty { having[id] = found }
        }
        var counts: [String: Int] = [:]
        if !having.isEmpty {
            for index in hosts {
                var here: Set<String> = []
                for id in risk.hosts[index].exposed { here.formUnion(having[id] ?? []) }
                for name in here { counts[name, default: 0] += 1 }
            }
        }
        return try names.map { name in
            var summary = risk.vulnerabilities[name]?.summary ?? ""
            if summary.isEmpty, let first = try view.knowledge.catalogue.vulnerabilities(named: name).first {
                summary =
                    try first.advisories.lazy.map { try view.knowledge.catalogue.advisory($0).summary }
                    .first { !$0.isEmpty } ?? ""
            }
            return (name, summary, counts[name] ?? 0)
        }
    }
}
