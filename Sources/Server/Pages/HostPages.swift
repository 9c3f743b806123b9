import Access
import HTML
import HTTPTypes
import Hummingbird
import Inventory
import JSON
import Pages
import Store
import Timestamps
import Wire

/// One host: what is known of it, and what can be done with it.
enum HostPages {
    static let all: [PageDeclaration] =
        HostTab.allCases.map { tab in
            PageDeclaration(
                .get, tab == .overview ? "/hosts/{host}" : "/hosts/{host}/\(tab.rawValue)", "host",
                access: .permission(.hostsRead), parameters: ["q", "after"]
            ) { call in try await show(tab, call) }
        } + [
            PageDeclaration(.post, "/hosts/{host}/scan", "host-scan", access: .permission(.hostsOperate)) { call in
                let host = try await find(call, .hostsOperate)
                let (now, actor) = (call.now, try call.person.actor)
                try await call.state.store.write { transaction in
                    try transaction.hosts.requestScan(organisation: host.organisation, host: host.id, now: now)
                    try transaction.audit.append(
                        organisation: host.organisation, actor: actor, action: "host.scan-requested",
                        subject: "host:\(host.id)", now: now)
                }
                return call.done(.scan, "hosts", host.id)
            },
            PageDeclaration(.get, "/hosts/{host}/labels", "host-labels", access: .permission(.hostsOperate)) { call in
                let host = try await find(call, .hostsOperate)
                let row = HostRow(id: host.id, name: host.hostname)
                return call.html(labelsPage(host: row, text: LabelText.write(host.labels), error: "", call.context()))
            },
            PageDeclaration(.post, "/hosts/{host}/labels", "host-labels", access: .permission(.hostsOperate), label),
        ]
        + Decision.allCases.flatMap { decision in
            [
                PageDeclaration(
                    .get, "/hosts/{host}/\(decision.rawValue)", "host-decision", access: .permission(.hostsManage)
                ) {
                    call in
                    let host = try await find(call, .hostsManage)
                    return call.html(
                        confirmPage(decision.question(host, call.context()), call.context(), current: .hosts))
                },
                PageDeclaration(
                    .post, "/hosts/{host}/\(decision.rawValue)", "host-decision", access: .permission(.hostsManage)
                ) {
                    call in try await decide(decision, call)
                },
            ]
        }

    /// The host of the path, within reach of a permission; what is beyond it does not exist.
    private static func find(_ call: PageCall, _ permission: Permission) async throws -> HostRecord {
        let organisation = try call.organisationID
        let id = call.path("host")
        let host = try await call.state.store.read { try $0.hosts.show(organisation: organisation, id: id) }
        guard let host, call.reach(.hostsRead).includes(host.labels) else { throw Refusal(.noSuchPage) }
        guard call.reach(permission).includes(host.labels) else { throw Refusal(.notAllowed) }
        return host
    }

    // MARK: Showing

    private static let packagePage = 1000

    private static func show(_ tab: HostTab, _ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let host = try await find(call, .hostsRead)
        let context = call.context()
        let (now, reach) = (call.now, call.reach(.hostsRead))
        let seesActs = call.mayEverywhere(.auditRead)
        let text = call.query["q"] ?? ""
        let cursor = call.query["after"].flatMap(TimelineCursor.init)
        let model = try await call.state.store.read { transaction -> HostModel? in
            guard
                let item = try transaction.hostList.item(
                    organisation: organisation, reach: reach, id: host.id, now: now)
            else { return nil }
            var model = HostModel(row: HostRow(item), tab: tab, enrolledAt: host.enrolledAt)
            model.row.agent = host.agentVersion
            model.statusReason = host.statusReason
            model.enrolledWith = host.enrolledWith
            model.interval = host.interval
            model.protocolVersion = host.protocolVersion
            if let certificate = try transaction.hosts.certificates(organisation: organisation, host: host.id).first,
                certificate.revokedAt == nil
            {
                model.certificate = (certificate.serial, certificate.notAfter)
            }
            model.updates = try transaction.pendingUpdates.list(organisation: organisation, host: host.id)
                .map(UpdateRow.init).sorted { ($0.isSecurity ? 0 : 1, $0.name) < ($1.isSecurity ? 0 : 1, $1.name) }
            try documents(host, transaction, &model, text: text)
            if tab == .timeline {
                let page = try transaction.timeline.page(
                    organisation: organisation, host: host.id, acts: seesActs, after: cursor, limit: 40)
                model.timelineNext = page.next?.description
                model.timeline = try page.entries.map { try Self.row($0, host, transaction) }
            }
            if tab == .windows { model.windows = try PolicyPages.windows(host, transaction, call) }
            model.duplicates = try duplicates(host, transaction).filter { reach.includes($0.labels) }
                .map { ($0.id, $0.hostname, $0.status.rawValue) }
            return model
        }
        guard var model else { throw Refusal(.noSuchPage) }
        model.mayPatch = call.reach(.campaignsWrite).includes(host.labels)
        if tab == .overview || tab == .vulnerabilities {
            switch try await RiskReading.read(call) {
            case .failure(let gap):
                var findings = HostFindings()
                findings.gap = gap
                model.findings = findings
            case .success(let reading):
                let isShort = tab == .overview
                model.findings = reading.findings(
                    host: host.id, after: isShort ? nil : call.query["after"],
                    size: isShort ? 8 : VulnerabilityPages.pageSize)
            }
        }
        if tab == .overview, call.reach(.campaignsRead).includes(host.labels) {
            model.jobs = try await call.campaigns(.campaignsRead).jobs(ofHost: host.id, limit: 5).map {
                JobRow($0.job, campaignTitle: $0.title)
            }
        }
        model.mayOperate = call.reach(.hostsOperate).includes(host.labels)
        model.mayManage = call.reach(.hostsManage).includes(host.labels)
        return call.html(hostPage(model, context, events: context.to("events")))
    }

    private static func documents(
        _ host: HostRecord, _ transaction: Transaction, _ model: inout HostModel, text: String
    ) throws {
        guard let digests = host.digests else { return }
        if let bytes = try transaction.documents.facts(organisation: host.organisation, digests.facts) {
            model.facts = try? HostFacts(parsing: bytes)
        }
        if let offers = try? transaction.documents.offerSet(organisation: host.organisation, digests.offers) {
            model.indexes = offers.indexes.map {
                IndexRow(
                    name: $0.origin.displayName, site: $0.origin.site, isSecurity: $0.origin.security,
                    released: $0.released, validUntil: $0.validUntil)
            }
        }
        guard let set = try? transaction.documents.softwareSet(organisation: host.organisation, digests.set) else {
            return
        }
        model.packageCount = set.packages.count
        model.packageQuery = text
        guard model.tab == .packages else { return }
        let offered = Dictionary(
            model.updates.map { ("\($0.name):\($0.architecture)", $0) }, uniquingKeysWith: { first, _ in first })
        let wanted = text.lowercased()
        model.packages = set.packages.lazy.filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) }
            .prefix(packagePage).map { package in
                let update = offered["\(package.name):\(package.architecture)"]
                return PackageRow(
                    name: package.name, version: package.version, architecture: package.architecture,
                    source: package.source, candidate: update?.candidate, isSecurity: update?.isSecurity ?? false)
            }
    }

    private static func duplicates(_ host: HostRecord, _ transaction: Transaction) throws -> [HostRecord] {
        let evidence = try transaction.assets.evidence(organisation: host.organisation, asset: host.asset)
        guard let machineID = evidence.first(where: { $0.kind == "machine-id" })?.value,
            let productUUID = evidence.first(where: { $0.kind == "product-uuid" })?.value
        else { return [] }
        return try transaction.hosts.matching(
            organisation: host.organisation, machineID: machineID, productUUID: productUUID
        ).filter { $0.id != host.id }
    }

    private static func row(
        _ entry: TimelineEntry, _ host: HostRecord, _ transaction: Transaction
    ) throws -> TimelineRow {
        switch entry.content {
        case .report(let state, let previous): return try report(entry.time, state, previous, host, transaction)
        case .boot(let id): return TimelineRow(.boot, time: entry.time, title: "Started anew", detail: "boot \(id)")
        case .event(let event):
            let payload = (try? JSONValue(parsing: Array(event.payload.utf8), limits: .message)) ?? [:]
            return TimelineRow(
                .event, time: entry.time, title: eventTitle(event.kind), detail: ActivityText.detail(payload))
        case .act(let act):
            return TimelineRow(
                .act, time: entry.time,
                title: "\(try ActivityText.name(act.actor, transaction)): \(ActivityText.words(act.action))",
                detail: ActivityText.detail(act.detail))
        }
    }

    private static func eventTitle(_ kind: String) -> String {
        let words = ActivityText.words(kind)
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    /// What a report changed, as far as its documents are still stored.
    private static func report(
        _ time: Timestamp, _ state: HostState, _ previous: DocumentDigests?, _ host: HostRecord,
        _ transaction: Transaction
    ) throws -> TimelineRow {
        guard let previous else {
            return TimelineRow(.report, time: time, title: "First report", detail: state.cause)
        }
        var changed: [String] = []
        if previous.set != state.digests.set { changed.append("packages") }
        if previous.offers != state.digests.offers { changed.append("offers") }
        if previous.facts != state.digests.facts { changed.append("facts") }
        var row = TimelineRow(
            .report, time: time, title: changed.isEmpty ? "Reported" : "Changed: \(changed.joined(separator: ", "))",
            detail: "seen by a scan: \(state.cause)")
        guard previous.set != state.digests.set,
            let old = try transaction.documents.softwareSet(organisation: host.organisation, previous.set),
            let new = try transaction.documents.softwareSet(organisation: host.organisation, state.digests.set)
        else { return row }
        let difference = SetDifference(from: old, to: new)
        row.changes =
            difference.changed.map { ("↑", $0.to.name, "\($0.from.version) → \($0.to.version)") }
            + difference.added.map { ("+", $0.name, $0.version) }
            + difference.removed.map { ("−", $0.name, $0.version) }
        row.changes = Array(row.changes.prefix(500))
        return row
    }

    // MARK: Labels

    private static func label(_ call: PageCall) async throws -> Response {
        let host = try await find(call, .hostsOperate)
        let text = call.field("labels")
        let row = HostRow(id: host.id, name: host.hostname)
        let labels: [String: String]
        do {
            labels = try LabelText.read(text)
        } catch {
            return call.html(
                labelsPage(host: row, text: text, error: error.fault, call.context()), status: .badRequest)
        }
        // Whose rights end at labels must not move a host in or out of anybody's reach, their own included.
        guard call.reach(.hostsOperate) == .all else { throw Refusal(.notAllowed) }
        let (now, actor) = (call.now, try call.person.actor)
        try await call.state.store.write { transaction in
            try transaction.hosts.setLabels(
                organisation: host.organisation, host: host.id, labels, actor: actor, now: now)
        }
        return call.done(.labels, "hosts", host.id)
    }

    // MARK: Identity

    /// What can be decided on a host's identity; each is asked for once more.
    enum Decision: String, CaseIterable, Sendable {
        case release, renew, revoke, retire

        func question(_ host: HostRecord, _ context: PageContext) -> ConfirmModel {
            let name = host.hostname
            let (title, question, consequences, verb): (String, String, [String], String) =
                switch self {
                case .release:
                    (
                        "Release \(name)", "Release \(name) from quarantine?",
                        [
                            "Whichever copy of it comes first stays; the other is caught again.",
                            "Enrol the copy with a token of its own before.",
                        ], "Release"
                    )
                case .renew:
                    (
                        "Renew the certificate of \(name)", "Ask \(name) for a new certificate?",
                        [
                            "The host makes a new key at its next check-in.",
                            "The present certificate stays good until then.",
                        ],
                        "Renew"
                    )
                case .revoke:
                    (
                        "Revoke \(name)", "Revoke the certificates of \(name)?",
                        [
                            "The host can no longer talk to the server.",
                            "What it reported stays. It comes back only by enrolment with a new token.",
                        ], "Revoke"
                    )
                case .retire:
                    (
                        "Retire \(name)", "Retire \(name)?",
                        [
                            "It is no longer counted, and can no longer talk to the server.",
                            "Its history stays. It comes back only by enrolment with a new token.",
                        ], "Retire"
                    )
                }
            let isFinal = self == .revoke || self == .retire
            return ConfirmModel(
                title: title, question: question, consequences: consequences, verb: verb, isDangerous: isFinal,
                action: context.to("hosts", host.id, rawValue), back: context.to("hosts", host.id),
                typed: isFinal ? name : nil, asksReason: isFinal)
        }

        var notice: PageNotice {
            switch self {
            case .release: .release
            case .renew: .renew
            case .revoke: .revoke
            case .retire: .retire
            }
        }
    }

    private static func decide(_ decision: Decision, _ call: PageCall) async throws -> Response {
        let host = try await find(call, .hostsManage)
        let question = decision.question(host, call.context())
        if let typed = question.typed, call.field("typed") != typed {
            return call.html(
                confirmPage(question, call.context(), current: .hosts, error: "This is not the host's name."),
                status: .badRequest)
        }
        let reason = SubmittedText.shown(call.field("reason"), maximum: 1024)
        if question.asksReason, reason.isEmpty {
            return call.html(
                confirmPage(question, call.context(), current: .hosts, error: "Say why, too."), status: .badRequest)
        }
        let (now, actor) = (call.now, try call.person.actor)
        let isFitting = try await call.state.store.write { transaction in
            let hosts = transaction.hosts
            guard let host = try hosts.show(organisation: host.organisation, id: host.id) else { return false }
            switch decision {
            case .release:
                guard host.status == .quarantined else { return false }
                try hosts.setStatus(
                    organisation: host.organisation, host: host.id, .active, reason: "", actor: actor, now: now)
                try hosts.forgiveExchangeToken(organisation: host.organisation, host: host.id, now: now)
            case .renew:
                guard host.status == .active else { return false }
                try hosts.requestRenewal(organisation: host.organisation, host: host.id, now: now)
                try transaction.audit.append(
                    organisation: host.organisation, actor: actor, action: "host.renewal-requested",
                    subject: "host:\(host.id)", now: now)
            case .revoke:
                try hosts.setStatus(
                    organisation: host.organisation, host: host.id, .revoked, reason: reason, actor: actor, now: now)
            case .retire:
                try hosts.setStatus(
                    organisation: host.organisation, host: host.id, .retired, reason: reason, actor: actor, now: now)
            }
            return true
        }
        guard isFitting else {
            throw Refusal(
                .init(
                    "not-fitting", title: "The host's status has changed", status: 409,
                    detail: "This cannot be done to a host that is \(host.status.rawValue).",
                    cure: "Look at the host again."))
        }
        return call.done(decision.notice, "hosts", host.id)
    }
}

/// Labels as people write them: `site=berlin,tier=web`.
enum LabelText {
    /// What is wrong with a text.
    struct Fault: Error {
        let fault: String
    }

    static let maximumCount = 64

    static func write(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// Reads labels: names and values of letters, digits and `-_.`, names also with `/`; at most 64 of 63 characters.
    static func read(_ text: String) throws(Fault) -> [String: String] {
        var labels: [String: String] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                String($0.filter { $0 != " " })
            }
            guard pair.count == 2, !pair[0].isEmpty else {
                throw Fault(fault: "\"\(part)\" is not written as name=value.")
            }
            for (index, word) in pair.enumerated() {
                guard word.utf8.count <= 63, word.utf8.allSatisfy({ isWord($0, isName: index == 0) }) else {
                    throw Fault(
                        fault: "\"\(word)\" has something else than letters, digits and -_. or more than 63 characters."
                    )
                }
            }
            guard labels.updateValue(pair[1], forKey: pair[0]) == nil else {
                throw Fault(fault: "\"\(pair[0])\" stands there twice.")
            }
        }
        guard labels.count <= maximumCount else { throw Fault(fault: "A host has at most \(maximumCount) labels.") }
        return labels
    }

    private static func isWord(_ byte: UInt8, isName: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        case UInt8(ascii: "/"): isName
        default: false
        }
    }
}
