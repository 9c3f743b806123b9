public import HTML
import Timestamps

/// Evidence before patches: where must something be kept first, by when, and what was?
public func evidenceListPage(_ model: EvidenceListModel, _ context: PageContext) -> HTML {
    page(
        "Evidence", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs([("Vulnerabilities", context.to("vulnerabilities"))], "Evidence")
            pageHead(
                "Evidence",
                lead:
                    "Where the decision table asks for forensics, campaigns leave a host out until its volatile evidence is noted: a patch or a reboot would destroy it.",
                actions: linkButton("Work queue", context.to("queue"), icon: .patch))
            if let gap = model.gap {
                riskGapView(gap)
            } else {
                card("What is asked for", id: "evidence", note: HTML("\(grouped(model.blocking)) held")) {
                    if model.rows.isEmpty {
                        emptyState(
                            .check, "Nothing waits for evidence",
                            "No open vulnerability of a judged host asks for forensics.")
                    } else {
                        table(model.rows, context)
                        pager(
                            shown: model.rows.count, total: model.total, one: "place",
                            next: model.next.map { context.to("evidence", query: [("after", $0)]) }, first: nil)
                    }
                }
                scopeNote(model.scope, context)
            }
        })
}

private func place(_ row: EvidenceRow, _ context: PageContext) -> Location {
    context.to("evidence", row.host, row.vulnerability)
}

private func table(_ rows: [EvidenceRow], _ context: PageContext) -> HTML {
    dataTable(
        "Evidence that is asked for",
        [
            Column("Host", isName: true) { row in
                a(.href(place(row, context)), .data(.select)) { bdi { row.hostname } }
            },
            Column("Vulnerability") { row in
                span {
                    row.vulnerability
                    span(.class("sub")) { bdi { row.packages.prefix(4).joined(separator: ", ") } }
                }
            },
            Column("Standing") { row in standing(row) },
            Column("Next") { row in
                if row.next.isEmpty {
                    span(.class("quiet")) { "nothing" }
                } else {
                    div(.class("with-reason")) {
                        badge(row.isLate ? .critical : .neutral, step(row.next))
                        if let due = row.due { stamp(due) }
                    }
                }
            },
        ], rows)
}

private func standing(_ row: EvidenceRow) -> HTML {
    if row.isBlocking { return badge(.warning, "Held", icon: .shield) }
    return row.waivedBy.isEmpty
        ? badge(.good, "Evidence kept", icon: .check) : badge(.info, "Waived", icon: .person)
}

private func step(_ word: String) -> String {
    switch word {
    case "scope": "Scope"
    case "volatile-evidence": "Volatile evidence"
    case "verdict": "Verdict"
    default: word
    }
}

/// What is asked for of one vulnerability on one host, and the forms that note what was done.
public func evidencePage(_ model: EvidenceModel, _ context: PageContext) -> HTML {
    let row = model.row
    return page(
        "Evidence on \(row.hostname)", context, current: .vulnerabilities,
        content: HTML {
            breadcrumbs(
                [("Vulnerabilities", context.to("vulnerabilities")), ("Evidence", context.to("evidence"))], row.hostname
            )
            pageHead(
                "Evidence on \(row.hostname)",
                lead: HTML {
                    standing(row)
                    row.isBlocking
                        ? " Campaigns leave this host out of what would patch \(row.vulnerability), or start it anew."
                        : " Campaigns may patch \(row.vulnerability) here."
                },
                actions: linkButton("The vulnerability", context.to("vulnerabilities", row.vulnerability), icon: .bug))
            if !model.error.isEmpty { noticeBox(Notice(.critical, "It was not noted", model.error)) }
            div(.class("columns two-one")) {
                card("What was done", id: "done") { facts(done(row)) }
                div(.class("stack")) {
                    if model.mayRecord, !row.next.isEmpty { recordCard(row, context) }
                    if model.mayWaive, row.isBlocking { waiveCard(row, context) }
                }
            }
        })
}

private func done(_ row: EvidenceRow) -> [(String, HTML)] {
    var lines: [(String, HTML)] = [
        ("Package", bdi { row.packages.joined(separator: ", ") }), ("Asked for since", stamp(row.since)),
    ]
    for record in row.records {
        lines.append(
            (
                step(record.step),
                HTML {
                    stamp(record.at)
                    " by "
                    bdi { record.by }
                    if !record.digest.isEmpty { code(.class("sub")) { record.digest } }
                }
            ))
    }
    if let waived = row.waived {
        lines.append(
            (
                "Waived",
                HTML {
                    stamp(waived)
                    " by "
                    bdi { row.waivedBy }
                    span(.class("told")) { ": \(row.reason)" }
                }
            ))
    }
    lines.append(
        (
            "Next",
            HTML {
                if row.next.isEmpty {
                    "nothing: all is done"
                } else {
                    step(row.next)
                    if let due = row.due {
                        ", by "
                        stamp(due)
                    }
                }
            }
        ))
    return lines
}

private func recordCard(_ row: EvidenceRow, _ context: PageContext) -> HTML {
    let isVerdict = row.next == "verdict"
    return card(isVerdict ? "Note the verdict" : "Note what was taken", id: "record") {
        postForm(context.to("evidence", row.host, row.vulnerability, "taken"), context, class: "form") {
            p {
                isVerdict
                    ? "Whether the host was compromised. Your name stands beside it."
                    : "Processes, sockets, logins, changed files: keep them where you keep evidence, and give the file's SHA-256 (sha256sum FILE)."
            }
            Field(
                name: "digest", label: "SHA-256", hint: "64 hexadecimal digits.", isRequired: !isVerdict, maximum: 64
            ).html
            div(.class("actions")) { button(isVerdict ? "Note the verdict" : "It is kept", .primary, icon: .check) }
        }
    }
}

private func waiveCard(_ row: EvidenceRow, _ context: PageContext) -> HTML {
    card("In an emergency", id: "waive") {
        postForm(context.to("evidence", row.host, row.vulnerability, "waive"), context, class: "form") {
            p { "The host may then be patched without evidence. This cannot be taken back." }
            Field(name: "reason", label: "Why", hint: "It enters the audit log.", isRequired: true, maximum: 1024).html
            div(.class("actions")) { button("Waive it", .danger, icon: .close) }
        }
    }
}
