import Digest

/// Changelogs of RPM packages, as `rpm -q --changelog` prints them from the header's `CHANGELOGTIME`, `CHANGELOGNAME` and
/// `CHANGELOGTEXT`: `* Tue Jan 02 2024 Name <mail> - 1:1.2-3`, then the entry's lines.
public enum RPMChangelog {
    /// Reads a changelog's plain text. Builders keep the newest entries only, so that it is always taken as a cut one.
    ///
    /// - Throws: ``ChangelogError/noEntry``.
    public static func read(
        _ text: [UInt8], limits: ChangelogLimits = ChangelogLimits()
    ) throws(ChangelogError) -> ChangelogReading {
        var entries: [ChangelogReading.Entry] = []
        var version: String?
        var body: [ArraySlice<UInt8>] = []
        func close() {
            // An entry that names no version belongs to the one above it in time: nobody can say which.
            guard let known = version else { return }
            let remark = Remark(lines: body)
            entries.append(
                ChangelogReading.Entry(
                    version: known, closes: remark.closes.sorted(), reopens: remark.reopens.sorted(),
                    isVague: remark.isVague))
            body = []
        }
        for line in text.prefix(limits.bytes).split(separator: 0x0A, omittingEmptySubsequences: false) {
            if line.starts(with: "* ".utf8), let heading = heading(line) {
                close()
                guard entries.count <= limits.entries else { break }
                version = heading
            } else {
                body.append(line)
            }
        }
        close()
        guard !entries.isEmpty else { throw .noEntry }
        var reading = ChangelogReading(source: "", entries: entries, isCut: true, digest: SHA256.hash(text))
        reading.bound(limits)
        return reading
    }

    /// The version of a heading; empty where it names none, nil where the line is none.
    private static func heading(_ line: ArraySlice<UInt8>) -> String? {
        let words = line.dropFirst(2).split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 5, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(words[0]) else { return nil }
        guard let last = words.last, last.utf8.count <= 256, last.contains("-"), !last.hasPrefix("<"), last != "-",
            last.utf8.contains(where: CVEIdentifier.isDigit), !last.contains("@")
        else { return "" }
        return last
    }
}
