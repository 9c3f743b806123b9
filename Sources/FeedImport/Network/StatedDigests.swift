import Crypto
import Digest
import NIOHTTP1

/// What a source's answer says of the file's content: `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), and Google's storage's
/// `x-goog-hash`. All of them speak of the whole file, also where only its rest was asked for.
struct StatedDigests: Sendable {
    /// In Base64, as the source writes them.
    private(set) var sha256: String?
    private(set) var md5: String?

    init(_ answer: FeedAnswer) {
        // Content that was unpacked on its way is another one than what was hashed.
        let stored = answer.header("x-goog-stored-content-encoding") ?? "identity"
        var names = ["repr-digest", "digest"]
        if stored == "identity" { names.append("x-goog-hash") }
        for name in names {
            for entry in answer.headers[canonicalForm: name] {
                let parts = entry.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                // RFC 9530 puts colons around the bytes.
                let value = String(parts[1].filter { $0 != ":" })
                switch (parts[0].lowercased(), value.utf8.count) {
                case ("sha-256", 44): sha256 = value
                case ("md5", 24): md5 = value
                default: break
                }
            }
        }
    }

    /// Why a file is not what was said; nil where it is, or nothing was said.
    func fault(of path: String) throws -> String? {
        if let sha256 { return try Self.fault("SHA-256", SHA256(), path, sha256) }
        // Not against anybody's will, for which it is too weak: against bytes that were changed on their way.
        if let md5 { return try Self.fault("MD5", Insecure.MD5(), path, md5) }
        return nil
    }

    private static func fault(
        _ name: String, _ function: some HashFunction, _ path: String, _ wanted: String
    ) throws -> String? {
        let own = Base64.encode(try DurableFile.hash(of: path, function))
        return own == wanted ? nil : "its \(name) is \(own), but the source says \(wanted)"
    }
}
