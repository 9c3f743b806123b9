import Access
import HTTPTypes
import JSON
import NIOCore
import Rollout
import Store

/// The hosts' parts of campaigns.
enum CampaignJobOperations {
    static let all: [Operation] = [list, show, log, writeOff]

    private static let jobParameter: Parameter = .path(
        "job", .text(1...255), "The job's id, or its host's id or name: then the host's latest attempt.")

    private static let list: Operation = Operation(
        .get, "/api/v1/campaigns/{campaign}/jobs", id: "listCampaignJobs", tag: .campaigns,
        summary: "List a campaign's jobs by host name, the latest attempt of each host.",
        access: .permission(.campaignsRead),
        parameters: [
            CampaignOperations.campaignParameter,
            .query("state", .text(1...64), "Only those in this state: `running`, `succeeded`, `rolled-back`, …"),
        ], responses: [.ok(.page(of: .component(CampaignJobSchema.summary)))], traits: [.paginated]
    ) { call in
        let desk = call.campaigns
        let found = try await desk.find(call.path("campaign"))
        let page = try await desk.engine.jobs(
            organisation: call.organisation, campaign: found.summary.id, state: call.text("state"),
            after: call.cursor?.string, limit: call.limit)
        return .page(page.jobs.map { .object(CampaignJobSchema.json($0)) }, next: page.next.map { .string($0) })
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/campaigns/{campaign}/jobs/{job}", id: "getCampaignJob", tag: .campaigns,
        summary: "Show one host's part: its journal, what became of each package.",
        access: .permission(.campaignsRead),
        parameters: [
            CampaignOperations.campaignParameter, jobParameter,
            .query("from", .integer(1...1_000_000), "The first record of the journal; 1 by default."),
        ], responses: [.ok(.component(CampaignJobSchema.detail))]
    ) { call in
        .json(
            CampaignJobSchema.json(
                try await call.campaigns.job(
                    call.path("campaign"), call.path("job"), from: call.integer("from") ?? 1)))
    }

    private static let log: Operation = Operation(
        .get, "/api/v1/campaigns/{campaign}/jobs/{job}/log", id: "getCampaignJobLog", tag: .campaigns,
        summary: "Take out what the package manager and the scripts wrote.", access: .permission(.campaignsRead),
        parameters: [
            CampaignOperations.campaignParameter, jobParameter,
            .query("from", .integer(0...JobLog.maximumBytes), "The first byte; 0 by default."),
        ],
        responses: [
            ResponseDeclaration(
                .ok, "The log from there on, as it is now; UTF-8.", mediaType: "text/plain")
        ]
    ) { call in
        let desk = call.campaigns
        let job = try await desk.job(call.path("campaign"), call.path("job"))
        let bytes = try await JobLog(desk: desk, job: job.summary.id).bytes(from: call.integer("from") ?? 0)
        return Answer(content: .bytes(bytes, type: "text/plain; charset=utf-8"))
    }

    private static let writeOff: Operation = Operation(
        .post, "/api/v1/campaigns/{campaign}/jobs/{job}/write-off", id: "writeOffCampaignJob", tag: .campaigns,
        summary: "Give up on a host that fell silent: its job is lost, its place in the budget is free.",
        access: .permission(.campaignsStop), parameters: [CampaignOperations.campaignParameter, jobParameter],
        body: BodyDeclaration(
            .object([.required("reason", CampaignDraftSchema.reason, "Why; it enters the audit log.")])),
        responses: [
            .ok(.component(CampaignJobSchema.detail), "It is done; this is the job now."),
            .problem(.conflict, "The job's state does not allow it."),
        ]
    ) { call in
        let desk = call.campaigns
        let job = try await desk.job(call.path("campaign"), call.path("job"))
        return .json(
            CampaignJobSchema.json(
                try await desk.engine.writeOff(
                    organisation: call.organisation, job: job.summary.id, reason: call.body["reason"]?.string ?? "",
                    by: desk.rolloutActor)))
    }
}

/// A job's log, whole.
struct JobLog: Sendable {
    let desk: CampaignDesk
    let job: String

    /// The most bytes of a log.
    static let maximumBytes: Int64 = 4 << 20

    /// The log from that byte on.
    func bytes(from start: Int64 = 0) async throws -> [UInt8] {
        var (bytes, offset): ([UInt8], Int64) = ([], start)
        while true {
            let piece = try await desk.engine.jobLog(organisation: desk.organisation, job, from: offset)
            bytes += piece.bytes
            guard !piece.bytes.isEmpty, piece.next > offset, piece.next < piece.size else { return bytes }
            offset = piece.next
        }
    }
}
