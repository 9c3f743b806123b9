public import Digest
public import JSON
public import Rollout
public import Timestamps

/// A document that is only worth something when it is signed.
public protocol OrderDocument: Hashable, Sendable {
    /// Says what the bytes are, and is signed with them.
    static var payloadType: String { get }
    /// Whose keys sign it.
    static var role: OrderRole { get }
    /// The document as JSON; its canonical bytes are signed.
    var json: JSONValue { get }
    /// Reads a document.
    init(json: JSONValue) throws(JSONError)
    /// When it is too old to be acted on.
    var expires: Timestamp { get }
}

/// Which keys each role has, and how many must sign. A new version is signed by the root keys of the one before and of its own.
public struct RolesDocument: OrderDocument {
    public static let payloadType = "application/vnd.fettle.roles+json"
    public static let role = OrderRole.root

    /// The keys of one role.
    public struct Keys: Hashable, Sendable {
        /// Ed25519 public keys of 32 bytes.
        public var keys: [[UInt8]]
        /// How many different ones must sign; at least 1.
        public var threshold: Int64

        /// Keys and how many of them.
        public init(keys: [[UInt8]], threshold: Int64 = 1) {
            self.keys = keys
            self.threshold = threshold
        }
    }
    /// Whose.
    public var organisation: String
    /// Grows; an agent refuses a lower one than it has seen.
    public var version: Int64
    /// The keys of each role.
    public var roles: [OrderRole: Keys]
    public var expires: Timestamp

    /// A document.
    public init(organisation: String, version: Int64, roles: [OrderRole: Keys], expires: Timestamp) {
        self.organisation = organisation
        self.version = version
        self.roles = roles
        self.expires = expires
    }

    public var json: JSONValue {
        var fields: [String: JSONValue] = [:]
        for (role, keys) in roles {
            fields[role.rawValue] = [
                "keys": .array(keys.keys.map { .string(Base64.encode($0)) }), "threshold": .integer(keys.threshold),
            ]
        }
        return [
            "organisation": .string(organisation), "version": .integer(version), "roles": .object(fields),
            "expires": .string(expires.description),
        ]
    }

    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        organisation = try object.string("organisation", maximumBytes: 64)
        version = try object.integer("version", in: 1...Int64.max)
        expires = try object.time("expires")
        roles = [:]
        var fields = try object.object("roles")
        for role in OrderRole.allCases {
            var one = try fields.object(role.rawValue)
            var keys: [[UInt8]] = []
            for text in try one.strings("keys", maximumCount: 16, maximumBytes: 64) {
                guard let key = Base64.decode(text), key.count == 32 else {
                    throw JSONError(
                        .outOfBounds, pointer: one.pointer(to: "keys"), reason: "expected base64 of 32 bytes")
                }
                keys.append(key)
            }
            roles[role] = Keys(keys: keys, threshold: try one.integer("threshold", in: 1...16))
            try one.finish()
        }
        try fields.finish()
        try object.finish()
    }
}

/// Says that a plan was approved: agents install and run only what one lists.
public struct ReleaseDocument: OrderDocument {
    public static let payloadType = "application/vnd.fettle.release+json"
    public static let role = OrderRole.release

    /// Who approved.
    public struct Approval: Hashable, Sendable {
        /// The person.
        public var approver: String
        /// When.
        public var time: Timestamp
        /// Their own key's signature over the plan digest, where they have one: an ``Envelope/Signature`` over the PAE of
        /// `application/vnd.fettle.approval+json` and ``Approval/signedPayload(plan:)``.
        public var signature: Envelope.Signature?

        /// An approval.
        public init(approver: String, time: Timestamp, signature: Envelope.Signature? = nil) {
            self.approver = approver
            self.time = time
            self.signature = signature
        }
    }
    /// The plan as hosts see it.
    public var plan: HostPlan
    /// Who approved it, in the order of time. Empty where the organisation asks for no approval, which is on record.
    public var approvals: [Approval]
    /// How many approvals the organisation asked for.
    public var approvalsRequired: Int64
    /// When it was issued.
    public var issued: Timestamp
    public var expires: Timestamp
    /// Whether it lets hosts only be taken back: issued anew for a plan that was released before. Nothing is installed by it.
    public var isRollbackOnly: Bool

    /// A document.
    public init(
        plan: HostPlan, approvals: [Approval], approvalsRequired: Int64, issued: Timestamp, expires: Timestamp,
        isRollbackOnly: Bool = false
    ) {
        self.isRollbackOnly = isRollbackOnly
        self.plan = plan
        self.approvals = approvals
        self.approvalsRequired = approvalsRequired
        self.issued = issued
        self.expires = expires
    }

    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "plan": plan.json, "approvalsRequired": .integer(approvalsRequired), "issued": .string(issued.description),
            "expires": .string(expires.description), "approvals": .array(approvals.map(\.json)),
        ]
        if isRollbackOnly { fields["rollBackOnly"] = true }
        return .object(fields)
    }

    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        plan = try HostPlan(json: object.value("plan"), at: "/plan")
        approvalsRequired = try object.integer("approvalsRequired", in: 0...16)
        issued = try object.time("issued")
        expires = try object.time("expires")
        isRollbackOnly = try object.optionalBool("rollBackOnly") ?? false
        approvals = []
        for approval in try object.objects("approvals", maximumCount: Self.maximumApprovals) {
            approvals.append(try Approval(approval))
        }
        try object.finish()
    }
}

extension ReleaseDocument {
    /// The most approvals of one plan.
    public static let maximumApprovals = 16

    /// Checks that the release allows a job in that direction.
    public func check(rollsBack: Bool) throws(OrderRefusal) {
        guard rollsBack || !isRollbackOnly else {
            throw OrderRefusal(
                .rollbackOnly,
                "The release document of plan \(plan.digest.hex) only lets hosts be taken back, but the job would bring its "
                    + "packages; create a new campaign for that.")
        }
    }
}

extension ReleaseDocument.Approval {
    /// The approval as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["approver": .string(approver), "time": .string(time.description)]
        if let signature {
            fields["signature"] = [
                "keyid": .string(signature.keyID), "sig": .string(Base64.encode(signature.bytes)),
            ]
        }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        var signature: Envelope.Signature?
        if var signed = try object.optionalObject("signature") {
            guard let bytes = Base64.decode(try signed.string("sig", maximumBytes: 128)) else {
                throw JSONError(.outOfBounds, pointer: signed.pointer(to: "sig"), reason: "expected base64")
            }
            signature = .init(keyID: try signed.string("keyid", maximumBytes: 64), bytes: bytes)
            try signed.finish()
        }
        self.init(
            approver: try object.string("approver", maximumBytes: 128), time: try object.time("time"),
            signature: signature)
        try object.finish()
    }
}

/// Lets one host do one job at one time: the signed form of a permit.
public struct GrantDocument: OrderDocument {
    public static let payloadType = "application/vnd.fettle.grant+json"
    public static let role = OrderRole.director

    /// Whose.
    public var organisation: String
    /// For which host.
    public var host: String
    /// Of which campaign.
    public var campaign: String
    /// Which job.
    public var job: String
    /// Which attempt of that host, from 1.
    public var attempt: Int64
    /// Grows with every grant of a host; an agent acts on none that is not higher than the last it journaled.
    public var fence: Int64
    /// The server's epoch.
    public var epoch: Int64
    /// The approved plan.
    public var planDigest: SHA256Digest
    /// No change before this,
    public var notBefore: Timestamp
    /// no start after this,
    public var lastSafeStart: Timestamp
    /// and only finishing what was begun after this.
    public var notAfter: Timestamp
    /// Whether the permit covers a reboot.
    public var allowsReboot: Bool
    /// Whether the job takes the host back to what it was before the campaign's job.
    public var rollsBack: Bool

    public var expires: Timestamp { notAfter }

    /// A document.
    public init(
        organisation: String, host: String, campaign: String, job: String, attempt: Int64, fence: Int64, epoch: Int64,
        planDigest: SHA256Digest, notBefore: Timestamp, lastSafeStart: Timestamp, notAfter: Timestamp,
        allowsReboot: Bool, rollsBack: Bool
    ) {
        self.organisation = organisation
        self.host = host
        self.campaign = campaign
        self.job = job
        self.attempt = attempt
        self.fence = fence
        self.epoch = epoch
        self.planDigest = planDigest
        self.notBefore = notBefore
        self.lastSafeStart = lastSafeStart
        self.notAfter = notAfter
        self.allowsReboot = allowsReboot
        self.rollsBack = rollsBack
    }

    public var json: JSONValue {
        [
            "organisation": .string(organisation), "host": .string(host), "campaign": .string(campaign),
            "job": .string(job), "attempt": .integer(attempt), "fence": .integer(fence), "epoch": .integer(epoch),
            "planDigest": .string(planDigest.hex), "notBefore": .string(notBefore.description),
            "lastSafeStart": .string(lastSafeStart.description), "notAfter": .string(notAfter.description),
            "allowsReboot": .bool(allowsReboot), "rollBack": .bool(rollsBack),
        ]
    }

    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            organisation: try object.string("organisation", maximumBytes: 64),
            host: try object.string("host", maximumBytes: 64),
            campaign: try object.string("campaign", maximumBytes: 64), job: try object.string("job", maximumBytes: 64),
            attempt: try object.integer("attempt", in: 1...1_000_000),
            fence: try object.integer("fence", in: 1...Int64.max),
            epoch: try object.integer("epoch", in: 0...Int64.max),
            planDigest: try object.sha256("planDigest"), notBefore: try object.time("notBefore"),
            lastSafeStart: try object.time("lastSafeStart"), notAfter: try object.time("notAfter"),
            allowsReboot: try object.bool("allowsReboot"), rollsBack: try object.bool("rollBack"))
        try object.finish()
    }
}

/// Says that a campaign still runs: a job needs a fresh one before the first change, so that a halt arrives in time.
public struct TicketDocument: OrderDocument {
    public static let payloadType = "application/vnd.fettle.ticket+json"
    public static let role = OrderRole.director

    /// Whose.
    public var organisation: String
    /// For which host.
    public var host: String
    /// For which job.
    public var job: String
    /// For which grant.
    public var fence: Int64
    /// What the agent asked with: 32 hexadecimal digits drawn for this question.
    public var nonce: String
    /// When it was issued.
    public var issued: Timestamp
    /// At most 15 minutes later.
    public var expires: Timestamp

    /// The longest a ticket may be valid, in seconds.
    public static let maximumValidity: Int64 = 900

    /// A document.
    public init(
        organisation: String, host: String, job: String, fence: Int64, nonce: String, issued: Timestamp,
        expires: Timestamp
    ) {
        self.organisation = organisation
        self.host = host
        self.job = job
        self.fence = fence
        self.nonce = nonce
        self.issued = issued
        self.expires = expires
    }

    public var json: JSONValue {
        [
            "organisation": .string(organisation), "host": .string(host), "job": .string(job), "fence": .integer(fence),
            "nonce": .string(nonce), "issued": .string(issued.description), "expires": .string(expires.description),
        ]
    }

    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            organisation: try object.string("organisation", maximumBytes: 64),
            host: try object.string("host", maximumBytes: 64), job: try object.string("job", maximumBytes: 64),
            fence: try object.integer("fence", in: 1...Int64.max), nonce: try object.string("nonce", maximumBytes: 64),
            issued: try object.time("issued"), expires: try object.time("expires"))
        try object.finish()
    }
}

extension JSONObject {
    mutating func time(_ key: String) throws(JSONError) -> Timestamp {
        let text = try string(key, maximumBytes: 40)
        guard let time = Timestamp(rfc3339: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "expected a time of RFC 3339")
        }
        return time
    }

    mutating func sha256(_ key: String) throws(JSONError) -> SHA256Digest {
        let text = try string(key, maximumBytes: 64)
        guard let digest = SHA256Digest(hex: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "expected 64 hexadecimal digits")
        }
        return digest
    }
}
