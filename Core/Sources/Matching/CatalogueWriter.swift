import Digest
import Versions

extension CatalogueBuilder {
    /// The catalogue's file.
    ///
    /// - Throws: ``CatalogueError/tooLarge(_:)``.
    public consuming func bytes() throws(CatalogueError) -> [UInt8] {
        var writer = CatalogueWriter(self)
        return try writer.file()
    }
}

/// Sorts what a builder collected, and writes the sections.
struct CatalogueWriter {
    typealias Section = CatalogueLayout.Section

    var builder: CatalogueBuilder
    var sections: [[UInt8]]
    /// A string's place in the sorted table, by its number in the builder.
    var rank: [UInt32] = []
    var sorted: [String] = []
    var boundRows: [Bound: UInt32] = [:]

    struct Bound: Hashable {
        var scheme: UInt32
        var version: UInt32
    }

    /// Where each record of the builder went.
    var unitedNumber: [UInt32] = []
    var wordLists: [[UInt32]: UInt32] = [:]

    init(_ builder: consuming CatalogueBuilder) {
        self.builder = builder
        sections = [[UInt8]](repeating: [], count: Section.allCases.count)
    }

    mutating func file() throws(CatalogueError) -> [UInt8] {
        writeStrings()
        writeBounds()
        let advisories = unitedAdvisories()
        let packagesOfAdvisory = writeStatements(advisories)
        writeGroups(advisories, packagesOfAdvisory)
        writeFeeds(advisories)
        for section in Section.allCases where sections[section.rawValue].count > CatalogueLayout.maximumSection {
            throw .tooLarge("the section \(section) has \(sections[section.rawValue].count) bytes")
        }
        return assemble()
    }

    // MARK: Strings and bounds

    mutating func writeStrings() {
        let order = builder.strings.indices.sorted {
            builder.strings[$0].utf8.lexicographicallyPrecedes(builder.strings[$1].utf8)
        }
        rank = [UInt32](repeating: 0, count: order.count)
        sorted = order.map { builder.strings[$0] }
        for (place, number) in order.enumerated() { rank[number] = UInt32(place) }
        var bytes: [UInt8] = []
        for string in sorted {
            append(UInt32(truncatingIfNeeded: bytes.count), to: .stringOffsets)
            bytes.append(contentsOf: string.utf8)
        }
        append(UInt32(truncatingIfNeeded: bytes.count), to: .stringOffsets)
        sections[Section.stringBytes.rawValue] = bytes
    }

    mutating func writeBounds() {
        var bounds: Set<Bound> = []
        for statement in builder.statements {
            if let fixed = statement.fixed {
                bounds.insert(Bound(scheme: ranked(statement.fixedScheme), version: ranked(fixed)))
            }
            for range in statement.ranges {
                for version in [range.lower, range.upper] {
                    if let version { bounds.insert(Bound(scheme: ranked(range.scheme), version: ranked(version))) }
                }
            }
        }
        var keys: [UInt8] = []
        for (row, bound) in bounds.sorted(by: { ($0.scheme, $0.version) < ($1.scheme, $1.version) }).enumerated() {
            boundRows[bound] = UInt32(row)
            let version = sorted[Int(bound.version)]
            append(bound.version, to: .bounds)
            if let key = VersionOrder.key(version, scheme: sorted[Int(bound.scheme)]) {
                append(UInt32(truncatingIfNeeded: keys.count), to: .bounds)
                append(UInt32(key.bytes.count), to: .bounds)
                keys.append(contentsOf: key.bytes)
            } else {
                append(0, to: .bounds)
                append(CatalogueLayout.noKey, to: .bounds)
            }
        }
        sections[Section.keyBytes.rawValue] = keys
    }

    // MARK: The file

    mutating func assemble() -> [UInt8] {
        var table: [UInt8] = []
        var offset = (CatalogueLayout.bodyOffset + 7) & ~7
        let start = offset
        var digest = SHA256()
        var size = offset
        for section in sections {
            withUnsafeBytes(of: UInt64(offset).littleEndian) { table.append(contentsOf: $0) }
            withUnsafeBytes(of: UInt64(section.count).littleEndian) { table.append(contentsOf: $0) }
            offset = (offset + section.count + 7) & ~7
            size = offset
        }
        var file: [UInt8] = []
        file.reserveCapacity(size)
        file += [UInt8](repeating: 0, count: start)
        for index in sections.indices {
            file += sections[index]
            sections[index] = []
            file += [UInt8](repeating: 0, count: (8 - file.count % 8) % 8)
        }
        file.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        var header = CatalogueLayout.magic
        withUnsafeBytes(of: CatalogueLayout.version.littleEndian) { header.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(Section.allCases.count).littleEndian) { header.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(size).littleEndian) { header.append(contentsOf: $0) }
        header += digest.finalize().bytes
        header += SHA256.hash(header + table).bytes
        file.replaceSubrange(0..<header.count, with: header)
        file.replaceSubrange(header.count..<header.count + table.count, with: table)
        return file
    }
}
