import Feeds
import Glibc
import JSON
import Timestamps

/// What became of a file that came.
public enum FeedOutcome: Sendable {
    /// Its manifest could not be read, and was made anew from the files that are kept.
    case repaired(FeedManifest)
    /// It is what is in use already.
    case unchanged(FeedManifest)
    /// It is in use now.
    case stored(FeedManifest, FeedCounts)
    /// It has lost too many records, or too many cannot be used, and it waits for a person; what was in use stays in use.
    case held(FeedManifest, FeedCounts)

    /// What is known of the feed now.
    public var manifest: FeedManifest {
        switch self {
        case .repaired(let manifest), .unchanged(let manifest), .stored(let manifest, _), .held(let manifest, _):
            manifest
        }
    }
}

/// How far a sync or import is.
public enum FeedProgress: Sendable {
    /// Bytes that came of a feed, and how many will come where that is known.
    case fetching(String, Int64, Int64?)
    /// Records that were read of a feed.
    case reading(String, Int)
}

/// Takes a feed's file in: reads all of it, then puts it in the place of the former one, or does not.
struct FeedIntake {
    let folder: FeedFolder
    /// The share of its records that a feed may lose before a person is asked.
    let maximumShrink: Double
    /// The share of a feed's records that may be put aside before a person is asked.
    let maximumQuarantine: Double
    /// Whether a person has said that fewer records are right.
    let acceptsShrink: Bool
    let now: @Sendable () -> Timestamp
    let progress: @Sendable (FeedProgress) -> Void

    /// Takes a file that lies in the feed's folder and is synced. It is gone from there afterwards, whatever happens.
    ///
    /// - Parameters:
    ///   - fetched: when it came to this machine or, of a bundle, to the machine that made it.
    ///   - digest: its SHA-256 where that is known already.
    /// - Throws: ``ImportError`` where it is refused; what was in use stays in use.
    func take(
        _ path: String, for feed: FeedDefinition, fetched: Timestamp, validators: FeedValidators,
        digest known: String? = nil
    ) throws -> FeedOutcome {
        defer { unlink(path) }
        let home = "\(folder.path)/\(feed.name)"
        var manifest = try folder.manifest(feed.name) ?? FeedManifest(feed: feed)
        let isReadAlike = manifest.feed.reading == feed.reading
        let digest = try known ?? DurableFile.digest(of: path)
        // A clock elsewhere that is ahead must not make every later revision look older.
        let fetched = min(fetched, now())
        manifest.feed = feed
        manifest.failure = nil
        manifest.failed = nil
        manifest.checked = now()
        if isReadAlike, manifest.revision?.digest == digest {
            // What was in use came back: nothing newer waits any more, and what lies here may be damaged.
            try DurableFile.place(path, "\(home)/\(digest)")
            folder.forgetDamage(of: feed.name)
            manifest.held = nil
            manifest.revision?.fetched = fetched
            (manifest.entityTag, manifest.lastModified) = (validators.entityTag, validators.lastModified)
            try folder.write(manifest)
            return .unchanged(manifest)
        }
        let list = "\(home)/\(digest).quarantine.jsonl"
        let (counts, dated) = try read(path, feed)
        let revision = FeedManifest.Revision(
            digest: digest, bytes: fileSize(path), fetched: fetched, imported: now(), dated: dated, counts)
        guard counts.stored > 0 || manifest.revision != nil else {
            let why = counts.faults.first.map { "; the first fault: \($0)" } ?? ""
            throw ImportError(.refused, "\(feed.name): no record of it can be used\(why)")
        }
        try DurableFile.write(Self.quarantine(counts), to: list)
        try DurableFile.place(path, "\(home)/\(digest)")
        folder.forgetDamage(of: feed.name)
        (manifest.entityTag, manifest.lastModified) = (validators.entityTag, validators.lastModified)
        if !acceptsShrink, let reason = suspicion(of: revision, counts, after: manifest.revision) {
            manifest.held = FeedManifest.Held(revision: revision, reason: reason)
            try folder.write(manifest)
            return .held(manifest, counts)
        }
        manifest.revision = revision
        manifest.held = nil
        try folder.write(manifest)
        return .stored(manifest, counts)
    }

    /// Why a person must look at a revision before it is used; nil where none has to.
    private func suspicion(
        of new: FeedManifest.Revision, _ counts: FeedCounts, after former: FeedManifest.Revision?
    ) -> String? {
        if let reason = former.flatMap({ shrink(from: $0, to: new) }) { return reason }
        // Where a person has taken as much before, it is how this feed is.
        guard former.map({ $0.quarantinedShare <= maximumQuarantine }) ?? true else { return nil }
        return quarantine(of: new, counts)
    }

    /// Why a revision has suspiciously many records that cannot be used; nil where it has not.
    func quarantine(of revision: FeedManifest.Revision, _ counts: FeedCounts) -> String? {
        guard revision.quarantinedShare > maximumQuarantine else { return nil }
        let first = counts.faults.first.map { "; the first is \($0)" } ?? ""
        return """
            \(revision.quarantined) of its \(revision.records) records cannot be used: \(Self.percent(revision.quarantinedShare)) %, \
            and more than \(Self.percent(maximumQuarantine)) % are for a person to look at\(first)
            """
    }

    private static func percent(_ share: Double) -> Int { Int((share * 100).rounded()) }

    /// Why a revision is suspiciously small; nil where it is not.
    private func shrink(from former: FeedManifest.Revision, to new: FeedManifest.Revision) -> String? {
        // Records that say nothing of packages any more are as good as gone.
        for (what, old, new) in [
            ("records", former.stored, new.stored),
            ("statements", former.statements ?? 0, new.statements ?? 0),
            ("statements of affected versions", former.affecting ?? 0, new.affecting ?? 0),
        ] {
            let lost = old - new
            guard lost > 0 else { continue }
            let share = Double(lost) / Double(old)
            guard new == 0 || share > maximumShrink else { continue }
            return """
                it has \(new) \(what) where the one in use has \(old): \(Self.percent(share)) % fewer, and more than \
                \(Self.percent(maximumShrink)) % are for a person to look at
                """
        }
        return nil
    }

    func read(_ path: String, _ feed: FeedDefinition) throws -> (FeedCounts, Timestamp?) {
        let file = FeedFile(
            path, name: feed.name, reading: feed.reading, limits: folder.limits, scratch: "\(folder.path)/\(feed.name)")
        let limit = now()
        var newest: Timestamp?
        var count = 0
        let counts = try file.records { record in
            count += 1
            if count % 1_000 == 0 { progress(.reading(feed.name, count)) }
            // A date in the future is somebody's mistake, and no age.
            if let date = Self.date(record), date <= limit, date > newest ?? Timestamp(milliseconds: .min) {
                newest = date
            }
        }
        return (counts, newest)
    }

    private static func date(_ record: FeedRecord) -> Timestamp? {
        switch record {
        case .advisory(let advisory): advisory.modified ?? advisory.published
        case .exploited(let entry): entry.added
        case .likelihood(let likelihood): likelihood.date
        case .decisionPoints(let points): points.date
        case .weakness: nil
        }
    }

    /// What was put aside, a line each.
    static func quarantine(_ counts: FeedCounts) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ what: String, _ faults: [FeedFault]) {
            for fault in faults {
                let line: JSONValue = [
                    "what": .string(what), "place": .string(fault.place), "record": .string(fault.record),
                    "reason": .string(fault.reason),
                ]
                bytes += line.canonicalBytes() + [10]
            }
        }
        add("record", counts.faults)
        add("statement", counts.alarms)
        for place in counts.unknown {
            let line: JSONValue = ["what": "document", "place": .string(place), "reason": "of no kind that is known"]
            bytes += line.canonicalBytes() + [10]
        }
        for (field, count) in counts.unmapped.sorted(by: { $0.key < $1.key }) {
            let line: JSONValue = ["what": "field", "field": .string(field), "count": .integer(Int64(count))]
            bytes += line.canonicalBytes() + [10]
        }
        return bytes
    }
}
