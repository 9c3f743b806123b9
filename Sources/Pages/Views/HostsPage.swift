public import HTML

/// Hosts: every view is its address.
public func hostsPage(_ model: HostsModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Hosts", context, current: .hosts, events: events,
        content: HTML {
            pageHead(
                "Hosts", lead: HTML("\(count(model.total, "host")) in this view"),
                actions: HTML {
                    if model.mayEnrol {
                        linkButton("Enrol a host", context.to("settings", "enrolment"), .primary, icon: .plus)
                    }
                })
            views(model, context)
            div(.class("with-filters")) {
                filters(model, context)
                div(.class("card"), .id("live-hosts"), .data(.live)) { list(model, context) }
            }
        })
}

private func views(_ model: HostsModel, _ context: PageContext) -> HTML {
    tabs(
        "Views",
        model.views.map { view, number in
            let isCurrent =
                model.query.values.filter { !["sort", "columns", "limit", "after"].contains($0.key) } == view.values
            return (view.title, number, view.location(context), isCurrent)
        })
}

private func filters(_ model: HostsModel, _ context: PageContext) -> HTML {
    details(.class("filters"), .open(model.query.values.keys.contains { !["sort", "after", "limit"].contains($0) })) {
        summary {
            icon(.settings)
            span { "Filter, sort, columns" }
        }
        getForm(context.to("hosts"), context) {
            Field(
                name: "q", label: "Name or id holds", value: model.query["q"] ?? "", placeholder: "web-", id: "filter-q"
            ).html
            model.filters.map { filter in
                Choice(
                    name: filter.name, label: filter.title,
                    options: [("", "Any")]
                        + filter.options.map { option in
                            (option.value, option.count.map { "\(option.title) (\(grouped($0)))" } ?? option.title)
                        }, selected: model.query[filter.name] ?? ""
                ).html
            }
            Field(
                name: "labels", label: "Labels", value: model.query["labels"] ?? "",
                hint: "As site=berlin,tier in (web,api),!canary", error: model.problem ?? "", maximum: 2048
            ).html
            Choice(
                name: "sort", label: "Sort by",
                options: [
                    ("", "Name"), ("-name", "Name, last first"), ("-security", "Security updates, most first"),
                    ("-pending", "All updates, most first"), ("-reboot", "Reboot, needed first"),
                    ("last-seen", "Last seen, longest ago first"), ("-last-seen", "Last seen, latest first"),
                ], selected: model.query["sort"] ?? ""
            ).html
            Choice(
                name: "columns", label: "Columns",
                options: [("", "The usual"), ("few", "Few"), ("all", "All")], selected: model.query["columns"] ?? ""
            ).html
            div(.class("actions")) {
                button("Show", .primary)
                linkButton("Clear", context.to("hosts"), .quiet)
            }
            p(.class("hint")) { "The address holds the whole view: bookmark it or send it." }
        }
    }
}

private func sortLink(
    _ column: String, _ model: HostsModel, _ context: PageContext, descendsFirst: Bool = true
) -> (location: Location, state: AriaSort?) {
    let current = model.query["sort"] ?? "name"
    let isDescending = current.hasPrefix("-")
    let isCurrent = current == column || current == "-\(column)"
    let next = isCurrent ? (isDescending ? column : "-\(column)") : (descendsFirst ? "-\(column)" : column)
    return (
        model.query.location(context, ["sort": next == "name" ? nil : next]),
        isCurrent ? (isDescending ? .descending : .ascending) : nil
    )
}

private func list(_ model: HostsModel, _ context: PageContext) -> HTML {
    if model.rows.isEmpty { return nothing(model, context) }
    var columns: [Column<HostRow>] = [
        Column("Host", isName: true, sort: sortLink("name", model, context, descendsFirst: false)) {
            hostName($0, context)
        },
        Column("Verdict") { verdict($0) },
        Column("Security", isNumber: true, sort: sortLink("security", model, context)) {
            evidence($0.security, $0, tone: .critical)
        },
        Column("All updates", isNumber: true, sort: sortLink("pending", model, context)) {
            evidence($0.pending, $0, tone: .info)
        },
        Column("Reboot", sort: sortLink("reboot", model, context)) { rebootState($0) },
    ]
    if model.query["columns"] != "few" {
        columns.append(Column("System", isMinor: true) { row in span(.class("clip")) { row.operatingSystem } })
    }
    if model.query["columns"] == "all" {
        columns.append(Column("Restarts", isNumber: true, isMinor: true) { evidence($0.restarts, $0, tone: .warning) })
        columns.append(Column("Broken", isNumber: true, isMinor: true) { evidence($0.broken, $0, tone: .critical) })
        columns.append(Column("Scanned", isMinor: true) { ago($0.lastScan, context) })
    }
    columns.append(
        Column("Seen", sort: sortLink("last-seen", model, context)) { ago($0.lastSeen, context) })
    return HTML {
        dataTable("Hosts", columns, model.rows)
        pager(
            shown: model.rows.count, total: model.total, one: "host",
            next: model.next.map { model.query.location(context, ["after": $0]) },
            first: model.query["after"] == nil ? nil : model.query.location(context))
    }
}

private func nothing(_ model: HostsModel, _ context: PageContext) -> HTML {
    if model.isFleetEmpty {
        return emptyState(
            .host, "No host is enrolled yet", "Make an enrolment token and run its command on the host.",
            action: model.mayEnrol
                ? linkButton("Enrol a host", context.to("settings", "enrolment"), .primary, icon: .plus) : .empty)
    }
    let asked = model.query.values.filter { !["sort", "columns", "limit", "after"].contains($0.key) }
    let names = HostsQuery.names.compactMap { name in asked[name].map { "\(name) = \($0)" } }.joined(separator: ", ")
    return emptyState(
        .search, "No host is in this view", "It asks for \(names).",
        action: linkButton("Show all hosts", context.to("hosts")))
}
