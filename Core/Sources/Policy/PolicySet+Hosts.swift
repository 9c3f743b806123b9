public import Schedule

/// One budget as it counts for a host: what permits are held against.
public struct BudgetKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The budget's name.
    public var budget: String
    /// What it is counted by: a campaign, a ring, a site, a label's value; empty for the budget's groups.
    public var value: String

    /// `clusters/db-7`.
    public var description: String { value.isEmpty ? budget : "\(budget)/\(value)" }
    /// By text: the order in which rows are locked.
    public static func < (left: Self, right: Self) -> Bool {
        (left.budget, left.value) < (right.budget, right.value)
    }
}

extension PolicySet {
    /// The groups that a host is in.
    public func groups(of host: PolicyHost) -> Set<String> {
        Set(all(HostGroup.self).filter { $0.spec.includes(host) }.map(\.object.name))
    }

    /// How a host of those groups is treated: by what names one of its groups, the first by name; else by what is for every host; else by the
    /// defaults.
    public func handling(of groups: Set<String>) -> Handling {
        let found = all(Handling.self).map(\.spec)
        return found.first { !$0.groups.isEmpty && !groups.isDisjoint(with: $0.groups) } ?? found.first {
            $0.groups.isEmpty
        }
            ?? Handling()
    }

    /// When a host of those groups may change.
    ///
    /// - Parameters:
    ///   - windows: Only these windows, as a cadence names them; empty: all of its groups'.
    ///   - zones: The host's clocks, its site's, and the fixed ones.
    /// - Throws: ``ScheduleError`` where a zone is not known.
    public func calendar(
        of groups: Set<String>, windows: [String] = [], zones: WindowZones
    ) throws(ScheduleError) -> WindowCalendar {
        func isMeant(_ names: [String]) -> Bool { names.isEmpty || !groups.isDisjoint(with: names) }
        var open: [MaintenanceWindow] = []
        for (object, spec) in all(WindowPolicy.self)
        where windows.isEmpty ? isMeant(spec.groups) : windows.contains(object.name) {
            open.append(try spec.window(named: object.name))
        }
        var shut: [Freeze] = []
        for (object, spec) in all(Freezing.self) where isMeant(spec.groups) {
            shut.append(try spec.freeze(named: object.name))
        }
        return try WindowCalendar(windows: open, freezes: shut, zones: zones)
    }

    /// The budgets that count when a host is disturbed, sorted. A host without the label, or whose site is not known, counts with the others of which
    /// it is not known: never for nothing.
    public func budgets(
        of host: PolicyHost, groups: Set<String>, campaign: String, ring: String
    ) -> [(key: BudgetKey, budget: Budget)] {
        all(Budget.self).filter { $0.spec.groups.isEmpty || !groups.isDisjoint(with: $0.spec.groups) }.map {
            object, spec in
            let value: String =
                switch spec.scope {
                case .campaign: campaign
                case .ring: "\(campaign)/\(ring)"
                case .site: host.facts[.site] ?? "?"
                case .label: spec.label.flatMap { host.labels[$0] } ?? "?"
                case .groups: ""
                }
            return (BudgetKey(budget: object.name, value: value), spec)
        }.sorted { $0.key < $1.key }
    }
}
