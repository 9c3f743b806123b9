public import Digest
import JSON
import Rollout
public import Timestamps

/// Decides whether a host may believe a signed document: by whose keys, for whom, how old, and newer than what.
///
/// It is pure: the time is the caller's (``OrderTrust/now(clock:)``), and so is the disk. The first roles document is
/// believed because it came over the TLS connection whose authority the enrolment token pinned (trust on enrolment);
/// every later one must be signed by the root keys of the one before.
public struct OrderVerifier: Sendable {
    /// The host's organisation.
    public let organisation: String
    /// The host.
    public let host: String
    /// The adopted roles; nil before the first.
    public private(set) var roles: RolesDocument?
    /// Their envelope, to be stored.
    public private(set) var rolesEnvelope: Envelope?
    private let signatures: SignatureCheck

    /// The longest that a grant may last from its first to its last moment, in seconds: 7 days.
    public static let maximumGrantValidity: Int64 = 7 * 86_400

    /// A verifier that has adopted nothing.
    public init(organisation: String, host: String, verifier: any SignatureVerifier) {
        self.organisation = organisation
        self.host = host
        signatures = SignatureCheck(verifier: verifier)
    }

    /// A verifier that goes on from what was stored; throws where the stored roles are not what was once adopted.
    public init(
        organisation: String, host: String, verifier: any SignatureVerifier, trust: OrderTrust
    ) throws(OrderRefusal) {
        self.init(organisation: organisation, host: host, verifier: verifier)
        guard let stored = trust.roles else { return }
        // They may have expired since: orders are refused for that, new roles are still adopted.
        (roles, rolesEnvelope) = (try ownRoles(stored), stored)
    }

    /// Takes on a roles document: the first one by trust on enrolment, a newer one by the root keys of the one before and
    /// its own. The one that is adopted already changes nothing.
    public mutating func adopt(roles envelope: Envelope, now: Timestamp) throws(OrderRefusal) {
        let new = try ownRoles(envelope)
        if let current = roles, let currentEnvelope = rolesEnvelope {
            if envelope.payload == currentEnvelope.payload { return }
            guard new.version >= current.version else {
                throw OrderRefusal(
                    .rolesOlder,
                    "The roles document has version \(new.version), but version \(current.version) was already adopted; "
                        + "somebody offers old keys, or the signer was restored from a backup: see docs/orders.md, \"Recovery\"."
                )
            }
            guard new.version > current.version else {
                throw OrderRefusal(
                    .rolesConflict,
                    "There are two different roles documents of version \(new.version); two signers use the same keys, "
                        + "or somebody forged one: see docs/orders.md, \"Recovery\".")
            }
            do {
                try signatures.check(envelope, document: "roles document", role: .root, in: current)
            } catch {
                throw OrderRefusal(
                    .rolesNotContinued,
                    "The new roles document (version \(new.version)) is not signed by the root keys of version "
                        + "\(current.version); sign it with the old root keys too, or have the host forget its trust "
                        + "(docs/orders.md, \"Recovery\").")
            }
        }
        try Self.current(new, "roles document", now)
        (roles, rolesEnvelope) = (new, envelope)
    }

    /// The approved plan, out of its release document.
    public func release(_ envelope: Envelope, now: Timestamp) throws(OrderRefusal) -> ReleaseDocument {
        let document: ReleaseDocument = try read(envelope, "release document", now)
        try own(document.plan.organisation, "release document")
        try Self.current(document, "release document", now)
        guard Int64(document.approvals.count) >= document.approvalsRequired,
            Set(document.approvals.map(\.approver)).count == document.approvals.count
        else {
            throw OrderRefusal(
                .notApproved,
                "The release document asks for \(document.approvalsRequired) approvals and has "
                    + "\(document.approvals.count), not all of different people; approve the campaign again.")
        }
        return document
    }

    /// The right to do one job, out of its grant.
    ///
    /// - Parameters:
    ///   - job: the job that was asked for.
    ///   - plan: the digest of the plan in the job's release document.
    ///   - lastFence: the highest fence that was ever accepted.
    ///   - epoch: the highest epoch of the server that was seen.
    public func grant(
        _ envelope: Envelope, job: String, plan: SHA256Digest, lastFence: Int64, epoch: Int64, now: Timestamp
    ) throws(OrderRefusal) -> GrantDocument {
        let document: GrantDocument = try read(envelope, "grant", now)
        try own(document.organisation, "grant")
        try own(host: document.host, "grant")
        guard document.job == job else {
            throw OrderRefusal(
                .otherJob, "The grant is for job \(document.job), not for \(job); the agent asks again by itself.")
        }
        guard document.planDigest == plan else {
            throw OrderRefusal(
                .otherPlan,
                "The grant is for plan \(document.planDigest.hex), but the approved release of this job is plan "
                    + "\(plan.hex); cancel the campaign and create it anew.")
        }
        guard document.epoch >= epoch else {
            throw OrderRefusal(
                .oldEpoch,
                "The grant is of the server's epoch \(document.epoch), but this host has seen epoch \(epoch); an old copy "
                    + "of the server is running: stop it.")
        }
        guard document.fence > lastFence else {
            throw OrderRefusal(
                .replayed,
                "The grant has fence \(document.fence), but fence \(lastFence) was already used on this host; it is an old "
                    + "grant sent again, or the server was restored from a backup without a new epoch.")
        }
        guard document.notBefore <= document.lastSafeStart, document.lastSafeStart <= document.notAfter else {
            throw OrderRefusal(
                .unsoundTimes,
                "The grant's times are out of order (\(document.notBefore), \(document.lastSafeStart), "
                    + "\(document.notAfter)); correct the campaign's window.")
        }
        guard document.notAfter.seconds(since: document.notBefore) <= Self.maximumGrantValidity else {
            throw OrderRefusal(
                .validTooLong,
                "The grant lasts from \(document.notBefore) to \(document.notAfter), longer than 7 days; shorten the "
                    + "campaign's window.")
        }
        try Self.current(document, "grant", now)
        return document
    }

    /// The proof that the grant still stands.
    public func ticket(
        _ envelope: Envelope, grant: GrantDocument, nonce: String, now: Timestamp
    ) throws(OrderRefusal) -> TicketDocument {
        let document: TicketDocument = try read(envelope, "ticket", now)
        try own(document.organisation, "ticket")
        try own(host: document.host, "ticket")
        guard document.job == grant.job else {
            throw OrderRefusal(
                .otherJob,
                "The ticket is for job \(document.job), not for \(grant.job); the agent asks again by itself.")
        }
        guard document.fence == grant.fence else {
            throw OrderRefusal(
                .otherGrant,
                "The ticket is for fence \(document.fence), but the grant has fence \(grant.fence); the agent asks again "
                    + "by itself.")
        }
        guard document.nonce == nonce else {
            throw OrderRefusal(
                .otherNonce, "The ticket answers another question than this host's; it is an old one sent again.")
        }
        guard document.issued <= document.expires else {
            throw OrderRefusal(
                .unsoundTimes, "The ticket was issued at \(document.issued), after its end at \(document.expires).")
        }
        guard document.expires.milliseconds - document.issued.milliseconds <= TicketDocument.maximumValidity * 1000
        else {
            throw OrderRefusal(
                .validTooLong,
                "The ticket is valid from \(document.issued) to \(document.expires), longer than 15 minutes.")
        }
        try Self.current(document, "ticket", now)
        return document
    }

    private func ownRoles(_ envelope: Envelope) throws(OrderRefusal) -> RolesDocument {
        let name = "roles document"
        try SignatureCheck.type(envelope, name, RolesDocument.self)
        let document: RolesDocument = try SignatureCheck.document(envelope, name)
        try document.checkSoundness()
        try signatures.check(envelope, document: name, role: .root, in: document)
        try own(document.organisation, name)
        return document
    }

    private func read<Document: OrderDocument>(
        _ envelope: Envelope, _ name: String, _ now: Timestamp
    ) throws(OrderRefusal) -> Document {
        guard let roles else {
            throw OrderRefusal(
                .noRoles,
                "No roles document has been adopted, so no \(name) can be checked; the next check-in brings one.")
        }
        guard now < roles.expires else {
            throw OrderRefusal(
                .rolesExpired,
                "The roles document (version \(roles.version)) expired at \(roles.expires), and it is \(now); start the "
                    + "signer so that it renews it, or correct this host's clock.")
        }
        try SignatureCheck.type(envelope, name, Document.self)
        try signatures.check(envelope, document: name, role: Document.role, in: roles)
        return try SignatureCheck.document(envelope, name)
    }

    private func own(_ named: String, _ name: String) throws(OrderRefusal) {
        guard named == organisation else {
            throw OrderRefusal(
                .otherOrganisation,
                "The \(name) is for organisation \(named), but this host belongs to \(organisation).")
        }
    }

    private func own(host named: String, _ name: String) throws(OrderRefusal) {
        guard named == host else {
            throw OrderRefusal(.otherHost, "The \(name) is for host \(named), but this is host \(host).")
        }
    }

    private static func current(
        _ document: some OrderDocument, _ name: String, _ now: Timestamp
    ) throws(OrderRefusal) {
        guard now < document.expires else {
            throw OrderRefusal(
                .expired,
                "The \(name) expired at \(document.expires), and it is \(now); the server issues a new one, unless this "
                    + "host's clock is wrong.")
        }
    }
}
