import Digest
public import JSON
import Orders
import Rollout
import Timestamps

/// What the signer itself asks of a release, whatever the server says: `policy.json` in its folder, which only the people
/// who run the signer can write.
///
///     {"organisations": {"default": {"approvalsRequired": 1, "approvers": {"anna": "BASE64 OF THE PUBLIC KEY"}}}}
///
/// An organisation that is not in it has no policy: the server's word on approvals is then taken.
public struct SignerPolicy: Hashable, Sendable {
    /// What one organisation asks.
    public struct Organisation: Hashable, Sendable {
        /// The fewest approvals; 0 to 16.
        public var approvalsRequired: Int64
        /// Public keys of 32 bytes by what people call their owners. Where there is one, only approvals signed by such a key count.
        public var approvers: [String: [UInt8]]

        /// A policy of these.
        public init(approvalsRequired: Int64 = 0, approvers: [String: [UInt8]] = [:]) {
            self.approvalsRequired = approvalsRequired
            self.approvers = approvers
        }
    }
    /// By organisation.
    public var organisations: [String: Organisation]

    /// A policy.
    public init(organisations: [String: Organisation] = [:]) { self.organisations = organisations }

    /// The file's name.
    public static let fileName = "policy.json"
    static let limits = JSONLimits(
        maximumBytes: 4 << 20, maximumDepth: 6, maximumItems: 200_000, maximumStringBytes: 1024)

    /// The policy as JSON.
    public var json: JSONValue {
        [
            "organisations": .object(
                organisations.mapValues { one in
                    [
                        "approvalsRequired": .integer(one.approvalsRequired),
                        "approvers": .object(one.approvers.mapValues { .string(Base64.encode($0)) }),
                    ]
                })
        ]
    }

    /// Reads a policy.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        var all = try object.object("organisations")
        organisations = [:]
        for name in all.unreadKeys {
            var one = try all.object(name)
            var organisation = Organisation(approvalsRequired: try one.integer("approvalsRequired", in: 0...16))
            if var keys = try one.optionalObject("approvers") {
                for approver in keys.unreadKeys {
                    guard let key = Base64.decode(try keys.string(approver, maximumBytes: 64)), key.count == 32 else {
                        throw JSONError(
                            .outOfBounds, pointer: keys.pointer(to: approver),
                            reason: "expected base64 of 32 bytes, as `fettle keys show` prints it")
                    }
                    guard !organisation.approvers.values.contains(key) else {
                        throw JSONError(
                            .outOfBounds, pointer: keys.pointer(to: approver),
                            reason: "another approver has the same key")
                    }
                    organisation.approvers[approver] = key
                }
                try keys.finish()
            }
            try one.finish()
            organisations[name] = organisation
        }
        try all.finish()
        try object.finish()
    }

    /// Checks the approvals of a plan, and says how many it needed.
    func check(
        _ document: ReleaseDocument, author: String, verifier: some SignatureVerifier
    ) throws(SignerRefusal) -> Int64 {
        let own = organisations[document.plan.organisation] ?? Organisation()
        let required = max(document.approvalsRequired, own.approvalsRequired)
        var counted = 0
        var approvers: Set<String> = []
        var keys: Set<String> = []
        for approval in document.approvals {
            guard approvers.insert(approval.approver).inserted else {
                throw SignerRefusal(
                    .approvedTwice, "\(approval.approver) approved the plan twice; another person must approve it.")
            }
            guard approval.approver != author else {
                throw SignerRefusal(
                    .approvedByAuthor, "\(author) made the plan and cannot approve it; another person must.")
            }
            // By the key, not by the name: what the server calls an account proves nothing.
            if let signature = approval.signature,
                let registered = own.approvers.first(where: { Envelope.keyID(of: $0.value) == signature.keyID })
            {
                guard
                    verifier.isValid(
                        signature: signature.bytes,
                        of: ReleaseDocument.Approval.signedBytes(plan: document.plan.digest), by: registered.value)
                else {
                    throw SignerRefusal(
                        .approvalForged,
                        "The signature of \(approval.approver)'s approval is not that of the key registered for "
                            + "\(registered.key) over this plan (\(document.plan.digest.hex)); approve again with that key."
                    )
                }
                guard keys.insert(registered.key).inserted else {
                    throw SignerRefusal(
                        .approvedTwice,
                        "The key of \(registered.key) approved the plan twice; another person must approve it.")
                }
                counted += 1
            } else if own.approvers.isEmpty {
                counted += 1
            }
        }
        guard counted >= required else {
            let how =
                own.approvers.isEmpty
                ? ""
                : " signed by keys that the signer's policy registers (\(own.approvers.keys.sorted().joined(separator: ", ")))"
            throw SignerRefusal(
                .approvalsMissing,
                "The plan needs \(required) approvals\(how) and has \(counted); have it approved: fettle campaign approve.",
                approvalsRequired: required)
        }
        return required
    }
}
