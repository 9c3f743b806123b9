import Digest
public import Inventory
public import JSON
public import PackageManagers
public import Timestamps
public import Wire

/// The whole truth of a host at one instant: its packages, what its repositories offer, and everything else read there.
public struct HostScan: Hashable, Sendable {
    /// The packages.
    public var set: SoftwareSet
    /// What the repositories offer; empty where that could not be read, and then ``HostFacts/offers`` says why.
    public var offers: OfferSet
    /// Everything else.
    public var facts: HostFacts

    /// A scan of these parts.
    public init(set: SoftwareSet, offers: OfferSet, facts: HostFacts) {
        self.set = set
        self.offers = offers
        self.facts = facts
    }

    /// What names the three documents.
    public var digests: HostDigests {
        HostDigests(set: set.digest, offers: offers.digest, facts: facts.digest)
    }

    /// Reads a host.
    ///
    /// Nothing is written and no network is used; no program runs but the one that `resolver` names.
    ///
    /// - Parameters:
    ///   - tree: the host's files; ``HostTree/machine`` for this machine.
    ///   - resolver: who is asked why an upgrade is kept back.
    ///   - now: against which the validity of indexes is judged.
    ///   - previous: the facts of the scan before, so that an amount on the border of two steps stays in its step.
    ///   - agentVersion: what the facts name as the reader.
    /// - Throws: where the packages cannot be read: a set without them would be a lie.
    public static func run(
        tree: HostTree = .machine, resolver: AptResolver = .host, now: Timestamp, previous: HostFacts? = nil,
        agentVersion: String
    ) throws(PackageScanError) -> HostScan {
        let packages = try Apt.scan(root: tree.root.isEmpty ? "/" : tree.root, resolver: resolver, now: now)
        var facts = tree.facts(set: packages.set, previous: previous, agentVersion: agentVersion)
        facts.packages = packages.packages
        switch packages.offers {
        case .known(let offers):
            facts.offers = .known(Int64(offers.offers.count))
            return HostScan(set: packages.set, offers: offers, facts: facts)
        case .unknown(let why):
            facts.offers = .unknown(String(why.prefix(2000)))
            let none = OfferSet(indexes: [], offers: [], installedFrom: [:])
            return HostScan(set: packages.set, offers: none, facts: facts)
        }
    }

    /// Everything as one object, digests included, with each package and offer as an object of its own.
    public var json: JSONValue {
        let installedFrom = offers.installedFrom
        return [
            "digests": [
                "set": .string(set.digest.hex), "offers": .string(offers.digest.hex),
                "facts": .string(facts.digest.hex),
            ],
            "packages": .array(set.packages.map { packageJSON($0, installedFrom) }),
            "indexes": .array(offers.indexes.map { Self.indexJSON($0) }),
            "offers": .array(offers.offers.map { offerJSON($0) }),
            "additions": .array(
                offers.additions.map {
                    [
                        "name": .string($0.name), "architecture": .string($0.architecture),
                        "version": .string($0.version),
                    ]
                }),
            "facts": facts.json,
        ]
    }

    private func packageJSON(_ package: SoftwarePackage, _ installedFrom: [String: [Int]]) -> JSONValue {
        var fields: [String: JSONValue] = [
            "scheme": .string(package.scheme), "distribution": .string(package.distribution),
            "name": .string(package.name), "architecture": .string(package.architecture),
            "version": .string(package.version), "source": .string(package.source),
            "sourceVersion": .string(package.sourceVersion),
        ]
        if !package.module.isEmpty { fields["module"] = .string(package.module) }
        if let from = installedFrom["\(package.name):\(package.architecture)"] {
            fields["origins"] = .array(from.map { Self.originJSON(offers.indexes[$0].origin) })
        }
        return .object(fields)
    }

    private func offerJSON(_ offer: Offer) -> JSONValue {
        [
            "name": .string(offer.name), "architecture": .string(offer.architecture),
            "installed": .string(offer.installed), "candidate": .string(offer.candidate),
            "origins": .array(offer.origins.map { Self.originJSON(offers.indexes[$0].origin) }),
            "security": .bool(offer.security), "status": .string(offer.status.name),
            "reason": .string(offer.status.reason),
        ]
    }

    private static func indexJSON(_ index: RepositoryIndex) -> JSONValue {
        [
            "origin": originJSON(index.origin),
            "released": index.released.map { .string($0.description) } ?? .null,
            "validUntil": index.validUntil.map { .string($0.description) } ?? .null,
        ]
    }

    private static func originJSON(_ origin: PackageOrigin) -> JSONValue {
        [
            "origin": .string(origin.origin), "label": .string(origin.label), "suite": .string(origin.suite),
            "codename": .string(origin.codename), "component": .string(origin.component), "site": .string(origin.site),
            "security": .bool(origin.security),
        ]
    }
}
