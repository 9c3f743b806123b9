import JSON
import Server
import TextTable
import Timestamps

/// The time by this machine's clock.
func now() -> Timestamp { ServerClock.system.now() }

/// The status, and that the host is silent.
func hostStatus(_ host: JSONValue) -> String {
    let status = host.text("status")
    return status == "active" && host["silent"]?.bool == true ? "silent" : status
}

/// `needed`, `no` or `unknown`.
func rebootCell(_ reboot: JSONValue?) -> String {
    cell(reboot) { $0["required"]?.bool == true ? "needed" : "no" }
}

/// How many; with a question mark what it was when it was last known.
func pendingCell(_ pending: JSONValue?, _ key: String) -> String {
    if let value = pending?["value"] { return value.text(key) }
    guard let known = pending?["lastKnown"]?[key]?.integer, known > 0 else { return "unknown" }
    return "\(known)?"
}

/// `Key:          value`, with nothing in it that steers a terminal.
func fieldLine(_ key: String, _ value: String) -> String {
    let head = key.isEmpty ? "" : key + ":"
    return head + String(repeating: " ", count: max(1, 14 - head.utf8.count)) + TextTable.printable(value) + "\n"
}

/// Prints a host: verdicts with their proof, what is missing, what is not known.
func printHost(_ host: JSONValue) { emit(hostText(host)) }

/// A host for people: verdicts with their proof, what is missing, what is not known.
func hostText(_ host: JSONValue) -> String {
    var items = [
        ("Host", host.text("hostname")), ("Id", host.text("id")), ("Organisation", host.text("organisation")),
        ("Status", hostStatus(host)), ("Reason", host.text("statusReason")), ("Labels", labelText(host["labels"])),
        ("Agent", host.text("agentVersion")), ("Last seen", age(host["lastSeen"]?.string)),
        ("Last report", age(host["lastReport"]?.string)), ("Last scan", age(host["lastScan"]?.string)),
        ("System", cell(host["operatingSystem"]) { $0.text("name") }),
        ("Certificate", host["certificate"].map { "\($0.text("serial")) until \($0.text("notAfter"))" } ?? ""),
    ]
    for duplicate in host["likelyDuplicates"]?.array ?? [] {
        let id = duplicate.text("id").prefix(12)
        items.append(("Duplicate?", "\(duplicate.text("hostname")) (\(id)) has the same \(duplicate.text("evidence"))"))
    }
    return lines(items) + "\n" + missingText(host) + verdictText(host)
}

/// What the host's repositories offer it.
private func missingText(_ host: JSONValue) -> String {
    let pending = host["pending"]?["value"]
    let why = host["pending"]?.text("unknown") ?? "the host has not reported yet"
    let offers = host["offers"]?.array ?? []
    guard !offers.isEmpty else {
        return fieldLine("Updates", pending == nil ? "unknown: \(why)" : "none are offered by the host's repositories")
    }
    let table = tableText(
        ["PACKAGE", "INSTALLED", "CANDIDATE", "ORIGIN", "SECURITY", "STATUS"],
        offers.map { offer in
            let reason = offer.text("reason")
            return [
                offer.text("name"), offer.text("installed"), offer.text("candidate"), offer.text("origin"),
                offer["security"]?.bool == true ? "yes" : "", statusText(offer.text("status"), reason),
            ]
        })
    let sum =
        if let pending {
            "\(pending.text("total")) pending, \(pending.text("security")) of them for security"
        } else {
            "unknown: \(why). Above is what was pending when it was last known"
        }
    return table + "\n" + fieldLine("Updates", sum)
}

private func statusText(_ status: String, _ reason: String) -> String {
    switch (status, reason) {
    case ("phased", let percent): "phased: \(percent) %"
    case (let status, ""): status
    case (let status, let reason): "\(status): \(reason)"
    }
}

/// The reboot verdict with its proof, what has to be restarted, and what is not known.
private func verdictText(_ host: JSONValue) -> String {
    var text = ""
    if let reboot = host["reboot"]?["value"] {
        let isRequired = reboot["required"]?.bool == true
        text += fieldLine("Reboot", isRequired ? "needed" : "not needed")
        for reason in isRequired ? reboot["reasons"]?.array ?? [] : [] {
            text += fieldLine("", "\(reason.text("kind")): \(reason.text("evidence"))")
        }
        for proof in reboot["proof"]?.array ?? [] { text += fieldLine("", proof.string ?? "") }
    } else {
        text += fieldLine("Reboot", "unknown: \(host["reboot"]?.text("unknown") ?? "the host has not reported yet")")
    }
    if let restarts = host["restarts"]?["value"]?.array {
        text += fieldLine(
            "Restart", restarts.isEmpty ? "nothing" : restarts.map(restartText).joined(separator: ", "))
    } else {
        text += fieldLine("Restart", "unknown: \(host["restarts"]?.text("unknown") ?? "the host has not reported yet")")
    }
    text += fieldLine("Veto", vetoText(host["facts"]?["veto"]))
    for (index, unknown) in (host["unknowns"]?.array ?? []).enumerated() {
        text += fieldLine(index == 0 ? "Unknown" : "", "\(unknown.text("what")): \(unknown.text("why"))")
    }
    return text
}

/// What the host's own administrator forbids, whoever orders it.
private func vetoText(_ veto: JSONValue?) -> String {
    guard let value = veto?["value"] else {
        return "unknown: \(veto?.text("unknown") ?? "the host has not reported yet")"
    }
    let words = (value["words"]?.array ?? []).compactMap(\.string)
    guard !words.isEmpty else { return "none" }
    let problem = value.text("problem")
    return words.joined(separator: ", ") + (problem.isEmpty ? "" : " (the veto file: \(problem))")
}

private func restartText(_ need: JSONValue) -> String {
    let user = need.text("user")
    return user.isEmpty ? need.text("name") : "\(need.text("name")) (\(user))"
}
