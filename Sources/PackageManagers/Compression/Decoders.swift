import CCompression

/// gzip (RFC 1952), also several members one after the other, by zlib.
final class GzipSource: ByteSource {
    private let input: InputBuffer
    private let stream: UnsafeMutablePointer<z_stream>
    private var inMember = false

    var path: String { input.path }

    init(_ source: any ByteSource) throws(PackageScanError) {
        input = InputBuffer(source)
        // zlib keeps a pointer to the stream, so it must not move.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard fettle_inflate_init(stream) == Z_OK else { throw input.broken("gzip", "zlib does not start") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var produced = 0
        while produced < buffer.count {
            let available = try input.available()
            if available.isEmpty {
                if inMember { throw input.broken("gzip", "it is cut short") }
                break
            }
            inMember = true
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: available.assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(available.count)
            stream.pointee.next_out = buffer.baseAddress?.advanced(by: produced).assumingMemoryBound(to: UInt8.self)
            let room = min(buffer.count - produced, Int(Int32.max))
            stream.pointee.avail_out = UInt32(room)
            let code = inflate(stream, Z_NO_FLUSH)
            input.consume(available.count - Int(stream.pointee.avail_in))
            produced += room - Int(stream.pointee.avail_out)
            if code == Z_STREAM_END {
                inMember = false
                inflateReset(stream)
            } else if code != Z_OK, code != Z_BUF_ERROR {
                throw input.broken("gzip", "zlib error \(code)")
            }
        }
        return produced
    }
}

/// xz and the older lzma, by liblzma; at most 128 MiB of its memory.
final class XZSource: ByteSource {
    /// `LZMA_CONCATENATED`: several streams in one file.
    private static let concatenated: UInt32 = 0x08

    private let input: InputBuffer
    private let stream: UnsafeMutablePointer<lzma_stream>
    private var ended = false

    var path: String { input.path }

    init(_ source: any ByteSource) throws(PackageScanError) {
        input = InputBuffer(source)
        stream = .allocate(capacity: 1)
        stream.initialize(to: fettle_lzma_stream())
        guard lzma_auto_decoder(stream, 128 << 20, Self.concatenated) == LZMA_OK else {
            throw input.broken("xz", "liblzma does not start")
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var produced = 0
        while produced < buffer.count, !ended {
            let available = try input.available()
            stream.pointee.next_in = available.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.pointee.avail_in = available.count
            stream.pointee.next_out = buffer.baseAddress?.advanced(by: produced).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = buffer.count - produced
            // With several streams in one file only the caller knows where the last one ends.
            let code = lzma_code(stream, available.isEmpty ? LZMA_FINISH : LZMA_RUN)
            input.consume(available.count - stream.pointee.avail_in)
            produced = buffer.count - stream.pointee.avail_out
            if code == LZMA_STREAM_END {
                ended = true
            } else if code == LZMA_BUF_ERROR, available.isEmpty, stream.pointee.total_in == 0 {
                ended = true
            } else if code != LZMA_OK {
                throw input.broken("xz", code == LZMA_BUF_ERROR ? "it is cut short" : "liblzma error \(code.rawValue)")
            }
        }
        return produced
    }
}

/// bzip2, also several streams one after the other, by libbz2.
final class Bzip2Source: ByteSource {
    private let input: InputBuffer
    private let stream: UnsafeMutablePointer<bz_stream>
    private var inStream = false

    var path: String { input.path }

    init(_ source: any ByteSource) throws(PackageScanError) {
        input = InputBuffer(source)
        stream = .allocate(capacity: 1)
        stream.initialize(to: bz_stream())
        guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw input.broken("bzip2", "libbz2 does not start") }
    }

    deinit {
        BZ2_bzDecompressEnd(stream)
        stream.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var produced = 0
        while produced < buffer.count {
            let available = try input.available()
            if available.isEmpty {
                if inStream { throw input.broken("bzip2", "it is cut short") }
                break
            }
            inStream = true
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: available.assumingMemoryBound(to: CChar.self).baseAddress)
            stream.pointee.avail_in = UInt32(available.count)
            stream.pointee.next_out = buffer.baseAddress?.advanced(by: produced).assumingMemoryBound(to: CChar.self)
            let room = min(buffer.count - produced, Int(Int32.max))
            stream.pointee.avail_out = UInt32(room)
            let code = BZ2_bzDecompress(stream)
            input.consume(available.count - Int(stream.pointee.avail_in))
            produced += room - Int(stream.pointee.avail_out)
            if code == BZ_STREAM_END {
                inStream = false
                BZ2_bzDecompressEnd(stream)
                stream.pointee = bz_stream()
                guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else {
                    throw input.broken("bzip2", "libbz2 does not start")
                }
            } else if code != BZ_OK {
                throw input.broken("bzip2", "libbz2 error \(code)")
            }
        }
        return produced
    }
}

/// The lz4 frame format, also several frames one after the other, by liblz4.
final class LZ4Source: ByteSource {
    private let input: InputBuffer
    private let context: OpaquePointer
    private var inFrame = false

    var path: String { input.path }

    init(_ source: any ByteSource) throws(PackageScanError) {
        input = InputBuffer(source)
        var context: OpaquePointer?
        LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard let context else { throw input.broken("lz4", "liblz4 does not start") }
        self.context = context
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var produced = 0
        while produced < buffer.count {
            let available = try input.available()
            // At the end of the input the decoder may still hold plain bytes of the last block.
            var taken = available.count
            var room = buffer.count - produced
            let hint = LZ4F_decompress(
                context, buffer.baseAddress?.advanced(by: produced), &room, available.baseAddress, &taken, nil)
            if LZ4F_isError(hint) != 0 {
                throw input.broken("lz4", String(cString: LZ4F_getErrorName(hint)))
            }
            input.consume(taken)
            produced += room
            if taken > 0 || room > 0 { inFrame = hint != 0 }
            if available.isEmpty, room == 0 {
                if inFrame { throw input.broken("lz4", "it is cut short") }
                break
            }
        }
        return produced
    }
}

/// Zstandard (RFC 8878), also several frames one after the other, by libzstd; windows of at most 128 MiB.
final class ZstdSource: ByteSource {
    private let input: InputBuffer
    private let context: OpaquePointer
    private var inFrame = false

    var path: String { input.path }

    init(_ source: any ByteSource) throws(PackageScanError) {
        input = InputBuffer(source)
        guard let context = ZSTD_createDStream() else { throw input.broken("zstd", "libzstd does not start") }
        self.context = context
    }

    deinit { ZSTD_freeDStream(context) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos < output.size {
            let available = try input.available()
            var chunk = ZSTD_inBuffer(src: available.baseAddress, size: available.count, pos: 0)
            let before = output.pos
            let hint = ZSTD_decompressStream(context, &output, &chunk)
            if ZSTD_isError(hint) != 0 {
                throw input.broken("zstd", String(cString: ZSTD_getErrorName(hint)))
            }
            input.consume(chunk.pos)
            if chunk.pos > 0 || output.pos > before { inFrame = hint != 0 }
            if available.isEmpty, output.pos == before {
                if inFrame { throw input.broken("zstd", "it is cut short") }
                break
            }
        }
        return output.pos
    }
}
