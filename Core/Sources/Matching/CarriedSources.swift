public import Inventory

/// The sources whose code a package carries: its own, and those that it was signed or built from.
///
/// Debian and Ubuntu sign kernels, boot loaders and firmware tools with a source package of its own (`linux-signed-amd64`,
/// `grub-efi-amd64-signed`), whose versions are numbered otherwise. Advisories name the source that was signed, so what is
/// installed must be judged as that source too; the binary's version tells which (compare `Built-Using` in Debian's index).
public enum CarriedSources {
    /// A source package with its version.
    public struct Source: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its version.
        public var version: String
    }

    /// The sources of a package, its own first.
    public static func sources(of package: SoftwarePackage) -> [Source] {
        let own = Source(name: package.source, version: package.sourceVersion)
        return [own]
            + signed(package).compactMap { $0.version.map { [name = $0.name] in Source(name: name, version: $0) } }
    }

    /// Why it cannot be told what a package carries; nil where it can.
    ///
    /// What is in it may be vulnerable, so a package with such a reason must not be called clean.
    public static func unknownContent(of package: SoftwarePackage) -> String? {
        guard package.scheme == "deb" else { return nil }
        if package.source.hasPrefix("linux-restricted-modules"), !package.distribution.hasPrefix("debian") {
            return "it carries drivers of other sources (nvidia-graphics-drivers), and does not say of which version"
        }
        for source in signed(package) where source.version == nil {
            return "it is a signed build of \(source.name), and its version \(package.version) does not tell that one's"
        }
        return nil
    }

    /// What a signed package was made of; without a version where its own does not tell it.
    private static func signed(_ package: SoftwarePackage) -> [(name: String, version: String?)] {
        guard package.scheme == "deb" else { return [] }
        let source = package.source
        if source == "linux-signed" || source.hasPrefix("linux-signed-") {
            var rest = source.dropFirst("linux-signed".count)
            // Debian's are one for each architecture: linux-signed-amd64 of linux, linux-signed-6.1-arm64 of linux-6.1.
            for architecture in kernelArchitectures where rest.hasSuffix("-\(architecture)") {
                rest = rest.dropLast(architecture.count + 1)
                break
            }
            return [("linux" + rest, withoutRebuild(package.version))]
        }
        guard source.hasSuffix("-signed") else { return [] }
        switch source {
        case "grub2-signed":
            // Ubuntu: 1.187.6+2.06-2ubuntu14.4, built from what Ubuntu calls grub2-unsigned since 20.04.
            let version = tail(package.version)
            return [("grub2-unsigned", version), ("grub2", version)]
        case "shim-signed": return [("shim", tail(package.version))]
        case "fwupd-signed":
            let version = tail(package.version)
            return [("fwupd-efi", version), ("fwupd", version)]
        default: break
        }
        for (start, name) in templates where source.hasPrefix(start) {
            let version = unsigned(package.version)
            if name == "fwupd", package.version.hasPrefix("1:") { return [("fwupd-efi", version)] }
            return [(name, version)]
        }
        // Some other signed build: which source it is of is not known here.
        return [(String(source.dropLast("-signed".count)), nil)]
    }

    private static let kernelArchitectures = ["amd64", "arm64", "i386", "armhf", "ppc64el", "s390x"]

    /// Sources that are named after their architecture, with what they sign.
    private static let templates = [
        ("grub-efi-", "grub2"), ("shim-helpers-", "shim"), ("fwupd-", "fwupd"), ("systemd-boot-", "systemd"),
    ]

    /// `2.06-13+deb12u1` of `1+2.06+13+deb12u1`: the signing has a number of its own before it, and no hyphen may stand in
    /// the version of a native package.
    private static func unsigned(_ version: String) -> String? {
        let colon = version.firstIndex(of: ":").map { version.index(after: $0) } ?? version.startIndex
        let epoch = version[..<colon]
        var rest = version[colon...]
        if let plus = rest.firstIndex(of: "+"), rest[..<plus].allSatisfy({ $0.isASCII && $0.isNumber }),
            isNumber(after: plus, in: rest), revision(rest[rest.index(after: plus)...]) != nil
        {
            rest = rest[rest.index(after: plus)...]
        }
        guard let mark = revision(rest) else { return rest.contains("-") ? version : nil }
        return epoch + rest[..<mark] + "-" + rest[rest.index(after: mark)...]
    }

    /// The plus that stands for the hyphen before the revision: the first one with a digit behind it.
    private static func revision(_ text: Substring) -> String.Index? {
        text.indices.first { text[$0] == "+" && isNumber(after: $0, in: text) }
    }

    /// `15.8-1~deb12u1` of `1.44~1+deb12u1+15.8-1~deb12u1`: the signed version follows that of the signing.
    private static func tail(_ version: String) -> String? {
        let text = version[...]
        guard let plus = revision(text) else { return nil }
        let found = text[text.index(after: plus)...]
        return found.contains("-") ? String(found) : nil
    }

    private static func isNumber(after index: String.Index, in text: Substring) -> Bool {
        let next = text.index(after: index)
        return next < text.endIndex && text[next].isASCII && text[next].isNumber
    }

    /// Without the mark of a rebuild (`+b1`), and without Ubuntu's of a second signing (`+1`).
    private static func withoutRebuild(_ version: String) -> String {
        guard let plus = version.lastIndex(of: "+") else { return version }
        let mark = version[version.index(after: plus)...]
        let digits = mark.first == "b" ? mark.dropFirst() : mark
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), version[..<plus].contains("-") else {
            return version
        }
        return String(version[..<plus])
    }
}
