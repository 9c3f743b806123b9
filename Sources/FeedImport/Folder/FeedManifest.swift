public import JSON
public import Timestamps

/// What is known of a feed that is kept: one file beside its revision.
public struct FeedManifest: Sendable, Hashable {
    /// One state of a feed's file.
    public struct Revision: Sendable, Hashable {
        /// SHA-256 of the file, in hexadecimal: its name as well.
        public var digest: String
        /// The file's size in bytes.
        public var bytes: Int64
        /// When it came to this machine.
        public var fetched: Timestamp
        /// When its records were counted.
        public var imported: Timestamp
        /// The newest date in it, or the source's own date of the file; nil where there is none.
        public var dated: Timestamp?
        /// Records that were given out.
        public var stored: Int
        /// Records that were put aside.
        public var quarantined: Int
        /// Statements that were given up.
        public var alarmed: Int
        /// Fields without a use.
        public var unmapped: Int
        /// Documents of no kind that is known.
        public var unknown: Int
        /// What the records say of packages; nil of a revision that was counted before this was.
        public var statements: Int?
        /// How much of that says that versions are affected.
        public var affecting: Int?

        /// Records in all.
        public var records: Int { stored + quarantined }
        /// How many of them were put aside, from 0 to 1.
        var quarantinedShare: Double { records == 0 ? 0 : Double(quarantined) / Double(records) }

        init(
            digest: String, bytes: Int64, fetched: Timestamp, imported: Timestamp, dated: Timestamp?,
            _ counts: FeedCounts
        ) {
            self.init(
                digest: digest, bytes: bytes, fetched: fetched, imported: imported, dated: dated, stored: counts.stored,
                quarantined: counts.quarantined, alarmed: counts.alarmed, unmapped: counts.unmappedCount,
                unknown: counts.unknownCount, statements: counts.statements, affecting: counts.affecting)
        }

        init(
            digest: String, bytes: Int64, fetched: Timestamp, imported: Timestamp, dated: Timestamp?, stored: Int,
            quarantined: Int, alarmed: Int, unmapped: Int, unknown: Int, statements: Int?, affecting: Int?
        ) {
            (self.digest, self.bytes, self.fetched, self.imported) = (digest, bytes, fetched, imported)
            (self.dated, self.stored, self.quarantined, self.alarmed) = (dated, stored, quarantined, alarmed)
            (self.unmapped, self.unknown, self.statements, self.affecting) = (unmapped, unknown, statements, affecting)
        }
    }

    /// A newer revision that waits for a person.
    public struct Held: Sendable, Hashable {
        /// The revision.
        public var revision: Revision
        /// Why it waits.
        public var reason: String
    }

    /// The feed as it was when it was last fetched or imported.
    public var feed: FeedDefinition
    /// The revision in use; nil before the first.
    public var revision: Revision?
    /// The one that waits.
    public var held: Held?
    /// The source's validators of ``revision``, or of the held one where one is held.
    public var entityTag: String?
    /// The source's date of the file.
    public var lastModified: String?
    /// When the source was last asked and answered.
    public var checked: Timestamp?
    /// Why the last try failed; nil after one that worked.
    public var failure: String?
    /// When that was.
    public var failed: Timestamp?

    init(feed: FeedDefinition) { self.feed = feed }

    /// What has to be done by a person, in a sentence; nil where nothing is.
    public func next(now: Timestamp, maximumAge: Int64) -> String? {
        if held != nil { return "look at it, then: fettle feeds accept \(feed.name)" }
        if failure != nil { return "see why it failed, then: fettle feeds sync \(feed.name)" }
        guard let revision else { return "fettle feeds sync \(feed.name)" }
        if now.seconds(since: max(checked ?? revision.fetched, revision.fetched)) > maximumAge {
            return feed.url.isEmpty ? "import a newer one" : "it is old: fettle feeds sync \(feed.name)"
        }
        return nil
    }

    /// As the file has it.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["format": 1, "feed": feed.json]
        if let revision { members["revision"] = Self.json(revision) }
        if let held {
            members["held"] = .object(["revision": Self.json(held.revision), "reason": .string(held.reason)])
        }
        if let entityTag { members["entityTag"] = .string(entityTag) }
        if let lastModified { members["lastModified"] = .string(lastModified) }
        if let checked { members["checked"] = .string(checked.description) }
        if let failure { members["failure"] = .string(failure) }
        if let failed { members["failed"] = .string(failed.description) }
        return .object(members)
    }

    init(parsing bytes: [UInt8], path: String) throws {
        do {
            var object = try JSONObject(
                try JSONValue(
                    parsing: bytes,
                    limits: JSONLimits(
                        maximumBytes: 1 << 20, maximumDepth: 8, maximumItems: 10_000, maximumStringBytes: 64 << 10)))
            _ = try object.integer("format", in: 1...1)
            // One that was imported by hand has no address.
            var feed = try object.object("feed")
            self.init(feed: try FeedDefinition(&feed))
            if var revision = try object.optionalObject("revision") { self.revision = try Self.revision(&revision) }
            if var held = try object.optionalObject("held") {
                var revision = try held.object("revision")
                self.held = Held(
                    revision: try Self.revision(&revision), reason: try held.string("reason", maximumBytes: 4096))
            }
            entityTag = try object.optionalString("entityTag", maximumBytes: 4096)
            lastModified = try object.optionalString("lastModified", maximumBytes: 4096)
            checked = try object.optionalString("checked").flatMap(Timestamp.init(rfc3339:))
            failure = try object.optionalString("failure", maximumBytes: 64 << 10)
            failed = try object.optionalString("failed").flatMap(Timestamp.init(rfc3339:))
        } catch {
            throw ImportError(
                .file,
                """
                \(path) cannot be read: \(error); the next fettle feeds sync, import or accept puts it aside and makes it \
                anew from the feed's files
                """)
        }
    }

    private static func json(_ revision: Revision) -> JSONValue {
        var members: [String: JSONValue] = [
            "sha256": .string(revision.digest), "bytes": .integer(revision.bytes),
            "fetched": .string(revision.fetched.description), "imported": .string(revision.imported.description),
            "stored": .integer(Int64(revision.stored)), "quarantined": .integer(Int64(revision.quarantined)),
            "alarmed": .integer(Int64(revision.alarmed)), "unmapped": .integer(Int64(revision.unmapped)),
            "unknown": .integer(Int64(revision.unknown)),
        ]
        if let dated = revision.dated { members["dated"] = .string(dated.description) }
        if let count = revision.statements { members["statements"] = .integer(Int64(count)) }
        if let count = revision.affecting { members["affecting"] = .integer(Int64(count)) }
        return .object(members)
    }

    private static func revision(_ object: inout JSONObject) throws -> Revision {
        let digest = try object.string("sha256")
        guard digest.utf8.count == 64,
            digest.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) })
        else { throw ImportError(.file, "/sha256 is no digest") }
        func time(_ key: String) throws -> Timestamp {
            guard let time = Timestamp(rfc3339: try object.string(key)) else {
                throw ImportError(.file, "/\(key) is no time")
            }
            return time
        }
        func count(_ key: String) throws -> Int { Int(try object.integer(key, in: 0...Int64(1) << 48)) }
        func optionalCount(_ key: String) throws -> Int? {
            try object.optionalInteger(key, in: 0...Int64(1) << 48).map { Int($0) }
        }
        return Revision(
            digest: digest, bytes: try object.integer("bytes", in: 0...Int64(1) << 48), fetched: try time("fetched"),
            imported: try time("imported"), dated: try object.optionalString("dated").flatMap(Timestamp.init(rfc3339:)),
            stored: try count("stored"), quarantined: try count("quarantined"), alarmed: try count("alarmed"),
            unmapped: try count("unmapped"), unknown: try count("unknown"),
            statements: try optionalCount("statements"), affecting: try optionalCount("affecting"))
    }
}
