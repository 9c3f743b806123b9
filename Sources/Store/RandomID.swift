/// Names that nobody can guess: 128 bits from the system's cryptographic source, as 26 characters of Crockford's base 32.
public enum RandomID {
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// A new one; the prefix says what it names: `h` gives `h-3v9…`.
    public static func make(_ prefix: String) -> String {
        var value = UInt128.random(in: 0...UInt128.max)
        var characters: [UInt8] = []
        for _ in 0..<26 {
            characters.append(digits[Int(value & 31)])
            value >>= 5
        }
        return "\(prefix)-" + String(decoding: characters, as: UTF8.self)
    }
}
