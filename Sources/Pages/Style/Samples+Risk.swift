import HTML
import Timestamps

extension Samples {
    /// The pages of vulnerabilities and of the work queue with made-up data.
    var riskPages: [(name: String, page: HTML)] {
        let context = context
        let events = Location("events")
        var none = VulnerabilitiesModel(query: VulnerabilitiesQuery())
        none.scope = scope
        var missing = VulnerabilitiesModel(query: VulnerabilitiesQuery())
        missing.gap = .noFeeds
        var damaged = QueueModel()
        damaged.gap = .unreadable(text("The feeds cannot be read; the server's log says why."))
        var judging = QueueModel()
        judging.gap = .judging
        var empty = QueueModel()
        empty.scope = scope
        empty.notClosed = 12
        return [
            ("vulnerabilities", vulnerabilitiesPage(vulnerabilities, context, events: events)),
            ("vulnerabilities-none", vulnerabilitiesPage(none, context, events: events)),
            ("vulnerabilities-no-feeds", vulnerabilitiesPage(missing, context, events: events)),
            ("vulnerabilities-unknown", unknownPackagesPage(unknownPackages, context)),
            ("vulnerability", vulnerabilityPage(vulnerability, context, events: events)),
            ("vulnerability-not-hit", vulnerabilityPage(notHit, context, events: events)),
            ("queue", queuePage(queue, context, events: events)),
            ("queue-unreadable", queuePage(damaged, context, events: events)),
            ("queue-judging", queuePage(judging, context, events: events)),
            ("queue-empty", queuePage(empty, context, events: events)),
            ("queue-patch", rankedPatchPage(rankedPatch, context, events: events)),
            ("exceptions", exceptionsPage(exceptions, context)),
            ("exception", exceptionPage(exception, context)),
            ("exception-new", exceptionFormPage(exceptionForm, context)),
        ] + evidencePages + policyPages
    }

    private var scope: RiskScope {
        var scope = RiskScope()
        scope.hosts = 231
        scope.unjudged = 7
        scope.unknownPackages = 14
        scope.asOf = before(40)
        scope.policy = "bod-26-04 1"
        return scope
    }

    var vulnerabilityRows: [VulnerabilityRow] {
        let rows: [(String, String, String, String, Double?, Int64?, Int, DueBand, Int64?, Closing)] = [
            (
                "CVE-2026-0911", "OpenSSL: a crafted certificate runs code before the signature is checked", "critical",
                "CVSS 3.1 9.8", 0.943, 9, 84, .overdue, -2, .installable
            ),
            (
                "CVE-2026-1204", "Linux: use after free in the scheduler lets a local user become root", "high",
                "CVSS 3.1 7.8", 0.031, nil, 61, .threeDays, 2, .installable
            ),
            (
                "CVE-2026-0550", "libxml2: an entity leads to a read beyond the buffer", "medium", "CVSS 4.0 6.3",
                0.0042, nil,
                47, .twoWeeks, 11, .fixable
            ),
            (
                "CVE-2025-9981", "sudo: a pattern of a host name matches too much", "low", "CVSS 2.0 3.3", 0.0004, nil,
                22, .twoMonths, 44, .none
            ),
            ("GHSA-2q4x-9m3h-77fg", "", "unknown", "", nil, nil, 1, .noDate, nil, .none),
        ]
        return rows.map { item in
            var row = VulnerabilityRow(id: text(item.0))
            row.summary = text(item.1)
            row.severity = item.2
            row.score = text(item.3)
            row.epss = item.4
            row.knownExploited = item.5.map { before($0 * 86_400) }
            row.hosts = item.6
            row.band = item.7
            row.due = item.8.map { now.adding(seconds: $0 * 86_400) }
            row.deadline = text(
                "due 2026-11-19: 3 days from addition to KEV on 2026-11-16, by row 4 of bod-26-04; assumed: publicly exposed yes"
            )
            row.why = text(
                "\(item.0): probability 0.900, as in KEV since 2026-11-12, EPSS 0.943 +0.70, CVSS 3.1 9.8 +0.70")
            row.closing = item.9
            row.packages = [text("openssl"), text("libssl3")]
            return row
        }
    }

    var vulnerabilities: VulnerabilitiesModel {
        var model = VulnerabilitiesModel(query: VulnerabilitiesQuery(["due": "overdue", "q": text("CVE")]))
        model.rows = vulnerabilityRows
        model.total = 312
        model.all = 1840
        model.bands = [(.overdue, 12), (.threeDays, 3), (.twoWeeks, 90), (.twoMonths, 400), (.noDate, 1335)]
        model.exploited = 4
        model.next = "50"
        model.scope = scope
        model.problem = text("There is no value after =.")
        model.seesExceptions = true
        return model
    }

    private var unknownPackages: UnknownPackagesModel {
        var model = UnknownPackagesModel()
        model.rows = [
            (text("our-monitoring"), text("4.2-1"), 120, text("no feed speaks of its stream")),
            (text("nodejs"), text("20.9.0-1nodesource1"), 3, text("it is from another repository")),
        ]
        model.total = 14
        model.next = "50"
        return model
    }

    var vulnerability: VulnerabilityModel {
        var model = VulnerabilityModel(row: vulnerabilityRows[0])
        model.aliases = [text("DSA-6001-1"), text("GHSA-xxxx-yyyy-zzzz")]
        model.details = text(
            "A certificate whose name is longer than its length field says is copied whole.\n\nUpdate.")
        model.published = before(14 * 86_400)
        model.isHit = true
        model.places = (0..<4).map { index in
            var place = PlaceRow(
                host: hosts[index].id, hostname: hosts[index].name, package: text("libssl3"),
                version: text("3.0.17-1~deb12u2"))
            place.fixed = index == 3 ? nil : text("3.0.18-1~deb12u2")
            place.closing = index == 0 ? .installable : index == 3 ? .none : .fixable
            if index == 0 { place.patch = (text("deb/debian-12/openssl@3.0.18-1"), text("openssl 3.0.18-1")) }
            place.state = ["open", "closed-by-reboot", "accepted", "unknown"][index]
            place.band = .overdue
            place.due = before(2 * 86_400)
            place.exceptedUntil = index == 2 ? now.adding(seconds: 40 * 86_400) : nil
            return place
        }
        model.placesTotal = 84
        model.next = "50"
        var decided = VoiceRow(source: text("debian-tracker"), record: text("CVE-2026-0911"), verdict: "affected")
        decided.stream = text("Debian:12")
        decided.rule = text("3.0.17-1~deb12u2 is below the version that fixes it, 3.0.18-1~deb12u2")
        decided.plan = text("Will not be fixed here")
        decided.modified = before(86_400)
        decided.feedDate = before(7200)
        var overruled = VoiceRow(source: text("nvd"), record: text("CVE-2026-0911"), verdict: "not-affected")
        overruled.rule = text("Outside of what is affected: below 3.0.17")
        overruled.overruled = text("the distribution's own word comes first")
        model.testimonies = [
            Testimony(
                packages: [text("libssl3 3.0.17-1~deb12u2"), text("openssl 3.0.17-1~deb12u2")],
                voices: [decided, overruled]),
            Testimony(packages: [text("libssl1.1 1.1.1w-0")], voices: [decided]),
        ]
        model.testimonies[1].isWeak = true
        model.testimonies[1].isDisputed = true
        model.testimonies[1].reason = text("two sources differ")
        model.moreTestimonies = 3
        model.decision = [
            ("in kev", "yes", text("kev of 2026-11-12")), ("publicly exposed", "yes", nil),
            ("automatable", "yes", text("vulnrichment of 2026-11-13")),
        ]
        model.outcome = text("3 days")
        model.explanation = [text("+0.70  EPSS 0.943 (v2026.06.15)"), text("+9.10  sum S")]
        model.vectors = [
            VectorRow(
                name: "CVSS 3.1", vector: text("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), score: "9.8",
                severity: "critical", source: text("nvd")),
            VectorRow(
                name: "CVSS 2.0", vector: text("AV:N/AC:L/Au:N/C:C/I:C/A:C"), score: "10.0", severity: "high",
                source: text("nvd")),
        ]
        model.vectors[0].metrics = [("Attack vector", "network"), ("Attack complexity", "low")]
        model.weaknesses = [(text("CWE-787"), text("Out-of-bounds Write")), (text("CWE-20"), "")]
        model.references = [
            ("ADVISORY", text("https://www.example.org/advisories/2026-0911?a=b")),
            ("WEB", text("gopher://example.org/")),
        ]
        model.moreReferences = 9
        model.changes = [
            VerdictChangeRow(
                package: text("libssl3 3.0.17-1~deb12u2"), before: "", after: "affected", at: before(86_400)),
            VerdictChangeRow(package: text("libssl3 3.0.16-1"), before: "affected", after: "", at: before(96_400)),
            VerdictChangeRow(package: text("libssl3 3.0.15-1"), before: "affected", after: "gone", at: before(99_400)),
        ]
        model.patches = [queueRows[0]]
        model.scope = scope
        model.campaign = context.to("campaigns", "new")
        model.exception = context.to("exceptions", "new")
        return model
    }

    private var notHit: VulnerabilityModel {
        var model = VulnerabilityModel(row: vulnerabilityRows[4])
        model.unknownPlaces = 2
        model.scope = scope
        return model
    }

    var queueRows: [QueueRow] {
        let rows: [(String, DueBand, Int64?, Int, Int, Bool)] = [
            ("openssl 3.0.18-1~deb12u2", .overdue, -2, 84, 1, false), ("linux 6.1.158-1", .threeDays, 2, 61, 0, true),
            ("libxml2 2.9.14+dfsg-1.3~deb12u5", .twoWeeks, 11, 47, 0, false),
            ("sudo 1.9.13p3-1+deb12u3", .noDate, nil, 22, 0, false),
        ]
        return rows.enumerated().map { index, item in
            var row = QueueRow(
                id: text("deb/debian-12/\(item.0.split(separator: " ").joined(separator: "@"))"), name: text(item.0))
            row.place = index + 1
            row.band = item.1
            row.due = item.2.map { now.adding(seconds: $0 * 86_400) }
            row.hosts = item.3
            row.closes = (0...index).map { text("CVE-2026-09\(11 + $0)") }
            row.exploited = item.4
            row.needsReboot = item.5
            row.isEvidenceFirst = index == 0
            row.benefit = 120.4 / Double(index + 1)
            row.cost = Double(item.3) * (item.5 ? 3.15 : 1.15)
            row.why = text(
                "\(index + 1). \(item.0): \(item.1.title.lowercased()), closes \(index + 1) on \(item.3) assets, the worst CVE-2026-0911 with probability 0.900 x reach 1.00 x impact 2; benefit 120.40 / cost 96.60 = 1.246"
            )
            return row
        }
    }

    var queue: QueueModel {
        var model = QueueModel()
        model.rows = queueRows
        model.total = 71
        model.next = "50"
        model.bands = [(.overdue, 1), (.threeDays, 1), (.twoWeeks, 30), (.noDate, 39)]
        model.selection.choices = [
            (queueRows[0].id, queueRows[0].name, 0.61), (queueRows[1].id, queueRows[1].name, 0.74),
            (queueRows[2].id, queueRows[2].name, 0.801),
        ]
        model.selection.quality = 0.97
        model.capacity = 300
        model.fitting = 2
        var pace = PaceModel(perWeek: 120)
        (pace.inTime, pace.late, pace.finished) = (31, 1, model.rows[0].due)
        pace.firstLate = (queueRows[0].id, queueRows[0].name)
        model.pace = pace
        model.scope = scope
        model.mayPatch = true
        return model
    }

    private var rankedPatch: RankedPatchModel {
        var model = RankedPatchModel(row: queueRows[0])
        model.full = [
            text("CVE-2026-0911 on web-01: probability 0.900 x reach 1.00, impact 2"),
            text("cost 96.6: 1 for the work"),
        ]
        model.vulnerabilities = Array(vulnerabilityRows.prefix(2))
        model.places = (0..<3).map { index in
            var place = PatchPlaceRow(host: hosts[index].id, hostname: hosts[index].name)
            place.steps = ["openssl", "libssl3"].prefix(index + 1).map {
                StepRow(package: text($0), from: text("3.0.17-1~deb12u2"), to: text("3.0.18-1~deb12u2"))
            }
            place.closes = 3
            place.leaves = index
            place.due = now.adding(seconds: 86_400)
            place.band = .threeDays
            place.cost = ["none", "restart", "reboot"][index]
            return place
        }
        model.placesTotal = 84
        model.next = "50"
        model.fixable = 90
        model.installable = 84
        model.installed = 12
        model.verified = 9
        model.campaign = context.to("campaigns", "new")
        model.campaignNamesHosts = false
        return model
    }

    private var exceptions: ExceptionsModel {
        var model = ExceptionsModel()
        let states = ["requested", "active", "expired", "reopened", "revoked"]
        model.rows = states.enumerated().map { index, state in
            var row = ExceptionRow(
                id: "x-\(index)", vulnerability: text("CVE-2026-09\(11 + index)"), state: state,
                requestedAt: before(Int64(index + 1) * 86_400), expires: now.adding(seconds: 30 * 86_400))
            row.sentence = text("accepted until 2026-12-21")
            row.place = text("hosts with site=berlin")
            row.package = index == 0 ? text("openssl") : ""
            row.owner = text("Grace Hopper")
            row.reason = text("The vendor's appliance cannot be patched before its next release.")
            row.control = text("Filtered at the gateway; logins are watched.")
            row.requestedBy = text("Ada Byron")
            row.approvedBy = index == 0 ? "" : text("Edsger Dijkstra")
            row.approvedAt = index == 0 ? nil : before(7000)
            return row
        }
        model.states = states.map { ($0, 1) }
        model.total = 5
        model.mayWrite = true
        return model
    }

    private var exception: ExceptionModel {
        var model = ExceptionModel(row: exceptions.rows[0])
        model.mayApprove = true
        model.mayRevoke = true
        model.knownExploited = before(86_400)
        model.error = text("You asked for it. Another person approves it.")
        return model
    }

    private var exceptionForm: ExceptionFormModel {
        var model = ExceptionFormModel()
        model.values = ["vulnerability": text("CVE-2026-0911"), "expires": text("2026-12-21")]
        model.errors = ["reason": text("It says nothing.")]
        model.problem = text("It ends in the past.")
        return model
    }

    /// What a host is exposed to.
    var hostFindings: HostFindings {
        var findings = HostFindings()
        findings.rows = vulnerabilityRows.map { row in
            var finding = HostFindingRow(row: row, package: text("libssl3"), version: text("3.0.17-1~deb12u2"))
            finding.fixed = text("3.0.18-1~deb12u2")
            finding.state = row.band == .noDate ? "dormant" : "open"
            return finding
        }
        findings.total = 212
        findings.next = "50"
        findings.unknownPackages = 3
        return findings
    }
}
