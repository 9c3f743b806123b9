import Digest

import struct Crypto.SHA256

/// Core's digests of whole documents by the cryptography library that the server links anyway.
enum FastDigests {
    /// Takes effect once, for the whole process.
    static func use() { _ = installed }

    private static let installed: Void = Digest.SHA256.accelerate { buffer in
        var hasher = Crypto.SHA256()
        // The general form, over `DataProtocol`, goes byte by byte.
        hasher.update(bufferPointer: buffer)
        // A digest of that algorithm always has 32 bytes.
        return SHA256Digest(bytes: Array(hasher.finalize())) ?? Digest.SHA256.portableHash(buffer)
    }
}
