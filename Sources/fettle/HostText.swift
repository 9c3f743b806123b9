import JSON
import Server
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

/// Prints a host: verdicts with their proof, what is missing, what is not known.
func printHost(_ host: JSONValue) {
    func line(_ key: String, _ value: String) {
        if !value.isEmpty { print(key + ":" + String(repeating: " ", count: max(1, 14 - key.count)) + value) }
    }
    line("Host", host.text("hostname"))
    line("Id", host.text("id"))
    line("Organisation", host.text("organisation"))
    line("Status", hostStatus(host))
    line("Agent", host.text("agentVersion"))
    line("Last seen", age(host["lastSeen"]?.string))
    line("Last report", age(host["lastReport"]?.string))
    line("Last scan", age(host["lastScan"]?.string))
    line("System", cell(host["operatingSystem"]) { $0.text("name") })
    line("Certificate", host["certificate"].map { "\($0.text("serial")) until \($0.text("notAfter"))" } ?? "")
    for duplicate in host["likelyDuplicates"]?.array ?? [] {
        line(
            "Duplicate?",
            "\(duplicate.text("hostname")) (\(duplicate.text("id").prefix(12))) has the same \(duplicate.text("evidence"))"
        )
    }
    print("")
    printMissing(host)
    printVerdicts(host)
}

/// Prints what the host's repositories offer it.
func printMissing(_ host: JSONValue) {
    let pending = host["pending"]?["value"]
    let why = host["pending"]?.text("unknown") ?? "the host has not reported yet"
    let offers = host["offers"]?.array ?? []
    if offers.isEmpty {
        print("Updates:      " + (pending == nil ? "unknown: \(why)" : "none are offered by the host's repositories"))
    } else {
        printTable(
            ["PACKAGE", "INSTALLED", "CANDIDATE", "ORIGIN", "SECURITY", "STATUS"],
            offers.map { offer in
                let reason = offer.text("reason")
                return [
                    offer.text("name"), offer.text("installed"), offer.text("candidate"), offer.text("origin"),
                    offer["security"]?.bool == true ? "yes" : "", statusText(offer.text("status"), reason),
                ]
            })
        print("")
        if let pending {
            print("Updates:      \(pending.text("total")) pending, \(pending.text("security")) of them for security")
        } else {
            print("Updates:      unknown: \(why). Above is what was pending when it was last known")
        }
    }
}

private func statusText(_ status: String, _ reason: String) -> String {
    switch (status, reason) {
    case ("phased", let percent): "phased: \(percent) %"
    case (let status, ""): status
    case (let status, let reason): "\(status): \(reason)"
    }
}

/// Prints the reboot verdict with its proof, what has to be restarted, and what is not known.
func printVerdicts(_ host: JSONValue) {
    if let reboot = host["reboot"]?["value"] {
        if reboot["required"]?.bool == true {
            print("Reboot:       needed")
            for reason in reboot["reasons"]?.array ?? [] {
                print("              \(reason.text("kind")): \(reason.text("evidence"))")
            }
        } else {
            print("Reboot:       not needed")
        }
        for proof in reboot["proof"]?.array ?? [] { print("              \(proof.string ?? "")") }
    } else {
        print("Reboot:       unknown: \(host["reboot"]?.text("unknown") ?? "the host has not reported yet")")
    }
    if let restarts = host["restarts"]?["value"]?.array {
        print("Restart:      " + (restarts.isEmpty ? "nothing" : restarts.map(restartText).joined(separator: ", ")))
    } else {
        print("Restart:      unknown: \(host["restarts"]?.text("unknown") ?? "the host has not reported yet")")
    }
    let unknowns = host["unknowns"]?.array ?? []
    for (index, unknown) in unknowns.enumerated() {
        print((index == 0 ? "Unknown:      " : "              ") + "\(unknown.text("what")): \(unknown.text("why"))")
    }
}

private func restartText(_ need: JSONValue) -> String {
    let user = need.text("user")
    return user.isEmpty ? need.text("name") : "\(need.text("name")) (\(user))"
}
