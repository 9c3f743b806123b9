public import HTML

/// A new campaign, or a draft that is changed: what, where, when; and what that would be, before anything is made.
public func campaignFormPage(_ model: CampaignFormModel, _ context: PageContext) -> HTML {
    let title = model.campaign.map { "Change \($0.title)" } ?? "New campaign"
    return page(
        title, context, current: .campaigns,
        content: HTML {
            breadcrumbs(
                [("Campaigns", context.to("campaigns"))]
                    + (model.campaign.map { [($0.title, context.to("campaigns", $0.id))] } ?? []),
                model.campaign == nil ? "New" : "Change")
            pageHead(
                title,
                lead: HTML(
                    model.approvalsRequired == 0
                        ? "Nothing happens before it is released, and nothing outside its window."
                        : "Nothing happens before \(count(model.approvalsRequired, "other person", "other people")) approved the exact plan, and nothing outside its window."
                ))
            if !model.problem.isEmpty { noticeBox(Notice(.critical, "It cannot be done like this", model.problem)) }
            if let preview = model.preview { previewView(preview, context) }
            card("What, where and when", id: "campaign-form") {
                postForm(
                    model.campaign.map { context.to("campaigns", $0.id, "edit") } ?? context.to("campaigns", "new"),
                    context, class: "form"
                ) {
                    fields(model)
                    div(.class("actions")) {
                        button("Show the plan", .plain, icon: .search, name: "act", value: "preview")
                        button(
                            model.campaign == nil ? "Make it and ask for approval" : "Save and ask for approval",
                            .primary, icon: .check, name: "act", value: "submit")
                        button(model.campaign == nil ? "Keep as a draft" : "Save", .quiet, name: "act", value: "draft")
                    }
                }
            }
        })
}

private func fields(_ model: CampaignFormModel) -> HTML {
    func field(
        _ name: String, _ label: String, hint: String = "", type: InputType = .text, required: Bool = false,
        maximum: Int = 200, placeholder: String = ""
    ) -> HTML {
        Field(
            name: name, label: label, type: type, value: model.values[name] ?? "", hint: hint,
            error: model.errors[name] ?? "", placeholder: placeholder, isRequired: required, maximum: maximum
        ).html
    }
    func choice(_ name: String, _ label: String, _ options: [(String, String)], hint: String = "") -> HTML {
        Choice(
            name: name, label: label, options: options.map { (value: $0.0, label: $0.1) },
            selected: model.values[name] ?? "", hint: hint
        ).html
    }
    func script(_ name: String, _ label: String, _ failure: String) -> HTML {
        TextArea(
            name: name, label: label, value: model.values[name] ?? "",
            hint:
                "Run as root by the interpreter of its first line, for at most 15 minutes. Its text is part of the plan: what is "
                + "approved is what runs. \(failure) Empty: none.",
            error: model.errors[name] ?? "", placeholder: "#!/bin/sh", maximum: 16_384
        ).html
    }
    return HTML {
        field("title", "Title", required: true, placeholder: "OpenSSL on the web servers")
        choice(
            "packages", "Packages",
            [
                ("security", "All security updates that wait"), ("everything", "All updates that wait"),
                ("named", "Only those named below"),
            ])
        field(
            "names", "Names of packages",
            hint: "With commas; each as NAME for the version that is offered, or NAME=VERSION for exactly that.",
            maximum: 4096, placeholder: "openssl, libssl3")
        field(
            "hosts", "Hosts", hint: "Names or ids, with commas. Empty: those with the labels below.", maximum: 8192,
            placeholder: "web-01, web-02")
        field(
            "selector", "Or hosts with labels", hint: "As site=berlin,tier in (web,api); * for every active host.",
            maximum: 2048)
        field(
            "start", "Window begins", hint: "Local time of the zone: 2026-11-21T22:00. Empty: now (UTC).",
            maximum: 16, placeholder: "2026-11-21T22:00")
        field("minutes", "Minutes", hint: "From 5 to 10,080.", type: .number, required: true, maximum: 5)
        field(
            "zone", "Zone",
            hint:
                "An IANA zone such as Europe/Berlin, UTC, or host for each host's own. policies: no window of the campaign's, each host's own by the policies, after that beginning (UTC).",
            maximum: 64)
        field("budget", "Hosts at a time", type: .number, required: true, maximum: 6)
        choice(
            "reboot", "Reboot",
            [
                ("when-needed", "Where it proves to be needed"), ("never", "Never"),
                ("always", "Every host"),
            ])
        choice(
            "snapshot", "Way back",
            [
                ("best", "The best that a host has"), ("required", "A snapshot, else refuse"),
                ("none", "Package downgrade only"),
            ])
        choice(
            "rollBack", "When a check fails",
            [("yes", "Take the host back to what it was"), ("no", "Leave it as it is, flagged")])
        field(
            "units", "Units that must be active afterwards",
            hint: "Systemd units, with commas: each must be active three times in a row.", maximum: 2048,
            placeholder: "nginx.service, postgresql.service")
        script(
            "preScript", "Script before the packages change", "A failure ends the host's part before anything changes.")
        script("postScript", "Script after the packages have changed", "A failure takes the host back.")
    }
}

private func previewView(_ preview: CampaignPreviewModel, _ context: PageContext) -> HTML {
    HTML {
        if !preview.errors.isEmpty { remarkBox(.critical, "This cannot be a plan", preview.errors) }
        if !preview.notes.isEmpty { remarkBox(.info, "To know of this plan", preview.notes) }
        if preview.errors.isEmpty {
            card("The plan", id: "preview", note: HTML("nothing is made yet")) {
                facts([
                    ("Hosts", HTML(grouped(preview.hostCount))), ("Way back", HTML(preview.wayBack)),
                    (
                        "Window",
                        HTML(
                            preview.windows.isEmpty
                                ? "as written: the zone is each host's own"
                                : preview.windows.joined(separator: "; "))
                    ),
                ])
                dataTable(
                    "The plan, by host",
                    [
                        Column("Host", isName: true) { row in
                            a(.href(context.to("hosts", row.host))) { bdi { row.hostname } }
                        },
                        Column("Packages") { stepList($0.steps) },
                        Column("Reboot") { row in HTML(row.reboot) },
                        Column("Way back") { row in HTML(row.wayBack) },
                    ], preview.hosts)
            }
        }
    }
}
