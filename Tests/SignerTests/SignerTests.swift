import Digest
import Foundation
import JSON
import Orders
import Rollout
import Signatures
import Testing
import Timestamps

@testable import Signer

@Suite struct SignerTests {
    private let fixture: SignerFixture
    private let now = SignerFixture.now

    init() throws { fixture = try SignerFixture() }

    @Test func whatItSignsHostsBelieve() throws {
        var signer = try fixture.signer()
        let verifier = try signer.verifier()
        let release = try verifier.release(signer.signed(SignerFixture.release()), now: now)
        #expect(release.plan.digest == SignerFixture.plan.digest)
        let grant = SignerFixture.grant()
        let envelope = try signer.signed(.grant(grant))
        #expect(
            try verifier.grant(
                envelope, job: grant.job, plan: release.plan.digest, lastFence: 0, epoch: 1, now: now) == grant)
        let ticket = try signer.signed(.ticket(SignerFixture.ticket()))
        #expect(
            try verifier.ticket(ticket, grant: grant, nonce: SignerFixture.nonce, now: now) == SignerFixture.ticket())
        // Ed25519 is strict to the last bit too.
        for bit in stride(from: 0, to: envelope.payload.count * 8, by: 7) {
            var altered = envelope
            altered.payload[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: OrderRefusal.self) {
                try verifier.grant(
                    altered, job: grant.job, plan: release.plan.digest, lastFence: 0, epoch: 1, now: now)
            }
        }
        for bit in 0..<512 {
            var altered = envelope
            altered.signatures[0].bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: OrderRefusal.self) {
                try verifier.grant(
                    altered, job: grant.job, plan: release.plan.digest, lastFence: 0, epoch: 1, now: now)
            }
        }
    }

    @Test func aGrantNeedsAReleaseAndFitsIt() throws {
        var signer = try fixture.signer()
        #expect(signer.code(.grant(SignerFixture.grant())) == .notReleased)
        _ = try signer.signed(SignerFixture.release(expires: now.adding(seconds: 60 * 86_400)))
        let cases: [(SignerRefusal.Code, (inout GrantDocument) -> Void)] = [
            (.notReleased, { $0.planDigest = SHA256.hash([1]) }),
            (
                .hostNotInPlan,
                {
                    $0.host = "host-9"; $0.job = SignerFixture.job("c-1", "host-9")
                }
            ),
            (.otherPlan, { $0.job = SignerFixture.job("c-1", "host-2") }), (.otherPlan, { $0.attempt = 2 }),
            (.otherPlan, { $0.organisation = "other" }), (.otherPlan, { $0.campaign = "c-2" }),
            (.malformed, { $0.host = "../host" }), (.malformed, { $0.organisation = "a b" }),
            (
                .unsoundTimes,
                {
                    $0.notAfter = SignerFixture.now; $0.lastSafeStart = SignerFixture.now
                }
            ),
            (.unsoundTimes, { $0.lastSafeStart = $0.notAfter.adding(seconds: 1) }),
            (.validTooLong, { $0.notAfter = $0.notAfter.adding(seconds: 7 * 86_400) }),
        ]
        for (code, change) in cases {
            #expect(signer.code(.grant(SignerFixture.grant(change))) == code)
        }
        #expect(signer.code(.grant(SignerFixture.grant())) == nil)
        let still = SignerFixture.plan(campaign: "c-3", reboot: .never)
        _ = try signer.signed(SignerFixture.release(still))
        let reboots = SignerFixture.grant(fence: 2) {
            $0.campaign = "c-3"
            $0.job = SignerFixture.job("c-3", "host-1")
            $0.planDigest = still.digest
        }
        #expect(signer.code(.grant(reboots)) == .rebootNotPlanned)
        // The release's own end.
        let later = now.adding(seconds: 61 * 86_400)
        #expect(signer.code(.grant(SignerFixture.grant(fence: 3)), now: later) == .notReleased)
    }

    /// What was released once may be taken back, long after; nothing more is installed by that plan then.
    @Test func aReleaseForTheWayBack() throws {
        var signer: Signer? = try fixture.signer()
        let plan = try HostPlan(json: SignerFixture.plan.json)
        func back(_ time: Timestamp, days: Int64 = 4) -> SignerRequest {
            .rollback(
                ReleaseDocument(
                    plan: plan, approvals: [], approvalsRequired: 0, issued: time,
                    expires: time.adding(seconds: days * 86_400), isRollbackOnly: true), author: "otto")
        }
        #expect(signer?.code(back(now)) == .notReleased)
        _ = try signer?.signed(SignerFixture.release())
        // The approver's key is gone by now, and nobody is asked again.
        try fixture.policy(
            SignerPolicy(organisations: [
                "acme": .init(approvalsRequired: 1, approvers: ["zoe": SigningKey().publicKey])
            ]))
        signer = nil
        let later = now.adding(seconds: 100 * 86_400)
        signer = try fixture.signer(now: later)
        #expect(signer?.code(.grant(SignerFixture.grant { $0.rollsBack = true }), now: later) == .notReleased)
        #expect(signer?.code(back(later, days: 8), now: later) == .validTooLong)
        #expect(signer?.code(back(now, days: 1), now: later) == .unsoundTimes)
        let request = try SignerRequest(
            json: JSONValue(parsing: back(later).json.canonicalBytes(), limits: SignerRequest.limits))
        let envelope = try #require(try signer?.signed(request, now: later))
        let release = try #require(try signer?.verifier(now: later).release(envelope, now: later))
        #expect(release.isRollbackOnly)
        #expect(release.approvals.map(\.approver) == ["anna"], "those that the signer checked then")
        let order = SignerFixture.grant {
            $0.notBefore = later
            $0.lastSafeStart = later.adding(seconds: 600)
            $0.notAfter = later.adding(seconds: 3600)
        }
        #expect(signer?.code(.grant(order), now: later) == .rollbackOnly)
        var wayBack = order
        wayBack.rollsBack = true
        #expect(signer?.code(.grant(wayBack), now: later) == nil)
        try fixture.policy(SignerPolicy())
        #expect(
            try signer?.code(SignerFixture.release(expires: later.adding(seconds: 86_400)), now: later) == .rollbackOnly
        )
        // Half a year after its end nobody remembers it.
        let late = later.adding(seconds: 200 * 86_400)
        signer = nil
        signer = try fixture.signer(now: late)
        #expect(signer?.code(back(late), now: late) == .notReleased)
    }

    /// A release of before approvals were kept: the server's are checked as they were then.
    @Test func aReleaseOfBeforeApprovalsWereKept() throws {
        var signer: Signer? = try fixture.signer()
        _ = try signer?.signed(SignerFixture.release())
        let name = "releases/\(SignerFixture.plan.digest.hex)"
        var fields = try #require(
            try JSONValue(parsing: fixture.bytes(name), limits: SignerRequest.limits).object)
        #expect(fields.removeValue(forKey: "approvals") != nil)
        fields["approvalsRequired"] = nil
        try fixture.write(name, String(decoding: JSONValue.object(fields).canonicalBytes(), as: UTF8.self))
        let key = SigningKey()
        try fixture.policy(
            SignerPolicy(organisations: [
                "acme": .init(approvalsRequired: 1, approvers: ["anna": key.publicKey])
            ]))
        signer = nil
        signer = try fixture.signer()
        let plan = try HostPlan(json: SignerFixture.plan.json)
        func back(_ approvals: [ReleaseDocument.Approval], author: String = "otto") -> SignerRequest {
            .rollback(
                ReleaseDocument(
                    plan: plan, approvals: approvals, approvalsRequired: 1, issued: now,
                    expires: now.adding(seconds: 86_400), isRollbackOnly: true), author: author)
        }
        let approval = ReleaseDocument.Approval(
            approver: "anna", time: now,
            signature: try key.sign(ReleaseDocument.Approval.signedBytes(plan: plan.digest)))
        guard case .refused(let refusal)? = signer?.answer(back([]), now: now) else {
            Issue.record("nobody approved, and it was signed")
            return
        }
        #expect(refusal.code == .approvalsMissing)
        #expect(refusal.description.contains("did not keep the approvals"), "\(refusal)")
        #expect(refusal.description.contains("names the earlier versions"), "\(refusal)")
        #expect(signer?.code(back([approval], author: "anna")) == .approvedByAuthor)
        let request = try SignerRequest(
            json: JSONValue(parsing: back([approval]).json.canonicalBytes(), limits: SignerRequest.limits))
        let envelope = try #require(try signer?.signed(request))
        let release = try #require(try signer?.verifier().release(envelope, now: now))
        #expect(release.isRollbackOnly && release.approvals == [approval] && release.approvalsRequired == 1)
        // They are kept from now on.
        try fixture.policy(SignerPolicy(organisations: ["acme": .init(approvalsRequired: 3)]))
        #expect(signer?.code(back([])) == nil)
    }

    /// A grant of the way forward was signed before people wanted the hosts back: it is not confirmed any more.
    @Test(arguments: [false, true]) func aTicketKnowsWhichWayItsPlanGoes(restarts: Bool) throws {
        var signer: Signer? = try fixture.signer()
        _ = try signer?.signed(SignerFixture.release())
        _ = try signer?.signed(.grant(SignerFixture.grant()))
        #expect(signer?.code(.ticket(SignerFixture.ticket())) == nil)
        let plan = try HostPlan(json: SignerFixture.plan.json)
        _ = try signer?.signed(
            .rollback(
                ReleaseDocument(
                    plan: plan, approvals: [], approvalsRequired: 0, issued: now,
                    expires: now.adding(seconds: 86_400), isRollbackOnly: true), author: "otto"))
        if restarts {
            signer = nil
            signer = try fixture.signer()
        }
        #expect(signer?.code(.ticket(SignerFixture.ticket())) == .rollbackOnly)
        let back = SignerFixture.grant(fence: 2) {
            $0.attempt = 2
            $0.job = SignerFixture.job("c-1", "host-1", 2)
            $0.rollsBack = true
        }
        _ = try signer?.signed(.grant(back))
        #expect(signer?.code(.ticket(SignerFixture.ticket(fence: 2) { $0.job = back.job })) == nil)
    }

    /// A line of before the plan was kept with a grant: read, and its grant may still be asked for again.
    @Test func fencesOfBeforeAreRead() throws {
        var signer: Signer? = try fixture.signer()
        _ = try signer?.signed(SignerFixture.release())
        _ = try signer?.signed(.grant(SignerFixture.grant()))
        signer = nil
        let line = String(decoding: try fixture.bytes("fences"), as: UTF8.self).dropLast()
        let parts = line.split(separator: " ")
        #expect(parts.count == 10)
        let text = parts[1..<8].joined(separator: " ")
        try fixture.write("fences", "\(SHA256.hash(Array(text.utf8)).hex.prefix(16)) \(text)\n")
        signer = try fixture.signer()
        #expect(signer?.code(.grant(SignerFixture.grant())) == nil)
        #expect(signer?.code(.ticket(SignerFixture.ticket())) == nil)
        #expect(signer?.code(.grant(SignerFixture.grant { $0.allowsReboot = false })) == .fenceUsed)
    }

    @Test func fencesOnlyRiseAlsoOverARestart() throws {
        var signer: Signer? = try fixture.signer()
        _ = try signer?.signed(SignerFixture.release())
        _ = try signer?.signed(.grant(SignerFixture.grant(fence: 5)))
        for _ in 0..<2 {
            // The same once more: the server lost the answer.
            #expect(signer?.code(.grant(SignerFixture.grant(fence: 5))) == nil)
            let other = SignerFixture.grant(fence: 5) { $0.allowsReboot = false }
            #expect(signer?.code(.grant(other)) == .fenceUsed)
            guard case .refused(let refusal)? = signer?.answer(.grant(SignerFixture.grant(fence: 4)), now: now) else {
                Issue.record("fence 4 after 5 was signed")
                return
            }
            #expect(refusal.code == .fenceUsed && refusal.lastFence == 5)
            #expect(signer?.code(.grant(SignerFixture.grant(fence: 6) { $0.epoch = 0 })) == .oldEpoch)
            #expect(signer?.code(.ticket(SignerFixture.ticket(fence: 5))) == nil)
            signer = nil
            signer = try fixture.signer()
        }
        #expect(signer?.code(.grant(SignerFixture.grant(fence: 6))) == nil)
        #expect(signer?.code(.grant(SignerFixture.grant(host: "host-2", fence: 1))) == nil)
    }

    @Test func aTornLastLineIsForgottenAndOtherDamageStopsIt() throws {
        do {
            var signer = try fixture.signer()
            _ = try signer.signed(SignerFixture.release())
            _ = try signer.signed(.grant(SignerFixture.grant(fence: 5)))
            _ = try signer.signed(.grant(SignerFixture.grant(host: "host-2", fence: 7)))
        }
        let whole = try fixture.bytes(FenceLog.name)
        let first = try #require(whole.firstIndex(of: 0x0A))
        for cut in first + 1..<whole.count {
            try Data(whole[..<cut]).write(to: fixture.folder.appending(path: FenceLog.name))
            var signer = try fixture.signer()
            #expect(signer.code(.grant(SignerFixture.grant(fence: 5) { $0.allowsReboot = false })) == .fenceUsed)
        }
        for place in stride(from: 0, to: first, by: 3) {
            var damaged = whole
            damaged[place] ^= 1
            try Data(damaged).write(to: fixture.folder.appending(path: FenceLog.name))
            #expect(throws: SignerError.self) { _ = try fixture.signer() }
        }
    }

    @Test func ticketsAreForTheLastGrantAndShort() throws {
        var signer = try fixture.signer()
        _ = try signer.signed(SignerFixture.release())
        #expect(signer.code(.ticket(SignerFixture.ticket())) == .notGranted)
        _ = try signer.signed(.grant(SignerFixture.grant(fence: 3)))
        let cases: [(SignerRefusal.Code, (inout TicketDocument) -> Void)] = [
            (.notGranted, { $0.fence = 2 }), (.notGranted, { $0.fence = 4 }), (.notGranted, { $0.host = "host-2" }),
            (.notGranted, { $0.job = "other" }), (.malformed, { $0.nonce = "short" }),
            (.validTooLong, { $0.expires = $0.issued.adding(seconds: 901) }),
            (.unsoundTimes, { $0.issued = $0.issued.adding(seconds: -400) }),
            (
                .unsoundTimes,
                {
                    $0.issued = $0.issued.adding(seconds: 400); $0.expires = $0.issued
                }
            ),
        ]
        for (code, change) in cases {
            #expect(signer.code(.ticket(SignerFixture.ticket(fence: 3, change))) == code)
        }
        #expect(signer.code(.ticket(SignerFixture.ticket(fence: 3))) == nil)
        let late = now.adding(seconds: 3600)
        let overdue = SignerFixture.ticket(fence: 3) {
            $0.issued = late
            $0.expires = late.adding(seconds: 60)
        }
        #expect(signer.code(.ticket(overdue), now: late) == .notGranted)
    }

    @Test func approvalsCountByThePolicy() throws {
        var signer = try fixture.signer()
        let anna = SigningKey(), bert = SigningKey()
        let digest = SignerFixture.plan.digest
        func approval(
            _ name: String, _ key: SigningKey? = nil, over plan: SHA256Digest = digest
        ) throws -> ReleaseDocument.Approval {
            let bytes = ReleaseDocument.Approval.signedBytes(plan: plan)
            return .init(approver: name, time: now, signature: try key?.sign(bytes))
        }
        func code(_ approvals: [ReleaseDocument.Approval], required: Int64 = 1) throws -> SignerRefusal.Code? {
            signer.code(try SignerFixture.release(approvals: approvals, required: required))
        }
        // Without a policy the server's number holds.
        #expect(try code([approval("anna")]) == nil)
        #expect(try code([], required: 0) == nil)
        #expect(try code([]) == .approvalsMissing)
        #expect(try code([approval("otto")]) == .approvedByAuthor)
        #expect(try code([approval("anna"), approval("anna")], required: 2) == .approvedTwice)
        #expect(try code([approval("anna"), approval("bert")], required: 2) == nil)

        try fixture.policy(
            SignerPolicy(organisations: [
                "acme": .init(approvalsRequired: 2, approvers: ["anna": anna.publicKey, "bert": bert.publicKey])
            ]))
        #expect(try code([approval("anna", anna), approval("bert", bert)]) == nil)
        #expect(try code([approval("anna", anna)], required: 0) == .approvalsMissing)
        #expect(try code([approval("anna"), approval("bert")]) == .approvalsMissing)
        #expect(try code([approval("anna", anna), approval("carl", SigningKey())]) == .approvalsMissing)
        // Accounts have names of their own; one key is one person.
        #expect(try code([approval("user:1", anna), approval("user:2", bert)]) == nil)
        #expect(try code([approval("anna", bert), approval("bert", bert)]) == .approvedTwice)
        #expect(try code([approval("anna", anna, over: SHA256.hash([1])), approval("bert", bert)]) == .approvalForged)
        // What the host reads tells how many were needed.
        let envelope = try signer.signed(
            SignerFixture.release(approvals: [approval("anna", anna), approval("bert", bert)], required: 0))
        #expect(try signer.verifier().release(envelope, now: now).approvalsRequired == 2)

        for broken in ["{", "{}", #"{"organisations":{"acme":{"approvalsRequired":1,"approvers":{"anna":"x"}}}}"#] {
            try fixture.write(SignerPolicy.fileName, broken)
            #expect(try code([approval("anna", anna), approval("bert", bert)]) == .policyUnreadable)
        }
        try fixture.policy(SignerPolicy())
        #expect(try code([approval("anna")]) == nil)
    }

    @Test func releasesAreForTheFrozenHostsAndEnd() throws {
        var signer = try fixture.signer()
        #expect(signer.code(try SignerFixture.release(hosts: ["host-1"])) == .otherHosts)
        #expect(signer.code(try SignerFixture.release(hosts: ["host-1", "host-3"])) == .otherHosts)
        #expect(signer.code(try SignerFixture.release(expires: now)) == .unsoundTimes)
        #expect(
            signer.code(try SignerFixture.release(expires: now.adding(seconds: 91 * 86_400))) == .validTooLong)
        // Many hosts, the largest plan.
        let many = SignerFixture.plan(campaign: "c-9", hosts: (0..<100_000).map { "host-number-\($0)" })
        let json = try SignerFixture.release(many).json.canonicalBytes()
        #expect(json.count < SignerRequest.maximumBytes)
        let request = try SignerRequest(json: JSONValue(parsing: json, limits: SignerRequest.limits))
        #expect(signer.code(request) == nil)
        #expect((try? fixture.signer()) == nil, "two signers on one folder")
    }
}
