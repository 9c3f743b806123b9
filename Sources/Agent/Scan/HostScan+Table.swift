import Inventory
import TextTable

extension HostScan {
    /// What a person at the terminal wants to know: what is missing, whether to restart what and why, what is broken,
    /// and what could not be found out.
    ///
    /// - Parameter colour: whether the terminal shows colours.
    public func report(colour: Bool) -> String {
        [
            title(colour), updates(colour), reboot(colour), restarts(colour), brokenPackages(colour), indexes(colour),
            unknowns(colour),
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func title(_ colour: Bool) -> String {
        var parts = [facts.hostname.value ?? "this host"]
        parts.append(facts.operatingSystem.value?.name ?? "unknown operating system")
        if let kernel = facts.kernel.value { parts.append("kernel \(kernel.running)") }
        parts.append("\(set.packages.count) packages")
        return TextTable.styled(parts.joined(separator: ", "), .strong, colour: colour) + "\n"
    }

    private func updates(_ colour: Bool) -> String {
        if let why = facts.offers.why {
            return TextTable.styled("Updates: unknown", .warning, colour: colour) + "\n"
                + TextTable.styled("  \(why)", .plain, colour: colour) + "\n"
        }
        guard !offers.offers.isEmpty else {
            guard !offers.indexes.isEmpty else {
                return TextTable.styled("Updates: unknown", .warning, colour: colour)
                    + "\n  there is no index of any repository; run apt-get update\n"
            }
            return TextTable.styled("Updates: none", .good, colour: colour) + "\n"
        }
        var table = TextTable("package", "installed", "candidate", "origin", "security", "status")
        for offer in offers.offers {
            let foreign = set.packages.contains { $0.name == offer.name && $0.architecture != offer.architecture }
            let reason = offer.status.reason.isEmpty ? "" : ": \(offer.status.reason)\(unit(offer.status))"
            table.add(
                .init(foreign ? "\(offer.name):\(offer.architecture)" : offer.name), .init(offer.installed),
                .init(offer.candidate), .init(originNames(of: offer)),
                offer.security ? .init("yes", .bad) : .init("no"),
                .init(offer.status.name + reason, offer.status == .upgradable ? .plain : .warning))
        }
        return summary(colour) + table.rendered(colour: colour)
    }

    private func unit(_ status: OfferStatus) -> String {
        if case .phased = status { " % of hosts" } else { "" }
    }

    private func summary(_ colour: Bool) -> String {
        let count = offers.offers.count
        let security = offers.offers.count { $0.security }
        let back = offers.offers.count { $0.status != .upgradable }
        var text = "Updates: \(count), of them \(security) for security"
        if back > 0 { text += ", \(back) not taken by the next upgrade" }
        return TextTable.styled(text, security > 0 ? .bad : .strong, colour: colour) + "\n"
    }

    /// `Debian-Security oldstable-security`: where a candidate is listed, each once.
    private func originNames(of offer: Offer) -> String {
        var names: [String] = []
        for number in offer.origins {
            let origin = offers.indexes[number].origin
            let name = [
                origin.label.isEmpty ? origin.origin : origin.label,
                origin.suite.isEmpty ? origin.codename : origin.suite,
            ]
            .filter { !$0.isEmpty }.joined(separator: " ")
            if !names.contains(name) { names.append(name.isEmpty ? origin.site : name) }
        }
        return names.joined(separator: ", ")
    }

    private func reboot(_ colour: Bool) -> String {
        switch facts.reboot {
        case .unknown(let why):
            return TextTable.styled("Reboot: unknown", .warning, colour: colour) + "\n" + indented([why])
        case .known(let verdict) where verdict.required:
            let reasons = verdict.reasons.map(\.evidence)
            return TextTable.styled("Reboot: required", .bad, colour: colour) + "\n" + indented(reasons)
        case .known(let verdict):
            return TextTable.styled("Reboot: not required", .good, colour: colour) + "\n" + indented(verdict.proof)
        }
    }

    private func restarts(_ colour: Bool) -> String {
        switch facts.restarts {
        case .unknown(let why):
            return TextTable.styled("Services to restart: unknown", .warning, colour: colour) + "\n" + indented([why])
        case .known(let needs) where needs.isEmpty:
            return TextTable.styled("Services to restart: none", .good, colour: colour) + "\n"
        case .known(let needs):
            var table = TextTable("restart", "kind", "processes", "run the former")
            for need in needs {
                let name = need.kind == .userUnit ? "\(need.name) of \(need.user)" : need.name
                table.add(
                    .init(name), .init(need.kind.rawValue), .init(need.processes.joined(separator: ",")),
                    .init(
                        need.files.prefix(3).joined(separator: ", ")
                            + (need.files.count > 3 ? " and \(need.files.count - 3) more" : "")))
            }
            return TextTable.styled("Services to restart: \(needs.count)", .bad, colour: colour) + "\n"
                + table.rendered(colour: colour)
        }
    }

    private func brokenPackages(_ colour: Bool) -> String {
        guard let packages = facts.packages.value else { return "" }
        var output = ""
        if packages.interruptedTransaction {
            output += TextTable.styled("A package transaction was interrupted", .bad, colour: colour) + "\n"
        }
        if !packages.abnormal.isEmpty {
            var table = TextTable("package", "version", "state", "needs reinstallation")
            for package in packages.abnormal {
                table.add(
                    .init(package.package), .init(package.version), .init(package.state, .bad),
                    .init(package.needsReinstall ? "yes" : "no"))
            }
            output += TextTable.styled(
                "Packages not simply installed: \(packages.abnormal.count)", .bad, colour: colour)
            output += "\n" + table.rendered(colour: colour)
        }
        if !packages.holds.isEmpty {
            output += TextTable.styled("Held: \(packages.holds.joined(separator: ", "))", .plain, colour: colour) + "\n"
        }
        return output
    }

    private func indexes(_ colour: Bool) -> String {
        guard let problems = facts.packages.value?.indexProblems.filter({ $0.kind != .unused }), !problems.isEmpty
        else { return "" }
        var table = TextTable("index", "problem", "detail")
        for problem in problems {
            table.add(.init(problem.subject), .init(problem.kind.rawValue, .warning), .init(problem.detail))
        }
        return TextTable.styled("Indexes that do not tell all", .warning, colour: colour) + "\n"
            + table.rendered(colour: colour)
    }

    private func unknowns(_ colour: Bool) -> String {
        // Those with a heading of their own have been told.
        let rest = facts.unknowns.filter { !["offers", "reboot", "restarts"].contains($0.name) }
        guard !rest.isEmpty else { return "" }
        var table = TextTable("unknown", "why")
        for (name, why) in rest { table.add(.init(name, .warning), .init(why)) }
        return table.rendered(colour: colour)
    }

    private func indented(_ lines: [String]) -> String {
        lines.map { "  \(TextTable.printable($0))\n" }.joined()
    }
}
