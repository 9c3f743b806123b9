/// What the form of a record's id tells.
enum RecordID {
    /// Why a text is no id; nil where it is one.
    static func fault(of id: String) -> String? {
        if id.isEmpty { return "it has no id" }
        if id.utf8.count > 256 || id.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            return "its id is longer than 256 bytes or has characters that are not printable ASCII"
        }
        return nil
    }

    /// `CVE-2026-1234`: four digits, then four or more (fewer in no list that is known).
    static func isCVE(_ id: some StringProtocol) -> Bool {
        let bytes = id.utf8
        guard bytes.count >= 10, bytes.count <= 32, id.hasPrefix("CVE-") else { return false }
        var index = 0
        for byte in bytes {
            if index >= 4 {
                let isDigit = byte >= 0x30 && byte <= 0x39
                guard index == 8 ? byte == 0x2D : isDigit else { return false }
            }
            index += 1
        }
        return true
    }

    /// Whether it names one vulnerability rather than an advisory that may close several.
    static func isVulnerability(_ id: String) -> Bool {
        prefixes.contains { id.hasPrefix($0) } || isWrapped(id)
    }

    private static let prefixes = [
        "CVE-", "GHSA-", "PYSEC-", "GO-", "RUSTSEC-", "BIT-", "OSV-", "XSA-", "MAL-", "CGA-",
    ]

    /// Whether an id is another one behind a name and a hyphen: `DEBIAN-CVE-2026-1` wraps `CVE-2026-1`.
    static func wraps(_ id: String, _ other: String) -> Bool {
        let start = id.utf8.count - other.utf8.count
        guard start > 1, !other.isEmpty else { return false }
        let tail = id.utf8.dropFirst(start - 1)
        return tail.first == 0x2D && tail.dropFirst().elementsEqual(other.utf8)
    }

    /// `UBUNTU-CVE-2026-1`, `DEBIAN-CVE-2026-1`, `ALPINE-CVE-2026-1`: a distribution's name of a CVE.
    static func isWrapped(_ id: String) -> Bool {
        guard let dash = id.utf8.firstIndex(of: 0x2D), id.utf8.first != 0x43 || !id.hasPrefix("CVE-") else {
            return false
        }
        return isCVE(id[id.index(after: dash)...])
    }

    /// Advisories that by their name fix bugs or add features: ALBA, ALEA, RHBA, RHEA, RLBA, RLEA, ELBA, ELEA, SUSE-FU,
    /// SUSE-RU, SUSE-OU.
    static func isNoSecurityAdvisory(_ id: String) -> Bool {
        let parts = id.split(separator: "-", maxSplits: 2)
        guard parts.count > 1 else { return false }
        if parts[0] == "SUSE" || parts[0] == "openSUSE" { return ["FU", "RU", "OU"].contains(parts[1]) }
        return parts[0].utf8.count == 4 && (parts[0].hasSuffix("BA") || parts[0].hasSuffix("EA"))
    }

    /// The scale of a database's own word for a severity; nil where it is not known.
    static func scale(of id: String) -> String? {
        if id.hasPrefix("GHSA-") { return "GitHub" }
        if id.hasPrefix("BIT-") { return "Bitnami" }
        return nil
    }
}
