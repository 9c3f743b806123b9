import Glibc
import JSON
public import Timestamps

/// Files that are not what they were: found, told, made good.
extension FeedFolder {
    /// Whether the file of a revision is what was imported: its size always, its SHA-256 where it is to be read.
    func isWhole(_ name: String, _ revision: FeedManifest.Revision, reading: Bool) throws -> Bool {
        let file = "\(path)/\(name)/\(revision.digest)"
        guard access(file, F_OK) == 0, fileSize(file) == revision.bytes else { return false }
        return try !reading || DurableFile.digest(of: file) == revision.digest
    }

    private func damageNote(of name: String) -> String { "\(path)/\(name)/damaged" }

    /// Leaves a note for the next sync where that can be done: who reads feeds may have no right to write here.
    func noteDamage(of name: String) {
        let note = open(damageNote(of: name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        if note >= 0 { close(note) }
    }

    /// Whether somebody who read the feed found it damaged.
    func isNotedAsDamaged(_ name: String) -> Bool { access(damageNote(of: name), F_OK) == 0 }

    func forgetDamage(of name: String) { unlink(damageNote(of: name)) }

    /// Makes manifests anew that cannot be read, of whatever feed: one alone would keep all from being used.
    ///
    /// - Parameter done: told what became of each.
    public func repair(
        _ configuration: FeedConfiguration, now: @escaping @Sendable () -> Timestamp,
        progress: @escaping @Sendable (FeedProgress) -> Void = { _ in },
        done: (FeedDefinition, Result<FeedOutcome, ImportError>) throws -> Void
    ) throws {
        // Who has nothing to mend needs no lock, and need not be allowed to write.
        guard try !broken().isEmpty else { return }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        try repairBroken(configuration, now: now, progress: progress, done)
    }

    /// The same for whoever has the lock.
    func repairBroken(
        _ configuration: FeedConfiguration, now: @escaping @Sendable () -> Timestamp,
        progress: @escaping @Sendable (FeedProgress) -> Void,
        _ done: (FeedDefinition, Result<FeedOutcome, ImportError>) throws -> Void
    ) throws {
        let intake = FeedIntake(
            folder: self, maximumShrink: 1, maximumQuarantine: configuration.maximumQuarantine, acceptsShrink: true,
            now: now, progress: progress)
        for (name, reason) in try broken() {
            let known = configuration.feed(name)
            let stated = known ?? FeedDefinition(name: name, url: "", kind: .osv)
            do {
                guard let manifest = try repair(name, known: known, intake) else {
                    let what = reason.description.prefix { $0 != ";" }
                    throw ImportError(
                        .file,
                        """
                        \(what); it was put aside, and there is no whole file to make it from: sync or import \(name) again
                        """)
                }
                try done(manifest.feed, .success(.repaired(manifest)))
            } catch let error as ImportError {
                try done(stated, .failure(error))
            }
        }
    }

    /// Puts a manifest that cannot be read aside, beside its place, and makes it anew from the files that are kept.
    ///
    /// Of several files the oldest was in use; the newest then waits for a person. One alone may have waited as well: where
    /// many of its records cannot be used it does so again.
    ///
    /// - Parameters:
    ///   - known: what the configuration says of the feed; without it the manifest's own words count as far as they can be
    ///     read, and the file's content.
    /// - Returns: nil where there is no file to make one from.
    private func repair(_ name: String, known: FeedDefinition?, _ intake: FeedIntake) throws -> FeedManifest? {
        let home = "\(path)/\(name)"
        let broken = "\(home)/manifest.json"
        let rest = definition(salvaging: broken)
        var number = 1
        while access("\(broken).broken-\(number)", F_OK) == 0 { number += 1 }
        let files = try Self.entries(of: home).filter {
            $0.utf8.count == 64 && $0.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
        }.map { (name: $0, time: modified("\(home)/\($0)")) }.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        var revisions: [FeedManifest.Revision] = []
        var suspicion: String?
        var feed = known ?? rest
        for file in files {
            let path = "\(home)/\(file.name)"
            // What is damaged as well is not put into use; it stays where it is until the feed comes anew.
            guard try DurableFile.digest(of: path) == file.name else { continue }
            if feed == nil, let kind = try kind(of: path) { feed = FeedDefinition(name: name, url: "", kind: kind) }
            guard let feed else { continue }
            let (counts, dated) = try intake.read(path, feed)
            guard counts.stored > 0 else { continue }
            try DurableFile.write(FeedIntake.quarantine(counts), to: "\(path).quarantine.jsonl")
            let revision = FeedManifest.Revision(
                digest: file.name, bytes: fileSize(path), fetched: min(file.time, intake.now()),
                imported: intake.now(), dated: dated, counts)
            suspicion = intake.quarantine(of: revision, counts)
            revisions.append(revision)
        }
        // A copy of the broken one is kept; its place is never empty: a feed without a manifest would not be listed, and what
        // it says would be missing without a word.
        guard link(broken, "\(broken).broken-\(number)") == 0 else { throw ImportError.system("put aside", broken) }
        DurableFile.sync(folder: home)
        guard let feed, let first = revisions.first else {
            guard let feed else {
                // Nothing says what it was: only the copy tells.
                unlink(broken)
                return nil
            }
            var empty = FeedManifest(feed: feed)
            empty.failure = "its manifest could not be read, and none of its files is whole"
            try write(empty)
            return nil
        }
        var manifest = FeedManifest(feed: feed)
        manifest.revision = first
        if revisions.count == 1, let reason = suspicion {
            manifest.revision = nil
            manifest.held = FeedManifest.Held(
                revision: first, reason: "its manifest could not be read, and \(reason)")
        } else if let last = revisions.last, last.digest != first.digest {
            manifest.held = FeedManifest.Held(
                revision: last, reason: "its manifest could not be read, and which of two files was in use is not known"
            )
        }
        try write(manifest)
        return manifest
    }

    /// What a manifest that cannot be used still says of its feed.
    private func definition(salvaging path: String) -> FeedDefinition? {
        guard let bytes = try? DurableFile.read(path, limit: 1 << 20),
            let json = try? JSONValue(parsing: bytes, limits: .facts), let feed = json["feed"],
            var object = try? JSONObject(feed)
        else { return nil }
        return try? FeedDefinition(&object)
    }

    /// The kind of the first document in a file that is of any.
    func kind(of path: String) throws -> FeedKind? {
        struct Found: Error {
            let kind: FeedKind
        }
        do {
            try Container(limits: limits, scratch: self.path).documents(of: path, name: path) { bytes, _, _ in
                if let kind = FeedSniffer.kind(of: bytes) { throw Found(kind: kind) }
            }
        } catch let found as Found {
            return found.kind
        }
        return nil
    }

    private func modified(_ path: String) -> Timestamp {
        var status = stat()
        guard stat(path, &status) == 0 else { return Timestamp(seconds: 0) }
        return Timestamp(seconds: Int64(status.st_mtim.tv_sec))
    }
}
