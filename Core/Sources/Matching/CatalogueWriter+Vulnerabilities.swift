import Feeds
import Timestamps

// What the ids name, and what is known of each vulnerability.
extension CatalogueWriter {
    mutating func writeGroups(_ advisories: [United], _ packagesOfAdvisory: [[UInt32]]) {
        let list = builder.advisories
        let records = advisories.enumerated().map { index, united in
            // What a distribution's advisory relates to is what it closes; in a language's database it is a neighbour.
            let isAdvisory =
                !packagesOfAdvisory[index].isEmpty
                && packagesOfAdvisory[index].allSatisfy {
                    word(.packages, Int($0), 1) <= 1
                }
            return VulnerabilityGroups.Record(
                id: ranked(list[united.newest].id), aliases: united.aliases, closes: united.closes,
                related: isAdvisory ? united.related : [])
        }
        let others = Set(
            (builder.exploited.map(\.id) + builder.likelihoods.map(\.id) + builder.decisions.map(\.id)).map(ranked)
        ).sorted()
        let names = sorted
        var groups = VulnerabilityGroups(records, others: others) { id in
            let name = names[Int(id)]
            return name.hasPrefix("CVE-") ? 0 : name.hasPrefix("GHSA-") ? 1 : 2
        }

        var advisoriesOfGroup = [[UInt32]](repeating: [], count: groups.groups.count)
        var ids: [(UInt32, UInt32)] = []
        for (index, united) in advisories.enumerated() {
            let advisory = list[united.newest]
            for group in groups.ofRecord[index] { advisoriesOfGroup[Int(group)].append(UInt32(index)) }
            ids.append((ranked(advisory.id), UInt32(index)))
            write(advisory, united, packages: packagesOfAdvisory[index], groups: groups.ofRecord[index])
        }
        for (id, index) in ids.sorted(by: <) {
            append(id, to: .advisoryIDs)
            append(index, to: .advisoryIDs)
        }

        let placesOfExploited = builder.exploited.map {
            Place(group: groups.group(of: ranked($0.id)), source: $0.source, date: $0.added.milliseconds)
        }
        let exploited = write(
            builder.exploited, at: placesOfExploited, section: .exploited, count: groups.groups.count
        ) { writer, entry in
            let weaknesses = writer.words(Set(entry.weaknesses.map(writer.ranked)).sorted())
            let title = writer.text(entry.title)
            let action = writer.text(entry.action)
            let ransom: UInt32 = entry.isUsedForRansom.map { $0 ? 2 : 1 } ?? 0
            return [writer.ranked(entry.source), writer.ranked(entry.id)] + Self.date(entry.added)
                + Self.date(entry.due)
                + [
                    (entry.due == nil ? 0 : 1) | ransom << 1, title.first, title.count, action.first, action.count,
                    weaknesses.first, weaknesses.count,
                ]
        }
        let placesOfLikelihoods = builder.likelihoods.map {
            Place(group: groups.group(of: ranked($0.id)), source: $0.source, date: $0.date?.milliseconds ?? .min)
        }
        let likelihoods = write(
            builder.likelihoods, at: placesOfLikelihoods, section: .likelihoods, count: groups.groups.count
        ) { writer, entry in
            [writer.ranked(entry.source), writer.ranked(entry.id)] + Self.words(entry.probability.bitPattern)
                + Self.words(entry.percentile.bitPattern) + [writer.ranked(entry.model)] + Self.date(entry.date)
                + [entry.date == nil ? 0 : 1]
        }
        let placesOfDecisions = builder.decisions.map {
            Place(group: groups.group(of: ranked($0.id)), source: $0.source, date: $0.date?.milliseconds ?? .min)
        }
        let decisions = write(
            builder.decisions, at: placesOfDecisions, section: .decisions, count: groups.groups.count
        ) { writer, entry in
            let exploitation = entry.exploitation.map { UInt32(CatalogueBuilder.number($0)) + 1 } ?? 0
            let automatable: UInt32 = entry.isAutomatable.map { $0 ? 2 : 1 } ?? 0
            let impact = entry.impact.map { UInt32(CatalogueBuilder.number($0)) + 1 } ?? 0
            return [writer.ranked(entry.source), writer.ranked(entry.id), exploitation, automatable, impact]
                + Self.date(entry.date) + [entry.date == nil ? 0 : 1]
        }

        var idRows: [(UInt32, UInt32)] = []
        for (number, group) in groups.groups.enumerated() {
            let members = words(group.members)
            let voices = numbers(advisoriesOfGroup[number])
            for word in [
                group.name, members.first, members.count, voices.first, voices.count, exploited[number].first,
                exploited[number].count, likelihoods[number].first, likelihoods[number].count, decisions[number].first,
                decisions[number].count,
            ] { append(word, to: .groups) }
            for id in group.members { idRows.append((id, UInt32(number))) }
        }
        for (id, group) in idRows.sorted(by: <) {
            append(id, to: .ids)
            append(group, to: .ids)
        }
        var lastWeakness: String?
        for weakness in builder.weaknesses.sorted(by: { ($0.id, $0.name) < ($1.id, $1.name) })
        where weakness.id != lastWeakness {
            lastWeakness = weakness.id
            let name = text(weakness.name)
            let parents = words(Set(weakness.parents.map(ranked)).sorted())
            for word in [ranked(weakness.id), name.first, name.count, parents.first, parents.count] {
                append(word, to: .weaknesses)
            }
        }
    }

    mutating func write(
        _ advisory: CatalogueBuilder.CompactAdvisory, _ united: United, packages: [UInt32], groups: [UInt32]
    ) {
        let aliases = words(united.aliases)
        let closes = words(united.closes)
        let related = words(united.related)
        let weaknesses = words(united.weaknesses)
        let severities = write(united.severities)
        let references = list(.references, advisory.references.count)
        for reference in advisory.references {
            let url = text(reference.url)
            for word in [ranked(reference.type), url.first, url.count] { append(word, to: .references) }
        }
        let summary = text(advisory.summary)
        let details = text(advisory.details)
        let packages = numbers(packages)
        let groups = numbers(groups)
        let flags =
            united.flags | (advisory.published == nil ? 0 : 4) | (advisory.modified == nil ? 0 : 8)
            | (advisory.withdrawn == nil ? 0 : 16)
        var row = [ranked(advisory.source), ranked(advisory.id), flags]
        for date in [advisory.published, advisory.modified, advisory.withdrawn] { row += Self.date(date) }
        for list in [aliases, closes, related, weaknesses, severities, references, summary, details, packages, groups] {
            row += [list.first, list.count]
        }
        for word in row { append(word, to: .advisories) }
    }

    /// Where a value belongs that is about one vulnerability.
    struct Place {
        var group: UInt32?
        var source: String
        var date: Int64
    }

    /// Writes values that belong to one vulnerability each, sorted by vulnerability.
    mutating func write<Value>(
        _ values: [Value], at places: [Place], section: Section, count: Int,
        row: (inout CatalogueWriter, Value) -> [UInt32]
    ) -> [CatalogueList] {
        var lists = [CatalogueList](repeating: .none, count: count)
        let order = values.indices.filter { places[$0].group != nil }.sorted { a, b in
            let (left, right) = (places[a], places[b])
            if left.group != right.group { return (left.group ?? 0) < (right.group ?? 0) }
            if left.source != right.source { return left.source < right.source }
            // The newest of a source first; of one date by content, whatever order they came in.
            if left.date != right.date { return left.date > right.date }
            return "\(values[a])" < "\(values[b])"
        }
        var number: UInt32 = 0
        var last: (group: UInt32, source: String)?
        for index in order {
            guard let group = places[index].group else { continue }
            // One word of a source about a vulnerability: the newest.
            if let last, last.group == group, last.source == places[index].source { continue }
            last = (group, places[index].source)
            if lists[Int(group)].count == 0 { lists[Int(group)].first = number }
            lists[Int(group)].count += 1
            number += 1
            for word in row(&self, values[index]) { append(word, to: section) }
        }
        return lists
    }
}
