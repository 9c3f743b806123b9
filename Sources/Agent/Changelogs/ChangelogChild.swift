import Changelog
import Digest
import Glibc
import Inventory
import JSON
import PackageManagers
import Timestamps
import Wire

/// The short-lived process that lists offered packages' files, or fetches some and reads the changelogs inside.
///
/// It never installs anything. What comes from a package is read after root was given up for good, and no program is
/// started with it.
public enum ChangelogChild {
    /// What a host may fetch for this in a day, and for one file, in bytes.
    static let bytesPerDay: Int64 = 64 << 20
    static let bytesPerFile: Int64 = 32 << 20
    /// Where the day's count is kept, in the executor's folder.
    static let file = "changelogs.json"

    /// Does what the order (JSON of ``ChangelogOrder``) says and writes the result to descriptor 3.
    ///
    /// - Parameters:
    ///   - folder: the executor's folder.
    ///   - order: the order's text.
    /// - Returns: the process's exit code.
    public static func main(folder: String, order: String) -> Int32 {
        _ = SystemCalls.dieWithParent()
        guard SystemCalls.pinNameLookups() else { return 1 }
        SystemCalls.keepMemorySmall()
        signal(SIGPIPE, SIG_IGN)
        _ = nice(19)
        _ = fcntl(ChildProcess.firstDescriptor, F_SETFD, FD_CLOEXEC)
        var result: ChangelogResult
        do {
            let order = try ChangelogOrder(json: JSONValue(parsing: Array(order.utf8), limits: .message))
            result = try run(order, DurableFolder(folder, create: false), HostTree.machine, mortal, .now())
        } catch {
            result = ChangelogResult(problem: "\(error)".cut(to: 500))
        }
        let bytes = Frame(.changelogResult, result.json.canonicalBytes()).encoded
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes {
                write(ChildProcess.firstDescriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if wrote < 0, errno == EINTR { continue }
            if wrote < 0 { return 1 }
            done += wrote
        }
        return 0
    }

    /// This machine, where apt ends with this process: setpriv(1) asks the kernel for it.
    private static var mortal: ChangeRoot {
        let setpriv = "/usr/bin/setpriv"
        return ChangeRoot(path: "/", enter: access(setpriv, X_OK) == 0 ? [setpriv, "--pdeathsig", "KILL", "--"] : [])
    }

    /// Does what the order says.
    static func run(
        _ order: ChangelogOrder, _ folder: DurableFolder, _ tree: HostTree, _ root: ChangeRoot, _ now: Moment
    ) throws -> ChangelogResult {
        // A child that was killed, for a job say, may have left files: nothing else ever removes them.
        CandidateFile.clean(folder.path(of: "changelogs"))
        guard !tree.veto().holds(.noChangelogs) else {
            CandidateFile.cleanStaging(root)
            return ChangelogResult(
                candidates: order.read.isEmpty ? [] : nil, problem: "the host's veto file forbids it")
        }
        let offers = try Apt.scan(root: root.path, resolver: .none, now: now.wall).offers
        guard case .known(let set) = offers else {
            return ChangelogResult(problem: "what the host is offered is unknown")
        }
        let files = try CandidateFile.offered(set.offers, root)
        // Only what this host is offered: an order names digests and nothing else.
        let wanted = files.filter { file in order.read.contains { $0.hex == file.sha256 } }
        CandidateFile.cleanStaging(root, keeping: wanted)
        guard !order.read.isEmpty else {
            let list = files.filter { $0.bytes <= bytesPerFile }.prefix(ChangelogReport.maximumCandidates)
            return ChangelogResult(candidates: list.compactMap(\.package))
        }
        var result = ChangelogResult()
        let opened = try open(wanted, folder, root, now, &result)
        if geteuid() == 0, root.path == "/" {
            _ = SystemCalls.leaveNetwork()
            try UnprivilegedUser.find().become()
            // The kernel forgets it with the credentials.
            _ = SystemCalls.dieWithParent()
        }
        for (file, descriptor) in opened {
            guard let package = file.package else { continue }
            result.claims.append(claim(package, descriptor, tree))
        }
        return result
    }

    /// Opens what the day's amount allows, as root; the files have no names any more.
    private static func open(
        _ wanted: [CandidateFile], _ folder: DurableFolder, _ root: ChangeRoot, _ now: Moment,
        _ result: inout ChangelogResult
    ) throws -> [(CandidateFile, Int32)] {
        let day = now.wall.milliseconds / 86_400_000
        let kept = (try? folder.read(file, limit: 4096)).flatMap { try? JSONValue(parsing: $0 ?? [], limits: .message) }
        var fetched = kept?["day"]?.integer == day ? kept?["bytes"]?.integer ?? 0 : 0
        let scratch = folder.path(of: "changelogs")
        guard mkdir(scratch, 0o700) == 0 || errno == EEXIST else { throw SystemError("make the folder", scratch) }
        var opened: [(CandidateFile, Int32)] = []
        for wanted in wanted {
            guard wanted.bytes <= bytesPerFile, fetched + wanted.bytes <= bytesPerDay else {
                result.problem = "the \(bytesPerDay >> 20) MiB that may be fetched in a day are used up"
                continue
            }
            // Counted before it is fetched: what is fetched again and again after crashes counts each time.
            fetched += wanted.bytes
            try folder.replace(
                file, with: JSONValue.object(["day": .integer(day), "bytes": .integer(fetched)]).canonicalBytes(),
                durable: false)
            do throws(AptChangeError) {
                let (descriptor, bytes) = try wanted.open(in: scratch, root)
                fetched += bytes - wanted.bytes
                opened.append((wanted, descriptor))
            } catch {
                // Nothing was read, so that nothing is claimed: another host may have more luck.
                result.problem = "\(error)".cut(to: 500)
            }
        }
        try folder.replace(
            file, with: JSONValue.object(["day": .integer(day), "bytes": .integer(fetched)]).canonicalBytes(),
            durable: false)
        return opened
    }

    private static func claim(_ package: CandidatePackage, _ descriptor: Int32, _ tree: HostTree) -> ChangelogClaim {
        do {
            return ChangelogClaim(candidate: package, reading: try reading(package, descriptor, tree))
        } catch {
            return ChangelogClaim(candidate: package, reading: nil, problem: "\(error)".cut(to: 500))
        }
    }

    private static func reading(
        _ package: CandidatePackage, _ descriptor: Int32, _ tree: HostTree
    ) throws -> ChangelogReading {
        switch try PackageArchive.changelog(
            in: PlainFile(taking: descriptor, path: "\(package.name) \(package.version)"), of: package.name)
        {
        case .text(let text): return try DebianChangelog.read(text)
        case .link(let other):
            // The folder of a package of the same source, which may be installed in that version already.
            guard let text = installed(other, tree) else { throw Unread.link(other) }
            let reading = try DebianChangelog.read(text)
            guard reading.entries.first?.version == package.sourceVersion else { throw Unread.link(other) }
            return reading
        case .missing: throw Unread.missing
        }
    }

    /// An installed package's changelog; links are followed as the host would.
    private static func installed(_ name: String, _ tree: HostTree) -> [UInt8]? {
        guard !name.contains("/"), !name.hasPrefix(".") else { return nil }
        for file in ["changelog.Debian.gz", "changelog.gz"] {
            guard let bytes = try? tree.bytes("/usr/share/doc/\(name)/\(file)", limit: 8 << 20) else { continue }
            return try? PackageArchive.plain(bytes, name, 8 << 20)
        }
        return nil
    }

    /// Why a package's changelog is unknown.
    enum Unread: Error, CustomStringConvertible {
        case missing
        case link(String)

        var description: String {
            switch self {
            case .missing: "the package has no changelog of its own"
            case .link(let other): "the package's changelog is that of \(other), which is not installed in that version"
            }
        }
    }
}

extension CandidateFile {
    /// The file as messages name it.
    var package: CandidatePackage? {
        guard let digest = SHA256Digest(hex: sha256), name.utf8.count <= 256, version.utf8.count <= 256,
            source.utf8.count <= 256, sourceVersion.utf8.count <= 256, architecture.utf8.count <= 64
        else { return nil }
        return CandidatePackage(
            name: name, architecture: architecture, version: version, source: source, sourceVersion: sourceVersion,
            digest: digest, bytes: bytes)
    }
}
