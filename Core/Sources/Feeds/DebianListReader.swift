import Timestamps

/// Reads the lists of Debian's advisories: `data/DSA/list` and `data/DLA/list` of the security tracker's repository.
///
/// An entry is a line with a date, an id and a title, and lines below it, each after a tab or spaces: the CVEs in braces, a
/// fixed version in a release, notes. An entry that fixes nothing in any release only informs, and so does an update that
/// repairs an earlier one and names no CVE.
public struct DebianListReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    private let releases: Releases

    /// A reader that has read nothing.
    public init(source: String = "debian-list", releases: Releases = .debian) {
        tally = FeedTally(source: source)
        self.releases = releases
    }

    /// Reads one list.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        var lines = TextLines(bytes)
        var entry: Entry?
        while let line = lines.nextText() {
            let text: String
            switch line {
            case .success(let line): text = line
            case .failure(let fault):
                if entry != nil {
                    entry?.fault = fault.reason
                } else {
                    entry = Entry(fault: fault.reason, lines.number)
                }
                continue
            }
            if text.allSatisfy(\.isWhitespace) { continue }
            if text.first == "\t" || text.first == " " {
                guard entry != nil else {
                    entry = Entry(fault: "the line belongs to no entry: \(text.prefix(80))", lines.number)
                    continue
                }
                add(text.drop(while: \.isWhitespace), to: &entry)
            } else {
                try finish(entry, place, store)
                entry = head(text, lines.number)
            }
        }
        try finish(entry, place, store)
    }

    private struct Entry {
        var advisory: Advisory
        var fault: String?
        let line: Int

        init(_ advisory: Advisory, _ line: Int) {
            self.advisory = advisory
            self.line = line
        }

        init(fault: String, _ line: Int) {
            self.init(Advisory(source: "", id: ""), line)
            self.fault = fault
        }
    }

    private mutating func finish(_ entry: Entry?, _ place: String, _ store: (FeedRecord) throws -> Void) throws {
        guard var entry else { return }
        if let fault = entry.fault {
            return tally.quarantine(place: "\(place), line \(entry.line)", record: entry.advisory.id, reason: fault)
        }
        let isRepair =
            entry.advisory.closes.isEmpty && entry.advisory.id.split(separator: "-").count > 2
            && !entry.advisory.id.hasSuffix("-1")
        entry.advisory.isInformational = entry.advisory.statements.isEmpty || isRepair
        try store(.advisory(entry.advisory))
        tally.store()
    }

    /// `[29 Mar 2023] DSA-5380-1 xorg-server - security update`.
    private func head(_ text: String, _ line: Int) -> Entry {
        guard text.first == "[", let close = text.firstIndex(of: "]"), let date = Self.date(text[..<close].dropFirst())
        else { return Entry(fault: "an entry begins with a date in brackets: \(text.prefix(80))", line) }
        let rest = text[text.index(after: close)...].drop { $0 == " " }
        let id = String(rest.prefix { $0 != " " })
        var entry = Entry(Advisory(source: source, id: id), line)
        entry.fault = RecordID.fault(of: id)
        entry.advisory.published = date
        entry.advisory.summary = String(rest.dropFirst(id.count).drop { $0 == " " })
        return entry
    }

    private mutating func add(_ text: Substring, to entry: inout Entry?) {
        if text.first == "{" {
            guard text.hasSuffix("}") else {
                entry?.fault = "the list of CVEs does not end: \(text.prefix(80))"
                return
            }
            entry?.advisory.closes += text.dropFirst().dropLast().split(separator: " ").map(String.init)
        } else if text.first == "[" {
            fixed(text, &entry)
        } else {
            tally.drop(text.hasPrefix("NOTE:") ? "NOTE" : "line of another form")
        }
    }

    /// `[bullseye] - xorg-server 2:1.20.11-1+deb11u6`, or a state such as `<not-affected> (Minor issue)` for the version.
    private mutating func fixed(_ text: Substring, _ entry: inout Entry?) {
        let fields = text.split(separator: " ", maxSplits: 4)
        guard fields.count >= 4, fields[0].hasSuffix("]"), fields[1] == "-" else {
            entry?.fault = "expected '[release] - package version': \(text.prefix(80))"
            return
        }
        guard let stream = releases[String(fields[0].dropFirst().dropLast())] else {
            return tally.drop("release " + fields[0].prefix(64))
        }
        var statement = Statement(stream: stream, kind: .source, name: String(fields[2]), status: .affected)
        if fields.count > 4 {
            let note = fields[4].drop { $0 == " " }
            statement.reason =
                note.hasPrefix("(") && note.hasSuffix(")") ? String(note.dropFirst().dropLast()) : String(note)
        }
        switch fields[3] {
        case "<not-affected>": statement.status = .notAffected
        case "<undetermined>": statement.status = .underInvestigation
        case "<unfixed>": statement.plan = .unfixed
        case "<end-of-life>": statement.plan = .endOfLife
        case "<no-dsa>", "<ignored>": statement.plan = .willNotFix
        case "<postponed>": statement.plan = .deferred
        case "<removed>", "<itp>": return tally.drop("state " + fields[3].prefix(64))
        default:
            if fields[3].hasPrefix("<") {
                entry?.fault = "the state \(fields[3].prefix(40)) is not known"
                return
            }
            statement.ranges = [VersionRange(scheme: "deb", upper: String(fields[3]))]
            statement.fixed = String(fields[3])
        }
        entry?.advisory.statements.append(statement)
    }

    /// `29 Mar 2023`.
    private static func date(_ text: Substring) -> Timestamp? {
        let parts = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 3, let day = Int(parts[0]), let month = months.firstIndex(of: String(parts[1].prefix(3))),
            let year = Int(parts[2]), let date = CivilDate(year: year, month: month + 1, day: day)
        else { return nil }
        return Timestamp(seconds: Int64(date.daysSinceEpoch) * 86_400)
    }
}
