public import Schedule
public import Timestamps

/// What policies are validated against besides themselves.
public struct PolicySurroundings: Sendable {
    /// The zone of an IANA name; nil where there is none.
    public var zone: @Sendable (String) -> Zone?
    /// Now: windows must come after it, and exceptions must not have run out.
    public var now: Timestamp
    /// The hosts that there are; nil where they are not known.
    public var hosts: [PolicyHost]?

    /// Surroundings.
    public init(now: Timestamp, hosts: [PolicyHost]? = nil, zone: @escaping @Sendable (String) -> Zone?) {
        self.now = now
        self.hosts = hosts
        self.zone = zone
    }
}

extension PolicySet {
    /// What is wrong between the objects, and what probably is not meant; in the order of the files.
    public func validate(_ surroundings: PolicySurroundings) -> [PolicyProblem] {
        var problems = danglingReferences() + cycles() + schedules(surroundings) + expired(surroundings)
        problems += risks() + unused()
        if let hosts = surroundings.hosts { problems += membership(hosts) }
        return problems.sorted {
            ($0.place.file, $0.place.line, $0.place.column, $0.message)
                < ($1.place.file, $1.place.line, $1.place.column, $1.message)
        }
    }

    private func problem(
        _ severity: PolicyProblem.Severity, _ object: PolicyObject, _ path: String, _ message: String
    ) -> PolicyProblem {
        PolicyProblem(severity, at: object.place(path), path: path, message: "\(object.title): \(message)")
    }

    private func danglingReferences() -> [PolicyProblem] {
        var names: [String: Set<String>] = [:]
        for object in objects { names[object.kind, default: []].insert(object.name) }
        return objects.flatMap { object in
            object.references.compactMap { reference in
                let known = names[reference.kind] ?? []
                guard !known.contains(reference.name) else { return nil }
                let hint = ClosestName.hint(reference.name, among: known.sorted())
                return problem(
                    .error, object, reference.path,
                    "there is no \(reference.kind) \(reference.name)\(hint); write one, or correct the name")
            }
        }
    }

    /// Orders that wait for one another, and scripts that undo themselves.
    private func cycles() -> [PolicyProblem] {
        var found: [PolicyProblem] = []
        let orders = all(Relation.self).compactMap { object, spec in spec.order.map { (object, $0) } }
        var waits: [String: Set<String>] = [:]
        for (_, order) in orders { waits[order.then, default: []].insert(order.first) }
        for (object, order) in orders {
            // The way from the group that comes first back to the one that waits.
            var way: [String: String] = [:]
            var open = [order.first]
            var seen: Set<String> = [order.first]
            while let at = open.popLast() {
                for next in (waits[at] ?? []).sorted() where seen.insert(next).inserted {
                    way[next] = at
                    open.append(next)
                }
            }
            guard seen.contains(order.then) else { continue }
            var names = [order.then]
            while let last = names.last, last != order.first, let before = way[last] { names.append(before) }
            found.append(
                problem(
                    .error, object, "spec.order",
                    "the groups wait for one another (\(([order.then] + names.reversed()).joined(separator: " after "))); take one order out"
                ))
        }
        for (object, script) in all(Script.self) where script.undo == object.name {
            found.append(problem(.error, object, "spec.undo", "a script cannot undo itself; name another"))
        }
        return found
    }

    /// Windows that never open, zones that there are not, freezes that shut every window.
    private func schedules(_ surroundings: PolicySurroundings) -> [PolicyProblem] {
        var found: [PolicyProblem] = []
        /// Stands for hosts and sites whose zone is not known here.
        func zone(_ clocks: MaintenanceWindow.Clocks, _ object: PolicyObject) -> Zone? {
            guard case .zone(let name) = clocks, name != "UTC" else { return .utc }
            if let zone = surroundings.zone(name) { return zone }
            found.append(
                problem(.error, object, "spec.clocks", "there is no zone \(name); write one like Europe/Berlin, or UTC")
            )
            return nil
        }
        for (object, site) in all(Site.self) where site.zone != "UTC" && surroundings.zone(site.zone) == nil {
            found.append(
                problem(
                    .error, object, "spec.zone", "there is no zone \(site.zone); write one like Europe/Berlin, or UTC"))
        }
        var freezes: [(freeze: Freeze, zone: Zone, groups: [String])] = []
        for (object, spec) in all(Freezing.self) {
            guard let zone = zone(spec.clocks, object), let freeze = try? spec.freeze(named: object.name) else {
                continue
            }
            freezes.append((freeze, zone, spec.groups))
        }
        let windows = Set(all(WindowPolicy.self).map(\.object.name))
        for (object, _) in all(Freezing.self) where windows.contains(object.name) {
            found.append(
                problem(
                    .error, object, "metadata.name",
                    "a Window has the same name, and people read both where a host is shut; rename one"))
        }
        let from = surroundings.now
        let to = from.adding(seconds: 800 * 86_400)
        for (object, spec) in all(WindowPolicy.self) {
            guard let zone = zone(spec.clocks, object), let window = try? spec.window(named: object.name) else {
                continue
            }
            let path = spec.rule == nil ? "spec.dates" : "spec.rule"
            guard let next = window.nextOccurrences(after: from, limit: 1, in: zone).first else {
                found.append(
                    problem(
                        .error, object, path, "the window never opens again; correct the rule, or take the window out"))
                continue
            }
            let needs = WindowNeeds.minimumEstimate + WindowNeeds.minimumRollback
            if spec.duration < needs {
                found.append(
                    problem(
                        .error, object, "spec.duration",
                        "the window has \(spec.duration / 60) minutes, and the shortest change with its way back needs \(needs / 60); make it longer"
                    ))
            }
            for warning in window.warnings { found.append(problem(.warning, object, path, warning)) }
            if next.start >= to {
                found.append(
                    problem(
                        .warning, object, path, "the window opens next on \(next.localStart), in more than two years"))
                continue
            }
            // Of the freezes that hold wherever the window does.
            let shut = freezes.filter {
                $0.groups.isEmpty || (!spec.groups.isEmpty && Set(spec.groups).isSubset(of: $0.groups))
            }
            let stretches = shut.flatMap { $0.freeze.stretches(from: from, to: to, in: $0.zone) }
            let occurrences = window.occurrences(from: from, to: to, in: zone)
            if !occurrences.isEmpty,
                occurrences.allSatisfy({ one in
                    stretches.contains { $0.lowerBound <= one.start && $0.upperBound >= one.end }
                })
            {
                found.append(
                    problem(
                        .error, object, path,
                        "every opening of the next two years lies in a freeze (\(shut.map(\.freeze.id).sorted().joined(separator: ", "))); move one of them"
                    ))
            }
        }
        for (object, spec) in all(Cadence.self) {
            guard let calendar = spec.calendar else { continue }
            let today = Zone.utc.localTime(at: from).date
            let next = calendar.rule.dates(
                firstDay: spec.firstDay, from: today.adding(days: -31), through: today.adding(days: 800), limit: 1)
            if next.isEmpty {
                found.append(
                    problem(.error, object, "spec.calendar", "no release begins within two years; correct the rule"))
            }
        }
        return found
    }

    private func expired(_ surroundings: PolicySurroundings) -> [PolicyProblem] {
        let today = Zone.utc.localTime(at: surroundings.now).date
        var found: [PolicyProblem] = []
        for (object, spec) in all(RiskAcceptance.self) where spec.expires < today {
            found.append(
                problem(
                    .warning, object, "spec.expires",
                    "the exception has run out and has no effect; renew it, or take it out"))
        }
        for (object, spec) in all(PackageRule.self) {
            if let until = spec.until, until < today {
                found.append(
                    problem(
                        .warning, object, "spec.until",
                        "the rule has run out and has no effect; renew it, or take it out"))
            }
        }
        return found
    }

    /// What is allowed and bites people.
    private func risks() -> [PolicyProblem] {
        var found: [PolicyProblem] = []
        for (object, spec) in all(Script.self) where !spec.isIdempotent && spec.undo == nil {
            found.append(
                problem(
                    .warning, object, "spec.idempotent",
                    "a host that goes down while this script runs can neither run it again nor take it back: the job fails; add undo"
                ))
        }
        for (object, spec) in all(RingPlan.self) {
            if spec.rings.count == 1 {
                found.append(
                    problem(
                        .warning, object, "spec.rings",
                        "there is one ring only: nothing is tried before it is everywhere; add a test ring"))
            }
            for (index, ring) in spec.rings.dropLast().enumerated() where ring.soak == 0 {
                found.append(
                    problem(
                        .warning, object, "spec.rings[\(index)].soak",
                        "the ring is not watched after its last host; what shows late is not seen: write 24h"))
            }
        }
        var defaults: [PolicyObject] = []
        for (object, spec) in all(Handling.self) where spec.groups.isEmpty { defaults.append(object) }
        for object in defaults.dropFirst() {
            found.append(
                problem(
                    .error, object, "spec.groups",
                    "\(defaults[0].title) is for every host too; name groups in one of them"))
        }
        for (object, spec) in all(CampaignRules.self) where spec.rules.last?.when.isEverything == false {
            found.append(
                problem(
                    .warning, object, "spec.rules",
                    "what no rule matches gets no campaign; add a last rule without when"))
        }
        for (object, spec) in all(Budget.self) {
            guard case .share(let share) = spec.limit, share.millionths > 500_000 else { continue }
            found.append(
                problem(
                    .warning, object, "spec.limit", "more than half may be disturbed at the same time; is that meant?"))
        }
        return found
    }

    /// Objects that nothing names.
    private func unused() -> [PolicyProblem] {
        var used: Set<String> = []
        for object in objects {
            for reference in object.references { used.insert("\(reference.kind)/\(reference.name)") }
        }
        let named: Set<String> = [HostGroup.kind, RingPlan.kind, Script.kind, GatePolicy.kind, AutoApproval.kind]
        return objects.filter { named.contains($0.kind) && !used.contains($0.title) }.map {
            problem(.warning, $0, "metadata.name", "nothing refers to it, so that it has no effect")
        }
    }

    /// What the hosts say: empty groups and rings, hosts of two groups' rings, strata without a test.
    private func membership(_ hosts: [PolicyHost]) -> [PolicyProblem] {
        var found: [PolicyProblem] = []
        var groups: [String: Set<String>] = [:]
        for (object, spec) in all(HostGroup.self) {
            let members = hosts.filter(spec.includes)
            groups[object.name] = Set(members.map(\.id))
            if members.isEmpty { found.append(problem(.warning, object, "spec", "no host is in the group")) }
        }
        let sites = Set(all(Site.self).map(\.object.name))
        func siteless(_ object: PolicyObject, _ clocks: MaintenanceWindow.Clocks, _ names: [String]) {
            guard clocks == .site else { return }
            let meant = names.reduce(into: Set<String>()) { $0.formUnion(groups[$1] ?? []) }
            let lost = hosts.filter { host in
                (names.isEmpty || meant.contains(host.id)) && !(host.facts[.site].map(sites.contains) ?? false)
            }
            guard let first = lost.map(\.name).min() else { return }
            found.append(
                problem(
                    .warning, object, "spec.clocks",
                    "\(lost.count) of its hosts (\(first)\(lost.count > 1 ? ", …" : "")) are at no Site, so that nothing opens for them; label them site=NAME and write that Site"
                ))
        }
        for (object, spec) in all(WindowPolicy.self) { siteless(object, spec.clocks, spec.groups) }
        for (object, spec) in all(Freezing.self) { siteless(object, spec.clocks, spec.groups) }
        for (object, spec) in all(RingPlan.self) {
            for (index, ring) in spec.rings.enumerated() {
                guard let group = ring.group, let own = groups[group] else { continue }
                for earlier in spec.rings[..<index] {
                    guard let other = earlier.group, let both = groups[other]?.intersection(own), let one = both.min()
                    else { continue }
                    let name = hosts.first { $0.id == one }?.name ?? one
                    found.append(
                        problem(
                            .warning, object, "spec.rings[\(index)].group",
                            "\(both.count) of its hosts (\(name)\(both.count > 1 ? ", …" : "")) are in the ring \(earlier.name) already, and stay there"
                        ))
                }
            }
            // Rings are of a campaign's members; here all hosts stand for them.
            let drawn = RingAssignment(spec, hosts: hosts, campaign: object.name, groups: groups)
            for (index, ring) in drawn.rings.enumerated() where ring.isEmpty {
                found.append(
                    problem(
                        .warning, object, "spec.rings[\(index)]",
                        "of all \(hosts.count) hosts none is in the ring \(drawn.names[index])"))
            }
            if !drawn.untested.isEmpty {
                let shown = drawn.untested.prefix(5).map { "\($0.name) (\($0.hosts))" }.joined(separator: "; ")
                found.append(
                    problem(
                        .warning, object, "spec.rings[0]",
                        "the first ring has no host of \(drawn.untested.count) kinds that later ones have: \(shown)\(drawn.untested.count > 5 ? "; …" : "")"
                    ))
            }
        }
        return found
    }
}
