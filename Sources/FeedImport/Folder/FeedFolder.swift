public import Feeds
import Glibc
import JSON

/// The folder that keeps feeds: for each a folder of its name with a manifest, the file of the revision in use (named by its
/// SHA-256), what was put aside of it, and a newer revision that waits for a person.
///
/// A revision is used from the moment its manifest is in place; until then, and after any failure, it is the former one.
public struct FeedFolder: Sendable {
    /// Where it is.
    public let path: String
    /// What bounds a file that is read.
    public var limits = ImportLimits()

    /// The folder at a path; it is made when something is first written.
    public init(_ path: String) { self.path = path }

    /// The configuration: `feeds.json` in the folder, else what is built in.
    public func configuration() throws -> FeedConfiguration {
        let file = "\(path)/feeds.json"
        guard access(file, F_OK) == 0 else { return .builtIn }
        return try FeedConfiguration(parsing: DurableFile.read(file, limit: 1 << 20), path: file)
    }

    /// The feeds that are kept, by name.
    ///
    /// - Throws: ``ImportError`` where a manifest cannot be read: a feed that is there must not be passed over.
    public func manifests() throws -> [FeedManifest] {
        try names().compactMap { try manifest($0) }
    }

    /// What is known of one feed; nil where it is not kept.
    public func manifest(_ name: String) throws -> FeedManifest? {
        guard FeedDefinition.isName(name) else { return nil }
        let file = "\(path)/\(name)/manifest.json"
        guard access(file, F_OK) == 0 else { return nil }
        return try FeedManifest(parsing: DurableFile.read(file, limit: 1 << 20), path: file)
    }

    /// The file of the revision in use; nil where there is none yet.
    public func file(of manifest: FeedManifest) -> FeedFile? {
        guard let revision = manifest.revision else { return nil }
        return file(of: manifest, revision)
    }

    func file(of manifest: FeedManifest, _ revision: FeedManifest.Revision) -> FeedFile {
        FeedFile(
            "\(path)/\(manifest.feed.name)/\(revision.digest)", name: manifest.feed.name,
            reading: manifest.feed.reading,
            limits: limits, scratch: "\(path)/\(manifest.feed.name)")
    }

    /// Where what was put aside of a revision is told, a JSON object a line.
    public func quarantineFile(of name: String, _ revision: FeedManifest.Revision) -> String {
        "\(path)/\(name)/\(revision.digest).quarantine.jsonl"
    }

    /// The feeds whose manifest cannot be read, with why.
    public func broken() throws -> [(name: String, reason: ImportError)] {
        try names().compactMap { name in
            do {
                _ = try manifest(name)
                return nil
            } catch let error as ImportError {
                return (name, error)
            }
        }
    }

    /// Whether feeds are kept here, readable or not: a folder of feeds is never taken for a plain folder of files.
    public var isKept: Bool { ((try? names()) ?? []).isEmpty == false }

    /// The names of the feeds that are kept.
    public func names() throws -> [String] {
        guard access(path, F_OK) == 0 else { return [] }
        return try Self.entries(of: path).filter {
            FeedDefinition.isName($0) && access("\(path)/\($0)/manifest.json", F_OK) == 0
        }
    }

    /// Names in a folder, sorted.
    static func entries(of path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw ImportError.system("read", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    // MARK: - Changing

    /// Keeps everybody else from changing the folder for as long as the lock lives.
    final class Lock {
        let descriptor: Int32
        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit {
            // Closing alone leaves it locked while a child that was forked meanwhile, and has not begun its program yet, has
            // a copy of the descriptor.
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
    }

    func lock() throws -> Lock {
        try DurableFile.makeFolder(path)
        let file = "\(path)/.lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ImportError.system("written", file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw ImportError(.file, "another sync or import works in \(path); wait for its end")
        }
        return Lock(descriptor)
    }

    /// The feed's own folder, made where it is not there.
    func makeFolder(of name: String) throws -> String {
        let folder = "\(path)/\(name)"
        try DurableFile.makeFolder(folder)
        return folder
    }

    func write(_ manifest: FeedManifest) throws {
        let folder = try makeFolder(of: manifest.feed.name)
        try DurableFile.write(manifest.json.canonicalBytes() + [10], to: "\(folder)/manifest.json")
        sweep(manifest)
    }

    /// Deletes the files that no manifest names any more.
    private func sweep(_ manifest: FeedManifest) {
        let folder = "\(path)/\(manifest.feed.name)"
        let kept = [manifest.revision?.digest, manifest.held?.revision.digest].compactMap { $0 }
        for name in (try? Self.entries(of: folder)) ?? [] {
            let digest = name.prefix(64)
            guard digest.utf8.count == 64, digest.allSatisfy(\.isHexDigit), !kept.contains(String(digest)) else {
                continue
            }
            unlink("\(folder)/\(name)")
        }
    }

    /// Takes a feed out, with all its files.
    ///
    /// - Throws: ``ImportError`` where there is no such feed.
    public func remove(_ name: String) throws {
        // Whether its manifest can be read does not matter any more.
        guard try names().contains(name) else { throw ImportError(.usage, "there is no feed \(name) in \(path)") }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let folder = "\(path)/\(name)"
        unlink("\(folder)/manifest.json")
        for file in try Self.entries(of: folder) { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    /// Puts a revision that waited into use.
    ///
    /// - Throws: ``ImportError`` where none waits.
    @discardableResult
    public func accept(_ name: String) throws -> FeedManifest {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        guard var manifest = try manifest(name) else {
            throw ImportError(.usage, "there is no feed \(name) in \(path)")
        }
        guard let held = manifest.held else { throw ImportError(.usage, "nothing of \(name) waits to be accepted") }
        guard try isWhole(name, held.revision, reading: true) else {
            throw ImportError(.file, "the file that waits is damaged; say: fettle feeds sync \(name)")
        }
        manifest.revision = held.revision
        manifest.held = nil
        try write(manifest)
        return manifest
    }

    // MARK: - Reading

    /// Calls `store` for every record of every feed that is kept, feed by feed.
    ///
    /// - Throws: ``ImportError`` where a file is not what it was when it was imported.
    public func records(_ store: (FeedManifest, FeedRecord) throws -> Void) throws {
        for manifest in try manifests() {
            guard let file = file(of: manifest), let revision = manifest.revision else { continue }
            do {
                _ = try file.records { try store(manifest, $0) }
            } catch let error as ImportError {
                guard try isWhole(manifest.feed.name, revision, reading: true) else {
                    noteDamage(of: manifest.feed.name)
                    throw ImportError(
                        .file,
                        """
                        \(file.path) is not what was imported (\(error)); say: fettle feeds sync --verify \
                        \(manifest.feed.name), or import it again
                        """)
                }
                throw error
            }
        }
    }
}
