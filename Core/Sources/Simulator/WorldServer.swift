import Digest
import JSON
import Rollout
import Timestamps

/// The server's shell: production reducers over a store with transactions.
extension World {
    /// Runs a transaction: all of it is kept, or (when the server goes down before) nothing; the messages go out after it.
    func transact(_ what: @autoclosure () -> String, _ body: (inout ServerStore, inout [Fact]) -> [(Int, Message)]) {
        var next = store
        var facts: [Fact] = []
        let replies = body(&next, &facts)
        if !facts.isEmpty { derive(&next, &facts) }
        let isRead = facts.isEmpty
        let crash = isRead ? nil : self.crash("server", rate: options.serverCrashes)
        if let crash, !crash.after {
            note("server goes down before writing: \(what())")
            if options.mutation == .acknowledgesEarly { for (host, message) in replies { send(message, host: host) } }
            return serverDown()
        }
        store = next
        if !isRead { note("server: \(what())") }
        for fact in facts { tell(fact) }
        armTimers(facts)
        if crash != nil {
            note("server goes down after writing: \(what())")
            return serverDown()
        }
        for (host, message) in replies { send(message, host: host) }
    }

    private func serverDown() {
        isServerUp = false
        cover("fault: server killed")
        add(20 + faults.below(120), .serverUp)
    }

    func serve(_ message: Message) {
        switch message {
        case .poll(let host):
            transact("poll of \(host)") { store, _ in [(host, .offers(host: host, self.offers(store, host)))] }
        case .claim(let host, let job):
            transact("claim of \(job.prefix(6))") { store, facts in self.claim(&store, &facts, host, job) }
        case .confirm(let host, let job, let fence, let nonce):
            transact("confirmation of \(job.prefix(6))") { store, facts in
                self.confirm(&store, &facts, host, job, fence, nonce)
            }
        case .entries(let host, let job, let entries):
            transact("\(entries.count) records of \(job.prefix(6)), last \(entries.last?.phase.rawValue ?? "")") {
                store, facts in self.fold(&store, &facts, host, job, entries)
            }
        default: break
        }
    }

    private func offers(_ store: ServerStore, _ host: Int) -> [Offer] {
        var offers: [Offer] = []
        for id in store.jobsOn[host] {
            guard let job = store.jobs[id], let window = job.window else { continue }
            // An ended job stays listed as cancelled until its journal is closed: so that the agent ends it too.
            if job.state.isTerminal, job.isJournalClosed || job.expectedEntry == 1 { continue }
            offers.append(
                Offer(
                    plan: store.campaignOf[id].flatMap { store.campaigns[$0].planDigest } ?? SHA256.hash([0]), job: id,
                    attempt: job.attempt, rollsBack: job.rollsBack,
                    isCancelled: job.isCancelRequested || job.state.isTerminal, window: window))
        }
        return offers
    }

    func claim(
        _ store: inout ServerStore, _ facts: inout [Fact], _ host: Int, _ id: String
    ) -> [(Int, Message)] {
        func deny(_ retry: Int64?, _ reason: String) -> [(Int, Message)] {
            let retry = retry.map { options.hosts > 20 ? $0 * 5 : $0 }
            return [(host, .denied(host: host, job: id, isClaim: true, retryAfter: retry, reason: reason))]
        }
        guard let job = store.jobs[id], let campaign = store.campaignOf[id] else { return deny(nil, "unknown job") }
        if job.state.isTerminal { return deny(nil, "the job has ended") }
        if let fence = job.fence, job.state == .granted || job.state == .accepted {
            guard handle(.claimAgain, id, &store, &facts) != nil else { return deny(60, "not now") }
            return [(host, .granted(host: host, job: id, grant(job, fence)))]
        }
        let owner = store.campaigns[campaign]
        guard owner.mayGrant(ring: job.ring.map(Int.init), now: now) else {
            return deny(60, "the campaign does not run")
        }
        if store.excluded.contains(host), options.mutation != .excludedGranted {
            return deny(60, "the host is excluded, or quarantined")
        }
        if !job.rollsBack, mustWait { return deny(60, "a freeze") }
        var held = store.permits(campaign, .held)
        var suspect = store.permits(campaign, .suspect)
        var limit = store.budget
        if owner.state == .rollingBack {
            // The way back has permits of its own.
            func count(_ state: Permit.State) -> Int64 {
                Int64(
                    store.jobsOf[campaign].count {
                        store.jobs[$0]?.permit?.state == state && store.jobs[$0]?.rollsBack == true
                    })
            }
            (held, suspect) = (count(.held), count(.suspect))
        }
        var batch: Int64?
        var begun: String?
        if let ring = job.ring.map(Int.init) {
            limit = min(limit, owner.rings[ring].rules.budget ?? limit)
            let members = store.jobsOf[campaign].compactMap { store.jobs[$0] }.filter { $0.ring == job.ring }
            let last = members.compactMap(\.batch).max() ?? 0
            let inLast = members.filter { $0.batch == last && last > 0 }
            // Who waits for a reboot is not done, and a budget that was raised does not open a batch again.
            let open = inLast.count { RingTally.Class($0.state) == .open }
            let began = store.batchBudget["\(campaign)/\(ring)/\(last)"] ?? limit
            batch = BatchRamp.batch(
                last: last, granted: Int64(inLast.count), open: Int64(open), budget: min(limit, began))
            guard batch != nil else { return deny(60, "the batch before is not closed") }
            if last > 0, batch ?? 0 > last { cover("ring: next batch") }
            if let batch, batch > last { begun = "\(campaign)/\(ring)/\(batch)" }
        }
        let counted = options.mutation == .suspectsAreFree ? 0 : suspect
        guard Budget.mayGrant(held: held, suspect: counted, limit: limit),
            !Budget.isHeldBySuspects(suspect: counted, limit: limit)
        else { return deny(60, "the budget is used up") }
        let others = store.jobsOn[host].compactMap { store.jobs[$0] }.filter { $0.id != id }
        if options.mutation != .jobsInParallel, others.contains(where: { $0.permit?.state.isCounted == true }) {
            return deny(60, "another job of the host holds a permit")
        }
        if options.neverTogether, options.mutation != .togetherAllowed, agents.indices.contains(host ^ 1),
            store.jobsOn[host ^ 1].contains(where: { store.jobs[$0]?.permit?.state.isCounted == true })
        {
            return deny(60, "its neighbour is changed")
        }
        if !job.rollsBack, others.contains(where: { $0.state == .terminal(.needsRepair) }) {
            return deny(60, "the host needs repair")
        }
        let fence = options.mutation == .fenceStays ? max(1, store.fences[host]) : store.fences[host] + 1
        guard handle(.grant(fence: fence, batch: batch), id, &store, &facts, now: clamped(job)) != nil else {
            return deny(60, "not now")
        }
        store.fences[host] = fence
        if let begun { store.batchBudget[begun] = limit }
        facts.append(
            .granted(
                Fact.Granted(
                    job: id, host: host, fence: fence, ring: job.ring.map(Int.init),
                    rollsBack: owner.state == .rollingBack,
                    isEmergency: owner.emergency != nil && !job.rollsBack, clause: owner.emergencyClause,
                    now: now)))
        return [(host, .granted(host: host, job: id, grant(job, fence)))]
    }

    /// Whether a freeze is on, or begins before a ticket of now would end.
    var mustWait: Bool {
        guard let freeze, options.mutation != .freezeIgnored else { return false }
        return now <= freeze.upperBound && now.adding(seconds: 900) >= freeze.lowerBound
    }

    private func grant(_ job: HostJob, _ fence: Int64) -> AgentGrant {
        AgentGrant(fence: fence, window: job.window ?? window, allowsReboot: true)
    }

    /// The time, or (broken) one that is always in time.
    func clamped(_ job: HostJob) -> Timestamp {
        guard options.mutation == .lastSafeStartIgnored, !isHealed, let window = job.window else { return now }
        return min(now, window.lastSafeStart)
    }

    func confirm(
        _ store: inout ServerStore, _ facts: inout [Fact], _ host: Int, _ id: String, _ fence: Int64, _ nonce: String
    ) -> [(Int, Message)] {
        func deny(_ retry: Int64?, _ reason: String) -> [(Int, Message)] {
            [(host, .denied(host: host, job: id, isClaim: false, retryAfter: retry, reason: reason))]
        }
        guard let job = store.jobs[id], let campaign = store.campaignOf[id] else { return deny(nil, "unknown job") }
        let state = store.campaigns[campaign].state
        if options.mutation == .ticketsWhileHalted, !state.mayGrant {
            facts.append(.ticket(job: id, issued: now, rollsBack: job.rollsBack))
            return [(host, .ticket(host: host, job: id, nonce: nonce, expires: now.adding(seconds: 900)))]
        }
        guard !job.state.isTerminal else { return deny(nil, "the job has ended") }
        guard state.mayGrant else {
            return deny(state == .paused ? 60 : nil, "the campaign is \(state.rawValue)")
        }
        if job.isCancelRequested { return deny(nil, "the job was cancelled") }
        if !job.rollsBack, mustWait { return deny(60, "a freeze") }
        if store.excluded.contains(host), !job.hasMutated, options.mutation != .excludedGranted {
            return deny(60, "the host is excluded")
        }
        guard let effects = handle(.confirm(fence: fence), id, &store, &facts, now: clamped(job)) else {
            return deny(60, "not now")
        }
        for case .signTicket(let expires) in effects {
            facts.append(.ticket(job: id, issued: now, rollsBack: job.rollsBack))
            return [(host, .ticket(host: host, job: id, nonce: nonce, expires: expires))]
        }
        return deny(60, "not now")
    }

    private func fold(
        _ store: inout ServerStore, _ facts: inout [Fact], _ host: Int, _ id: String, _ entries: [JobEntry]
    ) -> [(Int, Message)] {
        for entry in entries {
            if options.mutation == .terminalRevives, let job = store.jobs[id], job.state.isTerminal,
                entry.ordinal == job.expectedEntry, entry.phase != .commit,
                var fields = job.json.object
            {
                fields["state"] = "running"
                fields["statePhase"] = .string(entry.phase.rawValue)
                fields["timer"] = ["kind": "phase", "due": .string(now.adding(seconds: 600).description)]
                if let revived = try? HostJob(json: .object(fields)) {
                    facts.append(
                        .job(
                            id: id, campaign: store.campaignOf[id] ?? 0, ring: job.ring.map(Int.init), from: job.state,
                            to: revived.state, batch: job.batch))
                    store.jobs[id] = revived
                }
            }
            isFork = false
            guard handle(.entry(entry), id, &store, &facts) != nil else {
                if isFork {
                    // Two journals of one job: a clone, or a disk of the past. A person must look before anything else.
                    store.excluded.insert(host)
                    facts.append(store.audit("host.quarantined"))
                    facts.append(.excluded(host: host))
                    cover("fault: forked journal is quarantined")
                }
                break
            }
        }
        return [(host, .expected(host: host, job: id, store.jobs[id]?.expectedEntry ?? 1))]
    }
}
