import Access
import JSON
import Pages
import Rollout
import Timestamps
import Wire

/// The fields of the form of a campaign: what they say, and what a draft says in them.
struct CampaignForm: Sendable {
    /// The fields' names; what a link to the form may fill in is among ``linkable``.
    static let names = [
        "title", "packages", "names", "hosts", "selector", "start", "minutes", "zone", "budget", "reboot", "snapshot",
        "rollBack", "units", "preScript", "postScript",
    ]
    /// What a link to the form says.
    static let linkable: Set<String> = ["title", "packages", "package", "host", "labels"]

    var values: [String: String]

    /// The form as it stands before anybody has written in it, with what a link says.
    init(query: [String: String]) {
        values = [
            "packages": query["package"] == nil ? query["packages"] ?? "security" : "named", "minutes": "240",
            "zone": "UTC", "budget": "1", "reboot": "when-needed", "snapshot": "best", "rollBack": "yes",
        ]
        values["names"] = query["package"]
        values["hosts"] = query["host"]
        values["selector"] = query["labels"]
        if let package = query["package"] { values["title"] = "Update \(package)" }
        if query["package"] == nil {
            values["title"] = values["packages"] == "everything" ? "All updates" : "Security updates"
        }
        if let title = query["title"] { values["title"] = title }
    }

    /// What somebody wrote.
    init(_ call: PageCall) {
        values = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, call.field($0)) })
    }

    /// What a draft says. Further scripts than the first and other checks than units are not in the form: they stay as they
    /// are.
    init(_ draft: CampaignDraft) {
        values = [
            "title": draft.title, "start": draft.window.start, "minutes": "\(draft.window.minutes)",
            "zone": draft.window.zone, "budget": "\(draft.budget)", "reboot": draft.actions.reboot.rawValue,
            "snapshot": draft.actions.snapshot.rawValue, "rollBack": draft.actions.rollsBack ? "yes" : "no",
        ]
        switch draft.packages {
        case .everything: values["packages"] = "everything"
        case .security: values["packages"] = "security"
        case .named(let names):
            values["packages"] = "named"
            values["names"] = names.joined(separator: ", ")
        case .exact(let list):
            values["packages"] = "named"
            values["names"] = list.map {
                "\($0.name)\($0.architecture.map { ":\($0)" } ?? "")=\($0.version)"
            }.joined(separator: ", ")
        }
        switch draft.hosts {
        case .ids(let ids): values["hosts"] = ids.joined(separator: ", ")
        case .labels(let selector):
            values["selector"] = selector.requirements.isEmpty ? "*" : selector.description
        }
        values["units"] = draft.actions.healthChecks.compactMap { check in
            if case .unit(let unit) = check.probe { unit } else { nil }
        }.joined(separator: ", ")
        values["preScript"] = draft.actions.preScripts.first?.text
        values["postScript"] = draft.actions.postScripts.first?.text
    }

    private func value(_ name: String) -> String { values[name] ?? "" }

    private func list(_ name: String) -> [String] {
        value(name).split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    /// What it asks for, as the API takes it; and what is wrong with it, by field.
    ///
    /// - Parameter base: the draft that is changed: what the form does not show stays.
    func request(_ base: CampaignDraft?, now: Timestamp) -> (body: JSONValue, errors: [String: String]) {
        var errors: [String: String] = [:]
        if value("title").isEmpty { errors["title"] = "It needs a title." }
        let minutes = Int64(value("minutes")) ?? 0
        if !(5...10_080).contains(minutes) { errors["minutes"] = "A number from 5 to 10,080." }
        let budget = Int64(value("budget")) ?? 0
        if !(1...100_000).contains(budget) { errors["budget"] = "A number of hosts, at least 1." }
        var fields: [String: JSONValue] = [
            "title": .string(value("title")), "budget": .integer(budget),
            "packages": packages(&errors), "hosts": hosts(&errors),
        ]
        var (start, zone) = (value("start"), value("zone").isEmpty ? "UTC" : value("zone"))
        if start.isEmpty {
            (start, zone) = (
                String(now.description.prefix(16)), zone == PlannedWindow.policies ? zone : "UTC"
            )
        }
        fields["window"] = ["start": .string(start), "minutes": .integer(minutes), "zone": .string(zone)]
        for name in ["preScript", "postScript"] where !value(name).isEmpty && !value(name).hasPrefix("#!") {
            errors[name] = "Its first line names the interpreter: #!/bin/sh"
        }
        fields["actions"] = actions(base)
        return (.object(fields), errors)
    }

    private func packages(_ errors: inout [String: String]) -> JSONValue {
        guard value("packages") == "named" else {
            return ["kind": value("packages") == "everything" ? "everything" : "security"]
        }
        let names = list("names")
        guard !names.isEmpty else {
            errors["names"] = "Name at least one package."
            return ["kind": "security"]
        }
        let exact = names.filter { $0.contains("=") }
        guard exact.isEmpty || exact.count == names.count else {
            errors["names"] = "Give a version for each package, or for none."
            return ["kind": "security"]
        }
        if exact.isEmpty { return ["kind": "named", "names": .array(names.map { .string($0) })] }
        return ["kind": "exact", "versions": .array(exact.map(Self.version))]
    }

    /// `NAME=VERSION` or `NAME:ARCHITECTURE=VERSION`.
    static func version(_ text: String) -> JSONValue {
        let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = pair[0].split(separator: ":", maxSplits: 1).map(String.init)
        var fields: [String: JSONValue] = ["name": .string(name.first ?? ""), "version": .string(pair.last ?? "")]
        if name.count > 1 { fields["architecture"] = .string(name[1]) }
        return .object(fields)
    }

    private func hosts(_ errors: inout [String: String]) -> JSONValue {
        let names = list("hosts")
        let selector = value("selector")
        if !names.isEmpty {
            if !selector.isEmpty { errors["selector"] = "Name hosts or labels, not both." }
            return ["ids": .array(names.map { .string($0) })]
        }
        if selector.isEmpty { errors["hosts"] = "Name hosts, or labels below; * there is every active host." }
        return ["selector": .string(selector == "*" ? "" : selector)]
    }

    private func actions(_ base: CampaignDraft?) -> JSONValue {
        var actions = base?.actions ?? JobActions()
        actions.reboot = RebootPolicy(rawValue: value("reboot")) ?? .whenNeeded
        actions.snapshot = SnapshotPolicy(rawValue: value("snapshot")) ?? .best
        actions.rollsBack = value("rollBack") != "no"
        let others = actions.healthChecks.filter { check in
            if case .unit = check.probe { false } else { true }
        }
        actions.preScripts = scripts("preScript", "before the change", actions.preScripts)
        actions.postScripts = scripts("postScript", "after the change", actions.postScripts)
        actions.healthChecks = others + list("units").map { HealthCheck(name: $0, probe: .unit($0)) }
        return actions.json
    }

    /// The scripts of a draft with the first as the form has it: with what else is said of it, where it was there before.
    private func scripts(_ field: String, _ name: String, _ base: [PlannedScript]) -> [PlannedScript] {
        guard !value(field).isEmpty else { return Array(base.dropFirst()) }
        // Browsers end lines with CR LF (URL standard, 5.1); an interpreter's name would end with the CR.
        let text = value(field).replacing("\r\n", with: "\n") + "\n"
        var first = base.first ?? PlannedScript(name: name, text: text)
        if first.text.trimmed != text.trimmed { first.text = text }
        return [first] + base.dropFirst()
    }
}

extension String {
    /// Without white space at its end.
    fileprivate var trimmed: Substring {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

extension CampaignFormModel {
    /// Puts a refusal where it belongs: at its field, else above the form.
    mutating func take(_ problem: Problem) {
        let places = [
            "/hosts/ids": "hosts", "/hosts/selector": "selector", "/hosts": "hosts", "/window/start": "start",
            "/window/minutes": "minutes", "/window/zone": "zone", "/packages": "names", "/budget": "budget",
            "/title": "title", "/actions/preScripts": "preScript", "/actions/postScripts": "postScript",
        ]
        for fault in problem.errors {
            let pointer = fault.pointer ?? ""
            let field = places.keys.sorted { $0.utf8.count > $1.utf8.count }.first { pointer.hasPrefix($0) }
            if let field, let name = places[field] {
                errors[name] = [errors[name], "\(fault.detail) \(fault.cure)"].compactMap { $0 }.joined(separator: " ")
            }
        }
        if errors.isEmpty { self.problem = "\(problem.detail) \(problem.cure)" }
    }
}
