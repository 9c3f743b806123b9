import CArchive
import Crypto
import Glibc

/// What a file is wrapped in, by its first bytes.
enum ContainerFormat: String, Sendable {
    case plain, zip, gzip, xz, zstd, bzip2, tar

    /// Looks at the first bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        func starts(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.count && magic.indices.allSatisfy { bytes[offset + $0] == magic[$0] }
        }
        if starts([0x50, 0x4B, 0x03, 0x04]) || starts([0x50, 0x4B, 0x05, 0x06]) {
            self = .zip
        } else if starts([0x1F, 0x8B]) {
            self = .gzip
        } else if starts([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
            self = .xz
        } else if starts([0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else if starts(Array("BZh".utf8)) {
            self = .bzip2
        } else if starts(Array("ustar".utf8), at: 257) {
            self = .tar
        } else {
            self = .plain
        }
    }
}

/// Opens what feeds come in (zip, tar, gzip, xz, zstd, bzip2, one in another) and gives out the documents, one at a time.
///
/// Nothing is unpacked to a named file: an entry's name is only what a document is called. Everything is bounded by
/// ``ImportLimits``; what is over them, cut short or damaged is refused as a whole.
final class Container {
    private let limits: ImportLimits
    private let scratch: String
    private var entries = 0
    private var total: Int64 = 0
    /// Bytes that went in, of which the ratio counts.
    private var source: Int64 = 0

    /// - Parameter scratch: a folder for documents that are too large for memory.
    init(limits: ImportLimits, scratch: String) {
        self.limits = limits
        self.scratch = scratch
    }

    /// A document: its bytes live only during the call.
    typealias Take = (_ bytes: UnsafeRawBufferPointer, _ place: String, _ isAlone: Bool) throws -> Void

    /// Gives out the documents of a file.
    ///
    /// - Parameter take: takes a document; `isAlone` where the file is nothing but that document.
    func documents(of path: String, name: String, _ take: Take) throws {
        try MappedBytes.with(path: path) { bytes in
            source += Int64(bytes.count)
            guard !bytes.isEmpty else { throw ImportError(.refused, "\(name) is empty") }
            try documents(in: bytes, name: name, nesting: 0, isAlone: true, take)
        }
    }

    private func documents(
        in bytes: UnsafeRawBufferPointer, name: String, nesting: Int, isAlone: Bool, _ take: Take
    ) throws {
        let format = ContainerFormat(bytes)
        guard format != .plain else { return try take(bytes, name, isAlone) }
        guard nesting < limits.maximumNesting else {
            throw ImportError(.refused, "\(name): archives lie in archives more than \(nesting) deep")
        }
        guard let archive = archive_read_new() else { throw ImportError(.file, "libarchive has no memory") }
        defer { archive_read_free(archive) }
        switch format {
        case .zip: archive_read_support_format_zip_seekable(archive)
        case .tar: archive_read_support_format_tar(archive)
        default:
            // One filter, and below it a tar or anything. The raw format takes what no other does.
            archive_read_support_format_tar(archive)
            archive_read_support_format_raw(archive)
            switch format {
            case .xz: archive_read_support_filter_xz(archive)
            case .zstd: archive_read_support_filter_zstd(archive)
            case .bzip2: archive_read_support_filter_bzip2(archive)
            default: break
            }
        }
        // libarchive does not compare gzip's checksum, so zlib inflates it.
        let inflated = format == .gzip ? GzipInput(bytes) : nil
        defer { withExtendedLifetime(inflated) {} }
        let code =
            inflated?.open(archive) ?? archive_read_open_memory(archive, bytes.baseAddress, bytes.count)
        guard code == ARCHIVE_OK else { throw broken(archive, name, format) }
        let first = entries
        let spool = Spool(limit: limits.maximumInMemory, folder: scratch)
        var entry: OpaquePointer?
        while true {
            let code = archive_read_next_header(archive, &entry)
            if code == ARCHIVE_EOF {
                guard entries > first else { throw ImportError(.refused, "\(name) holds nothing") }
                break
            }
            guard code == ARCHIVE_OK || code == ARCHIVE_WARN, let entry else { throw broken(archive, name, format) }
            entries += 1
            guard entries <= limits.maximumEntries else {
                throw ImportError(.refused, "\(name) has more than \(limits.maximumEntries) entries")
            }
            // Folders, links and devices are no documents.
            guard archive_entry_filetype(entry) & S_IFMT == S_IFREG || archive_format(archive) == ARCHIVE_FORMAT_RAW
            else {
                continue
            }
            if archive_entry_is_data_encrypted(entry) != 0 {
                throw ImportError(.refused, "\(name) is encrypted")
            }
            let isStream = archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_RAW
            let inner = isStream ? Self.withoutSuffix(name) : "\(name)/\(Self.entryName(entry))"
            try fill(spool, from: archive, inner, format)
            try spool.withBytes { document in
                guard !document.isEmpty else {
                    if isStream { throw ImportError(.refused, "\(name) holds nothing") }
                    return try take(document, inner, false)
                }
                try documents(
                    in: document, name: inner, nesting: nesting + 1, isAlone: isAlone && isStream, take)
            }
        }
    }

    private func fill(
        _ spool: Spool, from archive: OpaquePointer, _ name: String, _ format: ContainerFormat
    ) throws {
        spool.reset()
        var block: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        while true {
            let code = archive_read_data_block(archive, &block, &size, &offset)
            if code == ARCHIVE_EOF { return }
            // A warning is a checksum that differs, too.
            guard code == ARCHIVE_OK else { throw broken(archive, name, format) }
            guard offset == spool.count else {
                throw ImportError(.refused, "\(name) has holes, as no feed has")
            }
            total += Int64(size)
            guard total <= limits.maximumTotal, total <= source * limits.maximumRatio + limits.ratioAllowance else {
                throw ImportError(
                    .refused,
                    """
                    \(name): \(source) bytes grow to more than \(total), beyond what a feed does (a decompression bomb?); \
                    nothing of it was taken
                    """)
            }
            guard spool.count + Int64(size) <= limits.maximumDocument else {
                throw ImportError(.refused, "\(name) is larger than \(limits.maximumDocument) bytes")
            }
            try spool.append(UnsafeRawBufferPointer(start: block, count: size))
        }
    }

    private func broken(_ archive: OpaquePointer, _ name: String, _ format: ContainerFormat) -> ImportError {
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "it is cut short"
        return ImportError(
            .refused, "\(name) is not whole \(format.rawValue) data (\(reason)); fetch it again")
    }

    private static func entryName(_ entry: OpaquePointer) -> String {
        guard let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry) else { return "(no name)" }
        return String(
            String(decoding: UnsafeRawBufferPointer(start: name, count: strlen(name)), as: UTF8.self).prefix(256))
    }

    private static func withoutSuffix(_ name: String) -> String {
        for suffix in [".gz", ".xz", ".zst", ".bz2"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }
}

extension Container {
    /// SHA-256 in hexadecimal of the only document in a file.
    func digest(of path: String) throws -> String {
        var digest: String?
        try documents(of: path, name: path) { bytes, place, _ in
            guard digest == nil else { throw ImportError(.refused, "\(place): there is more than one document") }
            digest = DurableFile.hexadecimal(SHA256.hash(data: bytes))
        }
        return digest ?? ""
    }
}
