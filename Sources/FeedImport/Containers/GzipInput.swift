import CArchive
import CCompression

/// Inflates gzip (RFC 1952), also several members one after the other, for libarchive, and compares their checksums.
final class GzipInput {
    private var stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private var left: UnsafeRawBufferPointer
    private var isInMember = false
    private var isStarted: Bool

    /// - Parameter bytes: the compressed bytes, which must live as long as this.
    init(_ bytes: UnsafeRawBufferPointer) {
        left = bytes
        // zlib keeps a pointer to the stream, so it must not move.
        stream.initialize(to: z_stream())
        isStarted = fettle_inflate_init(stream) == Z_OK
    }

    deinit {
        if isStarted { inflateEnd(stream) }
        stream.deallocate()
        buffer.deallocate()
    }

    /// Opens an archive on what is inflated; this must outlive it.
    func open(_ archive: OpaquePointer) -> Int32 {
        archive_read_open(
            archive, Unmanaged.passUnretained(self).toOpaque(), nil,
            { archive, input, block in
                guard let archive, let input, let block else { return -1 }
                let this = Unmanaged<GzipInput>.fromOpaque(input).takeUnretainedValue()
                guard let count = this.inflateMore() else {
                    fettle_archive_fail(archive, "its gzip data is cut short or damaged")
                    return Int(ARCHIVE_FATAL)
                }
                block.pointee = UnsafeRawPointer(this.buffer.baseAddress)
                return count
            }, nil)
    }

    /// The next bytes in ``buffer``; 0 at the end, nil where the data is broken.
    private func inflateMore() -> Int? {
        guard isStarted else { return nil }
        while true {
            if left.isEmpty { return isInMember ? nil : 0 }
            // Zeros after the last member are padding.
            if !isInMember, left.allSatisfy({ $0 == 0 }) { return 0 }
            isInMember = true
            let given = min(left.count, Int(UInt32.max))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: left.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(given)
            stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(buffer.count)
            let code = inflate(stream, Z_NO_FLUSH)
            left = UnsafeRawBufferPointer(rebasing: left[(given - Int(stream.pointee.avail_in))...])
            let count = buffer.count - Int(stream.pointee.avail_out)
            if code == Z_STREAM_END {
                isInMember = false
                inflateReset(stream)
            } else if code != Z_OK, code != Z_BUF_ERROR || count == 0 {
                return nil
            }
            if count > 0 { return count }
        }
    }
}
