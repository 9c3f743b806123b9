import Inventory
import Versions

/// Turns the versions of installed packages into offers, all but why some are kept back.
struct OfferBuilder {
    let lists: AptLists
    let packages: [PackageVersions]
    let policy: AptPolicy
    let phasing: Phasing
    /// The origins, each once, and for each list the position of its own.
    let indexes: [RepositoryIndex]
    private let indexOfFile: [Int]

    init(lists: AptLists, packages: [PackageVersions], policy: AptPolicy, phasing: Phasing) {
        self.lists = lists
        self.packages = packages
        self.policy = policy
        self.phasing = phasing
        var indexes: [RepositoryIndex] = []
        var positions: [RepositoryIndex: Int] = [:]
        indexOfFile = lists.files.map { file in
            let index = file.repositoryIndex
            if let position = positions[index] { return position }
            positions[index] = indexes.count
            indexes.append(index)
            return indexes.count - 1
        }
        self.indexes = indexes
    }

    /// An offer whose status may still depend on the resolver.
    struct Draft {
        var offer: Offer
        /// The package's position in ``OfferBuilder/packages``.
        var package: Int
        var candidate: PackageVersion
        /// Whether the resolver is to say what becomes of it.
        var isOpen: Bool
    }

    /// The lists that have each package's installed version.
    func installedFrom() -> [String: [Int]] {
        var result: [String: [Int]] = [:]
        for package in packages {
            result[package.package.id] = origins(package.installed?.files ?? [])
        }
        return result
    }

    /// The offers; those that nobody holds, phases or pins away are open.
    func drafts() -> [Draft] {
        var drafts: [Draft] = []
        for (position, package) in packages.enumerated() where package.versions.count > 1 {
            guard let installed = package.installed, package.versions[0].key > installed.key else { continue }
            var candidate = policy.candidate(package)
            var status: OfferStatus?
            if candidate.map({ $0.key <= installed.key }) ?? true {
                // Without anyone's preferences apt would take a newer one: then it is them that stand in the way.
                guard let wanted = policy.candidate(package, withoutPreferences: true), wanted.key > installed.key
                else { continue }
                if phasing.method == .priority, let share = phase(wanted, package, installed) {
                    status = .phased(percent: share)
                } else {
                    status = .pinned(pinText(wanted, chosen: candidate, package))
                }
                candidate = wanted
            }
            guard let candidate else { continue }
            if status == nil {
                if package.package.want == .hold {
                    status = .held
                } else if phasing.method == .keptBack, let share = phase(candidate, package, installed) {
                    status = .phased(percent: share)
                }
            }
            let offer = Offer(
                name: package.package.name, architecture: package.package.architecture, installed: installed.version,
                candidate: candidate.version, origins: origins(candidate.files),
                security: isSecurity(candidate, package, installed), status: status ?? .upgradable)
            drafts.append(Draft(offer: offer, package: position, candidate: candidate, isOpen: status == nil))
        }
        return drafts
    }

    private func origins(_ files: [Int]) -> [Int] {
        var result: [Int] = []
        for file in files where !result.contains(indexOfFile[file]) { result.append(indexOfFile[file]) }
        return result
    }

    /// Whether a security pocket lists a version above the installed one and not above the candidate.
    private func isSecurity(
        _ candidate: PackageVersion, _ package: PackageVersions, _ installed: PackageVersion
    ) -> Bool {
        package.versions.contains { version in
            version.key > installed.key && version.key <= candidate.key
                && version.files.contains { indexes[indexOfFile[$0]].origin.security }
        }
    }

    /// The share in percent because of which apt withholds the upgrade from this host; nil where it does not.
    private func phase(_ candidate: PackageVersion, _ package: PackageVersions, _ installed: PackageVersion) -> Int? {
        if phasing.countsInstalled, isExcluded(installed),
            !hasSecurity(package, where: { $0.key < installed.key })
        {
            return installed.phased
        }
        guard isExcluded(candidate) else { return nil }
        // Security updates are never withheld.
        let isExempt =
            phasing.method == .keptBack
            && hasSecurity(package) { version in
                version.key > installed.key
                    && (phasing.countsCandidateAsSecurity ? version.key <= candidate.key : version.key < candidate.key)
            }
        return isExempt ? nil : candidate.phased
    }

    private func isExcluded(_ version: PackageVersion) -> Bool {
        phasing.excludes(source: version.source, sourceVersion: version.sourceVersion, percent: version.phased)
    }

    /// Whether one of these versions is in what apt itself takes for a security pocket: a suite of that name.
    private func hasSecurity(_ package: PackageVersions, where condition: (PackageVersion) -> Bool) -> Bool {
        package.versions.contains { version in
            condition(version)
                && version.files.contains { lists.files[$0].release?.suite.hasSuffix("-security") ?? false }
        }
    }

    /// Which record of preferences keeps the wanted version away.
    private func pinText(_ wanted: PackageVersion, chosen: PackageVersion?, _ package: PackageVersions) -> String {
        let own = policy.priority(wanted, of: package)
        if let pin = own.pin, own.priority < policy.defaultPriority(wanted) {
            return "\(wanted.version) has priority \(own.priority): \(pin.displayName)"
        }
        if let chosen {
            let other = policy.priority(chosen, of: package)
            if let pin = other.pin {
                return "\(chosen.version) has priority \(other.priority): \(pin.displayName)"
            }
        }
        return "\(wanted.version) has priority \(own.priority)" + (own.pin.map { ": \($0.displayName)" } ?? "")
    }
}
