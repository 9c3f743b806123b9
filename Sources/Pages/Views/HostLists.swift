import HTML
import Timestamps

// The lists of a host: updates, packages, timeline.

func hostUpdateTable(_ rows: [UpdateRow], _ model: HostModel, _ context: PageContext) -> HTML {
    dataTable(
        "Updates that wait",
        [
            Column("Package", isName: true) { row in
                a(.href(context.to("patches", row.name)), .data(.select)) { bdi { row.name } }
                span(.class("sub")) { row.architecture }
            },
            Column("Step") { versions($0.installed, $0.candidate) },
            Column("Kind") { updateKind($0.isSecurity) },
            Column("Next upgrade") { row in
                updateStatus(row)
                if context.sections.contains(.campaigns) {
                    " "
                    a(
                        .href(context.to("hosts", model.row.id, "why", row.name)),
                        .ariaLabel("Why? \(row.name)")
                    ) { "Why?" }
                }
            },
            Column("From", isMinor: true) { row in span(.class("quiet")) { row.origin } },
        ], rows)
}

func hostUpdates(_ model: HostModel, _ context: PageContext) -> HTML {
    card("Updates that wait", id: "updates", note: HTML(count(model.updates.count, "update"))) {
        if model.updates.isEmpty { nothingWaits(model) } else { hostUpdateTable(model.updates, model, context) }
    }
}

func hostPackages(_ model: HostModel, _ context: PageContext) -> HTML {
    card(
        "Packages", id: "packages",
        note: HTML("\(grouped(model.packages.count)) of \(count(model.packageCount, "package"))"),
        action: getForm(hostPlace(model, .packages, context), context, class: "inline-form") {
            label(.class("unseen"), .for("package-q")) { "Name holds" }
            input(
                .type(.search), .id("package-q"), .name("q"), .class("input"), .value(model.packageQuery),
                .placeholder("Name holds"), .maxlength(200))
            button("Show", .plain)
        }
    ) {
        if model.packages.isEmpty {
            emptyState(
                .package, "No package",
                model.packageQuery.isEmpty
                    ? "The host has not reported its packages." : "No name holds \(model.packageQuery).")
        } else {
            dataTable(
                "Installed packages",
                [
                    Column("Package", isName: true) { row in bdi { row.name } },
                    Column("Version") { row in
                        if let candidate = row.candidate {
                            versions(row.version, candidate)
                            " "
                            updateKind(row.isSecurity)
                        } else {
                            code { row.version }
                        }
                    },
                    Column("Architecture", isMinor: true) { row in span(.class("quiet")) { row.architecture } },
                    Column("Source", isMinor: true) { row in span(.class("quiet")) { row.source } },
                ], model.packages, class: "compact")
        }
    }
}

func hostTimeline(_ model: HostModel, _ context: PageContext) -> HTML {
    card("Timeline", id: "timeline", note: "newest first") {
        if model.timeline.isEmpty {
            emptyState(.clock, "Nothing yet", "Reports, boots and decisions will stand here.")
        } else {
            timeline(model.timeline, context)
            pager(
                shown: model.timeline.count, total: nil, one: "entry", many: "entries",
                next: model.timelineNext.map {
                    context.to("hosts", model.row.id, "timeline", query: [("after", $0)])
                }, first: nil)
        }
    }
}

func timeline(_ rows: [TimelineRow], _ context: PageContext) -> HTML {
    ol(.class("timeline")) {
        rows.map { row in
            li {
                span(.class("timeline-mark")) { icon(timelineIcon(row.kind)) }
                div {
                    p {
                        strong { row.title }
                        " "
                        ago(row.time, context)
                    }
                    if !row.detail.isEmpty { p(.class("sub")) { row.detail } }
                    if !row.changes.isEmpty {
                        details(.class("inline"), .open(row.changes.count <= 6)) {
                            summary { count(row.changes.count, "package changed", "packages changed") }
                            ul(.class("changes")) {
                                row.changes.map { change in
                                    li {
                                        span(.class("sign")) { change.sign }
                                        strong { change.name }
                                        " "
                                        code { change.versions }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

private func timelineIcon(_ kind: TimelineRow.Kind) -> Icon {
    switch kind {
    case .report: .package
    case .boot: .reboot
    case .event: .info
    case .act: .person
    }
}
