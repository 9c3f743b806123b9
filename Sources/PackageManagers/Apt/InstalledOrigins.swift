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
        let own = String(distribution.prefix { $0 != "-" })
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
            result.origins[package.package.id] = Self.origin(listed, ofSource[source] ?? [], own)
        }
        return result
    }

    private static func origin(
        _ listed: Set<String>, _ offering: Set<String>, _ own: String
    ) -> SoftwareOrigin {
        // The same version in several lists is the same build, or a copy of it.
        if listed.contains(where: { isOwn($0, own) }) { return .distribution }
        if let other = listed.min() { return .thirdParty(other) }
        let others = offering.filter { !isOwn($0, own) }
        switch (others.isEmpty, others.count == offering.count) {
        case (true, true): return .unknown("no repository offers this version or anything else of its source")
        case (true, false): return .distribution
        case (false, true) where others.count == 1: return .thirdParty(others.min() ?? "")
        default:
            return .unknown(
                "no repository offers this version, and several offer its source: \(offering.sorted().joined(separator: ", "))"
            )
        }
    }

    private static func name(_ file: AptIndexFile) -> String {
        let origin = file.repositoryIndex.origin
        if !origin.origin.isEmpty { return origin.origin }
        return origin.site.isEmpty ? file.source.displayName : origin.site
    }

    /// `Debian`, `Debian Backports`, `Ubuntu`, `UbuntuESM`; whoever signs as them is trusted by the host's own apt.
    private static func isOwn(_ name: String, _ distribution: String) -> Bool {
        let name = name.lowercased()
        guard name.hasPrefix(distribution) else { return false }
        return ["", " ", "e"].contains(name.dropFirst(distribution.count).prefix(1))
    }
}
