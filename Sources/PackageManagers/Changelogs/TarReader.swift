/// A tar archive (ustar with GNU's long names, as dpkg-deb writes it), read once from its start.
struct TarReader {
    /// One member.
    struct Entry: Hashable {
        /// Its path, without `./` before it and a slash behind it.
        var path: String
        /// Where a symbolic link points; nil for everything else.
        var link: String?
        var isFile: Bool
        var size: Int
    }

    private let source: any ByteSource
    private var left: Int
    /// What of the current member, with its padding, is not read.
    private var pending = 0
    private var size = 0

    /// - Parameter limit: the most bytes that are unpacked before reading is given up.
    init(_ source: any ByteSource, limit: Int) {
        self.source = source
        left = limit
    }

    /// The next member; nil at the end.
    mutating func next() throws(PackageScanError) -> Entry? {
        var longName: String?
        var longLink: String?
        while true {
            try skip()
            let header = try take(512)
            // An archive ends with blocks of noughts: one that only stops was cut.
            guard !header.isEmpty else { throw bad("its data.tar is cut short") }
            if header.allSatisfy({ $0 == 0 }) { return nil }
            guard header.count == 512, Self.checksum(header), let size = Self.number(header[124..<136]) else {
                throw bad("a header of its data.tar is damaged")
            }
            self.size = size
            pending = size + (512 - size % 512) % 512
            switch header[156] {
            case UInt8(ascii: "L"): longName = Self.text(try contents(limit: 64 << 10)[...])
            case UInt8(ascii: "K"): longLink = Self.text(try contents(limit: 64 << 10)[...])
            case UInt8(ascii: "x"), UInt8(ascii: "g"): continue
            case let kind:
                var path = longName ?? Self.text(header[0..<100])
                let prefix = Self.text(header[345..<500])
                if longName == nil, header[257..<263].elementsEqual("ustar\0".utf8), !prefix.isEmpty {
                    path = "\(prefix)/\(path)"
                }
                if path.hasPrefix("./") { path.removeFirst(2) }
                while path.hasSuffix("/") { path.removeLast() }
                return Entry(
                    path: path, link: kind == UInt8(ascii: "2") ? longLink ?? Self.text(header[157..<257]) : nil,
                    isFile: kind == UInt8(ascii: "0") || kind == 0, size: size)
            }
        }
    }

    /// The bytes of the current member.
    mutating func contents(limit: Int) throws(PackageScanError) -> [UInt8] {
        guard size <= limit else { throw bad("a file in it has over \(limit >> 20) MiB") }
        let bytes = try take(size)
        guard bytes.count == size else { throw bad("it is cut short") }
        pending -= size
        return bytes
    }

    private mutating func skip() throws(PackageScanError) {
        while pending > 0 {
            let got = try take(min(pending, 256 << 10)).count
            guard got > 0 else { throw bad("it is cut short") }
            pending -= got
        }
    }

    private mutating func take(_ count: Int) throws(PackageScanError) -> [UInt8] {
        guard count <= left else { throw bad("it is too large to be searched for a changelog") }
        let bytes = try source.piece(count)
        left -= bytes.count
        return bytes
    }

    private func bad(_ reason: String) -> PackageScanError { .malformed(path: source.path, line: 0, reason: reason) }

    /// Text up to its first nought.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// An octal number; files of 8 GiB and more, which are written otherwise, are none of ours.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        Int(text(bytes).split(separator: " ").first ?? "0", radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The sum of the header's bytes with its own field taken as blanks.
    private static func checksum(_ header: [UInt8]) -> Bool {
        var sum = 8 * 32
        for (index, byte) in header.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
        return number(header[148..<156]) == sum
    }
}
