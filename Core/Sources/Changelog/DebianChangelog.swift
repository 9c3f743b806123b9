import Digest

/// Debian's changelogs, in the form of deb-changelog(5).
public enum DebianChangelog {
    /// Reads a changelog's plain text.
    ///
    /// - Throws: ``ChangelogError`` where not even the newest entry can be read. A fault further down ends the reading there,
    ///   and what was read is marked as cut.
    public static func read(
        _ text: [UInt8], limits: ChangelogLimits = ChangelogLimits()
    ) throws(ChangelogError) -> ChangelogReading {
        var reader = Reader()
        let bytes = text.prefix(limits.bytes)
        // One entry more than is kept: whether there is one must be known.
        reader.read(bytes, entries: limits.entries + 1)
        guard let newest = reader.source, !reader.entries.isEmpty else {
            throw reader.fault ?? ChangelogError.noEntry
        }
        var reading = ChangelogReading(
            source: newest, entries: reader.entries, isCut: reader.isCut || bytes.count < text.count,
            digest: SHA256.hash(text))
        reading.bound(limits)
        return reading
    }

    /// The parts of `source (version) distributions; key=value, …`.
    struct Heading: Hashable {
        var source: String
        var version: String

        init?(_ line: ArraySlice<UInt8>) {
            // A name of letters, digits and +-. (Debian policy 5.6.1), a version without blanks in parentheses, distributions
            // and a semicolon.
            guard let first = line.first, CVEIdentifier.isLetter(first) || CVEIdentifier.isDigit(first),
                let open = line.firstIndex(of: UInt8(ascii: "(")), open > line.startIndex + 1,
                line[open - 1] == UInt8(ascii: " "), let close = line[open...].firstIndex(of: UInt8(ascii: ")")),
                line[close...].contains(UInt8(ascii: ";"))
            else { return nil }
            let name = line[..<(open - 1)].reversed().drop { $0 == UInt8(ascii: " ") }.reversed()
            let version = line[(open + 1)..<close]
            guard
                name.allSatisfy({ CVEIdentifier.isLetter($0) || CVEIdentifier.isDigit($0) || "+-.".utf8.contains($0) }),
                !version.isEmpty, version.count <= 256, name.count <= 256,
                version.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "(") })
            else { return nil }
            source = String(decoding: name, as: UTF8.self)
            self.version = String(decoding: version, as: UTF8.self)
        }
    }

    private struct Reader {
        var source: String?
        var entries: [ChangelogReading.Entry] = []
        var isCut = false
        var fault: ChangelogError?
        private var version: String?
        private var body: [ArraySlice<UInt8>] = []

        mutating func read(_ text: ArraySlice<UInt8>, entries most: Int) {
            var number = 0
            var start = text.startIndex
            while start < text.endIndex, entries.count < most {
                let end = text[start...].firstIndex(of: 0x0A) ?? text.endIndex
                let line = text[start..<end]
                start = end + 1
                number += 1
                guard take(line, number) else { return close() }
            }
            // A last entry without its trailer may lack lines.
            if version != nil, entries.count < most { isCut = true }
            close()
        }

        /// Takes a line; false where the rest cannot be read, or is not to be.
        private mutating func take(_ line: ArraySlice<UInt8>, _ number: Int) -> Bool {
            guard let first = line.first(where: { $0 != 0x0D }) else {
                if version != nil { body.append([]) }
                return true
            }
            if line.starts(with: " -- ".utf8) || line.starts(with: " --".utf8) && line.count <= 4 {
                close()
                return true
            }
            if first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") {
                if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == 0x0D }) {
                    if version != nil { body.append([]) }
                    return true
                }
                if version != nil {
                    body.append(line)
                    return true
                }
                return stop(number, "a line of changes stands outside of an entry")
            }
            if let heading = Heading(line) {
                if version != nil { isCut = true }
                close()
                if source == nil { source = heading.source }
                version = heading.version
                return true
            }
            return other(line, number)
        }

        /// What dh_installchangelogs leaves behind where it removes old entries, comments, editors' marks, and the form of before 1996.
        private mutating func other(_ line: ArraySlice<UInt8>, _ number: Int) -> Bool {
            if line.first == UInt8(ascii: "#") || line.starts(with: "/*".utf8) || line.starts(with: "$".utf8) {
                if String(decoding: line.prefix(200), as: UTF8.self).lowercased().contains("have been removed") {
                    isCut = true
                }
                return true
            }
            let text = String(decoding: line.prefix(100), as: UTF8.self).lowercased()
            if text.hasPrefix("vim:") || text.hasPrefix("local variables:") || text.hasPrefix(";;") { return false }
            // "Old Changelog:" and the entries of before 1996 have no ids, but an installed version might be there.
            return stop(number, "it is neither the heading of an entry nor part of one")
        }

        private mutating func stop(_ number: Int, _ problem: String) -> Bool {
            fault = .malformed(line: number, problem)
            isCut = true
            return false
        }

        private mutating func close() {
            guard let version else { return }
            let remark = Remark(lines: body)
            entries.append(
                ChangelogReading.Entry(
                    version: version, closes: remark.closes.sorted(), reopens: remark.reopens.sorted(),
                    isVague: remark.isVague))
            self.version = nil
            body = []
        }
    }
}
