import JSON

/// Reads documents of the Common Security Advisory Framework 2.0 (https://docs.oasis-open.org/csaf/csaf/v2.0), one a
/// document: VEX and advisories of Red Hat, SUSE, Microsoft and others.
///
/// A document in which all vulnerabilities have the same products is one advisory that closes them; where they differ, each
/// vulnerability is an advisory of its own. Packages of a platform are named by the platform's stream; a fixed package says
/// that lower versions are affected. Products that neither a package URL nor a CPE names are counted.
public struct CSAFReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "csaf") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.advisory) { this, reader, stopped throws(JSONError) in
            let csaf = try CSAFDocument(&reader, &this.tally)
            // What is broken behind the record must not be found only after it was given out.
            try reader.finish()
            var item = FeedItem()
            item.id = csaf.id
            if csaf.category.isEmpty || csaf.id.isEmpty {
                item.fault = "it is no CSAF advisory: document/category and document/tracking/id must be there"
            } else {
                item.fault = RecordID.fault(of: csaf.id)
                if item.fault == nil { item.records = this.advisories(csaf).map { .advisory($0) } }
            }
            try this.give(item, place, &stopped, store)
        }
    }

    private mutating func advisories(_ csaf: CSAFDocument) -> [Advisory] {
        var targets = CSAFTargets(csaf)
        var all = Advisory(source: source, id: csaf.id)
        all.published = csaf.published
        all.modified = csaf.modified
        all.references = csaf.references
        all.summary = csaf.title
        all.details = csaf.notes["description"] ?? csaf.notes["summary"] ?? csaf.notes["general"] ?? ""
        guard !csaf.vulnerabilities.isEmpty else {
            all.isInformational = true
            return [all]
        }
        var each: [Advisory] = []
        for vulnerability in csaf.vulnerabilities {
            var advisory = all
            let id = vulnerability.cve.isEmpty ? vulnerability.ids.first ?? "" : vulnerability.cve
            advisory.closes = id.isEmpty || RecordID.fault(of: id) != nil ? [] : [id]
            fill(&advisory, vulnerability, csaf, &targets)
            each.append(advisory)
        }
        let isScored = Set(each.map { $0.severities }).count == 1
        if each.count > 1, each.dropFirst().allSatisfy({ $0.statements == each[0].statements }) {
            all.statements = each[0].statements
            all.severities = isScored ? each[0].severities : []
            if !csaf.severity.isEmpty { all.severities.append(Severity(type: scale(csaf), score: csaf.severity)) }
            for advisory in each {
                for id in advisory.closes where !all.closes.contains(id) { all.closes.append(id) }
                for weakness in advisory.weaknesses { all.addWeakness(weakness) }
                for reference in advisory.references where !all.references.contains(reference) {
                    all.references.append(reference)
                }
            }
            // Scores differ from one vulnerability to the next: each tells its own.
            return [all] + (isScored ? [] : each.compactMap { Self.named($0, csaf.id, statements: []) })
        }
        if each.count == 1 {
            each[0].closes.removeAll { $0 == csaf.id }
            if !csaf.severity.isEmpty, each[0].severities.allSatisfy({ $0.type != scale(csaf) }),
                each[0].statements.allSatisfy({ $0.severities.allSatisfy { $0.type != scale(csaf) } })
            {
                each[0].severities.append(Severity(type: scale(csaf), score: csaf.severity))
            }
            return each
        }
        return each.compactMap { Self.named($0, csaf.id, statements: $0.statements) }
    }

    /// The advisory of one vulnerability of several, under its own name.
    private static func named(_ advisory: Advisory, _ document: String, statements: [Statement]) -> Advisory? {
        guard let id = advisory.closes.first else { return nil }
        var advisory = advisory
        advisory.id = id
        advisory.closes = []
        advisory.related.append(document)
        advisory.statements = statements
        return advisory
    }

    private func scale(_ csaf: CSAFDocument) -> String {
        if csaf.publisher.hasPrefix("Red Hat") { return "RedHat" }
        if csaf.publisher.hasPrefix("SUSE") { return "SUSE" }
        if csaf.publisher.hasPrefix("Microsoft") { return "Microsoft" }
        return csaf.publisher
    }

    /// What is said of each product, by its id: of few of a document's products, so that a table of all would cost each of its
    /// vulnerabilities time and memory.
    private struct Remarks {
        var plans: [Int32: (plan: Statement.Plan, reason: String)] = [:]
        var reasons: [Int32: String] = [:]
        var severities: [Int32: [Severity]] = [:]
        /// The builds that fix a Windows.
        var builds: [Int32: String] = [:]
    }

    private mutating func fill(
        _ advisory: inout Advisory, _ vulnerability: CSAFDocument.Vulnerability, _ csaf: CSAFDocument,
        _ targets: inout CSAFTargets
    ) {
        if !vulnerability.title.isEmpty { advisory.summary = vulnerability.title }
        if let text = vulnerability.notes["description"] ?? vulnerability.notes["summary"] { advisory.details = text }
        for weakness in vulnerability.weaknesses { advisory.addWeakness(weakness) }
        for reference in vulnerability.references where !advisory.references.contains(reference) {
            advisory.references.append(reference)
        }
        var remarks = Remarks()
        for remediation in vulnerability.remediations {
            if remediation.category == "vendor_fix", !remediation.url.isEmpty {
                let fix = Reference(type: "FIX", url: remediation.url)
                if !advisory.references.contains(fix) { advisory.references.append(fix) }
            }
            if remediation.category == "vendor_fix", csaf.publisher.hasPrefix("Microsoft") {
                let (article, build) = (MicrosoftProduct.article(remediation), MicrosoftProduct.build(remediation))
                for id in csaf.products(remediation.products) {
                    if remarks.reasons[id] == nil { remarks.reasons[id] = article }
                    if remarks.builds[id] == nil { remarks.builds[id] = build }
                }
            }
            guard let plan = Self.plan(remediation) else { continue }
            let reason = remediation.details.utf8.count <= 200 ? remediation.details : ""
            for id in csaf.products(remediation.products) where remarks.plans[id] == nil {
                remarks.plans[id] = (plan, reason)
            }
        }
        for flag in vulnerability.flags { for id in csaf.products(flag.products) { remarks.reasons[id] = flag.text } }
        // One score, or one word, for all products stands at the advisory; others at the statements.
        let scores = Set(vulnerability.scores.map { $0.severities })
        if scores.count == 1 {
            advisory.severities += vulnerability.scores[0].severities
        } else {
            for score in vulnerability.scores {
                for id in score.products { remarks.severities[id] = (remarks.severities[id] ?? []) + score.severities }
            }
        }
        let impacts = vulnerability.threats.filter { $0.category == "impact" && $0.text.utf8.count <= 32 }
        let type = scale(csaf)
        if Set(impacts.map { $0.text }).count == 1 {
            advisory.severities.append(Severity(type: type, score: impacts[0].text))
        } else {
            for impact in impacts {
                for id in csaf.products(impact.products) {
                    remarks.severities[id] = (remarks.severities[id] ?? []) + [Severity(type: type, score: impact.text)]
                }
            }
        }
        for threat in vulnerability.threats where threat.category == "impact" && threat.text.utf8.count > 32 {
            for id in csaf.products(threat.products) where remarks.reasons[id] == nil {
                remarks.reasons[id] = bounded(threat.text)
            }
        }
        var statements = CSAFStatements()
        for (ids, status) in [
            (vulnerability.affected, Statement.Status.affected), (vulnerability.fixed, .fixed),
            (vulnerability.notAffected, .notAffected), (vulnerability.underInvestigation, .underInvestigation),
        ] {
            for id in ids {
                guard var target = targets.target(id) else {
                    tally.drop("product that no package or CPE names")
                    continue
                }
                if status == .affected, target.scheme == "windows", target.range.isEmpty, target.version.isEmpty,
                    let build = remarks.builds[id]
                {
                    target.range = "<\(build)"
                    // Another range makes another target of it.
                    target.group = nil
                }
                let plan = status == .affected ? remarks.plans[id] : nil
                let isAdded = statements.add(
                    target, status, plan: plan?.plan ?? .none, reason: remarks.reasons[id] ?? plan?.reason ?? "",
                    severities: remarks.severities[id] ?? [])
                if !isAdded {
                    tally.alarm(
                        place: csaf.id, record: advisory.closes.first ?? csaf.id,
                        reason: "\(target.range.prefix(80)) is no range of versions")
                }
            }
        }
        advisory.statements = statements.finished()
    }

    /// nil where it is no plan of the source.
    private static func plan(_ remediation: CSAFDocument.Remediation) -> Statement.Plan? {
        switch remediation.category {
        case "no_fix_planned": .willNotFix
        case "none_available": remediation.details.lowercased().hasPrefix("fix deferred") ? .deferred : .unfixed
        case "fix_planned": .unfixed
        default: nil
        }
    }
}

/// Statements while they are collected: products that differ in their architecture alone are one.
struct CSAFStatements {
    private struct Key: Hashable {
        /// ``CSAFTargets/Target/group``, or the like of it below zero.
        var group: Int
        var status: Statement.Status
        var plan: Statement.Plan
        var reason: String
        var severities: [Severity]

        func hash(into hasher: inout Hasher) {
            hasher.combine(group)
            hasher.combine(status)
        }
    }

    private var places: [Key: Int] = [:]
    private var groups: [CSAFTargets.Target: Int] = [:]
    private var order: [(target: CSAFTargets.Target, key: Key, architectures: [String])] = []

    /// False where the product's range of versions cannot be read: of the package nothing is known then.
    mutating func add(
        _ target: CSAFTargets.Target, _ status: Statement.Status, plan: Statement.Plan, reason: String,
        severities: [Severity]
    ) -> Bool {
        var target = target
        let group = target.group ?? group(of: target)
        var key = Key(group: group, status: status, plan: plan, reason: reason, severities: severities)
        let isRead =
            target.range.isEmpty || VersionRangeText.parse(target.range, scheme: target.scheme) != nil
        if !isRead {
            let unread = Statement.unread(
                stream: target.stream, kind: target.kind, name: target.name,
                reason: "\(target.range.prefix(80)) is no range of versions")
            key = Key(group: group, status: unread.status, plan: .none, reason: unread.reason, severities: [])
            (target.range, target.version) = ("", "")
        }
        if let place = places[key] {
            order[place].architectures.append(target.architecture)
        } else {
            places[key] = order.count
            order.append((target, key, [target.architecture]))
        }
        return isRead
    }

    private mutating func group(of target: CSAFTargets.Target) -> Int {
        var target = target
        target.architecture = ""
        if let group = groups[target] { return group }
        groups[target] = -1 - groups.count
        return -groups.count
    }

    func finished() -> [Statement] {
        order.map { target, key, architectures in
            var statement = Statement(stream: target.stream, kind: target.kind, name: target.name, status: key.status)
            statement.channel = target.channel
            statement.module = target.module
            statement.plan = key.plan
            statement.reason = key.reason
            statement.severities = key.severities
            let named = Set(architectures)
            if !named.contains(""), !named.contains("noarch") { statement.architectures = named.sorted() }
            if let (versions, ranges) = target.range.isEmpty
                ? nil : VersionRangeText.parse(target.range, scheme: target.scheme)
            {
                statement.versions = versions
                statement.ranges = ranges
            } else if !target.version.isEmpty {
                if key.status == .fixed, target.kind == .source || target.kind == .binary || target.scheme == "windows"
                {
                    // A distribution's package is fixed from this version on, and was affected before.
                    statement.status = .affected
                    statement.ranges = [VersionRange(scheme: target.scheme, upper: target.version)]
                    statement.fixed = target.version
                } else {
                    statement.versions = [target.version]
                }
            }
            return statement
        }
    }
}
