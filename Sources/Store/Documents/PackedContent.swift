import CCompression
import Synchronization

/// Offer sets and facts as they are stored: a zstd frame (RFC 8878) where that is smaller, else as they came.
///
/// No marker is needed: a frame begins with zstd's magic number, and neither document with its first byte. What was
/// stored before documents were packed reads as before.
enum PackedContent {
    /// The most bytes a stored document may unpack to: as many as a received one may have.
    static let maximumBytes = 16 << 20

    /// The lowest level, with the smallest tables: the next two save one part in fifty (docs/store.md).
    private static let level: Int32 = 1

    /// zstd's magic number as it stands in a file.
    private static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

    /// What to store for a document.
    static func pack(_ bytes: [UInt8]) -> [UInt8] {
        // A frame's own overhead would make the smallest ones larger.
        guard bytes.count >= 128 else { return bytes }
        let packed = contexts.with { context in
            let bound = ZSTD_compressBound(bytes.count)
            return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
                let size = bytes.withUnsafeBytes {
                    ZSTD_compressCCtx(context.pointer, buffer.baseAddress, bound, $0.baseAddress, $0.count, level)
                }
                count = ZSTD_isError(size) == 0 ? size : 0
            }
        }
        guard let packed, !packed.isEmpty, packed.count < bytes.count else { return bytes }
        return Array(packed)
    }

    /// The document of what was stored; nil where that is damaged or too large.
    static func unpack(_ stored: [UInt8]) -> [UInt8]? {
        guard stored.starts(with: magic) else { return stored }
        let size = stored.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // Above it lie the two values for "unknown" and "error" too.
        guard size <= UInt64(maximumBytes) else { return nil }
        var whole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            let written = stored.withUnsafeBytes {
                ZSTD_decompress(buffer.baseAddress, buffer.count, $0.baseAddress, $0.count)
            }
            whole = ZSTD_isError(written) == 0 && written == Int(size)
            count = whole ? written : 0
        }
        return whole ? bytes : nil
    }

    private static let contexts = Contexts()

    /// A compressor with its tables. Sendable, because whoever has taken it out of the pool is alone with it.
    struct Context: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// Compressors at rest: making one costs as much as a document.
    private final class Contexts: Sendable {
        private let idle = Mutex<[Context]>([])

        func with<R>(_ body: (Context) -> R) -> R? {
            guard let context = idle.withLock({ $0.popLast() }) ?? ZSTD_createCCtx().map(Context.init) else {
                return nil
            }
            defer { idle.withLock { $0.append(context) } }
            return body(context)
        }
    }
}
