/// Selects hosts by their labels, in the syntax of Kubernetes' selectors: `site=berlin,tier in (web, api),!canary`.
///
/// All requirements must hold. The empty selector selects every host.
public struct LabelSelector: Sendable, Hashable, CustomStringConvertible {
    /// One condition on one label.
    public enum Requirement: Sendable, Hashable {
        /// `key in (a, b)`; `key=a` is the same with one value.
        case isIn(key: String, values: [String])
        /// `key notin (a, b)`; also true of hosts without the label.
        case isNotIn(key: String, values: [String])
        /// `key`: the host has the label.
        case exists(key: String)
        /// `!key`: it has not.
        case isAbsent(key: String)
    }

    /// What must hold.
    public let requirements: [Requirement]

    /// The most bytes of a selector's text.
    public static let maximumBytes = 2048

    /// A selector with these requirements.
    public init(_ requirements: [Requirement] = []) {
        self.requirements = requirements
    }

    /// Reads a selector.
    ///
    /// - Throws: ``LabelSelectorError`` that names the place and what may stand there.
    public init(_ text: String) throws(LabelSelectorError) {
        var reader = SelectorReader(text)
        self.requirements = try reader.requirements()
    }

    /// Whether a host with those labels is selected.
    public func selects(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .isIn(let key, let values): labels[key].map(values.contains) ?? false
            case .isNotIn(let key, let values): !(labels[key].map(values.contains) ?? false)
            case .exists(let key): labels[key] != nil
            case .isAbsent(let key): labels[key] == nil
            }
        }
    }

    /// The selector as it may be read again.
    public var description: String {
        requirements.map { requirement in
            switch requirement {
            case .isIn(let key, let values) where values.count == 1: "\(key)=\(values[0])"
            case .isIn(let key, let values): "\(key) in (\(values.joined(separator: ",")))"
            case .isNotIn(let key, let values) where values.count == 1: "\(key)!=\(values[0])"
            case .isNotIn(let key, let values): "\(key) notin (\(values.joined(separator: ",")))"
            case .exists(let key): key
            case .isAbsent(let key): "!\(key)"
            }
        }.joined(separator: ",")
    }
}

/// Why a selector cannot be read.
public struct LabelSelectorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The byte at fault, from 0.
    public let offset: Int
    /// What was expected there.
    public let expected: String

    public var description: String {
        "label selector, character \(offset + 1): \(expected); write for example site=berlin,tier in (web,api),!canary"
    }
}

/// Reads the grammar byte by byte.
private struct SelectorReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func requirements() throws(LabelSelectorError) -> [LabelSelector.Requirement] {
        guard bytes.count <= LabelSelector.maximumBytes else {
            throw LabelSelectorError(
                offset: LabelSelector.maximumBytes, expected: "it ends before \(LabelSelector.maximumBytes) bytes")
        }
        var result: [LabelSelector.Requirement] = []
        skipBlanks()
        if position == bytes.count { return result }
        while true {
            result.append(try requirement())
            skipBlanks()
            if position == bytes.count { return result }
            guard take(",") else { throw fail("a comma between requirements") }
            skipBlanks()
        }
    }

    private mutating func requirement() throws(LabelSelectorError) -> LabelSelector.Requirement {
        if take("!") {
            skipBlanks()
            return .isAbsent(key: try word("a label's name", isKey: true))
        }
        let key = try word("a label's name", isKey: true)
        skipBlanks()
        if take("!=") { return .isNotIn(key: key, values: [try value()]) }
        if take("==") || take("=") { return .isIn(key: key, values: [try value()]) }
        if position == bytes.count || bytes[position] == UInt8(ascii: ",") { return .exists(key: key) }
        if take("notin") { return .isNotIn(key: key, values: try values()) }
        if take("in") { return .isIn(key: key, values: try values()) }
        throw fail("=, !=, in (…), notin (…) or a comma")
    }

    private mutating func value() throws(LabelSelectorError) -> String {
        skipBlanks()
        if position == bytes.count || bytes[position] == UInt8(ascii: ",") { return "" }
        return try word("a label's value", isKey: false)
    }

    private mutating func values() throws(LabelSelectorError) -> [String] {
        skipBlanks()
        guard take("(") else { throw fail("( and the values") }
        var result: [String] = []
        repeat {
            skipBlanks()
            // Kubernetes reads what is not there as the empty value.
            let isEmpty = position < bytes.count && [UInt8(ascii: ","), UInt8(ascii: ")")].contains(bytes[position])
            result.append(isEmpty ? "" : try word("a label's value", isKey: false))
            skipBlanks()
        } while take(",")
        guard take(")") else { throw fail("a comma or )") }
        return result
    }

    private mutating func word(_ what: String, isKey: Bool) throws(LabelSelectorError) -> String {
        let start = position
        while position < bytes.count, isWordByte(bytes[position], isKey: isKey) { position += 1 }
        guard position > start else { throw fail(what) }
        guard position - start <= 253 else { throw fail("\(what) of at most 253 bytes") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func isWordByte(_ byte: UInt8, isKey: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        case UInt8(ascii: "/"): isKey
        default: false
        }
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private mutating func take(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    private func fail(_ expected: String) -> LabelSelectorError {
        LabelSelectorError(offset: position, expected: "expected \(expected)")
    }
}
