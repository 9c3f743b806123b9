import Digest
import JSON
import Rollout
import Timestamps

/// The plans that the signer has signed releases for: only these get grants.
struct ReleaseBook: Sendable {
    /// What is remembered of a plan.
    struct Plan: Hashable, Sendable {
        var organisation: String
        var campaign: String
        var hosts: Set<String>
        var allowsReboot: Bool
        var expires: Timestamp
    }
    private let folder: PrivateFolder
    private var plans: [SHA256Digest: Plan] = [:]

    init(_ parent: PrivateFolder, now: Timestamp) throws(SignerError) {
        folder = try PrivateFolder(parent.path(of: "releases"))
        for name in try folder.names() {
            // Left over from a crash in writing: that release was never signed.
            guard !name.hasSuffix(".new") else {
                folder.remove(name)
                continue
            }
            guard let digest = SHA256Digest(hex: name),
                let bytes = try folder.read(name, limit: SignerRequest.maximumBytes)
            else { continue }
            let plan: Plan
            do {
                plan = try Plan(json: JSONValue(parsing: bytes, limits: SignerRequest.limits))
            } catch {
                throw SignerError(
                    "\(folder.path(of: name)) is damaged (\(error)): remove it, and approve its campaign anew")
            }
            if plan.expires < now { folder.remove(name) } else { plans[digest] = plan }
        }
    }

    /// The plan of that digest; nil where no release was signed or it has expired.
    func plan(_ digest: SHA256Digest, now: Timestamp) -> Plan? {
        guard let plan = plans[digest], now < plan.expires else { return nil }
        return plan
    }

    /// Remembers a plan; durable when this returns.
    mutating func remember(_ plan: Plan, digest: SHA256Digest, now: Timestamp) throws(SignerError) {
        for (digest, plan) in plans where plan.expires < now {
            folder.remove(digest.hex)
            plans[digest] = nil
        }
        try folder.replace(digest.hex, with: plan.json.canonicalBytes())
        plans[digest] = plan
    }
}

extension ReleaseBook.Plan {
    var json: JSONValue {
        [
            "organisation": .string(organisation), "campaign": .string(campaign),
            "hosts": .array(hosts.sorted().map(JSONValue.string)), "allowsReboot": .bool(allowsReboot),
            "expires": .string(expires.description),
        ]
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
        try object.finish()
    }
}
