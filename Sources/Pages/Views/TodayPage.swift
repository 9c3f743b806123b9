public import HTML
import Timestamps

/// Today: what must I do now?
public func todayPage(_ model: TodayModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Today", context, current: .today, events: events,
        content: HTML {
            if let first = model.firstRun {
                firstRunView(first, context)
            } else {
                div(.id("live-today"), .data(.live)) { today(model, context) }
            }
        })
}

@HTMLBuilder private func today(_ model: TodayModel, _ context: PageContext) -> HTML {
    pageHead("Today", lead: headline(model, context))
    if let campaigns = model.campaigns, !campaigns.isEmpty { campaignsCard(campaigns, context) }
    counters(model)
    queueCard(model, context)
    fleet(model)
    div(.class("columns")) {
        patchesCard(model, context)
        hostsCard(model, context)
    }
    if let activity = model.activity { activityCard(activity, context) }
}

private func headline(_ model: TodayModel, _ context: PageContext) -> HTML {
    HTML {
        if let first = model.work.first(where: { $0.count > 0 }) {
            "Start with "
            a(.href(first.location)) { sentence(first) }
            ". "
        } else if model.unjudgedCount == 0 {
            "Nothing to do. "
        } else {
            "Nothing is known to be due. "
        }
        "\(count(model.active - model.unjudgedCount, "host")) judged"
        if model.unjudgedCount > 0 {
            ", "
            a(.href(model.unjudgedLocation)) { "\(grouped(model.unjudgedCount)) not judged" }
        }
        "; data last seen "
        ago(model.lastSeen, context)
        "."
    }
}

private func sentence(_ work: TodayModel.Work) -> String {
    let hosts = count(work.count, "host")
    let one = work.count == 1
    return switch work.kind {
    case .security: "\(hosts) that \(one ? "lacks" : "lack") security updates"
    case .reboot: "\(hosts) that \(one ? "needs" : "need") a reboot"
    case .silent: "\(hosts) that \(one ? "has" : "have") fallen silent"
    case .stale: "\(hosts) with stale indexes"
    case .broken: "\(hosts) with broken packages"
    case .restarts: "\(hosts) with services to restart"
    }
}

private func counters(_ model: TodayModel) -> HTML {
    section(.class("counters"), .ariaLabel("What to do")) {
        model.work.map(counter)
    }
}

func counter(_ work: TodayModel.Work) -> HTML {
    let (tone, own, title, why): (Tone, Icon, String, String) =
        switch work.kind {
        case .security:
            (.critical, .shield, "lack security updates", "Their repositories offer fixes that are not installed.")
        case .reboot: (.warning, .reboot, "need a reboot", "What is installed does not run yet.")
        case .silent: (.unknown, .silent, "are silent", "Not seen for three intervals: nothing is known of them now.")
        case .stale: (.unknown, .stale, "have stale indexes", "Their list of offers is too old to prove anything.")
        case .broken: (.critical, .broken, "have broken packages", "Half-installed: the next upgrade will fail there.")
        case .restarts: (.warning, .restart, "have services to restart", "Processes still run replaced files.")
        }
    // None found is only good news where all were looked at.
    let isUnknown = work.count == 0 && work.unknown > 0
    let look = work.count > 0 ? "tone-\(tone.rawValue)" : isUnknown ? "tone-\(Tone.unknown.rawValue)" : "is-zero"
    let unknown = work.unknown > 0 ? "\(work.count > 0 ? " U" : "U")nknown for \(count(work.unknown, "host"))." : ""
    return a(.class("counter \(look)"), .href(work.location)) {
        span(.class("counter-head")) {
            icon(work.count > 0 ? own : isUnknown ? .unknown : .check)
            span(.class("counter-number")) { grouped(work.count) }
        }
        span(.class("counter-title")) { title }
        span(.class("counter-why")) { (work.count > 0 ? why : isUnknown ? "" : "Nothing to do here.") + unknown }
    }
}

/// What to do first, and why.
private func queueCard(_ model: TodayModel, _ context: PageContext) -> HTML {
    guard let queue = model.queue else { return .empty }
    return card(
        "What to patch first", id: "first",
        note: HTML(queue.gap == nil ? "by when it is due, then worth for cost" : ""),
        action: queue.gap == nil && queue.total > 0
            ? linkButton("Work queue", context.to("queue"), .quiet, icon: .chevron) : .empty
    ) {
        switch queue.gap {
        case .noFeeds?:
            unknownLine("No feeds are loaded, so nobody can say which of these vulnerabilities matter.")
            p(.class("padded")) { a(.href(context.to("queue"))) { "What to do about it" } }
        case .unreadable?:
            unknownLine("The feeds cannot be used.")
            p(.class("padded")) { a(.href(context.to("queue"))) { "What to do about it" } }
        case .judging?: unknownLine("Hosts are being judged by the feeds.")
        case nil:
            if queue.rows.isEmpty {
                p(.class("padded")) {
                    "No offered patch closes a known vulnerability. "
                    a(.href(context.to("vulnerabilities"))) { "All vulnerabilities" }
                }
            } else {
                queueTable("What to patch first", queue.rows, context)
            }
        }
    }
}

private func fleet(_ model: TodayModel) -> HTML {
    card(
        "The fleet", id: "fleet", note: HTML(count(model.active, "active host")),
        content: {
            proportions(
                "Active hosts by what is known of them",
                [
                    Share(
                        tone: .critical, label: "lack security", count: model.lacking, location: model.lackingLocation),
                    Share(
                        tone: .info, label: "lack other updates", count: model.others, location: model.othersLocation),
                    Share(
                        tone: .good, label: "current, with proof", count: model.current, location: model.currentLocation
                    ),
                    Share(
                        tone: .unknown, label: "not judged", count: model.unjudgedCount,
                        location: model.unjudgedLocation),
                ])
            if !model.unjudged.isEmpty {
                p(.class("note padded")) {
                    "Not judged, because "
                    model.unjudged.map { "\($0.why) (\(grouped($0.count)))" }.joined(separator: ", ")
                    ". A host without fresh evidence counts neither as clean nor as lacking."
                }
            }
            if !model.inactive.isEmpty {
                p(.class("note padded")) {
                    "Not counted above: "
                    model.inactive.enumerated().map { index, item in
                        HTML {
                            if index > 0 { ", " }
                            a(.href(item.location)) { "\(grouped(item.count)) \(item.status)" }
                        }
                    }
                    "."
                }
            }
        })
}

private func patchesCard(_ model: TodayModel, _ context: PageContext) -> HTML {
    card(
        "Patches that close most", id: "patches",
        note: HTML("\(count(model.patchCount, "security patch", "security patches")) wait"),
        action: linkButton("All patches", context.to("patches"), .quiet, icon: .chevron)
    ) {
        if model.patches.isEmpty {
            emptyState(.check, "No patch waits", "No host that was judged lacks an update.")
        } else {
            dataTable(
                "Patches that close most",
                [
                    Column("Package", isName: true) { row in
                        a(.href(context.to("patches", row.name)), .data(.select)) { bdi { row.name } }
                        span(.class("sub")) { code { row.candidate } }
                    },
                    Column("Kind") { updateKind($0.isSecurity) },
                    Column("Hosts", isNumber: true) { row in
                        span(.class("metered")) {
                            meter(row.hosts, of: model.active, tone: row.isSecurity ? .critical : .info)
                            span { grouped(row.hosts) }
                        }
                    },
                ], model.patches, class: "compact")
        }
    }
}

private func hostsCard(_ model: TodayModel, _ context: PageContext) -> HTML {
    card(
        "Hosts that lack most", id: "hosts",
        action: linkButton("All hosts", context.to("hosts"), .quiet, icon: .chevron)
    ) {
        if model.hosts.isEmpty {
            emptyState(.check, "No host lacks anything", "Of the hosts that were judged.")
        } else {
            dataTable(
                "Hosts that lack most",
                [
                    Column("Host", isName: true) { row in
                        a(.href(context.to("hosts", row.id)), .data(.select)) { bdi { row.name } }
                        span(.class("sub")) { row.operatingSystem }
                    },
                    Column("Verdict") { verdict($0) },
                    Column("Security", isNumber: true) { evidence($0.security, $0, tone: .critical) },
                    Column("All", isNumber: true, isMinor: true) { evidence($0.pending, $0, tone: .info) },
                ], model.hosts, class: "compact")
        }
    }
}

/// Campaigns that wait for somebody, before anything else: whoever started them counts on it.
private func campaignsCard(_ rows: [CampaignRow], _ context: PageContext) -> HTML {
    card(
        "Campaigns that wait for somebody", id: "campaigns", note: HTML(count(rows.count, "campaign")),
        action: linkButton("All campaigns", context.to("campaigns"), .quiet, icon: .chevron)
    ) {
        campaignTable("Campaigns that wait for somebody", rows, context)
    }
}

private func activityCard(_ rows: [ActivityRow], _ context: PageContext) -> HTML {
    card(
        "Lately", id: "lately", action: linkButton("Activity", context.to("activity"), .quiet, icon: .chevron)
    ) {
        ol(.class("feed")) {
            rows.map { row in
                li {
                    span(.class("feed-what")) {
                        strong { bdi { row.actorName } }
                        " "
                        actionWords(row.action)
                        " "
                        HTML.maybeLink(row.location) { bdi { row.subject } }
                    }
                    ago(row.time, context)
                }
            }
        }
    }
}

/// First run: what to do until there is something to show.
private func firstRunView(_ first: FirstRun, _ context: PageContext) -> HTML {
    HTML {
        pageHead("Welcome to Fettle", lead: "Three steps, and this page tells what your hosts lack.")
        ol(.class("steps")) {
            step(
                1, first.hasPassword, "Set a password",
                "The link that let you in works once. With a password you come back when you like.",
                linkButton("Your account", context.to("settings", "account"), first.hasPassword ? .plain : .primary))
            step(
                2, first.hasHost, "Enrol a host",
                "Make an enrolment token and run the command on the host, as root. The command pins this server's certificate, so the host cannot be led elsewhere.",
                HTML {
                    if first.mayEnrol {
                        postForm(context.to("settings", "enrolment"), context) {
                            input(.type(.hidden), .name("note"), .value("First host"))
                            input(.type(.hidden), .name("uses"), .value("1"))
                            input(.type(.hidden), .name("hours"), .value("24"))
                            button("Make a command for one host", first.hasHost ? .plain : .primary, icon: .terminal)
                        }
                    } else {
                        p(.class("hint")) { "Ask somebody with the role operator or admin for a command." }
                    }
                })
            step(
                3, false, "See what it lacks",
                "The first report arrives within a minute of enrolment; then Today counts what is to be done.",
                linkButton("Hosts", context.to("hosts")))
        }
    }
}

private func step(_ number: Int, _ isDone: Bool, _ title: String, _ text: String, _ action: HTML) -> HTML {
    li(.class(isDone ? "step done" : "step")) {
        span(.class("step-mark"), .ariaHidden()) {
            if isDone { icon(.check) } else { String(number) }
        }
        div {
            h2 {
                title
                if isDone { span(.class("unseen")) { " (done)" } }
            }
            p { text }
            div(.class("actions")) { action }
        }
    }
}
