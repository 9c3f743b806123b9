import Access
import HTML
import Hummingbird
import Inventory
import Matching
import Pages
import Priority
import Store
import Timestamps

/// The work queue, and one patch of it.
enum QueuePages {
    static let all: [PageDeclaration] = [
        PageDeclaration(
            .get, "/queue", "queue", access: .permission(.hostsRead),
            parameters: ["count", "capacity", "perWeek", "after"],
            queue),
        PageDeclaration(
            .get, "/queue/patch", "queue-patch", access: .permission(.hostsRead), parameters: ["id", "after"], patch),
    ]

    private static func queue(_ call: PageCall) async throws -> Response {
        let context = call.context()
        var model = QueueModel()
        model.mayPatch = call.may(.campaignsWrite)
        model.selection.count = min(max(call.query["count"].flatMap(Int.init) ?? 5, 1), 100)
        model.capacity = call.query["capacity"].flatMap(Int.init).map { min(max($0, 1), 1_000_000) }
        switch try await RiskReading.read(call) {
        case .failure(let gap): model.gap = gap
        case .success(let reading):
            let queue = reading.view.queue()
            let page = Page(queue, after: call.query["after"])
            model.rows = page.rows.map(reading.row)
            model.next = page.next
            model.total = queue.count
            let names = Dictionary(queue.map { ($0.patch.id, $0.patch.name) }, uniquingKeysWith: { first, _ in first })
            if let perWeek = call.query["perWeek"].flatMap(Int.init).map({ min(max($0, 1), 1_000_000) }) {
                let forecast = CapacityForecast(queue, perWeek: perWeek, now: call.now)
                let summary = forecast.summary
                var pace = PaceModel(perWeek: perWeek)
                (pace.inTime, pace.late, pace.finished) = (summary.inTime, summary.late, summary.finished)
                pace.firstLate = summary.firstLate.map { ($0, names[$0] ?? $0) }
                model.pace = pace
                for index in model.rows.indices {
                    let item = forecast.items[model.rows[index].place - 1]
                    model.rows[index].done = item.done
                    model.rows[index].isLate = item.outlook == .late || item.outlook == .doubtful
                }
            }
            var bands: [DueBand: Int] = [:]
            for patch in queue { bands[DueBand(patch.deadline?.due, call.now), default: 0] += 1 }
            model.bands = DueBand.allCases.map { ($0, bands[$0] ?? 0) }
            let selection = reading.view.selection(count: model.selection.count)
            model.selection.choices = selection.choices.map { ($0.id, names[$0.id] ?? $0.id, $0.share) }
            model.selection.quality = selection.quality
            if let capacity = model.capacity {
                model.fitting = CapacityForecast.fitting(queue, capacity: Double(capacity))
            }
            model.scope = reading.scope
            if queue.isEmpty { model.notClosed = reading.view.vulnerabilities().count }
        }
        return call.html(queuePage(model, context, events: context.to("events")))
    }

    // MARK: One patch

    private static let maximumVulnerabilities = 50
    /// More hosts are listed by name: the date of each would have to be worked out.
    private static let maximumDated = 1000
    /// Of more hosts it is not looked up whether a scan has proved the patch.
    private static let maximumVerified = 1000

    private static func patch(_ call: PageCall) async throws -> Response {
        let context = call.context()
        let id = call.query["id"] ?? ""
        let reading: RiskReading
        switch try await RiskReading.read(call) {
        case .failure(let gap):
            var model = QueueModel()
            model.gap = gap
            return call.html(queuePage(model, context, events: context.to("events")))
        case .success(let it): reading = it
        }
        guard let ranked = reading.view.queue().first(where: { $0.patch.id == id }) else { throw Refusal(.noSuchPage) }
        var model = RankedPatchModel(row: reading.row(ranked))
        model.full = ranked.full
        model.isReboot = id.hasPrefix(rebootPrefix)
        var waiting = reading.view.hosts(ofPatch: id).compactMap { index in
            model.isReboot
                ? reboot(id, index, reading)
                : reading.view.patches(host: index).first { $0.id == id }.map { Waiting(index, $0.steps) }
        }.sorted {
            (reading.risk.hosts[$0.host].host.hostname, $0.host) < (reading.risk.hosts[$1.host].host.hostname, $1.host)
        }
        var known: [RiskView.Place: Deadline] = [:]
        if waiting.count <= maximumDated {
            model.areByDate = true
            for index in waiting.indices {
                waiting[index].due =
                    reading.view.deadline(ofPatch: id, host: waiting[index].host, &known)?.due
            }
            let byName = waiting
            waiting = byName.indices.sorted {
                (byName[$0].due?.milliseconds ?? .max, $0) < (byName[$1].due?.milliseconds ?? .max, $1)
            }.map { byName[$0] }
        }
        let page = Page(waiting, after: call.query["after"])
        model.placesTotal = waiting.count
        model.next = page.next
        model.places = page.rows.map { row in
            place(
                row,
                due: model.areByDate
                    ? row.due : reading.view.deadline(ofPatch: id, host: row.host, &known)?.due, reading)
        }
        let items = reading.view.vulnerabilities()
        let wanted = Set(model.row.closes.prefix(maximumVulnerabilities))
        model.vulnerabilities = items.filter { wanted.contains($0.id) }.map(reading.row)
        model.installable = waiting.count
        // What only a reboot closes is installed everywhere and proved nowhere.
        if model.isReboot {
            (model.fixable, model.installed) = (waiting.count, waiting.count)
            return call.html(rankedPatchPage(model, context, events: context.to("events")))
        }
        let facts = facts(waiting, ranked, reading)
        model.fixable = facts.fixable
        model.installed = facts.installed.count
        let (organisation, now) = (try call.organisationID, call.now)
        let asked = facts.installed.prefix(maximumVerified).map { reading.risk.hosts[$0].host.id }
        model.verified = try await call.state.store.read { transaction in
            try asked.count { host in
                guard
                    let item = try transaction.hostList.item(
                        organisation: organisation, reach: reading.reach, id: host, now: now)
                else { return false }
                return item.unjudged == nil && item.reboot == .notRequired && item.restarts == 0
            }
        }
        if call.may(.campaignsWrite) {
            let writable = call.reach(.campaignsWrite)
            let chosen = waiting.filter { writable.includes(reading.risk.hosts[$0.host].host.labels) }
            if let form = reading.campaign(
                "Patch \(ranked.patch.name)", steps: chosen.flatMap(\.steps), hosts: chosen.map(\.host), context)
            {
                model.campaign = form.location
                model.campaignNamesHosts = form.namesHosts
            }
        }
        return call.html(rankedPatchPage(model, context, events: context.to("events")))
    }

    private static let rebootPrefix = "reboot/"

    /// A host that a patch waits on.
    private struct Waiting {
        var host: Int
        var source = ""
        var steps: [VersionStep] = []
        var closes: Int
        var leaves = 0
        var cost: StepCost
        /// When it is due there, once that was worked out.
        var due: Timestamp?

        init(_ host: Int, _ patch: PatchSteps) {
            (self.host, source, steps) = (host, patch.source, patch.steps)
            (closes, leaves, cost) = (patch.closes.count, patch.leaves.count, patch.cost)
        }

        init(reboot host: Int, closes: Int) {
            (self.host, self.closes, cost) = (host, closes, .reboot)
        }
    }

    /// What another boot closes on a host; nil where it boots into something else, or closes nothing.
    private static func reboot(_ id: String, _ index: Int, _ reading: RiskReading) -> Waiting? {
        let host = reading.risk.hosts[index]
        guard let kernels = host.kernels, let next = kernels.next, id == rebootPrefix + next else { return nil }
        let closes = host.exposed.flatMap { package in
            (reading.risk.packages[package]?.open ?? []).map(\.vulnerability)
                .filter { kernels.part(package, $0) == .closedByReboot }
        }
        return closes.isEmpty ? nil : Waiting(reboot: index, closes: Set(closes).count)
    }

    private static func place(_ waiting: Waiting, due: Timestamp?, _ reading: RiskReading) -> PatchPlaceRow {
        let host = reading.risk.hosts[waiting.host].host
        var row = PatchPlaceRow(host: host.id, hostname: host.hostname)
        row.steps = waiting.steps.map {
            StepRow(package: "\($0.name):\($0.architecture)", from: $0.from, to: $0.to)
        }
        row.closes = waiting.closes
        row.leaves = waiting.leaves
        row.due = due
        row.band = DueBand(due, reading.now)
        row.cost =
            switch waiting.cost {
            case .none: "none"
            case .restart: "restart"
            case .reboot: "reboot"
            }
        return row
    }

    /// On how many hosts a fix of this patch exists, and which hosts have the patch already.
    private static func facts(
        _ patches: [Waiting], _ ranked: RankedPatch, _ reading: RiskReading
    ) -> (fixable: Int, installed: [Int]) {
        let closes = Set(ranked.open.map(\.vulnerability))
        guard let source = patches.first?.source else { return (0, []) }
        let place = ranked.patch.id.split(separator: "/").dropLast().joined(separator: "/")
        var targets: [String: String] = [:]
        for step in patches.flatMap(\.steps) { targets["\(step.name)\t\(step.architecture)"] = step.to }
        var open: Set<Int64> = []
        var done: Set<Int64> = []
        for (id, judgement) in reading.risk.packages
        where judgement.package.source == source
            && "\(judgement.package.scheme)/\(judgement.package.distribution)" == place
        {
            let package = judgement.package
            if judgement.open.contains(where: { $0.fixed != nil && closes.contains($0.vulnerability) }) {
                open.insert(id)
            }
            if targets["\(package.name)\t\(package.architecture)"] == package.version { done.insert(id) }
        }
        var fixable = 0
        var installed: [Int] = []
        for index in reading.hosts {
            let packages = reading.risk.hosts[index].packages ?? []
            if packages.contains(where: open.contains) {
                fixable += 1
            } else if packages.contains(where: done.contains) {
                installed.append(index)
            }
        }
        return (fixable, installed)
    }
}
