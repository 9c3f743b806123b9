import HTML
import Inventory
import Timestamps

// What is known of a host at a glance: reboot, updates, restarts, states, and what it is.

func hostOverview(_ model: HostModel, _ context: PageContext) -> HTML {
    div(.class("columns two-one")) {
        div(.class("stack")) {
            rebootCard(model)
            findingsCard(model, context)
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
            ? linkButton("All updates", hostPlace(model, .updates, context), .quiet, icon: .chevron) : .empty
    ) {
        if first.isEmpty {
            nothingWaits(model)
        } else {
            hostUpdateTable(first, model, context)
        }
    }
}

func nothingWaits(_ model: HostModel) -> HTML {
    if let why = model.row.unjudged {
        return emptyState(.unknown, "Nobody can say", "No update is known to wait, but \(why).")
    }
    return emptyState(.check, "Nothing waits", "The host's repositories offer nothing newer than what is installed.")
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
