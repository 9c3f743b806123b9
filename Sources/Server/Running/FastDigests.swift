import struct Crypto.SHA256
import Digest

/// Core's digests of whole documents by the cryptography library that the server links anyway.
enum FastDigests {
    /// Takes effect once, for the whole process.
    static func use() { _ = installed }

    private static let installed: Void = Digest.SHA256.accelerate { buffer in
        // A digest of that algorithm always has 32 bytes.
        SHA256Digest(bytes: Array(Crypto.SHA256.hash(data: buffer))) ?? Digest.SHA256.portableHash(buffer)
    }
}
