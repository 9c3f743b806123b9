/// apt's choice among the versions of a package (`pkgPolicy` in apt; apt_preferences(5)).
struct AptPolicy {
    /// A list as the policy sees it; texts are nil where the Release file does not have them.
    struct File: Sendable {
        var hasRelease = false
        var isStatus = false
        var origin: String?
        var label: String?
        var suite: String?
        var codename: String?
        var version: String?
        var site: String?
        var component: String?
        var architecture: String?
        /// The priority without preferences.
        var priority = 500

        /// dpkg's status file, which comes after all lists.
        static let status = File(isStatus: true, component: "now", priority: 100)
    }

    private let files: [File]
    private let native: String
    private let phasing: Phasing
    /// The priority of each file, and the record that gave it.
    private var filePriorities: [(priority: Int, pin: AptPin?)] = []
    private var named: [String: [Matcher]] = [:]
    private var patterns: [Matcher] = []

    /// A record with what it is matched by.
    private struct Matcher {
        var pin: AptPin
        var order: Int
        var isSource: Bool
        var architecture: String?
        var name: Pattern?
        var match: PinMatch
    }

    /// The policy of these preferences.
    ///
    /// - Throws: where apt refuses `APT::Default-Release`.
    init(
        files: [AptIndexFile], preferences: AptPreferences, defaultRelease: String?, native: String, phasing: Phasing
    ) throws(PackageScanError) {
        self.files = files.map(File.init) + [.status]
        self.native = native
        self.phasing = phasing
        var defaults: [(AptPin, PinMatch)] = []
        if let release = defaultRelease {
            let pattern = Pattern(release)
            let isKnown = self.files.contains { file in
                [file.isStatus ? "now" : file.suite, file.codename, file.version].contains {
                    $0.map(pattern.matches) ?? false
                }
            }
            guard isKnown || release.dropFirst().first == "=" else {
                throw .malformed(
                    path: "etc/apt/apt.conf", line: 0,
                    reason: "APT::Default-Release is '\(release)', which no repository offers")
            }
            let pin = AptPin(
                package: "", kind: .release, data: release, priority: 990, place: "APT::Default-Release")
            defaults.append((pin, PinMatch(pin)))
        }
        for (order, pin) in preferences.pins.enumerated() {
            let match = PinMatch(pin)
            if pin.package.isEmpty {
                defaults.append((pin, match))
                continue
            }
            var name = pin.package[...]
            let isSource = name.hasPrefix("src:")
            if isSource { name = name.dropFirst(4) }
            var architecture: String?
            if let colon = name.lastIndex(of: ":") {
                architecture = String(name[name.index(after: colon)...])
                name = name[..<colon]
            }
            let text = String(name)
            let matcher = Matcher(
                pin: pin, order: order, isSource: isSource, architecture: architecture,
                name: Pattern.isPattern(text) ? Pattern(text) : nil, match: match)
            if matcher.name == nil {
                named[isSource ? "src:\(text)" : text, default: []].append(matcher)
            } else {
                patterns.append(matcher)
            }
        }
        for file in self.files {
            var result: (priority: Int, pin: AptPin?) = (file.priority, nil)
            for (pin, match) in defaults where match.matches(file) {
                if result.pin == nil || pin.priority == AptPin.never, result.priority != AptPin.never {
                    result = (pin.priority, pin)
                }
            }
            filePriorities.append(result)
        }
    }

    /// A version's priority, with the record that gave it; nil where only the defaults did.
    func priority(_ version: PackageVersion, of package: PackageVersions) -> (priority: Int, pin: AptPin?) {
        let own = version.files + (version.isInstalled ? [files.count - 1] : [])
        var result: (priority: Int, pin: AptPin?)
        if let pin = pin(version, of: package, own),
            own.contains(where: { filePriorities[$0].priority != AptPin.never })
        {
            result = (pin.priority, pin)
        } else {
            result = (own.isEmpty ? 0 : Int.min, nil)
            for file in own where filePriorities[file].priority > result.priority { result = filePriorities[file] }
        }
        if phasing.method == .priority, version.phased != 100, result.priority > 1,
            phasing.excludes(source: version.source, sourceVersion: version.sourceVersion, percent: version.phased)
        {
            result.priority = 1
        }
        return result
    }

    /// A version's priority without preferences.
    func defaultPriority(_ version: PackageVersion) -> Int {
        (version.files + (version.isInstalled ? [files.count - 1] : [])).map { files[$0].priority }.max() ?? 0
    }

    /// The version that apt would install; nil where the records leave none.
    func candidate(_ package: PackageVersions, withoutPreferences: Bool = false) -> PackageVersion? {
        var best: PackageVersion?
        var bestPriority = -1
        let installed = package.installed
        for version in package.versions {
            let priority = withoutPreferences ? defaultPriority(version) : priority(version, of: package).priority
            if priority == 0 || priority <= bestPriority { continue }
            if let installed, priority < 1000, version.key < installed.key { continue }
            bestPriority = priority
            best = version
        }
        return best
    }

    /// The first record that names the package and matches the version.
    private func pin(_ version: PackageVersion, of package: PackageVersions, _ own: [Int]) -> AptPin? {
        if named.isEmpty, patterns.isEmpty { return nil }
        var candidates = named[package.package.name] ?? []
        candidates += named["src:\(version.source)"] ?? []
        for matcher in patterns {
            let name = matcher.isSource ? version.source : package.package.name
            // The pattern's own text as a name is no match for apt.
            if matcher.name?.matches(name) ?? false { candidates.append(matcher) }
        }
        return candidates.sorted { $0.order < $1.order }.first { matcher in
            let architecture = matcher.architecture ?? native
            guard
                architecture == "any" || architecture == package.architecture
                    || architecture.hasSuffix("-any")
            else { return false }
            return matcher.match.matches(version, files: own.map { files[$0] })
        }?.pin
    }
}

extension AptPolicy.File {
    init(_ index: AptIndexFile) {
        func text(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }
        let release = index.release
        // apt has such an entry for every repository, with a file behind it or not.
        hasRelease = true
        origin = text(release?.origin)
        label = text(release?.label)
        suite = text(release?.suite)
        codename = text(release?.codename)
        version = text(release?.version)
        site = index.site
        component = text(index.source.component)
        architecture = text(index.architecture)
        if let release {
            priority = release.butAutomaticUpgrades ? 100 : release.notAutomatic ? 1 : 500
        }
    }
}
