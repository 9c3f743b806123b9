public import Inventory
public import PackageURLs

extension PackageURL {
    /// The URL of a package, with what a scanner needs to judge it: distribution, architecture, source.
    public static func text(of package: SoftwarePackage) -> String {
        var namespace = ""
        var name = package.name
        if package.distribution.isEmpty {
            if package.scheme == "maven", let colon = name.firstIndex(of: ":") {
                namespace = String(name[..<colon])
                name = String(name[name.index(after: colon)...])
            } else if let slash = name.lastIndex(of: "/") {
                namespace = String(name[..<slash])
                name = String(name[name.index(after: slash)...])
            }
        } else {
            namespace =
                package.distribution.lastIndex(of: "-").map { String(package.distribution[..<$0]) }
                ?? package.distribution
        }
        let path = namespace.split(separator: "/").map { encoded(String($0)) } + [encoded(name)]
        var text = "pkg:\(package.scheme)/\(path.joined(separator: "/"))@\(encoded(package.version))"
        guard !package.distribution.isEmpty else { return text }
        var qualifiers: [String] = []
        if !package.architecture.isEmpty { qualifiers.append("arch=\(encoded(package.architecture))") }
        qualifiers.append("distro=\(encoded(package.distribution))")
        if package.source != package.name || package.sourceVersion != package.version {
            qualifiers.append("upstream=\(encoded("\(package.source)@\(package.sourceVersion)"))")
        }
        text += "?" + qualifiers.joined(separator: "&")
        return text
    }

    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}
