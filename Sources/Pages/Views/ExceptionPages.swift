public import HTML
import Timestamps

/// How an exception stands, in one badge.
func exceptionState(_ state: String) -> HTML {
    switch state {
    case "requested": badge(.warning, "Awaits approval", icon: .person)
    case "active": badge(.info, "Accepted", icon: .check)
    case "expired": badge(.neutral, "Run out", icon: .clock)
    case "reopened": badge(.critical, "Open again", icon: .shield)
    case "revoked": badge(.neutral, "Revoked", icon: .close)
    default: badge(.unknown, state.capitalisedFirst)
    }
}

private func title(_ state: String) -> String {
    switch state {
    case "requested": "Awaiting approval"
    case "active": "Accepted"
    case "expired": "Run out"
    case "reopened": "Open again"
    case "revoked": "Revoked"
    default: state.capitalisedFirst
    }
}

/// Exceptions: what did we accept, who answers for it, and until when?
public func exceptionsPage(_ model: ExceptionsModel, _ context: PageContext) -> HTML {
    page(
        "Exceptions", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs([("Vulnerabilities", context.to("vulnerabilities"))], "Exceptions")
            pageHead(
                "Exceptions",
                lead:
                    "Risks that are accepted for a time: with an owner, a reason, a control that stands in for the patch, and an end.",
                actions: model.mayWrite
                    ? linkButton("Ask for an exception", context.to("exceptions", "new"), .primary, icon: .plus)
                    : .empty)
            tabs(
                "Which exceptions",
                [("All", model.states.reduce(0) { $0 + $1.count }, context.to("exceptions"), model.state.isEmpty)]
                    + model.states.filter { $0.count > 0 || $0.state == model.state }.map {
                        (
                            title($0.state), $0.count, context.to("exceptions", query: [("state", $0.state)]),
                            $0.state == model.state
                        )
                    })
            div(.class("card")) {
                if model.rows.isEmpty {
                    emptyState(
                        .check, model.state.isEmpty ? "No risk is accepted" : "None is in this state",
                        "An exception is asked for on the page of a vulnerability, and another person approves it.")
                } else {
                    dataTable(
                        "Exceptions",
                        [
                            Column("Vulnerability", isName: true) { row in
                                a(.href(context.to("exceptions", row.id)), .data(.select)) {
                                    bdi { row.vulnerability }
                                }
                                span(.class("sub summary")) { row.reason }
                            },
                            Column("State") { row in
                                div(.class("with-reason")) {
                                    exceptionState(row.state)
                                    span(.class("reason")) { row.sentence }
                                }
                            },
                            Column("Where") { row in
                                span {
                                    row.place
                                    if !row.package.isEmpty {
                                        ", "
                                        bdi { row.package }
                                    }
                                }
                            },
                            Column("Until") { row in day(row.expires) },
                            Column("Owner") { row in bdi { row.owner } },
                            Column("Asked by", isMinor: true) { row in bdi { row.requestedBy } },
                        ], model.rows)
                    pager(
                        shown: model.rows.count, total: model.total, one: "exception",
                        next: model.next.map {
                            context.to(
                                "exceptions",
                                query: (model.state.isEmpty ? [] : [("state", model.state)]) + [("after", $0)])
                        }, first: nil)
                }
            }
        })
}

/// One exception, and the forms that decide on it.
public func exceptionPage(_ model: ExceptionModel, _ context: PageContext) -> HTML {
    let row = model.row
    return page(
        "Exception for \(row.vulnerability)", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs(
                [("Vulnerabilities", context.to("vulnerabilities")), ("Exceptions", context.to("exceptions"))], row.id)
            pageHead(
                "Exception for \(row.vulnerability)",
                lead: HTML {
                    exceptionState(row.state)
                    " \(row.sentence.capitalisedFirst)."
                },
                actions: linkButton("The vulnerability", context.to("vulnerabilities", row.vulnerability), icon: .bug))
            if !model.error.isEmpty { noticeBox(Notice(.critical, "It was not done", model.error)) }
            div(.class("columns two-one")) {
                card("What is accepted", id: "accepted") {
                    facts([
                        ("Why not patched", span(.class("told")) { row.reason }),
                        ("Control instead", span(.class("told")) { row.control }),
                        ("Where", HTML(row.place)), ("Package", HTML(row.package.isEmpty ? "all" : row.package)),
                        ("Owner", bdi { row.owner }),
                        (
                            "Asked",
                            HTML {
                                stamp(row.requestedAt)
                                " by "
                                bdi { row.requestedBy }
                            }
                        ),
                        (
                            "Approved",
                            HTML {
                                if let approved = row.approvedAt {
                                    stamp(approved)
                                    " by "
                                    bdi { row.approvedBy }
                                } else {
                                    span(.class("quiet")) { "not yet" }
                                }
                            }
                        ),
                        ("Until", stamp(row.expires)),
                        (
                            "When exploited",
                            HTML(
                                row.coversExploitation
                                    ? "it holds although the vulnerability is known to be exploited"
                                    : "it ends at once when the vulnerability becomes known to be exploited")
                        ),
                    ])
                }
                div(.class("stack")) {
                    if model.mayApprove { approveCard(model, context) }
                    if model.mayRevoke || model.mayReject { revokeCard(model, context) }
                }
            }
        })
}

private func approveCard(_ model: ExceptionModel, _ context: PageContext) -> HTML {
    card("Approve it", id: "approve") {
        postForm(context.to("exceptions", model.row.id, "approve"), context, class: "form") {
            p {
                "Until \(model.row.expires.description.prefix(10)) the vulnerability then has no date where this holds. It stays visible as accepted, and your name stands beside it."
            }
            if let since = model.knownExploited {
                noticeBox(
                    Notice(
                        .critical, "It is known to be exploited since \(since.description.prefix(10))",
                        "It can be accepted only knowingly."))
            }
            div(.class("check")) {
                input(.type(.checkbox), .id("covers"), .name("covers"), .value("yes"))
                label(.for("covers")) { "Also while it is known to be exploited" }
            }
            div(.class("actions")) { button("Approve", .primary, icon: .check) }
        }
    }
}

private func revokeCard(_ model: ExceptionModel, _ context: PageContext) -> HTML {
    card(model.row.state == "requested" ? "Withdraw or refuse it" : "End it now", id: "revoke") {
        postForm(context.to("exceptions", model.row.id, model.mayReject ? "reject" : "revoke"), context, class: "form")
        {
            p {
                model.row.state == "requested"
                    ? "It is then over; a new one can be asked for."
                    : "The vulnerability is open again at once, with the date that it would have had."
            }
            Field(
                name: "reason", label: "Why", hint: "It enters the audit log.", isRequired: true, maximum: 1024
            ).html
            div(.class("actions")) {
                button(model.mayReject ? "Refuse it" : "End the exception", .danger, icon: .close)
            }
        }
    }
}

/// Asks for an exception.
public func exceptionFormPage(_ model: ExceptionFormModel, _ context: PageContext) -> HTML {
    func field(
        _ name: String, _ label: String, hint: String = "", required: Bool = false, maximum: Int = 255,
        placeholder: String = ""
    ) -> HTML {
        Field(
            name: name, label: label, value: model.values[name] ?? "", hint: hint, error: model.errors[name] ?? "",
            placeholder: placeholder, isRequired: required, maximum: maximum
        ).html
    }
    func area(_ name: String, _ label: String, hint: String) -> HTML {
        TextArea(
            name: name, label: label, value: model.values[name] ?? "", hint: hint, error: model.errors[name] ?? "",
            maximum: 2000
        ).html
    }
    return page(
        "Ask for an exception", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs(
                [("Vulnerabilities", context.to("vulnerabilities")), ("Exceptions", context.to("exceptions"))], "New")
            pageHead(
                "Ask for an exception",
                lead:
                    "It holds once another person has approved it, and ends by itself: at its time, and when the vulnerability becomes known to be exploited."
            )
            if !model.problem.isEmpty {
                noticeBox(Notice(.critical, "It cannot be asked for like this", model.problem))
            }
            card("What risk, where, why, until when", id: "exception-form", class: "narrow") {
                postForm(context.to("exceptions", "new"), context, class: "form") {
                    field(
                        "vulnerability", "Vulnerability", hint: "Any of its ids.", required: true,
                        placeholder: "CVE-2026-0911")
                    field("host", "Only on this host", hint: "Its name or id. Empty: those with the labels below.")
                    field(
                        "selector", "Or only on hosts with labels", hint: "As site=berlin. Empty: all hosts.",
                        maximum: 2048)
                    field("package", "Only in this package", hint: "Or in those of this source. Empty: in all.")
                    area("reason", "Why it is not patched", hint: "Write what an auditor could check.")
                    area(
                        "control", "What stands in for the patch",
                        hint: "A filter, a setting, a watch: what makes it hard to exploit meanwhile.")
                    field("owner", "Who answers for it", hint: "Empty: you.")
                    field(
                        "expires", "Until", hint: "The last day, at most 366 days away.", required: true, maximum: 10,
                        placeholder: "2026-12-31")
                    div(.class("actions")) {
                        button("Ask for it", .primary, icon: .check)
                        linkButton("Cancel", context.to("exceptions"), .quiet)
                    }
                }
            }
        })
}
