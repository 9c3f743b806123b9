import Digest
import FeedImport
import Feeds
import Glibc
public import Matching
import Timestamps

/// The catalogue of a folder of feeds, kept beside them and written anew when they change.
public struct CatalogueCache: Sendable {
    /// The folder of feeds: one that `fettle feeds` keeps, or any folder or file of feeds' documents.
    public let feeds: String
    /// The most files that a plain folder of feeds may have.
    public static let maximumFiles = 1_000_000

    /// The cache of a folder.
    public init(feeds: String) { self.feeds = feeds }

    private static let name = ".fettle-catalogue"
    /// How many catalogues the user's cache keeps, those that were used last.
    static let maximumKept = 4

    /// Opens the catalogue, and writes it first where there is none of these feeds.
    ///
    /// - Parameters:
    ///   - folder: where it is kept; nil for beside feeds that `fettle feeds` keeps, and in the user's cache for any other
    ///     folder, which is somebody else's to write to.
    ///   - say: told what takes long, and what was put aside.
    public func open(folder: String? = nil, say: (String) -> Void) throws -> Catalogue {
        try opened(folder: folder, say: say).catalogue
    }

    /// A catalogue, and why it is not kept.
    public struct Opened: Sendable {
        /// The catalogue.
        public var catalogue: Catalogue
        /// Why it is in memory alone; nil where it is kept in a file.
        public var notKept: String?
    }

    /// ``open(folder:say:)`` for whoever has to tell when a catalogue cannot be kept. A task that is cancelled breaks off.
    public func opened(folder: String? = nil, say: (String) -> Void) throws -> Opened {
        let fingerprint = try self.fingerprint()
        var places = [folder].compactMap(\.self)
        if folder == nil {
            if isKept { places.append("\(feeds)/\(Self.name)") }
            if let home = getenv("XDG_CACHE_HOME").map({ String(cString: $0) })
                ?? getenv("HOME").map({ String(cString: $0) + "/.cache" })
            {
                places.append("\(home)/fettle/catalogues")
            }
        }
        for place in places {
            let path = "\(place)/\(fingerprint)"
            guard access(path, R_OK) == 0 else { continue }
            // A damaged one is written anew.
            if let catalogue = try? VerifiedCatalogue.open(path) { return Opened(catalogue: catalogue) }
        }
        let bytes = try build(say: say)
        var notKept = "there is no folder to keep it in"
        for place in places {
            guard Self.makeFolder(place), access(place, W_OK) == 0 else {
                notKept = "\(place) cannot be written: \(String(cString: strerror(errno)))"
                continue
            }
            let path = "\(place)/\(fingerprint)"
            do {
                try CatalogueFile.write(bytes, to: path)
            } catch {
                say("the catalogue is not kept: \(error)")
                notKept = "\(error)"
                continue
            }
            // Beside the feeds there is one catalogue; the user's cache is shared by folders of feeds.
            VerifiedCatalogue.sweep(
                place, keeping: place.hasSuffix(Self.name) ? 1 : Self.maximumKept, always: fingerprint)
            return Opened(catalogue: try VerifiedCatalogue.open(path))
        }
        return Opened(catalogue: try Catalogue(bytes), notKept: notKept)
    }

    /// Reads all feeds into a catalogue's bytes.
    public func build(say: (String) -> Void) throws -> [UInt8] {
        var builder = CatalogueBuilder()
        let folder = FeedFolder(feeds)
        // A manifest that cannot be read is an error: what it names must not be read as plain files, nor be missing.
        let manifests = folder.isKept ? try folder.manifests() : []
        var quarantined = 0
        var whole = WholeFeeds()
        // As of when each feed speaks for each of its sources.
        var ageOfFeed: [String: [String: Timestamp]] = [:]
        if !manifests.isEmpty {
            guard manifests.contains(where: { $0.revision != nil }) else {
                throw MatchInputError("no feed in \(feeds) was ever fetched whole: fettle feeds status says why")
            }
            for manifest in manifests {
                guard let revision = manifest.revision else {
                    let why =
                        manifest.held != nil
                        ? "it waits for a person (fettle feeds accept \(manifest.feed.name))"
                        : manifest.failure ?? "it was never fetched"
                    say("\(manifest.feed.name) is not in use: \(why)")
                    continue
                }
                quarantined += revision.quarantined
                if revision.quarantined + revision.alarmed + revision.unknown > 0 {
                    whole.noteLoss(of: manifest.feed.name)
                }
            }
            var ages: [String: SourceAge] = [:]
            var last = (feed: "", source: "")
            try folder.records { manifest, record in
                try Task.checkCancellation()
                let source = Self.source(of: record)
                if source != last.source || manifest.feed.name != last.feed {
                    ages[source, default: SourceAge()].add(manifest)
                    var own = SourceAge()
                    own.add(manifest)
                    ageOfFeed[manifest.feed.name, default: [:]][source] = own.date
                    last = (manifest.feed.name, source)
                }
                whole.note(record, feed: manifest.feed.name, kind: manifest.feed.kind)
                try builder.add(record)
            }
            for (source, age) in ages.sorted(by: { $0.key < $1.key }) where !source.isEmpty {
                builder.setFeed(source, date: age.date, revision: age.revision)
            }
        } else {
            let files = try Self.files(of: feeds)
            guard !files.isEmpty else {
                throw MatchInputError("\(feeds) has no feeds: run fettle feeds sync, or give a folder of their files")
            }
            // What lies open in a folder is one document a file; what is no feed is told and passed over.
            var unknown = 0
            var undated: [String: Timestamp] = [:]
            var dated: Set<String> = []
            for file in files {
                let written = Self.written(file)
                var newest: [String: Timestamp] = [:]
                let never = Timestamp(milliseconds: .min)
                let counts = try FeedFile(file).records { record in
                    try Task.checkCancellation()
                    whole.note(record, feed: file, kind: nil)
                    if case .advisory(let advisory) = record {
                        if let date = advisory.modified ?? advisory.published {
                            dated.insert(advisory.source)
                            newest[advisory.source] = max(newest[advisory.source] ?? date, date)
                        } else if let written {
                            undated[advisory.source] = min(undated[advisory.source] ?? written, written)
                            newest[advisory.source] = newest[advisory.source] ?? never
                        }
                    }
                    try builder.add(record)
                }
                // A file that dates nothing is as old as it was written.
                ageOfFeed[file] = newest.compactMapValues { $0 == never ? written : $0 }
                quarantined += counts.quarantined
                if counts.quarantined + counts.alarmed + counts.unknownCount > 0 { whole.noteLoss(of: file) }
                unknown += counts.unknownCount
                for fault in counts.faults.prefix(5) { say("\(fault)") }
            }
            // A feed that dates nothing is as old as its file.
            for (source, date) in undated where !dated.contains(source) { builder.setFeed(source, date: date) }
            if unknown > 0 { say("\(unknown) documents in \(feeds) are no feed that is known here") }
        }
        try Task.checkCancellation()
        if quarantined > 0 {
            say(
                quarantined == 1
                    ? "1 record of the feeds was put aside; fettle feeds status says why"
                    : "\(quarantined) records of the feeds were put aside; fettle feeds status says why")
        }
        whole.claim(in: &builder) { ageOfFeed[$0]?[$1] }
        return try builder.bytes()
    }

    private static func written(_ file: String) -> Timestamp? {
        var status = stat()
        guard stat(file, &status) == 0 else { return nil }
        return Timestamp(seconds: Int64(status.st_mtim.tv_sec))
    }

    private static func source(of record: FeedRecord) -> String {
        switch record {
        case .advisory(let advisory): advisory.source
        case .exploited(let entry): entry.source
        case .likelihood(let likelihood): likelihood.source
        case .decisionPoints(let points): points.source
        case .weakness: ""
        }
    }

    /// Whether `fettle feeds` keeps the folder.
    private var isKept: Bool { FeedFolder(feeds).isKept }

    /// A name for the feeds' content, without reading it: of the revisions in use, or of names, sizes and times of plain files.
    public func fingerprint() throws -> String {
        var text = "catalogue 4\n"
        if isKept {
            for manifest in try FeedFolder(feeds).manifests() {
                let feed = manifest.feed
                text +=
                    "\(feed.name) \(manifest.revision?.digest ?? "-") \(feed.kind.rawValue) \(feed.source ?? "") \(feed.stream ?? "")\n"
            }
        } else {
            for file in try Self.files(of: feeds) {
                var status = stat()
                guard stat(file, &status) == 0 else { throw MatchInputError.system("read", file) }
                text += "\(file) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n"
            }
        }
        // The program that wrote it counts too: another one may read feeds better.
        var status = stat()
        if stat("/proc/self/exe", &status) == 0 { text += "\(status.st_size) \(status.st_mtim.tv_sec)\n" }
        return SHA256.hash(Array(text.utf8)).hex
    }

    /// All files below a folder, sorted; the file itself where it is one.
    private static func files(of path: String) throws -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw MatchInputError.system("read", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        var files: [String] = []
        var folders = [(path, 0)]
        while let (folder, depth) = folders.popLast() {
            guard let handle = opendir(folder) else { throw MatchInputError.system("read", folder) }
            defer { closedir(handle) }
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard !name.hasPrefix(".") else { continue }
                let full = "\(folder)/\(name)"
                guard stat(full, &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    if depth < 16 { folders.append((full, depth + 1)) }
                } else if status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 {
                    files.append(full)
                }
                guard files.count <= maximumFiles else {
                    throw MatchInputError(
                        "\(path) has more than \(maximumFiles) files: import it with fettle feeds import")
                }
            }
        }
        return files.sorted()
    }

    private static func makeFolder(_ path: String) -> Bool {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made == "/" ? String(part) : "/\(part)"
            if !made.isEmpty, access(made, F_OK) != 0, mkdir(made, 0o755) != 0, errno != EEXIST { return false }
        }
        return true
    }
}
