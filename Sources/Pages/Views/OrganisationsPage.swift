public import HTML
import Timestamps

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
