public import HTML
import Timestamps

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
