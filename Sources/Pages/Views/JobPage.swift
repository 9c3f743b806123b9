public import HTML

/// One host's part of a campaign: what was done there, in which order, and what came of it.
public func jobPage(_ model: JobModel, _ context: PageContext, events: Location?) -> HTML {
    let row = model.row
    return page(
        "\(row.hostname) in \(row.campaignTitle)", context, current: .campaigns, events: events,
        content: HTML {
            breadcrumbs(
                [
                    ("Campaigns", context.to("campaigns")),
                    (row.campaignTitle, context.to("campaigns", row.campaign)),
                ], row.hostname)
            div(.id("live-job"), .data(.live)) {
                pageHead(
                    row.hostname,
                    lead: HTML {
                        badge(jobLook(row.state).tone, jobLook(row.state).text, icon: jobLook(row.state).icon)
                        " "
                        if !row.hasEnded, !row.phase.isEmpty {
                            span(.class("lead-text")) {
                                phaseTitle(row.phase)
                                if let percent = row.percent { ", \(percent) %" }
                            }
                        }
                        if !row.activity.isEmpty, !row.hasEnded { span(.class("lead-text")) { row.activity } }
                    },
                    actions: linkButton("The host", context.to("hosts", row.host), icon: .host))
                if !row.sentence.isEmpty {
                    noticeBox(
                        Notice(
                            jobLook(row.state).tone, jobLook(row.state).text, row.sentence))
                }
                if model.mayWriteOff { writeOffCard(model, context) }
                div(.class("columns two-one")) {
                    div(.class("stack")) {
                        packagesCard(model)
                        journalCard(model, context)
                        logCard(model, context)
                    }
                    aboutCard(model, context)
                }
            }
        })
}

private func packagesCard(_ model: JobModel) -> HTML {
    card("Packages", id: "job-packages", note: "before, ordered, and what the scan afterwards found") {
        if model.row.steps.isEmpty {
            p(.class("padded quiet")) { "Nothing is known yet." }
        } else {
            dataTable(
                "Packages",
                [
                    Column("Package", isName: true) { step in
                        bdi { step.package }
                        if !step.message.isEmpty { span(.class("sub")) { step.message } }
                    },
                    Column("Step") { step in versions(step.from.isEmpty ? "not known" : step.from, step.to) },
                    Column("Now") { step in
                        step.now.isEmpty ? span(.class("quiet")) { "not scanned yet" } : code { step.now }
                    },
                    Column("Result") { step in stepResult(step.result) },
                ], model.row.steps, class: "compact")
        }
    }
}

private func stepResult(_ result: String) -> HTML {
    switch result {
    case "": .empty
    case "upgraded": badge(.good, "Upgraded")
    case "unchanged": badge(.neutral, "Unchanged")
    case "failed": badge(.critical, "Failed", icon: .close)
    case "rolled-back": badge(.warning, "Rolled back", icon: .restart)
    case "held-back": badge(.critical, "Held back", icon: .close)
    default: badge(.unknown, result.capitalisedFirst)
    }
}

private func journalCard(_ model: JobModel, _ context: PageContext) -> HTML {
    card(
        "Journal", id: "journal",
        note: HTML("\(grouped(model.entries.count)) of \(count(model.entryCount, "record")), as the host wrote them")
    ) {
        if model.entries.isEmpty {
            emptyState(.clock, "Nothing yet", "What the host does stands here, each record before it is done.")
        } else {
            ol(.class("timeline")) {
                model.entries.map { entry in
                    li {
                        span(.class("timeline-mark")) { icon(entryIcon(entry.kind)) }
                        div {
                            p {
                                strong { phaseTitle(entry.phase) }
                                " "
                                span(.class("quiet")) { entry.kind }
                                " "
                                ago(entry.time, context)
                            }
                            if !entry.text.isEmpty { p(.class("sub")) { entry.text } }
                            if !entry.detail.isEmpty {
                                details(.class("inline")) {
                                    summary { "Record \(entry.ordinal)" }
                                    p(.class("detail")) { entry.detail }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

private func entryIcon(_ kind: String) -> Icon {
    switch kind {
    case "intent": .chevron
    case "result": .check
    default: .info
    }
}

private func logCard(_ model: JobModel, _ context: PageContext) -> HTML {
    card(
        "Log", id: "job-log",
        note: HTML(
            model.logSize > Int64(model.log.utf8.count)
                ? "the end of \(bytes(model.logSize))" : "what the package manager and the scripts wrote"),
        action: model.logSize > 0
            ? linkButton(
                "All of it", context.to("campaigns", model.row.campaign, "jobs", model.row.id, "log"), .quiet,
                icon: .download) : .empty
    ) {
        if model.log.isEmpty {
            p(.class("padded quiet")) { "Nothing was written yet." }
        } else {
            div(.class("padded")) { copyable(model.log, label: "Log") }
        }
    }
}

private func aboutCard(_ model: JobModel, _ context: PageContext) -> HTML {
    let row = model.row
    return card("About", id: "about-job") {
        facts([
            (
                "Campaign",
                HTML { a(.href(context.to("campaigns", row.campaign))) { bdi { row.campaignTitle } } }
            ),
            ("Attempt", HTML(grouped(row.attempt))),
            ("Does", HTML(row.rollsBack ? "Takes the host back" : "Brings the plan")),
            ("May change from", model.notBefore.map(stamp) ?? HTML("not known yet")),
            ("May begin until", model.lastSafeStart.map(stamp) ?? HTML("not known yet")),
            ("Until", model.notAfter.map(stamp) ?? HTML("not known yet")),
            ("Permit", HTML(model.holdsPermit ? "held" : "none")),
            ("Heard", ago(row.lastHeard, context, never: "not yet")),
            ("Id", HTML { code { row.id } }),
        ])
    }
}

private func writeOffCard(_ model: JobModel, _ context: PageContext) -> HTML {
    card("Its place in the budget", id: "write-off") {
        postForm(
            context.to("campaigns", model.row.campaign, "jobs", model.row.id, "write-off"), context, class: "form"
        ) {
            p {
                "The host has fallen silent or is not well, so it keeps its place in the budget. If you know that it is gone or mended, give up on this job: its place becomes free."
            }
            Field(
                name: "reason", label: "Reason", hint: "It enters the audit log.", isRequired: true, maximum: 1024
            ).html
            div(.class("actions")) { button("Give up on it", .danger) }
        }
    }
}

/// Why is a package not at its new version on a host?
public func whyPage(_ model: WhyModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Why \(model.package) waits on \(model.hostname)", context, current: .hosts, events: events,
        content: HTML {
            breadcrumbs(
                [("Hosts", context.to("hosts")), (model.hostname, context.to("hosts", model.host))], model.package)
            div(.id("live-why"), .data(.live)) {
                pageHead(
                    "Why \(model.package) waits on \(model.hostname)",
                    lead: HTML(model.reasons.first?.sentence ?? "Nothing is known to stand in the way."),
                    actions: model.mayWrite
                        ? linkButton(
                            "Patch it",
                            context.to(
                                "campaigns", "new", query: [("host", model.host), ("package", model.package)]),
                            .primary, icon: .campaign) : .empty)
                div(.class("columns two-one")) {
                    card("Reasons", id: "reasons", note: "the most decisive first") {
                        if model.reasons.isEmpty {
                            emptyState(.unknown, "None is known", "Ask for a scan of the host, and look again.")
                        } else {
                            ol(.class("lines")) { model.reasons.map(reasonLine) }
                        }
                    }
                    card("Versions", id: "versions") {
                        facts(versionFacts(model))
                    }
                }
                if !model.campaigns.isEmpty {
                    card("Campaigns that bring it here", id: "why-campaigns") {
                        campaignTable("Campaigns", model.campaigns, context)
                    }
                }
                if !model.jobs.isEmpty {
                    card("This host's part of them", id: "why-jobs") { hostJobs(model.jobs, context) }
                }
            }
        })
}

private func versionFacts(_ model: WhyModel) -> [(name: String, value: HTML)] {
    var rows: [(name: String, value: HTML)] = []
    for one in model.installed { rows.append(("Installed, \(one.architecture)", HTML { code { one.version } })) }
    if model.installed.isEmpty { rows.append(("Installed", HTML("not installed"))) }
    for one in model.candidate { rows.append(("Offered, \(one.architecture)", HTML { code { one.version } })) }
    if model.candidate.isEmpty { rows.append(("Offered", HTML("nothing newer"))) }
    return rows
}

private func reasonLine(_ reason: (code: String, sentence: String, cure: String)) -> HTML {
    li {
        div {
            strong { reason.sentence }
            if !reason.cure.isEmpty { span(.class("sub")) { reason.cure } }
        }
        tag(reason.code)
    }
}

/// A host's parts of campaigns.
func hostJobs(_ jobs: [JobRow], _ context: PageContext) -> HTML {
    dataTable(
        "Campaigns of this host",
        [
            Column("Campaign", isName: true) { row in
                a(.href(context.to("campaigns", row.campaign, "jobs", row.id)), .data(.select)) {
                    bdi { row.campaignTitle }
                }
                if row.attempt > 1 { span(.class("sub")) { "attempt \(row.attempt)" } }
            },
            Column("State") { jobState($0) },
            Column("What happened, or what it waits for") { row in HTML(row.sentence) },
            Column("Heard", isMinor: true) { row in ago(row.lastHeard, context, never: "not yet") },
        ], jobs)
}
