import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Orders
import Rollout
import Signatures
import Signer
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Campaigns whose orders the real signer's process signs, and what hosts believe of them.
    @Suite struct RolloutSignerTests {
        /// A server and hosts with a signer's process of their own.
        private func with(
            _ engine: TestEngine, body: (inout Rollouts, SignerClient, String) async throws -> Void
        ) async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let process = try FettleCommand(["signer", "run", "--data", folder])
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            try await Rollouts.with(engine, signer: client) { world in try await body(&world, client, folder) }
            process.send(SIGTERM)
            _ = await process.ended()
        }

        @Test(arguments: TestEngine.allCases)
        func whatIsApprovedIsSignedAndBelieved(_ engine: TestEngine) async throws {
            try await with(engine) { world, _, _ in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let desired = try await host.desired()
                var verifier = OrderVerifier(organisation: "default", host: host.id, verifier: Ed25519())
                try verifier.adopt(roles: try #require(desired.roles), now: world.now)
                let offer = try #require(desired.jobs.first)
                let release = try verifier.release(offer.release, now: world.now)
                #expect(release.approvals.map(\.approver) == ["user:approver"])
                let answer = try await host.claim(offer.job)
                let grant = try verifier.grant(
                    try #require(answer.order), job: offer.job, plan: release.plan.digest, lastFence: 0, epoch: 0,
                    now: world.now)
                let nonce = String(repeating: "5c", count: 16)
                let ticket = try await host.confirm(offer.job, fence: grant.fence, nonce: nonce)
                _ = try verifier.ticket(try #require(ticket.order), grant: grant, nonce: nonce, now: world.now)
                let audit = try await world.server.audit()
                #expect(audit.contains("campaign.approve") && audit.contains("campaign.release-signed"))
                // And back: the same plan, by a release that brings nothing.
                var journal = TestJournal(job: offer.job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                journal.change(at: world.now)
                journal.commit(.failedChanged, at: world.now)
                _ = try await host.tell(journal)
                #expect(try await world.becomes("verifying", id))
                _ = try await world.engine.rollBack(
                    organisation: "default", id, reason: "slow", by: Rollouts.approver)
                #expect(try await world.goesBack(id))
                let back = try #require(try await host.desired().jobs.first { !$0.isCancelled })
                let way = try verifier.release(back.release, now: world.now)
                #expect(way.isRollbackOnly && way.plan.digest == release.plan.digest)
                #expect(try await host.claim(back.job, fence: 1).grant().rollsBack)
            }
        }

        /// A signer upgraded in the middle: it kept no approvals of the release, the server did.
        @Test(arguments: TestEngine.allCases)
        func aReleaseOfBeforeIsTakenBack(_ engine: TestEngine) async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let first = try FettleCommand(["signer", "run", "--data", folder])
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            try await Rollouts.with(engine, signer: client) { world in
                let id = try await world.running().summary.id
                try await world.finish(world.hosts[0], .failedChanged)
                #expect(try await world.becomes("verifying", id))
                let plan = try #require(try await world.engine.show(organisation: "default", id).summary.planDigest)
                let file = URL(filePath: folder + "/signer/releases/\(plan.hex)")
                var fields = try #require(
                    try JSONValue(parsing: Array(Data(contentsOf: file)), limits: .message).object)
                #expect(fields.removeValue(forKey: "approvals") != nil)
                fields["approvalsRequired"] = nil
                try Data(JSONValue.object(fields).canonicalBytes()).write(to: file)
                // The one that was upgraded is another process.
                first.send(SIGTERM)
                _ = await first.ended()
                let second = try FettleCommand(["signer", "run", "--data", folder])
                _ = try await world.engine.rollBack(organisation: "default", id, reason: "slow", by: Rollouts.approver)
                #expect(try await world.goesBack(id))
                let back = try #require(try await world.hosts[0].desired().jobs.first { !$0.isCancelled })
                let release = try ReleaseDocument(json: JSONValue(parsing: back.release.payload, limits: .message))
                #expect(release.isRollbackOnly && release.approvals.map(\.approver) == ["user:approver"])
                second.send(SIGTERM)
                _ = await second.ended()
            }
        }

        @Test(arguments: TestEngine.allCases)
        func refusedApprovalsAreAskedForAnew(_ engine: TestEngine) async throws {
            try await with(engine) { world, _, folder in
                let key = SigningKey()
                let policy = SignerPolicy(organisations: [
                    "default": .init(approvalsRequired: 1, approvers: ["anna": key.publicKey])
                ])
                try Data(policy.json.canonicalBytes()).write(
                    to: URL(filePath: folder + "/signer/" + SignerPolicy.fileName))
                // Approved, but without the key that the signer wants to see.
                let scheduled = try await world.scheduled()
                let id = scheduled.summary.id
                #expect(try await world.becomes("awaiting-approval", id))
                let again = try await world.engine.show(organisation: "default", id)
                #expect(again.summary.epoch == 2)
                #expect(again.summary.approvalsGiven == 0 && again.approvals.allSatisfy { !$0.counts })
                let plan = try #require(again.summary.planDigest)
                #expect(plan != scheduled.summary.planDigest)
                #expect(again.plan?.digest == plan)
                #expect(again.summary.reason.contains("approved anew"), "\(again.summary.reason)")
                #expect(again.summary.reason.contains("anna"), "\(again.summary.reason)")
                #expect(again.allowed.contains("approve") && again.allowed.contains("edit"))
                #expect(try await world.server.audit().contains("campaign.approval-refused"))
                #expect(try await world.hosts[0].desired().jobs.isEmpty)
                let signature = try key.sign(ReleaseDocument.Approval.signedBytes(plan: plan))
                _ = try await world.engine.approve(
                    organisation: "default", id, plan: plan, signature: signature, by: Rollouts.approver)
                #expect(try await world.becomes("running", id))
                #expect(try await world.engine.show(organisation: "default", id).summary.reason == "")
                #expect(try await world.hosts[0].desired().jobs.count == 1)
            }
        }

        /// The signer asks for more approvals than the organisation, which asks for none.
        @Test func theSignersNumberHolds() async throws {
            try await with(.sqlite) { world, _, folder in
                let policy = SignerPolicy(organisations: ["default": .init(approvalsRequired: 1)])
                try Data(policy.json.canonicalBytes()).write(
                    to: URL(filePath: folder + "/signer/" + SignerPolicy.fileName))
                try await world.engine.setApprovalsRequired(organisation: "default", 0, by: Rollouts.approver)
                let id = try await world.scheduled().summary.id
                #expect(try await world.becomes("awaiting-approval", id))
                let again = try await world.engine.show(organisation: "default", id).summary
                #expect(again.approvalsRequired == 1)
                _ = try await world.engine.approve(
                    organisation: "default", id, plan: try #require(again.planDigest), signature: nil,
                    by: Rollouts.approver)
                #expect(try await world.becomes("running", id))
            }
        }

        /// The signer remembers a higher fence than the server: nothing is granted before a person has looked, and the job
        /// goes on above it.
        @Test(arguments: TestEngine.allCases)
        func aServerBehindItsSignerIsRestored(_ engine: TestEngine) async throws {
            try await with(engine) { world, signer, _ in
                let host = world.hosts[0]
                let campaign = try await world.running()
                let id = campaign.summary.id
                let job = try #require(try await world.jobs(id).first)
                let epoch = world.server.server.state.epoch
                _ = try await signer.grant(
                    GrantDocument(
                        organisation: "default", host: host.id, campaign: id, job: job.id, attempt: 1, fence: 5,
                        epoch: epoch, planDigest: try #require(campaign.summary.planDigest), notBefore: world.now,
                        lastSafeStart: world.now.adding(seconds: 600), notAfter: world.now.adding(seconds: 3600),
                        allowsReboot: true, rollsBack: false))
                let no = try await host.claim(job.id)
                #expect(no.order == nil && no.retryAfter == 300)
                #expect(no.reason.contains("restored"), "\(no.reason)")
                #expect(try await world.server.api(.GET, "server").json["restored"]?.bool == true)
                let anew = try #require(try await world.jobs(id).first)
                #expect(anew.attempt == 2 && anew.state == "offered" && !anew.holdsPermit)
                _ = try await world.server.api(.POST, "server/acknowledge-restore")
                #expect(try await host.claim(anew.id).grant().fence == 6)
            }
        }
    }

    /// A reboot that a person makes by hand proves the job that owed it.
    @Suite struct RolloutRebootTests {
        @Test(arguments: TestEngine.allCases)
        func aRebootByHandIsProved(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let id = try await world.running().summary.id
                try await world.finish(world.hosts[0], .installedRebootPending)
                #expect(try await world.jobState(id) == "awaiting-reboot")
                world.server.clock.advance(5)
                // At the goal, but in the same boot.
                try await world.hosts[0].reported(Truth(version: "9.9-1", hostname: "web0"))
                #expect(try await world.jobState(id) == "awaiting-reboot")
                world.server.clock.advance(60)
                world.hosts[0].bootID = UUID().uuidString
                _ = try await world.hosts[0].checkedIn()
                try await world.hosts[0].reported(
                    Truth(version: "9.9-1", hostname: "web0", fetched: .known(world.now)))
                #expect(
                    try await eventually {
                        world.server.clock.advance(SweepMemory.lifetime)
                        return try await world.jobState(id) == "succeeded"
                    })
                let job = try #require(try await world.jobs(id).first)
                #expect(!job.holdsPermit)
                #expect(try await world.server.audit().contains("job.reboot-proven"))
            }
        }
    }

    /// What one host may put on record.
    @Suite struct JobRecordLimitTests {
        @Test func recordsOfJobsAreBoundedAnHour() async throws {
            try await Rollouts.with(.sqlite) { configuration in
                configuration.limits.jobRecordsPerHour = 8
            } body: { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                let grant = try await host.claim(job).grant()
                var journal = TestJournal(job: job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                for _ in 0..<8 { #expect(try await host.tell(journal).expectedEntry == 4, "known ones are free") }
                journal.change(at: world.now)
                _ = try await host.tell(journal, from: 4)
                journal.commit(.succeeded, at: world.now)
                let refused = try await host.tell(job, journal.from(9))
                #expect(refused.status == 429)
                #expect(refused.text.contains("keeps its journals"), "\(refused.text)")
                #expect((refused.headers["retry-after"].first.flatMap(Int.init) ?? 0) > 0)
                world.server.clock.advance(3600)
                #expect(try await host.tell(journal, from: 9).expectedEntry == 12)
                let audit = try await world.server.audit()
                #expect(audit.count { $0 == "host.job-record-quota-exceeded" } == 1)
            }
        }

        @Test func repeatedWordsAreNotRepeatedOnRecord() async throws {
            try await Rollouts.with(.sqlite) { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                let first = try await host.claim(job)
                for _ in 0..<5 { #expect(try await host.claim(job).order == first.order) }
                var forked = TestJournal(job: job, bootID: host.bootID)
                forked.add(.received, .result, at: world.now)
                _ = try await host.tell(forked)
                forked.entries[0].text = "another"
                for _ in 0..<30 { #expect(try await host.tell(job, forked.entries).status == 409) }
                let audit = try await world.server.audit()
                #expect(!audit.contains("job.claim-again"))
                #expect(audit.count { $0 == "job.refused" } == 20)
                #expect(audit.count { $0 == "host.job-refusals-exceeded" } == 1)
            }
        }
    }
}
