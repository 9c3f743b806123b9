import Access
import Digest
import Feeds
import Inventory
import Matching
import Priority
import Store
import Timestamps

/// What an organisation's hosts are exposed to, worked out in memory: packages are judged once however many hosts have them.
struct FleetRisk: Sendable {
    /// What was judged by.
    var catalogue: SHA256Digest
    /// When it was worked out.
    var asOf: Timestamp
    /// What gave hosts their exposure and worth beside their own labels.
    var rules = AssetRules()
    /// The active hosts, by id.
    var hosts: [HostRisk] = []
    /// The packages that anybody has, by number.
    var packages: [Int64: JudgedPackage] = [:]
    /// What is known of every vulnerability that anybody has, by name.
    var vulnerabilities: [String: KnownVulnerability] = [:]
    /// What is open, since when, and since when a fix is known.
    var open: [Verdicts.Key: Verdicts.Open] = [:]
    /// What hosts are offered, by the set of updates that they wait for.
    var offers: [Int64: [Verdicts.Offer]] = [:]

    /// A host.
    struct HostRisk: Sendable {
        var host: Verdicts.Host
        var asset: AssetFacts
        /// The numbers of its packages; nil where it has not reported or its set is gone: nothing is known of it then.
        var packages: [Int64]?
        /// Since when it has what it did not have at first, by ``PackageArrivals/key(_:)``.
        var arrivals: [String: Timestamp] = [:]
        /// Those of its packages in which something is open.
        var exposed: [Int64] = []
        /// What its kernels mean; nil where it has none, or nothing is open in them.
        var kernels: HostKernels?
        /// What can be done: shared by hosts with the same software and offers.
        var plan: HostPlan
    }

    /// A package with what is known of it.
    struct JudgedPackage: Sendable {
        var package: SoftwarePackage
        /// Why nothing can be said of it; empty where it was judged.
        var unknown: String
        /// What is open in it, by vulnerability.
        var open: [OpenFinding]
    }

    /// Something open in a package.
    struct OpenFinding: Sendable {
        var vulnerability: String
        /// All its ids.
        var ids: [String]
        /// Affected, or unknown where it was affected and nobody who would know says anything any more.
        var verdict: Verdict
        var fixed: String?
        var severity: String
        var isWeak = false
        /// Whether a source says that the vulnerability itself is disputed.
        var isDisputed = false
        /// Why the verdict is unknown; empty where it is not.
        var reason: String
        var voices: [Voice] = []

        init(_ finding: Matching.Finding) {
            vulnerability = finding.vulnerability
            ids = finding.ids
            verdict = finding.verdict
            fixed = finding.fixed
            severity = finding.severity.word
            isWeak = finding.isWeak
            isDisputed = finding.isDisputed
            reason = finding.verdict == .unknown ? "formerly affected; \(finding.reason)" : finding.reason
            voices = finding.voices
        }

        /// One that was open, and of which nobody says anything any more.
        init(formerly vulnerability: String, reason: String) {
            self.vulnerability = vulnerability
            ids = [vulnerability]
            verdict = .unknown
            severity = "unknown"
            self.reason = "formerly affected; \(reason)"
        }
    }

    /// A vulnerability with its score.
    struct KnownVulnerability: Sendable {
        var facts: VulnerabilityFacts
        var score: RiskScore
        var summary: String
        /// Its weaknesses, as `CWE-79`.
        var weaknesses: [String] = []
    }

    /// What the host's own repositories can close.
    struct HostPlan: Sendable {
        var patches: [PatchSteps] = []
    }

    /// The same by other rules, for some hosts.
    ///
    /// - Parameter chosen: whether a host is among these, by its id.
    func ruled(by rules: AssetRules, _ chosen: (String) -> Bool) -> FleetRisk {
        var copy = self
        for index in copy.hosts.indices where chosen(copy.hosts[index].host.id) {
            let host = copy.hosts[index].host
            copy.hosts[index].asset = rules.facts(id: host.id, name: host.hostname, labels: host.labels)
        }
        return copy
    }

    /// Where the host of that id is; nil where there is none.
    func index(of host: String) -> Int? {
        var (low, high) = (0, hosts.count)
        while low < high {
            let middle = (low + high) / 2
            if hosts[middle].host.id < host { low = middle + 1 } else { high = middle }
        }
        return low < hosts.count && hosts[low].host.id == host ? low : nil
    }

    /// The hosts within reach, as indices.
    func reachable(_ reach: Reach) -> [Int] {
        hosts.indices.filter { hosts[$0].host.isActive && reach.includes(hosts[$0].host.labels) }
    }

    /// The date from which a finding's clock runs on a host: since the organisation knows it, the host is enrolled and a build of
    /// the package's source is on it.
    func detected(_ vulnerability: String, packages: [Int64], _ host: HostRisk) -> Timestamp {
        max(known(vulnerability, packages: packages, host.arrivals), host.host.enrolled)
    }

    /// Since when the organisation knows it and one of the packages is there, whenever the host was enrolled.
    func known(_ vulnerability: String, packages: [Int64], _ arrivals: [String: Timestamp]) -> Timestamp {
        packages.compactMap { id -> Timestamp? in
            guard let since = open[Verdicts.Key(package: id, vulnerability: vulnerability)]?.since else { return nil }
            guard !arrivals.isEmpty, let package = self.packages[id]?.package,
                let came = arrivals[PackageArrivals.key(package)]
            else { return since }
            return max(since, came)
        }.min() ?? asOf
    }
}

/// What the kernels of a host mean: which runs, and what another boot closes.
struct HostKernels: Sendable, Hashable {
    /// What a finding in one of a host's packages means there.
    enum Part: String, Sendable, Hashable {
        /// It is there.
        case active
        /// The running kernel has it, the installed one that boots next has it no more.
        case closedByReboot = "closed-by-reboot"
        /// Only a kernel that does not run has it.
        case dormant
        /// Headers, documentation and the like carry the source's vulnerabilities in name alone.
        case inNameAlone = "in-name-alone"
    }

    /// The release that runs; nil where no probe told.
    var running: String?
    /// The release that boots next; nil where that is not known.
    var next: String?
    private var roles: [Int64: KernelRole] = [:]
    private var closed: Set<String> = []

    /// - Parameters:
    ///   - packages: the host's packages.
    ///   - judged: what is known of them.
    ///   - facts: what the host says of its kernels.
    /// - Returns: nil where none of the packages is a kernel's.
    init?(_ packages: [Int64], _ judged: [Int64: FleetRisk.JudgedPackage], _ facts: KernelFacts?) {
        running = facts.flatMap { $0.running.isEmpty ? nil : $0.running }
        next = facts?.newest?.release
        var openOfRunning: Set<String> = []
        var openOfNext: Set<String>?
        for id in packages {
            guard let known = judged[id], let role = KernelRole(known.package, running: running), role != .none else {
                continue
            }
            roles[id] = role
            let names = Set(known.open.map(\.vulnerability))
            if role == .running { openOfRunning.formUnion(names) }
            if role == .installed, let newest = facts?.newest, known.package.name == newest.package,
                known.package.version == newest.version, known.unknown.isEmpty
            {
                openOfNext = names
            }
        }
        guard !roles.isEmpty else { return nil }
        // What nobody could judge of the next kernel closes nothing.
        if let openOfNext { closed = openOfRunning.subtracting(openOfNext) }
    }

    /// The packages of the kernels, and of their headers and the like.
    var packages: some Sequence<Int64> { roles.keys }

    /// The packages of the kernel that runs, in ascending order.
    var runningPackages: [Int64] { roles.filter { $0.value == .running }.keys.sorted() }

    /// What a finding means. What no probe could tell counts as active.
    func part(_ package: Int64, _ vulnerability: String) -> Part {
        switch roles[package] {
        case .running: closed.contains(vulnerability) ? .closedByReboot : .active
        case .installed: .dormant
        case .withoutCode: .inNameAlone
        case nil, .some(.none): .active
        }
    }
}
