/// What tells where one installed package came from.
///
/// A version that a repository lists came from there. One that none lists any more came from where it was first seen; where
/// that was never seen, from the only one who offers the same source. Where none does, or several do, its origin is unknown.
public struct OriginEvidence: Sendable, Hashable {
    /// Who lists the installed version, by the names that repositories give themselves.
    public var listed: Set<String>
    /// Who offers any version of any package of its source.
    public var offering: Set<String>
    /// What was known of this version before; nil where nothing was.
    public var known: SoftwareOrigin?

    /// That evidence.
    public init(listed: Set<String>, offering: Set<String>, known: SoftwareOrigin? = nil) {
        self.listed = listed
        self.offering = offering
        self.known = known
    }

    /// The origin.
    ///
    /// - Parameter distribution: the host's, as os-release names it: `debian-12`.
    public func origin(distribution: String) -> SoftwareOrigin {
        let own = String(distribution.prefix { $0 != "-" })
        // The same version in several lists is the same build, or a copy of it.
        if listed.contains(where: { Self.isOwn($0, own) }) { return .distribution }
        if case .thirdParty(let first) = known { return .thirdParty(first) }
        // Before what was known: that may have been concluded from the source alone.
        if let other = listed.min() { return .thirdParty(other) }
        if known == .distribution { return .distribution }
        let others = offering.filter { !Self.isOwn($0, own) }
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

    /// `Debian`, `Debian Backports`, `Ubuntu`, `UbuntuESM`; whoever signs as them is trusted by the host's own apt.
    private static func isOwn(_ name: String, _ distribution: String) -> Bool {
        let name = name.lowercased()
        guard name.hasPrefix(distribution) else { return false }
        return ["", " ", "e"].contains(name.dropFirst(distribution.count).prefix(1))
    }
}

extension OfferSet {
    /// Whether it tells which repositories list what is installed: a host without lists says nothing of any package.
    public var tellsOrigins: Bool { !indexes.isEmpty && !installedFrom.isEmpty }

    /// Where a host's packages came from, in their order.
    ///
    /// - Parameters:
    ///   - packages: what is installed.
    ///   - known: what was known of each before; nil where nothing was.
    public func origins(
        of packages: [SoftwarePackage], known: (SoftwarePackage) -> SoftwareOrigin?
    ) -> [SoftwareOrigin] {
        let from = installedFrom
        guard !indexes.isEmpty, !from.isEmpty else { return packages.map { known($0) ?? .assumed } }
        let names = indexes.map { index in
            let origin = index.origin
            return !origin.origin.isEmpty ? origin.origin : origin.site.isEmpty ? "a local repository" : origin.site
        }

        let offered = Dictionary(
            offers.map { ("\($0.name):\($0.architecture)", $0.origins) }, uniquingKeysWith: { $0 + $1 })
        var ofSource: [String: Set<String>] = [:]
        var ids: [String] = []
        ids.reserveCapacity(packages.count)
        for package in packages {
            let id = "\(package.name):\(package.architecture)"
            ids.append(id)
            for numbers in [from[id], offered[id]] {
                for number in numbers ?? [] { ofSource[package.source, default: []].insert(names[number]) }
            }
        }
        return zip(packages, ids).map { package, id in
            let known = known(package)
            guard let listed = from[id] else {
                return known ?? .unknown("its host does not say which repositories list it")
            }
            return OriginEvidence(
                listed: Set(listed.map { names[$0] }), offering: ofSource[package.source] ?? [], known: known
            )
            .origin(distribution: package.distribution)
        }
    }
}
