import Synchronization

/// SHA-256 (FIPS 180-4) for whatever Core names by content: sets, reports, audit leaves.
///
/// Core has no dependencies, so it brings its own; programs that also link a cryptography library get equal digests.
/// Use it for names and integrity of public data, not for keys: it makes no promise about timing.
///
///     var hasher = SHA256()
///     hasher.update(header)
///     hasher.update(body)
///     let digest = hasher.finalize()
public struct SHA256: Sendable {
    private var state = SHA256State()
    private var pending: [UInt8] = []
    private var length: UInt64 = 0

    /// Starts a digest of nothing.
    public init() {}

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> SHA256Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// Lets a program that links a cryptography library anyway use the processor's own instructions for whole buffers of
    /// a kilobyte and more: five times as fast, with equal digests. Call it once, when the program starts.
    public static func accelerate(with hash: @escaping @Sendable (UnsafeRawBufferPointer) -> SHA256Digest) {
        accelerated.withLock { $0 = Accelerator(hash: hash) }
    }

    /// A closure of its own would be wrapped anew each time the lock hands it over.
    private struct Accelerator {
        let hash: @Sendable (UnsafeRawBufferPointer) -> SHA256Digest
    }

    private static let accelerated = Mutex<Accelerator?>(nil)

    /// The digest of the bytes in `buffer`, which is read only during the call.
    public static func hash(_ buffer: UnsafeRawBufferPointer) -> SHA256Digest {
        if buffer.count >= 1024, let accelerator = accelerated.withLock({ $0 }) { return accelerator.hash(buffer) }
        return portableHash(buffer)
    }

    /// The same without what ``accelerate(with:)`` was given.
    public static func portableHash(_ buffer: UnsafeRawBufferPointer) -> SHA256Digest {
        var hasher = SHA256()
        hasher.update(buffer)
        return hasher.finalize()
    }

    /// Appends bytes; contiguous collections are read in place, others are copied in pieces.
    public mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        guard done == nil else { return }
        var piece: [UInt8] = []
        piece.reserveCapacity(4096)
        for byte in bytes {
            piece.append(byte)
            if piece.count == 4096 {
                piece.withUnsafeBytes { update($0) }
                piece.removeAll(keepingCapacity: true)
            }
        }
        piece.withUnsafeBytes { update($0) }
    }

    /// Appends the bytes of a span.
    public mutating func update(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends the bytes of a buffer, which is read only during the call.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        guard var start = buffer.baseAddress, !buffer.isEmpty else { return }
        var remaining = buffer.count
        length &+= UInt64(remaining)
        if !pending.isEmpty {
            let taken = min(64 - pending.count, remaining)
            pending.append(contentsOf: UnsafeRawBufferPointer(start: start, count: taken))
            start += taken
            remaining -= taken
            guard pending.count == 64 else { return }
            pending.withUnsafeBytes { full in
                if let block = full.baseAddress { compress(&state, blocks: block, count: 1) }
            }
            pending.removeAll(keepingCapacity: true)
        }
        let blocks = remaining / 64
        if blocks > 0 {
            compress(&state, blocks: start, count: blocks)
            start += 64 * blocks
            remaining -= 64 * blocks
        }
        if remaining > 0 {
            pending.reserveCapacity(64)
            pending.append(contentsOf: UnsafeRawBufferPointer(start: start, count: remaining))
        }
    }

    /// The digest of everything appended so far; the hasher itself is unchanged and may go on.
    public func finalize() -> SHA256Digest {
        var state = state
        var tail = pending
        tail.append(0x80)
        let padded = tail.count <= 56 ? 64 : 128
        tail.append(contentsOf: repeatElement(0, count: padded - 8 - tail.count))
        let bits = length &* 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            tail.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
        tail.withUnsafeBytes { padding in
            if let start = padding.baseAddress { compress(&state, blocks: start, count: padded / 64) }
        }
        func word(_ high: UInt32, _ low: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }
        return SHA256Digest(
            words: (
                word(state.h0, state.h1), word(state.h2, state.h3), word(state.h4, state.h5), word(state.h6, state.h7)
            ))
    }
}
