public import Inventory
import Versions

/// One package's step from its installed version to one that is offered.
public struct VersionStep: Sendable, Hashable {
    /// The package.
    public var name: String
    /// Its architecture.
    public var architecture: String
    /// The installed version.
    public var from: String
    /// The offered version.
    public var to: String

    /// A step of a package.
    public init(name: String, architecture: String, from: String, to: String) {
        self.name = name
        self.architecture = architecture
        self.from = from
        self.to = to
    }
}

/// What a step costs once it is taken.
public enum StepCost: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Nothing has to restart.
    case none
    /// Programs that use it must restart.
    case restart
    /// The host must boot.
    case reboot

    public static func < (a: StepCost, b: StepCost) -> Bool { a.rawValue < b.rawValue }

    /// What is known of a package without looking at a host: kernels, firmware and what no running system can exchange ask
    /// for a boot, libraries and daemons for restarts. The host's own verdict after the step stands above it.
    public init(of package: SoftwarePackage) {
        let source = package.source
        if KernelRole(package, running: "?") == .installed || Self.boot.contains(source)
            || source.hasPrefix("firmware-")
        {
            self = .reboot
        } else if package.name.hasPrefix("lib") || package.name.hasSuffix("-libs") || package.name.hasSuffix("-server")
            || Self.daemons.contains(source)
        {
            self = .restart
        } else {
            self = .none
        }
    }

    private static let boot: Set = [
        "linux", "kernel", "glibc", "systemd", "dbus", "dbus-broker", "linux-firmware", "intel-microcode",
        "amd64-microcode",
        "microcode_ctl", "linux-firmware-nonfree",
    ]
    private static let daemons: Set = [
        "openssh", "apache2", "httpd", "nginx", "postgresql", "mariadb", "mysql", "bind9", "bind", "docker.io",
        "containerd",
    ]
}

/// A patch: the versions of one source that go together, with the findings that they close.
public struct PatchSteps: Sendable, Hashable {
    /// The source package.
    public var source: String
    /// The steps, by name and architecture.
    public var steps: [VersionStep]
    /// The vulnerabilities that are closed on this host once all steps are taken, sorted.
    public var closes: [String]
    /// Vulnerabilities of the same packages that stay open: their fix is above what is offered, or there is none.
    public var leaves: [String]
    /// What it costs.
    public var cost: StepCost

    /// A patch of a source on a host.
    public init(source: String, steps: [VersionStep], closes: [String], leaves: [String] = [], cost: StepCost) {
        self.source = source
        self.steps = steps
        self.closes = closes
        self.leaves = leaves
        self.cost = cost
    }
}

/// What can be done about a host's findings.
public struct PatchPlan: Sendable, Hashable {
    /// The patches, by source: the smallest set of steps that closes all that can be closed here.
    public var patches: [PatchSteps]
    /// Findings with a fix that no repository of the host offers: fixable, not installable.
    public var notInstallable: [Pair]
    /// Findings without a known fix.
    public var withoutFix: [Pair]

    /// A package and a vulnerability.
    public struct Pair: Sendable, Hashable {
        /// The package's name.
        public var package: String
        /// The vulnerability.
        public var vulnerability: String
        /// The version that fixes it; empty where none is known.
        public var fixed: String
    }

    /// Plans for the affected findings of a host.
    ///
    /// A step is taken only if it closes something; packages of one source step together, because binaries of one source
    /// depend on each other's exact versions.
    ///
    /// - Parameter offers: the highest version that the host's repositories offer for a package, by name and architecture.
    public init(_ judgements: [Judgement], offers: (SoftwarePackage) -> String?) {
        patches = []
        notInstallable = []
        withoutFix = []
        struct Closing {
            var package: SoftwarePackage
            var candidate: String
        }
        var closing: [String: [Closing]] = [:]
        var closed: [String: Set<String>] = [:]
        var open: [String: Set<String>] = [:]
        for judgement in judgements {
            let package = judgement.package
            let candidate = offers(package)
            var isNeeded = false
            for finding in judgement.findings where finding.verdict == .affected && !finding.isInformational {
                guard let fixed = finding.fixed else {
                    withoutFix.append(Pair(package: package.name, vulnerability: finding.vulnerability, fixed: ""))
                    open[package.source, default: []].insert(finding.vulnerability)
                    continue
                }
                guard let candidate, Self.reaches(candidate, fixed, package) else {
                    notInstallable.append(
                        Pair(package: package.name, vulnerability: finding.vulnerability, fixed: fixed))
                    open[package.source, default: []].insert(finding.vulnerability)
                    continue
                }
                isNeeded = true
                closed[package.source, default: []].insert(finding.vulnerability)
            }
            if isNeeded, let candidate {
                closing[package.source, default: []].append(Closing(package: package, candidate: candidate))
            }
        }
        for (source, list) in closing.sorted(by: { $0.key < $1.key }) {
            let left = open[source] ?? []
            patches.append(
                PatchSteps(
                    source: source,
                    steps: list.map {
                        VersionStep(
                            name: $0.package.name, architecture: $0.package.architecture, from: $0.package.version,
                            to: $0.candidate)
                    }.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) },
                    closes: (closed[source] ?? []).subtracting(left).sorted(), leaves: left.sorted(),
                    cost: list.map { StepCost(of: $0.package) }.max() ?? .none))
        }
    }

    /// Whether a binary's offered version has a fix that is told as a version of its source.
    ///
    /// A binary's version usually is its source's, with an epoch of its own at most; where it is numbered differently the
    /// step from one to the other does not tell, and the fix counts as not installable until a scan shows it.
    private static func reaches(_ candidate: String, _ fixed: String, _ package: SoftwarePackage) -> Bool {
        let scheme = package.scheme
        if CarriedSources.sources(of: package).count > 1 {
            // Of a signed build the fix is told as a version of what was signed.
            var offered = package
            (offered.version, offered.sourceVersion) = (candidate, candidate)
            return CarriedSources.sources(of: offered).dropFirst().contains { source in
                let order = VersionOrder.order(source.version, fixed, scheme: scheme)
                return order == .equal || order == .greater
            }
        }
        if package.version == package.sourceVersion || package.sourceVersion.isEmpty
            || package.version.hasPrefix(package.sourceVersion + "+b")
        {
            let order = VersionOrder.order(candidate, fixed, scheme: scheme)
            return order == .equal || order == .greater
        }
        // The same suffix, another start: 2:1.4.7+samba4.17.12 of source 2:4.17.12.
        if let source = sourceVersion(of: candidate, like: package) {
            let order = VersionOrder.order(source, fixed, scheme: scheme)
            return order == .equal || order == .greater
        }
        return false
    }

    /// The source's version of a candidate, where the installed binary shows how the two are written.
    private static func sourceVersion(of candidate: String, like package: SoftwarePackage) -> String? {
        func withoutEpoch(_ version: String) -> (epoch: String, rest: String) {
            guard let colon = version.firstIndex(of: ":") else { return ("", version) }
            return (String(version[...colon]), String(version[version.index(after: colon)...]))
        }
        let (epoch, installed) = withoutEpoch(package.version)
        let (sourceEpoch, source) = withoutEpoch(package.sourceVersion)
        let (candidateEpoch, offered) = withoutEpoch(candidate)
        guard epoch == candidateEpoch else { return nil }
        if installed == source { return sourceEpoch + offered }
        guard installed.hasSuffix(source) else { return nil }
        // The binary's own start must be the candidate's, too.
        let start = installed.dropLast(source.count)
        return offered.hasPrefix(start) ? sourceEpoch + offered.dropFirst(start.count) : nil
    }
}

extension VersionOrder {
    /// How two versions stand, by keys where there are any; nil where that is not known.
    static func order(_ a: String, _ b: String, scheme: String) -> Ordering? {
        if let left = key(a, scheme: scheme), let right = key(b, scheme: scheme) { return left.ordering(to: right) }
        return compare(a, b, scheme: scheme)
    }
}
