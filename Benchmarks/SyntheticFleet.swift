import Agent
import Digest
import Foundation
import Inventory
import Timestamps
import Versions
import Wire

/// A host that does not exist, with documents as a real agent would send them.
struct SyntheticHost: Sendable {
    var hostname: String
    var machineID: String
    var bootID: String
    var set: LineDocument
    var offers: OfferSet
    var facts: [UInt8]
    var digests: HostDigests
}

/// Hosts of a believable fleet: real names and versions of this machine's apt lists, no two sets equal.
///
/// Every host has what all have, what its role has (of 40), and a few packages of its own; it stands at one of twelve
/// patch levels, from which single packages deviate. Names have one to six versions: those that are listed, and older
/// ones made by counting back their last number.
struct SyntheticFleet: Sendable {
    /// One version of a package.
    private struct Entry: Sendable {
        var line: String
        var version: String
    }
    /// One package with its versions, the oldest first.
    private struct Product: Sendable {
        var name: String
        var architecture: String
        var versions: [Entry]
        /// How many of them, from the end, are listed.
        var listed: Int
    }

    private static let roles = 40
    private static let patchLevels = 12
    private let products: [Product]
    private let common: [Int]
    private let ofRole: [[Int]]
    private let popular: [Int]
    private let facts: HostFacts
    private let seed: UInt64

    /// Distinct packages (name and version) that hosts can have.
    var packageCount: Int { products.reduce(0) { $0 + $1.versions.count } }

    /// A fleet drawn from these lists; the same lists and seed make the same fleet.
    init(lists: AptLists, seed: UInt64 = 1) throws {
        var generator = SplitMix64(state: seed)
        var byName: [String: [ListedPackage]] = [:]
        for package in lists.packages() {
            byName["\(package.name):\(package.architecture)", default: []].append(package)
        }
        guard byName.count > 5000 else {
            throw BenchmarkError("the apt lists hold \(byName.count) packages: too few to make a fleet of")
        }
        // Only so many can matter: the rest of the archive is installed nowhere.
        let names = byName.keys.sorted().shuffled(using: &generator).prefix(20_000)
        products = names.compactMap { Self.product(byName[$0] ?? [], &generator) }
        let all = Array(products.indices)
        common = Array(all.prefix(450))
        popular = Array(all[450..<min(5450, all.count)])
        let pool = Array(all.dropFirst(450))
        ofRole = (0..<Self.roles).map { _ in
            (0..<400).map { _ in pool[generator.below(min(pool.count, 12_000))] }
        }
        facts = HostTree.machine.facts(set: SoftwareSet([]), agentVersion: AgentVersion.text)
        self.seed = seed
    }

    /// The host of that number, with a number of packages within `count`.
    func host(_ number: Int, count: ClosedRange<Int>) -> SyntheticHost {
        var generator = SplitMix64(state: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number))
        let target = count.lowerBound + generator.below(count.count)
        let role = ofRole[number % Self.roles]
        var chosen = Set(common)
        // Some of its role's packages are missing on each host.
        for product in role where chosen.count < target - 20 && generator.below(100) >= 3 { chosen.insert(product) }
        while chosen.count < target { chosen.insert(popular[generator.below(popular.count)]) }
        // Most of a fleet is at the newest levels.
        let level = Self.patchLevels - 1 - min(Self.patchLevels - 1, generator.below(4) * generator.below(4))

        var lines: [String] = []
        var offers: [Offer] = []
        var from: [String: [Int]] = [:]
        for index in chosen.sorted() {
            let product = products[index]
            let newest = product.versions.count - 1
            let deviates = generator.below(100) < 2
            let step = deviates ? generator.below(Self.patchLevels) : level
            let at = newest * step / (Self.patchLevels - 1)
            lines.append(product.versions[at].line)
            from["\(product.name):\(product.architecture)"] = newest - at < product.listed ? [at == newest ? 1 : 0] : []
            if at < newest {
                offers.append(
                    Offer(
                        name: product.name, architecture: product.architecture, installed: product.versions[at].version,
                        candidate: product.versions[newest].version, origins: [1], security: product.listed > 1,
                        status: .upgradable))
            }
        }
        let set = LineDocument(header: SoftwareSet.header, lines: lines)
        let offerSet = OfferSet(indexes: Self.indexes, offers: offers, installedFrom: from)
        var facts = facts
        let hostname = "host-\(number).example.org"
        let bootID = Self.uuid(&generator)
        facts.hostname = .known(hostname)
        facts.bootID = .known(bootID)
        facts.offers = .known(Int64(offers.count))
        let bytes = facts.bytes
        return SyntheticHost(
            hostname: hostname, machineID: Self.uuid(&generator).filter { $0 != "-" }, bootID: bootID, set: set,
            offers: offerSet, facts: bytes,
            digests: HostDigests(set: set.digest, offers: offerSet.digest, facts: SHA256.hash(bytes)))
    }

    // MARK: - Drawing

    private static let indexes = [("", false), ("-security", true)].map { suite, security in
        RepositoryIndex(
            origin: PackageOrigin(
                origin: "Debian", label: security ? "Debian-Security" : "Debian", suite: "oldstable\(suite)",
                codename: "bookworm\(suite)", component: "main", site: "deb.debian.org", security: security),
            released: Timestamp(seconds: 1_780_000_000), validUntil: nil)
    }

    private static func product(_ listed: [ListedPackage], _ generator: inout SplitMix64) -> Product? {
        guard let scheme = VersionSchemes.named("deb") else { return nil }
        var versions: [(key: [UInt8], package: ListedPackage)] = []
        for package in listed where !versions.contains(where: { $0.package.version == package.version }) {
            guard let key = try? scheme.key(for: package.version) else { continue }
            versions.append((key.bytes, package))
        }
        versions.sort { $0.key.lexicographicallyPrecedes($1.key) }
        guard let oldest = versions.first?.package, let last = versions.last?.package else { return nil }
        // A third of all packages has seen an update within the fleet's memory, some more than one.
        var older: [ListedPackage] = []
        var next = oldest
        while older.count < 5, generator.below(100) < (older.isEmpty && versions.count == 1 ? 30 : 60),
            let before = countedBack(next)
        {
            older.insert(before, at: 0)
            next = before
        }
        let entries = (older + versions.map(\.package)).map { package in
            Entry(
                line: SoftwarePackage(
                    scheme: "deb", distribution: "debian-12", name: package.name, architecture: package.architecture,
                    version: package.version, source: package.source, sourceVersion: package.sourceVersion
                ).line, version: package.version)
        }
        return Product(
            name: last.name, architecture: last.architecture, versions: entries, listed: versions.count)
    }

    /// The package with the last number of its version one lower; nil where that is not above zero.
    private static func countedBack(_ package: ListedPackage) -> ListedPackage? {
        func back(_ version: String) -> String? {
            let digits = version.reversed().prefix { $0.isASCII && $0.isNumber }.count
            guard digits > 0, let number = Int(version.suffix(digits)), number > 0 else { return nil }
            return "\(version.dropLast(digits))\(number - 1)"
        }
        guard let version = back(package.version) else { return nil }
        var older = package
        older.version = version
        older.sourceVersion =
            package.sourceVersion == package.version ? version : back(package.sourceVersion) ?? package.sourceVersion
        return older
    }

    private static func uuid(_ generator: inout SplitMix64) -> String {
        let digits = Array("0123456789abcdef")
        let text = (0..<32).map { _ in digits[generator.below(16)] }
        return [text[0..<8], text[8..<12], text[12..<16], text[16..<20], text[20..<32]].map { String($0) }
            .joined(separator: "-")
    }
}

/// A small generator of random numbers that is the same everywhere (Steele, Lea, Flood: Fast splittable pseudorandom
/// number generators, 2014).
struct SplitMix64: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 to one below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
