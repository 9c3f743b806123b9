import HTML

/// What a host is exposed to, the most pressing first.
func hostFindings(_ model: HostModel, _ context: PageContext) -> HTML {
    guard let findings = model.findings else { return .empty }
    if let gap = findings.gap { return riskGapView(gap) }
    return card(
        "Vulnerabilities", id: "findings", note: HTML(count(findings.total, "finding"))
    ) {
        if findings.rows.isEmpty {
            noFindings(findings)
        } else {
            findingTable(findings.rows, context)
            pager(
                shown: findings.rows.count, total: findings.total, one: "finding",
                next: findings.next.map {
                    context.to("hosts", model.row.id, HostTab.vulnerabilities.rawValue, query: [("after", $0)])
                }, first: nil)
            if findings.unknownPackages > 0 { p(.class("padded note")) { unknownPackages(findings) } }
        }
    }
}

/// The same in short, on the host's first page.
func findingsCard(_ model: HostModel, _ context: PageContext) -> HTML {
    guard let findings = model.findings else { return .empty }
    if let gap = findings.gap {
        return card("Vulnerabilities", id: "findings") {
            unknownLine(
                gap == .judging
                    ? "The host is being judged."
                    : gap == .noFeeds ? "No feeds are loaded: nothing was looked at." : "The feeds cannot be used.")
        }
    }
    return card(
        "Vulnerabilities", id: "findings", note: HTML(count(findings.total, "finding")),
        action: findings.total > findings.rows.count
            ? linkButton("All findings", hostPlace(model, .vulnerabilities, context), .quiet, icon: .chevron) : .empty
    ) {
        if findings.rows.isEmpty { noFindings(findings) } else { findingTable(findings.rows, context) }
    }
}

private func noFindings(_ findings: HostFindings) -> HTML {
    if findings.isUnjudged {
        return emptyState(.unknown, "Nobody can say", "The host has not reported its packages: nothing is known of it.")
    }
    if findings.unknownPackages > 0 {
        return emptyState(.unknown, "None is known, but not all is known", unknownPackages(findings))
    }
    return emptyState(
        .check, "None is known", "Feeds speak of every package of this host, and name nothing that it has.")
}

private func unknownPackages(_ findings: HostFindings) -> String {
    "Of \(count(findings.unknownPackages, "package")) of this host no feed says anything: unknown, not clean."
}

private func findingTable(_ rows: [HostFindingRow], _ context: PageContext) -> HTML {
    dataTable(
        "Vulnerabilities of this host",
        [
            Column("Vulnerability", isName: true) { vulnerabilityName($0.row, context) },
            Column("Package") { finding in
                span {
                    bdi { finding.package }
                    " "
                    code { finding.version }
                }
            },
            Column("Verdict") { findingState($0.state) },
            Column("Due") { dueState($0.row.band, $0.row.due, context, excepted: $0.row.exceptedUntil) },
            Column("Severity") { severityBadge($0.row.severity, score: $0.row.score) },
            Column("What closes it") { finding in
                div(.class("with-reason")) {
                    closingBadge(finding.row.closing)
                    if let fixed = finding.fixed { code { fixed } }
                }
            },
        ], rows)
}
