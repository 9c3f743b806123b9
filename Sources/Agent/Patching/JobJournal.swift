import Digest
import Glibc
public import JSON
public import Rollout
public import Timestamps

/// The journal of one job on its host: one file, append-only, one line a record, that survives a crash at any byte.
///
/// A line is sixteen digits of the SHA-256 of the record's canonical JSON, a blank, that JSON, and a line feed. Each record
/// names the one before by its digest. A record is synced to the disk before ``append(_:)`` returns, and so before the
/// effect that it announces. A torn end was never confirmed to anybody and is cut off; damage before the end is never
/// skipped: ``damage`` says what it is, and the job is flagged.
public struct JobJournal: Sendable {
    /// The file's name in the job's folder.
    public static let file = "journal"
    /// The most bytes of a journal.
    public static let maximumBytes = 32 << 20
    /// The most records.
    public static let maximumCount = Int(JobEntry.maximumCount)
    /// What notes must leave to the records that matter.
    private static let share = 8
    private static let markBytes = 16

    /// The records, oldest first.
    public private(set) var entries: [JobEntry] = []
    /// Why the journal cannot be trusted; nil where it can.
    public let damage: String?
    /// The file's size.
    public private(set) var bytes = 0
    private let folder: DurableFolder
    private let job: String

    /// Opens the journal of that job, or makes it; a torn end is cut off.
    ///
    /// - Throws: ``SystemError`` where the disk refuses.
    public init(_ folder: DurableFolder, job: String) throws(SystemError) {
        self.folder = folder
        self.job = job
        guard let content = try folder.read(Self.file, limit: Self.maximumBytes + (1 << 20)) else {
            damage = nil
            CrashPoint.pass("before journal is made")
            try folder.replace(Self.file, with: [])
            CrashPoint.pass("after journal is made")
            return
        }
        let read = Self.parse(content, job: job)
        entries = read.entries
        damage = read.damage
        bytes = read.whole
        if read.damage == nil, read.whole < content.count {
            CrashPoint.pass("before torn end is cut")
            try folder.truncate(Self.file, to: read.whole)
            CrashPoint.pass("after torn end is cut")
        }
    }

    /// What a record is to say; number, time, boot and chain are the journal's own.
    public struct Draft: Hashable, Sendable {
        /// In which phase.
        public var phase: JobPhase
        /// Which step of the phase.
        public var step: Int64
        /// What it says.
        public var kind: JobEntry.Kind
        /// One sentence.
        public var text: String
        /// The facts.
        public var detail: JSONValue

        /// A record to be.
        public init(_ phase: JobPhase, _ kind: JobEntry.Kind, step: Int64 = 0, text: String, detail: JSONValue = [:]) {
            self.phase = phase
            self.step = step
            self.kind = kind
            self.text = text
            self.detail = detail
        }
    }

    /// The record that ``append(_:)`` takes next for that draft.
    public func next(_ draft: Draft, time: Timestamp, bootID: String?) -> JobEntry {
        JobEntry(
            job: job, ordinal: Int64(entries.count) + 1, time: time, bootID: bootID, phase: draft.phase,
            step: draft.step, kind: draft.kind, text: draft.text.cut(to: 2000), detail: draft.detail,
            previous: entries.last?.digest ?? JobEntry.origin)
    }

    /// Appends a record; it is on the disk when this returns.
    ///
    /// - Throws: ``SystemError``; EFBIG where the journal is full, EINVAL for a record that does not continue it.
    public mutating func append(_ entry: JobEntry) throws(SystemError) {
        let path = folder.path(of: Self.file)
        guard damage == nil, entry.job == job, entry.ordinal == Int64(entries.count) + 1,
            entry.previous == entries.last?.digest ?? JobEntry.origin
        else { throw SystemError("continue", path, code: EINVAL) }
        let line = Self.line(entry)
        let isNote = entry.kind == .note
        guard line.count <= JobEntry.maximumDetailBytes + 16_384,
            bytes + line.count <= Self.maximumBytes - (isNote ? Self.maximumBytes / Self.share : 0),
            entries.count < Self.maximumCount - (isNote ? Self.maximumCount / Self.share : 0)
        else { throw SystemError("append to", path, code: EFBIG) }
        CrashPoint.pass("before \(entry.ordinal) \(entry.phase.rawValue) \(entry.step) \(entry.kind.rawValue)")
        try folder.append(line, to: Self.file)
        CrashPoint.pass("after \(entry.ordinal) \(entry.phase.rawValue) \(entry.step) \(entry.kind.rawValue)")
        entries.append(entry)
        bytes += line.count
    }

    static func line(_ entry: JobEntry) -> [UInt8] {
        let text = entry.json.canonicalBytes()
        return Array(SHA256.hash(text).hex.utf8.prefix(markBytes)) + [0x20] + text + [0x0A]
    }

    /// What a journal's bytes say.
    public struct Reading: Sendable {
        /// The records up to the end or to the first damage.
        public var entries: [JobEntry] = []
        /// What is wrong before the end.
        public var damage: String?
        /// How many bytes hold whole records.
        public var whole = 0
    }

    /// Reads a journal without changing it: the executor follows one that is being written.
    public static func read(_ folder: DurableFolder, job: String) throws(SystemError) -> Reading {
        parse(try folder.read(file, limit: maximumBytes + (1 << 20)) ?? [], job: job)
    }

    /// Reads a journal's bytes.
    public static func parse(_ content: [UInt8], job: String) -> Reading {
        var reading = Reading()
        var previous = JobEntry.origin
        while reading.whole < content.count {
            let rest = content[reading.whole...]
            let number = reading.entries.count + 1
            guard let end = rest.firstIndex(of: 0x0A) else { return reading }
            let line = rest[..<end]
            guard let entry = entry(of: line) else {
                // A write that the power cut may leave zeros where its blocks did not arrive; only ever at the end.
                if line.contains(0), end == content.count - 1 { return reading }
                reading.damage = "line \(number) of the journal does not match its checksum"
                return reading
            }
            guard entry.job == job, entry.ordinal == Int64(number), entry.previous == previous else {
                reading.damage = "line \(number) of the journal does not continue the one before it"
                return reading
            }
            previous = entry.digest
            reading.entries.append(entry)
            reading.whole = end + 1
        }
        return reading
    }

    private static func entry(of line: ArraySlice<UInt8>) -> JobEntry? {
        guard line.count > markBytes + 1, line[line.startIndex + markBytes] == 0x20 else { return nil }
        let text = Array(line.dropFirst(markBytes + 1))
        guard Array(SHA256.hash(text).hex.utf8.prefix(markBytes)) == Array(line.prefix(markBytes)),
            let value = try? JSONValue(parsing: text, limits: .facts)
        else { return nil }
        return try? JobEntry(json: value)
    }
}

extension String {
    /// The text's beginning of at most that many bytes of UTF-8.
    func cut(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var result = ""
        var count = 0
        for character in self {
            count += character.utf8.count
            if count > bytes - 3 { break }
            result.append(character)
        }
        return result + "…"
    }
}

extension DurableFolder {
    /// Cuts a file off and syncs it.
    func truncate(_ name: String, to size: Int) throws(SystemError) {
        let descriptor = open(path(of: name), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError("open", path(of: name)) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw SystemError("cut", path(of: name)) }
        guard fsync(descriptor) == 0 else { throw SystemError("sync", path(of: name)) }
    }
}
