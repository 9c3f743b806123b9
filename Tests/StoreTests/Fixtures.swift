import Digest
import Inventory
import Store
import Timestamps

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func digest(_ text: String) -> SHA256Digest { SHA256.hash(Array(text.utf8)) }

func package(_ name: String, _ version: String) -> SoftwarePackage {
    SoftwarePackage(scheme: "deb", distribution: "debian-12", name: name, architecture: "amd64", version: version)
}

func packageSet(_ packages: [String: String]) -> SoftwareSet {
    SoftwareSet(packages.map { package($0.key, $0.value) })
}

func offerSet(_ offers: [(name: String, from: String, to: String, security: Bool)]) -> OfferSet {
    let origin = PackageOrigin(
        origin: "Debian", label: "Debian-Security", suite: "oldstable-security", codename: "bookworm-security",
        component: "main", site: "deb.debian.org", security: true)
    return OfferSet(
        indexes: [RepositoryIndex(origin: origin, released: nil, validUntil: nil)],
        offers: offers.map {
            Offer(
                name: $0.name, architecture: "amd64", installed: $0.from, candidate: $0.to, origins: [0],
                security: $0.security, status: .upgradable)
        }, installedFrom: [:])
}

/// What a host looks like: three documents.
struct HostLook: Sendable {
    var set: SoftwareSet
    var offers: OfferSet
    var facts: [UInt8]

    init(
        _ packages: [String: String], offers: [(name: String, from: String, to: String, security: Bool)] = [],
        facts: String = "{}"
    ) {
        self.set = packageSet(packages)
        self.offers = offerSet(offers)
        self.facts = Array(facts.utf8)
    }

    var digests: DocumentDigests {
        DocumentDigests(set: set.digest, offers: offers.digest, facts: SHA256.hash(facts))
    }

    func put(_ organisation: String, in sql: Transaction, now: Timestamp = t0) throws {
        try sql.documents.put(
            organisation: organisation, DocumentName(.set, set.digest), bytes: set.document.bytes, now: now)
        try sql.documents.put(
            organisation: organisation, DocumentName(.offers, offers.digest), bytes: offers.document.bytes, now: now)
        try sql.documents.put(
            organisation: organisation, DocumentName(.facts, SHA256.hash(facts)), bytes: facts, now: now)
    }

    func entry(_ sequence: Int64, at time: Timestamp = t0) -> ReportEntry {
        ReportEntry(sequence: sequence, observed: time, bootID: "boot", digests: digests, cause: "interval")
    }
}

func newHost(_ name: String, organisation: String = "a", asset: String? = nil) -> NewHost {
    NewHost(
        id: "h-\(organisation)-\(name)", organisation: organisation, asset: asset, hostname: name,
        evidence: ["machine-id": "m-\(name)", "product-uuid": "u-\(name)", "hostname": name], labels: ["env": "test"],
        token: "tok",
        certificate: HostCertificate(
            serial: "\(organisation)\(name)01", keyDigest: digest("key \(organisation) \(name)"), notBefore: t0,
            notAfter: t0.adding(seconds: 86_400 * 30), issuedAt: t0), exchangeToken: digest("exchange \(name)"),
        interval: 300, scanInterval: 3600, salt: "salt", bootID: "boot", agentVersion: "1.0", protocolVersion: 2)
}

extension Store {
    /// Enrols a host.
    func enrol(_ name: String, organisation: String = "a") async throws -> HostRecord {
        try await write { try $0.hosts.enrol(newHost(name, organisation: organisation), now: t0) }
    }

    /// Uploads a look and reports it, in two transactions as an agent does.
    @discardableResult
    func report(
        _ host: HostRecord, _ look: HostLook, _ sequence: Int64, at time: Timestamp = t0, now: Timestamp? = nil,
        incarnation: String = "i1", acceptsGap: Bool = false
    ) async throws -> ReportOutcome {
        try await write { try look.put(host.organisation, in: $0) }
        return try await write { sql in
            try sql.reports.accept(
                ReportSubmission(
                    organisation: host.organisation, host: host.id, incarnation: incarnation,
                    entries: [look.entry(sequence, at: time)], acceptsGap: acceptsGap), now: now ?? time)
        }
    }
}
