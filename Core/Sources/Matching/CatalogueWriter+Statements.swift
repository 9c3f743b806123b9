import Timestamps

// Packages, sorted, with what is said of them.
extension CatalogueWriter {
    /// - Returns: for each advisory the rows of its packages.
    mutating func writeStatements(_ advisories: [United]) -> [[UInt32]] {
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
        let dates = feedDates(advisories)
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
            let (coverage, date) = coverage(of: stream.stream, sources: sourcesOfStream[stream.stream] ?? [], dates)
            let row = [stream.stream, stream.first, stream.count, UInt32(coverage.rawValue)]
            for word in row + Self.date(date ?? Timestamp(milliseconds: .min)) { append(word, to: .streams) }
        }
        return packagesOfAdvisory
    }

    /// What the fullest of a stream's sources names, and as of when: the newest of those that name as much.
    func coverage(
        of stream: UInt32, sources: Set<UInt32>, _ dates: [String: Timestamp]
    ) -> (FeedCoverage, Timestamp?) {
        let claims = builder.claims[sorted[Int(stream)]] ?? [:]
        let claimDates = builder.claimDates[sorted[Int(stream)]] ?? [:]
        let known = sources.map { source in
            let name = sorted[Int(source)]
            return (coverage: claims[name] ?? FeedCoverage(ofSource: name), date: claimDates[name] ?? dates[name])
        }
        let best = known.map(\.coverage).max() ?? .statements
        return (best, known.filter { $0.coverage == best }.compactMap(\.date).max())
    }

    mutating func write(_ statement: CatalogueBuilder.CompactStatement) {
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

    static func precedes(
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
}
