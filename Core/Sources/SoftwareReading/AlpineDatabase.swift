public import Inventory

/// Reads apk's database of installed packages (`lib/apk/db/installed`).
public enum AlpineDatabase {
    /// The packages of a file's content.
    ///
    /// - Parameter distribution: as os-release names it, such as `alpine-3.20.3`.
    public static func packages(_ bytes: [UInt8], distribution: String) -> [SoftwarePackage] {
        var packages: [SoftwarePackage] = []
        var fields: [UInt8: String] = [:]
        func end() {
            if let name = fields[0x50], let version = fields[0x56] {
                packages.append(
                    SoftwarePackage(
                        scheme: "apk", distribution: distribution, name: name, architecture: fields[0x41] ?? "",
                        version: version, source: fields[0x6F]))
            }
            fields = [:]
        }
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if line.isEmpty {
                end()
                continue
            }
            // Files follow in the same stanza, with letters of their own (F, R, Z, a, M).
            guard let letter = line.first, [0x50, 0x56, 0x41, 0x6F].contains(letter), line.dropFirst().first == 0x3A,
                fields[letter] == nil
            else { continue }
            fields[letter] = String(decoding: line.dropFirst(2), as: UTF8.self)
        }
        end()
        return packages
    }

    /// Packages that `etc/apk/world` takes from a repository with a tag (`name@tag`): which release's they are, only the tag
    /// tells.
    public static func tagged(world bytes: [UInt8]) -> [String: String] {
        var tags: [String: String] = [:]
        for word in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x20 }) {
            let text = String(decoding: word, as: UTF8.self)
            guard let at = text.firstIndex(of: "@"), at != text.startIndex else { continue }
            let tag = text[text.index(after: at)...].prefix { !"<>=~".contains($0) }
            tags[String(text[..<at])] = String(tag)
        }
        return tags
    }
}
