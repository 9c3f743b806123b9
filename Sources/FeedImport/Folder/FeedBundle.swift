import CArchive
import Crypto
import Glibc
import JSON
public import Timestamps

/// One archive with all feeds in use, for sites without a network: a tar whose first entry lists the feeds with the SHA-256
/// of each file.
public enum FeedBundle {
    /// The first entry.
    static let list = "fettle-feeds.json"

    /// What was written.
    public struct Written: Sendable {
        /// The feeds in it.
        public let feeds: [FeedManifest]
        /// The size of the file.
        public let bytes: Int64
        /// The SHA-256 of the file in hexadecimal, as `sha256sum` prints it: of what was written, before it was put in its
        /// place, so that another program that writes there changes neither.
        public let digest: String
    }

    /// Writes a bundle.
    ///
    /// - Parameters:
    ///   - names: the feeds; all that are in use where there are none.
    ///   - path: the file, written beside its place and renamed.
    /// - Returns: what is in it, with its digest.
    /// - Throws: ``ImportError`` where a feed is not there, or a file is not what its manifest says.
    @discardableResult
    public static func write(
        _ folder: FeedFolder, names: [String] = [], to path: String, now: Timestamp
    ) throws -> Written {
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        var chosen: [FeedManifest] = []
        if names.isEmpty {
            chosen = try folder.manifests().filter { $0.revision != nil }
        } else {
            for name in names {
                guard let manifest = try folder.manifest(name), manifest.revision != nil else {
                    throw ImportError(.usage, "there is no feed \(name) in use in \(folder.path)")
                }
                chosen.append(manifest)
            }
        }
        guard !chosen.isEmpty else {
            throw ImportError(.usage, "\(folder.path) has no feed in use; sync or import some first")
        }
        let part = path + ".new"
        do {
            let tar = try TarWriter(part, compressed: path.hasSuffix(".zst"))
            let feeds: [JSONValue] = chosen.map { manifest in
                var copy = manifest
                // What waits here, or went wrong here, is no business of the other side.
                (copy.held, copy.failure, copy.failed) = (nil, nil, nil)
                return copy.json
            }
            let document: JSONValue = [
                "format": 1, "made": .string(now.description), "feeds": .array(feeds),
            ]
            try tar.add(list, document.canonicalBytes())
            for manifest in chosen {
                guard let revision = manifest.revision, let file = folder.file(of: manifest) else { continue }
                guard try DurableFile.digest(of: file.path) == revision.digest else {
                    throw ImportError(.refused, "\(file.path) is damaged; sync or import \(manifest.feed.name) again")
                }
                try tar.add("\(manifest.feed.name)/\(revision.digest)", file: file.path)
            }
            try tar.finish()
            let written = Written(feeds: chosen, bytes: fileSize(part), digest: try DurableFile.digest(of: part))
            try DurableFile.place(part, path)
            return written
        } catch {
            unlink(part)
            throw error
        }
    }

    /// Whether a file is a bundle.
    static func isBundle(_ path: String) -> Bool {
        guard let reader = try? TarReader(path) else { return false }
        return (try? reader.next()) == list
    }

    /// Unpacks a bundle into the feeds' folders and compares every digest; nothing is in use by that.
    ///
    /// - Returns: for each feed its manifest and the file that came.
    static func unpack(_ path: String, _ folder: FeedFolder) throws -> [(FeedManifest, String)] {
        func wrong(_ reason: String) -> ImportError {
            ImportError(.refused, "\(path): \(reason); nothing of the bundle was taken; make or copy it again")
        }
        let reader = try TarReader(path)
        guard try reader.next() == list else { throw wrong("it is no bundle of feeds") }
        var bytes: [UInt8] = []
        try reader.content { piece in
            bytes += piece
            guard bytes.count <= 16 << 20 else { throw wrong("its list is too long") }
        }
        var wanted: [String: FeedManifest] = [:]
        var names: Set<String> = []
        do {
            let limits = JSONLimits(
                maximumBytes: 16 << 20, maximumDepth: 12, maximumItems: 1_000_000, maximumStringBytes: 64 << 10)
            let json = try JSONValue(parsing: bytes, limits: limits)
            guard json["format"]?.integer == 1 else { throw wrong("it is of a newer format") }
            for item in json["feeds"]?.array ?? [] {
                let manifest = try FeedManifest(parsing: item.canonicalBytes(), path: list)
                guard let revision = manifest.revision else { throw wrong("\(manifest.feed.name) has no revision") }
                guard names.insert(manifest.feed.name).inserted else {
                    throw wrong("its list has two feeds that are called \(manifest.feed.name)")
                }
                wanted["\(manifest.feed.name)/\(revision.digest)"] = manifest
            }
        } catch let error as ImportError {
            throw error
        } catch {
            throw wrong("\(list): \(error)")
        }
        var arrived: [(FeedManifest, String)] = []
        do {
            while let name = try reader.next() {
                // Names are looked up, never used as paths.
                guard let manifest = wanted.removeValue(forKey: name), let revision = manifest.revision else {
                    throw wrong("\(name.prefix(200)) is not in its list")
                }
                let target = "\(try folder.makeFolder(of: manifest.feed.name))/bundle.part"
                arrived.append((manifest, target))
                let output = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
                guard output >= 0 else { throw ImportError.system("written", target) }
                defer { close(output) }
                var hasher = SHA256()
                var count: Int64 = 0
                try reader.content { piece in
                    count += Int64(piece.count)
                    guard count <= revision.bytes else { throw wrong("\(name) is larger than its list says") }
                    hasher.update(bufferPointer: piece)
                    try writeAll(output, piece, target)
                }
                guard DurableFile.hexadecimal(hasher.finalize()) == revision.digest else {
                    throw wrong("\(manifest.feed.name) has not the SHA-256 of the list")
                }
                guard fsync(output) == 0 else { throw ImportError.system("written", target) }
            }
            if let missing = wanted.keys.sorted().first { throw wrong("\(missing) is missing") }
        } catch {
            for (_, file) in arrived { unlink(file) }
            throw error
        }
        return arrived
    }
}

/// Reads a tar from front to back.
private final class TarReader {
    private let archive: OpaquePointer
    private let path: String

    init(_ path: String) throws {
        guard let archive = archive_read_new() else { throw ImportError(.file, "libarchive has no memory") }
        self.archive = archive
        self.path = path
        archive_read_support_format_tar(archive)
        archive_read_support_filter_zstd(archive)
        guard archive_read_open_filename(archive, path, 1 << 20) == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_read_free(archive) }

    /// The name of the next file; nil at the end.
    func next() throws -> String? {
        var entry: OpaquePointer?
        let code = archive_read_next_header(archive, &entry)
        if code == ARCHIVE_EOF { return nil }
        guard code == ARCHIVE_OK, let entry, archive_entry_filetype(entry) & UInt32(S_IFMT) == UInt32(S_IFREG),
            let name = archive_entry_pathname_utf8(entry)
        else { throw failure() }
        return String(cString: name)
    }

    func content(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        var block: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        while true {
            let code = archive_read_data_block(archive, &block, &size, &offset)
            if code == ARCHIVE_EOF { return }
            guard code == ARCHIVE_OK else { throw failure() }
            try take(UnsafeRawBufferPointer(start: block, count: size))
        }
    }

    private func failure() -> ImportError {
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "it holds something else than files"
        return ImportError(.refused, "\(path) is no whole tar (\(reason))")
    }
}
