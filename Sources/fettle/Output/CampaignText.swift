import JSON
import TextTable

/// `"OpenSSL" (c-4f7a9c2d)`.
func campaignTitle(_ campaign: JSONValue) -> String { "\"\(campaign.text("title"))\" (\(campaign.text("id")))" }

/// Text without what steers a terminal.
func printable(_ text: String) -> String { TextTable.printable(text) }

extension String {
    /// Itself, or `0` where it is empty.
    var orZero: String { isEmpty ? "0" : self }
}

/// `2026-11-21 22:00, 120 min, Europe/Berlin`.
func windowText(_ window: JSONValue?) -> String {
    guard let window else { return "" }
    if window.text("zone") == "policies" {
        return "each host's own by the policies, after \(window.text("start").replacing("T", with: " ")) UTC"
    }
    return "\(window.text("start").replacing("T", with: " ")), \(window.text("minutes")) min, \(window.text("zone"))"
}

/// A campaign for people: where it is, what happens next, its plan, its hosts.
func campaignText(_ campaign: JSONValue, hosts: [JSONValue], jobs: [JSONValue], wide: Bool) -> String {
    let required = campaign["approvalsRequired"]?.integer ?? 0
    var text = lines([
        ("Campaign", campaign.text("title")), ("Id", campaign.text("id")), ("State", campaign.text("state")),
        ("Why", campaign.text("reason")), ("Next", campaign.text("next")), ("Window", windowText(campaign["window"])),
        ("Budget", "\(campaign.text("budget")) at a time"), ("Made by", campaign.text("author")),
        (
            "Approvals",
            required == 0
                ? "none is asked for in this organisation" : "\(campaign.text("approvalsGiven")) of \(required)"
        ), ("Plan", campaign.text("planDigest")),
    ])
    for approval in campaign["approvals"]?.array ?? [] {
        let signed = approval["signed"]?.bool == true ? ", signed" : ""
        let counts = approval["counts"]?.bool == true ? "" : ", of an earlier plan"
        text += fieldLine("", "\(approval.text("approver")) at \(approval.text("time"))\(signed)\(counts)")
    }
    for error in campaign["errors"]?.array ?? [] { text += fieldLine("Error", error.string ?? "") }
    for note in campaign["notes"]?.array ?? [] { text += fieldLine("Note", note.string ?? "") }
    text += planText(campaign["plan"])
    if !jobs.isEmpty {
        let columns = CampaignCommand.jobColumns.filter { wide || !$0.isWide }
        text += "\n" + tableText(columns.map(\.heading), jobs.map { job in columns.map { $0.text(job) } })
    } else if !hosts.isEmpty {
        text += "\n" + plannedHostsText(hosts)
    }
    return text
}

/// The exact versions of a plan.
func planText(_ plan: JSONValue?) -> String {
    var text = ""
    for target in plan?["targets"]?.array ?? [] {
        let rows = (target["packages"]?.array ?? []).map { package in
            [
                "\(package.text("name")):\(package.text("architecture"))",
                (package["previous"]?.array ?? []).compactMap(\.string).joined(separator: ", "),
                package.text("version"),
            ]
        }
        text += "\n" + tableText(["PACKAGE (\(target.text("distribution")))", "FROM", "TO"], rows)
    }
    if let actions = plan?["actions"] {
        text += "\n" + fieldLine("Reboot", actions.text("reboot")) + fieldLine("Snapshot", actions.text("snapshot"))
        text += fieldLine("On failure", actions["rollBack"]?.bool == true ? "rolls back" : "stays as it is")
        for key in ["preScripts", "postScripts", "healthChecks"] {
            let names = (actions[key]?.array ?? []).map { $0.text("name") }
            if !names.isEmpty { text += fieldLine(key, names.joined(separator: ", ")) }
        }
    }
    return text
}

/// What a plan means for its hosts.
func plannedHostsText(_ hosts: [JSONValue]) -> String {
    tableText(
        ["HOST", "PACKAGES", "WINDOW (UTC)", "LOCAL", "REBOOT", "WAY BACK"],
        hosts.map { host in
            let steps = host["packages"]?.array ?? []
            let window = host["windows"]?.array?.first
            let first = steps.prefix(3).map { "\($0.text("package")) \($0.text("from")) → \($0.text("to"))" }
            return [
                host.text("hostname"),
                first.joined(separator: ", ") + (steps.count > 3 ? " and \(steps.count - 3) more" : ""),
                window.map { "\($0.text("notBefore")) to \($0.text("notAfter"))" } ?? "", window?.text("local") ?? "",
                host.text("reboot"), host.text("wayBack"),
            ]
        })
}

/// Says what became of a submission.
///
/// - Throws: a failure where the draft could not be frozen to a plan.
func tellSubmitted(_ campaign: JSONValue) throws {
    let errors = (campaign["errors"]?.array ?? []).compactMap(\.string)
    for note in campaign["notes"]?.array ?? [] { say(note.string ?? "") }
    guard errors.isEmpty else {
        throw CommandFailure.failed(
            "\(campaignTitle(campaign)) is a draft: it cannot be frozen to a plan.\n" + errors.joined(separator: "\n"))
    }
    say("\(campaignTitle(campaign)): \(campaign.text("next"))")
    if campaign.text("state") == "awaiting-approval" {
        say("Who may approve says: fettle campaign approve \(campaign.text("id"))")
    }
}
