import Inventory
import Matching
import Priority
import Store
import Timestamps

/// What patches close, worked out once for hosts that are alike: on which a patch closes the same, and which are alike in all
/// that reach, impact and dates depend on. Of a group the earliest date counts. ``RiskView/walkedQueue()`` says the same of
/// each host for itself.
struct PatchGroups {
    private let view: RiskView
    private let risk: FleetRisk
    private let classes: StartClasses
    private var patches: [PatchCandidate] = []
    /// The hosts that each waits on, by name.
    private var holders: [[Int32]] = []
    private var patchNumbers: [String: Int] = [:]
    private var forms: [Form] = []
    private var groups: [Group: Members] = [:]

    // Numbers instead of what is compared often.
    private var sources: [String: Int] = [:]
    private var sourceOf: [Int64: Int] = [:]
    private var vulnerabilities: [String: Int] = [:]
    private var identities: [Identity: Int] = [:]
    private var kinds: [HostKind: Int] = [:]
    private var kernels: [HostKernels: Int] = [:]
    private var kernelPackages: Set<Int64> = []
    private var steps: [Steps: Found?] = [:]
    private var contents: [Content: Int] = [:]
    private var reboots: [Int: Found?] = [:]
    private var acceptances: [[[String]]: Int] = [[]: 0]
    private var overlaps: [Overlap: Int] = [:]
    /// By the times at which packages of certain names came; 0 where none came later than the host was enrolled.
    private var arrivals: [[String: Timestamp]: Int] = [[:]: 0]

    /// A vulnerability by all its ids in capitals: what was decided about it may name any of them.
    private struct Identity: Hashable {
        var name: String
        var ids: Set<String>
    }

    /// A vulnerability that a patch closes, with the host's packages that have it.
    private struct Part {
        var name: String
        var ids: Set<String>
        /// The number of name and ids.
        var identity: Int
        var packages: [Int64]
        /// Since when the organisation knows it in one of them.
        var since: Timestamp?
        var fix: RiskView.FixState
    }

    /// What a patch closes on hosts with certain packages of its source.
    private struct Form {
        var patch: Int
        var parts: [Part] = []
        /// The numbers of what ``parts`` are about.
        var numbers: [Int] = []
        /// By which names hosts remember since when they have the packages. Where there are several, only hosts are alike on
        /// which they came at the same times.
        var arrivals: [String] = []
        /// Whether somebody accepts one of the vulnerabilities.
        var isAccepted = false
        /// Whether a kernel of some host is among the packages.
        var isOfKernel = false
    }

    private struct Found {
        var patch: Int
        /// Nil where it closes nothing that is known.
        var form: Int?
    }

    /// The steps of a patch on a host, and the packages there of its source in which something is open.
    private struct Steps: Hashable {
        var patch: PatchSteps
        var packages: [Int64]

        func hash(into hasher: inout Hasher) {
            // Enough to tell most apart: the rest is compared.
            hasher.combine(packages)
            hasher.combine(patch.closes.count)
            hasher.combine(patch.steps.last?.to)
        }
    }

    /// All that matters of a form of which nothing was accepted and that is of no kernel: which binaries of a source a host
    /// has does not.
    private struct Content: Hashable {
        struct Part: Hashable {
            var identity: Int
            var since: Timestamp?
            var fix: RiskView.FixState
        }
        var patch: Int
        var parts: [Part]
        var arrivals: [String]
    }

    /// Patches that close the same vulnerability on a host: hosts are alike only where they are in all of these patches.
    private struct Overlap: Hashable {
        var forms: [Int]
        var acceptances: [Int]
        var kind: Int
        var kernels: Int
        var arrivals: [Int]
    }

    private struct Group: Hashable {
        var form: Int
        var kind: Int
        /// 0 where the host's kernels do not matter.
        var kernels: Int
        /// Which exceptions hold; 0 for none.
        var acceptance: Int
        /// 0 for a patch whose vulnerabilities no other patch closes on the host.
        var overlap: Int
        /// When packages of a form with several names of arrivals came; 0 where they were there from the beginning.
        var arrivals: Int
    }

    private struct Members {
        /// A time from which a clock can run on one of them.
        struct Start {
            var at: Timestamp
            /// Its class: ``StartClasses``.
            var order: Int
            var host: Int
        }
        var count = 1
        /// The first by name.
        var first: Int
        /// The earliest start.
        var earliest: Start
        /// The earliest of each other class.
        var others: [Start] = []

        init(_ start: Start) { (first, earliest) = (start.host, start) }

        mutating func add(_ new: Start) {
            count += 1
            var new = new
            if new.at < earliest.at { swap(&new, &earliest) }
            guard new.order != earliest.order else { return }
            others.removeAll { $0.order == earliest.order }
            if let place = others.firstIndex(where: { $0.order == new.order }) {
                if new.at < others[place].at { others[place] = new }
            } else {
                others.append(new)
            }
        }
    }

    /// Looks at the hosts of a view.
    init(_ view: RiskView) {
        self.view = view
        risk = view.risk
        classes = StartClasses(view.policy)
        for (id, judged) in risk.packages where !judged.open.isEmpty {
            let number = sources[judged.package.source] ?? sources.count
            sources[judged.package.source] = number
            sourceOf[id] = number
        }
        for index in view.hosts {
            guard let own = risk.hosts[index].kernels, kernels[own] == nil else { continue }
            kernels[own] = kernels.count + 1
            kernelPackages.formUnion(own.packages)
        }
        var packages = [[Int64]](repeating: [], count: sources.count)
        var seen: [Int] = []
        for index in view.skeleton.byName { add(index, &packages, &seen) }
    }

    /// The patches with what they close.
    func candidates() -> [PatchCandidate] {
        var patches = patches
        let namesakes = view.namesakes
        var deadlines: [Dated: Deadline] = [:]
        for (group, members) in groups {
            let form = forms[group.form]
            let host = risk.hosts[members.first]
            let asset = view.assetName(host.host, namesakes)
            for part in form.parts {
                guard let known = risk.vulnerabilities[part.name] else { continue }
                guard !form.isOfKernel || part.packages.contains(where: { view.isActive($0, part.name, host) }) else {
                    continue
                }
                let since =
                    group.arrivals == 0
                    ? part.since ?? risk.asOf
                    : risk.known(part.name, packages: part.packages, host.arrivals)
                var first: (deadline: Deadline, host: Int)?
                for start in [members.earliest] + members.others where first == nil || start.at > since {
                    let dated = Dated(
                        identity: part.identity, kind: group.kind, acceptance: group.acceptance,
                        detected: max(since, start.at), fix: part.fix)
                    let deadline = deadlines[dated] ?? self.deadline(dated, part, known, host)
                    deadlines[dated] = deadline
                    if first.map({ Self.isEarlier(deadline, than: $0.deadline) }) ?? true {
                        first = (deadline, start.host)
                    }
                }
                guard let first else { continue }
                patches[form.patch].closes.append(
                    FindingRisk(
                        vulnerability: part.name, asset: asset, count: members.count,
                        earliest: members.count > 1
                            ? view.assetName(risk.hosts[first.host].host, namesakes) : nil,
                        probability: known.score.probability, reach: AttackReach(known.facts, host.asset).factor,
                        impact: host.asset.criticality.value.factor, deadline: first.deadline,
                        detected: max(since, members.earliest.at)))
            }
        }
        return patches.sorted { $0.id < $1.id }
    }

    private func deadline(
        _ dated: Dated, _ part: Part, _ known: FleetRisk.KnownVulnerability, _ host: FleetRisk.HostRisk
    ) -> Deadline {
        var place = view.place(part.name, part.ids, known, packages: Set(part.packages), host)
        (place.detected, place.fix) = (dated.detected, dated.fix)
        return view.deadline(at: place, known)
    }

    private static func isEarlier(_ deadline: Deadline, than other: Deadline) -> Bool {
        guard let due = deadline.due else { return false }
        return other.due.map { due < $0 } ?? true
    }

    /// The hosts that each patch waits on, by name, as indices.
    var hosts: [String: [Int32]] {
        Dictionary(zip(patches.map(\.id), holders), uniquingKeysWith: { first, _ in first })
    }

    /// What a deadline depends on.
    private struct Dated: Hashable {
        var identity: Int
        var kind: Int
        var acceptance: Int
        var detected: Timestamp
        var fix: RiskView.FixState
    }

    // MARK: One host

    /// - Parameters:
    ///   - packages: an empty list for each source; empty again afterwards.
    ///   - seen: by vulnerability the form, from 1 on, that closes it on this host; zeros, and zeros again afterwards.
    private mutating func add(_ index: Int, _ packages: inout [[Int64]], _ seen: inout [Int]) {
        let host = risk.hosts[index]
        let kernelNumber = host.kernels.flatMap { kernels[$0] } ?? 0
        guard !host.plan.patches.isEmpty || kernelNumber > 0 else { return }
        var own: [Int] = []
        if !host.plan.patches.isEmpty {
            for id in host.exposed { if let source = sourceOf[id] { packages[source].append(id) } }
            for patch in host.plan.patches {
                let list = sources[patch.source].map { packages[$0] } ?? []
                if let found = form(patch, list) { take(found, index, &own) }
            }
            for id in host.exposed {
                if let source = sourceOf[id] { packages[source].removeAll(keepingCapacity: true) }
            }
        }
        if kernelNumber > 0, let its = host.kernels, let found = reboot(its, kernelNumber) { take(found, index, &own) }
        guard !own.isEmpty else { return }

        let hostKind = HostKind(host, index, view.scopes)
        let kind = kinds[hostKind] ?? kinds.count
        kinds[hostKind] = kind
        let accepted = own.map { forms[$0].isAccepted ? acceptance($0, host) : 0 }
        let came = own.map { forms[$0].arrivals.count > 1 ? arrived(forms[$0].arrivals, host) : 0 }
        let together = overlapping(own, &seen)
        for (place, form) in own.enumerated() {
            var group = Group(
                form: form, kind: kind, kernels: forms[form].isOfKernel ? kernelNumber : 0,
                acceptance: accepted[place], overlap: 0, arrivals: came[place])
            if let places = together[place] {
                let overlap = Overlap(
                    forms: places.map { own[$0] }, acceptances: places.map { accepted[$0] }, kind: kind,
                    kernels: kernelNumber, arrivals: places.map { came[$0] })
                group.overlap = overlaps[overlap] ?? overlaps.count + 1
                overlaps[overlap] = group.overlap
            }
            var time = host.host.enrolled
            let names = forms[form].arrivals
            if names.count == 1, let came = host.arrivals[names[0]] { time = max(time, came) }
            let start = Members.Start(at: time, order: classes(time), host: index)
            if groups[group]?.add(start) == nil { groups[group] = Members(start) }
        }
    }

    /// When packages of these names came to a host, as a number.
    private mutating func arrived(_ names: [String], _ host: FleetRisk.HostRisk) -> Int {
        guard !host.arrivals.isEmpty else { return 0 }
        var own: [String: Timestamp] = [:]
        for name in names { if let came = host.arrivals[name] { own[name] = came } }
        let number = arrivals[own] ?? arrivals.count
        arrivals[own] = number
        return number
    }

    private mutating func take(_ found: Found, _ host: Int, _ own: inout [Int]) {
        holders[found.patch].append(Int32(host))
        if let form = found.form { own.append(form) }
    }

    /// What a patch closes where these packages of its source are; nil where it has no steps.
    private mutating func form(_ patch: PatchSteps, _ packages: [Int64]) -> Found? {
        let key = Steps(patch: patch, packages: packages)
        if let known = steps[key] { return known }
        var found: Found?
        if let target = patch.steps.last {
            let place = packages.first.flatMap { risk.packages[$0]?.package }.map { "\($0.scheme)/\($0.distribution)" }
            let number = number(
                "\(place ?? "")/\(patch.source)@\(target.to)", "\(patch.source) \(target.to)",
                needsReboot: patch.cost == .reboot)
            let form = self.form(
                number,
                patch.closes.map { name in
                    (name, packages.filter { risk.packages[$0]?.finding(name) != nil })
                })
            found = Found(patch: number, form: form)
        }
        steps[key] = .some(found)
        return found
    }

    /// What another boot closes.
    private mutating func reboot(_ kernels: HostKernels, _ number: Int) -> Found? {
        if let known = reboots[number] { return known }
        var found: Found?
        if let next = kernels.next {
            var waiting: [String: [Int64]] = [:]
            for id in kernels.runningPackages {
                for finding in risk.packages[id]?.open ?? []
                where kernels.part(id, finding.vulnerability) == .closedByReboot {
                    waiting[finding.vulnerability, default: []].append(id)
                }
            }
            if !waiting.isEmpty {
                let patch = self.number("reboot/\(next)", "reboot into \(next)", needsReboot: true)
                let form = self.form(patch, waiting.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
                found = Found(patch: patch, form: form)
            }
        }
        reboots[number] = .some(found)
        return found
    }

    private mutating func number(_ id: String, _ name: String, needsReboot: Bool) -> Int {
        let number = patchNumbers[id] ?? patches.count
        if number == patches.count {
            patchNumbers[id] = number
            patches.append(PatchCandidate(id: id, name: name, closes: []))
            holders.append([])
        }
        if needsReboot { patches[number].needsReboot = true }
        return number
    }

    private mutating func form(_ patch: Int, _ closes: [(String, [Int64])]) -> Int? {
        var form = Form(patch: patch)
        var arrivals: Set<String> = []
        for (name, packages) in closes where !packages.isEmpty && risk.vulnerabilities[name] != nil {
            let number = vulnerabilities[name] ?? vulnerabilities.count
            vulnerabilities[name] = number
            let open = packages.compactMap { risk.open[Verdicts.Key(package: $0, vulnerability: name)] }
            let ids = packages.compactMap { risk.packages[$0]?.finding(name)?.ids }.joined()
            let identity = Identity(name: name, ids: Set((Array(ids) + [name]).map { $0.uppercased() }))
            let identityNumber = identities[identity] ?? identities.count
            identities[identity] = identityNumber
            let part = Part(
                name: name, ids: identity.ids, identity: identityNumber, packages: packages,
                since: open.map(\.since).min(), fix: RiskView.FixState(open))
            form.parts.append(part)
            form.numbers.append(number)
            if view.scopes.accept(part.ids) { form.isAccepted = true }
            if packages.contains(where: kernelPackages.contains) { form.isOfKernel = true }
            arrivals.formUnion(packages.compactMap { risk.packages[$0].map { PackageArrivals.key($0.package) } })
        }
        guard !form.parts.isEmpty else { return nil }
        form.arrivals = arrivals.sorted()
        // Where packages came at different times it matters which of them a host has.
        let isOnItsOwn = form.isAccepted || form.isOfKernel || arrivals.count != 1
        let content = Content(
            patch: patch,
            parts: form.parts.map {
                .init(identity: $0.identity, since: $0.since, fix: $0.fix)
            }, arrivals: form.arrivals)
        if !isOnItsOwn, let known = contents[content] { return known }
        forms.append(form)
        if !isOnItsOwn { contents[content] = forms.count - 1 }
        return forms.count - 1
    }

    /// Which exceptions hold there for what a patch closes, as a number.
    private mutating func acceptance(_ form: Int, _ host: FleetRisk.HostRisk) -> Int {
        var held: [[String]] = []
        for part in forms[form].parts where view.scopes.accept(part.ids) {
            guard let known = risk.vulnerabilities[part.name] else { continue }
            let exceptions = view.place(part.name, part.ids, known, packages: Set(part.packages), host).exceptions
            if !exceptions.isEmpty { held.append([part.name] + exceptions) }
        }
        let number = acceptances[held] ?? acceptances.count
        acceptances[held] = number
        return number
    }

    /// Of a host's patches those that close something that another of them closes too, each with all that hang together so.
    private func overlapping(_ own: [Int], _ seen: inout [Int]) -> [Int: [Int]] {
        if seen.count < vulnerabilities.count {
            seen += [Int](repeating: 0, count: vulnerabilities.count - seen.count)
        }
        var above: [Int] = []
        func top(_ place: Int) -> Int {
            var place = place
            while above[place] != place { place = above[place] }
            return place
        }
        for (place, form) in own.enumerated() {
            for number in forms[form].numbers {
                guard seen[number] > 0 else {
                    seen[number] = place + 1
                    continue
                }
                if above.isEmpty { above = Array(own.indices) }
                let (one, other) = (top(seen[number] - 1), top(place))
                above[max(one, other)] = min(one, other)
            }
        }
        for form in own { for number in forms[form].numbers { seen[number] = 0 } }
        guard !above.isEmpty else { return [:] }
        let sets = Dictionary(grouping: own.indices, by: top).values.filter { $0.count > 1 }
        var result: [Int: [Int]] = [:]
        for set in sets { for place in set { result[place] = set } }
        return result
    }
}
