import Digest
import JSON
import Orders
import Rollout
import Timestamps

/// Stands in for Ed25519, which Core does not have: whoever knows the 32 bytes can sign. Every bit of key, bytes and
/// signature counts, which is what the tests need.
struct KeyedHash: SignatureVerifier {
    static func sign(_ bytes: [UInt8], _ key: [UInt8]) -> [UInt8] {
        SHA256.hash(key + [1] + bytes).bytes + SHA256.hash(key + [2] + bytes).bytes
    }

    func isValid(signature: [UInt8], of bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
        signature == Self.sign(bytes, publicKey)
    }
}

func key(_ name: String) -> [UInt8] { SHA256.hash(Array(name.utf8)).bytes }

func signed(_ document: some OrderDocument, by keys: [[UInt8]]) -> Envelope {
    var envelope = Envelope(payloadType: type(of: document).payloadType, payload: document.json.canonicalBytes())
    envelope.signatures = keys.map {
        .init(keyID: Envelope.keyID(of: $0), bytes: KeyedHash.sign(envelope.signedBytes, $0))
    }
    return envelope
}

enum Sample {
    static let now = Timestamp(seconds: 1_800_000_000)
    static let nonce = "0123456789abcdef0123456789abcdef"
    static let plan = Plan(
        organisation: "acme", campaign: "c-1", epoch: 1,
        targets: [
            ReleaseTarget(
                distribution: "debian-12",
                packages: [
                    ReleasePackage(
                        name: "openssl", architecture: "amd64", version: "3.0.18-1", previous: ["3.0.17-1"])
                ])
        ],
        hosts: ["host-1", "host-2"], window: PlannedWindow(start: "2027-01-15T22:00", minutes: 120, zone: "UTC"),
        budget: 1, actions: JobActions())

    static func roles(
        version: Int64 = 1, root: [String] = ["root"], director: [String] = ["director"], directorThreshold: Int64 = 1,
        rootThreshold: Int64 = 1, organisation: String = "acme", expires: Timestamp = now.adding(seconds: 86_400)
    ) -> RolesDocument {
        RolesDocument(
            organisation: organisation, version: version,
            roles: [
                .root: .init(keys: root.map(key), threshold: rootThreshold), .release: .init(keys: [key("release")]),
                .director: .init(keys: director.map(key), threshold: directorThreshold),
            ],
            expires: expires)
    }

    static func release(_ change: (inout ReleaseDocument) -> Void = { _ in }) throws -> ReleaseDocument {
        var document = ReleaseDocument(
            plan: try HostPlan(json: plan.json),
            approvals: [.init(approver: "anna", time: now.adding(seconds: -60))], approvalsRequired: 1,
            issued: now.adding(seconds: -30), expires: now.adding(seconds: 86_400))
        change(&document)
        return document
    }

    static func grant(_ change: (inout GrantDocument) -> Void = { _ in }) -> GrantDocument {
        var document = GrantDocument(
            organisation: "acme", host: "host-1", campaign: "c-1", job: "job-1", attempt: 1, fence: 8, epoch: 3,
            planDigest: plan.digest, notBefore: now.adding(seconds: -60), lastSafeStart: now.adding(seconds: 1800),
            notAfter: now.adding(seconds: 3600), allowsReboot: true, rollsBack: false)
        change(&document)
        return document
    }

    static func ticket(_ change: (inout TicketDocument) -> Void = { _ in }) -> TicketDocument {
        var document = TicketDocument(
            organisation: "acme", host: "host-1", job: "job-1", fence: 8, nonce: nonce, issued: now,
            expires: now.adding(seconds: 900))
        change(&document)
        return document
    }

    static func verifier(_ roles: RolesDocument? = nil) throws -> OrderVerifier {
        let roles = roles ?? Sample.roles()
        var verifier = OrderVerifier(organisation: "acme", host: "host-1", verifier: KeyedHash())
        try verifier.adopt(roles: signed(roles, by: roles.roles[.root]?.keys ?? []), now: now)
        return verifier
    }
}

extension OrderVerifier {
    func sampleGrant(_ envelope: Envelope, now: Timestamp = Sample.now) throws(OrderRefusal) -> GrantDocument {
        try grant(envelope, job: "job-1", plan: Sample.plan.digest, lastFence: 7, epoch: 3, now: now)
    }

    func sampleTicket(_ envelope: Envelope, now: Timestamp = Sample.now) throws(OrderRefusal) -> TicketDocument {
        try ticket(envelope, grant: Sample.grant(), nonce: Sample.nonce, now: now)
    }
}

/// The code of the refusal that `body` ends with; nil when it was not refused.
func refusal(_ body: () throws -> Void) -> OrderRefusal.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? OrderRefusal)?.code
    }
}
