import Timestamps

// The records of one source and id as one advisory.
extension CatalogueWriter {
    /// One advisory of the file: the newest record of its source and id, and every record that adds statements to it.
    struct United {
        var newest: Int
        var aliases: [UInt32]
        var closes: [UInt32]
        var related: [UInt32]
        var weaknesses: [UInt32]
        var severities: [CatalogueBuilder.CompactSeverity]
        var flags: UInt32
    }

    mutating func unitedAdvisories() -> [United] {
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
            let newest = list[united[place].newest]
            if (advisory.modified ?? advisory.published) != (newest.modified ?? newest.published) {
                united[place].flags |= Self.datesDiffer
            }
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

    /// Set where one id stands for records of several dates, of which only the newest is kept.
    static var datesDiffer: UInt32 { 32 }

    static func precedes(
        _ a: CatalogueBuilder.CompactSeverity, _ b: CatalogueBuilder.CompactSeverity
    ) -> Bool {
        (a.type, a.score, a.scorer) < (b.type, b.score, b.scorer)
    }
}
