import Glibc
import JSON
import NIOCore
import Timestamps

/// What is known of a file that was fetched before, so that only a newer one is fetched.
struct FeedValidators: Sendable, Hashable {
    var entityTag: String?
    var lastModified: String?
}

/// A file that came.
struct FetchedFile: Sendable {
    /// Where it lies.
    let path: String
    let validators: FeedValidators
}

/// Fetches a feed's file into its folder: asks whether it has changed, goes on where a former try broke off, tries again.
struct FeedDownload: Sendable {
    let client: FeedClient
    /// The feed's folder, on the file system where the file will stay.
    let folder: String
    /// Told how many bytes there are, and how many there will be where that is known.
    let progress: @Sendable (Int64, Int64?) -> Void

    private var part: String { "\(folder)/download.part" }
    private var note: String { "\(folder)/download.json" }

    /// Fetches a file; nil where it is the one that is known already.
    func fetch(_ url: FeedURL, known: FeedValidators) async throws -> FetchedFile? {
        if url.scheme == .file { return try copy(url, known: known) }
        do {
            return try await client.retrying { try await tryOnce(url, known) }
        } catch let error as ImportError where error.kind == .network {
            let size = fileSize(part)
            let kept = size > 0 ? "; \(size) bytes are kept, and the next sync goes on from there" : ""
            throw ImportError(.network, error.description + kept)
        }
    }

    private func tryOnce(_ url: FeedURL, _ known: FeedValidators) async throws -> FetchedFile? {
        let begun = readNote(url)
        var offset = begun == nil ? 0 : fileSize(part)
        var headers: [(String, String)] = []
        if offset > 0, let validator = begun.flatMap(Self.strong) {
            headers = [("range", "bytes=\(offset)-"), ("if-range", validator)]
        } else {
            offset = 0
            if let tag = known.entityTag { headers.append(("if-none-match", tag)) }
            if let date = known.lastModified { headers.append(("if-modified-since", date)) }
        }
        let file = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw ImportError.system("written", part) }
        defer { close(file) }
        var count = offset
        var total: Int64?
        var isStale = false
        var isFile = false
        var digests: StatedDigests?
        var validators = begun ?? FeedValidators()
        let answer = try await client.get(url, headers) { answer in
            switch answer.status {
            case 200:
                count = 0
                validators = FeedValidators(
                    entityTag: Self.bounded(answer.header("etag")),
                    lastModified: Self.bounded(answer.header("last-modified")))
                // The note first: bytes without one are never gone on with.
                unlink(note)
                guard ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0 else {
                    throw ImportError.system("written", part)
                }
                try writeNote(url, validators)
                total = answer.length
                digests = StatedDigests(answer)
                isFile = true
            case 206:
                guard Self.start(of: answer.header("content-range")) == offset, offset > 0,
                    answer.header("etag") == nil || begun?.entityTag == nil || answer.header("etag") == begun?.entityTag
                else {
                    isStale = true
                    return
                }
                guard lseek(file, Int(offset), SEEK_SET) == Int(offset) else {
                    throw ImportError.system("written", part)
                }
                // A length near the largest number there is must not overflow the sum.
                total = answer.length.map { min($0, .max - offset) + offset }
                digests = StatedDigests(answer)
                isFile = true
            default: break
            }
            if let total, total > client.limits.maximumBytes { throw Self.tooLarge(url, client.limits) }
        } piece: { piece in
            guard isFile else { return }
            count += Int64(piece.readableBytes)
            guard count <= client.limits.maximumBytes else { throw Self.tooLarge(url, client.limits) }
            try piece.withUnsafeReadableBytes { try writeAll(file, $0, part) }
            progress(count, total)
        }
        if answer.status == 304 { return nil }
        if isStale || answer.status == 416 {
            // What is here does not belong to what is there: from the start.
            discard()
            throw ImportError(.network, "\(url): the file has changed since the download broke off")
        }
        guard isFile else { throw FeedClient.refusal(answer) }
        guard fsync(file) == 0 else { throw ImportError.system("written", part) }
        if let fault = try digests?.fault(of: part) {
            discard()
            throw ImportError(.network, "\(url): \(fault); it was not taken")
        }
        unlink(note)
        return FetchedFile(path: part, validators: validators)
    }

    /// Forgets what was begun.
    func discard() {
        unlink(note)
        unlink(part)
    }

    /// A validator that a manifest can hold and read back; a longer one is left out, and the file is fetched whole next time.
    private static func bounded(_ header: String?) -> String? {
        header.flatMap { $0.utf8.count <= 1024 ? $0 : nil }
    }

    private static func tooLarge(_ url: FeedURL, _ limits: NetworkLimits) -> ImportError {
        ImportError(.refused, "\(url) is larger than \(limits.maximumBytes) bytes")
    }

    /// What names exactly these bytes (RFC 9110, 13.1.5): a weak tag does not.
    private static func strong(_ validators: FeedValidators) -> String? {
        if let tag = validators.entityTag { return tag.hasPrefix("W/") ? nil : tag }
        return validators.lastModified
    }

    /// `bytes 100-199/200` begins at 100.
    private static func start(of range: String?) -> Int64? {
        guard let range, range.hasPrefix("bytes ") else { return nil }
        return Int64(range.dropFirst(6).prefix { $0.isNumber })
    }

    // MARK: - What was begun

    private func writeNote(_ url: FeedURL, _ validators: FeedValidators) throws {
        guard Self.strong(validators) != nil else { return }
        var members: [String: JSONValue] = ["url": .string(url.description)]
        if let tag = validators.entityTag { members["entityTag"] = .string(tag) }
        if let date = validators.lastModified { members["lastModified"] = .string(date) }
        try DurableFile.write(JSONValue.object(members).canonicalBytes(), to: note)
    }

    private func readNote(_ url: FeedURL) -> FeedValidators? {
        guard let bytes = try? DurableFile.read(note, limit: 64 << 10),
            let json = try? JSONValue(parsing: bytes, limits: .message), json["url"]?.string == url.description
        else { return nil }
        return FeedValidators(entityTag: json["entityTag"]?.string, lastModified: json["lastModified"]?.string)
    }

    // MARK: - Files

    private func copy(_ url: FeedURL, known: FeedValidators) throws -> FetchedFile? {
        var status = stat()
        guard stat(url.path, &status) == 0 else {
            throw ImportError(.refused, "\(url.path) cannot be read: \(String(cString: strerror(errno)))")
        }
        let tag = "\"\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\""
        if known.entityTag == tag { return nil }
        try DurableFile.copy(url.path, to: part) { progress($0, Int64(status.st_size)) }
        return FetchedFile(path: part, validators: FeedValidators(entityTag: tag))
    }
}
