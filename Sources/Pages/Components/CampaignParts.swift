import HTML

// What several pages say of campaigns and jobs, said once.

/// Where a campaign is, in one badge.
func campaignState(_ row: CampaignRow) -> HTML {
    let (tone, text, own): (Tone, String, Icon?) =
        switch row.state {
        case "draft": (.neutral, "Draft", .label)
        case "freezing": (.info, "Freezing the plan", .clock)
        case "awaiting-approval":
            row.approvalsRequired == 0
                ? (.warning, "To be released", .person) : (.warning, "Awaits approval", .person)
        case "scheduled": (.info, "Scheduled", .clock)
        case "running": (.info, "Running", .campaign)
        case "paused": (.warning, "Paused", .clock)
        case "halting": (.critical, "Halting", .close)
        case "halted": (.critical, "Halted", .close)
        case "rolling-back": (.warning, "Rolling back", .restart)
        case "rolled-back": (.neutral, "Rolled back", .restart)
        case "rollback-incomplete": (.critical, "Rollback incomplete", .broken)
        case "verifying": (.info, "Verifying", .search)
        case "completed": (.good, "Completed", nil)
        case "completed-with-exceptions": (.warning, "Completed with exceptions", nil)
        case "rejected": (.neutral, "Denied", .close)
        case "cancelling": (.neutral, "Cancelling", .close)
        case "cancelled": (.neutral, "Cancelled", .close)
        case "expired": (.neutral, "Expired", .clock)
        case "closed-failed": (.critical, "Closed as failed", .close)
        default: (.unknown, row.state.capitalisedFirst, nil)
        }
    return badge(tone, text, icon: own)
}

/// How a host's part stands: tone, words, icon.
func jobLook(_ state: String) -> (tone: Tone, text: String, icon: Icon?) {
    switch state {
    case "planned": (.neutral, "Planned", .clock)
    case "offered": (.neutral, "Waits", .clock)
    case "granted", "accepted": (.info, "May begin", .campaign)
    case "running": (.info, "Running", .campaign)
    case "suspect": (.unknown, "Silent", .silent)
    case "lost": (.critical, "Given up", .silent)
    case "succeeded": (.good, "Succeeded", nil)
    case "installed-reboot-pending": (.warning, "Installed, reboot pending", .reboot)
    case "failed-no-change": (.critical, "Failed, nothing changed", .close)
    case "failed-changed": (.critical, "Failed, changed", .broken)
    case "rolled-back": (.warning, "Rolled back", .restart)
    case "rollback-failed": (.critical, "Rollback failed", .broken)
    case "needs-repair": (.critical, "Needs repair", .broken)
    case "refused": (.warning, "Refused", .close)
    case "expired": (.neutral, "Window passed", .clock)
    case "cancelled": (.neutral, "Cancelled", .close)
    case "superseded": (.neutral, "Superseded", .close)
    default: (.unknown, state.capitalisedFirst, nil)
    }
}

/// How a host's part stands, in one badge; what it does beside it.
func jobState(_ row: JobRow) -> HTML {
    let look = jobLook(row.state)
    return div(.class("with-reason")) {
        badge(look.tone, row.rollsBack && !row.hasEnded ? "Back: \(look.text)" : look.text, icon: look.icon)
        if !row.hasEnded, !row.phase.isEmpty {
            span(.class("reason")) {
                phaseTitle(row.phase)
                if let percent = row.percent { " · \(percent) %" }
            }
        }
    }
}

/// A phase in words.
func phaseTitle(_ phase: String) -> String {
    switch phase {
    case "received": "Received"
    case "prefetch": "Fetches packages"
    case "wait-window": "Waits for the window"
    case "confirm": "Asks to begin"
    case "preflight": "Checks the host"
    case "pre-script": "Runs scripts before"
    case "quiesce": "Stops services"
    case "snapshot": "Makes a way back"
    case "mutate-intent": "Begins to change"
    case "apply": "Installs"
    case "repair": "Repairs"
    case "post-script": "Runs scripts after"
    case "restart": "Restarts services"
    case "reboot": "Reboots"
    case "post-boot": "Has booted"
    case "health": "Checks health"
    case "rescan": "Scans again"
    case "rollback": "Goes back"
    case "rollback-reboot": "Reboots to go back"
    case "rollback-verify": "Verifies the way back"
    case "commit": "Ends"
    default: phase.capitalisedFirst
    }
}

/// How far a campaign is: hosts that succeeded of all, and those that did not.
func campaignProgress(_ row: CampaignRow) -> HTML {
    guard row.hosts > 0 else { return span(.class("quiet")) { "not frozen" } }
    return span(.class("metered")) {
        meter(row.succeeded, of: row.hosts, tone: .good)
        span { "\(grouped(row.succeeded)) of \(grouped(row.hosts))" }
        if row.troubled > 0 { badge(.critical, grouped(row.troubled), title: "Not succeeded") }
    }
}

/// Steps of packages, the first few open.
func stepList(_ steps: [StepRow]) -> HTML {
    guard let first = steps.first else { return span(.class("quiet")) { "not known" } }
    if steps.count == 1 { return oneStep(first) }
    return details(.class("inline")) {
        summary { count(steps.count, "package") }
        ul(.class("plain-list")) { steps.map { step in li { oneStep(step) } } }
    }
}

private func oneStep(_ step: StepRow) -> HTML {
    span {
        strong { bdi { step.package } }
        " "
        versions(step.from.isEmpty ? "not known" : step.from, step.to)
    }
}

/// The table of campaigns, for every page that lists some.
func campaignTable(_ title: String, _ rows: [CampaignRow], _ context: PageContext) -> HTML {
    dataTable(
        title,
        [
            Column("Campaign", isName: true) { row in
                a(.href(context.to("campaigns", row.id)), .data(.select)) { bdi { row.title } }
                span(.class("sub")) { row.next }
            },
            Column("State") { row in
                div(.class("with-reason")) {
                    campaignState(row)
                    if !row.reason.isEmpty { span(.class("reason")) { row.reason } }
                }
            },
            Column("Succeeded") { campaignProgress($0) },
            Column("Window") { row in span(.class("quiet")) { row.window } },
            Column("By", isMinor: true) { row in bdi { row.author } },
            Column("Changed", isMinor: true) { ago($0.updated, context) },
        ], rows)
}

/// That nobody has to approve: said on every campaign of an organisation that chose so.
func noApprovalNotice(_ required: Int) -> HTML {
    guard required == 0 else { return .empty }
    return noticeBox(
        Notice(
            .warning, "No approval is asked for",
            "This organisation lets whoever may approve release a plan alone, their own too. The choice is on record."))
}
