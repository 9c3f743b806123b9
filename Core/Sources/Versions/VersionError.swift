/// Why a text is no version of a scheme, and where in it.
public struct VersionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The scheme's name.
    public let scheme: String
    /// The refused text.
    public let version: String
    /// Where the fault is, in bytes of UTF-8 from the start; equal to the length when something is missing at the end.
    public let offset: Int
    /// What is wrong and what would be right.
    public let reason: String

    /// Makes an error.
    public init(scheme: String, version: String, offset: Int, reason: String) {
        self.scheme = scheme
        self.version = version
        self.offset = offset
        self.reason = reason
    }

    /// The reason, the version, and a caret under the fault:
    ///
    ///     not a deb version: '_' is not allowed in an upstream version (letters, digits and . + - ~ : are)
    ///       1.0_1
    ///          ^
    public var description: String {
        // Anything that is not printable ASCII shows as one '?', so that the caret stands right on every terminal.
        var shown: [UInt8] = []
        var caret = 0
        var position = 0
        for scalar in version.unicodeScalars {
            if position <= offset { caret = shown.count }
            shown.append(scalar.value >= 0x20 && scalar.value < 0x7F ? UInt8(scalar.value) : 0x3F)
            position += scalar.utf8.count
        }
        if offset >= position { caret = shown.count }
        let first = max(0, caret - 40)
        let window = shown[first..<min(shown.count, caret + 40)]
        let before = first > 0 ? "..." : ""
        let after = window.endIndex < shown.count ? "..." : ""
        let blank = String(repeating: " ", count: before.utf8.count + caret - first)
        return """
            not a \(scheme) version: \(reason)
              \(before)\(String(decoding: window, as: UTF8.self))\(after)
              \(blank)^
            """
    }
}
