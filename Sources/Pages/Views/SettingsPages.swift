public import HTML
import Timestamps

private func settings(
    _ tab: SettingsTab, _ context: PageContext, _ visible: Set<SettingsTab>, lead: HTML, content: HTML
) -> HTML {
    page(
        tab.title, context, current: .settings,
        content: HTML {
            pageHead(tab.title, lead: lead)
            tabs(
                "Settings",
                SettingsTab.allCases.filter(visible.contains).map { each in
                    (each.title, nil, context.to("settings", each.rawValue), each == tab)
                })
            content
        })
}

/// A person's own account.
public func accountPage(_ model: AccountModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    settings(
        .account, context, visible, lead: HTML("You are \(model.name)."),
        content: HTML {
            div(.class("columns")) {
                div(.class("stack")) {
                    passwordCard(model, context)
                    rolesCard(model)
                }
                secondFactorCard(model, context)
            }
        })
}

private func passwordCard(_ model: AccountModel, _ context: PageContext) -> HTML {
    card(
        "Password", id: "password",
        note: model.passwordChangedAt.map { at in
            HTML {
                "set "; ago(at, context)
            }
        } ?? HTML("none is set")
    ) {
        postForm(context.to("settings", "account", "password"), context, class: "form") {
            input(.type(.hidden), .name("username"), .value(model.name), .autocomplete(.username))
            if model.hasPassword {
                Field(
                    name: "current", label: "Present password", type: .password, error: model.errors["current"] ?? "",
                    autocomplete: .currentPassword, isRequired: true, maximum: 1024
                ).html
            }
            Field(
                name: "password", label: "New password", type: .password,
                hint: "At least 12 characters. Length counts, not special characters.",
                error: model.errors["password"] ?? "", autocomplete: .newPassword, isRequired: true, maximum: 1024
            ).html
            Field(
                name: "again", label: "New password again", type: .password, error: model.errors["again"] ?? "",
                autocomplete: .newPassword, isRequired: true, maximum: 1024
            ).html
            div(.class("actions")) { button(model.hasPassword ? "Change password" : "Set password", .primary) }
        }
    }
}

private func rolesCard(_ model: AccountModel) -> HTML {
    card("What you may do", id: "roles") {
        ul(.class("lines")) {
            model.roles.map { role in
                li {
                    strong { role.role.capitalisedFirst }
                    span(.class("sub")) { role.place }
                }
            }
        }
    }
}

private func secondFactorCard(_ model: AccountModel, _ context: PageContext) -> HTML {
    card("Second factor", id: "second-factor") {
        div(.class("form")) {
            if !model.newRecoveryCodes.isEmpty {
                noticeBox(
                    Notice(
                        .warning, "Keep these recovery codes",
                        "Each lets you in once without your device. They are not shown again."))
                copyable(model.newRecoveryCodes.joined(separator: "\n"), label: "Recovery codes")
            }
            if model.hasSecondFactor {
                p {
                    badge(.good, "On", icon: .lock)
                    " \(count(model.recoveryCodesLeft, "recovery code")) left."
                }
                postForm(context.to("settings", "account", "second-factor", "remove"), context, class: "form") {
                    Field(
                        name: "totp-password", label: "Present password", type: .password,
                        error: model.errors["totp-password"] ?? "", autocomplete: .currentPassword, isRequired: true,
                        maximum: 1024
                    ).html
                    Field(
                        name: "totp-code", label: "Code of the app, or a recovery code", autocomplete: .oneTimeCode,
                        isRequired: true, maximum: 40
                    ).html
                    div(.class("actions")) { button("Turn off", .danger) }
                }
            } else if let enrolment = model.enrolment {
                p { "Scan this with an authenticator app, or type the secret there. Then type the code it shows." }
                qrCode(enrolment.uri)
                copyable(enrolment.secret, label: "Secret")
                postForm(context.to("settings", "account", "second-factor", "confirm"), context, class: "form") {
                    Field(
                        name: "code", label: "Code of six digits", error: model.errors["code"] ?? "",
                        autocomplete: .oneTimeCode, isRequired: true, maximum: 10
                    ).html
                    div(.class("actions")) { button("Turn on", .primary) }
                }
            } else {
                p { "A code from an authenticator app, besides the password: a stolen password alone lets nobody in." }
                postForm(context.to("settings", "account", "second-factor"), context, class: "form") {
                    Field(
                        name: "factor-password", label: "Present password", type: .password,
                        error: model.errors["factor-password"] ?? "", autocomplete: .currentPassword, isRequired: true,
                        maximum: 1024
                    ).html
                    div(.class("actions")) { button("Set up", .primary, icon: .lock) }
                }
            }
        }
    }
}

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

/// The tokens that let hosts in.
public func enrolmentPage(_ model: EnrolmentModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    settings(
        .enrolment, context, visible, lead: "Tokens that let hosts in.",
        content: HTML {
            if let command = model.command {
                div(.class("notice tone-good")) {
                    icon(.terminal)
                    div {
                        strong { "Run this on the host, as root" }
                        p {
                            "It holds a secret and is not shown again. The host makes its own key; the command pins this server's certificate."
                        }
                        copyable(command, label: "Enrolment command")
                    }
                }
            }
            div(.class(model.mayWrite ? "columns two-one" : "stack")) {
                card("Enrolment tokens", id: "enrolment", note: HTML(count(model.rows.count, "token"))) {
                    if model.rows.isEmpty {
                        emptyState(.host, "No enrolment token yet", "A token lets one host in, or as many as you say.")
                    } else {
                        enrolmentTable(model, context)
                    }
                }
                if model.mayWrite { newEnrolment(model, context) }
            }
        })
}

private func newEnrolment(_ model: EnrolmentModel, _ context: PageContext) -> HTML {
    card("New enrolment", id: "new-enrolment") {
        postForm(context.to("settings", "enrolment"), context, class: "form") {
            Field(
                name: "note", label: "Note", value: model.values["note"] ?? "", error: model.errors["note"] ?? "",
                placeholder: "Web servers, rack 4"
            ).html
            Field(
                name: "uses", label: "Hosts it lets in", type: .number, value: model.values["uses"] ?? "1",
                error: model.errors["uses"] ?? "", isRequired: true, maximum: 6
            ).html
            Choice(
                name: "hours", label: "Expires after",
                options: [("1", "an hour"), ("24", "a day"), ("168", "a week"), ("720", "30 days")],
                selected: model.values["hours"] ?? "24"
            ).html
            Field(
                name: "labels", label: "Labels for these hosts", value: model.values["labels"] ?? "",
                hint: "As site=berlin,tier=web", error: model.errors["labels"] ?? "", maximum: 2048
            ).html
            div(.class("actions")) { button("Make command", .primary, icon: .terminal) }
        }
    }
}

private func enrolmentTable(_ model: EnrolmentModel, _ context: PageContext) -> HTML {
    dataTable(
        "Enrolment tokens",
        [
            Column("Token", isName: true) { row in
                bdi { row.note.isEmpty ? "Without a note" : row.note }
                span(.class("sub")) { code { row.id } }
            },
            Column("Labels") { row in
                row.labels.isEmpty ? .empty : span(.class("tags")) { row.labels.map { tag($0.name, $0.value) } }
            },
            Column("Left", isNumber: true) { row in HTML("\(grouped(row.usesLeft)) of \(grouped(row.usesTotal))") },
            Column("Made by", isMinor: true) { row in bdi { row.createdBy } },
            Column("Used") { ago($0.lastUsedAt, context) },
            Column("State") { row in
                if row.revokedAt != nil {
                    badge(.neutral, "Revoked", icon: .close)
                } else if row.expiresAt < context.now {
                    badge(.neutral, "Expired", icon: .clock)
                } else if row.usesLeft == 0 {
                    badge(.neutral, "Used up", icon: .check)
                } else {
                    badge(.good, "Until \(minute(row.expiresAt).prefix(10))", title: minute(row.expiresAt))
                }
            },
            Column("Action", hidesTitle: true) { row in
                if model.mayWrite, row.revokedAt == nil, row.expiresAt >= context.now, row.usesLeft > 0 {
                    postForm(context.to("settings", "enrolment", row.id, "revoke"), context) {
                        button("Revoke", .quiet)
                    }
                } else {
                    HTML.empty
                }
            },
        ], model.rows)
}

/// The organisations of the installation.
public func organisationsPage(_ model: OrganisationsModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML
{
    settings(
        .organisations, context, visible, lead: "Each sees only its own hosts, people and log.",
        content: HTML {
            div(.class("columns")) {
                card("Organisations", id: "organisations", note: HTML(count(model.rows.count, "organisation"))) {
                    dataTable(
                        "Organisations",
                        [
                            Column("Name", isName: true) { row in
                                a(.href(Location(query: [("organisation", row.id)])), .data(.select)) {
                                    bdi { row.name }
                                }
                                span(.class("sub")) { code { row.id } }
                            },
                            Column("Hosts", isNumber: true) { row in HTML(grouped(row.hosts)) },
                            Column("Since") { ago($0.createdAt, context) },
                        ], model.rows)
                }
                if let approvals = model.approvals { approvalsCard(approvals, context) }
                if model.mayWrite {
                    card("New organisation", id: "new-organisation") {
                        postForm(context.to("settings", "organisations"), context, class: "form") {
                            Field(
                                name: "id", label: "Id", hint: "Small letters, digits and hyphens; it never changes.",
                                error: model.errors["id"] ?? "", placeholder: "acme", isRequired: true, maximum: 63
                            ).html
                            Field(
                                name: "name", label: "Name", error: model.errors["name"] ?? "",
                                placeholder: "Acme GmbH", isRequired: true
                            ).html
                            div(.class("actions")) { button("Make organisation", .primary) }
                        }
                    }
                }
            }
        })
}

/// How many people other than its author must approve a plan.
private func approvalsCard(
    _ approvals: (organisation: String, required: Int, mayChange: Bool), _ context: PageContext
) -> HTML {
    card("Approvals", id: "approvals", note: HTML { bdi { approvals.organisation } }) {
        if approvals.mayChange {
            postForm(context.to("settings", "approvals"), context, class: "form") {
                Choice(
                    name: "approvals", label: "People who must approve a plan",
                    options: [
                        ("0", "None: the plan's author may release it"), ("1", "One other person"),
                        ("2", "Two other people"), ("3", "Three other people"),
                    ].map { (value: $0.0, label: $0.1) }
                        + (approvals.required > 3
                            ? [(value: "\(approvals.required)", label: "\(approvals.required) other people")] : []),
                    selected: "\(approvals.required)",
                    hint: "The author of a plan never counts. None is on record and shown on every campaign."
                ).html
                div(.class("actions")) { button("Save", .primary) }
            }
        } else {
            p(.class("padded")) {
                approvals.required == 0
                    ? "No approval is asked for: whoever may approve releases a plan alone."
                    : "\(count(approvals.required, "person", "people")) other than its author must approve a plan."
            }
        }
    }
}

/// The people who may come in.
public func peoplePage(_ model: PeopleModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    settings(
        .people, context, visible, lead: "Who may come in, and what they may do.",
        content: HTML {
            if let link = model.link {
                div(.class("notice tone-good")) {
                    icon(.key)
                    div {
                        strong { "Give this link to \(link.person)" }
                        p { "It lets them in once and is not shown again." }
                        copyable(link.url, label: "One-time login link")
                    }
                }
            }
            div(.class(model.mayWrite ? "columns two-one" : "stack")) {
                card("People", id: "people", note: HTML(count(model.rows.count, "person", "people"))) {
                    dataTable(
                        "People",
                        [
                            Column("Name", isName: true) { row in
                                HTML.maybeLink(model.mayWrite ? context.to("settings", "people", row.id) : nil) {
                                    bdi { row.displayName.isEmpty ? row.name : row.displayName }
                                }
                                span(.class("sub")) { row.name }
                            },
                            Column("Roles") { row in roles(row) },
                            Column("Protected by") { row in protection(row) },
                            Column("Last came in") { ago($0.lastLoginAt, context) },
                        ], model.rows)
                }
                if model.mayWrite { newPerson(model, context) }
            }
        })
}

private func roles(_ row: PersonRow) -> HTML {
    row.roles.isEmpty
        ? span(.class("quiet")) { "none" }
        : ul(.class("plain-list")) {
            row.roles.map { role in
                li {
                    strong { role.role.capitalisedFirst }
                    " "
                    span(.class("quiet")) { role.hosts.isEmpty ? role.place : "\(role.place), hosts \(role.hosts)" }
                }
            }
        }
}

private func protection(_ row: PersonRow) -> HTML {
    if row.isDisabled { return badge(.neutral, "Shut out", icon: .lock) }
    if row.hasSecondFactor { return badge(.good, "Password and code", icon: .lock) }
    return row.hasPassword ? badge(.info, "Password", icon: .key) : badge(.warning, "No password yet")
}

private let roleChoices: [(value: String, label: String)] = [
    ("viewer", "Viewer: sees hosts and what they lack"), ("operator", "Operator: runs the fleet day by day"),
    ("approver", "Approver: decides on what others planned"), ("auditor", "Auditor: sees all, takes evidence out"),
    ("admin", "Admin: does everything"),
]

private func newPerson(_ model: PeopleModel, _ context: PageContext) -> HTML {
    card("New person", id: "new-person") {
        postForm(context.to("settings", "people"), context, class: "form") {
            Field(
                name: "name", label: "Login name", value: model.values["name"] ?? "", error: model.errors["name"] ?? "",
                isRequired: true, maximum: 64
            ).html
            Field(
                name: "display", label: "Name", value: model.values["display"] ?? "",
                error: model.errors["display"] ?? ""
            ).html
            Choice(name: "role", label: "Role", options: roleChoices, selected: model.values["role"] ?? "viewer").html
            Choice(
                name: "place", label: "Where", options: model.places.map { ($0.value, $0.title) },
                selected: model.values["place"] ?? ""
            ).html
            Field(
                name: "hosts", label: "Only on hosts with labels", value: model.values["hosts"] ?? "",
                hint: "Empty for all; as site=berlin", error: model.errors["hosts"] ?? "", maximum: 2048
            ).html
            div(.class("actions")) { button("Add and make a login link", .primary, icon: .plus) }
        }
    }
}

/// One person, to change them.
public func personPage(_ model: PersonModel, _ context: PageContext, _ visible: Set<SettingsTab>) -> HTML {
    let row = model.row
    return settings(
        .people, context, visible, lead: HTML { bdi { "\(row.displayName) (\(row.name))" } },
        content: HTML {
            div(.class("columns")) {
                card("Roles", id: "roles") {
                    ul(.class("lines")) {
                        row.roles.map { role in
                            li {
                                div {
                                    strong { role.role.capitalisedFirst }
                                    span(.class("sub")) {
                                        role.hosts.isEmpty ? role.place : "\(role.place), hosts \(role.hosts)"
                                    }
                                }
                                postForm(context.to("settings", "people", row.id, "grants", role.id, "remove"), context)
                                {
                                    button("Take away", .quiet)
                                }
                            }
                        }
                    }
                    postForm(context.to("settings", "people", row.id, "grants"), context, class: "form") {
                        Choice(name: "role", label: "Role", options: roleChoices, selected: "viewer").html
                        Choice(name: "place", label: "Where", options: model.places.map { ($0.value, $0.title) }).html
                        Field(
                            name: "hosts", label: "Only on hosts with labels", hint: "Empty for all; as site=berlin",
                            error: model.errors["hosts"] ?? "", maximum: 2048
                        ).html
                        div(.class("actions")) { button("Give role", .primary) }
                    }
                }
                card("Access", id: "access") {
                    div(.class("form")) {
                        p { protection(row) }
                        postForm(context.to("settings", "people", row.id, "link"), context) {
                            button("Make a one-time login link", .plain, icon: .key)
                        }
                        if row.isDisabled {
                            postForm(context.to("settings", "people", row.id, "enable"), context) {
                                button("Let in again", .plain)
                            }
                        } else {
                            linkButton(
                                "Shut out", context.to("settings", "people", row.id, "disable"), .danger, icon: .lock)
                        }
                    }
                }
            }
        })
}
