/// The compressions that apt's lists come in; the file's name says which.
package enum Compression: String, CaseIterable, Sendable {
    case none = ""
    case lz4 = ".lz4"
    case zstd = ".zst"
    case gzip = ".gz"
    case xz = ".xz"
    case bzip2 = ".bz2"
    case lzma = ".lzma"

    /// The compression that a file's name ends in.
    package init(of name: String) {
        self = Self.allCases.dropFirst().first { name.hasSuffix($0.rawValue) } ?? .none
    }

    /// The plain bytes of a compressed source, in pieces; memory stays bounded whatever the input.
    package func decompressing(_ source: any ByteSource) throws(PackageScanError) -> any ByteSource {
        switch self {
        case .none: source
        case .gzip: try GzipSource(source)
        case .xz, .lzma: try XZSource(source)
        case .bzip2: try Bzip2Source(source)
        case .lz4: try LZ4Source(source)
        case .zstd: try ZstdSource(source)
        }
    }
}

/// Compressed bytes that are waiting to be decoded.
final class InputBuffer {
    private let source: any ByteSource
    private let storage: UnsafeMutableRawBufferPointer
    private(set) var position = 0
    private(set) var count = 0

    init(_ source: any ByteSource) {
        self.source = source
        storage = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit { storage.deallocate() }

    var path: String { source.path }

    /// The bytes that are not consumed yet; empty only at the end of the source.
    func available() throws(PackageScanError) -> UnsafeRawBufferPointer {
        if position == count {
            position = 0
            count = try source.read(into: storage)
        }
        return UnsafeRawBufferPointer(rebasing: storage[position..<count])
    }

    func consume(_ bytes: Int) { position += bytes }

    /// The error of input that ends in the middle or is not what its name says.
    func broken(_ format: String, _ reason: String) -> PackageScanError {
        .malformed(path: path, line: 0, reason: "it is not whole \(format) data (\(reason)); fetch the lists again")
    }
}
