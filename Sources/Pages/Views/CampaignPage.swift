public import HTML

/// One campaign: where is it, what happens next and why, and what does it do to which host?
public func campaignPage(_ model: CampaignModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        model.row.title, context, current: .campaigns, events: events,
        content: HTML {
            breadcrumbs([("Campaigns", context.to("campaigns"))], model.row.title)
            div(.id("live-campaign"), .data(.live)) {
                pageHead(model.row.title, lead: lead(model, context))
                remarks(model, context)
            }
            div(.id("live-decisions"), .data(.live)) { campaignDecisions(model, context) }
            div(.id("live-plan"), .data(.live)) {
                if !model.hosts.isEmpty { hostsCard(model, context) }
                div(.class("columns two-one")) {
                    planCard(model)
                    div(.class("stack")) {
                        aboutCard(model, context)
                        approvalsCard(model, context)
                    }
                }
            }
        })
}

private func lead(_ model: CampaignModel, _ context: PageContext) -> HTML {
    HTML {
        campaignState(model.row)
        " "
        model.row.next
        " "
        if model.row.hosts > 0 { campaignProgress(model.row) }
    }
}

private func remarks(_ model: CampaignModel, _ context: PageContext) -> HTML {
    HTML {
        noApprovalNotice(model.row.approvalsRequired)
        if !model.row.reason.isEmpty {
            noticeBox(Notice(model.row.hasEnded ? .neutral : .warning, "Why", model.row.reason))
        }
        if !model.errors.isEmpty {
            remarkBox(.critical, "It could not be frozen to a plan", model.errors)
        }
        if !model.notes.isEmpty { remarkBox(.info, "To know of this plan", model.notes) }
        if let other = model.rollsBack {
            p(.class("note")) {
                "It takes back "
                a(.href(context.to("campaigns", other))) { "another campaign" }
                "."
            }
        }
    }
}

/// Sentences that belong together, in a box.
func remarkBox(_ tone: Tone, _ title: String, _ lines: [String]) -> HTML {
    div(.class("notice tone-\(tone.rawValue)"), .role(tone == .critical ? "alert" : "status")) {
        icon(tone.icon)
        div {
            strong { title }
            ul { lines.map { line in li { line } } }
        }
    }
}

private func hostsCard(_ model: CampaignModel, _ context: PageContext) -> HTML {
    card(
        "Hosts", id: "campaign-hosts",
        note: HTML(
            model.counts.map { "\(grouped($0.count)) \(jobLook($0.state).text.lowercased())" }.joined(separator: ", "))
    ) {
        dataTable(
            "Hosts",
            [
                Column("Host", isName: true) { row in
                    HTML.maybeLink(
                        row.id.isEmpty
                            ? context.to("hosts", row.host)
                            : context.to("campaigns", model.row.id, "jobs", row.id)
                    ) { bdi { row.hostname } }
                    if row.attempt > 1 { span(.class("sub")) { "attempt \(row.attempt)" } }
                },
                Column("State") { jobState($0) },
                Column("What happened, or what it waits for") { row in
                    span {
                        row.sentence.isEmpty ? row.reboot : row.sentence
                        if row.sentence.isEmpty, !row.wayBack.isEmpty {
                            span(.class("sub")) { "Way back: \(row.wayBack)" }
                        }
                        if !row.activity.isEmpty, !row.hasEnded {
                            span(.class("sub")) { row.activity }
                        }
                    }
                },
                Column("Packages") { stepList($0.steps) },
                Column("Heard", isMinor: true) { row in
                    row.id.isEmpty ? .empty : ago(row.lastHeard, context, never: "not yet")
                },
            ], model.hosts)
        pager(
            shown: model.hosts.count, total: model.row.hosts, one: "host",
            next: model.hostsNext.map { context.to("campaigns", model.row.id, query: [("after", $0)]) }, first: nil)
    }
}

private func planCard(_ model: CampaignModel) -> HTML {
    card(
        "Plan", id: "plan",
        note: HTML(
            model.targets.isEmpty ? "not frozen yet" : "exactly these versions; nothing else may change on a host")
    ) {
        if model.targets.isEmpty {
            p(.class("padded")) { model.selection }
        }
        model.targets.map { target in
            HTML {
                p(.class("padded note")) {
                    "\(target.distribution): \(count(target.packages.count, "package"))"
                }
                packageTable(target)
            }
        }
    }
}

private func packageTable(_ target: TargetRow) -> HTML {
    dataTable(
        "Packages of \(target.distribution)",
        [
            Column("Package", isName: true) { row in bdi { row.package } },
            Column("From") { row in
                row.previous.isEmpty
                    ? span(.class("quiet")) { "not installed" }
                    : span(.class("tags")) { row.previous.prefix(5).map { version in code { version } } }
            },
            Column("To") { row in code { row.version } },
        ], target.packages, class: "compact")
}

private func aboutCard(_ model: CampaignModel, _ context: PageContext) -> HTML {
    card("About", id: "about") {
        facts(aboutFacts(model, context))
    }
}

private func aboutFacts(_ model: CampaignModel, _ context: PageContext) -> [(name: String, value: HTML)] {
    var rows: [(name: String, value: HTML)] = [
        ("Window", HTML(model.row.window)), ("Budget", HTML("\(count(model.budget, "host")) at a time")),
    ]
    if model.permitsHeld > 0 {
        let silent = model.permitsSuspect > 0 ? ", \(grouped(model.permitsSuspect)) by silent hosts" : ""
        rows.append(("Permits", HTML("\(grouped(model.permitsHeld)) in use\(silent)")))
    }
    for action in model.actions { rows.append((action.name, HTML(action.value))) }
    rows.append(("Made by", HTML { bdi { model.row.author } }))
    rows.append(("Changed", ago(model.row.updated, context)))
    rows.append(("Id", HTML { code { model.row.id } }))
    if !model.planDigest.isEmpty {
        rows.append(("Plan", HTML { code(.title(model.planDigest)) { String(model.planDigest.prefix(16)) } }))
    }
    return rows
}

private func approvalsCard(_ model: CampaignModel, _ context: PageContext) -> HTML {
    card(
        "Approvals", id: "approvals",
        note: HTML("\(grouped(model.row.approvalsGiven)) of \(grouped(model.row.approvalsRequired))")
    ) {
        if model.approvals.isEmpty {
            p(.class("padded quiet")) { "Nobody has approved this plan." }
        } else {
            ul(.class("lines")) {
                model.approvals.map { approval in
                    li {
                        div {
                            strong { bdi { approval.approver } }
                            span(.class("sub")) {
                                ago(approval.time, context)
                                if approval.isSigned { ", signed with a key of their own" }
                            }
                        }
                        if approval.counts {
                            badge(.good, "Counts")
                        } else {
                            badge(.neutral, "Of an earlier plan", icon: .close)
                        }
                    }
                }
            }
        }
    }
}
