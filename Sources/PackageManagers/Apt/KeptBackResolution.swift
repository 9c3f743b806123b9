import Inventory

/// Decides what becomes of the open offers: by apt's resolver where it may be asked, else by the files.
struct KeptBackResolution {
    let packages: [PackageVersions]
    let native: String
    let installsRecommends: Bool
    /// Reads the lists again for packages of these names, or that provide them.
    let find: (Set<String>) -> OfferedPackages

    /// The status of each draft, in their order, and what a full upgrade would bring besides.
    func resolve(
        _ drafts: [OfferBuilder.Draft], resolver: AptResolver, isHost: Bool
    ) -> (statuses: [OfferStatus], additions: [Addition]) {
        var statuses = drafts.map(\.offer.status)
        let open = drafts.indices.filter { drafts[$0].isOpen }
        guard !open.isEmpty else { return (statuses, []) }
        let question: AptQuestion
        switch resolver {
        case .host where isHost: question = AptQuestion(prefix: [])
        case .command(let prefix): question = AptQuestion(prefix: prefix)
        case .host, .none:
            decideByFiles(drafts, open, &statuses)
            return (statuses, [])
        }
        defer { question.close() }
        var additions: [Addition] = []
        switch question.ask("upgrade") {
        case .failure(let refusal):
            for index in open { statuses[index] = refusal.isUnmet ? .keptBack(refusal.why) : .unknown(refusal.why) }
        case .success(let simulation):
            let kept = open.filter { simulation.installs[key(drafts[$0])] == nil }
            if kept.isEmpty { break }
            // Asked in any case: a campaign that takes these has to name what they need.
            let full = question.ask("dist-upgrade")
            if case .success(let simulation) = full { additions = simulation.additions }
            explain(drafts, open, kept, full, &statuses)
        }
        return (statuses, additions)
    }

    /// The name by which apt prints a package.
    private func key(_ draft: OfferBuilder.Draft) -> String {
        let package = packages[draft.package]
        return package.architecture == native ? package.package.name : package.package.id
    }

    /// Finds a sentence for each package that apt keeps back: from the files, else from what its full upgrade would do.
    private func explain(
        _ drafts: [OfferBuilder.Draft], _ open: [Int], _ kept: [Int],
        _ answer: Result<AptSimulation, AptRefusal>, _ statuses: inout [OfferStatus]
    ) {
        var keptBack = evaluator(drafts, open)
        var rest: [Int] = []
        for index in kept {
            if let why = keptBack.reason(drafts[index].offer.id) {
                statuses[index] = .keptBack(why.text)
            } else {
                rest.append(index)
            }
        }
        guard !rest.isEmpty else { return }
        // Then it waits for one of the others.
        for index in kept { keptBack.stay(drafts[index].offer.id, "kept back", unless: rest.contains(index)) }
        rest = rest.filter { index in
            guard let why = keptBack.reason(drafts[index].offer.id) else { return true }
            statuses[index] = .keptBack(why.text)
            return false
        }
        guard !rest.isEmpty else { return }
        let full: AptSimulation
        switch answer {
        case .success(let simulation): full = simulation
        case .failure(let refusal):
            // That it is kept back is known; what a full upgrade would do is not.
            for index in rest { statuses[index] = .keptBack("a full upgrade could not be tried: \(refusal.why)") }
            return
        }
        for index in rest {
            if full.installs[key(drafts[index])] != nil {
                var parts: [String] = []
                if !full.new.isEmpty {
                    parts.append("new packages: \(full.new.sorted().prefix(8).joined(separator: ", "))")
                }
                if !full.removals.isEmpty {
                    parts.append("removals: \(full.removals.sorted().prefix(8).joined(separator: ", "))")
                }
                statuses[index] = .keptBack(
                    "only a full upgrade takes it" + (parts.isEmpty ? "" : ", with " + parts.joined(separator: "; ")))
            } else {
                statuses[index] = .keptBack(
                    "apt's resolver keeps it back, also in a full upgrade, and does not say why")
            }
        }
    }

    /// Without a resolver: what nothing stands in the way of is upgradable; what misses something whatever becomes of the
    /// others is kept back; where two upgrades exclude each other, the resolver's choice is not known.
    private func decideByFiles(_ drafts: [OfferBuilder.Draft], _ open: [Int], _ statuses: inout [OfferStatus]) {
        var keptBack = evaluator(drafts, open)
        let candidates = keptBack.upgraded
        var remaining = open
        var isSure = true
        // apt decides in an order of its own and does not look again: whoever was once in the way of another may stay so.
        var contested: [Int: String] = [:]
        while true {
            let blocked = remaining.compactMap { index in
                keptBack.reason(drafts[index].offer.id).map { (index: index, why: $0) }
            }
            if blocked.isEmpty { break }
            // What is certain is set aside first: it may be the reason of the others.
            let certain = blocked.filter(\.why.isCertain)
            for (index, why) in blocked where !why.isCertain { contested[index] = why.text }
            for (index, why) in certain.isEmpty ? blocked : certain {
                statuses[index] =
                    isSure && why.isCertain ? .keptBack(why.text) : .unknown(Self.notAsked(why.text))
                keptBack.stay(drafts[index].offer.id, "kept back")
            }
            if certain.isEmpty { isSure = false }
            let gone = Set((certain.isEmpty ? blocked : certain).map(\.index))
            remaining.removeAll { gone.contains($0) }
        }
        // What the ones in doubt may take with them is in doubt too.
        var doubtful: Set<String> = []
        for index in open where !remaining.contains(index) {
            if case .unknown = statuses[index] { doubtful.insert(drafts[index].offer.id) }
        }
        for index in remaining {
            guard let why = contested[index] else { continue }
            statuses[index] = .unknown(Self.notAsked(why))
            doubtful.insert(drafts[index].offer.id)
        }
        remaining.removeAll { contested[$0] != nil }
        while !doubtful.isEmpty {
            let entangled = remaining.filter {
                keptBack.isEntangled(drafts[$0].offer.id, doubtful: doubtful, candidates: candidates)
            }
            if entangled.isEmpty { break }
            for index in entangled {
                statuses[index] = .unknown(Self.notAsked("depends on others that may be kept back"))
                doubtful.insert(drafts[index].offer.id)
            }
            remaining.removeAll(where: entangled.contains)
        }
        for index in remaining { statuses[index] = .upgradable }
    }

    private static func notAsked(_ why: String) -> String {
        "apt's resolver was not asked; by the files it \(why)"
    }

    private func evaluator(_ drafts: [OfferBuilder.Draft], _ open: [Int]) -> KeptBack {
        var current = PackageUniverse()
        for package in packages {
            guard let installed = package.installed else { continue }
            current.put(
                Member(
                    name: package.package.name, architecture: package.package.architecture,
                    version: installed.version, key: installed.key, relations: package.package.relations))
        }
        var upgraded = current
        var staying: [String: String] = [:]
        for draft in drafts {
            guard draft.isOpen else {
                switch draft.offer.status {
                case .held: staying[draft.offer.id] = "held"
                case .phased: staying[draft.offer.id] = "phased"
                default: staying[draft.offer.id] = "pinned"
                }
                continue
            }
            upgraded.put(
                Member(
                    name: draft.offer.name, architecture: draft.offer.architecture, version: draft.candidate.version,
                    key: draft.candidate.key, relations: draft.candidate.relations))
        }
        // Only names that nothing on the host satisfies are looked up in the lists.
        var names: Set<String> = []
        for index in open {
            let relations = drafts[index].candidate.relations
            var fields = [relations.preDepends, relations.depends]
            if installsRecommends, let old = current.members[drafts[index].offer.id],
                current.meetsRecommends(of: old, native)
            {
                fields.append(relations.recommends)
            }
            for field in fields {
                for group in Relation.groups(field)
                where !group.contains(where: { !upgraded.meeting($0, native: native).isEmpty }) {
                    names.formUnion(group.map(\.name))
                }
            }
        }
        return KeptBack(
            upgraded: upgraded, current: current, offered: names.isEmpty ? OfferedPackages() : find(names),
            staying: staying, candidates: open.map { drafts[$0].offer.id }, native: native,
            installsRecommends: installsRecommends)
    }
}

extension KeptBack {
    /// Puts a package back to what is installed, unless told not to.
    mutating func stay(_ id: String, _ why: String, unless exempt: Bool = false) {
        guard !exempt, let member = current.members[id] else { return }
        upgraded.put(member)
        staying[id] = why
    }
}

extension Offer {
    /// `name:architecture`.
    var id: String { "\(name):\(architecture)" }
}

extension OfferedPackages {
    /// Adds the packages of a list that have one of these names or provide one.
    mutating func read(_ source: any ByteSource, names: Set<String>) throws(PackageScanError) {
        let table = NameTable(names.sorted())
        var reader = StanzaReader(source)
        try reader.forEach { bytes in
            guard let name = packageName(bytes) else { return }
            var isWanted = table.find(name) != nil
            if !isWanted, let provides = fieldOffset("\nProvides: ", bytes) {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[provides...])
                let line = rest.prefix { $0 != 0x0A }
                forEachRelationName(String(decoding: line, as: UTF8.self)) { provided in
                    if table.find(provided) != nil { isWanted = true }
                }
            }
            guard isWanted else { return }
            var version = ""
            var architecture = ""
            var relations = PackageRelations()
            Stanza(bytes: bytes).forEachField { field, value in
                if matches(field, "version") { version = text(value) }
                if matches(field, "architecture") { architecture = text(value) }
                relations.take(field, value)
            }
            guard let key = versionKey(version) else { return }
            add(Member(name: text(name), architecture: architecture, version: version, key: key, relations: relations))
        }
    }
}
