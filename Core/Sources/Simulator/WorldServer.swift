import Digest
import JSON
import Rollout
import Timestamps

/// What the server keeps. A transaction works on a copy and replaces the whole.
struct ServerStore {
    var campaigns: [Campaign] = []
    /// The jobs of each campaign, in the order of their making.
    var jobsOf: [[String]] = []
    var jobs: [String: HostJob] = [:]
    var hostOf: [String: Int] = [:]
    var campaignOf: [String: Int] = [:]
    /// The highest fence of each host.
    var fences: [Int64]
    var budget: Int64

    init(hosts: Int, budget: Int64) {
        fences = Array(repeating: 0, count: hosts)
        self.budget = budget
    }

    /// The last attempt of a host in a campaign.
    func latest(_ campaign: Int, _ host: Int) -> HostJob? {
        jobsOf[campaign].last { hostOf[$0] == host }.flatMap { jobs[$0] }
    }

    func permits(_ campaign: Int, _ state: Permit.State) -> Int64 {
        Int64(jobsOf[campaign].count { jobs[$0]?.permit?.state == state })
    }
}

/// The server's shell: production reducers over a store with transactions.
extension World {
    /// Runs a transaction: all of it is kept, or (when the server goes down before) nothing; the messages go out after it.
    func transact(_ what: @autoclosure () -> String, _ body: (inout ServerStore, inout [Fact]) -> [(Int, Message)]) {
        var next = store
        var facts: [Fact] = []
        let replies = body(&next, &facts)
        derive(&next, &facts)
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
        armTimers()
        if crash != nil {
            note("server goes down after writing: \(what())")
            return serverDown()
        }
        for (host, message) in replies { send(message, host: host) }
    }

    private func serverDown() {
        isServerUp = false
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
        for campaign in store.campaigns.indices {
            for id in store.jobsOf[campaign] where store.hostOf[id] == host {
                guard let job = store.jobs[id], let window = job.window else { continue }
                // An ended job stays listed as cancelled until its journal is closed: so that the agent ends it too.
                if job.state.isTerminal, job.isJournalClosed || job.expectedEntry == 1 { continue }
                offers.append(
                    Offer(
                        job: id, attempt: job.attempt, rollsBack: job.rollsBack,
                        isCancelled: job.isCancelRequested || job.state.isTerminal, window: window))
            }
        }
        return offers
    }

    private func claim(
        _ store: inout ServerStore, _ facts: inout [Fact], _ host: Int, _ id: String
    ) -> [(Int, Message)] {
        func deny(_ retry: Int64?, _ reason: String) -> [(Int, Message)] {
            [(host, .denied(host: host, job: id, isClaim: true, retryAfter: retry, reason: reason))]
        }
        guard let job = store.jobs[id], let campaign = store.campaignOf[id] else { return deny(nil, "unknown job") }
        if job.state.isTerminal { return deny(nil, "the job has ended") }
        if let fence = job.fence, job.state == .granted || job.state == .accepted {
            guard handle(.claimAgain, id, &store, &facts) != nil else { return deny(60, "not now") }
            return [(host, .granted(host: host, job: id, grant(job, fence)))]
        }
        guard store.campaigns[campaign].state.mayGrant else { return deny(60, "the campaign does not run") }
        let held = store.permits(campaign, .held)
        let suspect = store.permits(campaign, .suspect)
        let counted = options.mutation == .suspectsAreFree ? 0 : suspect
        guard Budget.mayGrant(held: held, suspect: counted, limit: store.budget),
            !Budget.isHeldBySuspects(suspect: counted, limit: store.budget)
        else { return deny(60, "the budget is used up") }
        let others = store.jobs.keys.sorted().compactMap { store.jobs[$0] }.filter {
            store.hostOf[$0.id] == host && $0.id != id
        }
        if options.mutation != .jobsInParallel, others.contains(where: { $0.permit?.state.isCounted == true }) {
            return deny(60, "another job of the host holds a permit")
        }
        if !job.rollsBack, others.contains(where: { $0.state == .terminal(.needsRepair) }) {
            return deny(60, "the host needs repair")
        }
        let fence = options.mutation == .fenceStays ? max(1, store.fences[host]) : store.fences[host] + 1
        guard handle(.grant(fence: fence), id, &store, &facts, now: clamped) != nil else { return deny(60, "not now") }
        store.fences[host] = fence
        facts.append(
            .granted(job: id, host: host, fence: fence, held: held + 1, suspect: suspect, limit: store.budget))
        return [(host, .granted(host: host, job: id, grant(job, fence)))]
    }

    private func grant(_ job: HostJob, _ fence: Int64) -> AgentGrant {
        AgentGrant(fence: fence, window: job.window ?? window, allowsReboot: true)
    }

    /// The time, or (broken) one that is always in time.
    var clamped: Timestamp {
        options.mutation == .lastSafeStartIgnored && !isHealed && now > window.lastSafeStart
            ? window.lastSafeStart : now
    }

    private func confirm(
        _ store: inout ServerStore, _ facts: inout [Fact], _ host: Int, _ id: String, _ fence: Int64, _ nonce: String
    ) -> [(Int, Message)] {
        func deny(_ retry: Int64?, _ reason: String) -> [(Int, Message)] {
            [(host, .denied(host: host, job: id, isClaim: false, retryAfter: retry, reason: reason))]
        }
        guard let job = store.jobs[id], let campaign = store.campaignOf[id] else { return deny(nil, "unknown job") }
        let state = store.campaigns[campaign].state
        if options.mutation == .ticketsWhileHalted, !state.mayGrant {
            facts.append(.ticket(job: id, issued: now))
            return [(host, .ticket(host: host, job: id, nonce: nonce, expires: now.adding(seconds: 900)))]
        }
        guard !job.state.isTerminal else { return deny(nil, "the job has ended") }
        guard state.mayGrant else {
            return deny(state == .paused ? 60 : nil, "the campaign is \(state.rawValue)")
        }
        if job.isCancelRequested { return deny(nil, "the job was cancelled") }
        guard let effects = handle(.confirm(fence: fence), id, &store, &facts, now: clamped) else {
            return deny(60, "not now")
        }
        for case .signTicket(let expires) in effects {
            facts.append(.ticket(job: id, issued: now))
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
                if let revived = try? HostJob(json: .object(fields)) {
                    facts.append(.job(id: id, from: job.state, to: revived.state))
                    store.jobs[id] = revived
                }
            }
            guard handle(.entry(entry), id, &store, &facts) != nil else { break }
        }
        return [(host, .expected(host: host, job: id, store.jobs[id]?.expectedEntry ?? 1))]
    }

    /// Gives a job an event; nil when it is refused.
    @discardableResult
    func handle(
        _ event: HostJob.Event, _ id: String, _ store: inout ServerStore, _ facts: inout [Fact], now: Timestamp? = nil
    ) -> [HostJob.Effect]? {
        guard var job = store.jobs[id] else { return nil }
        let before = job
        do {
            let effects = try job.handle(event, now: now ?? self.now)
            if effects.isEmpty { return effects }
            let audits = effects.count { if case .audit = $0 { true } else { false } }
            if audits != 1 { invariants.fail(18, "\(audits) audit records for \(event.word)") }
            store.jobs[id] = job
            facts.append(.job(id: id, from: before.state, to: job.state))
            for case .permit(let state) in effects where state != .held || before.permit != nil {
                facts.append(.permit(job: id, state))
            }
            if !job.state.isTerminal, job.state != .planned, job.timer == nil {
                invariants.fail(34, "job \(id) in \(job.state.word) has no timer")
            }
            return effects
        } catch {
            note("server refuses: \(error)")
            return nil
        }
    }

    @discardableResult
    func handle(
        _ event: Campaign.Event, _ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]
    ) -> Bool {
        var campaign = store.campaigns[index]
        do {
            let effects = try campaign.handle(event, now: now)
            facts.append(.campaign(index, from: store.campaigns[index].state, to: campaign.state))
            store.campaigns[index] = campaign
            for effect in effects { perform(effect, index, &store, &facts) }
            return true
        } catch {
            note("server refuses: \(error)")
            return false
        }
    }

    private func perform(_ effect: Campaign.Effect, _ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]) {
        switch effect {
        case .audit, .setTimer, .cancelTimer, .verifyHosts, .ring, .offerTail: break
        case .resolve:
            let plan = plan(index, epoch: store.campaigns[index].epoch)
            handle(
                .resolved(plan: plan, startsAt: window.notBefore, endsAt: window.notAfter), index, &store, &facts)
        case .signRelease:
            let campaign = store.campaigns[index]
            guard !campaign.approvals.isEmpty, signer.chance(options.refusals) else {
                handle(.releaseSigned, index, &store, &facts)
                return
            }
            let next = plan(index, epoch: campaign.epoch + 1)
            handle(.approvalRefused(plan: next, reason: "not registered"), index, &store, &facts)
        case .signRollback: handle(.rollbackSigned, index, &store, &facts)
        case .offerJobs:
            for host in agents.indices {
                let latest = store.latest(index, host)
                guard latest == nil || latest?.state == .terminal(.cancelled) else { continue }
                offer(index, host, attempt: (latest?.attempt ?? 0) + 1, rollsBack: false, window, &store, &facts)
            }
        case .withdrawOffers:
            for id in store.jobsOf[index] where store.jobs[id]?.state == .offered || store.jobs[id]?.state == .planned {
                handle(.cancel(by: "system", reason: "withdrawn"), id, &store, &facts)
            }
        case .revokeUnstarted:
            for id in store.jobsOf[index] {
                guard let job = store.jobs[id], job.state.isInFlight || job.state.phase != nil, !job.hasMutated else {
                    continue
                }
                handle(.cancel(by: "system", reason: "halted"), id, &store, &facts)
            }
        case .offerRollbacks:
            let back = HostJob.Window(
                notBefore: now, lastSafeStart: now.adding(seconds: 7200), notAfter: now.adding(seconds: 14_400))
            for host in agents.indices {
                guard let latest = store.latest(index, host), latest.hasMutated, latest.state.isSettled,
                    latest.state != .terminal(.rolledBack)
                else { continue }
                offer(index, host, attempt: latest.attempt + 1, rollsBack: true, back, &store, &facts)
            }
        }
    }

    private func plan(_ index: Int, epoch: Int64) -> SHA256Digest {
        SHA256.hash([UInt8(index), UInt8(truncatingIfNeeded: epoch)])
    }

    private func offer(
        _ index: Int, _ host: Int, attempt: Int64, rollsBack: Bool, _ window: HostJob.Window,
        _ store: inout ServerStore,
        _ facts: inout [Fact]
    ) {
        let id = HostJob.id(campaign: "c\(index)", host: "h\(host)", attempt: attempt)
        store.jobs[id] = HostJob(
            id: id, attempt: attempt, rollsBack: rollsBack, timeouts: JobTimeouts(SimulatedAgent.actions))
        store.jobsOf[index].append(id)
        store.hostOf[id] = host
        store.campaignOf[id] = index
        handle(.offer(window), id, &store, &facts)
    }

    /// What follows from the jobs for their campaigns.
    private func derive(_ store: inout ServerStore, _ facts: inout [Fact]) {
        for index in store.campaigns.indices {
            let jobs = store.jobsOf[index].compactMap { store.jobs[$0] }
            let latest = agents.indices.compactMap { store.latest(index, $0) }
            let begun = jobs.contains { $0.hasMutated }
            switch store.campaigns[index].state {
            case .halting, .cancelling:
                if !jobs.contains(where: \.state.isInFlight) { handle(.drained, index, &store, &facts) }
            case .running, .paused:
                guard !latest.isEmpty, latest.allSatisfy(\.state.isSettled) else { break }
                let never = begun ? 0 : Int64(latest.count)
                handle(.settled(jobs: Int64(latest.count), neverStarted: never), index, &store, &facts)
            case .verifying:
                guard latest.allSatisfy(\.state.isTerminal) else { break }
                let exceptions = latest.count { $0.state != .terminal(.succeeded) }
                handle(.verified(exceptions: Int64(exceptions)), index, &store, &facts)
            case .rollingBack:
                guard jobs.allSatisfy(\.state.isTerminal) else { break }
                let failed = latest.count { $0.hasMutated && $0.state != .terminal(.rolledBack) }
                handle(.rollbackSettled(failed: Int64(failed)), index, &store, &facts)
            default: break
            }
        }
    }

    // MARK: timers

    private func armTimers() {
        for id in store.jobs.keys.sorted() {
            if let timer = store.jobs[id]?.timer, timersDue.insert(timer.due.milliseconds).inserted {
                add(at: timer.due, .timers)
            }
        }
        for campaign in store.campaigns {
            if let timer = campaign.timer, timersDue.insert(timer.due.milliseconds).inserted {
                add(at: timer.due, .timers)
            }
        }
    }

    func fireTimers() {
        guard isServerUp else { return }
        for index in store.campaigns.indices {
            if let timer = store.campaigns[index].timer, timer.due <= now, isServerUp {
                transact("timer \(timer.kind.rawValue) of campaign \(index)") { store, facts in
                    self.handle(.timer(timer.kind), index, &store, &facts)
                    return []
                }
            }
        }
        for id in store.jobs.keys.sorted() {
            if let timer = store.jobs[id]?.timer, timer.due <= now, isServerUp {
                transact("timer \(timer.kind.rawValue) of \(id.prefix(6))") { store, facts in
                    self.handle(.timer(timer.kind), id, &store, &facts)
                    return []
                }
            }
        }
        timersDue = timersDue.filter { $0 > now.milliseconds }
        armTimers()
    }

    // MARK: people

    func operate() {
        add(now > start.adding(seconds: 6 * 3600) ? 3600 : 120, .operate)
        guard isServerUp else { return }
        for index in store.campaigns.indices where isServerUp {
            let campaign = store.campaigns[index]
            let event: Campaign.Event?
            switch campaign.state {
            case .draft: event = .submit(by: "ann")
            case .awaitingApproval: event = campaign.planDigest.map { .approve(by: "bob", plan: $0) }
            case .running where options.halts && campaign.halts < 2 && operatorRandom.chance(150):
                event = .halt(by: "bob", reason: "pager")
            case .running where options.halts && operatorRandom.chance(100): event = .pause(by: "bob", reason: "lunch")
            case .paused: event = operatorRandom.chance(500) ? .resume(by: "bob", haltReason: nil) : nil
            case .halted:
                switch operatorRandom.below(5) {
                case 0: event = .close(by: "bob")
                case 1: event = .rollBack(by: "bob", reason: "bad")
                case 2: event = .cancel(by: "bob", reason: "over")
                default:
                    event = now < window.notAfter ? .resume(by: "bob", haltReason: campaign.reason) : .close(by: "bob")
                }
            case .completed, .completedWithExceptions:
                guard lateRollbacks > 0 else { continue }
                lateRollbacks -= 1
                event = .rollBack(by: "bob", reason: "a week later")
            default: event = nil
            }
            guard let event else { continue }
            transact("\(event.word) of campaign \(index)") { store, facts in
                self.handle(event, index, &store, &facts)
                return []
            }
        }
    }
}
