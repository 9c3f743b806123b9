import HTML
import Timestamps

// What several pages say of risk, said once.

/// How severe, in one badge.
func severityBadge(_ word: String, score: String = "") -> HTML {
    let tone: Tone =
        switch word {
        case "critical", "high": .critical
        case "medium": .warning
        case "low": .info
        case "none": .neutral
        default: .unknown
        }
    let title = word == "unknown" ? "Not scored" : word.capitalisedFirst
    return badge(tone, title, icon: word == "critical" ? .shield : .dot, title: score)
}

/// How soon it is due, with the date.
func dueState(_ band: DueBand, _ due: Timestamp?, _ context: PageContext, excepted: Timestamp? = nil) -> HTML {
    div(.class("with-reason")) {
        if let excepted {
            badge(.neutral, "Accepted", icon: .check)
            span(.class("reason")) {
                "until "
                day(excepted)
            }
        } else {
            badge(band.tone, band.title, icon: band == .noDate ? .dot : .clock)
            if let due {
                span(.class("reason")) { day(due) }
            }
        }
    }
}

/// A day, in UTC.
func day(_ date: Timestamp) -> HTML {
    time(.datetime(date.description), .title(minute(date) + " UTC")) { String(date.description.prefix(10)) }
}

/// That it is known to be exploited, since when.
func exploitedBadge(_ since: Timestamp?) -> HTML {
    guard let since else { return .empty }
    return badge(.critical, "Exploited", title: "In CISA's catalogue since \(since.description.prefix(10))")
}

/// What closes it, in one badge.
func closingBadge(_ closing: Closing) -> HTML {
    switch closing {
    case .installable: badge(.good, "Installable")
    case .fixable:
        badge(.warning, "Fix not offered", title: "A fix exists, but the hosts' own repositories do not offer it")
    case .none: badge(.neutral, "No fix known", icon: .close)
    }
}

/// How a finding stands where it is.
func findingState(_ state: String) -> HTML {
    switch state {
    case "open", "overdue": badge(.critical, "Affected")
    case "accepted": badge(.neutral, "Accepted", icon: .check)
    case "closed-by-reboot":
        badge(.warning, "Reboot closes it", icon: .reboot, title: "The fixed kernel is installed and does not run")
    case "dormant": badge(.neutral, "Dormant", title: "In a kernel that does not run")
    case "in-name-alone":
        badge(.neutral, "In name alone", title: "Headers and the like have none of the code")
    default: badge(.unknown, "Unknown", title: "Formerly affected; nobody who would know says anything any more")
    }
}

/// A probability as people read it: `94 %`, `3.1 %`, `0.04 %`.
func percent(_ share: Double) -> String {
    guard share.isFinite else { return "unknown" }
    let hundredths = Int((min(max(share, 0), 1) * 10_000).rounded())
    if hundredths == 0 { return share > 0 ? "under 0.01 %" : "0 %" }
    if hundredths >= 1000 { return "\((hundredths + 50) / 100) %" }
    if hundredths >= 100 { return "\((hundredths + 5) / 100).\((hundredths + 5) / 10 % 10) %" }
    return "0.\(hundredths < 10 ? "0" : "")\(hundredths) %"
}

/// A number with so many decimals.
func decimal(_ number: Double, _ places: Int) -> String {
    guard number.isFinite, abs(number) < 1e12 else { return "unknown" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let whole = Int((abs(number) * scale).rounded())
    let sign = number < 0 && whole > 0 ? "-" : ""
    guard places > 0 else { return sign + grouped(whole) }
    let digits = String(whole % Int(scale))
    return sign + grouped(whole / Int(scale)) + "." + String(repeating: "0", count: places - digits.count) + digits
}

/// A vulnerability's name as a link, with what it is about.
func vulnerabilityName(_ row: VulnerabilityRow, _ context: PageContext) -> HTML {
    HTML {
        span(.class("name-line")) {
            a(.href(context.to("vulnerabilities", row.id)), .data(.select)) { bdi { row.id } }
            exploitedBadge(row.knownExploited)
        }
        if !row.summary.isEmpty { span(.class("sub summary")) { row.summary } }
    }
}

/// EPSS, or that there is none.
func likelihood(_ epss: Double?) -> HTML {
    guard let epss else { return span(.class("quiet"), .title("No feed has an EPSS figure for it")) { "unknown" } }
    return span(.class(epss >= 0.1 ? "strong" : "")) { percent(epss) }
}

/// What must be done before anything can be said. It is never shown where something was looked for and not found.
func riskGapView(_ gap: RiskGap) -> HTML {
    div(.class("card")) {
        switch gap {
        case .noFeeds:
            emptyState(
                .unknown, "No feeds are loaded, so nobody can say",
                "Vulnerabilities are known from the feeds of vendors and databases. This is no clean result: nothing was looked at."
            )
            div(.class("form")) {
                p { "On the server's machine, as the user that runs the server. Fetch what the vendors publish:" }
                copyable("fettle feeds sync", label: "Command that fetches feeds")
                p { "Without a way to the internet, import files, folders or a bundle that was made elsewhere:" }
                copyable("fettle feeds import FILE-OR-FOLDER", label: "Command that imports feeds")
                p(.class("hint")) {
                    "They are kept in feeds in the server's data folder, or where FETTLE_FEEDS says. The server looks there every half minute; fettle feeds status shows how old each is."
                }
            }
        case .unreadable(let why):
            emptyState(
                .broken, "The feeds cannot be used, so nobody can say",
                why.isEmpty ? "The server's log says why. Nothing was looked at." : why)
            div(.class("form")) {
                p { "On the server's machine, this shows each feed and what is wrong with it:" }
                copyable("fettle feeds status", label: "Command that shows the feeds")
            }
        case .judging:
            emptyState(
                .clock, "Hosts are being judged",
                "The feeds are loaded and what hosts reported is compared with them. Load this page again in a moment.")
        }
    }
}

/// How much a list rests on: hosts and packages of which nobody knows are no clean ones.
func scopeNote(_ scope: RiskScope, _ context: PageContext) -> HTML {
    p(.class("note")) {
        "Judged "
        ago(scope.asOf, context)
        " on \(count(scope.hosts - scope.unjudged, "host"))"
        if scope.unjudged > 0 {
            "; of "
            a(.href(HostsView.unjudged.location(context))) { count(scope.unjudged, "host") }
            " nothing is known"
        }
        if scope.unknownPackages > 0 {
            "; of "
            a(.href(context.to("vulnerabilities", "unknown"))) { count(scope.unknownPackages, "package") }
            " no feed says anything: unknown, not clean"
        }
        "."
        if !scope.policy.isEmpty { " Dates by \(scope.policy)." }
    }
}

/// The patches of a queue, the first to be done first.
func queueTable(_ title: String, _ rows: [QueueRow], _ context: PageContext) -> HTML {
    dataTable(
        title,
        [
            Column("Patch", isName: true) { row in
                span(.class("name-line")) {
                    span(.class("rank")) { "\(row.place)." }
                    a(.href(patchLocation(row.id, context)), .data(.select)) { bdi { row.name } }
                    if row.exploited > 0 {
                        badge(.critical, "Exploited", title: "Closes \(row.exploited) that are known to be exploited")
                    }
                    if row.isEvidenceFirst { badge(.warning, "Evidence first", icon: .lock) }
                    if row.needsReboot { badge(.warning, "Reboot", icon: .reboot) }
                }
                span(.class("sub why")) { row.why }
            },
            Column("Due") { row in
                dueState(row.band, row.due, context)
                if let done = row.done {
                    span(.class("sub")) {
                        "Done by \(String(done.description.prefix(10)))\(row.isLate ? ": late" : "")"
                    }
                }
            },
            Column("Hosts", isNumber: true) { row in HTML(grouped(row.hosts)) },
            Column("Closes", isNumber: true) { row in HTML(grouped(row.closes.count)) },
            Column("Benefit / cost", isNumber: true) { row in
                HTML("\(decimal(row.benefit, 2)) / \(decimal(row.cost, 1))")
            },
        ], rows)
}

/// Where a ranked patch has its page.
func patchLocation(_ id: String, _ context: PageContext) -> Location {
    context.to("queue", "patch", query: [("id", id)])
}
