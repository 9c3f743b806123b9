public import Digest
import Timestamps
import Versions

/// What all feeds say, in one file that is read where it lies: opening checks its header, and every later access its own bounds.
///
/// A damaged file is an error and never a crash. ``verify()`` reads all of it against its digest.
public final class Catalogue: @unchecked Sendable {
    // Sendable: the bytes never change while the object lives, nothing else is mutable, and `release` runs once, at its end.
    private let bytes: UnsafeRawBufferPointer
    private let release: @Sendable () -> Void
    private let sections: [Range<Int>]
    /// The names of all streams, with their rows.
    let streamRows: [String: Int]

    /// Opens a catalogue in memory that stays as it is until `release` is called.
    ///
    /// - Parameters:
    ///   - bytes: the whole file, such as a mapping of it.
    ///   - release: called when the catalogue is no longer used, also when opening fails.
    public init(_ bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) throws(CatalogueError) {
        do throws(CatalogueError) {
            let sections = try Self.sections(of: bytes)
            self.sections = sections
            self.bytes = bytes
            self.streamRows = try Self.streams(bytes, sections)
            self.release = release
        } catch {
            release()
            throw error
        }
    }

    /// Opens a catalogue from a copy of its bytes.
    public convenience init(_ bytes: [UInt8]) throws(CatalogueError) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 8)
        copy.copyBytes(from: bytes)
        // The address as a number: a pointer cannot go into a sendable closure.
        let address = UInt(bitPattern: copy.baseAddress)
        try self.init(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[0..<bytes.count])) {
            UnsafeMutableRawPointer(bitPattern: address)?.deallocate()
        }
    }

    deinit { release() }

    private static func sections(of bytes: UnsafeRawBufferPointer) throws(CatalogueError) -> [Range<Int>] {
        let count = CatalogueLayout.Section.allCases.count
        let header = CatalogueLayout.bodyOffset
        guard bytes.count >= header, bytes.prefix(8).elementsEqual(CatalogueLayout.magic) else {
            throw .notACatalogue("it does not start like one")
        }
        func number(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let version = UInt32(truncatingIfNeeded: number(8))
        guard version == CatalogueLayout.version, number(12) & 0xFFFF_FFFF == UInt64(count) else {
            throw .notACatalogue("its layout is version \(version), not \(CatalogueLayout.version)")
        }
        guard number(16) == UInt64(bytes.count) else {
            throw .damaged("it has \(bytes.count) bytes and says that it has \(number(16))")
        }
        let table = CatalogueLayout.headerBytes
        var digest = SHA256()
        digest.update(UnsafeRawBufferPointer(rebasing: bytes[0..<table - 32]))
        digest.update(UnsafeRawBufferPointer(rebasing: bytes[table..<header]))
        guard digest.finalize().bytes.elementsEqual(bytes[(table - 32)..<table]) else {
            throw .damaged("its header does not have its digest")
        }
        var sections: [Range<Int>] = []
        for section in CatalogueLayout.Section.allCases {
            let entry = table + section.rawValue * CatalogueLayout.entryBytes
            let (offset, length) = (number(entry), number(entry + 8))
            guard offset <= UInt64(bytes.count), length <= UInt64(bytes.count) - offset else {
                throw .damaged("the section \(section) lies outside of the file")
            }
            guard section.width == 0 || length % UInt64(section.width * 4) == 0 else {
                throw .damaged("the section \(section) has a broken row")
            }
            sections.append(Int(offset)..<Int(offset + length))
        }
        return sections
    }

    private static func streams(
        _ bytes: UnsafeRawBufferPointer, _ sections: [Range<Int>]
    ) throws(CatalogueError) -> [String: Int] {
        let reader = CatalogueReader(bytes: bytes, sections: sections)
        var rows: [String: Int] = [:]
        for row in 0..<reader.rows(.streams) { rows[try reader.string(reader.word(.streams, row, 0))] = row }
        return rows
    }

    /// Reads the whole file against its digest.
    public func verify() throws(CatalogueError) {
        let start = (CatalogueLayout.bodyOffset + 7) & ~7
        guard bytes.count >= start else { throw .damaged("it ends in its header") }
        let digest = SHA256.hash(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        guard digest.bytes.elementsEqual(bytes[24..<56]) else { throw .damaged("its content does not have its digest") }
    }

    /// The digest of its content: two catalogues with the same one say the same.
    public var digest: SHA256Digest {
        SHA256Digest(bytes: bytes[24..<56]) ?? SHA256.hash([])
    }

    var reader: CatalogueReader { CatalogueReader(bytes: bytes, sections: sections) }
}

/// Reads rows; every access is checked.
struct CatalogueReader {
    typealias Section = CatalogueLayout.Section

    fileprivate let bytes: UnsafeRawBufferPointer
    fileprivate let sections: [Range<Int>]

    func rows(_ section: Section) -> Int {
        let bytes = sections[section.rawValue].count
        let rows = bytes / (section.width * 4)
        return section == .stringOffsets ? max(0, rows - 1) : rows
    }

    @inline(__always)
    func word(_ section: Section, _ row: Int, _ column: Int) throws(CatalogueError) -> UInt32 {
        let range = sections[section.rawValue]
        let offset = (row * section.width + column) * 4
        guard row >= 0, offset + 4 <= range.count else {
            throw .damaged("row \(row) of \(section) is outside of it")
        }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound + offset, as: UInt32.self))
    }

    func long(_ section: Section, _ row: Int, _ column: Int) throws(CatalogueError) -> UInt64 {
        UInt64(try word(section, row, column)) | UInt64(try word(section, row, column + 1)) << 32
    }

    func date(_ section: Section, _ row: Int, _ column: Int) throws(CatalogueError) -> Timestamp {
        Timestamp(milliseconds: Int64(bitPattern: try long(section, row, column)))
    }

    func list(_ section: Section, _ row: Int, _ column: Int) throws(CatalogueError) -> CatalogueList {
        CatalogueList(first: try word(section, row, column), count: try word(section, row, column + 1))
    }

    private func slice(
        _ section: Section, _ offset: Int, _ length: Int
    ) throws(CatalogueError) -> UnsafeRawBufferPointer {
        let range = sections[section.rawValue]
        guard offset >= 0, length >= 0, offset <= range.count, length <= range.count - offset else {
            throw .damaged("\(length) bytes at \(offset) of \(section) are outside of it")
        }
        return UnsafeRawBufferPointer(
            rebasing: bytes[(range.lowerBound + offset)..<(range.lowerBound + offset + length)])
    }

    func stringBytes(_ index: UInt32) throws(CatalogueError) -> UnsafeRawBufferPointer {
        let start = Int(try word(.stringOffsets, Int(index), 0))
        let end = Int(try word(.stringOffsets, Int(index) + 1, 0))
        return try slice(.stringBytes, start, end - start)
    }

    func string(_ index: UInt32) throws(CatalogueError) -> String {
        String(decoding: try stringBytes(index), as: UTF8.self)
    }

    func text(_ list: CatalogueList) throws(CatalogueError) -> String {
        String(decoding: try slice(.texts, Int(list.first), Int(list.count)), as: UTF8.self)
    }

    func strings(_ list: CatalogueList) throws(CatalogueError) -> [String] {
        var strings: [String] = []
        for row in list.rows { strings.append(try string(try word(.words, row, 0))) }
        return strings
    }

    /// The key of a bound; nil where the scheme makes none.
    func key(ofBound row: Int) throws(CatalogueError) -> UnsafeRawBufferPointer? {
        let length = try word(.bounds, row, 2)
        guard length != CatalogueLayout.noKey else { return nil }
        return try slice(.keyBytes, Int(try word(.bounds, row, 1)), Int(length))
    }

    func version(ofBound row: Int) throws(CatalogueError) -> String { try string(try word(.bounds, row, 0)) }

    /// The index of a string; nil where it is not in the table.
    func index(of string: String) throws(CatalogueError) -> UInt32? {
        var string = string
        var (low, high) = (0, rows(.stringOffsets))
        while low < high {
            let middle = (low + high) / 2
            let bytes = try stringBytes(UInt32(middle))
            let order = string.withUTF8 { Self.order(bytes, UnsafeRawBufferPointer($0)) }
            if order == 0 { return UInt32(middle) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The first row of a sorted section whose leading words are not before these.
    func lowerBound(_ section: Section, _ words: [UInt32], in range: Range<Int>? = nil) throws(CatalogueError) -> Int {
        var (low, high) = (range?.lowerBound ?? 0, range?.upperBound ?? rows(section))
        while low < high {
            let middle = (low + high) / 2
            var isBefore = false
            for (column, word) in words.enumerated() {
                let value = try self.word(section, middle, column)
                if value == word { continue }
                isBefore = value < word
                break
            }
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }

    static func order(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let common = min(a.count, b.count)
        var index = 0
        while index + 8 <= common {
            let left = UInt64(bigEndian: a.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let right = UInt64(bigEndian: b.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if left != right { return left < right ? -1 : 1 }
            index += 8
        }
        while index < common {
            if a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
            index += 1
        }
        return a.count < b.count ? -1 : a.count > b.count ? 1 : 0
    }
}
