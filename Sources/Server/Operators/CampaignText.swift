import Rollout

/// What people are told of campaigns and jobs, said once for the API, the command line and the pages.
enum CampaignText {
    /// What happens next with a campaign and what that waits for, in one sentence.
    static func next(_ campaign: CampaignSummary) -> String {
        let window =
            campaign.window.isOfPolicies
            ? "the first of its hosts' own, by the policies"
            : "\(campaign.window.start.replacing("T", with: " ")) (\(campaign.window.zone))"
        switch campaign.state {
        case "draft": return "Nothing, until it is submitted: then packages and hosts are frozen to an exact plan."
        case "freezing": return "Packages and hosts are being frozen to an exact plan."
        case "awaiting-approval":
            if campaign.approvalsRequired == 0 {
                return
                    "The organisation asks for no approval: whoever may approve releases it. Its window begins \(window)."
            }
            let missing = max(0, campaign.approvalsRequired - campaign.approvalsGiven)
            return
                "It waits for \(missing) more \(missing == 1 ? "approval" : "approvals") by others than its author; its window begins \(window)."
        case "scheduled": return "It begins with its window, \(window)."
        case "running": return running(campaign)
        case "paused": return "Hosts that have begun go on; no other begins until it is resumed."
        case "halting": return "Hosts past the point of no return go on to their end; all others stop."
        case "halted":
            return
                "Nothing, until somebody decides: resume with another person's approval, roll back, or close it as failed."
        case "rolling-back": return "The hosts that changed are taken back to what they were."
        case "verifying": return "Every host is scanned once more; the scans decide."
        case "cancelling": return "Hosts past the point of no return go on to their end; then it is cancelled."
        case "completed", "completed-with-exceptions", "closed-failed":
            return "Nothing: it has ended. What it changed can still be rolled back."
        case "rollback-incomplete":
            return
                "Nothing by itself: look at each host that is not rolled-back; those that did not begin can be asked again (roll back)."
        default: return "Nothing: it has ended."
        }
    }

    private static func running(_ campaign: CampaignSummary) -> String {
        let open = campaign.jobCounts.filter { !isEnded($0.key) }.values.reduce(0, +)
        let suspect = campaign.jobCounts["suspect"] ?? 0
        var text = "\(open) of \(campaign.hostCount) hosts have not ended; at most \(campaign.budget) change at a time."
        if suspect > 0 {
            text += " \(suspect) fell silent and \(suspect == 1 ? "keeps its" : "keep their") place in the budget."
        }
        return text
    }

    /// What happened to a host's part, how the host is and what to do; where nobody has said it, by its state.
    static func sentence(_ job: JobSummary) -> String {
        if !job.sentence.isEmpty { return job.sentence }
        let look = "See its journal and log: fettle campaign log."
        switch job.state {
        case "planned": return "It waits for its campaign to begin."
        case "offered":
            return "It waits for its window, for the host to come for its order, and for a free place in the budget."
        case "granted": return "It may begin; the host has not answered yet."
        case "accepted": return "The host has its order and is about to begin."
        case "running": return "It is at work."
        case "suspect":
            return "The host fell silent in the middle of it and keeps its place in the budget. Look at the host."
        case "lost": return "Somebody gave up on the silent host; what state it is in is not known. Look at the host."
        case "succeeded": return "A scan and the checks after the last boot prove the goal."
        case "installed-reboot-pending": return "The packages are in, but do not run before a reboot. Reboot the host."
        case "failed-no-change": return "It failed before anything changed; the host is as it was. \(look)"
        case "failed-changed": return "It failed, and what changed stays: the plan does not roll back. \(look)"
        case "rolled-back": return "It failed, and a scan proves that the host is as it was before. \(look)"
        case "rollback-failed": return "It failed, and going back failed too: repair the host by hand. \(look)"
        case "needs-repair":
            return "The host's package database is not whole: repair it by hand (dpkg --audit). \(look)"
        case "refused": return "A check on the host said no before anything changed; the host is as it was. \(look)"
        case "expired": return "Its window passed before it began; the host is as it was. Plan another campaign."
        case "cancelled": return "It was taken back before it began; the host is as it was."
        case "superseded": return "Another attempt or campaign took its place."
        default: return ""
        }
    }

    /// Whether a job in that state has ended.
    static func isEnded(_ state: String) -> Bool {
        if state == JobOutcome.installedRebootPending.rawValue { return false }
        return JobOutcome(rawValue: state) != nil || ["superseded", "lost", "excluded"].contains(state)
    }

    /// Whether a campaign waits for somebody.
    static func needsPerson(_ campaign: CampaignSummary) -> Bool {
        switch campaign.state {
        case "awaiting-approval", "halted", "rollback-incomplete": true
        default: campaign.jobCounts.contains { $0.value > 0 && stateNeedsPerson($0.key) } && !campaign.isTerminal
        }
    }

    /// Whether a job's host needs somebody.
    static func needsPerson(_ job: JobSummary) -> Bool {
        job.outcome?.needsPerson ?? false || stateNeedsPerson(job.state)
    }

    /// Whether a job in that state needs somebody.
    static func stateNeedsPerson(_ state: String) -> Bool {
        JobOutcome(rawValue: state)?.needsPerson ?? (state == "suspect" || state == "lost")
    }
}
