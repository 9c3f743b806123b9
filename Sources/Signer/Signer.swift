import Digest
import Glibc
import JSON
public import Orders
import Rollout
import Signatures
public import Timestamps

/// Signs roles, releases, grants and tickets, and checks each before it does: what the server may order is bounded by what
/// people approved, even where somebody else has taken the server over.
///
/// Everything it must remember is on disk before a signature leaves it. One at a time; the time is given.
public struct Signer: Sendable {
    /// The longest that a release may be valid, in seconds: 90 days.
    public static let maximumReleaseValidity: Int64 = 90 * 86_400
    /// The longest that a release which only takes hosts back may be valid, in seconds: 7 days.
    public static let maximumRollbackValidity: Int64 = 7 * 86_400
    /// How far the server's clock may be from the signer's, in seconds.
    public static let clockTolerance: Int64 = 300

    private let folder: PrivateFolder
    private var keys: SignerKeys
    private var rolesBook: RolesBook
    private var releases: ReleaseBook
    private var fences: FenceLog
    private var policy: (mark: FileMark?, value: Result<SignerPolicy, SignerRefusal>)
    private let lock: SignerLock

    /// Opens the signer's folder; makes keys where it is new.
    public init(folder path: String, now: Timestamp) throws(SignerError) {
        folder = try PrivateFolder(path)
        lock = try SignerLock(folder)
        keys = try SignerKeys(folder)
        rolesBook = try RolesBook(folder)
        releases = try ReleaseBook(folder, now: now)
        fences = try FenceLog(folder)
        policy = Self.readPolicy(folder)
    }

    /// Replaces a role's key; a running signer notices it at its next question.
    ///
    /// - Returns: the id of the new key.
    public static func rotate(
        _ role: OrderRole, folder path: String, overlap: Int64, now: Timestamp
    ) throws(SignerError) -> String {
        try SignerKeys.rotate(role, PrivateFolder(path), overlap: overlap, now: now)
    }

    /// Why the policy cannot be used; nil where it can.
    public var policyProblem: SignerRefusal? {
        if case .failure(let refusal) = policy.value { refusal } else { nil }
    }

    /// Answers one question.
    public mutating func answer(_ request: SignerRequest, now: Timestamp) -> SignerReply {
        do {
            if keys.areOutdated(folder) { keys = try SignerKeys(folder) }
            if policy.mark != folder.mark(of: SignerPolicy.fileName) { policy = Self.readPolicy(folder) }
            switch request {
            case .roles(let organisation): return .signed(try roles(organisation, now))
            case .release(let document, let hosts, let author):
                return .signed(try release(document, hosts, author, now))
            case .rollback(let document, let author): return .signed(try rollback(document, author, now))
            case .grant(let document): return .signed(try grant(document, now))
            case .ticket(let document): return .signed(try ticket(document, now))
            case .status:
                var ids = ["release": keys.release.keyID, "director": keys.director.keyID]
                ids["root"] = keys.root?.keyID
                return .works(keys: ids)
            }
        } catch let refusal as SignerRefusal {
            return .refused(refusal)
        } catch {
            return .refused(
                SignerRefusal(.notWritten, "The signer could not do its work: \(error). Correct that; it tries again."))
        }
    }

    private mutating func roles(_ organisation: String, _ now: Timestamp) throws -> Envelope {
        try Self.plain(organisation, "organisation")
        return try rolesBook.roles(organisation: organisation, keys: keys, now: now)
    }

    private mutating func release(
        _ asked: ReleaseDocument, _ hosts: [String], _ author: String, _ now: Timestamp
    ) throws -> Envelope {
        var document = asked
        let plan = document.plan
        try Self.plain(plan.organisation, "organisation")
        try Self.plain(plan.campaign, "campaign")
        for host in hosts { try Self.plain(host, "host") }
        guard plan.json["hostsDigest"]?.string == SHA256.hash(Array(hosts.map { $0 + "\n" }.joined().utf8)).hex,
            plan.json["hostCount"]?.integer == Int64(hosts.count), Set(hosts).count == hosts.count
        else {
            throw SignerRefusal(
                .otherHosts, "The list of \(hosts.count) hosts is not the one that plan \(plan.digest.hex) froze.")
        }
        guard now < document.expires else {
            throw SignerRefusal(
                .unsoundTimes, "The release would end at \(document.expires), and it is \(now) at the signer.")
        }
        guard document.expires.seconds(since: now) <= Self.maximumReleaseValidity else {
            throw SignerRefusal(
                .validTooLong, "The release would be valid until \(document.expires); 90 days are the most.")
        }
        guard try releases.released(plan.digest, now: now)?.isRollbackOnly != true else {
            throw SignerRefusal(
                .rollbackOnly,
                "The hosts of plan \(plan.digest.hex) are being taken back, so it is released no more; create a new campaign."
            )
        }
        document.isRollbackOnly = false
        document.approvalsRequired = try policy.value.get().check(document, author: author, verifier: Ed25519())
        document.issued = now
        let envelope = try SigningKey.envelope(document, signedBy: [keys.release])
        guard envelope.payload.count <= Envelope.maximumPayloadBytes else {
            throw SignerRefusal(
                .malformed,
                "The release document has \(envelope.payload.count) bytes, hosts read \(Envelope.maximumPayloadBytes) at "
                    + "most: divide the campaign.")
        }
        let remembered = ReleaseBook.Plan(
            organisation: plan.organisation, campaign: plan.campaign, hosts: Set(hosts),
            allowsReboot: plan.actions.reboot != .never, expires: document.expires, approvals: document.approvals,
            approvalsRequired: document.approvalsRequired)
        try releases.remember(remembered, digest: plan.digest, now: now)
        return envelope
    }

    /// A release anew, of a plan that was released here: what people approved may be taken back without asking them again,
    /// and nothing can be installed by it. From then on there is only the way back for that plan.
    private mutating func rollback(
        _ asked: ReleaseDocument, _ author: String, _ now: Timestamp
    ) throws -> Envelope {
        let plan = asked.plan
        guard var known = try releases.released(plan.digest, now: now) else {
            throw SignerRefusal(
                .notReleased,
                "No release of plan \(plan.digest.hex) was signed here, or it ended over "
                    + "\(ReleaseBook.rollbackTime / 86_400) days ago; create a campaign that names the earlier versions."
            )
        }
        guard now < asked.expires, asked.expires.seconds(since: now) <= Self.maximumRollbackValidity else {
            throw SignerRefusal(
                now < asked.expires ? .validTooLong : .unsoundTimes,
                "The release for the way back would end at \(asked.expires), and it is \(now) at the signer; 7 days are the "
                    + "most.")
        }
        if known.approvals == nil {
            known.approvalsRequired = try approvalsAgain(asked, author)
            known.approvals = asked.approvals
        }
        let document = ReleaseDocument(
            plan: plan, approvals: known.approvals ?? [], approvalsRequired: known.approvalsRequired, issued: now,
            expires: asked.expires, isRollbackOnly: true)
        let envelope = try SigningKey.envelope(document, signedBy: [keys.release])
        known.expires = document.expires
        known.isRollbackOnly = true
        try releases.remember(known, digest: plan.digest, now: now)
        return envelope
    }

    /// How many approvals a plan needed whose release is of before they were kept here: the server's are checked anew, as
    /// those of a release are. They are of the same plan, whoever signed them then.
    private func approvalsAgain(_ asked: ReleaseDocument, _ author: String) throws(SignerRefusal) -> Int64 {
        let own = try policy.value.get()
        do throws(SignerRefusal) {
            return try own.check(asked, author: author, verifier: Ed25519())
        } catch {
            guard error.code.isAboutApprovals else { throw error }
            throw SignerRefusal(
                error.code,
                "The release of plan \(asked.plan.digest.hex) was signed by a version of the signer that did not keep the "
                    + "approvals, and those that the server has kept do not count (\(error)). Create a campaign that names "
                    + "the earlier versions.")
        }
    }

    private mutating func grant(_ document: GrantDocument, _ now: Timestamp) throws -> Envelope {
        for (id, name) in [
            (document.organisation, "organisation"), (document.host, "host"), (document.campaign, "campaign"),
            (document.job, "job"),
        ] { try Self.plain(id, name) }
        guard let plan = releases.plan(document.planDigest, now: now) else {
            throw SignerRefusal(
                .notReleased,
                "No release of plan \(document.planDigest.hex) was signed here, or it has expired; approve the campaign."
            )
        }
        let job = Self.job(document.campaign, document.host, document.attempt)
        guard plan.organisation == document.organisation, plan.campaign == document.campaign, document.job == job else {
            throw SignerRefusal(
                .otherPlan,
                "The grant for job \(document.job) of campaign \(document.campaign) does not fit the plan "
                    + "\(document.planDigest.hex) of campaign \(plan.campaign).")
        }
        guard plan.hosts.contains(document.host) else {
            throw SignerRefusal(
                .hostNotInPlan,
                "Host \(document.host) is not one of those for which plan \(document.planDigest.hex) was approved.")
        }
        guard document.rollsBack || !plan.isRollbackOnly else {
            throw SignerRefusal(
                .rollbackOnly,
                "The hosts of plan \(document.planDigest.hex) are being taken back; nothing is installed by it any more."
            )
        }
        guard plan.allowsReboot || !document.allowsReboot else {
            throw SignerRefusal(
                .rebootNotPlanned, "The plan says that hosts are never rebooted; the grant would allow it.")
        }
        guard document.notBefore <= document.lastSafeStart, document.lastSafeStart <= document.notAfter,
            now < document.notAfter
        else {
            throw SignerRefusal(
                .unsoundTimes,
                "The grant's times (\(document.notBefore), \(document.lastSafeStart), \(document.notAfter)) are out of order "
                    + "or past; it is \(now) at the signer.")
        }
        let longest = OrderVerifier.maximumGrantValidity
        guard document.notAfter.seconds(since: now) <= longest,
            document.notAfter.seconds(since: document.notBefore) <= longest
        else {
            throw SignerRefusal(
                .validTooLong, "The grant would be valid until \(document.notAfter); 7 days from now are the most.")
        }
        let envelope = try SigningKey.envelope(document, signedBy: [keys.director])
        let key = FenceLog.Key(organisation: document.organisation, host: document.host)
        let entry = FenceLog.Entry(
            fence: document.fence, epoch: document.epoch, job: document.job, notAfter: document.notAfter,
            payload: SHA256.hash(envelope.payload),
            order: .init(plan: document.planDigest, rollsBack: document.rollsBack))
        if let last = fences.entries[key] {
            // The same again: the server lost the answer.
            if last.payload == entry.payload { return envelope }
            guard document.fence > last.fence else {
                throw SignerRefusal(
                    .fenceUsed,
                    "Fence \(document.fence) of host \(document.host) is not higher than \(last.fence), which was already "
                        + "signed; the server goes on above it (where it was restored: fettle server acknowledge-restore).",
                    lastFence: last.fence)
            }
            guard document.epoch >= last.epoch else {
                throw SignerRefusal(
                    .oldEpoch,
                    "The grant is of epoch \(document.epoch), but epoch \(last.epoch) was already signed for; an old copy of "
                        + "the server is asking: stop it.")
            }
        }
        try fences.remember(entry, of: key)
        return envelope
    }

    private func ticket(_ document: TicketDocument, _ now: Timestamp) throws -> Envelope {
        let key = FenceLog.Key(organisation: document.organisation, host: document.host)
        guard let last = fences.entries[key], last.fence == document.fence, last.job == document.job,
            now < last.notAfter
        else {
            throw SignerRefusal(
                .notGranted,
                "The ticket is for job \(document.job) with fence \(document.fence) of host \(document.host), which is not "
                    + "the last grant that was signed for that host, or that grant is over.")
        }
        if let order = last.order, !order.rollsBack, try releases.released(order.plan, now: now)?.isRollbackOnly == true
        {
            throw SignerRefusal(
                .rollbackOnly,
                "The hosts of plan \(order.plan.hex) are being taken back; job \(document.job), which would install by it, "
                    + "gets no ticket any more.")
        }
        guard document.nonce.utf8.count == 32, document.nonce.utf8.allSatisfy({ isHexDigit($0) }) else {
            throw SignerRefusal(.malformed, "The ticket's nonce is not 32 hexadecimal digits.")
        }
        guard abs(document.issued.seconds(since: now)) <= Self.clockTolerance, document.issued <= document.expires,
            now < document.expires
        else {
            throw SignerRefusal(
                .unsoundTimes,
                "The ticket is from \(document.issued) to \(document.expires), and it is \(now) at the signer; correct the "
                    + "clock that is wrong.")
        }
        guard
            document.expires.milliseconds - document.issued.milliseconds <= TicketDocument.maximumValidity * 1000
        else {
            throw SignerRefusal(.validTooLong, "The ticket would be valid for more than 15 minutes.")
        }
        return try SigningKey.envelope(document, signedBy: [keys.director])
    }

    private static func job(_ campaign: String, _ host: String, _ attempt: Int64) -> String {
        String(SHA256.hash(Array("\(campaign)\n\(host)\n\(attempt)".utf8)).hex.prefix(32))
    }

    private static func plain(_ id: String, _ name: String) throws(SignerRefusal) {
        guard isPlainID(id) else {
            throw SignerRefusal(
                .malformed, "\"\(id.prefix(64))\" is no id of a \(name): letters, digits, '.', '_' and '-', at most 64."
            )
        }
    }

    private static func readPolicy(
        _ folder: PrivateFolder
    ) -> (mark: FileMark?, value: Result<SignerPolicy, SignerRefusal>) {
        let name = SignerPolicy.fileName
        let mark = folder.mark(of: name)
        do {
            guard let bytes = try folder.read(name, limit: SignerPolicy.limits.maximumBytes) else {
                return (mark, .success(SignerPolicy()))
            }
            return (mark, .success(try SignerPolicy(json: JSONValue(parsing: bytes, limits: SignerPolicy.limits))))
        } catch {
            return (
                mark,
                .failure(
                    SignerRefusal(
                        .policyUnreadable,
                        "The signer's policy \(folder.path(of: name)) cannot be read (\(error)); until it can, nothing is "
                            + "released."))
            )
        }
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

/// Keeps a second signer off the folder for as long as it lives.
final class SignerLock: Sendable {
    private let descriptor: Int32

    init(_ folder: PrivateFolder) throws(SignerError) {
        let path = folder.path(of: "lock")
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SignerError("cannot open \(path)", errno) }
        // The one before may just be ending.
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            usleep(100_000)
        }
        let code = errno
        close(descriptor)
        if code == EWOULDBLOCK {
            throw SignerError("a signer already runs on \(folder.path); stop it first, or give this one another folder")
        }
        throw SignerError("cannot lock \(path)", code)
    }

    deinit { close(descriptor) }
}
