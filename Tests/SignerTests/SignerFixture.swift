import Digest
import Foundation
import JSON
import Orders
import Rollout
import Signatures
import Timestamps

@testable import Signer

/// A signer in a folder of its own, gone with the test.
final class SignerFixture {
    let folder: URL
    var path: String { folder.path(percentEncoded: false) }
    static let now = Timestamp(seconds: 1_800_000_000)
    static let plan = plan(campaign: "c-1")
    static let nonce = "0123456789abcdef0123456789abcdef"

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "fs-\(UUID().uuidString.prefix(8))")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func signer(now: Timestamp = now) throws -> Signer { try Signer(folder: path, now: now) }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

    func policy(_ policy: SignerPolicy) throws {
        try write(SignerPolicy.fileName, String(decoding: policy.json.canonicalBytes(), as: UTF8.self))
    }

    static func plan(
        campaign: String, hosts: [String] = ["host-1", "host-2"], reboot: RebootPolicy = .whenNeeded
    ) -> Plan {
        Plan(
            organisation: "acme", campaign: campaign, epoch: 1,
            targets: [
                ReleaseTarget(
                    distribution: "debian-12",
                    packages: [ReleasePackage(name: "openssl", architecture: "amd64", version: "3.0.18-1")])
            ],
            hosts: hosts, window: PlannedWindow(start: "2027-01-15T22:00", minutes: 120, zone: "UTC"), budget: 1,
            actions: JobActions(reboot: reboot))
    }

    static func release(
        _ plan: Plan = plan, approvals: [ReleaseDocument.Approval] = [.init(approver: "anna", time: now)],
        required: Int64 = 1, hosts: [String]? = nil, author: String = "otto",
        expires: Timestamp = now.adding(seconds: 10 * 86_400)
    ) throws -> SignerRequest {
        .release(
            ReleaseDocument(
                plan: try HostPlan(json: plan.json), approvals: approvals, approvalsRequired: required, issued: now,
                expires: expires), hosts: hosts ?? plan.hosts, author: author)
    }

    static func job(_ campaign: String, _ host: String, _ attempt: Int64 = 1) -> String {
        String(SHA256.hash(Array("\(campaign)\n\(host)\n\(attempt)".utf8)).hex.prefix(32))
    }

    static func grant(
        host: String = "host-1", fence: Int64 = 1, _ change: (inout GrantDocument) -> Void = { _ in }
    ) -> GrantDocument {
        var grant = GrantDocument(
            organisation: "acme", host: host, campaign: "c-1", job: job("c-1", host), attempt: 1, fence: fence,
            epoch: 1, planDigest: plan.digest, notBefore: now, lastSafeStart: now.adding(seconds: 600),
            notAfter: now.adding(seconds: 3600), allowsReboot: true, rollsBack: false)
        change(&grant)
        return grant
    }

    static func ticket(fence: Int64 = 1, _ change: (inout TicketDocument) -> Void = { _ in }) -> TicketDocument {
        var ticket = TicketDocument(
            organisation: "acme", host: "host-1", job: job("c-1", "host-1"), fence: fence, nonce: nonce, issued: now,
            expires: now.adding(seconds: 900))
        change(&ticket)
        return ticket
    }
}

extension Signer {
    mutating func code(_ request: SignerRequest, now: Timestamp = SignerFixture.now) -> SignerRefusal.Code? {
        if case .refused(let refusal) = answer(request, now: now) { refusal.code } else { nil }
    }

    mutating func signed(_ request: SignerRequest, now: Timestamp = SignerFixture.now) throws -> Envelope {
        switch answer(request, now: now) {
        case .signed(let envelope): return envelope
        case .refused(let refusal): throw refusal
        case .works: throw SignerRefusal(.malformed, "works")
        }
    }

    /// What a host that has just enrolled believes.
    mutating func verifier(now: Timestamp = SignerFixture.now) throws -> OrderVerifier {
        var verifier = OrderVerifier(organisation: "acme", host: "host-1", verifier: Ed25519())
        try verifier.adopt(roles: signed(.roles(organisation: "acme"), now: now), now: now)
        return verifier
    }
}
