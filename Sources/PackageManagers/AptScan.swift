public import Inventory
public import Timestamps

/// What apt and dpkg say of a host: its packages, what its repositories offer it, and the state of both.
public struct AptScan: Sendable {
    /// The distribution release, as in ``Inventory/SoftwarePackage/distribution``: `debian-12`.
    public var distribution: String
    /// The packages whose files are on the disk.
    public var set: SoftwareSet
    /// What the repositories offer; unknown where apt itself would refuse its configuration.
    public var offers: Fact<OfferSet>
    /// States, holds, marks and the health of the indexes.
    public var packages: Fact<PackageFacts>
}

/// Who is asked why an upgrade is kept back.
public enum AptResolver: Sendable, Hashable {
    /// This machine's `apt-get -s`; only for the root `/`.
    case host
    /// Nobody: what the files do not decide is unknown.
    case none
    /// A command in front of `apt-get -s …` that runs it inside the scanned root, such as `["chroot", root]`.
    case command([String])
}

/// The Debian half of the scan.
public enum Apt {
    /// Reads packages, offers and facts of the host whose files are under `root`.
    ///
    /// Everything is read from files, except the one question that `resolver` answers: whether and why an offered
    /// version is kept back. Nothing is written, and no network is used.
    ///
    /// - Parameters:
    ///   - root: `/`, or a folder with another host's tree; links are followed as that host would.
    ///   - resolver: asked only where the files do not decide; takes seconds of niced CPU.
    ///   - now: against which Valid-Until is judged.
    /// - Throws: ``PackageScanError/noDpkg(root:)`` where there is no dpkg, others where its database is unreadable.
    public static func scan(
        root: String = "/", resolver: AptResolver = .host, now: Timestamp
    ) throws(PackageScanError) -> AptScan {
        let tree = FileTree(root: root)
        let database = try DpkgDatabase(tree)
        return AptScanner(tree: tree, database: database, now: now).scan(resolver: resolver)
    }

    /// For each installed package the candidate, empty where there is none, and `version priority` of all its versions, the
    /// newest first: what `apt-cache policy` prints.
    package static func policyTable(
        root: String
    ) throws(PackageScanError) -> [String: (candidate: String, versions: [String])] {
        let tree = FileTree(root: root)
        let database = try DpkgDatabase(tree)
        return try AptScanner(tree: tree, database: database, now: Timestamp(seconds: 0)).policyTable()
    }
}

extension Apt {
    /// The distribution release of this host, as software sets and plans name it: `debian-12`.
    public static func distribution(root: String = "/") -> String { OSRelease(FileTree(root: root)).distribution }
}
