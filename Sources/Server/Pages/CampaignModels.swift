import Access
import JSON
import Pages
import Rollout
import Store
import Timestamps

// What pages show of campaigns, made of what the engine tells.

extension CampaignRow {
    init(_ summary: CampaignSummary, author: String) {
        self.init(id: summary.id, title: summary.title, state: summary.state, updated: summary.updated)
        reason = summary.reason
        next = CampaignText.next(summary)
        self.author = author
        window = CampaignWords.window(summary.window)
        hosts = Int(summary.hostCount)
        succeeded = Int(summary.jobCounts["succeeded"] ?? 0)
        troubled = Int(summary.jobCounts.filter { CampaignText.stateNeedsPerson($0.key) }.values.reduce(0, +))
        approvalsRequired = Int(summary.approvalsRequired)
        approvalsGiven = Int(summary.approvalsGiven)
        hasEnded = summary.isTerminal
        needsPerson = CampaignText.needsPerson(summary)
    }
}

extension JobRow {
    init(_ job: JobSummary, campaignTitle: String) {
        self.init(host: job.host, hostname: job.hostname)
        id = job.id
        campaign = job.campaign
        self.campaignTitle = campaignTitle
        attempt = Int(job.attempt)
        rollsBack = job.rollsBack
        state = job.state
        phase = job.phase?.rawValue ?? ""
        percent = job.percent.map(Int.init)
        activity = job.activity
        sentence = CampaignText.sentence(job)
        needsPerson = CampaignText.needsPerson(job)
        hasEnded = job.isTerminal
        lastHeard = job.lastHeard
    }

    /// A host of a plan that has no job yet.
    init(_ host: PlannedHost) {
        self.init(host: host.id, hostname: host.hostname)
        steps = host.packages.map { StepRow(package: $0.package, from: $0.from ?? "", to: $0.to) }
        reboot = host.reboot
        wayBack = host.wayBack
    }
}

extension StepRow {
    init(_ result: PackageResult) {
        self.init(package: result.package, from: result.from, to: result.to)
        now = result.now
        self.result = result.result
        message = result.message
    }
}

extension EntryRow {
    init(_ entry: JobEntry) {
        let detail = String(decoding: entry.detail.canonicalBytes().prefix(4000), as: UTF8.self)
        self.init(
            ordinal: Int(entry.ordinal), time: entry.time, phase: entry.phase.rawValue, kind: entry.kind.rawValue,
            text: entry.text, detail: detail == "{}" || detail == "null" ? "" : detail)
    }
}

/// A draft in words.
enum CampaignWords {
    static func window(_ window: PlannedWindow) -> String {
        if window.isOfPolicies {
            return "each host's own windows by the policies, after \(window.start.replacing("T", with: " ")) UTC"
        }
        return
            "\(window.start.replacing("T", with: " ")), \(window.minutes) min, \(window.zone == "host" ? "each host's own zone" : window.zone)"
    }

    static func selection(_ draft: CampaignDraft) -> String {
        let what =
            switch draft.packages {
            case .everything: "Every update that waits"
            case .security: "Every security update that waits"
            case .named(let names): "The offered versions of \(names.joined(separator: ", "))"
            case .exact(let list): list.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
            }
        let place =
            switch draft.hosts {
            case .ids(let ids): ids.count == 1 ? "one host" : "\(ids.count) hosts"
            case .labels(let selector):
                selector.requirements.isEmpty ? "every active host" : "hosts with \(selector.description)"
            }
        return "\(what), on \(place)."
    }

    static func actions(_ actions: JobActions) -> [(name: String, value: String)] {
        func units(_ list: [String]) -> String { list.joined(separator: ", ") }
        let reboot =
            switch actions.reboot {
            case .never: "never"
            case .whenNeeded: "where needed, at most \(actions.maximumReboots) times"
            case .always: "every host"
            }
        var rows: [(name: String, value: String)] = [
            ("Reboot", reboot), ("Way back", PlannedHosts.wayBack(actions)),
        ]
        if !actions.healthChecks.isEmpty {
            let names = actions.healthChecks.map(\.name).joined(separator: ", ")
            rows.append(("Checks", "\(names); \(actions.consecutivePasses) times in a row"))
        }
        if !actions.preScripts.isEmpty {
            rows.append(("Scripts before", actions.preScripts.map(\.name).joined(separator: ", ")))
        }
        if !actions.postScripts.isEmpty {
            rows.append(("Scripts after", actions.postScripts.map(\.name).joined(separator: ", ")))
        }
        if !actions.stopServices.isEmpty { rows.append(("Stopped meanwhile", units(actions.stopServices))) }
        if !actions.restartServices.isEmpty { rows.append(("Restarted", units(actions.restartServices))) }
        return rows
    }
}
