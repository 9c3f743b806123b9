package import Timestamps

/// What a repository says of one of its suites (Release and InRelease files).
struct ReleaseFile: Sendable, Hashable {
    var origin = ""
    var label = ""
    var suite = ""
    var codename = ""
    var version = ""
    var date: Timestamp?
    var validUntil: Timestamp?
    /// Its versions are chosen only when asked for (priority 1).
    var notAutomatic = false
    /// With ``notAutomatic``: upgrades of what was installed from it are taken (priority 100).
    var butAutomaticUpgrades = false

    /// No field known.
    init() {}

    /// Reads a file, signed inside or not; its signature is apt's to check, which keeps no index that fails it.
    init(_ source: any ByteSource) throws(PackageScanError) {
        var result = Self()
        var isRead = false
        var reader = StanzaReader(source, piece: 256 << 10)
        try reader.forEach { bytes in
            // The header of a clear-signed message is a stanza of its own, before the content.
            if isRead || bytes.starts(with: "-----BEGIN PGP SIGNED MESSAGE-----".utf8) { return }
            isRead = true
            Stanza(bytes: bytes).forEachField { name, value in
                result.take(name, value)
            }
        }
        guard isRead else { throw .malformed(path: source.path, line: 0, reason: "it is empty; run apt-get update") }
        self = result
    }

    private mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        // The tables of hashes are most of the file.
        guard value.count < 1024 else { return }
        switch name.count {
        case 4: if matches(name, "date") { date = HTTPDate.timestamp(text(value)) }
        case 5:
            if matches(name, "label") { label = text(value) }
            if matches(name, "suite") { suite = text(value) }
        case 6: if matches(name, "origin") { origin = text(value) }
        case 7: if matches(name, "version") { version = text(value) }
        case 8: if matches(name, "codename") { codename = text(value) }
        case 11: if matches(name, "valid-until") { validUntil = HTTPDate.timestamp(text(value)) }
        case 12: if matches(name, "notautomatic") { notAutomatic = text(value).lowercased() == "yes" }
        case 20: if matches(name, "butautomaticupgrades") { butAutomaticUpgrades = text(value).lowercased() == "yes" }
        default: break
        }
    }

    /// Whether it is a security pocket: by the label Debian and others give theirs, by the names of suites, by Ubuntu's
    /// ESM origins, or by the site that serves nothing else.
    func isSecurity(site: String) -> Bool {
        let label = label.lowercased()
        if label == "security" || label.hasSuffix("-security") || label.hasSuffix(" security") { return true }
        for name in [suite.lowercased(), codename.lowercased()] {
            if name == "security" || name.hasSuffix("-security") { return true }
        }
        if origin.hasPrefix("UbuntuESM"), suite.hasSuffix("-security") { return true }
        return site == "security.debian.org"
    }
}

/// Dates as Release files have them (RFC 5322 with UTC or a numeric zone).
package enum HTTPDate {
    /// The instant; nil where the text is no such date.
    package static func timestamp(_ text: String) -> Timestamp? {
        var words = text.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
        if let first = words.first, first.first?.isLetter == true { words.removeFirst() }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count >= 4, let day = Int(words[0]), let month = months.firstIndex(of: words[1]),
            let year = Int(words[2]), let date = CivilDate(year: year, month: month + 1, day: day)
        else { return nil }
        let clock = words[3].split(separator: ":").map { Int($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
            (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        var offset = 0
        if words.count > 4, let sign = words[4].first, sign == "+" || sign == "-" {
            guard words[4].utf8.count == 5, let zone = Int(words[4].dropFirst()) else { return nil }
            offset = (zone / 100 * 60 + zone % 100) * 60 * (sign == "+" ? 1 : -1)
        } else if words.count > 4, !["UTC", "GMT", "Z"].contains(words[4]) {
            return nil
        }
        return Timestamp(seconds: Int64(date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset))
    }
}
