import Foundation
import PackageManagers
import Testing

@Suite struct CompressionTests {
    static let tools: [(Compression, [String])] = [
        (.gzip, ["gzip", "-n"]), (.xz, ["xz", "-k"]), (.bzip2, ["bzip2", "-k"]), (.lz4, ["lz4", "-q", "-k"]),
        (.zstd, ["zstd", "-q", "-k"]), (.lzma, ["xz", "-k", "--format=lzma"]),
    ]

    /// Text that compresses, followed by bytes that do not.
    static func plain(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(7)
        var bytes: [UInt8] = []
        while bytes.count < count {
            bytes += Array("Package: number-\(bytes.count)\nVersion: 1.\(bytes.count)\n\n".utf8)
        }
        return bytes + (0..<count / 4).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    static func compress(_ bytes: [UInt8], _ command: [String]) throws -> [UInt8] {
        let root = try TemporaryRoot()
        try root.write("plain", bytes)
        let result = try ChildProcess.run(
            command + ["-c", "\(root.path)/plain"], environment: ["PATH": "/usr/bin:/bin"], outputLimit: 256 << 20)
        try #require(result.status == 0)
        return result.output
    }

    static func decompress(_ bytes: [UInt8], _ compression: Compression, piece: Int = 10_007) throws -> [UInt8] {
        let source = try compression.decompressing(MemorySource(bytes))
        var result: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try source.read(into: buffer)
            if count == 0 { return result }
            result += buffer[..<count]
        }
    }

    @Test(arguments: tools.map(\.0))
    func whatTheRealToolPackedComesOutWhole(_ compression: Compression) throws {
        let command = try #require(Self.tools.first { $0.0 == compression }).1
        for size in [0, 1, 1000, 3_000_000] {
            let plain = size == 0 ? [] : Self.plain(size)
            let packed = try Self.compress(plain, command)
            #expect(try Self.decompress(packed, compression) == plain)
            if size == 1000 {
                #expect(try Self.decompress(packed, compression, piece: 1) == plain)
                // Several archives one after the other are one text (lzma has no such form).
                if compression != .lzma { #expect(try Self.decompress(packed + packed, compression) == plain + plain) }
            }
        }
    }

    @Test(arguments: tools.map(\.0))
    func whatIsCutShortOrChangedIsAnError(_ compression: Compression) throws {
        let command = try #require(Self.tools.first { $0.0 == compression }).1
        let packed = try Self.compress(Self.plain(200_000), command)
        for length in [3, packed.count / 2, packed.count - 5] {
            #expect(throws: PackageScanError.self) { try Self.decompress(Array(packed[..<length]), compression) }
        }
        #expect(throws: PackageScanError.self) {
            try Self.decompress(Array("not packed at all, is it?".utf8), compression)
        }
        var changed = packed
        for index in stride(from: packed.count / 3, to: packed.count / 3 + 40, by: 1) { changed[index] ^= 0x55 }
        // lzma alone has no checksum.
        if compression != .lzma {
            #expect(throws: PackageScanError.self) { try Self.decompress(changed, compression) }
        }
    }

    @Test func anEmptyFileIsAnEmptyText() throws {
        for (compression, _) in Self.tools { #expect(try Self.decompress([], compression) == []) }
    }

    @Test func namesTellTheCompression() {
        #expect(Compression(of: "x_Packages") == .none)
        #expect(Compression(of: "x_Packages.lz4") == .lz4)
        #expect(Compression(of: "x_Packages.xz") == .xz)
        #expect(Compression(of: "x_Packages.zst") == .zstd)
    }
}
