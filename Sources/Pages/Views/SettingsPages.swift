public import HTML
import Timestamps

/// The frame of every page of the settings: its tabs, of which whoever looks sees some.
func settings(
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
