/// A version of a Go module: a semantic version with or without its `v`, as golang.org/x/mod/semver reads it.
///
/// `v1` and `v1.2` stand for `v1.0.0` and `v1.2.0`, but only without prerelease and build. Pseudo-versions
/// (`v0.0.0-20200101000000-abcdefabcdef`) order as the prereleases they are; `+incompatible` does not count. Versions of
/// Go itself (`go1.21rc2`, `go1.20.3`) order as `1.21.0-rc.2` and `1.20.3`.
public enum GoVersion: VersionScheme {
    /// `golang`.
    public static let name = "golang"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        if version.utf8.starts(with: "go".utf8) { return try toolchainKey(version) }
        let parts = try SemanticParts(version, scheme: name, grammar: [.prefix, .short])
        if parts.numbers.count < 3, !parts.prerelease.isEmpty || !parts.build.isEmpty {
            throw parts.scanner.error(
                parts.numbers[parts.numbers.count - 1].endIndex,
                "a version with a prerelease or build needs three numbers")
        }
        return parts.key
    }

    /// `goMAJOR.MINOR[.PATCH][rcN|betaN]`, as the semantic version that stands for it.
    private static func toolchainKey(_ version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        scanner.position = 2
        var numbers = [try scanner.number("the number after go")]
        while numbers.count < 3, scanner.take(0x2E) { numbers.append(try scanner.number("what follows a dot")) }
        var text = numbers.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
        for _ in numbers.count..<3 { text += ".0" }
        for word in ["rc", "beta"] as [StaticString] where scanner.take(word: word) {
            text += "-\(word).\(String(decoding: try scanner.number("what follows \(word)"), as: UTF8.self))"
            break
        }
        try scanner.finish(expecting: "a dot, rc or beta")
        return try SemanticParts(text, scheme: name, grammar: .zeros).key
    }
}
