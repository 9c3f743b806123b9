public import HTML
import Timestamps

/// Policies: what is patched when, where, in which order and by whose leave?
public func policiesPage(_ model: PoliciesModel, _ context: PageContext) -> HTML {
    page(
        "Policies", context, current: .policies,
        content: HTML {
            pageHead(
                "Policies",
                lead: HTML {
                    if let applied = model.appliedAt {
                        "Version \(model.version), applied "
                        ago(applied, context)
                        " by "
                        bdi { model.appliedBy }
                        "."
                    } else {
                        "Groups, rings, windows and rules, kept as files and applied as a whole."
                    }
                },
                actions: model.mayApply
                    ? linkButton("Apply policies", context.to("policies", "apply"), .primary, icon: .plus) : .empty)
            for text in model.unreadable {
                noticeBox(Notice(.critical, "A policy in force cannot be read", text))
            }
            tabs(
                "Which kinds",
                [("All", model.kinds.reduce(0) { $0 + $1.count }, context.to("policies"), model.kind.isEmpty)]
                    + model.kinds.map {
                        ($0.kind, $0.count, context.to("policies", query: [("kind", $0.kind)]), $0.kind == model.kind)
                    })
            div(.class("card")) {
                if model.rows.isEmpty {
                    emptyState(
                        .lock, "There are no policies",
                        "Write them as YAML and apply them: fettle policy apply policies/. Until then each campaign is given its window by hand."
                    )
                } else {
                    dataTable(
                        "Policies",
                        [
                            Column("Name", isName: true) { row in
                                a(.href(context.to("policies", row.kind, row.name)), .data(.select)) {
                                    bdi { row.name }
                                }
                                if !row.note.isEmpty { span(.class("sub summary")) { row.note } }
                            },
                            Column("Kind") { row in HTML(row.kind) },
                            Column("Since version", isNumber: true) { row in HTML(String(row.version)) },
                            Column("Applied") { row in ago(row.appliedAt, context) },
                            Column("By", isMinor: true) { row in bdi { row.appliedBy } },
                            Column("Digest", isMinor: true) { row in
                                code(.title(row.digest)) { String(row.digest.prefix(12)) }
                            },
                        ], model.rows)
                    pager(
                        shown: model.rows.count, total: model.total, one: "object",
                        next: model.next.map {
                            context.to(
                                "policies", query: (model.kind.isEmpty ? [] : [("kind", model.kind)]) + [("after", $0)])
                        }, first: nil)
                }
            }
        })
}

/// One policy object: what it says, whom it applies to, and what it was.
public func policyPage(_ model: PolicyModel, _ context: PageContext) -> HTML {
    let row = model.row
    return page(
        "\(row.kind) \(row.name)", context, current: .policies,
        content: HTML {
            breadcrumbs([("Policies", context.to("policies"))], "\(row.kind)/\(row.name)")
            pageHead(
                row.name,
                lead: HTML {
                    "\(row.kind), version \(row.version), applied "
                    ago(row.appliedAt, context)
                    " by "
                    bdi { row.appliedBy }
                    "."
                    if !row.note.isEmpty { " \(row.note)" }
                },
                actions: HTML {
                    if let calendar = model.calendar { linkButton("Calendar of its windows", calendar, icon: .clock) }
                    if model.mayApply {
                        linkButton(
                            "Change it",
                            context.to("policies", "apply", query: [("object", "\(row.kind)/\(row.name)")]), icon: .plus
                        )
                    }
                })
            if let until = row.until {
                noticeBox(
                    Notice(
                        .warning, "It is not in force",
                        "Version \(until) of the policies has taken it out or changed it."))
            }
            div(.class("columns two-one")) {
                card("What it says", id: "policy-document") {
                    div(.class("padded")) { copyable(model.yaml, label: "\(row.kind)/\(row.name) as YAML") }
                }
                div(.class("stack")) {
                    if !model.rings.isEmpty { ringsCard(model) }
                    if let hosts = model.hosts { hostsCard(model, hosts, context) }
                    historyCard(model, context)
                }
            }
        })
}

private func ringsCard(_ model: PolicyModel) -> HTML {
    card("Rings over all hosts", id: "policy-rings") {
        facts(model.rings.map { ($0.name, HTML(count($0.hosts, "host"))) })
        div(.class("padded")) {
            p(.class("note")) {
                model.untested.isEmpty
                    ? "Each kind of hosts has one in the first ring. A campaign draws its own."
                    : "The first ring has none of: \(model.untested.joined(separator: "; ")). Nothing tries a release on these before it is on them."
            }
        }
    }
}

private func hostsCard(
    _ model: PolicyModel, _ hosts: [(id: String, name: String, ring: String)], _ context: PageContext
) -> HTML {
    card("Whom it applies to", id: "policy-hosts") {
        if hosts.isEmpty {
            div(.class("padded")) { p(.class("note")) { "No active host that you see." } }
        } else {
            dataTable(
                "Hosts",
                [
                    Column("Host", isName: true) { host in
                        a(.href(context.to("hosts", host.id, "windows"))) { bdi { host.name } }
                    }
                ] + (model.rings.isEmpty ? [] : [Column("Ring") { host in HTML(host.ring) }]), hosts)
        }
        pager(
            shown: hosts.count, total: model.total, one: "host",
            next: model.next.map {
                context.to("policies", model.row.kind, model.row.name, query: [("after", $0)])
            }, first: nil)
    }
}

private func historyCard(_ model: PolicyModel, _ context: PageContext) -> HTML {
    card("History", id: "policy-history") {
        dataTable(
            "What it was",
            [
                Column("Version", isName: true) { row in
                    a(
                        .href(
                            context.to("policies", row.kind, row.name, query: [("version", String(row.version))])),
                        .ariaCurrent(row.version == model.row.version ? .true : nil)
                    ) { String(row.version) }
                },
                Column("Applied") { row in stamp(row.appliedAt) },
                Column("By") { row in bdi { row.appliedBy } },
                Column("Until") { row in HTML(row.until.map { "version \($0)" } ?? "in force") },
            ], model.history)
    }
}

/// The form that applies policies: the plan first, then the same again.
public func policyFormPage(_ model: PolicyFormModel, _ context: PageContext) -> HTML {
    page(
        "Apply policies", context, current: .policies,
        content: HTML {
            breadcrumbs([("Policies", context.to("policies"))], "Apply")
            pageHead(
                "Apply policies",
                lead:
                    "YAML documents, one after the other with --- between them. What they do not have stays, unless you say otherwise."
            )
            if !model.problem.isEmpty { noticeBox(Notice(.critical, "It was not done", model.problem)) }
            if let plan = model.plan {
                card(
                    model.errors.isEmpty ? "The plan" : "What is wrong", id: "policy-plan",
                    note: HTML("on version \(model.version)")
                ) {
                    div(.class("padded stack")) {
                        for text in model.errors { noticeBox(Notice(.critical, text)) }
                        for text in model.warnings { noticeBox(Notice(.warning, text)) }
                        if model.errors.isEmpty {
                            copyable(
                                plan.isEmpty ? "Nothing changes." : plan.joined(separator: "\n"), label: "The plan")
                        }
                    }
                }
            }
            card("Documents", id: "policy-text") {
                postForm(context.to("policies", "apply"), context, class: "form") {
                    input(.type(.hidden), .name("version"), .value(String(model.version)))
                    TextArea(
                        name: "text", label: "YAML", value: model.text,
                        hint: "At most \(bytes(Int64(model.maximum))); larger sets: fettle policy apply.", rows: 24,
                        maximum: model.maximum
                    ).html
                    div(.class("check")) {
                        input(
                            .type(.checkbox), .id("prune"), .name("prune"), .value("yes"), .checked(model.prunes))
                        label(.for("prune")) { "Delete every object that is not in this text" }
                    }
                    div(.class("actions")) {
                        button("Show the plan", .primary, name: "step", value: "plan")
                        if model.plan?.isEmpty == false, model.errors.isEmpty {
                            button("Apply this plan", icon: .check, name: "step", value: "apply")
                        }
                    }
                }
            }
        })
}

/// When one host may change.
func hostWindows(_ model: HostModel, _ context: PageContext) -> HTML {
    guard let windows = model.windows else { return .empty }
    return HTML {
        for text in windows.frozen { noticeBox(Notice(.info, "Frozen now", text)) }
        if !windows.why.isEmpty { noticeBox(Notice(.warning, "No window opens", windows.why)) }
        div(.class("columns two-one")) {
            card("Next openings", id: "host-windows", note: HTML(windows.isOpen ? "open now" : "shut now")) {
                if windows.openings.isEmpty {
                    emptyState(.clock, "No window opens", "A campaign with a window of its own can still be planned.")
                } else {
                    dataTable(
                        "Next openings",
                        [
                            Column("Local time", isName: true) { row in
                                span { row.local }
                                if !row.note.isEmpty { span(.class("sub summary")) { row.note } }
                            },
                            Column("UTC") { row in
                                stamp(row.opens)
                                " to "
                                stamp(row.shuts)
                            },
                            Column("Minutes", isNumber: true) { row in HTML(String(row.minutes)) },
                            Column("Last safe start") { row in
                                if let last = row.lastStart { stamp(last) } else { span { "too short for any change" } }
                            },
                            Column("Windows", isMinor: true) { row in bdi { row.windows } },
                        ], windows.openings)
                }
            }
            card("By which policies", id: "host-policies") {
                facts([
                    ("Its zone", HTML(windows.zone ?? "not known: the host has not said it")),
                    (
                        "Its site",
                        HTML(
                            windows.site.map { "\($0), \(windows.siteZone ?? "no Site of that name has a zone")" }
                                ?? "none")
                    ),
                    ("Groups", policyLinks("HostGroup", windows.groups, windows, context)),
                    ("Windows", policyLinks("Window", windows.windows, windows, context)),
                    ("Freezes", policyLinks("Freeze", windows.freezes, windows, context)),
                ])
            }
        }
    }
}

private func policyLinks(
    _ kind: String, _ names: [String], _ model: HostWindowsModel, _ context: PageContext
) -> HTML {
    if names.isEmpty { return span(.class("quiet")) { "none" } }
    return HTML {
        names.map { name in
            span {
                if model.seesPolicies {
                    a(.href(context.to("policies", kind, name))) { bdi { name } }
                } else {
                    bdi { name }
                }
                " "
            }
        }
    }
}
