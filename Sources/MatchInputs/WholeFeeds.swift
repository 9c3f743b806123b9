import FeedImport
import Feeds
import Matching

/// Finds out which streams are named as a whole by the feeds that are really read.
///
/// Only feeds of kinds that name every vulnerability of a release count (Debian's tracker, Ubuntu's records of CVEs, Red Hat's
/// VEX), only where nothing of them was put aside, and only streams with as many packages as a whole release has: a part of
/// such a feed looks like it and is silent on the rest.
struct WholeFeeds {
    /// A release has several thousand source packages with vulnerabilities; a sample has tens.
    static let minimumPackages = 1_000

    private struct Key: Hashable {
        var feed: String
        var source: String
        var stream: String
        /// Whether the feed is one document a vulnerability of the vendor's.
        var isDocuments: Bool
    }
    private var names: [Key: Set<String>] = [:]
    private var broken: Set<String> = []

    /// Takes in a record of a feed.
    ///
    /// - Parameter kind: what the feed is; nil for what its source's name says.
    mutating func note(_ record: FeedRecord, feed: String, kind: FeedKind?) {
        guard case .advisory(let advisory) = record else { return }
        let kind = kind ?? FeedKind(rawValue: advisory.source)
        switch kind {
        case .debianTracker, .csaf: break
        case .osv where advisory.id.hasPrefix("UBUNTU-CVE-"): break
        default: return
        }
        for statement in advisory.statements where statement.kind == .source || statement.kind == .binary {
            let key = Key(
                feed: feed, source: advisory.source, stream: statement.stream, isDocuments: kind == .csaf)
            names[key, default: []].insert(statement.name)
        }
    }

    /// Says that something of a feed is missing.
    mutating func noteLoss(of feed: String) { broken.insert(feed) }

    /// Tells the catalogue.
    func claim(in builder: inout CatalogueBuilder) {
        var best: [Key: FeedCoverage] = [:]
        for (key, names) in names {
            let isLarge = names.count >= Self.minimumPackages
            // A few documents of a vendor are no feed; a part of a feed still names advisories.
            let coverage: FeedCoverage =
                isLarge && !broken.contains(key.feed)
                ? .everything : isLarge || !key.isDocuments ? .advisories : .statements
            var place = key
            place.feed = ""
            best[place] = max(best[place] ?? .statements, coverage)
        }
        for (place, coverage) in best { builder.claim(coverage, of: place.source, stream: place.stream) }
    }
}
