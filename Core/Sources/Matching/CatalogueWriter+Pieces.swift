import Feeds
import Timestamps

// Words, lists and texts.
extension CatalogueWriter {
    func ranked(_ number: UInt32) -> UInt32 { rank[Int(number)] }
    func ranked(_ string: String) -> UInt32 { rank[Int(builder.number(of: string))] }
    func ranked(_ severity: CatalogueBuilder.CompactSeverity) -> CatalogueBuilder.CompactSeverity {
        CatalogueBuilder.CompactSeverity(
            type: ranked(severity.type), score: ranked(severity.score), scorer: ranked(severity.scorer))
    }

    mutating func words(_ list: [UInt32]) -> CatalogueList {
        shared(list, .words)
    }

    mutating func numbers(_ list: [UInt32]) -> CatalogueList {
        shared(list, .numbers)
    }

    /// Lists that are equal are written once.
    mutating func shared(_ list: [UInt32], _ section: Section) -> CatalogueList {
        guard !list.isEmpty else { return .none }
        let key = list + [UInt32(section.rawValue)]
        let count = UInt32(list.count)
        if let first = wordLists[key] { return CatalogueList(first: first, count: count) }
        let first = UInt32(sections[section.rawValue].count / 4)
        for word in list { append(word, to: section) }
        wordLists[key] = first
        return CatalogueList(first: first, count: count)
    }

    mutating func write(_ severities: [CatalogueBuilder.CompactSeverity]) -> CatalogueList {
        let list = list(.severities, severities.count)
        for severity in severities {
            for word in [severity.type, severity.score, severity.scorer] { append(word, to: .severities) }
        }
        return list
    }

    func list(_ section: Section, _ count: Int) -> CatalogueList {
        guard count > 0 else { return .none }
        return CatalogueList(
            first: UInt32(truncatingIfNeeded: sections[section.rawValue].count / 4 / section.width),
            count: UInt32(count))
    }

    mutating func text(_ text: String) -> CatalogueList {
        guard !text.isEmpty else { return .none }
        let first = sections[Section.texts.rawValue].count
        sections[Section.texts.rawValue].append(contentsOf: text.utf8)
        return CatalogueList(first: UInt32(truncatingIfNeeded: first), count: UInt32(text.utf8.count))
    }

    func word(_ section: Section, _ row: Int, _ column: Int) -> UInt32 {
        sections[section.rawValue].withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: (row * section.width + column) * 4, as: UInt32.self))
        }
    }

    mutating func append(_ word: UInt32, to section: Section) {
        withUnsafeBytes(of: word.littleEndian) { sections[section.rawValue].append(contentsOf: $0) }
    }

    static func words(_ value: UInt64) -> [UInt32] {
        [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
    }

    static func date(_ date: Timestamp?) -> [UInt32] {
        words(UInt64(bitPattern: date?.milliseconds ?? 0))
    }
}
