public import HTML

/// Patches: what is missing, and on how many hosts.
public func patchesPage(_ model: PatchesModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Patches", context, current: .patches, events: events,
        content: HTML {
            pageHead(
                "Patches",
                lead: HTML("\(count(model.total, "patch", "patches")) that hosts' own repositories offer"),
                actions: model.mayPatch && model.securityCount + model.otherCount > 0
                    ? linkButton(
                        "Patch these hosts",
                        context.to(
                            "campaigns", "new",
                            query: [("packages", model.security == "yes" ? "security" : "everything")]), .primary,
                        icon: .campaign) : .empty)
            tabs(
                "Kinds",
                [
                    (
                        "All", model.securityCount + model.otherCount, address(model, context, security: ""),
                        model.security.isEmpty
                    ),
                    (
                        "Security", model.securityCount, address(model, context, security: "yes"),
                        model.security == "yes"
                    ),
                    ("Other", model.otherCount, address(model, context, security: "no"), model.security == "no"),
                ])
            div(.class("card"), .id("live-patches"), .data(.live)) {
                div(.class("card-head")) {
                    getForm(context.to("patches"), context, class: "inline-form") {
                        if !model.security.isEmpty { input(.type(.hidden), .name("security"), .value(model.security)) }
                        label(.class("unseen"), .for("patch-q")) { "Name holds" }
                        input(
                            .type(.search), .id("patch-q"), .name("q"), .class("input"), .value(model.text),
                            .placeholder("Name holds"), .maxlength(200))
                        label(.class("unseen"), .for("patch-sort")) { "Sort by" }
                        select(.id("patch-sort"), .name("sort"), .class("input")) {
                            option(.value("urgency"), .selected(model.sort == "urgency")) { "Most urgent first" }
                            option(.value("hosts"), .selected(model.sort == "hosts")) { "Most hosts first" }
                            option(.value("name"), .selected(model.sort == "name")) { "By name" }
                        }
                        button("Show", .plain)
                    }
                }
                patchList(model, context)
            }
            if model.unjudged > 0 {
                p(.class("note")) {
                    "Counted from what \(count(model.active, "active host")) last reported; "
                    a(.href(HostsView.unjudged.location(context))) {
                        "\(grouped(model.unjudged)) of them are not judged now"
                    }
                    "."
                }
            }
        })
}

private func address(_ model: PatchesModel, _ context: PageContext, security: String, after: String? = nil) -> Location
{
    var query: [(name: String, value: String)] = []
    if !model.text.isEmpty { query.append(("q", model.text)) }
    if !security.isEmpty { query.append(("security", security)) }
    if model.sort != "urgency" { query.append(("sort", model.sort)) }
    if let after { query.append(("after", after)) }
    return context.to("patches", query: query)
}

private func patchList(_ model: PatchesModel, _ context: PageContext) -> HTML {
    if model.rows.isEmpty {
        return model.text.isEmpty && model.security.isEmpty
            ? emptyState(.check, "No patch waits", "No active host has reported an update that it lacks.")
            : emptyState(
                .search, "No patch is in this view",
                model.text.isEmpty ? "Choose another kind." : "No package's name holds \(model.text).",
                action: linkButton("Show all patches", context.to("patches")))
    }
    return HTML {
        dataTable("Patches", patchColumns(model.active, context), model.rows)
        pager(
            shown: model.rows.count, total: model.total, one: "row",
            next: model.next.map { address(model, context, security: model.security, after: $0) }, first: nil)
    }
}

private func patchColumns(_ active: Int, _ context: PageContext) -> [Column<PatchRow>] {
    [
        Column("Package", isName: true) { row in
            a(.href(context.to("patches", row.name)), .data(.select)) { bdi { row.name } }
        },
        Column("Version offered") { row in code { row.candidate } },
        Column("Kind") { updateKind($0.isSecurity) },
        Column("Hosts", isNumber: true) { row in
            span(.class("metered")) {
                meter(row.hosts, of: active, tone: row.isSecurity ? .critical : .info)
                span { grouped(row.hosts) }
            }
        },
        Column("Next upgrade takes it on", isNumber: true) { row in
            row.upgradable == row.hosts
                ? span { grouped(row.upgradable) }
                : span(.class("ink-warning")) { "\(grouped(row.upgradable)) of \(grouped(row.hosts))" }
        },
        Column("From", isMinor: true) { row in span(.class("quiet")) { row.origin } },
    ]
}

/// One patch: which hosts wait for it?
public func patchPage(_ model: PatchModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        model.name, context, current: .patches, events: events,
        content: HTML {
            breadcrumbs([("Patches", context.to("patches"))], model.name)
            pageHead(
                model.name, lead: HTML("\(count(model.total, "host waits", "hosts wait")) for a newer version"),
                actions: HTML {
                    if model.mayPatch, model.total > 0 {
                        linkButton(
                            "Patch these hosts",
                            context.to("campaigns", "new", query: [("package", model.name)]), .primary,
                            icon: .campaign)
                    }
                    linkButton(
                        "As a list of hosts", HostsQuery(["patch": model.name]).location(context), icon: .host)
                })
            div(.class("stack"), .id("live-patch"), .data(.live)) {
                card("What is offered", id: "candidates") {
                    dataTable(
                        "What is offered",
                        [
                            Column("Version", isName: true) { row in code { row.candidate } },
                            Column("Kind") { updateKind($0.isSecurity) },
                            Column("Hosts", isNumber: true) { row in HTML(grouped(row.hosts)) },
                            Column("Next upgrade takes it on", isNumber: true) { row in HTML(grouped(row.upgradable)) },
                            Column("From", isMinor: true) { row in span(.class("quiet")) { row.origin } },
                        ], model.candidates, class: "compact")
                }
                card("Hosts that wait", id: "waiting", note: HTML(count(model.total, "host"))) {
                    dataTable(
                        "Hosts that wait",
                        [
                            Column("Host", isName: true) { hostName($0.host, context) },
                            Column("Verdict") { verdict($0.host) },
                            Column("Step") { versions($0.update.installed, $0.update.candidate) },
                            Column("Kind") { updateKind($0.update.isSecurity) },
                            Column("Next upgrade") { updateStatus($0.update) },
                            Column("Seen", isMinor: true) { ago($0.host.lastSeen, context) },
                        ], model.hosts)
                    pager(
                        shown: model.hosts.count, total: model.total, one: "host",
                        next: model.next.map { context.to("patches", model.name, query: [("after", $0)]) }, first: nil)
                }
            }
        })
}

/// Search across hosts and packages.
public func searchPage(_ model: SearchModel, _ context: PageContext) -> HTML {
    page(
        "Search", context,
        content: HTML {
            pageHead(
                model.text.isEmpty ? "Search" : "Search: \(model.text)",
                lead: model.text.isEmpty
                    ? "Hosts by name, id, label or address; packages by name; vulnerabilities by id."
                    : HTML(
                        count(model.hostCount, "host")
                            + (model.vulnerabilities.isEmpty
                                ? " and "
                                : ", \(count(model.vulnerabilities.count, "vulnerability", "vulnerabilities")) and ")
                            + count(model.packageCount, "package")))
            if model.text.isEmpty {
                emptyState(.search, "Type what you look for", "The key / leads to the field from everywhere.")
            } else {
                foundVulnerabilities(model, context)
                div(.class("columns")) {
                    foundHosts(model, context)
                    foundPackages(model, context)
                }
            }
        })
}

private func foundVulnerabilities(_ model: SearchModel, _ context: PageContext) -> HTML {
    guard !model.vulnerabilities.isEmpty else { return .empty }
    return card("Vulnerabilities", id: "found-vulnerabilities", note: HTML(grouped(model.vulnerabilities.count))) {
        ul(.class("lines")) {
            model.vulnerabilities.map { found in
                li(.data(.row)) {
                    div {
                        a(.href(context.to("vulnerabilities", found.id)), .data(.select)) { bdi { found.id } }
                        span(.class("sub")) { found.summary }
                    }
                    span(.class("sub")) { found.hosts > 0 ? "on \(count(found.hosts, "host"))" : "on no judged host" }
                }
            }
        }
    }
}

private func foundHosts(_ model: SearchModel, _ context: PageContext) -> HTML {
    card(
        "Hosts", id: "found-hosts", note: HTML(grouped(model.hostCount)),
        action: model.hostCount > model.hosts.count
            ? linkButton("Filter by name", HostsQuery(["q": model.text]).location(context), .quiet, icon: .chevron)
            : .empty
    ) {
        if model.hosts.isEmpty {
            emptyState(.host, "No host", "No name, id, label or address holds \(model.text).")
        } else {
            ul(.class("lines")) {
                model.hosts.map { host in
                    li(.data(.row)) {
                        a(.href(context.to("hosts", host.id)), .data(.select)) { bdi { host.name } }
                        span(.class("sub")) { "\(host.field): \(host.value)" }
                    }
                }
            }
        }
    }
}

private func foundPackages(_ model: SearchModel, _ context: PageContext) -> HTML {
    card("Packages", id: "found-packages", note: HTML(grouped(model.packageCount))) {
        if model.packages.isEmpty {
            emptyState(.package, "No package", "No package's name holds \(model.text).")
        } else {
            ul(.class("lines")) {
                model.packages.map { package in
                    li(.data(.row)) {
                        if package.pending > 0 {
                            a(.href(context.to("patches", package.name)), .data(.select)) { bdi { package.name } }
                        } else {
                            span { bdi { package.name } }
                        }
                        span(.class("sub")) {
                            if let installed = package.installed { "installed on \(count(installed, "host")), " }
                            "waits on \(grouped(package.pending))"
                        }
                    }
                }
            }
        }
    }
}
