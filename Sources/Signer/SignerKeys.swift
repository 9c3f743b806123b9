import Digest
import Glibc
import JSON
import Orders
import Signatures
import Timestamps

/// The private keys of the three roles, each in a file of its own: `root.key`, `release.key`, `director.key`.
///
/// Made at the first start and never again: a key that is missing later is a loss to be looked at, not a reason to make
/// another one. `root.key` may be kept elsewhere between the renewals of the roles (once in eight months).
struct SignerKeys: Sendable {
    /// A key that was replaced and may still be believed for a while, so that orders under way stay good.
    struct Former: Hashable, Sendable {
        var role: OrderRole
        var publicKey: [UInt8]
        var until: Timestamp
    }
    private(set) var root: SigningKey?
    private(set) var release: SigningKey
    private(set) var director: SigningKey
    /// Root keys that were replaced: hosts that know only them must still be able to follow. Newest first.
    private(set) var retiredRoots: [SigningKey]
    private(set) var former: [Former]
    private let marks: [FileMark?]

    private static let formerName = "former.json"
    private static let started = "started"

    static func fileName(_ role: OrderRole) -> String { "\(role.rawValue).key" }

    private static var watched: [String] { OrderRole.allCases.map(fileName) + [formerName] }

    /// Reads the keys, and makes them at the first start.
    init(_ folder: PrivateFolder) throws(SignerError) {
        if try folder.read(Self.started, limit: 64) == nil {
            for role in OrderRole.allCases where try folder.read(Self.fileName(role), limit: 256) == nil {
                try folder.replace(Self.fileName(role), with: Array(SigningKey().fileText.utf8))
            }
            try folder.replace(Self.started, with: Array("1\n".utf8))
        }
        root = try Self.key(.root, folder)
        guard let release = try Self.key(.release, folder), let director = try Self.key(.director, folder) else {
            throw SignerError(
                "a key of the signer is missing from \(folder.path) (release.key and director.key must be there): bring it "
                    + "back from a backup, or replace it: fettle signer rotate ROLE (docs/orders.md, \"Recovery\")")
        }
        (self.release, self.director) = (release, director)
        let retired = try PrivateFolder(folder.path(of: "retired"))
        retiredRoots = []
        // Named by number; the most that fit beside the current one in an envelope.
        for name in try retired.names().reversed().prefix(Envelope.maximumSignatures - 2) where name.hasSuffix(".key") {
            if let key = try Self.key(name, retired) { retiredRoots.append(key) }
        }
        former = try Self.readFormer(folder)
        marks = Self.watched.map(folder.mark(of:))
    }

    /// Whether somebody has replaced a key since these were read.
    func areOutdated(_ folder: PrivateFolder) -> Bool { marks != Self.watched.map(folder.mark(of:)) }

    /// The keys that a roles document names now. Only public ones: the root key itself may be away.
    func roles(now: Timestamp, rootOf known: RolesDocument?) -> [OrderRole: RolesDocument.Keys] {
        var roles: [OrderRole: RolesDocument.Keys] = [:]
        for (role, key) in [(OrderRole.root, root), (.release, release), (.director, director)] {
            var keys = key.map { [$0.publicKey] } ?? known?.roles[role]?.keys ?? []
            for one in former where one.role == role && now < one.until && !keys.contains(one.publicKey) {
                keys.append(one.publicKey)
            }
            roles[role] = RolesDocument.Keys(keys: keys)
        }
        return roles
    }

    /// Replaces the key of a role by a new one.
    ///
    /// - Parameters:
    ///   - overlap: seconds for which the old release or director key is still believed; 0 for a key that got lost or stolen.
    static func rotate(
        _ role: OrderRole, _ folder: PrivateFolder, overlap: Int64, now: Timestamp
    ) throws(SignerError) -> String {
        let old = try key(role, folder)
        let new = SigningKey()
        if role == .root {
            guard let old else {
                throw SignerError(
                    "\(folder.path(of: fileName(.root))) is not there: hosts follow a new root key only when the old one "
                        + "signs for it; bring it back first")
            }
            let retired = try PrivateFolder(folder.path(of: "retired"))
            let number = String(try retired.names().count + 1)
            let name = String(repeating: "0", count: max(0, 6 - number.count)) + number + "-root.key"
            try retired.replace(name, with: Array(old.fileText.utf8))
        } else {
            var former = try readFormer(folder).filter { now < $0.until && $0.role != role }
            if let old, overlap > 0 {
                former.append(Former(role: role, publicKey: old.publicKey, until: now.adding(seconds: overlap)))
            }
            let json: JSONValue = .array(
                former.map {
                    [
                        "role": .string($0.role.rawValue), "key": .string(Base64.encode($0.publicKey)),
                        "until": .string($0.until.description),
                    ]
                })
            try folder.replace(formerName, with: json.canonicalBytes())
        }
        try folder.replace(fileName(role), with: Array(new.fileText.utf8))
        return new.keyID
    }

    private static func key(_ role: OrderRole, _ folder: PrivateFolder) throws(SignerError) -> SigningKey? {
        try key(fileName(role), folder)
    }

    private static func key(_ name: String, _ folder: PrivateFolder) throws(SignerError) -> SigningKey? {
        guard let bytes = try folder.read(name, limit: 256, isSecret: true) else { return nil }
        guard let key = SigningKey(fileText: String(decoding: bytes, as: UTF8.self)) else {
            throw SignerError(
                "\(folder.path(of: name)) is no key: restore it from a backup (docs/orders.md, \"Recovery\")")
        }
        return key
    }

    private static func readFormer(_ folder: PrivateFolder) throws(SignerError) -> [Former] {
        guard let bytes = try folder.read(formerName, limit: 64 << 10) else { return [] }
        do {
            var former: [Former] = []
            for (index, value) in (try JSONValue(parsing: bytes, limits: .message).array ?? []).enumerated() {
                var object = try JSONObject(value, at: "/\(index)")
                guard let role = OrderRole(rawValue: try object.string("role", maximumBytes: 16)),
                    let key = Base64.decode(try object.string("key", maximumBytes: 64)), key.count == 32,
                    let until = Timestamp(rfc3339: try object.string("until", maximumBytes: 40))
                else { throw JSONError(.outOfBounds, pointer: object.pointer, reason: "expected role, key and until") }
                former.append(Former(role: role, publicKey: key, until: until))
            }
            return former
        } catch {
            throw SignerError("\(folder.path(of: formerName)) is damaged (\(error)); remove it")
        }
    }
}
