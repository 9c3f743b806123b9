import CDispatch
import Digest
import Glibc
import Orders
import Signatures

/// A person's own key, with which they sign what they approve: `~/.config/fettle/keys/NAME.key`, readable by them alone.
struct ApproverKey: Sendable {
    /// The key's name, by default `default`.
    let name: String
    private let key: SigningKey

    /// What a key is called that was given no name.
    static let defaultName = "default"
    private static let maximumBytes = 256

    /// The public key, 32 bytes.
    var publicKey: [UInt8] { key.publicKey }
    /// Its name for signatures.
    var keyID: String { key.keyID }

    /// Signs that the plan of that digest is approved.
    func sign(planDigest: SHA256Digest) throws -> Envelope.Signature {
        do {
            return try key.sign(ReleaseDocument.Approval.signedBytes(plan: planDigest))
        } catch {
            throw CommandFailure.failed("\(error)")
        }
    }

    /// The key of that name; nil where there is none.
    ///
    /// - Throws: where it may be read by others or is no key.
    static func find(_ name: String = defaultName) throws -> ApproverKey? {
        let path = try path(of: name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw CommandFailure.failed("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG, state.st_uid == geteuid(),
            state.st_mode & 0o077 == 0
        else {
            throw CommandFailure.denied(
                """
                \(path) holds a private key and is not yours alone: it is not used.
                Whoever could read it can approve in your name: make another (fettle keys create --replace) and have it \
                registered.
                """)
        }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0, count <= maximumBytes,
            let key = SigningKey(fileText: String(decoding: bytes.prefix(count), as: UTF8.self))
        else {
            throw CommandFailure.failed("\(path) is no key; restore it, or make another: fettle keys create --replace")
        }
        return ApproverKey(name: name, key: key)
    }

    /// Makes a key of that name.
    static func create(_ name: String, replace: Bool) throws -> ApproverKey {
        let path = try path(of: name)
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
        for folder in [String(parent[..<(parent.lastIndex(of: "/") ?? parent.startIndex)]), parent, folder] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw CommandFailure.failed("cannot make \(folder): \(String(cString: strerror(errno)))")
            }
        }
        if !replace, access(path, F_OK) == 0 {
            throw CommandFailure.failed(
                "\(path) exists. Make one of another name: fettle keys create NAME. In its place, so that what is registered "
                    + "of it no longer counts: --replace")
        }
        let key = SigningKey()
        let aside = path + ".new"
        unlink(aside)
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure.failed("cannot write \(aside): \(String(cString: strerror(errno)))")
        }
        let bytes = Array(key.fileText.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten, rename(aside, path) == 0 else {
            throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(isWritten ? errno : code)))")
        }
        return ApproverKey(name: name, key: key)
    }

    /// Where that key is.
    static func path(of name: String) throws -> String {
        guard !name.isEmpty, name.utf8.count <= 64, !name.hasPrefix("."),
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        else {
            throw CommandFailure.usage("\"\(name)\" is no name of a key: letters, digits, '.', '_' and '-', at most 64")
        }
        let contexts = try ContextFile.path()
        return String(contexts[..<(contexts.lastIndex(of: "/") ?? contexts.endIndex)]) + "/keys/\(name).key"
    }
}
