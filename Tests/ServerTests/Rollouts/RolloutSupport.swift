import Crypto
import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Orders
import Rollout
import Signer
import Store
import Testing
import Timestamps
import Wire

@testable import Server

/// Signs with one key in this process: what the signer's own process does is tested with it.
struct LocalSigner: OrderSigner {
    let key = Curve25519.Signing.PrivateKey()
    let isBroken: Bool
    let refusesRollbacks: Bool
    /// Leaves the moment of the release to the test.
    let signsNoRelease: Bool

    init(isBroken: Bool = false, refusesRollbacks: Bool = false, signsNoRelease: Bool = false) {
        self.isBroken = isBroken
        self.signsNoRelease = signsNoRelease
        self.refusesRollbacks = refusesRollbacks
    }

    struct Broken: Error {}

    private func sign<T: OrderDocument>(_ document: T) throws -> Envelope {
        if isBroken { throw Broken() }
        var envelope = Envelope(payloadType: T.payloadType, payload: document.json.canonicalBytes())
        let publicKey = Array(key.publicKey.rawRepresentation)
        envelope.signatures = [
            .init(keyID: Envelope.keyID(of: publicKey), bytes: Array(try key.signature(for: envelope.signedBytes)))
        ]
        return envelope
    }

    func roles(organisation: String) async throws -> Envelope {
        let keys = RolesDocument.Keys(keys: [Array(key.publicKey.rawRepresentation)])
        return try sign(
            RolesDocument(
                organisation: organisation, version: 1, roles: [.root: keys, .release: keys, .director: keys],
                expires: ServerClock.system.now().adding(seconds: 86_400 * 365)))
    }

    func release(
        plan: Plan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope {
        if signsNoRelease { throw Broken() }
        return try sign(
            ReleaseDocument(
                plan: HostPlan(json: plan.json), approvals: approvals, approvalsRequired: approvalsRequired,
                issued: ServerClock.system.now(), expires: expires))
    }

    func rollback(
        plan: HostPlan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64,
        expires: Timestamp
    ) async throws -> Envelope {
        if refusesRollbacks { throw SignerRefusal(.notReleased, "It was released too long ago.") }
        return try sign(
            ReleaseDocument(
                plan: plan, approvals: [], approvalsRequired: 0, issued: ServerClock.system.now(), expires: expires,
                isRollbackOnly: true))
    }

    func grant(_ document: GrantDocument) async throws -> Envelope { try sign(document) }
    func ticket(_ document: TicketDocument) async throws -> Envelope { try sign(document) }
}

/// What a job's agent writes down: a chain of records.
struct TestJournal: Sendable {
    let job: String
    let bootID: String
    var entries: [JobEntry] = []

    /// The records from that ordinal on.
    func from(_ ordinal: Int64) -> [JobEntry] { Array(entries.dropFirst(Int(ordinal) - 1)) }

    mutating func add(
        _ phase: JobPhase, _ kind: JobEntry.Kind, _ text: String = "", _ detail: JSONValue = [:], at time: Timestamp
    ) {
        entries.append(
            JobEntry(
                job: job, ordinal: Int64(entries.count + 1), time: time, bootID: bootID, phase: phase, kind: kind,
                text: text, detail: detail, previous: entries.last?.digest ?? JobEntry.origin))
    }

    /// The records up to where a grant is journaled.
    mutating func accept(_ fence: Int64, at time: Timestamp) {
        add(.received, .result, at: time)
        add(.prefetch, .result, at: time)
        add(.waitWindow, .result, "the grant is here", ["fence": .integer(fence)], at: time)
    }

    /// The records of the change itself.
    mutating func change(at time: Timestamp) {
        add(.confirm, .result, at: time)
        add(.preflight, .result, at: time)
        add(.mutateIntent, .intent, "the packages change now", at: time)
        add(.apply, .intent, at: time)
        add(.apply, .result, at: time)
    }

    /// The last record.
    mutating func commit(_ outcome: JobOutcome, _ text: String = "it is done", at time: Timestamp) {
        add(.health, .result, at: time)
        add(.rescan, .result, at: time)
        add(
            .commit, .result, text,
            [
                "outcome": .string(outcome.rawValue), "boots": 0,
                "packages": [
                    [
                        "package": "package0:amd64", "from": "1.0-1", "to": "9.9-1",
                        "now": .string(outcome == .succeeded ? "9.9-1" : "1.0-1"),
                        "result": .string(outcome == .succeeded ? "upgraded" : "failed"), "message": "",
                    ]
                ],
            ], at: time)
    }
}

extension TestHost {
    /// What the server wants of the host.
    func desired() async throws -> DesiredState {
        let answer = try await send(.GET, "state")
        #expect(answer.status == 200, "\(answer.text)")
        return try DesiredState(decoding: answer.body, version)
    }

    func ask(_ action: String, _ job: String, fence: Int64 = 0, nonce: String? = nil) async throws -> Answer {
        let nonce = nonce ?? UUID().uuidString.replacing("-", with: "").lowercased()
        return try await send(
            .POST, "jobs/\(job)/\(action)",
            body: JobQuestion(exchangeToken: token, nonce: nonce, fence: fence).encoded(version))
    }

    func claim(_ job: String, fence: Int64 = 0) async throws -> JobAnswer {
        let answer = try await ask("claim", job, fence: fence)
        #expect(answer.status == 200, "\(answer.text)")
        return try JobAnswer(decoding: answer.body, version)
    }

    func confirm(_ job: String, fence: Int64, nonce: String? = nil) async throws -> JobAnswer {
        let answer = try await ask("confirm", job, fence: fence, nonce: nonce)
        #expect(answer.status == 200, "\(answer.text)")
        return try JobAnswer(decoding: answer.body, version)
    }

    func tell(
        _ job: String, _ entries: [JobEntry], log: String = "", at offset: Int64 = 0, percent: Int64? = nil,
        activity: String = ""
    ) async throws -> Answer {
        try await send(
            .POST, "jobs/\(job)/entries",
            body: JobProgress(
                exchangeToken: token, entries: entries, logOffset: offset, log: log, percent: percent,
                activity: activity
            ).encoded(version))
    }

    /// Sends what the server lacks of a journal.
    func tell(_ journal: TestJournal, from ordinal: Int64 = 1) async throws -> JobProgressReply {
        let answer = try await tell(journal.job, journal.from(ordinal))
        #expect(answer.status == 200, "\(answer.text)")
        return try JobProgressReply(decoding: answer.body, version)
    }
}

extension JobAnswer {
    /// The grant in it.
    func grant() throws -> GrantDocument {
        let order = try #require(order, "\(reason)")
        return try GrantDocument(json: JSONValue(parsing: order.payload, limits: .message))
    }

    /// The ticket in it.
    func ticket() throws -> TicketDocument {
        let order = try #require(order, "\(reason)")
        return try TicketDocument(json: JSONValue(parsing: order.payload, limits: .message))
    }
}

/// A server with hosts that wait for a security update, and the engine that campaigns run on.
struct Rollouts {
    static let author = RolloutActor(name: "user:author")
    static let approver = RolloutActor(name: "user:approver")

    let server: TestServer
    var hosts: [TestHost] = []
    var engine: RolloutEngine { RolloutEngine(state: server.server.state) }
    var now: Timestamp { server.clock.clock.now() }

    static func with(
        _ engine: TestEngine, hosts: Int = 1, signer: any OrderSigner = LocalSigner(),
        _ change: @escaping (inout ServerConfiguration) -> Void = { _ in }, body: (inout Rollouts) async throws -> Void
    ) async throws {
        try await TestServer.with(engine) {
            $0.orderSigner = signer
            change(&$0)
        } body: { server in
            var rollouts = Rollouts(server: server)
            for number in 0..<hosts { try await rollouts.enrol("web\(number)") }
            try await body(&rollouts)
        }
    }

    mutating func enrol(_ name: String, organisation: String = "default") async throws {
        var host = try await TestHost.enrol(server, organisation: organisation, hostname: name)
        try await host.reported(Truth(hostname: name))
        hosts.append(host)
    }

    func draft(
        _ hosts: [TestHost]? = nil, budget: Int64 = 1, startsIn: Int64 = -60, minutes: Int64 = 120
    ) -> CampaignDraft {
        let start = now.adding(seconds: startsIn)
        return CampaignDraft(
            title: "updates", packages: .security, hosts: .ids((hosts ?? self.hosts).map(\.id)),
            window: PlannedWindow(start: String(start.description.prefix(16)), minutes: minutes, zone: "UTC"),
            budget: budget)
    }

    /// A campaign that was approved, signed and runs.
    func running(_ draft: CampaignDraft? = nil, organisation: String = "default") async throws -> CampaignDetails {
        let scheduled = try await scheduled(draft, organisation: organisation)
        // The server's own scheduler may be the one that fires its timers.
        let id = scheduled.summary.id
        #expect(try await becomes("running", id, organisation: organisation))
        return try await engine.show(organisation: organisation, id)
    }

    /// A campaign that was approved.
    func scheduled(_ draft: CampaignDraft? = nil, organisation: String = "default") async throws -> CampaignDetails {
        let made = try await engine.create(organisation: organisation, draft ?? self.draft(), by: Self.author)
        let frozen = try await engine.submit(
            organisation: organisation, made.summary.id, version: made.summary.version, by: Self.author)
        #expect(frozen.summary.state == "awaiting-approval", "\(frozen.errors)")
        let plan = try #require(frozen.summary.planDigest)
        return try await engine.approve(
            organisation: organisation, made.summary.id, plan: plan, signature: nil, by: Self.approver)
    }

    /// One round of the scheduler, and the campaign after it.
    @discardableResult
    func step(_ campaign: String) async throws -> CampaignDetails {
        await RolloutScheduler(state: server.server.state).step()
        return try await engine.show(organisation: "default", campaign)
    }

    /// Whether a campaign gets there within a few seconds.
    func becomes(_ word: String, _ id: String, organisation: String = "default") async throws -> Bool {
        try await eventually {
            await RolloutScheduler(state: server.server.state).step()
            return try await engine.show(organisation: organisation, id).summary.state == word
        }
    }

    func jobs(_ campaign: String) async throws -> [JobSummary] {
        try await engine.jobs(organisation: "default", campaign: campaign).jobs
    }
}
