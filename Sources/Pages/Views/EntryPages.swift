public import HTML
import Timestamps

/// Login, one step at a time.
public func loginPage(_ model: LoginModel, _ context: PageContext) -> HTML {
    bare(
        title(model.step), context,
        content: HTML {
            h1 { title(model.step) }
            if !model.error.isEmpty { noticeBox(Notice(.critical, model.error)) }
            form(.class("form"), .method(.post), .action(model.action)) {
                if !context.csrf.isEmpty { input(.type(.hidden), .name("csrf"), .value(context.csrf)) }
                if let next = model.next { input(.type(.hidden), .name("next"), .value(next.description)) }
                switch model.step {
                case .password:
                    Field(
                        name: "name", label: "Name", value: model.name, autocomplete: .username, isRequired: true,
                        hasFocus: true
                    ).html
                    Field(
                        name: "password", label: "Password", type: .password, autocomplete: .currentPassword,
                        isRequired: true, maximum: 1024
                    ).html
                    button("Log in", .primary)
                case .code(let ticket):
                    input(.type(.hidden), .name("ticket"), .value(ticket))
                    Field(
                        name: "code", label: "Code from your authenticator app", hint: "Or a recovery code",
                        autocomplete: .oneTimeCode, isRequired: true, hasFocus: true, maximum: 40
                    ).html
                    button("Log in", .primary)
                case .link(let code):
                    input(.type(.hidden), .name("code"), .value(code))
                    p { "This link lets you in once. Set a password then, so that you can come back." }
                    button("Go on", .primary)
                case .newPassword:
                    Field(
                        name: "password", label: "New password", type: .password,
                        hint: "At least 12 characters. Length counts, not special characters.",
                        autocomplete: .newPassword, isRequired: true, hasFocus: true, maximum: 1024
                    ).html
                    Field(
                        name: "again", label: "New password again", type: .password, autocomplete: .newPassword,
                        isRequired: true, maximum: 1024
                    ).html
                    button("Set password", .primary)
                }
            }
            if case .password = model.step {
                p(.class("hint")) {
                    "No password yet, or it is lost? Whoever runs the server makes you a link that lets you in once."
                }
            }
        })
}

private func title(_ step: LoginModel.Step) -> String {
    switch step {
    case .password: "Log in"
    case .code: "Second factor"
    case .link: "Welcome"
    case .newPassword: "Set a password"
    }
}

/// Whether a program may act for the person.
public func devicePage(_ model: DeviceModel, _ context: PageContext) -> HTML {
    bare(
        "Let a program in", context,
        content: HTML {
            h1 { "Let a program in" }
            if !model.error.isEmpty { noticeBox(Notice(.critical, model.error)) }
            if let decision = model.decision {
                noticeBox(
                    decision == "approved"
                        ? Notice(
                            .good, "It may act for you now",
                            "Go back to the terminal. You can end this under Settings, API tokens.")
                        : Notice(.info, "Refused", "The program was told no."))
                linkButton("Today", context.to(), .primary)
            } else if model.machine.isEmpty {
                form(.class("form"), .method(.get), .action(Location("device"))) {
                    Field(
                        name: "code", label: "Code that the program shows", value: model.code, placeholder: "ABCD-EFGH",
                        isRequired: true, hasFocus: true, maximum: 20
                    ).html
                    button("Go on", .primary)
                }
            } else {
                p { "A program asks to act for you, with all that you may do." }
                p(.class("device-code")) { code { model.code } }
                facts([
                    ("Machine", HTML { bdi { model.machine } }), ("Address", HTML { code { model.address } }),
                    ("Asked", ago(model.askedAt, context)),
                ])
                p(.class("hint")) { "Go on only if you started it yourself and it shows this very code." }
                postForm(Location("device"), context, class: "form") {
                    input(.type(.hidden), .name("code"), .value(model.code))
                    div(.class("actions")) {
                        button("Let it in", .primary, name: "decision", value: "approved")
                        button("Refuse", .plain, name: "decision", value: "denied")
                    }
                }
            }
        })
}

/// A decision, asked for once more.
public func confirmPage(_ model: ConfirmModel, _ context: PageContext, current: Section, error: String = "") -> HTML {
    page(
        model.title, context, current: current,
        content: HTML {
            pageHead(model.title)
            div(.class("card narrow")) {
                postForm(model.action, context, class: "form") {
                    model.fields.map { input(.type(.hidden), .name($0.name), .value($0.value)) }
                    p(.class("question")) { model.question }
                    if !model.consequences.isEmpty {
                        ul(.class("bullets")) { model.consequences.map { line in li { line } } }
                    }
                    if model.asksReason {
                        Field(
                            name: "reason", label: "Why", hint: "It stands in the audit log.", isRequired: true,
                            hasFocus: true
                        ).html
                    }
                    if let typed = model.typed {
                        Field(name: "typed", label: "Type \(typed) to go on", error: error, isRequired: true).html
                    }
                    div(.class("actions")) {
                        button(model.verb, model.isDangerous ? .danger : .primary)
                        linkButton("Cancel", model.back, .quiet)
                    }
                }
            }
        })
}

/// The labels of one host, to change them.
public func labelsPage(host: HostRow, text: String, error: String, _ context: PageContext) -> HTML {
    page(
        "Labels of \(host.name)", context, current: .hosts,
        content: HTML {
            breadcrumbs([("Hosts", context.to("hosts")), (host.name, context.to("hosts", host.id))], "Labels")
            pageHead("Labels of \(host.name)")
            div(.class("card narrow")) {
                postForm(context.to("hosts", host.id, "labels"), context, class: "form") {
                    Field(
                        name: "labels", label: "Labels", value: text,
                        hint: "As site=berlin,tier=web. Roles and views select hosts by them.", error: error,
                        hasFocus: true, maximum: 4096
                    ).html
                    div(.class("actions")) {
                        button("Save", .primary)
                        linkButton("Cancel", context.to("hosts", host.id), .quiet)
                    }
                }
            }
        })
}

/// What went wrong, and what can be done.
public struct ErrorModel: Sendable {
    public var status: Int
    public var title: String
    public var text: String
    /// What to look for in the server's log.
    public var request: String

    public init(status: Int, title: String, text: String, request: String = "") {
        self.status = status
        self.title = title
        self.text = text
        self.request = request
    }
}

/// An error, with a way on.
public func errorPage(_ model: ErrorModel, _ context: PageContext) -> HTML {
    let content = HTML {
        div(.class("error-page")) {
            p(.class("error-code")) { String(model.status) }
            h1 { model.title }
            p(.class("lead")) { model.text }
            if !model.request.isEmpty {
                p(.class("note")) {
                    "Request "
                    code { model.request }
                }
            }
            div(.class("actions")) {
                if context.person != nil {
                    linkButton("Today", context.to(), .primary, icon: .today)
                    if context.sections.contains(.hosts) { linkButton("Hosts", context.to("hosts"), icon: .host) }
                } else {
                    linkButton("Log in", Location("login"), .primary)
                }
            }
        }
    }
    return context.person == nil
        ? bare(model.title, context, content: content) : page(model.title, context, content: content)
}
