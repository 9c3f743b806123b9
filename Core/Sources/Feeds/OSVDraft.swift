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
    /// RustSec's kind of a notice that is no vulnerability.
    var informational = ""
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
        for (index, affected) in affected.enumerated() where affected.name.isEmpty != affected.ecosystem.isEmpty {
            return "/affected/\(index)/package: name and ecosystem must both be there"
        }
        return nil
    }

    /// The advisory with its statements.
    mutating func finished() -> Advisory {
        var isOfDistribution = !affected.isEmpty
        let isNegligible = advisory.severities.contains { $0.type == "Ubuntu" && $0.score == "negligible" }
        advisory.statements.reserveCapacity(affected.count)
        for affected in affected where !affected.name.isEmpty {
            let ecosystem = Ecosystem(affected.ecosystem)
            let kind = ecosystem.packageKind
            if kind == .language { isOfDistribution = false }
            guard var statement = statement(affected, ecosystem, kind) else { continue }
            if isNegligible, statement.status == .affected { statement.plan = .unimportant }
            // Red Hat repeats a package for each repository of a release.
            if ecosystem.name == "Red Hat", advisory.statements.contains(statement) { continue }
            advisory.statements.append(statement)
        }
        name(isOfDistribution)
        if affected.contains(where: { !$0.informational.isEmpty }), affected.allSatisfy({ !$0.informational.isEmpty }) {
            advisory.isInformational = true
        }
        // Errata that fix bugs or add features, and close nothing.
        if isOfDistribution, advisory.closes.isEmpty, RecordID.isNoSecurityAdvisory(advisory.id) {
            advisory.isInformational = true
        }
        if !severity.isEmpty, let scale = RecordID.scale(of: advisory.id) {
            advisory.severities.append(Severity(type: scale, score: severity))
        }
        return advisory
    }

    /// Tells other names from what is closed.
    private mutating func name(_ isOfDistribution: Bool) {
        let id = advisory.id
        let isVulnerability = RecordID.isVulnerability(id)
        for other in upstream {
            if id.hasSuffix("-" + other) {
                advisory.aliases.append(other)
            } else if RecordID.isWrapped(other) {
                // UBUNTU-CVE-2026-1 beside CVE-2026-1.
                advisory.related.append(other)
            } else {
                advisory.closes.append(other)
            }
        }
        guard isOfDistribution, !isVulnerability else { return }
        for list in [\Advisory.aliases, \Advisory.related] {
            let cves = advisory[keyPath: list].filter { RecordID.isCVE($0) && !id.hasSuffix("-" + $0) }
            guard !cves.isEmpty else { continue }
            advisory[keyPath: list].removeAll { RecordID.isCVE($0) && !id.hasSuffix("-" + $0) }
            for cve in cves where !advisory.closes.contains(cve) { advisory.closes.append(cve) }
        }
    }

    /// nil where the entry says nothing about versions.
    private mutating func statement(
        _ affected: OSVAffected, _ ecosystem: Ecosystem, _ kind: Statement.Kind
    ) -> Statement? {
        let (stream, channel) = Streams.osv(affected.ecosystem)
        var statement = Statement(stream: stream, kind: kind, name: affected.name, status: .affected)
        statement.channel = channel
        statement.versions = affected.versions
        statement.severities = affected.severities
        var isSaid = false
        for range in affected.ranges where range.order != .git {
            let scheme = range.order == .semver ? SemanticVersion.self : ecosystem.scheme
            guard let scheme else {
                alarms.append("\(affected.name): the ecosystem \(affected.ecosystem) has no order that is known here")
                continue
            }
            let (ranges, faults) = range.intervals(scheme)
            for fault in faults { alarms.append("\(affected.name): \(fault)") }
            if faults.isEmpty { isSaid = true }
            statement.ranges += ranges
        }
        if statement.ranges.isEmpty, statement.versions.isEmpty {
            // Empty ranges, as [0, 0), say that it was never affected; no ranges at all say nothing.
            guard isSaid else { return nil }
            statement.status = .notAffected
            return statement
        }
        statement.fixed = Self.fixed(statement.ranges)
        if affected.urgency == "unimportant" { statement.plan = .unimportant }
        if affected.urgency == "end-of-life" { statement.plan = .endOfLife }
        return statement
    }

    /// The end of the last interval, where all of them end with a fix.
    private static func fixed(_ ranges: [VersionRange]) -> String? {
        guard let last = ranges.last, !last.includesUpper, ranges.allSatisfy({ $0.upper != nil }) else { return nil }
        return last.upper
    }
}
