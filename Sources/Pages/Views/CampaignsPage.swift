public import HTML

/// Campaigns: what is being rolled out, and what waits for somebody?
public func campaignsPage(_ model: CampaignsModel, _ context: PageContext, events: Location?) -> HTML {
    page(
        "Campaigns", context, current: .campaigns, events: events,
        content: HTML {
            pageHead(
                "Campaigns", lead: HTML("Exact versions, brought to a frozen list of hosts in a window, with proof."),
                actions: model.mayWrite
                    ? linkButton("New campaign", context.to("campaigns", "new"), .primary, icon: .plus) : .empty)
            noApprovalNotice(model.approvalsRequired)
            tabs(
                "Which campaigns",
                [
                    ("Open", nil, context.to("campaigns"), !model.showsAll),
                    ("All", nil, context.to("campaigns", query: [("show", "all")]), model.showsAll),
                ])
            div(.id("live-campaigns"), .data(.live)) {
                div(.class("card")) { campaignList(model, context) }
            }
        })
}

private func campaignList(_ model: CampaignsModel, _ context: PageContext) -> HTML {
    HTML {
        if model.rows.isEmpty {
            emptyState(
                .campaign, model.showsAll ? "No campaign yet" : "No campaign is open",
                model.mayWrite
                    ? "Start one here, from a patch, or from a host: it shows the exact plan before anything happens."
                    : "Whoever has the role operator can plan one.",
                action: model.showsAll
                    ? .empty
                    : linkButton("All campaigns", context.to("campaigns", query: [("show", "all")])))
        } else {
            campaignTable("Campaigns", model.rows, context)
        }
        if model.next != nil || !model.rows.isEmpty {
            pager(
                shown: model.rows.count, total: nil, one: "campaign",
                next: model.next.map { next in
                    context.to(
                        "campaigns", query: (model.showsAll ? [("show", "all")] : []) + [("after", next)])
                }, first: nil)
        }
    }
}
