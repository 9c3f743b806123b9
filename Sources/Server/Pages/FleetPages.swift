import Access
import HTML
import HTTPTypes
import Hummingbird
import Pages
import Store
import Timestamps

/// Today, lists of hosts and patches, search: all answered from the fleet in memory.
enum FleetPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/", "today", access: .signedIn, today),
        PageDeclaration(
            .get, "/hosts", "hosts", access: .permission(.hostsRead), parameters: Set(HostsQuery.names), hosts),
        PageDeclaration(
            .get, "/patches", "patches", access: .permission(.hostsRead),
            parameters: ["q", "security", "sort", "after"], patches),
        PageDeclaration(
            .get, "/patches/{name}", "patch", access: .permission(.hostsRead), parameters: ["after"], patch),
        PageDeclaration(.get, "/search", "search", access: .permission(.hostsRead), parameters: ["q"], search),
    ]

    static let pageSize = 50

    // MARK: Today

    private static func today(_ call: PageCall) async throws -> Response {
        guard call.may(.hostsRead), let organisation = call.organisation?.id else {
            // No role, or one that sees no hosts: there is nothing to be done here by them.
            return call.html(
                errorPage(
                    ErrorModel(
                        status: 403, title: "No hosts are yours to see",
                        text: "You have no role that shows hosts. Somebody with the role admin can give you one."),
                    call.context()), status: .forbidden)
        }
        let context = call.context()
        let reach = call.reach(.hostsRead)
        let now = call.now
        let sees = call.mayEverywhere(.auditRead)
        let user = try call.person.user?.id
        let found = try await call.state.store.read { transaction in
            var worst = HostQuery()
            worst.statuses = [.active]
            worst.pending = true
            var current = HostQuery()
            current.statuses = [.active]
            current.judged = true
            current.security = false
            var others = current
            others.pending = true
            return TodayReads(
                counts: try transaction.fleetCounts.counts(organisation: organisation, reach: reach, now: now),
                patches: try transaction.patchList.page(organisation: organisation, reach: reach, limit: 8),
                worst: try transaction.hostList.page(
                    organisation: organisation, reach: reach, worst, order: HostOrder(.security, descending: true),
                    limit: 8, now: now),
                others: try transaction.hostList.page(
                    organisation: organisation, reach: reach, others, limit: 1, now: now
                ).total,
                tokens: try transaction.tokens.list(organisation: organisation).count,
                user: try user.flatMap { try transaction.users.get($0) })
        }
        var model = Self.model(found, context)
        if call.may(.campaignsRead) {
            model.campaigns = try await CampaignPages.rows(
                call.campaigns(.campaignsRead).waiting(limit: 8), call)
        }
        if sees {
            var filter = AuditFilter()
            filter.newestFirst = true
            model.activity = try await AuditRows(call).rows(filter, after: nil, limit: 6).rows
        }
        switch try await RiskReading.read(call) {
        case .failure(let gap): model.queue = (gap, [], 0)
        case .success(let reading):
            let queue = reading.view.queue()
            model.queue = (nil, queue.prefix(5).map(reading.row), queue.count)
        }
        let hasReported = found.counts.lastReport != nil
        if !hasReported {
            model.firstRun = FirstRun(
                hasPassword: found.user?.password != nil, hasToken: found.tokens > 0,
                hasHost: found.counts.active > 0, mayEnrol: call.may(.enrolmentWrite))
        }
        return call.html(todayPage(model, context, events: context.to("events")))
    }

    private struct TodayReads: Sendable {
        let counts: FleetCounts
        let patches: PatchPage
        let worst: HostPage
        let others: Int
        let tokens: Int
        let user: UserRecord?
    }

    private static func model(_ found: TodayReads, _ context: PageContext) -> TodayModel {
        let counts = found.counts
        var model = TodayModel()
        model.work = [
            .init(
                .security, count: counts.security,
                unknown: counts.active - counts.judged - (counts.security - counts.securityJudged),
                location: HostsView.security.location(context)),
            .init(
                .reboot, count: counts.reboot[.required] ?? 0, unknown: counts.reboot[.unknown] ?? 0,
                location: HostsView.reboot.location(context)),
            .init(
                .broken, count: counts.broken, unknown: counts.brokenUnknown,
                location: HostsView.broken.location(context)),
            .init(.silent, count: counts.silent, location: HostsView.silent.location(context)),
            .init(.stale, count: counts.stale, location: HostsView.stale.location(context)),
            .init(
                .restarts, count: counts.restarts, unknown: counts.restartsUnknown,
                location: HostsQuery(["status": "active", "restarts": "yes"]).location(context)),
        ]
        model.active = counts.active
        model.lacking = counts.securityJudged
        model.others = found.others
        model.current = max(0, counts.judged - counts.securityJudged - found.others)
        model.unjudged = UnjudgedReason.allCases.compactMap { reason in
            counts.unjudged[reason].flatMap { $0 > 0 ? (why: reason.sentence, count: $0) : nil }
        }
        model.inactive = [HostStatus.quarantined, .revoked].compactMap { status in
            guard let number = counts.statuses[status], number > 0 else { return nil }
            return (status.rawValue, number, HostsQuery(["status": status.rawValue]).location(context))
        }
        model.lackingLocation = HostsQuery(["status": "active", "judged": "yes", "security": "yes"]).location(context)
        model.othersLocation = HostsQuery(
            ["status": "active", "judged": "yes", "security": "no", "pending": "yes"]
        ).location(context)
        model.currentLocation = HostsQuery(["status": "active", "judged": "yes", "pending": "no"]).location(context)
        model.unjudgedLocation = HostsView.unjudged.location(context)
        model.patches = found.patches.patches.map(PatchRow.init)
        model.patchCount = found.patches.security
        model.hosts = found.worst.hosts.map(HostRow.init)
        model.lastSeen = counts.lastSeen
        return model
    }

    // MARK: Hosts

    private static func hosts(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let context = call.context()
        let reach = call.reach(.hostsRead)
        let now = call.now
        var model = HostsModel(query: HostsQuery(call.query))
        let (query, problem) = HostQuery.read(model.query)
        model.problem = problem
        let order = HostOrder.read(model.query["sort"])
        let cursor = model.query["after"].flatMap(HostCursor.init)
        let limit = min(max(model.query["limit"].flatMap(Int.init) ?? pageSize, 1), 500)
        let (page, counts) = try await call.state.store.read { transaction in
            (
                try transaction.hostList.page(
                    organisation: organisation, reach: reach, query, order: order, after: cursor, limit: limit,
                    now: now),
                try transaction.fleetCounts.counts(organisation: organisation, reach: reach, now: now)
            )
        }
        model.rows = page.hosts.map(HostRow.init)
        model.total = page.total
        model.next = page.next?.description
        let all = counts.statuses.values.reduce(0, +)
        model.isFleetEmpty = all == 0
        model.views = HostsView.allCases.map { view in
            switch view {
            case .all: (view, all)
            case .security: (view, counts.security)
            case .reboot: (view, counts.reboot[.required] ?? 0)
            case .silent: (view, counts.silent)
            case .stale: (view, counts.stale)
            case .broken: (view, counts.broken)
            case .unjudged: (view, counts.unjudged.values.reduce(0, +))
            }
        }
        model.filters = Self.filters(page.facets)
        model.mayEnrol = call.may(.enrolmentWrite)
        return call.html(hostsPage(model, context, events: context.to("events")))
    }

    private static func filters(_ facets: HostFacets) -> [HostsModel.Filter] {
        func yes(_ name: String, _ title: String, _ count: Int, no: Int? = nil) -> HostsModel.Filter {
            .init(name, title, [.init("yes", "Yes", count: count), .init("no", "No", count: no)])
        }
        return [
            .init(
                "status", "Status",
                HostStatus.allCases.map {
                    .init(
                        $0.rawValue, $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst(),
                        count: facets.statuses[$0] ?? 0)
                }),
            yes("security", "Lacks security updates", facets.security),
            yes("pending", "Lacks any updates", facets.pending),
            .init(
                "reboot", "Reboot",
                [
                    .init("required", "Needed", count: facets.reboot[.required] ?? 0),
                    .init("not-required", "Not needed", count: facets.reboot[.notRequired] ?? 0),
                    .init("unknown", "Unknown", count: facets.reboot[.unknown] ?? 0),
                ]),
            yes("silent", "Silent", facets.silent),
            yes("stale", "Stale indexes", facets.stale),
            yes("broken", "Broken packages", facets.broken),
            yes("restarts", "Services to restart", facets.restarts),
            .init("judged", "Judged", [.init("yes", "Yes", count: nil), .init("no", "No", count: facets.unjudged)]),
            .init(
                "os", "System",
                facets.operatingSystems.map {
                    .init($0.value, $0.value.isEmpty ? "Not reported" : $0.value, count: $0.hosts)
                }),
        ]
    }

    // MARK: Patches

    private static func patches(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let context = call.context()
        let reach = call.reach(.hostsRead)
        let now = call.now
        var model = PatchesModel()
        model.text = call.query["q"] ?? ""
        model.security = call.query["security"] ?? ""
        let sort = call.query["sort"].flatMap(PatchSort.init(rawValue:)) ?? .urgency
        model.sort = sort.rawValue
        let query = PatchQuery(
            text: model.text.isEmpty ? nil : model.text,
            security: model.security.isEmpty ? nil : model.security == "yes")
        let cursor = call.query["after"].flatMap(PatchCursor.init)
        let (page, counts) = try await call.state.store.read { transaction in
            (
                try transaction.patchList.page(
                    organisation: organisation, reach: reach, query, sort: sort, after: cursor, limit: pageSize),
                try transaction.fleetCounts.counts(organisation: organisation, reach: reach, now: now)
            )
        }
        model.rows = page.patches.map(PatchRow.init)
        model.mayPatch = call.may(.campaignsWrite)
        model.total = page.total
        model.securityCount = page.security
        model.otherCount = page.other
        model.next = page.next?.description
        model.active = counts.active
        model.unjudged = counts.unjudged.values.reduce(0, +)
        return call.html(patchesPage(model, context, events: context.to("events")))
    }

    private static func patch(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let context = call.context()
        let reach = call.reach(.hostsRead)
        let now = call.now
        let name = call.path("name")
        var query = HostQuery()
        query.statuses = [.active]
        query.patch = PatchFilter(name: name)
        let asked = query
        let cursor = call.query["after"].flatMap(HostCursor.init)
        let (page, offered) = try await call.state.store.read { transaction in
            (
                try transaction.hostList.page(
                    organisation: organisation, reach: reach, asked, after: cursor, limit: pageSize, now: now),
                try transaction.patchList.page(
                    organisation: organisation, reach: reach, PatchQuery(text: name), sort: .name, limit: 500)
            )
        }
        let candidates = offered.patches.filter { $0.name == name }
        guard page.total > 0 || !candidates.isEmpty else { throw Refusal(.noSuchPage) }
        var model = PatchModel(name: name)
        model.candidates = candidates.map(PatchRow.init)
        model.mayPatch = call.may(.campaignsWrite)
        model.total = page.total
        model.next = page.next?.description
        model.hosts = page.hosts.flatMap { host in host.updates.map { (HostRow(host), UpdateRow($0)) } }
        return call.html(patchPage(model, context, events: context.to("events")))
    }

    // MARK: Search

    private static func search(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let reach = call.reach(.hostsRead)
        let text = call.query["q"] ?? ""
        var model = SearchModel(text: text)
        if !text.isEmpty {
            let (hosts, packages) = try await call.state.store.read { transaction in
                (
                    try transaction.search.hosts(organisation: organisation, reach: reach, text, limit: 50),
                    try transaction.search.packages(organisation: organisation, reach: reach, text, limit: 50)
                )
            }
            model.hosts = hosts.items.map { ($0.id, $0.hostname, $0.field.rawValue, $0.value) }
            model.hostCount = hosts.total
            model.packages = packages.items.map { ($0.name, $0.pending, $0.installed) }
            model.packageCount = packages.total
            if case .success(let reading) = try await RiskReading.read(call) {
                model.vulnerabilities = try reading.search(text, limit: 20)
            }
        }
        return call.html(searchPage(model, call.context(search: text)))
    }
}

extension HostQuery {
    /// What an address asks, and what of it could not be read. An unreadable question finds nothing, for "all" would be a
    /// wrong answer to it.
    static func read(_ asked: HostsQuery) -> (HostQuery, problem: String?) {
        var query = HostQuery()
        var problem: String?
        func yes(_ name: String) -> Bool? { asked[name].map { $0 == "yes" } }
        query.text = asked["q"]
        if let status = asked["status"].flatMap(HostStatus.init(rawValue:)) { query.statuses = [status] }
        query.security = yes("security")
        query.pending = yes("pending")
        if let reboot = asked["reboot"].flatMap(RebootState.init(rawValue:)) { query.reboot = [reboot] }
        query.silent = yes("silent")
        query.stale = yes("stale")
        query.broken = yes("broken")
        query.restarts = yes("restarts")
        query.judged = yes("judged")
        if let system = asked["os"] { query.operatingSystems = [system] }
        if let text = asked["labels"] {
            do {
                query.selector = try LabelSelector(text)
            } catch {
                problem = "\(error)"
                query.selector = LabelSelector([.exists(key: "\u{0}")])
            }
        }
        if let patch = asked["patch"] { query.patch = PatchFilter(name: patch, candidate: asked["candidate"]) }
        return (query, problem)
    }
}

extension HostOrder {
    /// `-security`: descending.
    static func read(_ text: String?) -> HostOrder {
        guard let text else { return HostOrder() }
        let descending = text.hasPrefix("-")
        return HostOrder(
            HostSort(rawValue: descending ? String(text.dropFirst()) : text) ?? .name, descending: descending)
    }
}

extension HostRow {
    init(_ item: HostItem) {
        self.init(id: item.id, name: item.hostname)
        labels = item.labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        status = item.status.rawValue
        operatingSystem = item.operatingSystem
        pending = item.pending.map(Int.init)
        security = item.security.map(Int.init)
        reboot =
            switch item.reboot {
            case .required: true
            case .notRequired: false
            case .unknown: nil
            }
        broken = item.broken.map(Int.init)
        restarts = item.restarts.map(Int.init)
        isSilent = item.silent
        unjudged = item.unjudged?.sentence
        lastSeen = item.lastSeen
        lastScan = item.lastScan
    }
}

extension PatchRow {
    init(_ patch: Patch) {
        self.init(
            name: patch.name, candidate: patch.candidate, origin: patch.origin, isSecurity: patch.security,
            hosts: patch.hosts, upgradable: patch.upgradable)
    }
}

extension UpdateRow {
    init(_ update: WaitingUpdate) {
        self.init(
            name: update.name, architecture: update.architecture, installed: update.installed,
            candidate: update.candidate, origin: update.origin, isSecurity: update.security, status: update.status,
            reason: "")
    }

    init(_ update: PendingUpdate) {
        self.init(
            name: update.name, architecture: update.architecture, installed: update.installed,
            candidate: update.candidate, origin: update.origin, isSecurity: update.security, status: update.status,
            reason: update.reason)
    }
}
