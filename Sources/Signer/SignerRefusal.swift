import JSON

/// Why the signer did not sign.
public struct SignerRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds; their names are stable, audit records bear them.
    public enum Code: String, CaseIterable, Sendable {
        /// The request cannot be read, or names something that cannot be.
        case malformed
        /// The policy file cannot be read: nothing is approved by a policy that nobody can see.
        case policyUnreadable = "policy-unreadable"
        /// Too few approvals count.
        case approvalsMissing = "approvals-missing"
        /// An approval's signature is not that of the approver's registered key over this plan.
        case approvalForged = "approval-forged"
        /// The plan's author is among those who approved it.
        case approvedByAuthor = "approved-by-author"
        /// One person counted twice.
        case approvedTwice = "approved-twice"
        /// The list of hosts is not the one in the plan.
        case otherHosts = "other-hosts"
        /// It would be valid for too long.
        case validTooLong = "valid-too-long"
        /// Past its date, or its times contradict each other.
        case unsoundTimes = "unsound-times"
        /// No release was signed for that plan, or it has expired.
        case notReleased = "not-released"
        /// The host is not one of the plan's.
        case hostNotInPlan = "host-not-in-plan"
        /// The plan's release only lets hosts be taken back.
        case rollbackOnly = "rollback-only"
        /// Campaign, organisation or job are not those of the plan.
        case otherPlan = "other-plan"
        /// The plan allows no reboot.
        case rebootNotPlanned = "reboot-not-planned"
        /// The host's fence was used already, for something else.
        case fenceUsed = "fence-used"
        /// The server's epoch is an earlier one than the signer has seen for the host.
        case oldEpoch = "old-epoch"
        /// The ticket is not for the last grant of its host.
        case notGranted = "not-granted"
        /// The root key is kept elsewhere, and something has to be signed by it.
        case rootAway = "root-away"
        /// The signer could not write what it must remember.
        case notWritten = "not-written"
    }
    /// Which kind.
    public var code: Code
    /// One sentence: what is wrong and what to do.
    public var description: String
    /// With ``Code/fenceUsed``, the highest fence of that host: the next one must be higher.
    public var lastFence: Int64?

    /// With ``Code/approvalsMissing``, how many the plan needs by the signer's policy.
    public var approvalsRequired: Int64?

    /// A refusal.
    public init(_ code: Code, _ description: String, lastFence: Int64? = nil, approvalsRequired: Int64? = nil) {
        self.code = code
        self.description = description
        self.lastFence = lastFence
        self.approvalsRequired = approvalsRequired
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["code": .string(code.rawValue), "message": .string(description)]
        if let lastFence { fields["lastFence"] = .integer(lastFence) }
        if let approvalsRequired { fields["approvalsRequired"] = .integer(approvalsRequired) }
        return .object(fields)
    }

    init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            try object.signerCode("code"), try object.string("message", maximumBytes: 8192),
            lastFence: try object.optionalInteger("lastFence", in: 0...Int64.max),
            approvalsRequired: try object.optionalInteger("approvalsRequired", in: 0...16))
        try object.finish()
    }
}

extension SignerRefusal.Code {
    /// Whether the same may be signed later: what is wrong is the signer's own state.
    public var isPassing: Bool {
        switch self {
        case .policyUnreadable, .unsoundTimes, .rootAway, .notWritten: true
        default: false
        }
    }
    /// Whether other approvals of the same plan would help.
    public var isAboutApprovals: Bool {
        switch self {
        case .approvalsMissing, .approvalForged, .approvedByAuthor, .approvedTwice: true
        default: false
        }
    }
}

extension JSONObject {
    fileprivate mutating func signerCode(_ key: String) throws(JSONError) -> SignerRefusal.Code {
        let text = try string(key, maximumBytes: 64)
        guard let code = SignerRefusal.Code(rawValue: text) else {
            throw JSONError(.outOfBounds, pointer: pointer(to: key), reason: "unknown refusal \"\(text)\"")
        }
        return code
    }
}
