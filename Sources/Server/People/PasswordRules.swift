/// What a password must be like (ASVS 5.0, V6.2): long, not among those that everybody tries, not made of the user's own
/// name. What kinds of characters it has is nobody's business.
enum PasswordRules {
    /// The least characters (Unicode scalars).
    static let minimum = 12
    /// The most; a longer one is refused, never cut.
    static let maximum = 128

    /// What is wrong with a password, for whoever chose it; nil where nothing is.
    static func fault(_ password: String, userName: String, displayName: String = "") -> String? {
        let count = password.unicodeScalars.count
        guard count >= minimum else { return "it has \(count) characters; at least \(minimum) are needed" }
        guard count <= maximum else { return "it has \(count) characters; at most \(maximum) are taken" }
        guard !password.unicodeScalars.contains(where: { $0.value == 0 }) else { return "it has a NUL character" }
        if CommonPasswords.contains(password) { return "it is among the passwords that everybody tries first" }
        let folded = password.lowercased()
        if Set(folded).count < 5 { return "it is made of fewer than five different characters" }
        if isRepetition(folded) { return "it is a short text repeated" }
        if isSequence(folded) { return "it is a run along the alphabet, the digits or the keyboard" }
        var rest = folded
        for word in context(userName, displayName) { rest = rest.split(separator: word).joined() }
        if rest.unicodeScalars.count < 6 { return "little is left of it without your name and the product's" }
        return nil
    }

    private static func context(_ userName: String, _ displayName: String) -> [String] {
        var words = [userName.lowercased(), "fettle"]
        words += userName.lowercased().split(whereSeparator: { "@._-".contains($0) }).map(String.init)
        words += displayName.lowercased().split(separator: " ").map(String.init)
        return words.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
    }

    private static func isRepetition(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        for length in 1...max(1, min(8, bytes.count / 2))
        where bytes.indices.allSatisfy({ bytes[$0] == bytes[$0 % length] }) {
            return true
        }
        return false
    }

    private static func isSequence(_ text: String) -> Bool {
        for row in [
            "abcdefghijklmnopqrstuvwxyz", "0123456789012345678901234567890", "qwertyuiopasdfghjklzxcvbnm",
            "1234567890qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
        ] where row.contains(text) || String(row.reversed()).contains(text) {
            return true
        }
        return false
    }
}
