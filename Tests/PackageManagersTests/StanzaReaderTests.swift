import PackageManagers
import Testing

@Suite struct StanzaReaderTests {
    static func stanzas(
        _ bytes: [UInt8], piece: Int = 64, limits: StanzaReader.Limits = StanzaReader.Limits()
    ) throws(PackageScanError) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var reader = StanzaReader(MemorySource(bytes), limits: limits, piece: piece)
        try reader.forEach { result.append(Array($0)) }
        return result
    }

    @Test func randomTextsAreCutAtEmptyLines() throws {
        var generator = SeededGenerator(1)
        for _ in 0..<3000 {
            let letters: [UInt8] = [0x0A, 0x0A, 0x0A, 0x61, 0x0B, 0x09, 0x3A]
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                letters.randomElement(using: &generator)!
            }
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            let expected = lines.split(whereSeparator: \.isEmpty).map { Array($0.joined(separator: [0x0A])) }
            try #require(try Self.stanzas(bytes, piece: 16) == expected)
            try #require(try Self.stanzas(bytes, piece: 4096) == expected)
        }
    }

    @Test func carriageReturnsEndLinesToo() throws {
        let text = Array("Package: a\r\nVersion: 1\r\n\r\nPackage: b\r\n".utf8)
        let stanzas = try Self.stanzas(text)
        #expect(stanzas.count == 2)
        #expect(stanzas.last.map { String(decoding: $0, as: UTF8.self) }?.hasPrefix("Package: b") == true)
    }

    @Test func longStanzasAndLongTextsAreRefused() throws {
        var limits = StanzaReader.Limits()
        limits.stanzaBytes = 1000
        let long = [UInt8](repeating: 0x61, count: 1200)
        #expect(throws: PackageScanError.self) { try Self.stanzas(long, limits: limits) }
        #expect(try Self.stanzas(Array(long.prefix(900)), limits: limits).count == 1)
        limits.bytes = 500
        #expect(throws: PackageScanError.self) { try Self.stanzas(Array(long.prefix(900)), limits: limits) }
    }
}
