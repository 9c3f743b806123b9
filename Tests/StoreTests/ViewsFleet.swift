import Access
import Digest
import Inventory
import JSON
import Store
import Timestamps

/// A host as a test knows it, to be asked the plain way.
struct PlainHost: Sendable {
    var id: String
    var hostname: String
    var labels: [String: String]
    var status = HostStatus.active
    var system = ""
    var protocolVersion: Int64
    var lastSeen: Timestamp?
    var scannedAt: Timestamp?
    var reportedAt: Timestamp?
    var clockOffset: Int64 = 0
    var reboot: Bool?
    var broken: Int64?
    var restarts: Int64?
    var fetched: Timestamp?
    var addresses: [String] = []
    var indexes: [Timestamp?] = []
    var offers: [PlainOffer] = []
    var packages: [String: String] = [:]
    var reports: Int64 = 0

    struct PlainOffer: Hashable, Sendable {
        var name: String
        var candidate: String
        var security: Bool
        var origin: Int
    }

    /// The rules of the design, one after the other.
    func unjudged(_ now: Timestamp) -> UnjudgedReason? {
        if let why = noEvidence(now) { return why }
        return staleness(now)
    }

    func noEvidence(_ now: Timestamp) -> UnjudgedReason? {
        if status != .active { return .notActive }
        if reportedAt == nil { return .notReported }
        if isSilent(now) { return .silent }
        let scan = protocolVersion >= 2 ? scannedAt ?? reportedAt : reportedAt
        if let scan, now.seconds(since: scan) > 3 * 3600 + 300 { return .notScanned }
        return nil
    }

    func staleness(_ now: Timestamp) -> UnjudgedReason? {
        if indexes.isEmpty { return .noIndexes }
        if indexes.compactMap({ $0 }).contains(where: { $0 < now }) { return .indexesExpired }
        guard let fetched else { return .indexesOfUnknownAge }
        return now.seconds(since: fetched) + clockOffset / 1000 > 7 * 86_400 ? .indexesOld : nil
    }

    func isSilent(_ now: Timestamp) -> Bool {
        status == .active && now.seconds(since: lastSeen ?? reportedAt ?? t0) > 900
    }

    func isStale(_ now: Timestamp) -> Bool { status == .active && reportedAt != nil && staleness(now) != nil }

    func rebootState(_ now: Timestamp) -> RebootState {
        guard noEvidence(now) == nil, let reboot else { return .unknown }
        return reboot ? .required : .notRequired
    }

    func isFound(_ query: HostQuery, _ now: Timestamp) -> Bool {
        func holds(_ wanted: Bool?, _ value: Bool?) -> Bool { wanted == nil || value == wanted }
        let evidence = noEvidence(now) == nil
        if let text = query.text?.lowercased(), !text.isEmpty,
            !hostname.lowercased().contains(text), !id.lowercased().contains(text)
        {
            return false
        }
        if !query.statuses.isEmpty, !query.statuses.contains(status) { return false }
        if let selector = query.selector, !selector.selects(labels) { return false }
        guard holds(query.security, offers.contains { $0.security }), holds(query.pending, !offers.isEmpty),
            query.reboot.isEmpty || query.reboot.contains(rebootState(now)), holds(query.silent, isSilent(now)),
            holds(query.stale, isStale(now)), holds(query.broken, evidence ? broken.map { $0 > 0 } : nil),
            holds(query.restarts, evidence ? restarts.map { $0 > 0 } : nil)
        else { return false }
        if let judged = query.judged {
            if judged ? unjudged(now) != nil : status != .active || unjudged(now) == nil { return false }
        }
        if !query.operatingSystems.isEmpty, !query.operatingSystems.contains(system) { return false }
        if let patch = query.patch, !offers.contains(where: { $0.matches(patch) }) { return false }
        return true
    }
}

extension PlainHost.PlainOffer {
    var originName: String { origin == 0 ? "Debian bookworm/main" : "Debian-Security bookworm-security/main" }

    func matches(_ patch: PatchFilter) -> Bool {
        name == patch.name && (patch.candidate ?? candidate) == candidate && (patch.origin ?? originName) == originName
            && (patch.security ?? security) == security
    }
}

/// A fleet of random hosts, made through the store's own functions.
struct PlainFleet {
    var hosts: [PlainHost] = []
    var random: SeededGenerator

    static let packages = ["openssl", "libssl3", "nginx", "nginx-common", "bash", "linux-image"]
    static let systems = ["Debian GNU/Linux", "Ubuntu", "Alpine"]

    init(seed: UInt64) { random = SeededGenerator(seed) }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func time(_ range: ClosedRange<Int64>) -> Timestamp {
        t0.adding(seconds: Int64.random(in: range, using: &random))
    }

    mutating func labels() -> [String: String] {
        var labels: [String: String] = [:]
        if chance(70) { labels["env"] = ["prod", "test"].randomElement(using: &random) }
        if chance(40) { labels["site"] = ["berlin", "Paris"].randomElement(using: &random) }
        return labels
    }

    /// Enrols another host, most with a report and a check-in.
    @discardableResult
    mutating func add(_ store: Store, organisation: String = "a") async throws -> PlainHost {
        let number = hosts.count
        let name = ["web", "db", "Cache"].randomElement(using: &random)! + "\(Int.random(in: 0...40, using: &random))"
        var host = PlainHost(
            id: "h-\(organisation)-\(number)", hostname: name, labels: labels(), protocolVersion: chance(20) ? 1 : 2)
        var new = newHost("\(number)", organisation: organisation)
        new.hostname = name
        new.labels = host.labels
        new.protocolVersion = host.protocolVersion
        let enrolled = new
        _ = try await store.write { try $0.hosts.enrol(enrolled, now: t0) }
        if chance(90) { try await report(&host, store, organisation) }
        if chance(80) {
            let (seen, offset) = (time(0...7200), Int64.random(in: -90_000...90_000, using: &random))
            host.lastSeen = seen
            host.clockOffset = offset
            if chance(70) { host.scannedAt = time(-14_000...7200) }
            store.directory.touch(host: host.id, at: seen, clockOffset: offset, scannedAt: host.scannedAt)
        }
        if chance(15) { try await setStatus(&host, store, organisation) }
        hosts.append(host)
        return host
    }

    mutating func setStatus(_ host: inout PlainHost, _ store: Store, _ organisation: String) async throws {
        let (id, status) = (host.id, HostStatus.allCases.randomElement(using: &random)!)
        try await store.write {
            try $0.hosts.setStatus(organisation: organisation, host: id, status, reason: "r", actor: "u", now: t0)
        }
        host.status = status
    }

    mutating func setLabels(_ host: inout PlainHost, _ store: Store, _ organisation: String) async throws {
        let (id, labels) = (host.id, labels())
        try await store.write {
            try $0.hosts.setLabels(organisation: organisation, host: id, labels, actor: "u", now: t0)
        }
        host.labels = labels
    }

    mutating func report(
        _ host: inout PlainHost, _ store: Store, _ organisation: String
    ) async throws {
        guard host.status == .active else { return }
        host.reports += 1
        let sequence = host.reports
        host.reboot = chance(20) ? nil : chance(40)
        host.broken = chance(20) ? nil : (chance(70) ? 0 : 2)
        host.restarts = chance(20) ? nil : (chance(60) ? 0 : 3)
        host.fetched = chance(10) ? nil : time(-9 * 86_400...0)
        host.system = PlainFleet.systems.randomElement(using: &random)!
        host.addresses = ["10.0.\(Int.random(in: 0...3, using: &random)).\(Int.random(in: 1...9, using: &random))"]
        host.indexes = chance(10) ? [] : [nil, chance(50) ? nil : time(-3600...86_400)]
        host.packages = [:]
        host.offers = []
        for name in PlainFleet.packages where chance(60) {
            host.packages[name] = "1"
            if !host.indexes.isEmpty, chance(50) {
                host.offers.append(
                    .init(
                        name: name, candidate: chance(70) ? "2" : "3", security: chance(40), origin: chance(50) ? 0 : 1)
                )
            }
        }
        let reported = time(-10_000...3000)
        host.reportedAt = reported
        let look = HostLook(plain: host)
        let digests = look.digests
        let known = host
        try await store.write { sql throws in
            try look.put(organisation, in: sql)
            _ = try sql.reports.accept(
                ReportSubmission(
                    organisation: organisation, host: known.id, incarnation: "i",
                    entries: [
                        ReportEntry(
                            sequence: sequence, observed: reported, bootID: "boot", digests: digests, cause: "interval")
                    ]), now: reported, summarise: { _ in FactsSummary(plain: known) })
        }
    }

    mutating func query() -> HostQuery {
        var query = HostQuery()
        func maybe(_ percent: Int, _ fleet: inout PlainFleet) -> Bool? {
            fleet.chance(percent) ? fleet.chance(60) : nil
        }
        if chance(20) { query.text = ["WEB", "b1", "cache", "h-a-1", "x"].randomElement(using: &random) }
        if chance(30) { query.statuses = [.active] }
        if chance(10) { query.statuses = [.quarantined, .retired] }
        if chance(20) {
            query.selector = try? LabelSelector(
                ["env=prod", "env", "!site", "env in (prod,test),site=berlin", "env!=test"].randomElement(
                    using: &random)!)
        }
        query.security = maybe(15, &self)
        query.pending = maybe(15, &self)
        if chance(20) { query.reboot = [RebootState.allCases.randomElement(using: &random)!] }
        query.silent = maybe(15, &self)
        query.stale = maybe(15, &self)
        query.broken = maybe(10, &self)
        query.restarts = maybe(10, &self)
        query.judged = maybe(15, &self)
        if chance(15) { query.operatingSystems = [PlainFleet.systems.randomElement(using: &random)!, ""] }
        if chance(15) {
            query.patch = PatchFilter(
                name: PlainFleet.packages.randomElement(using: &random)!, candidate: chance(50) ? "2" : nil,
                security: maybe(50, &self))
        }
        return query
    }

    mutating func reach() -> Reach {
        [
            .all, .all, .none, .selected([try! LabelSelector("env=prod")]),
            .selected([try! LabelSelector("site=berlin"), try! LabelSelector("!env")]),
        ].randomElement(using: &random)!
    }
}

extension HostLook {
    fileprivate init(plain host: PlainHost) {
        self.init(
            host.packages,
            facts: "{\"host\":\"\(host.id)\",\"system\":\"\(host.system)\",\"at\":\(host.reportedAt!.milliseconds)}")
        let origins = [("Debian", "bookworm", false), ("Debian-Security", "bookworm-security", true)]
        offers = OfferSet(
            indexes: zip(origins, host.indexes).map { origin, validUntil in
                RepositoryIndex(
                    origin: PackageOrigin(
                        origin: "Debian", label: origin.0, suite: "", codename: origin.1, component: "main", site: "",
                        security: origin.2), released: nil, validUntil: validUntil)
            },
            offers: host.offers.map {
                Offer(
                    name: $0.name, architecture: "amd64", installed: "1", candidate: $0.candidate, origins: [$0.origin],
                    security: $0.security, status: $0.candidate == "2" ? .upgradable : .held)
            }
                // One package is there in two architectures, and is one patch all the same.
                + host.offers.filter { $0.name == "libssl3" }.map {
                    Offer(
                        name: $0.name, architecture: "i386", installed: "1", candidate: $0.candidate,
                        origins: [$0.origin], security: $0.security, status: $0.candidate == "2" ? .upgradable : .held)
                }, installedFrom: [:])
    }
}

extension FactsSummary {
    fileprivate init(plain host: PlainHost) {
        self.init(hostname: nil, operatingSystem: host.system)
        rebootRequired = host.reboot
        broken = host.broken
        restarts = host.restarts
        indexesFetched = host.fetched
        addresses = host.addresses
    }
}
