/// What people may be called: checked once here, so that nothing that breaks lines, logs or the direction of writing gets
/// any further.
enum SubmittedText {
    /// A name to log in with: small letters, digits and `. _ - @`, beginning with a letter or digit, at most 64.
    static func userName(_ text: String) throws(Refusal) -> String {
        let bytes = Array(text.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
        }
        guard (1...64).contains(bytes.count), let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({ isAlphanumeric($0) || ".-_@".utf8.contains($0) })
        else {
            throw Refusal(
                .field(
                    "name", "it is not a name to log in with",
                    cure: "Use small letters, digits and . _ - @, beginning with a letter or digit, at most 64."))
        }
        return text
    }

    /// What somebody typed to log in, as names are stored; nil for what can be nobody's name.
    static func typedName(_ text: String) -> String? {
        let trimmed = text.utf8.count <= 128 ? text.lowercased().filter { !$0.isWhitespace } : ""
        return try? userName(trimmed)
    }

    /// A line for people to read: of any script, without control characters, at most so many.
    static func line(
        _ text: String, field: String, maximum: Int = 128, mayBeEmpty: Bool = true
    ) throws(Refusal) -> String {
        guard text.unicodeScalars.count <= maximum, mayBeEmpty || !text.isEmpty,
            text.unicodeScalars.allSatisfy(isPrintable)
        else {
            throw Refusal(
                .field(
                    field, "it is empty, too long, or has characters that cannot be shown",
                    cure: "Write one line of at most \(maximum) characters."))
        }
        return text
    }

    /// An address of mail: one `@`, no blanks; empty is none.
    static func email(_ text: String) throws(Refusal) -> String {
        let line = try line(text, field: "email", maximum: 254)
        if line.isEmpty { return line }
        let parts = line.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), !line.contains(where: \.isWhitespace),
            !line.contains("<"), !line.contains(">")
        else {
            throw Refusal(.field("email", "it is not an address of mail", cure: "Write it as name@example.org."))
        }
        return line
    }

    /// Text from outside that is only shown, such as what a browser calls itself: what cannot be shown is left out.
    static func shown(_ text: String, maximum: Int) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(4 * maximum) where isPrintable(scalar) && result.count < maximum {
            result.append(scalar)
        }
        return String(result)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
