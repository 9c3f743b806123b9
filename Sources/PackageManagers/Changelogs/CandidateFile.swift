import Glibc
public import Inventory

/// The file of an offered version, as the host's signed indexes name it.
public struct CandidateFile: Hashable, Sendable {
    /// The binary package's name.
    public var name: String
    /// The file's architecture: `all` for packages of every one.
    public var architecture: String
    /// The offered version.
    public var version: String
    /// The source package.
    public var source: String
    /// The source package's version: without the suffix of a rebuild.
    public var sourceVersion: String
    /// The file's SHA-256 in hexadecimal.
    public var sha256: String
    /// The file's size in bytes.
    public var bytes: Int64

    /// A file.
    public init(
        name: String, architecture: String, version: String, source: String, sourceVersion: String, sha256: String,
        bytes: Int64
    ) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.source = source
        self.sourceVersion = sourceVersion
        self.sha256 = sha256
        self.bytes = bytes
    }

    /// The files of what is offered, by source package, the smallest first. What no index lists by a digest is left out.
    ///
    /// - Throws: where apt cannot be asked.
    public static func offered(
        _ offers: [Offer], _ root: ChangeRoot = .host
    ) throws(AptChangeError) -> [CandidateFile] {
        let records: IndexRecords
        do throws(ChangeRefusal) {
            records = try IndexRecords(offers.map { ($0.name, $0.architecture, $0.candidate) }, root)
        } catch {
            throw AptChangeError(error.description)
        }
        return offers.compactMap { offer in
            // A package may have changed between one architecture and all of them.
            guard
                let record = records.record(offer.name, offer.architecture, offer.candidate, sha256: nil)
                    ?? records.record(offer.name, "all", offer.candidate, sha256: nil)
            else { return nil }
            return CandidateFile(
                name: record.name, architecture: record.architecture, version: record.version, source: record.source,
                sourceVersion: record.sourceVersion, sha256: record.sha256, bytes: record.bytes)
        }.sorted { ($0.source, $0.sourceVersion, $0.bytes, $0.name) < ($1.source, $1.sourceVersion, $1.bytes, $1.name) }
    }

    /// Opens the file's bytes: from apt's cache where it lies there by its digest, else fetched by apt into `folder`, where
    /// nothing of it stays behind a name. Nothing is installed, locked or configured.
    ///
    /// - Parameters:
    ///   - folder: a folder of the caller's, as this machine opens it.
    ///   - seconds: what the download may take.
    /// - Returns: a descriptor, which the caller closes, and how many bytes were fetched for it.
    /// - Throws: where it can be had nowhere, or its digest is not the one of the index.
    public func open(
        in folder: String, _ root: ChangeRoot = .host, seconds: Int = 120
    ) throws(AptChangeError) -> (descriptor: Int32, fetched: Int64) {
        let cached = root.outside("/var/cache/apt/archives/\(file)")
        if let descriptor = Self.verified(cached, sha256) { return (descriptor, 0) }
        var space = statvfs()
        guard statvfs(folder, &space) == 0 else { throw AptChangeError("the room in \(folder) cannot be read") }
        // Twice: in apt's folder and in ours, and enough for the host besides.
        let needed = bytes * 2 + (256 << 20)
        guard Int64(space.f_bavail) * Int64(space.f_frsize) >= needed else {
            throw AptChangeError("\(folder) has less than \(needed >> 20) MiB free")
        }
        let database = try nativeArchitecture(root)
        let request =
            architecture == "all" || architecture == database
            ? "\(name)=\(version)" : "\(name):\(architecture)=\(version)"
        let complaints = try Download(root: root, target: folder, staging: Self.staging).fetch(
            [Download.File(request: request, name: file, bytes: bytes, sha256: sha256)], seconds: seconds)
        let path = "\(folder)/\(file)"
        defer { unlink(path) }
        guard let descriptor = Self.verified(path, sha256) else {
            throw AptChangeError(
                "\(file) could not be fetched: \(complaints.last ?? "apt does not say why, or its digest is another")")
        }
        return (descriptor, bytes)
    }

    /// Where apt fetches files to, as the host names it.
    private static let staging = "/var/cache/apt/fettle-changelogs"

    /// Removes what a process that was killed has left where apt fetches files to.
    ///
    /// - Parameter keeping: files that are wanted again: a part of one is gone on with.
    public static func cleanStaging(_ root: ChangeRoot = .host, keeping: [CandidateFile] = []) {
        let folder = root.outside(staging)
        clean(folder, keeping: keeping)
        rmdir(folder)
    }

    /// Removes the files of a folder; one that is not there is clean.
    public static func clean(_ folder: String, keeping: [CandidateFile] = []) {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        let kept = Set(keeping.map(\.file))
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != "..", !kept.contains(name) { names.append(name) }
        }
        for name in names { unlink("\(folder)/\(name)") }
    }

    /// As apt names it.
    private var file: String { "\(name)_\(version.replacing(":", with: "%3a"))_\(architecture).deb" }

    /// A descriptor of the file at its start, where its digest is that one.
    private static func verified(_ path: String, _ sha256: String) -> Int32? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        // By the descriptor, so that what is read is what was checked.
        guard FileDigest.sha256(descriptor) == sha256, lseek(descriptor, 0, SEEK_SET) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private func nativeArchitecture(_ root: ChangeRoot) throws(AptChangeError) -> String {
        do throws(ChildProcess.Failure) {
            let result = try root.run(["dpkg", "--print-architecture"])
            return String(decoding: result.output, as: UTF8.self).trimmed
        } catch {
            throw AptChangeError("dpkg was asked for the host's architecture, but \(error)")
        }
    }
}
