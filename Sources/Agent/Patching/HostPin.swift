import JSON
import Wire

/// Which host this is in orders: read once from what the enrolment left, then kept by root.
///
/// The network process owns the identity and could change it; what it says of itself afterwards changes nothing here. A new
/// enrolment (`fettle-agent enroll --replace`, run by root) removes the pin, and with it all trust in the former
/// organisation's keys.
enum HostPin {
    static let file = "host.json"

    /// The pinned organisation and host; pins those of the identity where nothing is pinned. Nil before the enrolment.
    static func read(_ layout: StateLayout) throws -> (organisation: String, host: String)? {
        let folder = try DurableFolder(layout.executor)
        if let bytes = try folder.read(file, limit: 4096) {
            var object = try JSONObject(JSONValue(parsing: bytes, limits: .message))
            return (
                try object.string("organisation", maximumBytes: 64), try object.string("host", maximumBytes: 64)
            )
        }
        let network = try DurableFolder(layout.network, create: false)
        guard let identity = try IdentityStore(network).load() else { return nil }
        let value: JSONValue = [
            "organisation": .string(identity.grant.organisation), "host": .string(identity.grant.host),
        ]
        try folder.replace(file, with: value.canonicalBytes())
        return (identity.grant.organisation, identity.grant.host)
    }

    /// Forgets who this host was, and what it believed as that.
    static func forget(_ layout: StateLayout) throws(SystemError) {
        let folder = try DurableFolder(layout.executor)
        try folder.remove(file)
        try folder.remove(TrustedOrders.file)
        try folder.sync()
    }
}
