public import HTML
import Timestamps

/// The work queue: which patch next, where, and why.
public func queuePage(_ model: QueueModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Work queue", context, current: .queue, events: events,
        content: HTML {
            pageHead(
                "Work queue",
                lead: "Which patch next, and why: first by when it is due, then by what it is worth for what it costs.",
                actions: linkButton("All that is offered", context.to("patches"), icon: .patch))
            if let gap = model.gap {
                riskGapView(gap)
            } else {
                div(.class("stack"), .id("live-queue"), .data(.live)) {
                    if model.rows.isEmpty {
                        div(.class("card")) { nothing(model, context) }
                    } else {
                        bands(model)
                        div(.class("columns")) {
                            selectionCard(model, context)
                            capacityCard(model, context)
                            paceCard(model, context)
                        }
                        card("The queue", id: "queue", note: HTML(count(model.total, "patch", "patches"))) {
                            queueTable("Work queue", model.rows, context)
                            pager(
                                shown: model.rows.count, total: model.total, one: "patch", many: "patches",
                                next: model.next.map { address(model, context, after: $0) }, first: nil)
                        }
                    }
                }
                scopeNote(model.scope, context)
            }
        })
}

private func address(_ model: QueueModel, _ context: PageContext, after: String? = nil) -> Location {
    var query: [(name: String, value: String)] = []
    if model.selection.count != 5 { query.append(("count", String(model.selection.count))) }
    if let capacity = model.capacity { query.append(("capacity", String(capacity))) }
    if let pace = model.pace { query.append(("perWeek", String(pace.perWeek))) }
    if let after { query.append(("after", after)) }
    return context.to("queue", query: query)
}

private func nothing(_ model: QueueModel, _ context: PageContext) -> HTML {
    if model.notClosed > 0 {
        return emptyState(
            .patch, "No offered patch closes a known vulnerability",
            "Judged hosts have \(count(model.notClosed, "vulnerability", "vulnerabilities")), but what would close them is not offered to them, or nobody knows of a fix.",
            action: linkButton("Vulnerabilities", context.to("vulnerabilities"), .primary, icon: .bug))
    }
    let judged = model.scope.hosts - model.scope.unjudged
    return emptyState(
        judged == 0 ? .unknown : .check, judged == 0 ? "No host was judged" : "Nothing waits",
        judged == 0
            ? "Nothing is known of any host: none has reported its packages yet."
            : "No known vulnerability is open on \(count(judged, "judged host")).")
}

private func bands(_ model: QueueModel) -> HTML {
    card("By when", id: "bands") {
        proportions(
            "Patches by when they are due",
            model.bands.filter { $0.count > 0 }.map {
                Share(tone: $0.band.tone, label: $0.band.title.lowercased(), count: $0.count, location: nil)
            })
    }
}

private func selectionCard(_ model: QueueModel, _ context: PageContext) -> HTML {
    card(
        "The few that cut most risk", id: "few",
        action: getForm(context.to("queue"), context, class: "inline-form") {
            if let capacity = model.capacity { input(.type(.hidden), .name("capacity"), .value(String(capacity))) }
            if let pace = model.pace { input(.type(.hidden), .name("perWeek"), .value(String(pace.perWeek))) }
            label(.class("unseen"), .for("few-count")) { "How many patches" }
            input(
                .type(.number), .id("few-count"), .name("count"), .class("input short"), .min(1), .max(100),
                .value(String(model.selection.count)))
            button("Show", .plain)
        }
    ) {
        ol(.class("lines")) {
            model.selection.choices.map { choice in
                li(.data(.row)) {
                    a(.href(patchLocation(choice.id, context)), .data(.select)) { bdi { choice.name } }
                    span(.class("metered")) {
                        meter(Int(choice.share * 1000), of: 1000, tone: .good)
                        span(.class("number")) { percent(choice.share) }
                    }
                }
            }
        }
        p(.class("padded note")) {
            "The share of all risk that is gone with each and those before it: at least \(percent(model.selection.quality)) of what the best choice of \(grouped(model.selection.count)) could cut."
        }
    }
}

private func capacityCard(_ model: QueueModel, _ context: PageContext) -> HTML {
    card(
        "What fits", id: "capacity",
        action: getForm(context.to("queue"), context, class: "inline-form") {
            if model.selection.count != 5 {
                input(.type(.hidden), .name("count"), .value(String(model.selection.count)))
            }
            if let pace = model.pace { input(.type(.hidden), .name("perWeek"), .value(String(pace.perWeek))) }
            label(.class("unseen"), .for("capacity-units")) { "Units of work" }
            input(
                .type(.number), .id("capacity-units"), .name("capacity"), .class("input short"), .min(1),
                .max(1_000_000), .value(model.capacity.map(String.init) ?? ""), .placeholder("units"))
            button("Show", .plain)
        }
    ) {
        if let capacity = model.capacity {
            p(.class("padded question")) {
                "\(count(model.fitting, "patch", "patches")) of the queue fit into \(grouped(capacity)) units."
            }
            if let last = model.rows.last(where: { $0.place <= model.fitting }), last.place == model.fitting {
                p(.class("padded")) {
                    "The last that fits is "
                    a(.href(patchLocation(last.id, context))) { bdi { last.name } }
                    "."
                }
            }
        } else {
            p(.class("padded")) {
                "Say how much can be done before the next window, and it shows how far down the queue that reaches."
            }
        }
        p(.class("padded note")) {
            "A unit is the work of one patch on one host; a reboot counts two more, and what failures cost is added."
        }
    }
}

private func paceCard(_ model: QueueModel, _ context: PageContext) -> HTML {
    card(
        "What is in time", id: "pace",
        action: getForm(context.to("queue"), context, class: "inline-form") {
            if model.selection.count != 5 {
                input(.type(.hidden), .name("count"), .value(String(model.selection.count)))
            }
            if let capacity = model.capacity { input(.type(.hidden), .name("capacity"), .value(String(capacity))) }
            label(.class("unseen"), .for("pace-units")) { "Units of work a week" }
            input(
                .type(.number), .id("pace-units"), .name("perWeek"), .class("input short"), .min(1),
                .max(1_000_000), .value(model.pace.map { String($0.perWeek) } ?? ""), .placeholder("a week"))
            button("Show", .plain)
        }
    ) {
        if let pace = model.pace {
            p(.class("padded question")) {
                pace.inTime + pace.late == 0
                    ? "Nothing in the queue has a date."
                    : pace.late == 0
                        ? "Every patch with a date is in time at \(grouped(pace.perWeek)) units a week."
                        : "\(grouped(pace.late)) of \(count(pace.inTime + pace.late, "patch", "patches")) with a date \(pace.late == 1 ? "is" : "are") late at \(grouped(pace.perWeek)) units a week."
            }
            p(.class("padded")) {
                if let first = pace.firstLate {
                    "The first that is late is "
                    a(.href(patchLocation(first.id, context))) { bdi { first.name } }
                    ". "
                }
                if let finished = pace.finished {
                    "The whole queue is done by \(String(finished.description.prefix(10)))."
                } else {
                    "No end of the queue is in sight."
                }
            }
        } else {
            p(.class("padded")) { "Say how much is done in a week, and it shows which patches are done by their date." }
        }
        p(.class("padded note")) { "The queue is worked off in its order, and nothing new comes into it." }
    }
}

/// One patch of the queue: what it closes, where, and what it costs.
public func rankedPatchPage(_ model: RankedPatchModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        model.row.name, context, current: .queue, events: events,
        content: HTML {
            breadcrumbs([("Work queue", context.to("queue"))], model.row.name)
            pageHead(
                model.row.name,
                lead: HTML {
                    badge(model.row.band.tone, model.row.band.title, icon: .clock)
                    " \(model.row.place). of the work queue; closes \(count(model.row.closes.count, "vulnerability", "vulnerabilities")) on \(count(model.row.hosts, "host"))"
                },
                actions: HTML {
                    if let campaign = model.campaign {
                        linkButton("Plan a campaign", campaign, .primary, icon: .campaign)
                    }
                })
            if !model.campaignNamesHosts, model.campaign != nil {
                p(.class("note")) {
                    "It waits on more hosts than a link can name: the form asks for every active host with it; narrow it by labels."
                }
            }
            if model.isReboot {
                noticeBox(
                    Notice(
                        .warning, "A reboot closes it",
                        "The fixed kernel is installed and does not run: nothing is to be installed, the hosts have to boot."
                    ))
            }
            if model.row.isEvidenceFirst {
                noticeBox(
                    Notice(
                        .warning, "Evidence first",
                        "The decision table asks for forensics before anything is installed: what it closes is exploited, and the host may have been entered. Campaigns leave hosts out until their evidence is noted."
                    ))
                p { linkButton("What is held, and what was taken", context.to("evidence"), icon: .shield) }
            }
            div(.class("stack"), .id("live-patch"), .data(.live)) {
                fourFacts(model)
                div(.class("columns two-one")) {
                    whyCard(model)
                    costCard(model)
                }
                card(
                    "What it closes", id: "closes",
                    note: HTML(count(model.row.closes.count, "vulnerability", "vulnerabilities"))
                ) {
                    vulnerabilityTable("What it closes", model.vulnerabilities, context)
                    if model.vulnerabilities.count < model.row.closes.count {
                        p(.class("padded note")) {
                            "The \(grouped(model.vulnerabilities.count)) riskiest of \(grouped(model.row.closes.count))."
                        }
                    }
                }
                placesCard(model, context)
            }
        })
}

private func fourFacts(_ model: RankedPatchModel) -> HTML {
    section(.class("counters four"), .ariaLabel("Four facts")) {
        fact("Fixable", model.fixable, "An advisory names this fix, or a lower one.")
        fact("Installable", model.installable, "The host's own repositories offer it.")
        fact("Installed", model.installed, "The host's packages are at it.")
        fact("Verified", model.verified, "Installed, and a fresh scan found nothing left to restart or boot.")
    }
}

private func fact(_ title: String, _ number: Int, _ why: String) -> HTML {
    div(.class("counter")) {
        span(.class("counter-number")) { grouped(number) }
        span(.class("counter-title")) { title }
        span(.class("counter-why")) { why }
    }
}

private func placesCard(_ model: RankedPatchModel, _ context: PageContext) -> HTML {
    let order = model.areByDate && model.placesTotal > 1 ? ", the earliest date first" : ""
    return card("Where it waits", id: "where", note: HTML(count(model.placesTotal, "host") + order)) {
        dataTable(
            "Where it waits",
            [
                Column("Host", isName: true) { row in
                    a(.href(context.to("hosts", row.host, "vulnerabilities")), .data(.select)) { bdi { row.hostname } }
                },
                Column("Step") { row in model.isReboot ? HTML("a reboot") : stepList(row.steps) },
                Column("Closes", isNumber: true) { row in
                    HTML {
                        grouped(row.closes)
                        if row.leaves > 0 {
                            span(.class("sub"), .title("Of the same packages, beyond what is offered")) {
                                "\(grouped(row.leaves)) stay"
                            }
                        }
                    }
                },
                Column("Cost") { row in costBadge(row.cost) },
                Column("Due") { dueState($0.band, $0.due, context) },
            ], model.places)
        pager(
            shown: model.places.count, total: model.placesTotal, one: "host",
            next: model.next.map { context.to("queue", "patch", query: [("id", model.row.id), ("after", $0)]) },
            first: nil)
    }
}

private func costBadge(_ cost: String) -> HTML {
    switch cost {
    case "reboot": badge(.warning, "Reboot", icon: .reboot)
    case "restart": badge(.info, "Services restart", icon: .restart)
    default: span(.class("quiet")) { "nothing restarts" }
    }
}

private func costCard(_ model: RankedPatchModel) -> HTML {
    card("Worth and cost", id: "cost") {
        facts([
            ("Benefit", HTML(decimal(model.row.benefit, 3))), ("Cost", HTML(decimal(model.row.cost, 2))),
            (
                "Ratio",
                HTML(model.row.cost > 0 ? decimal(model.row.benefit / model.row.cost, 3) : "unknown")
            ),
            ("Reboot", HTML(model.row.needsReboot ? "expected" : "not expected")),
        ])
        p(.class("padded note")) {
            "What a reboot or restart is expected to be is judged by the packages; what the host reports after the step stands above it."
        }
    }
}

private func whyCard(_ model: RankedPatchModel) -> HTML {
    card("Why this rank", id: "why") {
        p(.class("padded")) { model.row.why + "." }
        details(.class("evidence padded")) {
            summary { "In full: every finding's share, and the cost" }
            ul(.class("terms")) { model.full.map { line in li { line } } }
        }
    }
}
