public import HTML
import Timestamps

/// Activity: who did what?
public func activityPage(_ model: ActivityModel, _ context: PageContext) -> HTML {
    page(
        "Activity", context, current: .activity,
        content: HTML {
            pageHead(
                "Activity", lead: "What people, programs and hosts did; each line is a leaf of the audit log.",
                actions: model.mayExport
                    ? linkButton("Export as CSV", address(model, context, path: ["activity.csv"]), icon: .download)
                    : .empty)
            if let problem = model.problem { noticeBox(Notice(.warning, "The filter cannot be read", problem)) }
            div(.class("with-filters")) {
                filters(model, context)
                div(.class("card")) { list(model, context) }
            }
        })
}

private func filters(_ model: ActivityModel, _ context: PageContext) -> HTML {
    let isFiltered = [model.actor, model.action, model.subject, model.from, model.to].contains { !$0.isEmpty }
    return details(.class("filters"), .open(isFiltered)) {
        summary {
            icon(.settings)
            span { "Filter" }
        }
        getForm(context.to("activity"), context) {
            Field(name: "actor", label: "Who", value: model.actor, hint: "As user:u-…, host:h-…, token:…").html
            Field(name: "action", label: "Did what", value: model.action, hint: "As host.retired").html
            Field(name: "subject", label: "To what", value: model.subject).html
            Field(name: "from", label: "From", value: model.from, hint: "A day or a time, as 2026-11-21").html
            Field(name: "to", label: "Until", value: model.to).html
            div(.class("actions")) {
                button("Show", .primary)
                linkButton("Clear", context.to("activity"), .quiet)
            }
        }
    }
}

private func address(
    _ model: ActivityModel, _ context: PageContext, path: [String] = ["activity"], after: String? = nil
)
    -> Location
{
    let query: [(name: String, value: String)] = [
        ("actor", model.actor), ("action", model.action), ("subject", model.subject), ("from", model.from),
        ("to", model.to), ("after", after ?? ""),
    ].filter { !$0.value.isEmpty }
    return context.to(path: path, query: query)
}

private func list(_ model: ActivityModel, _ context: PageContext) -> HTML {
    if model.rows.isEmpty {
        return emptyState(.activity, "Nothing is in this view", "No event of the audit log matches.")
    }
    return HTML {
        dataTable(
            "Activity",
            [
                Column("When") { row in stamp(row.time) },
                Column("Who") { row in span(.title(row.actor)) { bdi { row.actorName } } },
                Column("Did", isName: true) { row in
                    actionWords(row.action)
                    span(.class("sub")) { code { row.action } }
                },
                Column("To") { row in HTML.maybeLink(row.location) { bdi { row.subject } } },
                Column("With", isMinor: true) { row in span(.class("detail")) { row.detail } },
                Column("Leaf", isNumber: true, isMinor: true) { row in
                    span(.class("quiet")) { row.sequence.map { grouped(Int($0)) } ?? "soon" }
                },
            ], model.rows, class: "compact")
        pager(
            shown: model.rows.count, total: nil, one: "event",
            next: model.next.map { address(model, context, after: $0) }, first: nil)
    }
}

/// An action of the audit log in words.
func actionWords(_ action: String) -> HTML {
    HTML(action.split(separator: ".").reversed().joined(separator: " ").split(separator: "-").joined(separator: " "))
}
