import Glibc
public import Timestamps

/// Fetches feeds from their sources.
public struct FeedSync: Sendable {
    private let folder: FeedFolder
    private let configuration: FeedConfiguration
    private let client: FeedClient
    private let acceptsShrink: Bool
    private let verifies: Bool
    private let now: @Sendable () -> Timestamp
    private let progress: @Sendable (FeedProgress) -> Void

    /// A sync into a folder.
    ///
    /// - Parameters:
    ///   - acceptsShrink: whether a person has said that fewer records, or many that cannot be used, are right.
    ///   - verifies: whether the files that are kept are read and compared with their SHA-256; their sizes always are.
    ///   - userAgent: what sources are told of who asks.
    public init(
        _ folder: FeedFolder, _ configuration: FeedConfiguration, acceptsShrink: Bool = false,
        verifies: Bool = false, userAgent: String = "fettle",
        now: @escaping @Sendable () -> Timestamp, progress: @escaping @Sendable (FeedProgress) -> Void = { _ in }
    ) {
        self.folder = folder
        self.configuration = configuration
        self.acceptsShrink = acceptsShrink
        self.verifies = verifies
        self.now = now
        self.progress = progress
        client = FeedClient(limits: configuration.network, userAgent: userAgent)
    }

    /// Fetches feeds one after the other; one that fails does not keep the others from coming.
    ///
    /// - Parameter done: told what became of each.
    public func run(
        _ feeds: [FeedDefinition], done: (FeedDefinition, Result<FeedOutcome, ImportError>) throws -> Void
    ) async throws {
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        try folder.repairBroken(configuration, now: now, progress: progress, done)
        for feed in feeds {
            do {
                try done(feed, .success(try await fetch(feed)))
            } catch let error as ImportError {
                try note(error, feed)
                try done(feed, .failure(error))
            }
        }
    }

    /// Whether what is kept of a feed can be relied on; what is not there or damaged is fetched whole, whatever its tag says.
    private func isGood(_ manifest: FeedManifest) throws -> Bool {
        let reads = verifies || folder.isNotedAsDamaged(manifest.feed.name)
        for revision in [manifest.revision, manifest.held?.revision].compactMap({ $0 })
        where try !folder.isWhole(manifest.feed.name, revision, reading: reads) {
            return false
        }
        folder.forgetDamage(of: manifest.feed.name)
        return true
    }

    /// Writes down that a feed could not be fetched; what is in use stays in use.
    private func note(_ error: ImportError, _ feed: FeedDefinition) throws {
        var manifest = try folder.manifest(feed.name) ?? FeedManifest(feed: feed)
        manifest.failure = error.description
        manifest.failed = now()
        try folder.write(manifest)
    }

    private func fetch(_ feed: FeedDefinition) async throws -> FeedOutcome {
        let places = [feed.url] + feed.mirrors
        guard !feed.url.isEmpty else {
            throw ImportError(.usage, "\(feed.name) was imported by hand; there is no address to fetch it from")
        }
        var errors: [ImportError] = []
        for place in places {
            do {
                return try await fetch(feed, from: configuration.mirrored(place))
            } catch let error as ImportError where error.kind != .file {
                errors.append(error)
            }
        }
        throw ImportError(errors.last?.kind ?? .network, errors.map(\.description).joined(separator: "; "))
    }

    private func fetch(_ feed: FeedDefinition, from place: String) async throws -> FeedOutcome {
        let home = try folder.makeFolder(of: feed.name)
        let former = try folder.manifest(feed.name)
        // What was kept of another place, or read in another way, says nothing about this one.
        let isGood = try former.map(isGood) ?? true
        let isSame =
            isGood
            && former.map {
                $0.feed.reading == feed.reading && $0.feed.url == feed.url && $0.feed.keyring == feed.keyring
            } ?? false
        let known =
            isSame ? FeedValidators(entityTag: former?.entityTag, lastModified: former?.lastModified) : FeedValidators()
        let target = try await target(of: feed, place)
        if let former, isSame, let digest = target.digest,
            former.revision?.digest == digest || former.held?.revision.digest == digest
        {
            return .unchanged(try checked(former))
        }
        // Where the list names another file than the one here, its bytes are wanted, whatever the source's tags say.
        let validators = target.digest == nil ? known : FeedValidators()
        let name = feed.name
        let progress = progress
        let download = FeedDownload(client: client, folder: home) { progress(.fetching(name, $0, $1)) }
        guard let file = try await download.fetch(target.url, known: validators) else {
            guard let former else {
                throw ImportError(.refused, "\(target.url) says that nothing has changed since never")
            }
            return .unchanged(try checked(former))
        }
        do {
            try await verify(file, feed, target)
        } catch {
            download.discard()
            throw error
        }
        let intake = FeedIntake(
            folder: folder, maximumShrink: configuration.maximumShrink,
            maximumQuarantine: configuration.maximumQuarantine, acceptsShrink: acceptsShrink, now: now,
            progress: progress)
        return try intake.take(file.path, for: feed, fetched: now(), validators: file.validators)
    }

    /// Writes down that a source was asked and has nothing newer.
    private func checked(_ manifest: FeedManifest) throws -> FeedManifest {
        var manifest = manifest
        manifest.checked = now()
        manifest.failure = nil
        manifest.failed = nil
        try folder.write(manifest)
        return manifest
    }

    // MARK: - What is fetched, and whether it is right

    private struct Target {
        var url: FeedURL
        /// SHA-256 as the place that named it says.
        var digest: String?
    }

    private func target(of feed: FeedDefinition, _ place: String) async throws -> Target {
        let url = try FeedURL(place)
        switch feed.pointer {
        case nil: return Target(url: url)
        case .latest:
            let text = String(decoding: try await small(url), as: UTF8.self)
            guard let name = text.split(whereSeparator: \.isNewline).first?.trimmed, !name.isEmpty, !name.contains(" ")
            else {
                throw ImportError(.refused, "\(url) names no file")
            }
            return Target(url: try FeedClient.redirected(from: url, to: name))
        case .repository: return try repository(url, try await signed(url, feed))
        case .mirrorList:
            let text = String(decoding: try await small(url), as: UTF8.self)
            guard let line = text.split(whereSeparator: \.isNewline).map(\.trimmed).first(where: { !$0.isEmpty }) else {
                throw ImportError(.refused, "\(url) names no mirror")
            }
            let list = try FeedClient.redirected(
                from: url, to: (line.hasSuffix("/") ? line : line + "/") + "repodata/repomd.xml")
            return try repository(list, try await signed(list, feed))
        }
    }

    /// A repository's list, by whoever the operator says.
    private func signed(_ url: FeedURL, _ feed: FeedDefinition) async throws -> [UInt8] {
        let bytes = try await small(url)
        guard let keyring = feed.keyring else { return bytes }
        let home = try folder.makeFolder(of: feed.name)
        let place = "\(home)/list.\(UInt64.random(in: 0...(.max)))"
        defer { unlink(place) }
        try DurableFile.write(bytes, to: place)
        let signature = try await small(FeedURL(url.description + ".asc"))
        try DetachedSignature.verify(place, signature, keyring: keyring, in: home, of: url.description)
        return bytes
    }

    private func repository(_ url: FeedURL, _ bytes: [UInt8]) throws -> Target {
        try bytes.withUnsafeBytes { bytes in
            do throws(XMLFault) {
                let scanner = try XMLScanner(bytes)
                while let name = try scanner.next() {
                    guard name == "data", scanner.attribute("type") == "updateinfo" else { continue }
                    let data = try scanner.element()
                    guard let place = data.child("location")?["href"], !place.isEmpty else { break }
                    // `repodata/…` is meant from the repository's own folder.
                    let root = url.target.replacing("repodata/repomd.xml", with: "")
                    let base = try? FeedURL(
                        "\(url.scheme.rawValue)://\(url.scheme == .file ? "" : url.authority)\(root)")
                    guard let next = try? FeedClient.redirected(from: base ?? url, to: place) else { break }
                    let checksum = data.child("checksum")
                    return Target(url: next, digest: checksum?["type"] == "sha256" ? checksum?.text.lowercased() : nil)
                }
            } catch {
                throw ImportError(.refused, "\(url): \(error.description)")
            }
            throw ImportError(.refused, "\(url) names no updateinfo")
        }
    }

    private func small(_ url: FeedURL) async throws -> [UInt8] {
        if url.scheme == .file { return try DurableFile.read(url.path, limit: 1 << 20) }
        return try await client.small(url)
    }

    private func verify(_ file: FetchedFile, _ feed: FeedDefinition, _ target: Target) async throws {
        if let digest = target.digest {
            try same(try DurableFile.digest(of: file.path), digest, target.url, "repomd.xml")
        }
        switch (feed.keyring, feed.pointer) {
        case (nil, _): break
        case (.some, .repository), (.some, .mirrorList):
            // The signature is over the list, which names this file by its digest.
            guard target.digest != nil else {
                throw ImportError(
                    .refused, "\(target.url): the signed list names it without its SHA-256; it was not taken")
            }
        case (let keyring?, _):
            let signature = try await small(FeedURL(target.url.description + ".asc"))
            try DetachedSignature.verify(
                file.path, signature, keyring: keyring, in: folder.makeFolder(of: feed.name), of: target.url.description
            )
        }
        switch feed.checksum {
        case nil: break
        case .sha256:
            let place = try FeedURL(target.url.description + ".sha256")
            let text = String(decoding: try await small(place), as: UTF8.self)
            try same(try DurableFile.digest(of: file.path), Self.digest(in: text), target.url, place.description)
        case .nvdMeta:
            guard target.url.path.hasSuffix(".json.gz") else {
                throw ImportError(.usage, "\(feed.name): a .meta file stands beside .json.gz alone")
            }
            let place = try FeedURL(target.url.description.replacing(".json.gz", with: ".meta"))
            let text = String(decoding: try await small(place), as: UTF8.self)
            let wanted = text.split(whereSeparator: \.isNewline).map { $0.lowercased() }.first {
                $0.hasPrefix("sha256:")
            }
            let inner = try Container(limits: folder.limits, scratch: "\(folder.path)/\(feed.name)").digest(
                of: file.path)
            try same(
                inner, Self.digest(in: wanted.map { String($0.dropFirst(7)) } ?? ""), target.url, place.description)
        }
    }

    private func same(_ digest: String, _ wanted: String, _ url: FeedURL, _ place: String) throws {
        guard digest == wanted else {
            throw ImportError(
                .refused,
                """
                \(url): its SHA-256 is \(digest), but \(place) says \(wanted.isEmpty ? "none" : wanted); it was not taken. \
                A source that is just being renewed agrees again in a few minutes
                """)
        }
    }

    /// The first word that is a SHA-256, in lower case.
    private static func digest(in text: String) -> String {
        text.lowercased().split(whereSeparator: { !$0.isHexDigit }).first { $0.utf8.count == 64 }.map(String.init) ?? ""
    }
}
