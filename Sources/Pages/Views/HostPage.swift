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
                            case .vulnerabilities: model.findings.flatMap { $0.gap == nil ? $0.total : nil }
                            default: nil
                            }
                        return (tab.title, number, hostPlace(model, tab, context), tab == model.tab)
                    })
                switch model.tab {
                case .overview: hostOverview(model, context)
                case .updates: hostUpdates(model, context)
                case .packages: hostPackages(model, context)
                case .vulnerabilities: hostFindings(model, context)
                case .windows: hostWindows(model, context)
                case .timeline: hostTimeline(model, context)
                case .facts: factsView(model, context)
                }
            }
        })
}

func hostPlace(_ model: HostModel, _ tab: HostTab, _ context: PageContext) -> Location {
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
