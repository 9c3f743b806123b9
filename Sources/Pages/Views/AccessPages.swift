public import HTML
import Timestamps

/// Where a person is signed in.
public func sessionsPage(_ rows: [SessionRow], _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    settings(
        .sessions, context, visible, lead: "Where you are signed in.",
        content: HTML {
            card(
                "Sessions", id: "sessions", note: HTML(count(rows.count, "session")),
                action: rows.count > 1
                    ? postForm(context.to("settings", "sessions", "end-others"), context) {
                        button("End all others", .danger)
                    } : .empty
            ) {
                dataTable(
                    "Sessions",
                    [
                        Column("Browser", isName: true) { row in
                            row.agent.isEmpty ? "Unnamed" : row.agent
                            if row.isThis { badge(.info, "This one") }
                        },
                        Column("From") { row in code { row.address } },
                        Column("By") { row in HTML(row.method) },
                        Column("Since") { ago($0.createdAt, context) },
                        Column("Used") { ago($0.seenAt, context) },
                        Column("Action", hidesTitle: true) { row in
                            postForm(context.to("settings", "sessions", row.id, "end"), context) {
                                button(row.isThis ? "Log out" : "End", .quiet)
                            }
                        },
                    ], rows)
            }
        })
}

/// The tokens of a person's programs.
public func tokensPage(_ model: TokensModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    settings(
        .tokens, context, visible, lead: "With which your programs act for you.",
        content: HTML {
            if let made = model.made {
                div(.class("notice tone-good")) {
                    icon(.key)
                    div {
                        strong { "Copy the token now: it is not shown again" }
                        copyable(made, label: "API token")
                    }
                }
            }
            div(.class("columns two-one")) {
                card("Tokens", id: "tokens", note: HTML(count(model.rows.count, "token"))) {
                    if model.rows.isEmpty {
                        emptyState(.key, "No token yet", "Make one for each program, with no more than it needs.")
                    } else {
                        tokenTable(model, context)
                    }
                }
                card("New token", id: "new-token") {
                    postForm(context.to("settings", "tokens"), context, class: "form") {
                        Field(
                            name: "name", label: "What it is for", error: model.errors["name"] ?? "",
                            placeholder: "Nightly export", isRequired: true
                        ).html
                        Choice(
                            name: "days", label: "Expires after",
                            options: [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")],
                            selected: "90"
                        ).html
                        fieldset {
                            legend { "What it may do" }
                            p(.class("hint")) { "Nothing ticked: whatever you may do." }
                            model.scopes.map { scope in
                                label(.class("check")) {
                                    input(.type(.checkbox), .name("scope"), .value(scope))
                                    code { scope }
                                }
                            }
                        }
                        div(.class("actions")) { button("Make token", .primary) }
                    }
                }
            }
        })
}

private func tokenTable(_ model: TokensModel, _ context: PageContext) -> HTML {
    dataTable(
        "API tokens",
        [
            Column("Token", isName: true) { row in
                bdi { row.name }
                span(.class("sub")) { code { row.id } }
            },
            Column("May") { row in span(.class("quiet")) { row.scopes?.joined(separator: ", ") ?? "whatever you may" }
            },
            Column("Used") { ago($0.lastUsedAt, context) },
            Column("State") { row in
                if row.revokedAt != nil {
                    badge(.neutral, "Revoked", icon: .close)
                } else if row.expiresAt < context.now {
                    badge(.neutral, "Expired", icon: .clock)
                } else {
                    badge(.good, "Until \(row.expiresAt.description.prefix(10))")
                }
            },
            Column("Action", hidesTitle: true) { row in
                if row.revokedAt == nil, row.expiresAt >= context.now {
                    postForm(context.to("settings", "tokens", row.id, "revoke"), context) { button("Revoke", .quiet) }
                } else {
                    HTML.empty
                }
            },
        ], model.rows)
}
