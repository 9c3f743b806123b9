import Digest
import Feeds
import Timestamps
import Versions

extension CatalogueBuilder {
    /// The catalogue's file.
    ///
    /// - Throws: ``CatalogueError/tooLarge(_:)``.
    public consuming func bytes() throws(CatalogueError) -> [UInt8] {
        var writer = CatalogueWriter(self)
        return try writer.file()
    }
}

/// Sorts what a builder collected, and writes the sections.
private struct CatalogueWriter {
    private typealias Section = CatalogueLayout.Section

    private var builder: CatalogueBuilder
    private var sections: [[UInt8]]
    /// A string's place in the sorted table, by its number in the builder.
    private var rank: [UInt32] = []
    private var sorted: [String] = []
    private var boundRows: [Bound: UInt32] = [:]

    private struct Bound: Hashable {
        var scheme: UInt32
        var version: UInt32
    }

    init(_ builder: consuming CatalogueBuilder) {
        self.builder = builder
        sections = [[UInt8]](repeating: [], count: Section.allCases.count)
    }

    mutating func file() throws(CatalogueError) -> [UInt8] {
        writeStrings()
        writeBounds()
        let advisories = unitedAdvisories()
        let packagesOfAdvisory = writeStatements(advisories)
        writeGroups(advisories, packagesOfAdvisory)
        writeFeeds(advisories)
        for section in Section.allCases where sections[section.rawValue].count > CatalogueLayout.maximumSection {
            throw .tooLarge("the section \(section) has \(sections[section.rawValue].count) bytes")
        }
        return assemble()
    }

    // MARK: Strings and bounds

    private mutating func writeStrings() {
        let order = builder.strings.indices.sorted {
            builder.strings[$0].utf8.lexicographicallyPrecedes(builder.strings[$1].utf8)
        }
        rank = [UInt32](repeating: 0, count: order.count)
        sorted = order.map { builder.strings[$0] }
        for (place, number) in order.enumerated() { rank[number] = UInt32(place) }
        var bytes: [UInt8] = []
        for string in sorted {
            append(UInt32(truncatingIfNeeded: bytes.count), to: .stringOffsets)
            bytes.append(contentsOf: string.utf8)
        }
        append(UInt32(truncatingIfNeeded: bytes.count), to: .stringOffsets)
        sections[Section.stringBytes.rawValue] = bytes
    }

    private mutating func writeBounds() {
        var bounds: Set<Bound> = []
        for statement in builder.statements {
            if let fixed = statement.fixed {
                bounds.insert(Bound(scheme: ranked(statement.fixedScheme), version: ranked(fixed)))
            }
            for range in statement.ranges {
                for version in [range.lower, range.upper] {
                    if let version { bounds.insert(Bound(scheme: ranked(range.scheme), version: ranked(version))) }
                }
            }
        }
        var keys: [UInt8] = []
        for (row, bound) in bounds.sorted(by: { ($0.scheme, $0.version) < ($1.scheme, $1.version) }).enumerated() {
            boundRows[bound] = UInt32(row)
            let version = sorted[Int(bound.version)]
            append(bound.version, to: .bounds)
            if let key = VersionOrder.key(version, scheme: sorted[Int(bound.scheme)]) {
                append(UInt32(truncatingIfNeeded: keys.count), to: .bounds)
                append(UInt32(key.bytes.count), to: .bounds)
                keys.append(contentsOf: key.bytes)
            } else {
                append(0, to: .bounds)
                append(CatalogueLayout.noKey, to: .bounds)
            }
        }
        sections[Section.keyBytes.rawValue] = keys
    }

    // MARK: Advisories

    /// One advisory of the file: the newest record of its source and id, and every record that adds statements to it.
    private struct United {
        var newest: Int
        var aliases: [UInt32]
        var closes: [UInt32]
        var related: [UInt32]
        var weaknesses: [UInt32]
        var severities: [CatalogueBuilder.CompactSeverity]
        var flags: UInt32
    }

    /// Where each record of the builder went.
    private var unitedNumber: [UInt32] = []

    private mutating func unitedAdvisories() -> [United] {
        let list = builder.advisories
        let keys = list.indices.map { (ranked(list[$0].source), ranked(list[$0].id)) }
        let order = list.indices.sorted { left, right in
            if keys[left] != keys[right] { return keys[left] < keys[right] }
            // The newest first; the rest of the order only makes it independent of how they came in.
            let (a, b) = (list[left], list[right])
            if a.modified != b.modified {
                return (a.modified?.milliseconds ?? .min) > (b.modified?.milliseconds ?? .min)
            }
            if a.summary != b.summary { return a.summary > b.summary }
            if a.details != b.details { return a.details > b.details }
            if a.withdrawn != b.withdrawn {
                return (a.withdrawn?.milliseconds ?? .min) > (b.withdrawn?.milliseconds ?? .min)
            }
            if a.published != b.published {
                return (a.published?.milliseconds ?? .min) > (b.published?.milliseconds ?? .min)
            }
            if a.flags != b.flags { return a.flags > b.flags }
            return a.references.map(\.url).lexicographicallyPrecedes(b.references.map(\.url))
        }
        unitedNumber = [UInt32](repeating: 0, count: list.count)
        var united: [United] = []
        var last: (UInt32, UInt32)?
        for index in order {
            let advisory = list[index]
            if last.map({ $0 != keys[index] }) ?? true {
                last = keys[index]
                united.append(
                    United(
                        newest: index, aliases: [], closes: [], related: [], weaknesses: [], severities: [],
                        flags: advisory.flags))
            }
            let place = united.count - 1
            unitedNumber[index] = UInt32(place)
            united[place].aliases += advisory.aliases.map(ranked)
            united[place].closes += advisory.closes.map(ranked)
            united[place].related += advisory.related.map(ranked)
            united[place].weaknesses += advisory.weaknesses.map(ranked)
            united[place].severities += advisory.severities.map(ranked)
        }
        for place in united.indices {
            united[place].aliases = Set(united[place].aliases).sorted()
            united[place].closes = Set(united[place].closes).sorted()
            united[place].related = Set(united[place].related).sorted()
            united[place].weaknesses = Set(united[place].weaknesses).sorted()
            united[place].severities = Set(united[place].severities).sorted(by: Self.precedes)
        }
        return united
    }

    private static func precedes(
        _ a: CatalogueBuilder.CompactSeverity, _ b: CatalogueBuilder.CompactSeverity
    ) -> Bool {
        (a.type, a.score, a.scorer) < (b.type, b.score, b.scorer)
    }

    // MARK: Statements

    /// - Returns: for each advisory the rows of its packages.
    private mutating func writeStatements(_ advisories: [United]) -> [[UInt32]] {
        var statements = builder.statements
        for index in statements.indices {
            let old = statements[index]
            statements[index].stream = ranked(old.stream)
            statements[index].name = ranked(old.name)
            statements[index].advisory = unitedNumber[Int(old.advisory)]
            statements[index].module = ranked(old.module)
            statements[index].fixed = old.fixed.map {
                boundRows[Bound(scheme: ranked(old.fixedScheme), version: ranked($0))] ?? 0
            }
            statements[index].fixedScheme = ranked(old.fixedScheme)
            statements[index].reason = ranked(old.reason)
            statements[index].channel = ranked(old.channel)
            statements[index].ranges = old.ranges.map { range in
                let scheme = ranked(range.scheme)
                return CatalogueBuilder.CompactRange(
                    scheme: scheme, flags: range.flags,
                    lower: range.lower.map { boundRows[Bound(scheme: scheme, version: ranked($0))] ?? 0 },
                    upper: range.upper.map { boundRows[Bound(scheme: scheme, version: ranked($0))] ?? 0 })
            }
            statements[index].versions = Set(old.versions.map(ranked)).sorted()
            statements[index].architectures = Set(old.architectures.map(ranked)).sorted()
            statements[index].severities = Set(old.severities.map(ranked)).sorted(by: Self.precedes)
        }
        statements.sort(by: Self.precedes)
        let sourceOf = advisories.map { ranked(builder.advisories[$0.newest].source) }

        var packagesOfAdvisory = [[UInt32]](repeating: [], count: advisories.count)
        var row: UInt32 = 0
        var index = 0
        var package: UInt32 = 0
        var streams: [(stream: UInt32, first: UInt32, count: UInt32)] = []
        var sourcesOfStream: [UInt32: Set<UInt32>] = [:]
        while index < statements.count {
            let first = statements[index]
            let start = row
            var previous: CatalogueBuilder.CompactStatement?
            while index < statements.count, statements[index].stream == first.stream,
                statements[index].kind == first.kind, statements[index].name == first.name
            {
                let statement = statements[index]
                index += 1
                // The same record from two files says the same once.
                if statement == previous { continue }
                previous = statement
                write(statement)
                sourcesOfStream[statement.stream, default: []].insert(sourceOf[Int(statement.advisory)])
                if packagesOfAdvisory[Int(statement.advisory)].last != package {
                    packagesOfAdvisory[Int(statement.advisory)].append(package)
                }
                row += 1
            }
            for word in [first.stream, first.kind, first.name, start, row - start] { append(word, to: .packages) }
            if streams.last?.stream == first.stream {
                streams[streams.count - 1].count += 1
            } else {
                streams.append((first.stream, package, 1))
            }
            package += 1
        }
        for stream in streams {
            let coverage = coverage(of: stream.stream, sources: sourcesOfStream[stream.stream] ?? [])
            for word in [stream.stream, stream.first, stream.count, UInt32(coverage.rawValue)] {
                append(word, to: .streams)
            }
        }
        return packagesOfAdvisory
    }

    /// What the fullest of a stream's sources names.
    private func coverage(of stream: UInt32, sources: Set<UInt32>) -> FeedCoverage {
        let claims = builder.claims[sorted[Int(stream)]] ?? [:]
        return sources.map { source in
            let name = sorted[Int(source)]
            return claims[name] ?? FeedCoverage(ofSource: name)
        }.max() ?? .statements
    }

    private mutating func write(_ statement: CatalogueBuilder.CompactStatement) {
        let ranges = list(.ranges, statement.ranges.count)
        for range in statement.ranges {
            let words: [UInt32] = [
                range.scheme, range.flags, range.lower.map { $0 + 1 } ?? 0, range.upper.map { $0 + 1 } ?? 0,
            ]
            for word in words { append(word, to: .ranges) }
        }
        let versions = words(statement.versions)
        let architectures = words(statement.architectures)
        let severities = write(statement.severities)
        let row: [UInt32] = [
            statement.advisory, statement.module, statement.status, ranges.first, ranges.count, versions.first,
            versions.count, statement.fixed.map { $0 + 1 } ?? 0, statement.fixedScheme, statement.reason,
            statement.channel, architectures.first, architectures.count, severities.first, severities.count,
        ]
        for word in row { append(word, to: .statements) }
    }

    private static func precedes(
        _ a: CatalogueBuilder.CompactStatement, _ b: CatalogueBuilder.CompactStatement
    ) -> Bool {
        if (a.stream, a.kind, a.name) != (b.stream, b.kind, b.name) {
            return (a.stream, a.kind, a.name) < (b.stream, b.kind, b.name)
        }
        if (a.advisory, a.module, a.status) != (b.advisory, b.module, b.status) {
            return (a.advisory, a.module, a.status) < (b.advisory, b.module, b.status)
        }
        if (a.fixed ?? .max, a.reason, a.channel) != (b.fixed ?? .max, b.reason, b.channel) {
            return (a.fixed ?? .max, a.reason, a.channel) < (b.fixed ?? .max, b.reason, b.channel)
        }
        func words(_ s: CatalogueBuilder.CompactStatement) -> [UInt32] {
            var words: [UInt32] = [s.fixedScheme, UInt32(s.ranges.count)]
            for range in s.ranges { words += [range.scheme, range.flags, range.lower ?? .max, range.upper ?? .max] }
            words += [UInt32(s.versions.count)] + s.versions + [UInt32(s.architectures.count)] + s.architectures
            for severity in s.severities { words += [severity.type, severity.score, severity.scorer] }
            return words
        }
        return words(a).lexicographicallyPrecedes(words(b))
    }

    // MARK: Vulnerabilities

    private mutating func writeGroups(_ advisories: [United], _ packagesOfAdvisory: [[UInt32]]) {
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

    private mutating func write(
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
    private struct Place {
        var group: UInt32?
        var source: String
        var date: Int64
    }

    /// Writes values that belong to one vulnerability each, sorted by vulnerability.
    private mutating func write<Value>(
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

    // MARK: Feeds

    private mutating func writeFeeds(_ advisories: [United]) {
        var newest: [String: (date: Timestamp?, records: UInt32)] = [:]
        func count(_ source: String, _ date: Timestamp?) {
            var entry = newest[source] ?? (nil, 0)
            entry.records += 1
            if let date, entry.date.map({ date > $0 }) ?? true { entry.date = date }
            newest[source] = entry
        }
        for united in advisories {
            let advisory = builder.advisories[united.newest]
            count(builder.strings[Int(advisory.source)], advisory.modified ?? advisory.published)
        }
        // What is said twice is one record.
        var seen: Set<String> = []
        func countOnce(_ source: String, _ id: String, _ date: Timestamp?) {
            if seen.insert("\(source) \(id)").inserted { count(source, date) }
        }
        for entry in builder.exploited { countOnce(entry.source, entry.id, entry.added) }
        for entry in builder.likelihoods { countOnce(entry.source, entry.id, entry.date) }
        for entry in builder.decisions { countOnce(entry.source, entry.id, entry.date) }
        for (source, feed) in builder.feeds {
            newest[source] = (feed.date ?? newest[source]?.date, newest[source]?.records ?? 0)
        }
        for (source, entry) in newest.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let row = [ranked(source)] + Self.date(entry.date) + [entry.date == nil ? 0 : 1, entry.records]
            for word in row { append(word, to: .feeds) }
        }
    }

    // MARK: Pieces

    private func ranked(_ number: UInt32) -> UInt32 { rank[Int(number)] }
    private func ranked(_ string: String) -> UInt32 { rank[Int(builder.number(of: string))] }
    private func ranked(_ severity: CatalogueBuilder.CompactSeverity) -> CatalogueBuilder.CompactSeverity {
        CatalogueBuilder.CompactSeverity(
            type: ranked(severity.type), score: ranked(severity.score), scorer: ranked(severity.scorer))
    }

    private var wordLists: [[UInt32]: UInt32] = [:]

    private mutating func words(_ list: [UInt32]) -> CatalogueList {
        shared(list, .words)
    }

    private mutating func numbers(_ list: [UInt32]) -> CatalogueList {
        shared(list, .numbers)
    }

    /// Lists that are equal are written once.
    private mutating func shared(_ list: [UInt32], _ section: Section) -> CatalogueList {
        guard !list.isEmpty else { return .none }
        let key = list + [UInt32(section.rawValue)]
        let count = UInt32(list.count)
        if let first = wordLists[key] { return CatalogueList(first: first, count: count) }
        let first = UInt32(sections[section.rawValue].count / 4)
        for word in list { append(word, to: section) }
        wordLists[key] = first
        return CatalogueList(first: first, count: count)
    }

    private mutating func write(_ severities: [CatalogueBuilder.CompactSeverity]) -> CatalogueList {
        let list = list(.severities, severities.count)
        for severity in severities {
            for word in [severity.type, severity.score, severity.scorer] { append(word, to: .severities) }
        }
        return list
    }

    private func list(_ section: Section, _ count: Int) -> CatalogueList {
        guard count > 0 else { return .none }
        return CatalogueList(
            first: UInt32(truncatingIfNeeded: sections[section.rawValue].count / 4 / section.width),
            count: UInt32(count))
    }

    private mutating func text(_ text: String) -> CatalogueList {
        guard !text.isEmpty else { return .none }
        let first = sections[Section.texts.rawValue].count
        sections[Section.texts.rawValue].append(contentsOf: text.utf8)
        return CatalogueList(first: UInt32(truncatingIfNeeded: first), count: UInt32(text.utf8.count))
    }

    private func word(_ section: Section, _ row: Int, _ column: Int) -> UInt32 {
        sections[section.rawValue].withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: (row * section.width + column) * 4, as: UInt32.self))
        }
    }

    private mutating func append(_ word: UInt32, to section: Section) {
        withUnsafeBytes(of: word.littleEndian) { sections[section.rawValue].append(contentsOf: $0) }
    }

    private static func words(_ value: UInt64) -> [UInt32] {
        [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
    }

    private static func date(_ date: Timestamp?) -> [UInt32] {
        words(UInt64(bitPattern: date?.milliseconds ?? 0))
    }

    // MARK: The file

    private mutating func assemble() -> [UInt8] {
        var table: [UInt8] = []
        var offset = (CatalogueLayout.bodyOffset + 7) & ~7
        let start = offset
        var digest = SHA256()
        var size = offset
        for section in sections {
            withUnsafeBytes(of: UInt64(offset).littleEndian) { table.append(contentsOf: $0) }
            withUnsafeBytes(of: UInt64(section.count).littleEndian) { table.append(contentsOf: $0) }
            offset = (offset + section.count + 7) & ~7
            size = offset
        }
        var file: [UInt8] = []
        file.reserveCapacity(size)
        file += [UInt8](repeating: 0, count: start)
        for index in sections.indices {
            file += sections[index]
            sections[index] = []
            file += [UInt8](repeating: 0, count: (8 - file.count % 8) % 8)
        }
        file.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        var header = CatalogueLayout.magic
        withUnsafeBytes(of: CatalogueLayout.version.littleEndian) { header.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(Section.allCases.count).littleEndian) { header.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(size).littleEndian) { header.append(contentsOf: $0) }
        header += digest.finalize().bytes
        header += SHA256.hash(header + table).bytes
        file.replaceSubrange(0..<header.count, with: header)
        file.replaceSubrange(header.count..<header.count + table.count, with: table)
        return file
    }
}
