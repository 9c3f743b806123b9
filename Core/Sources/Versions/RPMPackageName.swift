/// A full RPM package name: `[name-][epoch:]version-release[.architecture]`, as advisories and file names write it.
public struct RPMPackageName: Sendable, Hashable {
    /// The name; empty when not written.
    public let name: String
    /// Epoch, version and release as ``RPMVersion`` reads them.
    public let evr: String
    /// The architecture; empty when not written.
    public let architecture: String

    /// What stands after the last dot as an architecture; anything else belongs to the release.
    private static let architectures: Set<String> = [
        "noarch", "src", "nosrc", "x86_64", "i386", "i486", "i586", "i686", "aarch64", "armv7hl", "armv7hnl", "armv6hl",
        "armhfp", "ppc", "ppc64", "ppc64le", "s390", "s390x", "ia64", "riscv64", "riscv", "loongarch64", "mips",
        "mipsel",
        "mips64", "mips64el", "sparc", "sparc64", "alpha", "athlon", "geode", "x86_64_v2",
    ]

    /// Splits a package name. Throws ``VersionError`` when no version and release stand in it.
    public static func parse(_ text: String) throws(VersionError) -> RPMPackageName {
        let scanner = try VersionScanner(text, scheme: RPMVersion.name)
        var rest = scanner.rest
        var architecture = ""
        if let dot = rest.lastIndex(of: 0x2E) {
            let word = String(decoding: rest[(dot + 1)...], as: UTF8.self)
            if architectures.contains(word) {
                architecture = word
                rest = rest[..<dot]
            }
        }
        guard let hyphen = rest.lastIndex(of: 0x2D) else {
            throw scanner.error(rest.endIndex, "a hyphen and a release are missing after the version")
        }
        let start = rest[..<hyphen].lastIndex(of: 0x2D).map { $0 + 1 } ?? rest.startIndex
        guard start < hyphen else { throw scanner.error(start, "the version before the release is empty") }
        return RPMPackageName(
            name: String(decoding: rest[..<max(start - 1, rest.startIndex)], as: UTF8.self),
            evr: String(decoding: rest[start...], as: UTF8.self), architecture: architecture)
    }

    /// Orders by name, then by version, then by architecture; what is not written comes first.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let (left, right) = (try parse(a), try parse(b))
        if left.name != right.name { return left.name < right.name ? .less : .greater }
        let order = try RPMVersion.compare(left.evr, right.evr)
        guard order == .equal, left.architecture != right.architecture else { return order }
        return left.architecture < right.architecture ? .less : .greater
    }
}
