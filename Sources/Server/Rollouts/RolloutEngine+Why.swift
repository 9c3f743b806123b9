import Inventory
import JSON
import Rollout
import Store
import Timestamps

extension RolloutEngine {
    /// What is known of why a package is not at its new version on a host.
    func why(organisation: String, host id: String, package name: String) async throws -> WhyInputs {
        let now = state.clock.now()
        let progress = state.progress
        let presence = state.store.directory.presence(host: id)
        return try await state.store.read { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now)
            guard let host = try sql.hosts.show(organisation: organisation, id: id) else {
                throw Refusal(.missing("host", id))
            }
            var why = WhyInputs(
                host: id, hostname: host.hostname, package: name, installed: [:], candidate: [:], reasons: [],
                campaigns: [], jobs: [])
            func say(_ code: String, _ sentence: String, _ cure: String = "") {
                why.reasons.append(.init(code: code, sentence: sentence, cure: cure))
            }
            if host.status != .active {
                say(
                    "quarantined", "\(host.hostname) is \(host.status.rawValue): \(host.statusReason)",
                    "See fettle hosts show \(host.hostname).")
            }
            guard let digests = host.digests else {
                say("silent", "\(host.hostname) has not reported yet.", "Look at its agent: fettle-agent status.")
                return why
            }
            let seen = [host.lastSeen, presence?.lastSeen].compactMap { $0 }.max()
            if let seen, now.seconds(since: seen) > max(3 * host.interval, 900) {
                say(
                    "silent", "\(host.hostname) was last heard of at \(seen): what follows is what it said then.",
                    "Look at the host and its agent.")
            }
            let set = try sql.documents.softwareSet(organisation: organisation, digests.set)
            for package in set?.packages ?? [] where package.name == name {
                why.installed[package.architecture] = package.version
            }
            let offers = try sql.documents.offerSet(organisation: organisation, digests.offers)
            let own = (offers?.offers ?? []).filter { $0.name == name }
            for offer in own { why.candidate[offer.architecture] = offer.candidate }
            let facts = try sql.documents.facts(organisation: organisation, digests.facts)
                .flatMap { try? HostFacts(parsing: $0) }

            if case .known(let veto)? = facts?.veto, let forbidden = forbidden(by: veto, own) {
                say(
                    "vetoed", "The veto file of \(host.hostname) forbids it: \(forbidden).",
                    "It wins over every campaign. See /etc/fettle-agent/veto there.")
            }
            let held = HeldBackPackage.list(
                try sql.jobs.heldBack(organisation: organisation, host: host.id, limit: 100))
            for offer in own {
                let id = "\(offer.name):\(offer.architecture)"
                guard let one = held.first(where: { $0.package == id && $0.version == offer.candidate }) else {
                    continue
                }
                say("held-back", one.sentence(host.hostname), one.cure(host.hostname))
            }
            try addCampaigns(rollout, host, name, progress, &why)
            for offer in own { explain(offer, host, &why) }
            if own.isEmpty {
                if why.installed.isEmpty {
                    say("not-installed", "\(name) is not installed on \(host.hostname).")
                } else {
                    say(
                        "up-to-date",
                        "\(name) is at the newest version that the repositories of \(host.hostname) offered at its last scan.",
                        "Where a newer one exists, the host's indexes or sources lack it: apt-get update, then fettle hosts "
                            + "scan \(host.hostname).")
                }
            }
            if let expired = offers?.indexes.compactMap(\.validUntil).filter({ $0 < now }).min() {
                say(
                    "stale-index",
                    "An index of \(host.hostname) was valid until \(expired): newer versions may be unknown.",
                    "Run apt-get update there; if it fails, the repository or the clock is at fault.")
            }
            if case .known(let packages) = facts?.packages, case .known(let fetched) = packages.lastUpdate,
                now.seconds(since: fetched) > 7 * 86_400
            {
                say(
                    "stale-index", "The indexes of \(host.hostname) were last fetched at \(fetched).",
                    "Run apt-get update there.")
            }
            why.noteMissingCampaign()
            return why
        }
    }

    /// What a host's veto keeps away of what it is offered; nil for nothing.
    private func forbidden(by veto: HostVeto, _ offers: [Offer]) -> String? {
        if veto.words.contains(.nothing) {
            return veto.problem.isEmpty
                ? "nothing may be changed"
                : "nothing may be changed, because the file cannot be understood: \(veto.problem)"
        }
        guard veto.holds(.securityOnly), !offers.isEmpty, !offers.contains(where: \.security) else { return nil }
        return "only security updates may be installed, and this is none"
    }

    private func explain(_ offer: Offer, _ host: HostRecord, _ why: inout WhyInputs) {
        let what = "\(offer.name):\(offer.architecture) \(offer.candidate)"
        switch offer.status {
        case .upgradable:
            why.reasons.append(
                .init(
                    code: "upgradable", sentence: "\(what) could be installed on \(host.hostname) at any time.",
                    cure: ""))
        case .held:
            why.reasons.append(
                .init(
                    code: "held", sentence: "A person has put \(offer.name) on hold on \(host.hostname).",
                    cure: "Release it there: apt-mark unhold \(offer.name)."))
        case .pinned(let pin):
            why.reasons.append(
                .init(
                    code: "pinned", sentence: "A pin keeps \(what) away: \(pin).",
                    cure: "Change it in /etc/apt/preferences.d."))
        case .phased(let percent):
            why.reasons.append(
                .init(
                    code: "phased",
                    sentence: "\(what) is released to \(percent) % of hosts so far, and not to \(host.hostname).",
                    cure: "Wait, or name the version in a campaign."))
        case .keptBack(let reason):
            why.reasons.append(
                .init(
                    code: "kept-back", sentence: "The resolver keeps \(what) back: \(reason).",
                    cure: "Name in one campaign all that it needs."))
        case .unknown(let reason):
            why.reasons.append(
                .init(
                    code: "resolver-unknown", sentence: "The resolver could not be asked about \(what): \(reason).",
                    cure: "Mend what it names, then scan the host."))
        }
    }

    /// The open campaigns that bring the package to the host, and where its job stands.
    private func addCampaigns(
        _ rollout: RolloutTransaction, _ host: HostRecord, _ name: String, _ progress: LiveProgress,
        _ why: inout WhyInputs
    ) throws {
        let sql = rollout.sql
        for record in try sql.campaigns.list(organisation: rollout.organisation, open: true, host: host.id, limit: 50) {
            guard
                let member = try sql.campaigns.host(
                    organisation: rollout.organisation, campaign: record.id, host: host.id),
                let target = try record.storedPlan().target(for: member.distribution),
                let package = target.packages.first(where: { $0.name == name })
            else { continue }
            why.campaigns.append(try rollout.summary(record))
            let job = try sql.jobs.latest(
                organisation: rollout.organisation, campaign: record.id, host: host.id)
            if let job { why.jobs.append(try JobSummary(job, host.hostname, progress)) }
            let title = "Campaign \"\(record.title)\" (\(record.id)), which brings \(name) \(package.version),"
            func say(_ code: String, _ sentence: String, _ cure: String = "") {
                why.reasons.append(
                    .init(code: code, sentence: "\(title) \(sentence)", cure: cure, campaign: record.id))
            }
            switch Campaign.State(rawValue: record.stateWord) {
            case .awaitingApproval:
                say("awaiting-approval", "waits for approval.", "fettle campaign approve \(record.id)")
                continue
            case .paused: say("paused", "is paused: \(record.reason)", "fettle campaign resume \(record.id)")
            case .halting, .halted, .cancelling:
                say("halted", "is \(record.stateWord): \(record.reason)", "fettle campaign show \(record.id)")
            default: break
            }
            guard let job, let state = try? job.hostJob().state else {
                say("outside-window", "has no job for the host yet; its window begins at \(member.notBefore).")
                continue
            }
            switch state {
            case .planned, .offered:
                if rollout.now < job.notBefore {
                    say("outside-window", "waits for the host's window, from \(job.notBefore) to \(job.notAfter).")
                } else if rollout.now > job.lastSafeStart {
                    say("outside-window", "has missed the host's window, which ended at \(job.notAfter).")
                } else {
                    say(
                        "waiting-for-permit", "waits until the host asks and a permit is free. \(job.sentence)",
                        "See who holds them: fettle campaign show \(record.id)")
                }
            case .granted, .accepted, .running:
                say("running", "is at work on the host (\(state.word)). \(job.sentence)")
            case .suspect: say("silent", "lost touch with the host: \(job.sentence)", "Look at the host.")
            case .terminal(.refused) where job.sentence.contains("veto"):
                say(
                    "vetoed", "was refused by the host's own veto file: \(job.sentence)",
                    "See /etc/fettle-agent/veto there.")
            default:
                say(
                    "failed", "ended on the host as \(state.word): \(job.sentence)",
                    "fettle campaign job \(job.id)")
            }
        }
    }
}

extension WhyInputs {
    /// Says so where something is offered and no campaign brings it.
    mutating func noteMissingCampaign() {
        guard !candidate.isEmpty, campaigns.isEmpty else { return }
        reasons.append(
            .init(
                code: "no-campaign", sentence: "No open campaign brings \(package) to \(hostname).",
                cure: "Make one: fettle campaign create."))
    }

    /// Leaves out every campaign but these: its jobs, and the reasons that tell of it.
    mutating func keep(campaigns ids: Set<String>) {
        guard campaigns.contains(where: { !ids.contains($0.id) }) else { return }
        campaigns = campaigns.filter { ids.contains($0.id) }
        jobs = jobs.filter { ids.contains($0.campaign) }
        reasons = reasons.filter { $0.campaign.map(ids.contains) ?? true }
        noteMissingCampaign()
    }
}
