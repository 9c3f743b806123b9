import Access
import Digest
import HTML
import HTTPTypes
import Hummingbird
import JSON
import Pages
import Rollout
import Store
import Timestamps
import Wire

/// Campaigns: the list, one, one host's part, and the form of a new one.
enum CampaignPages {
    static let all: [PageDeclaration] =
        [
            PageDeclaration(
                .get, "/campaigns", "campaigns", access: .permission(.campaignsRead), parameters: ["show", "after"],
                list),
            PageDeclaration(
                .get, "/campaigns/new", "campaign-new", access: .permission(.campaignsWrite),
                parameters: CampaignForm.linkable
            ) { call in
                let desk = try call.campaigns(.campaignsWrite)
                var model = CampaignFormModel()
                model.values = CampaignForm(query: call.query).values
                model.approvalsRequired = Int(
                    try await desk.engine.approvalsRequired(organisation: desk.organisation))
                return call.html(campaignFormPage(model, call.context()))
            },
            PageDeclaration(.post, "/campaigns/new", "campaign-new", access: .permission(.campaignsWrite)) { call in
                try await send(call, nil)
            },
            PageDeclaration(.get, "/campaigns/events", "events", access: .permission(.campaignsRead)) { call in
                let desk = try call.campaigns(.campaignsRead)
                return try await SupportPages.events(call, .campaignsRead) { try await desk.listToken() }
            },
            PageDeclaration(
                .get, "/campaigns/{campaign}", "campaign", access: .permission(.campaignsRead),
                parameters: ["after"], show),
            PageDeclaration(.get, "/campaigns/{campaign}/events", "events", access: .permission(.campaignsRead)) {
                call in
                let desk = try call.campaigns(.campaignsRead)
                let id = try await found(call, .campaignsRead).summary.id
                return try await SupportPages.events(call, .campaignsRead) {
                    try await desk.engine.progressToken(organisation: desk.organisation, id)
                }
            },
            PageDeclaration(
                .get, "/campaigns/{campaign}/edit", "campaign-edit", access: .permission(.campaignsWrite)
            ) { call in
                let found = try await found(call, .campaignsWrite)
                var model = CampaignFormModel()
                model.values = CampaignForm(found.draft).values
                model.campaign = (found.summary.id, found.summary.title)
                model.approvalsRequired = Int(found.summary.approvalsRequired)
                return call.html(campaignFormPage(model, call.context()))
            },
            PageDeclaration(
                .post, "/campaigns/{campaign}/edit", "campaign-edit", access: .permission(.campaignsWrite)
            ) { call in try await send(call, try await found(call, .campaignsWrite)) },
            PageDeclaration(
                .get, "/campaigns/{campaign}/jobs/{job}", "campaign-job", access: .permission(.campaignsRead), job),
            PageDeclaration(
                .get, "/campaigns/{campaign}/jobs/{job}/log", "campaign-job-log", access: .permission(.campaignsRead)
            ) { call in
                let desk = try call.campaigns(.campaignsRead)
                let job = try await found(call, job: desk)
                let bytes = try await JobLog(desk: desk, job: job.summary.id).bytes()
                return .bytes(
                    bytes, type: "text/plain; charset=utf-8",
                    headers: [.contentDisposition: "inline; filename=\"\(job.summary.id).log\""])
            },
            PageDeclaration(
                .post, "/campaigns/{campaign}/jobs/{job}/write-off", "campaign-job",
                access: .permission(.campaignsStop)
            ) { call in
                let desk = try call.campaigns(.campaignsStop)
                let job = try await found(call, job: desk)
                _ = try await desk.engine.writeOff(
                    organisation: desk.organisation, job: job.summary.id, reason: try reason(call, isRequired: true),
                    by: desk.rolloutActor)
                return call.done(.job, "campaigns", job.summary.campaign, "jobs", job.summary.id)
            },
            PageDeclaration(
                .get, "/hosts/{host}/why/{package}", "host-why", access: .permission(.campaignsRead), why),
        ] + CampaignDecisionPages.all

    static let pageSize = 50

    /// The campaign of the path, within reach of a permission; what is beyond it does not exist.
    static func found(_ call: PageCall, _ permission: Permission) async throws -> CampaignDetails {
        do {
            return try await call.campaigns(permission).find(call.path("campaign"))
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.noSuchPage)
        }
    }

    private static func found(_ call: PageCall, job desk: CampaignDesk) async throws -> JobDetails {
        do {
            return try await desk.job(call.path("campaign"), call.path("job"))
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.noSuchPage)
        }
    }

    /// The reason of a form.
    static func reason(_ call: PageCall, isRequired: Bool) throws -> String {
        let reason = SubmittedText.shown(call.field("reason"), maximum: 1024)
        guard !isRequired || !reason.isEmpty else {
            throw Refusal(
                .init(
                    "reason-needed", title: "A reason is needed", status: 400, detail: "Nothing was done.",
                    cure: "Go back and say why: it enters the audit log."))
        }
        return reason
    }

    // MARK: - The list

    private static func list(_ call: PageCall) async throws -> Response {
        let desk = try call.campaigns(.campaignsRead)
        var model = CampaignsModel()
        model.showsAll = call.query["show"] == "all"
        let page = try await desk.list(open: !model.showsAll, after: call.query["after"], limit: pageSize)
        model.rows = try await rows(page.campaigns, call)
        model.next = page.next
        model.mayWrite = call.may(.campaignsWrite)
        model.approvalsRequired = Int(try await desk.engine.approvalsRequired(organisation: desk.organisation))
        let context = call.context()
        return call.html(campaignsPage(model, context, events: context.to("campaigns", "events")))
    }

    /// Campaigns as rows, with their authors' names.
    static func rows(_ campaigns: [CampaignSummary], _ call: PageCall) async throws -> [CampaignRow] {
        let authors = try await call.state.store.read { transaction in
            try campaigns.map { try ActivityText.name($0.author, transaction) }
        }
        return zip(campaigns, authors).map { CampaignRow($0, author: $1) }
    }

    // MARK: - One

    private static func show(_ call: PageCall) async throws -> Response {
        let desk = try call.campaigns(.campaignsRead)
        let found = try await found(call, .campaignsRead)
        let summary = found.summary
        let (author, approvers) = try await call.state.store.read { transaction in
            (
                try ActivityText.name(summary.author, transaction),
                try found.approvals.map { try ActivityText.name($0.approver, transaction) }
            )
        }
        var model = CampaignModel(row: CampaignRow(summary, author: author))
        model.planDigest = summary.planDigest?.hex ?? ""
        model.epoch = Int(summary.epoch)
        model.budget = Int(summary.budget)
        model.selection = CampaignWords.selection(found.draft)
        model.errors = found.errors
        model.notes = found.notes
        model.approvals = zip(found.approvals, approvers).map {
            ApprovalRow(approver: $1, time: $0.time, isSigned: $0.isSigned, counts: $0.counts)
        }
        model.targets = (found.plan?.targets ?? []).map { target in
            TargetRow(
                distribution: target.distribution,
                packages: target.packages.map { ($0.id, $0.previous, $0.version) })
        }
        model.actions = CampaignWords.actions(found.plan?.actions ?? found.draft.actions)
        model.counts = summary.jobCounts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
            ($0.key, Int($0.value))
        }
        model.permitsHeld = Int(found.permitsHeld)
        model.permitsSuspect = Int(found.permitsSuspect)
        model.rollsBack = summary.rollsBackCampaign
        model.isAuthor = summary.author == desk.actor
        model.allowed = allowed(found, call)
        try await addHosts(&model, found, desk, after: call.query["after"])
        let context = call.context()
        return call.html(campaignPage(model, context, events: context.to("campaigns", summary.id, "events")))
    }

    /// What whoever looks may ask of a campaign.
    private static func allowed(_ found: CampaignDetails, _ call: PageCall) -> Set<String> {
        Set(
            found.allowed.filter { verb in
                switch verb {
                case "edit", "submit": call.may(.campaignsWrite)
                case "approve":
                    call.may(.campaignsApprove)
                        && (found.summary.approvalsRequired == 0
                            || (call.caller.map { $0.actor != found.summary.author } ?? false))
                case "deny": call.may(.campaignsApprove)
                case "resume":
                    call.may(found.summary.state == "halted" ? .campaignsApprove : .campaignsStop)
                default: call.may(.campaignsStop)
                }
            })
    }

    /// The hosts: by their jobs where there are jobs, else by the plan.
    private static func addHosts(
        _ model: inout CampaignModel, _ found: CampaignDetails, _ desk: CampaignDesk, after: String?
    ) async throws {
        guard let plan = found.plan else { return }
        let planned = PlannedHosts(organisation: desk.organisation, plan: plan)
        let page = try await desk.engine.jobs(
            organisation: desk.organisation, campaign: found.summary.id, after: after, limit: pageSize)
        guard !page.jobs.isEmpty else {
            let hosts = try await desk.state.store.read { try planned.page($0, after: after, limit: pageSize + 1) }
            model.hosts = hosts.prefix(pageSize).map { JobRow($0) }
            model.hostsNext = hosts.count > pageSize ? model.hosts.last?.host : nil
            return
        }
        let targets = Dictionary(
            uniqueKeysWithValues: plan.targets.flatMap { target in
                target.packages.map { ("\(target.distribution) \($0.id)", $0) }
            })
        model.hosts = try await desk.state.store.read { transaction in
            try page.jobs.map { job in
                var row = JobRow(job, campaignTitle: found.summary.title)
                if !targets.isEmpty, let host = try planned.one(job.host, transaction) {
                    row.steps = JobRow(host).steps
                    row.reboot = host.reboot
                    row.wayBack = host.wayBack
                }
                return row
            }
        }
        for index in model.hosts.indices where model.hosts[index].hasEnded {
            // What ended tells itself what became of each package.
            let job = try await desk.engine.job(organisation: desk.organisation, model.hosts[index].id)
            if !job.packages.isEmpty { model.hosts[index].steps = job.packages.map { StepRow($0) } }
        }
        model.hostsNext = page.next
    }

    // MARK: - One host's part

    /// How much of a log stands on the page.
    private static let logPage: Int64 = 32 << 10

    private static func job(_ call: PageCall) async throws -> Response {
        let desk = try call.campaigns(.campaignsRead)
        let job = try await found(call, job: desk)
        let campaign = try await found(call, .campaignsRead)
        var model = JobModel(row: JobRow(job.summary, campaignTitle: campaign.summary.title))
        model.row.steps = job.packages.map { StepRow($0) }
        if model.row.steps.isEmpty, let plan = campaign.plan {
            let planned = PlannedHosts(organisation: desk.organisation, plan: plan)
            if let host = try await call.state.store.read({ try planned.one(job.summary.host, $0) }) {
                model.row.steps = JobRow(host).steps
            }
        }
        model.entries = job.entries.suffix(300).map { EntryRow($0) }
        model.entryCount = Int(job.entryCount)
        model.logSize = job.logSize
        if job.logSize > 0 {
            let start = max(0, job.logSize - logPage)
            let piece = try await desk.engine.jobLog(
                organisation: desk.organisation, job.summary.id, from: start, limit: Int(logPage))
            model.log = String(decoding: piece.bytes, as: UTF8.self)
        }
        model.notBefore = job.summary.notBefore
        model.lastSafeStart = job.summary.lastSafeStart
        model.notAfter = job.summary.notAfter
        model.holdsPermit = job.summary.holdsPermit
        model.mayWriteOff =
            job.summary.holdsPermit && (job.summary.isTerminal || job.summary.state == "suspect")
            && call.may(.campaignsStop)
        let context = call.context()
        return call.html(
            jobPage(model, context, events: context.to("campaigns", campaign.summary.id, "events")))
    }

    // MARK: - Why

    private static func why(_ call: PageCall) async throws -> Response {
        let desk = try call.campaigns(.campaignsRead)
        let (organisation, id) = (desk.organisation, call.path("host"))
        let host = try await call.state.store.read { try $0.hosts.show(organisation: organisation, id: id) }
        guard let host, call.reach(.hostsRead).includes(host.labels), desk.reach.includes(host.labels) else {
            throw Refusal(.noSuchPage)
        }
        let why = try await desk.why(host: host.id, package: call.path("package"))
        var model = WhyModel(host: host.id, hostname: host.hostname, package: why.package)
        model.installed = why.installed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        model.candidate = why.candidate.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        model.reasons = why.reasons.map { ($0.code, $0.sentence, $0.cure) }
        model.campaigns = try await rows(why.campaigns, call)
        model.jobs = why.jobs.map { job in
            JobRow(job, campaignTitle: why.campaigns.first { $0.id == job.campaign }?.title ?? job.campaign)
        }
        model.mayWrite = call.reach(.campaignsWrite).includes(host.labels) && !why.candidate.isEmpty
        let context = call.context()
        return call.html(whyPage(model, context, events: context.to("events")))
    }

    // MARK: - The form

    private static func send(_ call: PageCall, _ found: CampaignDetails?) async throws -> Response {
        let desk = try call.campaigns(.campaignsWrite)
        let form = CampaignForm(call)
        var model = CampaignFormModel()
        model.values = form.values
        model.campaign = found.map { ($0.summary.id, $0.summary.title) }
        model.approvalsRequired = Int(try await desk.engine.approvalsRequired(organisation: desk.organisation))
        let (body, errors) = form.request(found?.draft, now: call.now)
        model.errors = errors
        if errors.isEmpty {
            do {
                let draft = try await desk.draft(body)
                guard call.field("act") != "preview" else {
                    model.preview = CampaignPreviewModel(try await desk.preview(draft))
                    return call.html(campaignFormPage(model, call.context()))
                }
                let made = try await save(draft, over: found, desk, submits: call.field("act") == "submit")
                return call.done(.campaign, "campaigns", made.summary.id)
            } catch let refusal as Refusal where (400..<500).contains(refusal.problem.status) {
                model.take(refusal.problem)
            }
        }
        return call.html(campaignFormPage(model, call.context()), status: .badRequest)
    }

    private static func save(
        _ draft: CampaignDraft, over found: CampaignDetails?, _ desk: CampaignDesk, submits: Bool
    ) async throws -> CampaignDetails {
        var made: CampaignDetails
        if let found {
            made = try await desk.engine.edit(
                organisation: desk.organisation, found.summary.id, version: found.summary.version, draft,
                by: desk.rolloutActor)
        } else {
            made = try await desk.engine.create(organisation: desk.organisation, draft, by: desk.rolloutActor)
        }
        guard submits else { return made }
        return try await desk.engine.submit(
            organisation: desk.organisation, made.summary.id, version: made.summary.version, by: desk.rolloutActor)
    }
}

extension CampaignPreviewModel {
    init(_ preview: CampaignPreview) {
        self.init()
        digest = preview.plan?.digest.hex ?? ""
        errors = preview.errors
        notes = preview.notes
        hostCount = preview.plan?.hosts.count ?? 0
        hosts = preview.hosts.prefix(100).map { JobRow($0) }
        wayBack = preview.plan.map { PlannedHosts.wayBack($0.actions) } ?? ""
        var seen: Set<String> = []
        for window in preview.hosts.flatMap(\.windows) {
            let text = "\(window.notBefore) to \(window.notAfter) (\(window.local))"
            if seen.insert(text).inserted { windows.append(text) }
        }
    }
}

extension CampaignDesk {
    /// A text that changes whenever the list of open campaigns does.
    func listToken() async throws -> String {
        let page = try await list(open: true, limit: 100)
        return page.campaigns.map { campaign in
            let jobs = campaign.jobCounts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "\(campaign.id) \(campaign.version) \(jobs.joined(separator: ","))"
        }.joined(separator: "\n")
    }

    /// The campaigns that wait for somebody, at most so many.
    func waiting(limit: Int) async throws -> [CampaignSummary] {
        let page = try await list(open: true, limit: 200)
        return Array(page.campaigns.filter { CampaignText.needsPerson($0) }.prefix(limit))
    }

    /// A host's parts of the latest campaigns.
    func jobs(ofHost host: String, limit: Int) async throws -> [(job: JobSummary, title: String)] {
        let page = try await list(open: false, host: host, limit: limit)
        var jobs: [(JobSummary, String)] = []
        for campaign in page.campaigns {
            if let job = try await jobOfHost(campaign.id, host) { jobs.append((job, campaign.title)) }
        }
        return jobs
    }
}
