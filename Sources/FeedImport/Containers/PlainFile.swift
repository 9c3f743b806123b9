import Glibc

/// A file that holds one document, plain or compressed.
public enum PlainFile {
    /// Calls back with the document's bytes, which live only during the call.
    ///
    /// - Parameters:
    ///   - path: the file; gzip, xz, zstd, bzip2 or a zip of one entry are unpacked in memory.
    /// - Throws: ``ImportError`` where the file cannot be read, is damaged, is beyond ``ImportLimits`` or holds several
    ///   documents; and what `body` throws.
    public static func with<Result>(
        path: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        var result: Result?
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        try Container(limits: ImportLimits(), scratch: folder).documents(of: path, name: path) { bytes, place, _ in
            guard result == nil else { throw ImportError(.refused, "\(place): there is more than one document") }
            result = try body(bytes)
        }
        guard let result else { throw ImportError(.refused, "\(path) holds no document") }
        return result
    }
}
