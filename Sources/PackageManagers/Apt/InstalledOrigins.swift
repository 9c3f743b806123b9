public import Inventory
import Timestamps

/// Where the installed packages of a Debian host came from, as far as its own lists of repositories tell.
public struct InstalledOrigins: Sendable {
    /// By `name:architecture`; of packages that are not here nothing is known.
    public var origins: [String: SoftwareOrigin] = [:]
    /// Whether there are lists at all.
    public var hasLists = false
    /// Lists that could not be read, or are missing.
    public var problems: [String] = []

    /// Nothing known.
    public init() {}

    /// The origin of a package.
    public func origin(of package: SoftwarePackage) -> SoftwareOrigin {
        guard hasLists else { return .assumed }
        return origins["\(package.name):\(package.architecture)"]
            ?? .unknown("it is not in dpkg's database as apt reads it")
    }
}

extension Apt {
    /// Where the packages of a root came from.
    ///
    /// A version that stands in a list came from there. One that no list has any more is taken for a build of the only one
    /// who offers the same source; where none does, or several do, its origin is unknown.
    ///
    /// - Throws: where apt's configuration or dpkg's database cannot be read.
    public static func installedOrigins(root: String) throws(PackageScanError) -> InstalledOrigins {
        let tree = FileTree(root: root)
        let scanner = AptScanner(tree: tree, database: try DpkgDatabase(tree), now: Timestamp(seconds: 0))
        return try scanner.installedOrigins()
    }
}

extension AptScanner {
    func installedOrigins() throws(PackageScanError) -> InstalledOrigins {
        var facts = FactsDraft()
        let view = try view(&facts)
        var result = InstalledOrigins()
        result.hasLists = !view.lists.files.isEmpty
        result.problems = facts.problems.filter { $0.kind == .missing || $0.kind == .unreadable }.map {
            "\($0.subject): \($0.detail)"
        }
        guard result.hasLists else { return result }
        let names = view.lists.files.map { Self.name($0) }
        let distribution = OSRelease(tree).distribution
        func origins(_ files: [Int]) -> Set<String> { Set(files.map { names[$0] }) }

        // Who offers a source, by any package of it.
        var ofSource: [String: Set<String>] = [:]
        for package in view.packages {
            for version in package.versions where !version.files.isEmpty {
                ofSource[version.source, default: []].formUnion(origins(version.files))
            }
        }
        for package in view.packages {
            let listed = origins(package.installed?.files ?? [])
            let source = package.installed?.source ?? package.package.source
            result.origins[package.package.id] = OriginEvidence(listed: listed, offering: ofSource[source] ?? [])
                .origin(distribution: distribution)
        }
        return result
    }

    private static func name(_ file: AptIndexFile) -> String {
        let origin = file.repositoryIndex.origin
        if !origin.origin.isEmpty { return origin.origin }
        return origin.site.isEmpty ? file.source.displayName : origin.site
    }
}
