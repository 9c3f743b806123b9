import FeedImport
import Feeds
import Matching
import Timestamps

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
        /// Whether each record speaks for itself alone: a VEX document, a record about products. Silence means nothing then,
        /// whatever the source is called.
        var isSingle: Bool
        /// Whether the feed tells of flaws without a fix too.
        var tellsUnfixed: Bool
    }
    private struct Place: Hashable {
        var source: String
        var stream: String
    }
    private var names: [Key: Set<String>] = [:]
    private var broken: Set<String> = []

    /// Takes in a record of a feed.
    ///
    /// - Parameter kind: what the feed is; nil for what its source's name says.
    mutating func note(_ record: FeedRecord, feed: String, kind: FeedKind?) {
        guard case .advisory(let advisory) = record else { return }
        let kind = kind ?? FeedKind(rawValue: advisory.source)
        let isSingle: Bool
        switch kind {
        case .openVEX, .cycloneDX, .cve, .nvd: isSingle = true
        case .debianTracker, .csaf: isSingle = false
        case .osv where advisory.id.hasPrefix("UBUNTU-CVE-"): isSingle = false
        default: return
        }
        for statement in advisory.statements where statement.kind != .cpe {
            let isOfSystem = statement.kind == .source || statement.kind == .binary
            // A vendor's document that names a language's package says nothing of the registry's others.
            guard isOfSystem || isSingle || kind == .csaf else { continue }
            let key = Key(
                feed: feed, source: advisory.source, stream: statement.stream, isDocuments: kind == .csaf,
                isSingle: isSingle || !isOfSystem,
                // Of CSAF's documents only those of a CVE are VEX; advisories name what is fixed.
                tellsUnfixed: kind != .csaf || advisory.id.hasPrefix("CVE-"))
            names[key, default: []].insert(statement.name)
        }
    }

    /// Says that something of a feed is missing.
    mutating func noteLoss(of feed: String) { broken.insert(feed) }

    /// Tells the catalogue: of each source and stream how much is named, and as of when. What names less than another feed of
    /// the source has no say in that, so that a file that stands still makes no other file's stream old; of several that name
    /// the stream as fully the oldest counts.
    ///
    /// - Parameter age: as of when a feed speaks for a source; nil where that is not known.
    func claim(in builder: inout CatalogueBuilder, age: (_ feed: String, _ source: String) -> Timestamp?) {
        var best: [Place: (coverage: FeedCoverage, date: Timestamp?)] = [:]
        for (key, names) in names {
            let isLarge = names.count >= Self.minimumPackages
            // A few documents of a vendor are no feed; a part of a feed still names advisories.
            let coverage: FeedCoverage
            if key.isSingle {
                coverage = .statements
            } else if isLarge, key.tellsUnfixed, !broken.contains(key.feed) {
                coverage = .everything
            } else {
                coverage = isLarge || !key.isDocuments ? .advisories : .statements
            }
            let place = Place(source: key.source, stream: key.stream)
            let date = age(key.feed, key.source)
            guard let known = best[place], known.coverage >= coverage else {
                best[place] = (coverage, date)
                continue
            }
            guard known.coverage == coverage else { continue }
            best[place]?.date = [known.date, date].compactMap(\.self).min()
        }
        for (place, known) in best {
            // Only whose silence means something is dated: single documents of a vendor are as old as its newest.
            let date = known.coverage == .everything ? known.date : nil
            builder.claim(known.coverage, of: place.source, stream: place.stream, asOf: date)
        }
    }
}
