import ArgumentParser
import JSON
import NIOCore
import TextTable

/// `fettle campaign …`.
struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign", abstract: "Patch hosts: plan, approve, watch, stop, take back.",
        discussion: """
            A campaign brings exact versions to a frozen list of hosts, in one window, so many at a time, and proves the \
            result. Nothing happens before others than its author have approved the exact plan.

            CAMPAIGN is an id, the beginning of one, or a title that only one has.

            Examples:
              fettle campaign create "OpenSSL" --package openssl --labels site=berlin --dry-run
              fettle campaign create "Security updates" --security --hosts web1 web2 --start 2026-11-21T22:00 --zone Europe/Berlin
              fettle campaign approve c-4f7a
              fettle campaign watch c-4f7a
              fettle campaign halt c-4f7a --reason "checkout is slow"
            """,
        subcommands: [
            CampaignCreateCommand.self, List.self, Show.self, Submit.self, CampaignApproveCommand.self,
            CampaignDenyCommand.self, CampaignPauseCommand.self, CampaignResumeCommand.self, CampaignHaltCommand.self,
            CampaignCancelCommand.self, CampaignRollbackCommand.self, CampaignCloseCommand.self,
            CampaignWatchCommand.self, Jobs.self, Log.self, CampaignWriteOffCommand.self,
        ], defaultSubcommand: List.self, aliases: ["campaigns"])

    static let columns: [Column] = [
        .member("id"), .member("title"), .member("state"),
        Column("SUCCEEDED") { "\($0["jobs"]?.text("succeeded").orZero ?? "0")/\($0.text("hosts"))" },
        Column("APPROVALS") { "\($0.text("approvalsGiven"))/\($0.text("approvalsRequired"))" },
        Column("WINDOW") { windowText($0["window"]) }, .age("updated", "CHANGED"),
        .member("next", wide: true), .member("reason", wide: true), .member("author", wide: true),
        .member("planDigest", "PLAN", wide: true),
    ]

    static let jobColumns: [Column] = [
        .member("hostname", "HOST"), .member("state"), .member("phase"),
        Column("%") { $0.text("percent") }, .member("sentence", "WHAT HAPPENED"),
        .member("attempt", wide: true), .member("activity", wide: true), .age("lastHeard", "HEARD", wide: true),
        .member("id", "JOB", wide: true),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List campaigns, the newest first.",
            discussion: """
                Examples:
                  fettle campaign list
                  fettle campaign list --open --watch
                  fettle campaign list -o json --query "[?state=='halted'].id"
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Flag(help: "Only those that have not ended.") var open = false
        @Option(name: .shortAndLong, help: "At most so many.") var limit = 1000

        func run() async throws {
            try await reading.run { client in
                let query = [("open", open ? "true" : nil), organisation.query(client)]
                let items = try await client.list(
                    "/api/v1/campaigns", query + [("limit", String(max(1, min(limit, 500))))], limit: limit)
                var shown = Shown(
                    items, columns, empty: "no campaigns; make one: fettle campaign create --help")
                let one = try await client.get("/api/v1/campaigns", query + [("limit", "1")])
                if one["approvalsRequired"]?.integer == 0 {
                    shown.notes.append(
                        "no approval is asked for in this organisation: whoever may approve releases a plan alone")
                }
                return shown
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a campaign: what happens next, its plan, its hosts.",
            discussion: """
                Examples:
                  fettle campaign show c-4f7a
                  fettle campaign show c-4f7a -o json --query plan
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id, the beginning of it, or its title.", completion: campaignNames) var campaign: String

        func run() async throws {
            try await reading.run { client in
                let desk = CampaignClient(client, organisation)
                let found = try await desk.find(campaign)
                let hosts = try await desk.hosts(found.text("id"), limit: 500)
                let jobs = try await desk.jobs(found.text("id"), limit: 500)
                return Shown(item: found, csv: columns) { wide in
                    campaignText(found, hosts: hosts, jobs: jobs, wide: wide)
                }
            }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Freeze a draft to an exact plan and ask for approval.",
            discussion: """
                Examples:
                  fettle campaign submit c-4f7a
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id, the beginning of it, or its title.", completion: campaignNames) var campaign: String

        func run() async throws {
            let desk = CampaignClient(try changing.data.client, organisation)
            let found = try await desk.find(campaign)
            guard changing.goesOn("freeze the plan of \(campaignTitle(found)) and ask for approval") else { return }
            let submitted = try await desk.post(found.text("id"), "submit")
            try output.show(submitted) { _ in }
            try tellSubmitted(submitted)
        }
    }

    struct Jobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the hosts' parts of a campaign: where each is and what happened.",
            discussion: """
                Examples:
                  fettle campaign jobs c-4f7a
                  fettle campaign jobs c-4f7a --state rolled-back -o wide
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Its id, the beginning of it, or its title.", completion: campaignNames) var campaign: String
        @Option(help: "Only those in this state: running, succeeded, refused, rolled-back, …") var state: String?
        @Option(name: .shortAndLong, help: "At most so many.") var limit = 100_000

        func run() async throws {
            try await reading.run { client in
                let desk = CampaignClient(client, organisation)
                let found = try await desk.find(campaign)
                let items = try await desk.jobs(found.text("id"), state: state, limit: limit)
                return Shown(items, jobColumns, empty: "no host has a part in it yet: \(found.text("next"))")
            }
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Print what the package manager and the scripts wrote on a host; with --journal what the agent did.",
            discussion: """
                Examples:
                  fettle campaign log c-4f7a web1
                  fettle campaign log c-4f7a web1 --journal
                """)
        @OptionGroup(title: "Which server") var data: DataOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The campaign's id, the beginning of it, or its title.", completion: campaignNames)
        var campaign: String
        @Argument(help: "The host's name or id, or a job's id.", completion: hostNames) var host: String
        @Flag(help: "The journal instead: each step, what it was about to do and what came of it.") var journal = false

        func run() async throws {
            let desk = CampaignClient(try data.client, organisation)
            let found = try await desk.find(campaign)
            if journal {
                let job = try await desk.job(found.text("id"), host)
                for entry in job["entries"]?.array ?? [] {
                    emit(
                        "\(entry.text("time"))  \(entry.text("phase"))  \(entry.text("kind"))  "
                            + "\(printable(entry.text("text")))\n")
                }
                return
            }
            let path = desk.organisation.path(
                desk.client, "campaigns", found.text("id"), "jobs", host, "log")
            try await desk.client.stream(path) { part in
                emit(bytes: Array(part.readableBytesView).filter { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 })
            }
        }
    }
}

/// `fettle why HOST PACKAGE`.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say why a package is not at its new version on a host, and what to do.",
        discussion: """
            Held, pinned, phased, kept back for a new dependency, a broken or stale index, vetoed on the host, outside its \
            window, waiting for a permit or for approval, in no campaign at all: the most decisive reason comes first.

            Examples:
              fettle why web1 openssl
              fettle why web1 openssl -o json --query 'reasons[].code'
            """)
    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames) var host: String
    @Argument(help: "The package's name.") var package: String

    func run() async throws {
        try await reading.run { client in
            let why = try await client.get(organisation.path(client, "hosts", host, "why", package))
            return Shown(item: why, name: why.text("package")) { _ in Self.text(why) }
        }
    }

    private static func text(_ why: JSONValue) -> String {
        func versions(_ key: String) -> String {
            (why[key]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.value.string ?? "") (\($0.key))" }
                .joined(separator: ", ")
        }
        let reasons = why["reasons"]?.array ?? []
        var text = lines([
            ("Host", "\(why.text("hostname")) (\(why.text("host").prefix(12)))"), ("Package", why.text("package")),
            ("Installed", versions("installed").isEmpty ? "not installed" : versions("installed")),
            ("Offered", versions("candidate").isEmpty ? "nothing newer" : versions("candidate")),
        ])
        for (index, reason) in reasons.enumerated() {
            text += fieldLine(index == 0 ? "Why" : "and", reason.text("sentence"))
            if !reason.text("cure").isEmpty { text += fieldLine("", "→ \(reason.text("cure"))") }
        }
        for campaign in why["campaigns"]?.array ?? [] {
            text += fieldLine(
                "Campaign", "\(campaignTitle(campaign)): \(campaign.text("state")). \(campaign.text("next"))")
        }
        if let steps = why["changelogs"]?.array, !(why["candidate"]?.object ?? [:]).isEmpty {
            if steps.isEmpty {
                text += fieldLine("Changelog", "nobody has read the offered version's yet: unknown, not none")
            }
            for step in steps { text += changelog(step) }
        }
        guard let findings = why["findings"]?.array else {
            return text + fieldLine("Open", "vulnerabilities are not known: no feeds, or the host was not judged")
        }
        if let unknown = why["unknown"]?.string { text += fieldLine("Unknown", unknown) }
        if findings.isEmpty, why["unknown"]?.string != nil { return text }
        if findings.isEmpty { return text + fieldLine("Open", "no known vulnerability") }
        return text + "\n"
            + tableText(
                ["OPEN", "STATE", "FIXABLE", "INSTALLABLE", "INSTALLED", "VERIFIED", "DUE"],
                findings.map { finding in
                    func fact(_ name: String) -> String { finding[name]?.bool == true ? "yes" : "no" }
                    return [
                        finding.text("vulnerability"), finding.text("state"),
                        finding.text("fixed").isEmpty ? "no" : finding.text("fixed"), fact("installable"),
                        fact("installed"), fact("verified"), String(finding.text("due").prefix(10)),
                    ]
                })
    }

    /// What a step closes by the changelog of the offered version.
    private static func changelog(_ step: JSONValue) -> String {
        let closes = (step["closes"]?.array ?? []).map { closed in
            let feed =
                switch closed.text("feed") {
                case "agrees": "a feed agrees"
                case "other-fix": "a feed names another fix"
                case "silent": "no feed names it"
                default: "no feed speaks of the package"
                }
            return "\(closed.text("vulnerability")) (\(feed))"
        }
        let unknown = step.text("unknown")
        var text = fieldLine(
            "Changelog",
            "\(step.text("candidate")) closes "
                + (closes.isEmpty
                    ? (unknown.isEmpty ? "nothing" : "nobody knows what") : closes.joined(separator: ", ")))
        text += fieldLine("", "\(step.text("standing")): \(step.text("sentence"))")
        if !unknown.isEmpty, unknown != step.text("sentence") { text += fieldLine("", "at least: \(unknown)") }
        let missing = (step["missing"]?.array ?? []).compactMap(\.string)
        if !missing.isEmpty { text += fieldLine("", "only in feeds: \(missing.joined(separator: ", "))") }
        return text
    }
}
