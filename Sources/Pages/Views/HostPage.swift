public import HTML
import Inventory
import Timestamps

/// One host: is it safe, and what proves it?
public func hostPage(_ model: HostModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        model.row.name, context, current: .hosts, events: events,
        content: HTML {
            breadcrumbs([("Hosts", context.to("hosts"))], model.row.name)
            div(.id("live-host"), .data(.live)) {
                pageHead(model.row.name, lead: lead(model, context), actions: actions(model, context))
                hostWarnings(model, context)
                tabs(
                    "Parts of this host",
                    HostTab.allCases.map { tab in
                        let number: Int? =
                            switch tab {
                            case .updates: model.updates.count
                            case .packages: model.packageCount
                            default: nil
                            }
                        return (tab.title, number, place(model, tab, context), tab == model.tab)
                    })
                switch model.tab {
                case .overview: overview(model, context)
                case .updates: updates(model, context)
                case .packages: packages(model, context)
                case .timeline: timelineView(model, context)
                case .facts: factsView(model, context)
                }
            }
        })
}

private func place(_ model: HostModel, _ tab: HostTab, _ context: PageContext) -> Location {
    tab == .overview ? context.to("hosts", model.row.id) : context.to("hosts", model.row.id, tab.rawValue)
}

private func lead(_ model: HostModel, _ context: PageContext) -> HTML {
    HTML {
        verdict(model.row)
        " "
        span(.class("lead-text")) {
            model.row.operatingSystem.isEmpty ? "System not reported" : model.row.operatingSystem
        }
        span(.class("lead-text")) {
            "seen "
            ago(model.row.lastSeen, context)
        }
        span(.class("lead-text")) {
            "scanned "
            ago(model.row.lastScan, context)
        }
        model.row.labels.map { tag($0.name, $0.value) }
    }
}

private func actions(_ model: HostModel, _ context: PageContext) -> HTML {
    HTML {
        if model.mayOperate, model.row.status == "active" {
            postForm(context.to("hosts", model.row.id, "scan"), context) {
                button("Scan now", .primary, icon: .restart)
            }
            if model.mayPatch, !model.updates.isEmpty {
                linkButton(
                    "Patch this host", context.to("campaigns", "new", query: [("host", model.row.id)]),
                    icon: .campaign)
            }
            linkButton("Labels", context.to("hosts", model.row.id, "labels"), icon: .label)
        }
        if model.mayManage {
            details(.class("menu end")) {
                summary(.class("button plain")) {
                    icon(.key)
                    span { "Identity" }
                    icon(.down)
                }
                ul {
                    if model.row.status == "quarantined" {
                        li { a(.href(context.to("hosts", model.row.id, "release"))) { "Release from quarantine" } }
                    }
                    if model.row.status == "active" {
                        li { a(.href(context.to("hosts", model.row.id, "renew"))) { "Renew the certificate" } }
                        li { a(.href(context.to("hosts", model.row.id, "revoke"))) { "Revoke its certificates" } }
                    }
                    if model.row.status != "retired" {
                        li { a(.href(context.to("hosts", model.row.id, "retire"))) { "Retire the host" } }
                    }
                }
            }
        }
    }
}

private func hostWarnings(_ model: HostModel, _ context: PageContext) -> HTML {
    HTML {
        if model.row.status != "active" {
            noticeBox(
                Notice(
                    model.row.status == "quarantined" ? .critical : .warning, "This host is \(model.row.status)",
                    model.statusReason.isEmpty ? "It may not talk to the server." : model.statusReason))
        } else if let why = model.row.unjudged {
            noticeBox(
                Notice(
                    .unknown, "Not judged: \(why)",
                    "What it reported last is shown below, but it proves nothing about now."))
        }
        if !model.duplicates.isEmpty {
            div(.class("notice tone-warning")) {
                icon(.warning)
                div {
                    strong { "Another host may be the same machine" }
                    p {
                        "Same machine id and product UUID as "
                        model.duplicates.map { other in
                            a(.href(context.to("hosts", other.id))) { bdi { "\(other.name) (\(other.status))" } }
                        }
                        "."
                    }
                }
            }
        }
    }
}

private func overview(_ model: HostModel, _ context: PageContext) -> HTML {
    div(.class("columns two-one")) {
        div(.class("stack")) {
            rebootCard(model)
            waitingCard(model, context)
            if let jobs = model.jobs, !jobs.isEmpty {
                card("Campaigns of this host", id: "host-campaigns", note: "the latest first") {
                    hostJobs(jobs, context)
                }
            }
            restartCard(model)
            statesCard(model)
        }
        div(.class("stack")) {
            aboutCard(model, context)
            indexCard(model, context)
        }
    }
}

private func rebootCard(_ model: HostModel) -> HTML {
    card("Reboot", id: "reboot") {
        switch model.facts?.reboot {
        case .known(let verdict)? where verdict.required:
            div(.class("verdict")) {
                badge(.warning, model.row.unjudged == nil ? "Needed" : "Was needed when last reported", icon: .reboot)
                ul(.class("proof")) {
                    verdict.reasons.map { reason in
                        li {
                            strong { rebootKind(reason.kind) }
                            span { reason.evidence }
                        }
                    }
                }
                proof(verdict.proof)
            }
        case .known(let verdict)?:
            div(.class("verdict")) {
                if model.row.unjudged == nil {
                    badge(.good, "Not needed")
                } else {
                    badge(.unknown, "Was not needed when last reported")
                }
                proof(verdict.proof)
            }
        case .unknown(let why)?:
            div(.class("verdict")) {
                badge(.unknown, "Unknown")
                p { why }
            }
        case nil:
            div(.class("verdict")) {
                badge(.unknown, "Unknown")
                p { "The host has not reported yet." }
            }
        }
    }
}

private func rebootKind(_ kind: RebootReason.Kind) -> String {
    switch kind {
    case .kernel: "Kernel"
    case .serviceManager: "Service manager"
    case .messageBus: "Message bus"
    case .requested: "Asked for by a package"
    case .microcode: "Microcode"
    }
}

private func proof(_ lines: [String]) -> HTML {
    HTML {
        if !lines.isEmpty {
            details(.class("evidence"), .open()) {
                summary { "What was examined" }
                ul { lines.map { line in li { line } } }
            }
        }
    }
}

private func waitingCard(_ model: HostModel, _ context: PageContext) -> HTML {
    let security = model.updates.filter(\.isSecurity)
    let first = Array((security + model.updates.filter { !$0.isSecurity }).prefix(8))
    return card(
        "Updates that wait", id: "waiting",
        note: HTML("\(security.count) of \(count(model.updates.count, "update")) are of security"),
        action: model.updates.count > first.count
            ? linkButton("All updates", place(model, .updates, context), .quiet, icon: .chevron) : .empty
    ) {
        if first.isEmpty {
            nothingWaits(model)
        } else {
            updateTable(first, model, context)
        }
    }
}

private func nothingWaits(_ model: HostModel) -> HTML {
    if let why = model.row.unjudged {
        return emptyState(.unknown, "Nobody can say", "No update is known to wait, but \(why).")
    }
    return emptyState(.check, "Nothing waits", "The host's repositories offer nothing newer than what is installed.")
}

private func updateTable(_ rows: [UpdateRow], _ model: HostModel, _ context: PageContext) -> HTML {
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

private func updates(_ model: HostModel, _ context: PageContext) -> HTML {
    card("Updates that wait", id: "updates", note: HTML(count(model.updates.count, "update"))) {
        if model.updates.isEmpty { nothingWaits(model) } else { updateTable(model.updates, model, context) }
    }
}

private func restartCard(_ model: HostModel) -> HTML {
    card("Services to restart", id: "restarts", note: "they run files that were replaced") {
        switch model.facts?.restarts {
        case .known(let needs)? where needs.isEmpty:
            emptyState(.check, "None", "Every process that could be read runs what is installed.")
        case .known(let needs)?:
            dataTable(
                "Services to restart",
                [
                    Column<RestartNeed>("What", isName: true) { need in
                        bdi { need.name }
                        if !need.user.isEmpty { span(.class("sub")) { "of \(need.user)" } }
                    },
                    Column("Kind") { need in
                        tag(need.kind.rawValue)
                    },
                    Column("Runs replaced") { need in
                        details(.class("inline")) {
                            summary { count(need.files.count, "file") }
                            ul(.class("files")) { need.files.map { file in li { code { file } } } }
                        }
                    },
                ], needs)
        case .unknown(let why)?: unknownLine(why)
        case nil: unknownLine("The host has not reported yet.")
        }
    }
}

private func statesCard(_ model: HostModel) -> HTML {
    card("Package states", id: "states") {
        switch model.facts?.packages {
        case .known(let packages)?:
            if packages.abnormal.isEmpty, packages.indexProblems.isEmpty, !packages.interruptedTransaction {
                p(.class("padded")) {
                    badge(.good, "In order")
                    if !packages.holds.isEmpty { " Held: \(packages.holds.joined(separator: ", "))." }
                }
            } else {
                ul(.class("proof padded")) {
                    if packages.interruptedTransaction {
                        li {
                            badge(.critical, "Interrupted", icon: .broken)
                            span { "A run of the package manager was interrupted." }
                        }
                    }
                    packages.abnormal.map { package in
                        li {
                            badge(.critical, package.state, icon: .broken)
                            span {
                                strong { "\(package.package) \(package.version)" }
                                package.needsReinstall ? " must be installed again" : ""
                            }
                        }
                    }
                    packages.indexProblems.map { problem in
                        li {
                            badge(.unknown, problem.kind.rawValue, icon: .stale)
                            span { "\(problem.subject): \(problem.detail)" }
                        }
                    }
                }
            }
        case .unknown(let why)?: unknownLine(why)
        case nil: unknownLine("The host has not reported yet.")
        }
    }
}

func unknownLine(_ why: String) -> HTML {
    p(.class("padded")) {
        badge(.unknown, "Unknown")
        " "
        why
    }
}

private func aboutCard(_ model: HostModel, _ context: PageContext) -> HTML {
    card("About", id: "about") {
        facts([
            ("Id", HTML { code { model.row.id } }),
            ("Status", HTML(model.row.status.capitalisedFirst)),
            (
                "Agent",
                HTML(model.row.agent.isEmpty ? "not reported" : "\(model.row.agent), protocol \(model.protocolVersion)")
            ),
            ("Kernel", known(model.facts?.kernel) { HTML($0.running) }),
            ("Addresses", known(model.facts?.addresses) { HTML($0.map(\.address).joined(separator: ", ")) }),
            ("Checks in", HTML("every \(length(model.interval))")),
            (
                "Enrolled",
                HTML {
                    ago(model.enrolledAt, context)
                    if !model.enrolledWith.isEmpty { " with \(model.enrolledWith)" }
                }
            ),
            (
                "Certificate",
                HTML {
                    if let certificate = model.certificate {
                        "until "
                        stamp(certificate.notAfter)
                    } else {
                        "none in force"
                    }
                }
            ),
        ])
    }
}

private func known<Value>(_ fact: Fact<Value>?, _ show: (Value) -> HTML) -> HTML {
    switch fact {
    case .known(let value)?: show(value)
    case .unknown(let why)?: span(.class("quiet")) { "unknown: \(why)" }
    case nil: span(.class("quiet")) { "not reported" }
    }
}

private func indexCard(_ model: HostModel, _ context: PageContext) -> HTML {
    card("Package indexes", id: "indexes", note: HTML(count(model.indexes.count, "index", "indexes"))) {
        if model.indexes.isEmpty {
            p(.class("padded quiet")) { "None reported: what is offered is not known." }
        } else {
            ul(.class("lines")) {
                model.indexes.map { index in
                    li {
                        div {
                            strong { index.name }
                            span(.class("sub")) {
                                index.site
                                if let released = index.released {
                                    " · released "
                                    ago(released, context)
                                }
                            }
                        }
                        if let until = index.validUntil, until < context.now {
                            badge(.unknown, "Expired", icon: .stale)
                        } else if index.isSecurity {
                            badge(.info, "Security", icon: .shield)
                        }
                    }
                }
            }
        }
    }
}

private func packages(_ model: HostModel, _ context: PageContext) -> HTML {
    card(
        "Packages", id: "packages",
        note: HTML("\(grouped(model.packages.count)) of \(count(model.packageCount, "package"))"),
        action: getForm(place(model, .packages, context), context, class: "inline-form") {
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

private func timelineView(_ model: HostModel, _ context: PageContext) -> HTML {
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
