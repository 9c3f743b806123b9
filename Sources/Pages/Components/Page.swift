public import HTML

/// A whole page with navigation around it.
public func page(
    _ title: String, _ context: PageContext, current: Section? = nil, events: Location? = nil, content: HTML
) -> HTML {
    document(title, context) {
        a(.class("skip"), .href(fragment: "main")) { "Skip to content" }
        iconSheet()
        div(.class("frame")) {
            sidebar(context, current)
            div(.class("sheet")) {
                topBar(context)
                main(.id("main"), .tabindex(-1), events.map { .data(.events, $0.description) } ?? .class()) {
                    if let notice = context.notice { noticeBox(notice) }
                    if let alert = context.alert {
                        noticeBox(alert.notice, action: linkButton(alert.verb, alert.to))
                    }
                    content
                }
                pageFoot(context)
            }
        }
        shortcuts()
    }
}

/// A page for somebody who is not signed in: one thing in the middle.
public func bare(_ title: String, _ context: PageContext, content: HTML) -> HTML {
    document(title, context) {
        a(.class("skip"), .href(fragment: "main")) { "Skip to content" }
        iconSheet()
        div(.class("bare")) {
            header(.class("bare-brand")) {
                logo()
                span(.class("wordmark")) { "Fettle" }
            }
            main(.id("main"), .class("bare-card"), .tabindex(-1)) {
                if let notice = context.notice { noticeBox(notice) }
                content
            }
            footer(.class("bare-foot")) { p { "Patch management for whole fleets" } }
        }
    }
}

private func document(_ name: String, _ context: PageContext, @HTMLBuilder content: () -> HTML) -> HTML {
    .document(
        html(.lang("en"), .data(.theme, context.theme.rawValue)) {
            head {
                meta(.charset("utf-8"))
                title { "\(name) · Fettle" }
                meta(.name("viewport"), .content("width=device-width, initial-scale=1"))
                meta(.name("color-scheme"), .content("light dark"))
                link(.rel("icon"), .type("image/svg+xml"), .href(Assets.icon.location))
                link(.rel("stylesheet"), .href(Assets.style.location))
                script(src: Assets.script.location)
            }
            body { content() }
        })
}

private func sidebar(_ context: PageContext, _ current: Section?) -> HTML {
    header(.class("sidebar")) {
        a(.class("brand"), .href(context.to())) {
            logo()
            span(.class("wordmark")) { "Fettle" }
        }
        if context.organisations.count > 1 { organisationSwitch(context) }
        nav(.class("sections"), .ariaLabel("Sections")) {
            ul {
                Section.allCases.filter(context.sections.contains).map { section in
                    li {
                        a(
                            .href(section == .today ? context.to() : context.to(section.rawValue)),
                            .ariaCurrent(section == current ? .page : nil)
                        ) {
                            icon(section.icon)
                            span { section.title }
                        }
                    }
                }
            }
        }
    }
}

private func organisationSwitch(_ context: PageContext) -> HTML {
    details(.class("menu organisation")) {
        summary {
            icon(.organisation)
            span(.class("unseen")) { "Organisation: " }
            bdi { context.organisation?.name ?? "Organisations" }
            icon(.chevron)
        }
        ul {
            context.organisations.map { organisation in
                li {
                    a(
                        .href(Location(query: [("organisation", organisation.id)])),
                        .ariaCurrent(organisation == context.organisation ? .true : nil)
                    ) { bdi { organisation.name } }
                }
            }
        }
    }
}

private func topBar(_ context: PageContext) -> HTML {
    div(.class("topbar")) {
        if context.sections.contains(.hosts) {
            form(.class("search"), .role("search"), .method(.get), .action(Location("search"))) {
                context.organisationQuery.map { input(.type(.hidden), .name($0.name), .value($0.value)) }
                label(.class("unseen"), .for("search")) { "Search hosts, packages and CVEs" }
                icon(.search)
                input(
                    .type(.search), .id("search"), .name("q"), .value(context.search),
                    .placeholder("Search hosts, packages, CVEs"), .autocomplete(.off), .maxlength(200))
                kbd(.ariaHidden()) { "/" }
            }
        }
        div(.class("topbar-end")) {
            themeSwitch(context)
            if let person = context.person { personMenu(person, context) }
        }
    }
}

private func themeSwitch(_ context: PageContext) -> HTML {
    postForm(Location("theme"), context, class: "theme-switch") {
        input(.type(.hidden), .name("back"), .value(context.here.description))
        Theme.allCases.map { theme in
            button(
                .name("theme"), .value(theme.rawValue), .title("Colours: \(theme.label.lowercased())"),
                .ariaLabel("Colours: \(theme.label.lowercased())"),
                .ariaCurrent(theme == context.theme ? .true : nil)
            ) {
                switch theme {
                case .system: icon(.system)
                case .light: icon(.sun)
                case .dark: icon(.moon)
                }
            }
        }
    }
}

private func personMenu(_ person: String, _ context: PageContext) -> HTML {
    details(.class("menu person")) {
        summary {
            span(.class("avatar"), .ariaHidden()) { String(person.prefix(1)).uppercased() }
            span(.class("person-name")) { bdi { person } }
        }
        ul {
            li { a(.href(context.to("settings", "account"))) { "Your account" } }
            li { a(.href(context.to("settings", "sessions"))) { "Your sessions" } }
            li {
                postForm(Location("logout"), context) {
                    button(.class("menu-button")) { "Log out" }
                }
            }
        }
    }
}

private func pageFoot(_ context: PageContext) -> HTML {
    footer(.class("page-foot")) {
        p { "All times are UTC." }
        if context.person != nil {
            p {
                a(.href(context.to("style"))) { "Style" }
                " · "
                a(.href(Location("api", "v1", "openapi.json"))) { "API" }
            }
        }
    }
}

private let keys: [(key: String, does: String)] = [
    ("/", "search hosts, packages and CVEs"), ("j", "next row"), ("k", "previous row"), ("Enter", "open the row"),
    ("g t", "Today"), ("g q", "Work queue"), ("g v", "Vulnerabilities"), ("g h", "Hosts"), ("g p", "Patches"),
    ("g c", "Campaigns"), ("g a", "Activity"), ("?", "this list"),
]

/// The keys; script opens it, for without script there are none.
private func shortcuts() -> HTML {
    dialog(.class("shortcuts"), .data(.dialog, "shortcuts"), .ariaLabelledBy("shortcuts-title")) {
        form(.method(.get), .action(Location())) {
            h2(.id("shortcuts-title")) { "Keys" }
            keyList()
            button(.class("button plain"), .type("button"), .data(.dialog, "close")) { span { "Close" } }
        }
    }
}

func keyList() -> HTML {
    dl(.class("keys")) {
        keys.map { key in
            div {
                dt { key.key.split(separator: " ").map { part in kbd { String(part) } } }
                dd { key.does }
            }
        }
    }
}
