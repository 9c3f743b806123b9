public import HTML

/// The living style page: every token and component, from the functions that the pages use.
public func stylePage(_ context: PageContext) -> HTML {
    let samples = Samples()
    return page(
        "Style", context,
        content: HTML {
            pageHead(
                "Style", lead: "Tokens and components, drawn by the functions that every page uses.",
                actions: HTML {
                    linkButton("A link", Location("style"), .primary, icon: .plus)
                    linkButton("Another", Location("style"))
                })
            colours()
            type()
            judgements(samples, context)
            buttons(context)
            card("Icons", id: "icons") {
                div(.class("row")) {
                    Icon.allCases.map { each in
                        span(.class("icon-name")) {
                            icon(each)
                            String("\(each.id)".dropFirst(2))
                        }
                    }
                }
            }
            messages()
            section(.class("counters"), .ariaLabel("Counters")) {
                samples.today.work.map(counter)
            }
            card("Parts of a whole", id: "shares", note: "a bar and its numbers") {
                proportions(
                    "Sample",
                    [
                        Share(tone: .critical, label: "lack security", count: 84),
                        Share(tone: .info, label: "lack others", count: 58),
                        Share(tone: .good, label: "current", count: 82),
                        Share(tone: .unknown, label: "not judged", count: 7),
                    ])
            }
            card("Table", id: "table") {
                dataTable(
                    "Sample hosts",
                    [
                        Column("Host", isName: true, sort: (Location("style"), .ascending)) { hostName($0, context) },
                        Column("Verdict") { verdict($0) },
                        Column("Security", isNumber: true) { evidence($0.security, $0, tone: .critical) },
                        Column("Reboot") { rebootState($0) },
                        Column("Seen") { row in HTML { HTML(span(from: row.lastSeen ?? samples.now, to: samples.now)) }
                        },
                    ], Array(samples.hosts.prefix(9)))
                pager(shown: 9, total: 231, one: "host", next: Location("style"), first: Location("style"))
            }
            div(.class("columns")) {
                fields()
                card("Empty", id: "empty") {
                    emptyState(
                        .check, "Nothing waits", "Data was last seen 9 s ago.",
                        action: linkButton("Hosts", context.to("hosts")))
                }
                card("Facts", id: "facts") {
                    facts([
                        ("Kernel", "6.1.0-50-amd64"), ("Addresses", "192.0.2.14"), ("Certificate", "until 2026-12-11"),
                    ])
                }
                card("Timeline", id: "timeline") { timeline(samples.timelineRows, context) }
                card("To copy", id: "copy") {
                    div(.class("form")) { copyable("fettle-agent enroll fettle1.…", label: "Sample command") }
                }
                card("Keys", id: "keys") { div(.class("form")) { keyList() } }
            }
        })
}

private func colours() -> HTML {
    let names = [
        "ground", "surface", "raised", "line", "ink", "ink-2", "ink-3", "accent", "accent-soft", "critical", "warning",
        "unknown", "good", "info",
    ]
    return card("Colours", id: "colours", note: "each has a light and a dark value") {
        div(.class("swatches")) { names.map { name in span(.class("swatch swatch-\(name)")) { name } } }
    }
}

private func type() -> HTML {
    card("Type", id: "type") {
        div(.class("form")) {
            p(.class("counter-number")) { "1,234" }
            p(.class("question")) { "Large: a question that is asked once more." }
            p {
                "Body: what a host lacks, and what proves it. "; a(.href(Location("style"))) { "A link" }; ", ";
                code { "3.0.18-1~deb12u2" }
            }
            p(.class("note")) { "Small: what is said beside." }
        }
    }
}

private func judgements(_ samples: Samples, _ context: PageContext) -> HTML {
    card("Judgements", id: "judgements", note: "never by colour alone") {
        div(.class("row")) {
            badge(.critical, "Lacks security")
            badge(.warning, "Reboot", icon: .reboot)
            badge(.unknown, "Not judged")
            badge(.unknown, "Silent", icon: .silent)
            badge(.good, "Current")
            badge(.info, "Updates", icon: .up)
            badge(.neutral, "Retired", icon: .lock)
            tag("site", "berlin")
            tag("canary")
            versions("3.0.17", "3.0.18")
        }
        div(.class("row")) { samples.updates.map(updateStatus) }
    }
}

private func buttons(_ context: PageContext) -> HTML {
    card("Buttons", id: "buttons") {
        form(.class("row"), .method(.get), .action(Location("style"))) {
            button("Primary", .primary)
            button("Plain", .plain, icon: .restart)
            button("Danger", .danger)
            button("Quiet", .quiet)
        }
    }
}

private func messages() -> HTML {
    div(.class("stack")) {
        noticeBox(Notice(.critical, "It failed", "What happened, where, and what to do next."))
        noticeBox(Notice(.warning, "Take care"))
        noticeBox(
            Notice(
                .unknown, "Not judged: a package index has expired", "What it reported last proves nothing about now."))
        noticeBox(Notice(.good, "Saved"))
        noticeBox(Notice(.info, "For your information"))
    }
}

private func fields() -> HTML {
    card("Fields", id: "fields") {
        form(.class("form"), .method(.get), .action(Location("style"))) {
            Field(name: "sample", label: "A field", hint: "What to type", placeholder: "web-").html
            Field(
                name: "wrong", label: "A field in error", value: "berlin,",
                error: "Character 8: expected a label's name"
            ).html
            Choice(name: "choice", label: "A choice", options: [("a", "This"), ("b", "That")]).html
            label(.class("check")) {
                input(.type(.checkbox), .name("tick"), .value("yes"), .checked())
                "A tick"
            }
        }
    }
}
