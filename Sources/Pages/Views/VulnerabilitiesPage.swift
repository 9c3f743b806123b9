public import HTML

/// Vulnerabilities: what hosts are exposed to, the most pressing first.
public func vulnerabilitiesPage(_ model: VulnerabilitiesModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Vulnerabilities", context, current: .vulnerabilities, events: events,
        content: HTML {
            pageHead(
                "Vulnerabilities",
                lead: HTML {
                    if model.gap != nil {
                        "What hosts are exposed to, on whose word, and by when it is to be closed."
                    } else {
                        "\(count(model.all, "vulnerability", "vulnerabilities")) on judged hosts, the most pressing first"
                    }
                },
                actions: HTML {
                    if model.gap == nil, model.total > 0 {
                        linkButton("Work queue", context.to("queue"), .primary, icon: .queue)
                        a(.class("button plain"), .href(model.query.file(context)), .download("")) {
                            icon(.download)
                            span { "CSV" }
                        }
                    }
                    if model.seesExceptions { linkButton("Exceptions", context.to("exceptions"), icon: .check) }
                })
            if let gap = model.gap {
                riskGapView(gap)
            } else {
                views(model, context)
                div(.class("with-filters")) {
                    filters(model, context)
                    div(.class("card"), .id("live-vulnerabilities"), .data(.live)) { list(model, context) }
                }
                scopeNote(model.scope, context)
            }
        })
}

private func views(_ model: VulnerabilitiesModel, _ context: PageContext) -> HTML {
    let asked = model.query.values.filter { $0.key != "after" }
    func view(_ title: String, _ number: Int?, _ values: [String: String]) -> (String, Int?, Location, Bool) {
        (title, number, VulnerabilitiesQuery(values).location(context), asked == values)
    }
    func number(_ bands: [DueBand]) -> Int {
        model.bands.filter { bands.contains($0.band) }.reduce(0) { $0 + $1.count }
    }
    return tabs(
        "Views",
        [
            view("All", model.all, [:]),
            view("Overdue", number([.overdue]), ["due": DueBand.overdue.rawValue]),
            view("Within 3 days", number([.threeDays]), ["due": DueBand.threeDays.rawValue]),
            view("Within 14 days", number([.twoWeeks]), ["due": DueBand.twoWeeks.rawValue]),
            view("Known to be exploited", model.exploited, ["exploited": "yes"]),
        ])
}

private func filters(_ model: VulnerabilitiesModel, _ context: PageContext) -> HTML {
    details(.class("filters"), .open(model.query.isNarrowed)) {
        summary {
            icon(.settings)
            span { "Filter" }
        }
        getForm(context.to("vulnerabilities"), context) {
            Field(
                name: "q", label: "Id, text or package holds", value: model.query["q"] ?? "", placeholder: "CVE-2026-",
                id: "filter-q"
            ).html
            Choice(
                name: "severity", label: "Severity",
                options: [("", "Any")]
                    + ["critical", "high", "medium", "low", "none", "unknown"].map {
                        ($0, $0 == "unknown" ? "Not scored" : $0.capitalisedFirst)
                    }, selected: model.query["severity"] ?? ""
            ).html
            Choice(
                name: "exploited", label: "Known to be exploited",
                options: [("", "Any"), ("yes", "Yes"), ("no", "No")],
                selected: model.query["exploited"] ?? ""
            ).html
            Choice(
                name: "due", label: "Due",
                options: [("", "Any")] + DueBand.allCases.map { ($0.rawValue, $0.title) },
                selected: model.query["due"] ?? ""
            ).html
            Choice(
                name: "closing", label: "Fix",
                options: [
                    ("", "Any"), ("installable", "Installable"), ("fixable", "Exists, not offered"),
                    ("none", "None known"),
                ], selected: model.query["closing"] ?? ""
            ).html
            Field(
                name: "labels", label: "On hosts with labels", value: model.query["labels"] ?? "",
                hint: "As site=berlin,tier in (web,api),!canary", error: model.problem ?? "", maximum: 2048
            ).html
            div(.class("actions")) {
                button("Show", .primary)
                linkButton("Clear", context.to("vulnerabilities"), .quiet)
            }
            p(.class("hint")) { "The address holds the whole view: bookmark it or send it." }
        }
    }
}

private func list(_ model: VulnerabilitiesModel, _ context: PageContext) -> HTML {
    if model.rows.isEmpty { return nothing(model, context) }
    return HTML {
        vulnerabilityTable("Vulnerabilities", model.rows, context)
        pager(
            shown: model.rows.count, total: model.total, one: "vulnerability", many: "vulnerabilities",
            next: model.next.map { model.query.location(context, ["after": $0]) },
            first: model.query["after"] == nil ? nil : model.query.location(context))
    }
}

/// Nothing found, with what that rests on: packages and hosts of which nobody knows are no clean ones.
private func nothing(_ model: VulnerabilitiesModel, _ context: PageContext) -> HTML {
    if model.query.isNarrowed {
        let names = VulnerabilitiesQuery.names.filter { $0 != "after" }
        let asked = names.compactMap { name in model.query[name].map { "\(name) = \($0)" } }.joined(separator: ", ")
        return emptyState(
            .search, "Nothing is in this view", "It asks for \(asked).",
            action: linkButton("Show all vulnerabilities", context.to("vulnerabilities")))
    }
    let judged = model.scope.hosts - model.scope.unjudged
    if judged == 0 {
        return emptyState(
            .unknown, "No host was judged", "Nothing is known of any host: none has reported its packages yet.")
    }
    return emptyState(
        model.scope.unknownPackages > 0 || model.scope.unjudged > 0 ? .unknown : .check,
        "No feed names anything that \(judged == 1 ? "the judged host has" : "judged hosts have")",
        "Looked at \(count(judged, "host"))."
            + (model.scope.unknownPackages > 0
                ? " Of \(count(model.scope.unknownPackages, "package")) no feed says anything: that is not known."
                : ""),
        action: model.scope.unknownPackages > 0
            ? linkButton("Packages of which nothing is known", context.to("vulnerabilities", "unknown")) : .empty)
}

/// Vulnerabilities in a table, for every page that lists some.
func vulnerabilityTable(_ title: String, _ rows: [VulnerabilityRow], _ context: PageContext) -> HTML {
    dataTable(
        title,
        [
            Column("Vulnerability", isName: true) { vulnerabilityName($0, context) },
            Column("Due") { dueState($0.band, $0.due, context, excepted: $0.exceptedUntil) },
            Column("Severity") { row in
                div(.class("with-reason")) {
                    severityBadge(row.severity, score: row.score)
                    if !row.score.isEmpty { span(.class("reason")) { row.score } }
                }
            },
            Column("EPSS", isNumber: true) { likelihood($0.epss) },
            Column("Hosts", isNumber: true) { row in HTML(grouped(row.hosts)) },
            Column("Fix") { closingBadge($0.closing) },
            Column("In", isMinor: true) { row in
                span(.class("quiet clip")) { row.packages.joined(separator: ", ") }
            },
        ], rows)
}

/// Packages of which no feed says anything.
public func unknownPackagesPage(_ model: UnknownPackagesModel, _ context: PageContext) -> HTML {
    page(
        "Unknown packages", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs([("Vulnerabilities", context.to("vulnerabilities"))], "Unknown packages")
            pageHead(
                "Unknown packages",
                lead: "No feed says anything that can be used of these: nobody knows whether they have a vulnerability."
            )
            if let gap = model.gap {
                riskGapView(gap)
            } else {
                card("Packages", id: "unknown", note: HTML(count(model.total, "package"))) {
                    if model.rows.isEmpty {
                        emptyState(.check, "None", "Feeds speak of every package of the judged hosts.")
                    } else {
                        dataTable(
                            "Packages of which nothing is known",
                            [
                                Column("Package", isName: true) { row in bdi { row.package } },
                                Column("Version") { row in code { row.version } },
                                Column("Hosts", isNumber: true) { row in HTML(grouped(row.hosts)) },
                                Column("Why") { row in span(.class("quiet")) { row.why } },
                            ], model.rows, class: "compact")
                        pager(
                            shown: model.rows.count, total: model.total, one: "package",
                            next: model.next.map {
                                context.to("vulnerabilities", "unknown", query: [("after", $0)])
                            }, first: nil)
                    }
                }
            }
        })
}
