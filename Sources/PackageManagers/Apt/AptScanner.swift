import Inventory
import Timestamps

/// One scan of one tree, step by step.
struct AptScanner {
    let tree: FileTree
    let database: DpkgDatabase
    let now: Timestamp
    private let distribution: String
    private let onDisk: [DpkgPackage]

    init(tree: FileTree, database: DpkgDatabase, now: Timestamp) {
        self.tree = tree
        self.database = database
        self.now = now
        distribution = OSRelease(tree).distribution
        onDisk = database.packages.filter(\.isOnDisk)
    }

    func scan(resolver: AptResolver) -> AptScan {
        let set = SoftwareSet(
            onDisk.map { package in
                SoftwarePackage(
                    scheme: "deb", distribution: distribution, name: package.name, architecture: package.architecture,
                    version: package.version, source: package.source, sourceVersion: package.sourceVersion)
            })
        var facts = FactsDraft()
        let offers: Fact<OfferSet>
        do throws(PackageScanError) {
            offers = .known(try self.offers(resolver, &facts))
        } catch {
            // apt refuses to work with such a file, so what it would offer is not known.
            offers = .unknown(error.description)
            facts.problems.append(
                IndexProblem(kind: .unreadable, subject: "apt's configuration", detail: error.description))
        }
        return AptScan(distribution: distribution, set: set, offers: offers, packages: .known(self.facts(facts)))
    }

    /// What the facts take from reading the offers.
    struct FactsDraft {
        var problems: [IndexProblem] = []
        var repositories = 0
        var listsFolder = "var/lib/apt/lists"
        var stateFolder = "var/lib/apt"
    }

    /// apt's view of the host: its lists, the versions of installed packages and what chooses among them.
    struct View {
        var lists: AptLists
        var packages: [PackageVersions]
        var policy: AptPolicy
        var phasing: Phasing
        var native: String
        var installsRecommends: Bool
    }

    func view(_ facts: inout FactsDraft) throws(PackageScanError) -> View {
        let configuration = try AptConfiguration(tree)
        facts.stateFolder = Self.folder(configuration.value("Dir::State"), in: "", default: "var/lib/apt")
        facts.listsFolder = Self.folder(
            configuration.value("Dir::State::lists"), in: facts.stateFolder, default: "lists")
        let native = configuration.value("APT::Architecture") ?? database.nativeArchitecture
        var architectures = configuration.list("APT::Architectures")
        if architectures.isEmpty { architectures = database.foreignArchitectures }
        let sources = try AptSources(tree, architectures: [native] + architectures.filter { $0 != native })
        facts.repositories = sources.entries.count
        let preferences = try AptPreferences(tree)
        var lists = AptLists(tree, folder: facts.listsFolder, sources: sources)
        lists.noteExpired(now: now)
        facts.problems += lists.problems
        let apt = onDisk.first { $0.name == "apt" }
        let phasing = Phasing(tree, configuration: configuration, aptVersion: apt?.version ?? "")
        let policy = try AptPolicy(
            files: lists.files, preferences: preferences, defaultRelease: configuration.value("APT::Default-Release"),
            native: native, phasing: phasing)

        var reader = PackageVersionsReader(installed: onDisk, native: native)
        for refused in reader.refused {
            facts.problems.append(IndexProblem(kind: .unreadable, subject: "var/lib/dpkg/status", detail: refused))
        }
        for (position, file) in lists.files.enumerated() {
            do throws(PackageScanError) {
                try reader.read(try tree.openList(file.path), file: position)
            } catch {
                facts.problems.append(
                    IndexProblem(kind: .unreadable, subject: file.source.displayName, detail: error.description))
            }
        }
        reader.sort()
        return View(
            lists: lists, packages: reader.packages, policy: policy, phasing: phasing, native: native,
            installsRecommends: configuration.flag("APT::Install-Recommends", default: true))
    }

    private func offers(_ resolver: AptResolver, _ facts: inout FactsDraft) throws(PackageScanError) -> OfferSet {
        let view = try view(&facts)
        let builder = OfferBuilder(
            lists: view.lists, packages: view.packages, policy: view.policy, phasing: view.phasing)
        let drafts = builder.drafts()
        let resolution = KeptBackResolution(
            packages: view.packages, native: view.native, installsRecommends: view.installsRecommends
        ) { names in
            var offered = OfferedPackages()
            for file in view.lists.files {
                guard let source = try? tree.openList(file.path) else { continue }
                try? offered.read(source, names: names)
            }
            return offered
        }
        let resolved = resolution.resolve(drafts, resolver: resolver, isHost: tree.isHost)
        return OfferSet(
            indexes: builder.indexes,
            offers: zip(drafts, resolved.statuses).map { draft, status in
                var offer = draft.offer
                offer.status = status
                return offer
            },
            additions: resolved.additions, installedFrom: builder.installedFrom())
    }

    /// What `apt-cache policy` prints: for each installed package the candidate, empty where there is none, and the
    /// versions with their priorities, the newest first.
    func policyTable() throws(PackageScanError) -> [String: (candidate: String, versions: [String])] {
        var facts = FactsDraft()
        let view = try view(&facts)
        var table: [String: (candidate: String, versions: [String])] = [:]
        for package in view.packages {
            let name = package.architecture == view.native ? package.package.name : package.package.id
            table[name] = (
                view.policy.candidate(package)?.version ?? "",
                package.versions.map { "\($0.version) \(view.policy.priority($0, of: package).priority)" }
            )
        }
        return table
    }

    private func facts(_ draft: FactsDraft) -> PackageFacts {
        let abnormal = onDisk.filter { $0.state != .installed || $0.needsReinstall }.map {
            AbnormalPackage(
                package: $0.id, version: $0.version, state: $0.state.rawValue, needsReinstall: $0.needsReinstall)
        }
        return PackageFacts(
            abnormal: abnormal,
            holds: database.packages.filter { $0.want == .hold }.map(\.id),
            residualConfiguration: database.packages.filter { $0.state == .configFiles }.map(\.id),
            manuallyInstalled: manuallyInstalled(draft.stateFolder),
            interruptedTransaction: database.hasJournal,
            lastUpdate: lastUpdate(draft),
            indexProblems: draft.problems,
            repositoriesConfigured: draft.repositories)
    }

    private func manuallyInstalled(_ folder: String) -> Fact<[String]> {
        do throws(PackageScanError) {
            let automatic = try ExtendedStates.automatic(tree, path: "\(folder)/extended_states")
            let native = database.nativeArchitecture
            return .known(
                onDisk.filter { package in
                    // apt files packages for all architectures under the host's own.
                    let names =
                        package.architecture == "all"
                        ? [package.id, "\(package.name):\(native)", "\(package.name):"]
                        : [package.id, "\(package.name):"]
                    return !names.contains(where: automatic.contains)
                }.map(\.id))
        } catch {
            return .unknown(error.description)
        }
    }

    /// The newest of what an update leaves behind: the stamps of apt's timers, and the folder that it renames lists into.
    /// The lists' own times are the server's.
    private func lastUpdate(_ draft: FactsDraft) -> Fact<Timestamp> {
        let stamps = ["periodic/update-success-stamp", "periodic/update-stamp"].map { "\(draft.stateFolder)/\($0)" }
        let times = (stamps + [draft.listsFolder]).compactMap { tree.status($0)?.modified }
        let hasLists = ((try? tree.list(draft.listsFolder)) ?? []).contains { $0.contains("Packages") }
        guard hasLists, let newest = times.max() else {
            return .unknown("there are no lists in \(tree.name(draft.listsFolder)): apt-get update was never run")
        }
        return .known(Timestamp(seconds: newest))
    }

    /// A folder of apt's, which may be given by an absolute path or below another.
    private static func folder(_ value: String?, in parent: String, default fallback: String) -> String {
        var path = value ?? fallback
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasPrefix("/") { return String(path.drop { $0 == "/" }) }
        return parent.isEmpty ? path : "\(parent)/\(path)"
    }
}
