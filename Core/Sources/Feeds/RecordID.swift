/// What the form of a record's id tells.
enum RecordID {
    /// Why a text is no id; nil where it is one.
    static func fault(of id: String) -> String? {
        if id.isEmpty { return "it has no id" }
        let isPlain = bytes(of: id) { bytes in
            bytes.count <= 256 && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        if !isPlain { return "its id is longer than 256 bytes or has characters that are not printable ASCII" }
        return nil
    }

    /// The bytes of an id, without a step through its characters.
    private static func bytes<Result>(of id: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = id.utf8.withContiguousStorageIfAvailable(body) { return result }
        return Array(id.utf8).withUnsafeBufferPointer(body)
    }

    /// `CVE-2026-1234`: four digits, then four or more (fewer in no list that is known).
    static func isCVE(_ id: String) -> Bool { bytes(of: id) { isCVE($0, from: 0) } }

    private static func isCVE(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        let count = bytes.count - start
        guard count >= 10, count <= 32, bytes[start] == 0x43, bytes[start + 1] == 0x56, bytes[start + 2] == 0x45,
            bytes[start + 3] == 0x2D, bytes[start + 8] == 0x2D
        else { return false }
        for index in start + 4..<bytes.count where index != start + 8 {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return false }
        }
        return true
    }

    /// Whether it names one vulnerability rather than an advisory that may close several.
    static func isVulnerability(_ id: String) -> Bool {
        let bytes = id.utf8
        guard let first = bytes.first else { return false }
        // By the first letter: most ids begin with none of the others.
        for prefix in prefixes where prefix.utf8.first == first && bytes.starts(with: prefix.utf8) { return true }
        return isWrapped(id)
    }

    private static let prefixes = [
        "CVE-", "GHSA-", "PYSEC-", "GO-", "RUSTSEC-", "BIT-", "OSV-", "XSA-", "MAL-", "CGA-",
    ]

    /// Whether an id is another one behind a name and a hyphen: `DEBIAN-CVE-2026-1` wraps `CVE-2026-1`.
    static func wraps(_ id: String, _ other: String) -> Bool {
        let start = id.utf8.count - other.utf8.count
        guard start > 1, !other.isEmpty else { return false }
        return bytes(of: id) { id in
            bytes(of: other) { other in
                guard id[start - 1] == 0x2D else { return false }
                for index in other.indices where id[start + index] != other[index] { return false }
                return true
            }
        }
    }

    /// `UBUNTU-CVE-2026-1`, `DEBIAN-CVE-2026-1`, `ALPINE-CVE-2026-1`: a distribution's name of a CVE.
    static func isWrapped(_ id: String) -> Bool {
        bytes(of: id) { bytes in
            guard let dash = bytes.firstIndex(of: 0x2D) else { return false }
            if dash == 3, bytes[0] == 0x43, bytes[1] == 0x56, bytes[2] == 0x45 { return false }
            return isCVE(bytes, from: dash + 1)
        }
    }

    /// Advisories that by their name fix bugs or add features: ALBA, ALEA, RHBA, RHEA, RLBA, RLEA, ELBA, ELEA, SUSE-FU,
    /// SUSE-RU, SUSE-OU.
    static func isNoSecurityAdvisory(_ id: String) -> Bool {
        guard let dash = id.utf8.firstIndex(of: 0x2D) else { return false }
        let place = id.utf8.distance(from: id.utf8.startIndex, to: dash)
        // Four letters, or the name of a distribution: nothing else is looked at any closer.
        guard place == 4 || place == 8 else { return false }
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
