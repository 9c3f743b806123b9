public import HTML
import Timestamps

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
