import Versions

/// One package of an OSV record as written.
struct OSVAffected {
    /// The package's ecosystem as written, such as `Debian:12`; empty where only a repository is named.
    var ecosystem = ""
    /// The package's name in its ecosystem.
    var name = ""
    var severities: [Severity] = []
    var ranges: [OSVRange] = []
    /// Versions that are affected to the letter.
    var versions: [String] = []
    /// Debian's urgency in this release.
    var urgency = ""
    /// GitHub's end of the range where no fix is known: OSV's own form has no place for `< 2.0`.
    var lastKnown = ""
    /// RustSec's kind of a notice that is no vulnerability.
    var informational = ""
}

/// What is known of the ecosystems that records name, so that it is found out once each.
struct OSVPlaces {
    /// Shared, and not copied for each package that names it.
    final class Place: Sendable {
        let ecosystem: String
        let stream: String
        let channel: String
        let kind: Statement.Kind
        let scheme: (any VersionScheme.Type)?
        let isRedHat: Bool

        init(_ text: String) {
            let ecosystem = Ecosystem(text)
            self.ecosystem = text
            (stream, channel) = Streams.osv(text)
            (kind, scheme) = (ecosystem.packageKind, ecosystem.scheme)
            isRedHat = ecosystem.name == "Red Hat"
        }
    }

    private var known: [String: Place] = [:]
    private var last: Place?

    /// What an ecosystem is.
    mutating func place(_ text: String) -> Place {
        if let last, last.ecosystem == text { return last }
        if let place = known[text] {
            last = place
            return place
        }
        let place = Place(text)
        // A hostile feed must not fill the table.
        if known.count < 1_000 { known[text] = place }
        last = place
        return place
    }
}

/// An OSV record while it is read: what the advisory is made of once all of it is known.
struct OSVDraft {
    var advisory: Advisory
    var affected: [OSVAffected] = []
    var upstream: [String] = []
    /// The database's own word for the severity.
    var severity = ""
    /// What could not be ordered.
    private(set) var alarms: [String] = []

    init(advisory: Advisory) {
        self.advisory = advisory
    }

    /// What a record must have; nil where it has it.
    var fault: String? {
        if let fault = RecordID.fault(of: advisory.id) { return fault }
        if advisory.modified == nil { return "it has no date of modification" }
        for index in affected.indices where affected[index].name.isEmpty != affected[index].ecosystem.isEmpty {
            return "/affected/\(index)/package: name and ecosystem must both be there"
        }
        return nil
    }

    /// Makes the advisory's statements of what was read, which is used up by that.
    mutating func finish(_ places: inout OSVPlaces) {
        var isOfDistribution = !affected.isEmpty
        let isNegligible = advisory.severities.contains { $0.type == "Ubuntu" && $0.score == "negligible" }
        if !affected.isEmpty, affected.allSatisfy({ !$0.informational.isEmpty }) { advisory.isInformational = true }
        advisory.statements.reserveCapacity(affected.count)
        for index in affected.indices {
            // Taken out and not copied.
            let affected = exchange(&self.affected[index], with: OSVAffected())
            if affected.name.isEmpty { continue }
            let place = places.place(affected.ecosystem)
            if place.kind == .language { isOfDistribution = false }
            let given = alarms.count
            let last = advisory.statements.count
            if state(affected, place) {
                if isNegligible, advisory.statements[last].status == .affected {
                    advisory.statements[last].plan = .unimportant
                }
                // Red Hat repeats a package for each repository of a release.
                if place.isRedHat, advisory.statements[..<last].contains(advisory.statements[last]) {
                    advisory.statements.removeLast()
                }
            }
            if alarms.count > given {
                advisory.statements.append(
                    .unread(stream: place.stream, kind: place.kind, name: affected.name, reason: alarms[given]))
            }
        }
        name(isOfDistribution)
        // Errata that fix bugs or add features, and close nothing.
        if isOfDistribution, advisory.closes.isEmpty, RecordID.isNoSecurityAdvisory(advisory.id) {
            advisory.isInformational = true
        }
        if !severity.isEmpty, let scale = RecordID.scale(of: advisory.id) {
            advisory.severities.append(Severity(type: scale, score: severity))
        }
    }

    /// Tells other names from what is closed.
    private mutating func name(_ isOfDistribution: Bool) {
        let id = advisory.id
        let isVulnerability = RecordID.isVulnerability(id)
        for other in upstream {
            if RecordID.wraps(id, other) {
                advisory.aliases.append(other)
            } else if RecordID.isWrapped(other) {
                // UBUNTU-CVE-2026-1 beside CVE-2026-1.
                advisory.related.append(other)
            } else {
                advisory.closes.append(other)
            }
        }
        guard isOfDistribution, !isVulnerability else { return }
        var (aliases, related) = (advisory.aliases, advisory.related)
        close(&aliases, id)
        close(&related, id)
        (advisory.aliases, advisory.related) = (aliases, related)
    }

    /// Takes the CVEs of a list for what is closed.
    private mutating func close(_ list: inout [String], _ id: String) {
        guard !list.isEmpty else { return }
        var rest: [String] = []
        for other in list {
            if RecordID.isCVE(other), !RecordID.wraps(id, other) {
                if !advisory.closes.contains(other) { advisory.closes.append(other) }
            } else {
                rest.append(other)
            }
        }
        list = rest
    }

    /// Adds the statement of an entry; false where it says nothing about versions.
    private mutating func state(_ affected: OSVAffected, _ place: OSVPlaces.Place) -> Bool {
        var statement = Statement(stream: place.stream, kind: place.kind, name: affected.name, status: .affected)
        statement.channel = place.channel
        statement.versions = affected.versions
        statement.severities = affected.severities
        var isSaid = false
        for range in affected.ranges where range.order != .git {
            let scheme = range.order == .semver ? SemanticVersion.self : place.scheme
            guard let scheme else {
                alarms.append("\(affected.name): the ecosystem \(affected.ecosystem) has no order that is known here")
                continue
            }
            let (ranges, faults) = range.intervals(scheme)
            for fault in faults { alarms.append("\(affected.name): \(fault)") }
            if faults.isEmpty { isSaid = true }
            if statement.ranges.isEmpty { statement.ranges = ranges } else { statement.ranges += ranges }
        }
        if !affected.lastKnown.isEmpty, statement.ranges.count == 1, statement.ranges[0].upper == nil,
            let (_, ends) = VersionRangeText.parse(affected.lastKnown, scheme: statement.ranges[0].scheme),
            ends.count == 1, ends[0].lower == nil, let upper = ends[0].upper
        {
            statement.ranges[0].upper = upper
            // What comes after it is not known to be affected, which is no fix.
            statement.ranges[0].includesUpper = ends[0].includesUpper
            statement.plan = .unfixed
        }
        if statement.ranges.isEmpty, statement.versions.isEmpty {
            // Empty ranges, as [0, 0), say that it was never affected; no ranges at all say nothing.
            guard isSaid else { return false }
            statement.status = .notAffected
            advisory.statements.append(statement)
            return true
        }
        if affected.lastKnown.isEmpty || statement.plan != .unfixed { statement.fixed = Self.fixed(statement.ranges) }
        if affected.urgency == "unimportant" { statement.plan = .unimportant }
        if affected.urgency == "end-of-life" { statement.plan = .endOfLife }
        advisory.statements.append(statement)
        return true
    }

    /// The end of the last interval, where all of them end with a fix.
    private static func fixed(_ ranges: [VersionRange]) -> String? {
        guard let last = ranges.last, !last.includesUpper, ranges.allSatisfy({ $0.upper != nil }) else { return nil }
        return last.upper
    }
}

private func exchange(_ place: inout OSVAffected, with other: OSVAffected) -> OSVAffected {
    let taken = place
    place = other
    return taken
}
