import Glibc

/// A `.deb` file, read once from its start: an ar archive (deb(5)) whose member `data.tar*` holds the files.
///
/// Nothing is unpacked to the disk and no program runs: what is inside may be hostile.
package enum PackageArchive {
    /// What reading one package may cost, in bytes.
    package struct Limits: Sendable {
        /// Of unpacked files that are passed over.
        package var unpacked = 1 << 30
        /// Of a changelog's plain text.
        package var text = 8 << 20

        package init() {}
    }

    /// A package's own changelog.
    package enum Changelog: Hashable, Sendable {
        /// Its plain text.
        case text([UInt8])
        /// It is another package's: that of `/usr/share/doc/NAME`.
        case link(String)
        /// There is none.
        case missing
    }

    /// Finds the changelog that lies in a package: `changelog.Debian.gz`, else for native packages `changelog.gz`.
    /// Notes of rebuilds (`changelog.Debian.amd64.gz`) are not it.
    ///
    /// - Throws: where the file is no package, is cut short or damaged, or exceeds a limit.
    package static func changelog(
        in source: any ByteSource, of name: String, limits: Limits = Limits()
    ) throws(PackageScanError) -> Changelog {
        let data = try dataMember(source)
        var reader = TarReader(try Compression(of: data.name).decompressing(data.source), limit: limits.unpacked)
        let folder = "usr/share/doc/\(name)"
        var native: [UInt8]?
        var link: String?
        while let entry = try reader.next() {
            if entry.path == folder, let target = entry.link { link = docPackage(target, from: "usr/share/doc") }
            guard entry.path.hasPrefix(folder + "/") else { continue }
            let file = entry.path.dropFirst(folder.utf8.count + 1)
            let isDebian = file == "changelog.Debian.gz" || file == "changelog.Debian"
            guard isDebian || file == "changelog.gz" || file == "changelog" else { continue }
            if let target = entry.link {
                // A link within the folder, to the upstream changelog for one, is none to another package.
                if isDebian || link == nil {
                    link = docPackage(target, from: folder).flatMap { $0 == name ? nil : $0 } ?? link
                }
                continue
            }
            guard entry.isFile else { continue }
            let bytes = try reader.contents(limit: limits.text)
            let text = file.hasSuffix(".gz") ? try plain(bytes, source.path, limits.text) : bytes
            if isDebian { return .text(text) }
            native = text
        }
        if let native { return .text(native) }
        return link.map { .link($0) } ?? .missing
    }

    /// Plain text of a gzip file, whole.
    package static func plain(_ bytes: [UInt8], _ path: String, _ limit: Int) throws(PackageScanError) -> [UInt8] {
        let source = try GzipSource(MemorySource(bytes, path: path))
        var text: [UInt8] = []
        while true {
            let piece = try source.piece(64 << 10)
            if piece.isEmpty { return text }
            text += piece
            guard text.count <= limit else {
                throw .malformed(path: path, line: 0, reason: "its changelog has over \(limit >> 20) MiB")
            }
        }
    }

    /// The package in whose documentation folder a link ends; nil where it ends elsewhere.
    static func docPackage(_ target: String, from folder: String) -> String? {
        var parts = target.hasPrefix("/") ? [] : folder.split(separator: "/").map(String.init)
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        guard parts.count >= 4, parts[..<3] == ["usr", "share", "doc"] else { return nil }
        return parts[3]
    }

    // MARK: ar

    private static func dataMember(
        _ source: any ByteSource
    ) throws(PackageScanError) -> (name: String, source: any ByteSource) {
        func bad(_ reason: String) -> PackageScanError {
            .malformed(path: source.path, line: 0, reason: "it is no Debian package: \(reason)")
        }
        guard try source.piece(8).elementsEqual("!<arch>\n".utf8) else {
            throw bad("it does not begin as an ar archive")
        }
        // debian-binary, control.tar, data.tar; others may stand between.
        for _ in 0..<16 {
            // Name 16, time 12, owner 6, group 6, mode 8, size 10, two bytes of end (deb(5), ar(5)).
            let header = try source.piece(60)
            guard header.count == 60, header[58] == 0x60, header[59] == 0x0A,
                let size = Int(String(decoding: header[48..<58], as: UTF8.self).trimmed), size >= 0
            else { throw bad("it has no member data.tar") }
            var name = String(decoding: header[..<16], as: UTF8.self).trimmed
            if name.hasSuffix("/") { name.removeLast() }
            let member = Slice(source, size)
            if name.hasPrefix("data.tar") { return (name, member) }
            guard !name.hasPrefix("control.tar") || size <= 64 << 20 else { throw bad("its control.tar is too large") }
            while try !member.piece(64 << 10).isEmpty {}
            guard member.left == 0 else { throw bad("it is cut short") }
            if size % 2 == 1 { _ = try source.piece(1) }
        }
        throw bad("it has too many members")
    }

    /// The next so many bytes of a source.
    private final class Slice: ByteSource {
        private let source: any ByteSource
        private(set) var left: Int
        var path: String { source.path }

        init(_ source: any ByteSource, _ count: Int) {
            self.source = source
            left = count
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(PackageScanError) -> Int {
            let wanted = min(left, buffer.count)
            guard wanted > 0 else { return 0 }
            let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            left -= got
            return got
        }
    }
}

extension ByteSource {
    /// The next bytes, fewer at the end.
    func piece(_ count: Int) throws(PackageScanError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = try bytes.withUnsafeMutableBytes { buffer in
                Result<Int, PackageScanError> { () throws(PackageScanError) in
                    try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
                }
            }.get()
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }
}
