import JSON
import Wire
import X509

/// The host's key and grant on disk: `key.pem` and `identity.json`.
///
/// A new key lies aside in `key.next.pem` until the grant for it is on disk, so that after a crash at any point the
/// old pair or the new pair is whole.
public struct IdentityStore: Sendable {
    private let folder: DurableFolder
    private static let current = "key.pem"
    private static let next = "key.next.pem"
    private static let file = "identity.json"

    /// The store in that folder.
    public init(_ folder: DurableFolder) { self.folder = folder }

    /// Whether the host was enrolled; does not look whether what is there can be read.
    public var exists: Bool { folder.contains(Self.file) }

    /// The identity; nil where the host was never enrolled.
    ///
    /// - Throws: ``IdentityStoreError`` where it is damaged.
    public func load() throws -> Identity? {
        guard let bytes = try folder.read(Self.file, limit: 256 << 10) else { return nil }
        let grant: IdentityGrant
        do {
            grant = try IdentityGrant(decoding: bytes, .current)
        } catch {
            throw IdentityStoreError.damaged(file: folder.path(of: Self.file), reason: "\(error)")
        }
        if let key = try key(Self.current), let identity = try? Identity(verifying: grant, key: key, now: nil) {
            return identity
        }
        // A crash came between the grant and the move of its key: finish it.
        guard let key = try key(Self.next) else {
            throw IdentityStoreError.damaged(
                file: folder.path(of: Self.current), reason: "the certificate is for another")
        }
        do {
            let identity = try Identity(verifying: grant, key: key, now: nil)
            try folder.rename(Self.next, to: Self.current)
            return identity
        } catch let error as GrantError {
            throw IdentityStoreError.damaged(file: folder.path(of: Self.file), reason: "\(error)")
        }
    }

    /// Puts a new key aside, before it is sent anywhere.
    public func prepare(_ key: HostKey) throws(SystemError) {
        try folder.replace(Self.next, with: Array(key.pem.utf8))
    }

    /// Makes an identity the host's.
    ///
    /// - Parameter newKey: whether its key is the one that ``prepare(_:)`` put aside.
    public func save(_ identity: Identity, newKey: Bool) throws(SystemError) {
        try folder.replace(Self.file, with: identity.grant.encoded(.current))
        if newKey { try folder.rename(Self.next, to: Self.current) }
    }

    private func key(_ name: String) throws(SystemError) -> HostKey? {
        guard let bytes = try folder.read(name, limit: 16 << 10) else { return nil }
        return HostKey(pem: String(decoding: bytes, as: UTF8.self))
    }
}

/// Why the stored identity cannot be used.
public enum IdentityStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file is not what was written.
    case damaged(file: String, reason: String)

    public var description: String {
        switch self {
        case .damaged(let file, let reason):
            "\(file) is damaged (\(reason)). Enrol this host again: fettle-agent enroll --replace TOKEN"
        }
    }
}
