import Digest
import JSON
import Orders
import Rollout
import Timestamps

/// The plans that the signer has signed releases for: only these get grants. Those that have expired stay on the disk for
/// a while, so that what they brought can be taken back.
struct ReleaseBook: Sendable {
    /// Seconds after a release's end for which its plan can be released anew to take hosts back: half a year.
    static let rollbackTime: Int64 = 180 * 86_400

    /// What is remembered of a plan.
    struct Plan: Hashable, Sendable {
        var organisation: String
        var campaign: String
        var hosts: Set<String>
        var allowsReboot: Bool
        var expires: Timestamp
        /// Who approved it, as the release says; nil in files of before that was kept.
        var approvals: [ReleaseDocument.Approval]?
        var approvalsRequired: Int64 = 0
        /// Whether only the way back is open any more.
        var isRollbackOnly = false
    }
    private let folder: PrivateFolder
    private var plans: [SHA256Digest: Plan] = [:]
    /// The ends of those that are only on the disk.
    private var expired: [SHA256Digest: Timestamp] = [:]

    init(_ parent: PrivateFolder, now: Timestamp) throws(SignerError) {
        folder = try PrivateFolder(parent.path(of: "releases"))
        for name in try folder.names() {
            // Left over from a crash in writing: that release was never signed.
            guard !name.hasSuffix(".new") else {
                folder.remove(name)
                continue
            }
            guard let digest = SHA256Digest(hex: name),
                let plan = try Self.read(folder, digest)
            else { continue }
            if plan.expires < now { expired[digest] = plan.expires } else { plans[digest] = plan }
        }
        forget(now)
    }

    private static func read(_ folder: PrivateFolder, _ digest: SHA256Digest) throws(SignerError) -> Plan? {
        guard let bytes = try folder.read(digest.hex, limit: SignerRequest.maximumBytes) else { return nil }
        do {
            return try Plan(json: JSONValue(parsing: bytes, limits: SignerRequest.limits))
        } catch {
            throw SignerError(
                "\(folder.path(of: digest.hex)) is damaged (\(error)): remove it, and approve its campaign anew")
        }
    }

    /// Drops from memory what has expired, and from the disk what is too old even to be taken back.
    private mutating func forget(_ now: Timestamp) {
        for (digest, plan) in plans where plan.expires < now {
            expired[digest] = plan.expires
            plans[digest] = nil
        }
        for (digest, end) in expired where end.adding(seconds: Self.rollbackTime) < now {
            folder.remove(digest.hex)
            expired[digest] = nil
        }
    }

    /// The plan of that digest; nil where no release was signed or it has expired.
    func plan(_ digest: SHA256Digest, now: Timestamp) -> Plan? {
        guard let plan = plans[digest], now < plan.expires else { return nil }
        return plan
    }

    /// The plan of that digest although its release may have expired; nil where none was signed, or too long ago.
    func released(_ digest: SHA256Digest, now: Timestamp) throws(SignerError) -> Plan? {
        if let plan = plans[digest] { return plan }
        guard let known = try Self.read(folder, digest), now <= known.expires.adding(seconds: Self.rollbackTime) else {
            return nil
        }
        return known
    }

    /// Remembers a plan; durable when this returns.
    mutating func remember(_ plan: Plan, digest: SHA256Digest, now: Timestamp) throws(SignerError) {
        forget(now)
        expired[digest] = nil
        try folder.replace(digest.hex, with: plan.json.canonicalBytes())
        plans[digest] = plan
    }
}

extension ReleaseBook.Plan {
    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "organisation": .string(organisation), "campaign": .string(campaign),
            "hosts": .array(hosts.sorted().map(JSONValue.string)), "allowsReboot": .bool(allowsReboot),
            "expires": .string(expires.description), "approvalsRequired": .integer(approvalsRequired),
        ]
        if let approvals { fields["approvals"] = .array(approvals.map(\.json)) }
        if isRollbackOnly { fields["rollBackOnly"] = true }
        return .object(fields)
    }

    init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        let time = try object.string("expires", maximumBytes: 40)
        guard let expires = Timestamp(rfc3339: time) else {
            throw JSONError(.outOfBounds, pointer: "/expires", reason: "expected a time of RFC 3339")
        }
        self.init(
            organisation: try object.string("organisation", maximumBytes: 64),
            campaign: try object.string("campaign", maximumBytes: 64),
            hosts: Set(try object.strings("hosts", maximumCount: Rollout.Plan.maximumHosts, maximumBytes: 64)),
            allowsReboot: try object.bool("allowsReboot"), expires: expires)
        isRollbackOnly = try object.optionalBool("rollBackOnly") ?? false
        approvalsRequired = try object.optionalInteger("approvalsRequired", in: 0...16) ?? 0
        if object.unreadKeys.contains("approvals") {
            var list: [ReleaseDocument.Approval] = []
            for one in try object.objects("approvals", maximumCount: ReleaseDocument.maximumApprovals) {
                list.append(try ReleaseDocument.Approval(one))
            }
            approvals = list
        }
        try object.finish()
    }
}
