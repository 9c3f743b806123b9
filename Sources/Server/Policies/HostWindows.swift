import ICalendar
import JSON
import Policy
import Rollout
import Schedule
import Store
import Timestamps

/// When one host may change, by the policies in force.
struct HostWindows: Sendable {
    /// One opening, in words.
    struct Row: Sendable {
        var opening: WindowOpening
        /// On whose clocks it is shown: those of the first window that it is made of.
        var zone: Zone
        /// What clocks and freezes do to it; empty where nothing.
        var notes: [String]
        /// Until when the shortest job may begin; nil where none fits.
        var lastSafeStart: Timestamp?
    }

    /// The host,
    var host: HostRecord
    /// its own zone; nil where it has not said it,
    var zone: String?
    /// its site, where it has one,
    var site: String?
    /// the site's zone, where a policy gives it,
    var siteZone: String?
    /// and its groups.
    var groups: [String] = []
    /// The names of its windows and freezes.
    var windows: [String] = []
    var freezes: [String] = []
    /// The freezes in force now.
    var frozenNow: [Freeze] = []
    /// Whether it may change now.
    var isOpen = false
    var rows: [Row] = []
    /// Why there is no opening, and what to do; empty where there is one.
    var why = ""
    /// The version of the policies.
    var version: Int64 = 0
    /// Its calendar; nil where there is none.
    var calendar: WindowCalendar?
    /// What its calendar is made of: hosts that are alike in it have the same.
    var key = ""
}

/// Makes hosts' calendars of the policies in force. For one transaction.
final class HostCalendars {
    let transaction: Transaction
    let cache: PolicyCache
    let policies: PoliciesInForce
    private let zones = PlanWindows()
    /// Hosts of the same groups and zones have the same.
    private var known: [String: (calendar: WindowCalendar?, why: String)] = [:]

    init(_ transaction: Transaction, _ cache: PolicyCache, organisation: String) throws {
        self.transaction = transaction
        self.cache = cache
        policies = try cache.inForce(transaction, organisation: organisation)
    }

    /// A host's windows, without openings.
    ///
    func windows(of record: HostRecord) throws -> HostWindows { try make(record, withWindows: true) }

    /// A host's freezes alone: for what has a window of its own.
    func freezes(of record: HostRecord) throws -> HostWindows { try make(record, withWindows: false) }

    private func make(_ record: HostRecord, withWindows: Bool) throws -> HostWindows {
        let set = policies.set
        var found = HostWindows(host: record)
        found.version = policies.number
        let (host, zone) = try PolicyHosts(transaction: transaction, cache: cache).host(record)
        found.zone = zone
        found.site = host.facts[.site]
        found.siteZone = found.site.flatMap { set.first(Site.self, named: $0)?.zone }
        let groups = set.groups(of: host)
        found.groups = groups.sorted()
        if let problem = policies.problems.first {
            found.why =
                "A policy in force cannot be read by this server (\(problem)), so that nothing is open; apply it anew."
            return found
        }
        func isMeant(_ names: [String]) -> Bool { names.isEmpty || !groups.isDisjoint(with: names) }
        let windows = withWindows ? set.all(WindowPolicy.self).filter { isMeant($0.spec.groups) } : []
        let freezes = set.all(Freezing.self).filter { isMeant($0.spec.groups) }
        found.windows = windows.map(\.object.name)
        found.freezes = freezes.map(\.object.name)
        if windows.isEmpty, withWindows {
            let belongs =
                groups.isEmpty
                ? "it is in no group"
                : "it is in the group\(groups.count > 1 ? "s" : "") \(found.groups.joined(separator: ", "))"
            found.why =
                policies.number == 0
                ? "There are no policies, so that no window is its own; apply some (fettle policy apply), or give each campaign a window."
                : "No window is for this host (\(belongs)); add one of its groups to a Window, or label the host."
        }
        found.key =
            "\(withWindows) \(found.groups.joined(separator: ",")) \(zone ?? "?") \(found.siteZone ?? "?")"
        if let known = known[found.key] {
            found.calendar = known.calendar
            if found.why.isEmpty { found.why = known.why }
            return found
        }
        var why = ""
        do {
            let clocks = windows.map(\.spec.clocks) + freezes.map(\.spec.clocks)
            var named: [Zone] = []
            for name in Set(clocks.compactMap(\.zoneName)).sorted() { named.append(try zones.zone(name)) }
            let own = try zone.map { try zones.zone($0) }
            let site = try found.siteZone.map { try zones.zone($0) }
            found.calendar = try WindowCalendar(
                windows: windows.map { try $0.spec.window(named: $0.object.name) },
                freezes: freezes.map { try $0.spec.freeze(named: $0.object.name) },
                zones: WindowZones(host: own, site: site, named: named))
        } catch let error as ScheduleError {
            why = sentence(error.description)
        } catch let error as PlanWindowError {
            why = sentence(error.reason)
        }
        known[found.key] = (found.calendar, why)
        if !why.isEmpty { found.why = why }
        return found
    }

    /// A host's windows with the next openings.
    func preview(of record: HostRecord, after time: Timestamp, limit: Int) throws -> HostWindows {
        var found = try windows(of: record)
        guard let calendar = found.calendar else { return found }
        found.isOpen = calendar.isOpen(at: time)
        found.frozenNow = calendar.freezes(at: time)
        guard !found.windows.isEmpty else { return found }
        let needs = WindowNeeds(estimate: WindowNeeds.minimumEstimate, actions: JobActions())
        found.rows = calendar.nextOpenings(after: time, limit: limit).map { opening in
            row(opening, calendar, needs)
        }
        if found.rows.isEmpty {
            found.why =
                "None of its windows (\(found.windows.joined(separator: ", "))) opens any more"
                + (found.freezes.isEmpty ? "" : " outside the freezes \(found.freezes.joined(separator: ", "))")
                + "; correct their rules."
        }
        return found
    }

    private func row(_ opening: WindowOpening, _ calendar: WindowCalendar, _ needs: WindowNeeds) -> HostWindows.Row {
        let zone = calendar.windows.first { part in
            opening.occurrences.contains { $0.window == part.window.id }
        }?.zone
        return HostWindows.Row(
            opening: opening, zone: zone ?? .utc, notes: notes(opening, calendar),
            lastSafeStart: opening.lastSafeStart(needs))
    }

    /// What clocks and freezes do to an opening.
    func notes(_ opening: WindowOpening, _ calendar: WindowCalendar) -> [String] {
        var notes: [String] = []
        func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }
        for part in calendar.windows {
            for one in part.window.occurrences(from: opening.start, to: opening.end, in: part.zone)
            where opening.occurrences.contains(one.id) {
                if let text = one.note(in: part.zone) { note(text) }
                if one.isOverride { note("It is an override of \(part.window.id).") }
                guard one.start < opening.start || one.end > opening.end else { continue }
                let cutting = calendar.freezes.filter { frozen in
                    frozen.freeze.stretches(from: one.start, to: one.end, in: frozen.zone)
                        .contains { $0.lowerBound < one.end && $0.upperBound > one.start }
                }
                note(
                    cutting.isEmpty
                        ? "Longer openings are cut."
                        : "Cut by the freeze \(cutting.map { "\($0.freeze.id) (\($0.freeze.reason))" }.joined(separator: ", "))."
                )
            }
        }
        return notes
    }

    private func sentence(_ text: String) -> String { "\(text.prefix(1).uppercased())\(text.dropFirst())." }
}

extension MaintenanceWindow.Clocks {
    /// The name of a fixed zone; nil where the clocks are the host's or its site's.
    var zoneName: String? {
        if case .zone(let name) = self { return name }
        return nil
    }
}

/// The windows of a group as a calendar that other programs read.
struct GroupCalendar {
    let transaction: Transaction
    let cache: PolicyCache

    /// The most zones of the hosts of one group that are in its calendar.
    static let maximumZones = 24

    /// iCalendar (RFC 5545); nil where there is no such group.
    func text(_ group: String, organisation: String, now: Timestamp) throws -> String? {
        let present = try cache.inForce(transaction, organisation: organisation)
        let set = present.set
        guard let spec = set.first(HostGroup.self, named: group) else { return nil }
        let reader = PlanWindows()
        var feed = ICalendarFeed(
            name: "Maintenance windows of \(group)", domain: "\(organisation).\(group).fettle", produced: now,
            from: now.adding(seconds: -31 * 86_400), to: now.adding(seconds: 2 * 366 * 86_400))
        // Hosts in several zones have the same window at several times.
        var hostZones: Set<String> = []
        var siteZones: Set<String> = []
        let source = PolicyHosts(transaction: transaction, cache: cache)
        var next: HostPageKey?
        repeat {
            let page = try transaction.hosts.list(
                organisation: organisation, filter: HostFilter(status: .active), after: next,
                limit: Hosts.largestPage)
            for record in page.hosts {
                let (host, zone) = try source.host(record)
                guard spec.includes(host) else { continue }
                if let zone { hostZones.insert(zone) }
                if let site = host.facts[.site], let zone = set.first(Site.self, named: site)?.zone {
                    siteZones.insert(zone)
                }
            }
            next = page.next
        } while next != nil
        func zones(_ clocks: MaintenanceWindow.Clocks) -> [Zone] {
            let names: [String] =
                switch clocks {
                case .host: hostZones.sorted()
                case .site: siteZones.sorted()
                case .zone(let name): [name]
                }
            return names.prefix(Self.maximumZones).compactMap { try? reader.zone($0) }
        }
        func version(_ object: PolicyObject) -> Int {
            Int(present.stored.first { $0.kind == object.kind && $0.name == object.name }?.since ?? 0)
        }
        for (object, window) in set.all(WindowPolicy.self) where window.groups.isEmpty || window.groups.contains(group)
        {
            let all = zones(window.clocks)
            for zone in all {
                feed.add(
                    try window.window(named: object.name), in: zone,
                    title: all.count > 1 ? "Maintenance: \(object.name) (\(zone.name))" : "Maintenance: \(object.name)",
                    sequence: version(object))
            }
        }
        for (object, freeze) in set.all(Freezing.self) where freeze.groups.isEmpty || freeze.groups.contains(group) {
            for zone in zones(freeze.clocks) {
                feed.add(try freeze.freeze(named: object.name), in: zone, sequence: version(object))
            }
        }
        return feed.text
    }
}
