import JSON
import Orders
import Signatures
import Timestamps

/// The roles documents of every organisation, versioned, on disk before they are given out.
struct RolesBook: Sendable {
    /// Seconds that a document is good for: a year. It is renewed when a third of that is left.
    static let validity: Int64 = 365 * 86_400
    private let folder: PrivateFolder
    private var current: [String: (RolesDocument, Envelope)] = [:]

    init(_ parent: PrivateFolder) throws(SignerError) {
        folder = try PrivateFolder(parent.path(of: "roles"))
    }

    /// The current document: the one before, or a new version where keys have changed or the end comes near.
    mutating func roles(
        organisation: String, keys: SignerKeys, now: Timestamp
    ) throws -> Envelope {
        let known = try stored(organisation)
        let wanted = keys.roles(now: now, rootOf: known?.0)
        if let (document, envelope) = known {
            let isYoung = document.expires.seconds(since: now) > Self.validity / 3
            if isYoung, document.roles == wanted { return envelope }
            // The root key is elsewhere: what there is serves until its end, unless keys have changed.
            if keys.root == nil, document.roles == wanted, now < document.expires { return envelope }
        }
        guard let root = keys.root else {
            throw SignerRefusal(
                .rootAway,
                "A new roles document for \(organisation) must be signed, but root.key is not in the signer's folder; bring "
                    + "it back for the time of one request.")
        }
        let document = RolesDocument(
            organisation: organisation, version: (known?.0.version ?? 0) + 1, roles: wanted,
            expires: Timestamp(seconds: now.seconds + Self.validity))
        let envelope = try SigningKey.envelope(document, signedBy: [root] + keys.retiredRoots)
        // The disk first: a version that is given out is never given out again for other keys.
        try folder.replace("\(organisation).json", with: envelope.json.canonicalBytes())
        current[organisation] = (document, envelope)
        return envelope
    }

    private mutating func stored(_ organisation: String) throws(SignerError) -> (RolesDocument, Envelope)? {
        if let known = current[organisation] { return known }
        let name = "\(organisation).json"
        guard let bytes = try folder.read(name, limit: 1 << 20) else { return nil }
        do {
            let envelope = try Envelope(json: JSONValue(parsing: bytes, limits: .message))
            let document = try RolesDocument(json: JSONValue(parsing: envelope.payload, limits: .message))
            current[organisation] = (document, envelope)
            return (document, envelope)
        } catch {
            throw SignerError(
                "\(folder.path(of: name)) is damaged (\(error)): restore it from a backup, or from any host of that "
                    + "organisation (docs/orders.md, \"Recovery\")")
        }
    }
}
