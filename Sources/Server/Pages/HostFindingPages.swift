import Feeds
import Inventory
import Matching
import Pages
import Priority
import Store

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
        }
        struct Entry {
            var item: RiskView.Item
            var names: [String]
            var version: String
            var fixed: String?
            var source: String
        }
        var entries: [Key: Entry] = [:]
        for id in packages {
            guard let judgement = risk.packages[id] else { continue }
            if !judgement.unknown.isEmpty { result.unknownPackages += 1 }
            for finding in judgement.findings where finding.verdict == .affected && !finding.isInformational {
                guard let known = risk.vulnerabilities[finding.vulnerability] else { continue }
                let key = Key(vulnerability: finding.vulnerability, source: judgement.package.source)
                var entry =
                    entries[key]
                    ?? Entry(
                        item: RiskView.Item(
                            id: finding.vulnerability, known: known, packages: [], hosts: [index], deadline: nil),
                        names: [], version: judgement.package.version, fixed: finding.fixed, source: key.source)
                entry.item.packages.insert(id)
                entry.names.append(judgement.package.name)
                entries[key] = entry
            }
        }
        var list = Array(entries.values)
        for place in list.indices { list[place].item.deadline = view.deadline(list[place].item, host: index) }
        list.sort { left, right in
            let (a, b) = (DueBand(left.item.deadline?.due, now), DueBand(right.item.deadline?.due, now))
            if a != b { return Self.order(a) < Self.order(b) }
            let (p, q) = (left.item.known.score.probability, right.item.known.score.probability)
            if p != q { return p > q }
            return (left.item.id, left.source) < (right.item.id, right.source)
        }
        let page = Page(list, after: after, size: size)
        result.total = list.count
        result.next = page.next
        result.rows = page.rows.map { entry in
            let names = Set(entry.names).sorted()
            var row = HostFindingRow(
                row: self.row(entry.item),
                package: names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : ""),
                version: entry.version)
            row.fixed = entry.fixed
            return row
        }
        return result
    }

    private static func order(_ band: DueBand) -> Int { DueBand.allCases.firstIndex(of: band) ?? DueBand.allCases.count }

    /// Vulnerabilities whose id holds a text, with on how many hosts within reach each is; then those that only feeds know.
    func search(_ text: String, limit: Int) throws -> [(id: String, summary: String, hosts: Int)] {
        let wanted = text.uppercased()
        guard wanted.utf8.count >= 3 else { return [] }
        var names = risk.vulnerabilities.keys.filter { $0.uppercased().contains(wanted) }.sorted(by: >)
        for found in try Set([text, wanted]).flatMap({ try view.knowledge.catalogue.vulnerabilities(named: $0) })
        where !names.contains(found.name) {
            names.insert(found.name, at: 0)
        }
        names = Array(names.prefix(limit))
        guard !names.isEmpty else { return [] }
        let asked = Set(names)
        var having: [Int64: [String]] = [:]
        for (id, judgement) in risk.packages {
            let found = judgement.findings.filter {
                asked.contains($0.vulnerability) && $0.verdict == .affected && !$0.isInformational
            }.map(\.vulnerability)
            if !found.isEmpty { having[id] = found }
        }
        var counts: [String: Int] = [:]
        if !having.isEmpty {
            for index in hosts {
                var here: Set<String> = []
                for id in risk.hosts[index].packages ?? [] { here.formUnion(having[id] ?? []) }
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
