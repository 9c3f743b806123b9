extension PythonVersion {
    private static let legacy: UInt8 = 0

    /// The order of setuptools' `parse_version` for what is no PEP 440 version: parts of letters and digits, numbers
    /// padded to eight digits and compared as text, `*final` at the end, zeros before a word left out.
    static func legacyKey(_ scanner: VersionScanner) -> VersionKey {
        var parts: [[UInt8]] = []
        func add(word: [UInt8]) {
            if word.lexicographicallyPrecedes(final) {
                while parts.last == finalHyphen { parts.removeLast() }
            }
            while parts.last == zeros { parts.removeLast() }
            parts.append(word)
        }
        var scanner = scanner
        while let byte = scanner.next {
            if isDigit(byte) {
                let digits = scanner.take(while: isDigit)
                parts.append([UInt8](repeating: 0x30, count: max(0, 8 - digits.count)) + digits)
            } else if byte == 0x2E {
                scanner.position += 1
            } else if byte == 0x2D {
                scanner.position += 1
                add(word: finalHyphen)
            } else {
                let letters = isLetter(byte)
                let word = scanner.take { other in
                    isLetter(other) == letters && !isDigit(other) && other != 0x2E && other != 0x2D
                }
                add(word: [0x2A] + replaced(word))
            }
        }
        add(word: final)

        var writer = KeyWriter(capacity: scanner.end + 8)
        writer.tag(legacy)
        for part in parts { writer.text(part[...]) }
        return writer.key
    }

    private static let zeros = [UInt8](repeating: 0x30, count: 8)
    private static let final = Array("*final".utf8)
    private static let finalHyphen = Array("*final-".utf8)

    private static func replaced(_ word: ArraySlice<UInt8>) -> [UInt8] {
        if isWord(word, "pre") || isWord(word, "preview") || isWord(word, "rc") { return [0x63] }
        if isWord(word, "dev") { return [0x40] }
        return word.map { lowercase($0) }
    }
}
