import Feeds
import Timestamps

// The feeds and how old they are.
extension CatalogueWriter {
    /// How old what each source says of advisories is: when it was fetched, else the date of its newest record.
    func feedDates(_ advisories: [United]) -> [String: Timestamp] {
        var dates: [String: Timestamp] = [:]
        for united in advisories {
            let advisory = builder.advisories[united.newest]
            guard let date = advisory.modified ?? advisory.published else { continue }
            let source = builder.strings[Int(advisory.source)]
            dates[source] = max(dates[source] ?? date, date)
        }
        for (source, feed) in builder.feeds { if let date = feed.date { dates[source] = date } }
        return dates
    }

    mutating func writeFeeds(_ advisories: [United]) {
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
}
