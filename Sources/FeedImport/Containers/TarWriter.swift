import CArchive
import Glibc

/// Writes a tar of files, with zstd where asked; the same files give the same bytes.
final class TarWriter {
    private let archive: OpaquePointer
    private let path: String
    private let entry: OpaquePointer
    private let buffer: UnsafeMutableRawBufferPointer

    init(_ path: String, compressed: Bool) throws {
        guard let archive = archive_write_new(), let entry = archive_entry_new() else {
            throw ImportError(.file, "libarchive has no memory")
        }
        self.archive = archive
        self.entry = entry
        self.path = path
        buffer = .allocate(byteCount: 1 << 20, alignment: 16)
        archive_write_set_format_pax_restricted(archive)
        if compressed { archive_write_add_filter_zstd(archive) }
        guard archive_write_open_filename(archive, path) == ARCHIVE_OK else { throw failure() }
    }

    deinit {
        archive_entry_free(entry)
        archive_write_free(archive)
        buffer.deallocate()
    }

    /// Adds bytes as a file.
    func add(_ name: String, _ bytes: [UInt8]) throws {
        try header(name, Int64(bytes.count))
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Adds a file.
    func add(_ name: String, file: String) throws {
        let input = open(file, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw ImportError.system("read", file) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ImportError(.refused, "\(file) is no regular file")
        }
        try header(name, Int64(status.st_size))
        var left = Int64(status.st_size)
        while left > 0 {
            let count = read(input, buffer.baseAddress, min(buffer.count, Int(left)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ImportError(.file, "\(file) changed while it was read") }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            left -= Int64(count)
        }
    }

    /// Ends the archive and syncs it.
    func finish() throws {
        guard archive_write_close(archive) == ARCHIVE_OK else { throw failure() }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw ImportError.system("written", path) }
        close(descriptor)
    }

    private func header(_ name: String, _ size: Int64) throws {
        archive_entry_clear(entry)
        archive_entry_set_pathname_utf8(entry, name)
        archive_entry_set_size(entry, size)
        archive_entry_set_filetype(entry, UInt32(S_IFREG))
        archive_entry_set_perm(entry, 0o644)
        guard archive_write_header(archive, entry) == ARCHIVE_OK else { throw failure() }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard archive_write_data(archive, bytes.baseAddress, bytes.count) == bytes.count else { throw failure() }
    }

    private func failure() -> ImportError {
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown"
        return ImportError(.file, "\(path) cannot be written: \(reason)")
    }
}
