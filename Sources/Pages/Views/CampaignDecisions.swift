import HTML

/// What can be decided about a campaign by whoever looks: forms that work without script.
func campaignDecisions(_ model: CampaignModel, _ context: PageContext) -> HTML {
    let open = decisions.filter { model.allowed.contains($0.verb) }
    let mayApprove = model.allowed.contains("approve")
    let others = model.allowed.intersection(["submit", "edit", "deny"])
    guard !open.isEmpty || mayApprove || !others.isEmpty else {
        return model.row.state == "awaiting-approval" && model.isAuthor
            ? p(.class("note")) { "You made this plan: others approve it." } : .empty
    }
    return card("Decide", id: "decide") {
        div(.class("form")) {
            if model.allowed.contains("submit") || model.allowed.contains("edit") {
                div(.class("actions")) {
                    if model.allowed.contains("submit") {
                        postForm(context.to("campaigns", model.row.id, "submit"), context) {
                            button("Freeze the plan and ask for approval", .primary, icon: .check)
                        }
                    }
                    if model.allowed.contains("edit") {
                        linkButton("Change it", context.to("campaigns", model.row.id, "edit"), icon: .label)
                    }
                }
            }
            if mayApprove { approveForm(model, context) }
            if model.allowed.contains("deny") {
                reasonForm(
                    Decision("deny", "Deny the plan", "The campaign ends. A new one can be planned.", .danger), model,
                    context)
            }
            open.map { reasonForm($0, model, context) }
        }
    }
}

/// A decision with a reason.
private struct Decision {
    var verb: String
    var title: String
    var effect: String
    var kind: ButtonKind
    var needsReason: Bool

    init(_ verb: String, _ title: String, _ effect: String, _ kind: ButtonKind, needsReason: Bool = true) {
        self.verb = verb
        self.title = title
        self.effect = effect
        self.kind = kind
        self.needsReason = needsReason
    }
}

private let decisions: [Decision] = [
    Decision(
        "pause", "Pause", "No further host begins. Hosts that have begun go on to their end.", .plain,
        needsReason: false),
    Decision("resume", "Go on", "Hosts begin again, within window and budget.", .primary, needsReason: false),
    Decision(
        "halt", "Halt",
        "Whatever has not passed its point of no return stops; the rest goes on to its end. To go on takes another person's approval.",
        .danger),
    Decision("rollback", "Roll back", "Every host that changed is taken back to what it was, and verified.", .danger),
    Decision("close", "Close as failed", "The campaign ends; hosts stay as they are.", .danger),
    Decision(
        "cancel", "Cancel", "The campaign ends for good. Hosts past their point of no return go on to their end.",
        .danger),
]

private func approveForm(_ model: CampaignModel, _ context: PageContext) -> HTML {
    let packages = model.targets.reduce(0) { $0 + $1.packages.count }
    let verb = model.row.approvalsRequired == 0 ? "Release without approval" : "Approve this plan"
    return postForm(context.to("campaigns", model.row.id, "approve"), context) {
        input(.type(.hidden), .name("plan"), .value(model.planDigest))
        p {
            "\(count(packages, "package version")) on \(count(model.row.hosts, "host")), at most "
            "\(grouped(model.budget)) at a time, \(model.row.window). Plan "
            code(.title(model.planDigest)) { String(model.planDigest.prefix(16)) }
            "."
        }
        div(.class("actions")) { button(verb, .primary, icon: .check) }
    }
}

private func reasonForm(_ decision: Decision, _ model: CampaignModel, _ context: PageContext) -> HTML {
    // What goes on after a halt repeats the halt's reason: so nobody lets it go on without having read it.
    let isAfterHalt = decision.verb == "resume" && model.row.state == "halted"
    let hint =
        isAfterHalt
        ? "Repeat the reason of the halt: \(model.row.reason)"
        : decision.needsReason ? "It enters the audit log." : "It enters the audit log; may be empty."
    return details(.class("inline")) {
        summary { decision.title }
        postForm(context.to("campaigns", model.row.id, decision.verb), context, class: "form") {
            if decision.verb == "deny" { input(.type(.hidden), .name("plan"), .value(model.planDigest)) }
            p { decision.effect }
            Field(
                name: "reason", label: "Reason", hint: hint, isRequired: decision.needsReason || isAfterHalt,
                maximum: 1024, id: "reason-\(decision.verb)"
            ).html
            div(.class("actions")) { button(decision.title, decision.kind) }
        }
    }
}
