import Glibc
public import Timestamps

/// Takes feeds in from files: a feed's file, a folder of them, or a bundle.
public struct FeedImporter: Sendable {
    private let folder: FeedFolder
    private let configuration: FeedConfiguration
    private let acceptsShrink: Bool
    private let acceptsUnsigned: Bool
    private let unsigned: @Sendable (String) -> Void
    private let now: @Sendable () -> Timestamp
    private let progress: @Sendable (FeedProgress) -> Void

    /// An import into a folder.
    ///
    /// - Parameters:
    ///   - acceptsUnsigned: whether feeds that have a keyring are taken where no signature comes with them.
    ///   - unsigned: told the name of each feed that is taken so.
    public init(
        _ folder: FeedFolder, _ configuration: FeedConfiguration, acceptsShrink: Bool = false,
        acceptsUnsigned: Bool = false, unsigned: @escaping @Sendable (String) -> Void = { _ in },
        now: @escaping @Sendable () -> Timestamp, progress: @escaping @Sendable (FeedProgress) -> Void = { _ in }
    ) {
        self.folder = folder
        self.configuration = configuration
        self.acceptsShrink = acceptsShrink
        self.acceptsUnsigned = acceptsUnsigned
        self.unsigned = unsigned
        self.now = now
        self.progress = progress
    }

    /// What a caller says of the feed that a path holds.
    public struct Naming: Sendable {
        /// The feed's name; nil for one of the file's own.
        public var name: String?
        /// What its documents are; nil where they tell.
        public var kind: FeedKind?
        /// Whose word it is.
        public var source: String?
        /// The stream of all its records.
        public var stream: String?

        /// Nothing said.
        public init(name: String? = nil, kind: FeedKind? = nil, source: String? = nil, stream: String? = nil) {
            self.name = name
            self.kind = kind
            self.source = source
            self.stream = stream
        }
    }

    /// Imports what is at a path.
    ///
    /// - Parameter done: told what became of each feed, or of each file that is none.
    public func run(
        _ path: String, _ naming: Naming = Naming(), done: (String, Result<FeedOutcome, ImportError>) throws -> Void
    ) throws {
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        var status = stat()
        guard stat(path, &status) == 0 else { throw ImportError.system("read", path) }
        try folder.repairBroken(configuration, now: now, progress: progress) { try done($0.name, $1) }
        if status.st_mode & S_IFMT == S_IFDIR {
            try importFolder(path, naming, done)
        } else if FeedBundle.isBundle(path) {
            try importBundle(path, naming, done)
        } else {
            try attempt(naming.name ?? path, done) { try importFile(path, naming) }
        }
    }

    private func attempt(
        _ name: String, _ done: (String, Result<FeedOutcome, ImportError>) throws -> Void,
        _ body: () throws -> FeedOutcome
    ) throws {
        do {
            let outcome = try body()
            try done(outcome.manifest.feed.name, .success(outcome))
        } catch let error as ImportError {
            try done(name, .failure(error))
        }
    }

    private var intake: FeedIntake {
        FeedIntake(
            folder: folder, maximumShrink: configuration.maximumShrink,
            maximumQuarantine: configuration.maximumQuarantine, acceptsShrink: acceptsShrink, now: now,
            progress: progress)
    }

    // MARK: - Bundles

    private func importBundle(
        _ path: String, _ naming: Naming, _ done: (String, Result<FeedOutcome, ImportError>) throws -> Void
    ) throws {
        let arrived = try FeedBundle.unpack(path, folder)
        defer { for (_, file) in arrived { unlink(file) } }
        for (manifest, file) in arrived {
            guard let revision = manifest.revision else { continue }
            if let wanted = naming.name, wanted != manifest.feed.name { continue }
            try attempt(manifest.feed.name, done) {
                // A bundle that is older than what is here must not turn it back.
                if let here = try folder.manifest(manifest.feed.name), let own = here.revision,
                    own.fetched > revision.fetched,
                    own.digest != revision.digest, !acceptsShrink
                {
                    throw ImportError(
                        .refused,
                        """
                        \(manifest.feed.name): the bundle's is of \(revision.fetched), the one in use is of \(own.fetched); \
                        to go back to the older say --accept-shrink
                        """)
                }
                let feed = try own(manifest.feed)
                // What is in use already may come again.
                if try folder.manifest(feed.name)?.revision?.digest != revision.digest {
                    try verify(
                        file, feed, signature: nil, of: "\(path): \(feed.name)",
                        why: "a bundle carries no signature along")
                }
                // A bundle's word on what the address answered would keep altered files in use: the next sync asks anew.
                return try intake.take(
                    file, for: feed, fetched: revision.fetched, validators: FeedValidators(),
                    digest: revision.digest)
            }
        }
    }

    /// The feed of a bundle as it is known here: where it comes from and how it is read is this site's own to say.
    private func own(_ theirs: FeedDefinition) throws -> FeedDefinition {
        guard let ours = try configuration.feed(theirs.name) ?? folder.manifest(theirs.name)?.feed else {
            guard theirs.kind != .openVEX, theirs.kind != .cycloneDX else {
                throw ImportError(
                    .refused,
                    """
                    \(theirs.name): documents of this kind are heard before every other feed, and no feed of that name is \
                    known here; name it in feeds.json first where you trust who made the bundle
                    """)
            }
            // One that is new here has no address: nothing is fetched from where only a bundle said.
            var feed = FeedDefinition(name: theirs.name, url: "", kind: theirs.kind)
            (feed.source, feed.stream) = (theirs.source, theirs.stream)
            return feed
        }
        let differing = [
            ("kind", ours.kind.rawValue, theirs.kind.rawValue),
            ("source", ours.source ?? ours.kind.defaultSource, theirs.source ?? theirs.kind.defaultSource),
            ("stream", ours.stream ?? "", theirs.stream ?? ""),
        ].first { $0.1 != $0.2 }
        if let (what, own, other) = differing {
            throw ImportError(
                .refused,
                """
                \(theirs.name): its \(what) is "\(other)" in the bundle and "\(own)" here; a bundle does not change how a \
                feed is read: change feeds.json, or say fettle feeds remove \(theirs.name) first
                """)
        }
        return ours
    }

    // MARK: - Signatures

    /// Holds a file to the feed's keyring, as a sync does. A signature that is not right is refused whatever was said.
    ///
    /// - Parameters:
    ///   - signature: where it lies; nil where there can be none.
    ///   - label: the file, as people know it.
    ///   - why: why there is none.
    private func verify(
        _ file: String, _ feed: FeedDefinition, signature: String?, of label: String, why: String
    ) throws {
        guard let keyring = feed.keyring else { return }
        if let signature, access(signature, F_OK) == 0 {
            return try DetachedSignature.verify(
                file, try DurableFile.read(signature, limit: 1 << 20), keyring: keyring,
                in: folder.makeFolder(of: feed.name), of: label)
        }
        guard acceptsUnsigned else {
            throw ImportError(
                .refused,
                """
                \(label): the feed \(feed.name) has a keyring (\(keyring)), and \(why); it was not taken. Where you trust \
                it for another reason say --accept-unsigned
                """)
        }
        unsigned(feed.name)
    }

    // MARK: - Files

    private func importFile(_ path: String, _ naming: Naming, label: String? = nil) throws -> FeedOutcome {
        let feed = try definition(path, naming, label: label ?? path)
        let home = try folder.makeFolder(of: feed.name)
        let part = "\(home)/import.part"
        try DurableFile.copy(path, to: part)
        do {
            switch feed.pointer {
            case .repository, .mirrorList:
                try verify(
                    part, feed, signature: nil, of: label ?? path,
                    why: "the vendor signs the repository's list (repomd.xml), which this file is not")
            default:
                try verify(
                    part, feed, signature: "\(path).asc", of: label ?? path, why: "\(path).asc is not there")
            }
        } catch {
            unlink(part)
            throw error
        }
        return try intake.take(part, for: feed, fetched: now(), validators: FeedValidators())
    }

    /// What a file is, by what was said, by the configuration's feed of that name or file name, by its content.
    private func definition(_ path: String, _ naming: Naming, label: String) throws -> FeedDefinition {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        var feed: FeedDefinition?
        if let name = naming.name {
            guard FeedDefinition.isName(name) else {
                throw ImportError(.usage, "\"\(name)\" is no name of a feed: a-z, 0-9, '.', '_', '-', at most 64")
            }
            feed = try configuration.feed(name) ?? folder.manifest(name)?.feed
        } else {
            let alike = configuration.feeds.filter { $0.url.hasSuffix("/\(last)") }
            if alike.count == 1, !["all.zip", "repomd.xml", "json", "security.json"].contains(last) { feed = alike[0] }
        }
        var kind = naming.kind ?? feed?.kind
        if kind == nil { kind = try folder.kind(of: path) }
        guard let kind else {
            throw ImportError(
                .refused,
                "\(label) is of no kind that is known; say --kind, one of \(FeedKind.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        var result = feed ?? FeedDefinition(name: naming.name ?? Self.name(kind, label), url: "", kind: kind)
        result.kind = kind
        if let source = naming.source { result.source = source }
        if let stream = naming.stream { result.stream = stream }
        return result
    }

    /// `osv/Debian/all.zip` is `osv-debian`, `updateinfo.xml` is `updateinfo`.
    private static func name(_ kind: FeedKind, _ path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        var last = parts.last ?? ""
        for suffix in [".gz", ".xz", ".zst", ".bz2", ".tar", ".zip", ".json", ".xml", ".csv", ".txt"]
        where last.lowercased().hasSuffix(suffix) {
            last = String(last.dropLast(suffix.count))
        }
        if ["all", "data", "feed", "current", "latest"].contains(last.lowercased()), parts.count > 1 {
            last = parts[parts.count - 2]
        }
        let own = FeedDefinition.name(from: last)
        if own == "feed" || own == kind.rawValue || own.hasPrefix(kind.rawValue) {
            return own == "feed" ? kind.rawValue : own
        }
        return FeedDefinition.name(from: "\(kind.rawValue)-\(own)")
    }

    // MARK: - Folders

    private func importFolder(
        _ path: String, _ naming: Naming, _ done: (String, Result<FeedOutcome, ImportError>) throws -> Void
    ) throws {
        let files = try Self.files(below: path, limit: folder.limits.maximumFiles)
        guard !files.isEmpty else { throw ImportError(.refused, "\(path) has no files") }
        if naming.name != nil {
            return try attempt(naming.name ?? path, done) { try importTogether(path, files, naming, label: path) }
        }
        // Records that lie loose are one feed a folder; everything else is a feed a file.
        var loose: [(key: String, files: [String])] = []
        for file in files {
            let full = "\(path)/\(file)"
            let kind: FeedKind?
            do {
                kind = try looseKind(full)
            } catch let error as ImportError {
                try done(full, .failure(error))
                continue
            }
            guard let kind else {
                try attempt(full, done) {
                    try importFile(
                        full, Naming(kind: naming.kind, source: naming.source, stream: naming.stream), label: file)
                }
                continue
            }
            let top =
                file.contains("/")
                ? String(file.prefix { $0 != "/" }) : (path.split(separator: "/").last.map(String.init) ?? "")
            let key = "\(kind.rawValue)/\(top)"
            if let index = loose.firstIndex(where: { $0.key == key }) {
                loose[index].files.append(file)
            } else {
                loose.append((key, [file]))
            }
        }
        for group in loose {
            var own = naming
            own.kind = naming.kind ?? FeedKind(rawValue: String(group.key.prefix { $0 != "/" }))
            try attempt(group.key, done) { try importTogether(path, group.files, own, label: group.key) }
        }
    }

    /// The kind of a file that is a single record; nil for all others.
    private func looseKind(_ path: String) throws -> FeedKind? {
        var kind: FeedKind?
        try MappedBytes.with(path: path) { bytes in
            guard ContainerFormat(bytes) == .plain, let found = FeedSniffer.kind(of: bytes), found.isRecordPerDocument
            else { return }
            kind = found
        }
        return kind
    }

    /// Files of one feed become one file, so that a revision is one thing.
    private func importTogether(
        _ path: String, _ files: [String], _ naming: Naming, label: String
    ) throws -> FeedOutcome {
        var kind = naming.kind ?? naming.name.flatMap { configuration.feed($0)?.kind }
        for file in files where kind == nil { kind = try folder.kind(of: "\(path)/\(file)") }
        var naming = naming
        naming.kind = kind
        let feed = try definition(path, naming, label: label)
        let part = "\(try folder.makeFolder(of: feed.name))/import.part"
        do {
            let tar = try TarWriter(part, compressed: true)
            for file in files { try tar.add(file, file: "\(path)/\(file)") }
            try tar.finish()
        } catch {
            unlink(part)
            throw error
        }
        do {
            try verify(
                part, feed, signature: nil, of: label, why: "many files together have no signature of the vendor's")
        } catch {
            unlink(part)
            throw error
        }
        return try intake.take(part, for: feed, fetched: now(), validators: FeedValidators())
    }

    /// All regular files below a folder, sorted; hidden ones, links and signatures beside files are passed over.
    private static func files(below path: String, limit: Int) throws -> [String] {
        var found: [String] = []
        var pending = [""]
        while let here = pending.popLast() {
            var folders: [String] = []
            for name in try FeedFolder.entries(of: here.isEmpty ? path : "\(path)/\(here)") where !name.hasPrefix(".") {
                let relative = here.isEmpty ? name : "\(here)/\(name)"
                var status = stat()
                guard lstat("\(path)/\(relative)", &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    folders.append(relative)
                } else if status.st_mode & S_IFMT == S_IFREG {
                    found.append(relative)
                }
                guard found.count <= limit else { throw ImportError(.refused, "\(path) has more than \(limit) files") }
            }
            pending += folders.reversed()
        }
        let all = Set(found)
        found.removeAll { $0.hasSuffix(".asc") && all.contains(String($0.dropLast(4))) }
        return found.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
