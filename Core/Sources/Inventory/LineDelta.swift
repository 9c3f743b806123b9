public import Digest

/// What turns one acknowledged ``LineDocument`` into the next: lines removed and lines added.
///
/// Bytes: the header `fettle delta 1`, a line `=` with the digest of the base, then `-line` and `+line`.
/// The receiver applies it to the base it holds and recomputes the digest, so a wrong delta cannot pass.
public struct LineDelta: Hashable, Sendable {
    /// The digest of the document it applies to.
    public let base: SHA256Digest
    /// Lines of the base that are gone.
    public let removed: [String]
    /// Lines that are new.
    public let added: [String]

    static let header = "fettle delta 1"

    /// The delta from `old` to `new`.
    public init(from old: LineDocument, to new: LineDocument) {
        let before = Set(old.lines)
        let after = Set(new.lines)
        self.base = old.digest
        self.removed = old.lines.filter { !after.contains($0) }
        self.added = new.lines.filter { !before.contains($0) }
    }

    /// The bytes to send.
    public var bytes: [UInt8] {
        var text = "\(Self.header)\n=\(base.hex)\n"
        for line in removed { text += "-\(line)\n" }
        for line in added { text += "+\(line)\n" }
        return Array(text.utf8)
    }

    /// Reads received bytes.
    ///
    /// - Throws: ``LineDocumentError`` with the line's number.
    public init(parsing bytes: [UInt8], limits: LineDocument.Limits = .standard) throws(LineDocumentError) {
        guard bytes.count <= limits.bytes, bytes.last == lineFeed,
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw LineDocumentError(line: 0, problem: "is too large, cut short or not UTF-8")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard lines.first.map(String.init) == Self.header else {
            throw LineDocumentError(line: 1, problem: "is not the header \"\(Self.header)\"")
        }
        guard lines.count >= 2, lines[1].first == "=", let base = SHA256Digest(hex: String(lines[1].dropFirst()))
        else {
            throw LineDocumentError(line: 2, problem: "is not \"=\" and the digest of the base")
        }
        var removed: [String] = []
        var added: [String] = []
        for (index, line) in lines.enumerated().dropFirst(2) {
            switch line.utf8.first {
            case UInt8(ascii: "-"): removed.append(String(line.dropFirst()))
            case UInt8(ascii: "+"): added.append(String(line.dropFirst()))
            default: throw LineDocumentError(line: index + 1, problem: "begins with neither \"-\" nor \"+\"")
            }
        }
        guard removed.count + added.count <= limits.lines else {
            throw LineDocumentError(line: 0, problem: "has more than \(limits.lines) lines")
        }
        self.base = base
        self.removed = removed
        self.added = added
    }

    /// The document after the change.
    ///
    /// - Throws: ``LineDocumentError`` where `document` is not the base or lacks a removed line.
    public func applied(to document: LineDocument) throws(LineDocumentError) -> LineDocument {
        guard document.digest == base else {
            throw LineDocumentError(line: 2, problem: "names another base than the one it is applied to")
        }
        var lines = Set(document.lines)
        for line in removed {
            guard lines.remove(line) != nil else {
                throw LineDocumentError(line: 0, problem: "removes a line that the base does not have: \(line)")
            }
        }
        lines.formUnion(added)
        // Parsed again, so that added lines meet the same rules as uploaded ones.
        let built = LineDocument(header: document.header, lines: lines)
        return try LineDocument(parsing: built.bytes, header: document.header)
    }
}
