import Digest
import Gates
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
    /// The jobs of each host,
    var jobsOn: [[String]]
    /// and its last attempt in each campaign.
    var latestID: [[String?]] = []
    /// The highest fence of each host.
    var fences: [Int64]
    var budget: Int64
    /// Hosts that are excluded or quarantined.
    var excluded: Set<Int> = []
    var works: [Int: Bool] = [:]
    var audits: Int64 = 0
    var auditHead: UInt64 = 0
    /// The budget with which the last batch of each campaign's ring began: a higher one is for the next.
    var batchBudget: [String: Int64] = [:]

    init(hosts: Int, budget: Int64) {
        fences = Array(repeating: 0, count: hosts)
        jobsOn = Array(repeating: [], count: hosts)
        self.budget = budget
    }

    /// The last attempt of a host in a campaign.
    func latest(_ campaign: Int, _ host: Int) -> HostJob? { latestID[campaign][host].flatMap { jobs[$0] } }

    func permits(_ campaign: Int, _ state: Permit.State) -> Int64 {
        Int64(jobsOf[campaign].count { jobs[$0]?.permit?.state == state })
    }

    /// Adds an audit record to its chain.
    mutating func audit(_ word: String, of subject: String? = nil) -> Fact {
        audits += 1
        for byte in word.utf8 { auditHead = (auditHead ^ UInt64(byte)) &* 0x100_0000_01B3 }
        auditHead = auditHead &+ UInt64(audits)
        return .audited(word: word, of: subject, sequence: audits, head: auditHead)
    }
}

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

    private func claim(
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

    private func confirm(
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
            record(
                effects.count { if case .audit = $0 { true } else { false } }, event.word, "job \(id)", &store, &facts)
            if options.mutation == .permitsLeak, job.permit?.state == .returned { job = changed(job, "permit", "held") }
            if options.mutation == .timersLost, job.timer?.kind == .phase { job = changed(job, "timer", nil) }
            store.jobs[id] = job
            facts.append(
                .job(
                    id: id, campaign: store.campaignOf[id] ?? 0, ring: job.ring.map(Int.init), from: before.state,
                    to: job.state, batch: job.batch))
            if before.state.word != job.state.word { cover("job: \(before.state.word) → \(job.state.word)") }
            if case .cancel = event, before.state.phase != nil, job.isCancelRequested {
                cover("job: cancel while running")
            }
            if options.mutation == .permitsLeak, job.permit?.state == .held { return effects }
            for case .permit(let state) in effects where state != .held || before.permit != nil {
                facts.append(.permit(job: id, state))
            }
            if !job.state.isTerminal, job.state != .planned, job.timer == nil {
                invariants.fail(34, "job \(id) in \(job.state.word) has no timer")
            }
            return effects
        } catch {
            note("server refuses: \(error)")
            isFork = error.code == .brokenChain
            return nil
        }
    }

    private func record(
        _ audits: Int, _ word: String, _ subject: String, _ store: inout ServerStore, _ facts: inout [Fact]
    ) {
        if audits != 1 { return invariants.fail(18, "\(audits) audit records for \(word)") }
        if options.mutation == .auditDropped, store.audits % 7 == 3 { return }
        facts.append(store.audit(word, of: subject))
    }

    /// A broken reducer: its state with one field changed.
    private func changed(_ job: HostJob, _ key: String, _ value: String?) -> HostJob {
        guard var fields = job.json.object else { return job }
        fields[key] = value.map(JSONValue.string)
        return (try? HostJob(json: .object(fields))) ?? job
    }

    private func broken(_ campaign: Campaign) -> Campaign {
        guard var fields = campaign.json.object else { return campaign }
        switch options.mutation {
        case .runsUnapproved? where campaign.state == .awaitingApproval:
            fields["state"] = "running"
            fields["signed"] = true
        case .emergencyByOne? where campaign.state == .awaitingApproval && campaign.emergency != nil:
            fields["approvalsRequired"] = 1
        case .opensEarly? where campaign.rings.first?.state == .soaking && campaign.rings.count > 1:
            guard case .array(var rings)? = fields["rings"], case .object(var ring) = rings[1] else { return campaign }
            ring["state"] = "open"
            ring["timer"] = ["kind": "cutoff", "due": .string(endsAt.description)]
            rings[1] = .object(ring)
            fields["rings"] = .array(rings)
        default: return campaign
        }
        return (try? Campaign(json: .object(fields))) ?? campaign
    }

    @discardableResult
    func handle(
        _ event: Campaign.Event, _ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]
    ) -> Bool {
        var campaign = store.campaigns[index]
        do {
            let before = campaign
            let effects = try campaign.handle(event, now: now)
            record(
                effects.count { if case .audit = $0 { true } else { false } }, event.word, "campaign \(index)", &store,
                &facts)
            campaign = broken(campaign)
            if case .approve(let person, let plan) = event {
                facts.append(.approved(campaign: index, person: person, plan: plan, epoch: before.epoch))
            }
            if before.state != campaign.state {
                cover("campaign: \(before.state.rawValue) → \(campaign.state.rawValue)")
            }
            for (ring, after) in campaign.rings.enumerated() {
                let from = before.rings.indices.contains(ring) ? before.rings[ring].state : .pending
                if from != after.state { cover("ring: \(from.rawValue) → \(after.state.rawValue)") }
            }
            if case .ring(_, .promote) = event { cover("ring: promoted by a person") }
            if case .ring(_, .withdraw) = event { cover("ring: a go is withdrawn") }
            if case .supersede = event { cover("campaign: superseded") }
            if !campaign.state.isTerminal,
                ![.draft, .freezing, .halted, .halting, .cancelling].contains(campaign.state),
                campaign.timer == nil, !campaign.isTailOpen, now < campaign.endsAt ?? .init(milliseconds: .max)
            {
                // Past its end the jobs' own timers carry it.
                invariants.fail(34, "campaign \(index) in \(campaign.state.rawValue) has no timer")
            }
            for (number, ring) in campaign.rings.enumerated()
            where campaign.state == .running && now < campaign.endsAt ?? now {
                if [.open, .soaking, .needsDecision].contains(ring.state), ring.timer == nil {
                    invariants.fail(34, "ring \(number) of campaign \(index) is \(ring.state.rawValue) without a timer")
                }
            }
            facts.append(.campaign(index, before: before, after: campaign))
            if case .ring(let ring, .judged(let judgement)) = event {
                facts.append(.judged(index, ring: ring, judgement))
            }
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
        case .audit, .setTimer, .cancelTimer, .verifyHosts: break
        case .ring(let ring, let effect): perform(effect, index, ring, &store, &facts)
        case .offerTail:
            cover("campaign: tail opens")
            offerAgain(index, agents.indices.map { $0 }, &store, &facts)
        case .resolve:
            if operatorRandom.chance(60) {
                handle(.unresolvable(reason: "the mirror is away"), index, &store, &facts)
                return
            }
            let plan = plan(index, epoch: store.campaigns[index].epoch)
            handle(
                .resolved(
                    plan: plan, startsAt: window.notBefore, endsAt: endsAt, rings: rules,
                    untested: options.rings > 1 ? ["one of a kind"] : []), index, &store, &facts)
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
            if store.campaigns[index].emergency != nil { preempt(index, &store, &facts) }
            offerAgain(index, agents.indices.map { $0 }, &store, &facts)
        case .withdrawOffers: withdraw(index, nil, &store, &facts)
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

    private func perform(
        _ effect: Ring.Effect, _ index: Int, _ ring: Int, _ store: inout ServerStore, _ facts: inout [Fact]
    ) {
        switch effect {
        case .promote:
            let plan = store.campaigns[index].planDigest ?? SHA256.hash([0])
            handle(
                .ring(ring, .promoted(plan: plan, baselineFailures: 2, baselineTried: 400)), index, &store, &facts)
        case .offerJobs: offerAgain(index, members[ring], &store, &facts)
        case .withdrawOffers: withdraw(index, ring, &store, &facts)
        case .judge: judge(index, ring, asked: true, &store, &facts)
        case .alert: cover("ring: alert")
        case .setTimer, .cancelTimer: break
        }
    }

    /// Gives those hosts a job that have none, or whose last one never began.
    private func offerAgain(_ index: Int, _ hosts: [Int], _ store: inout ServerStore, _ facts: inout [Fact]) {
        guard let window = nextWindow(store.campaigns[index]) else { return }
        for host in hosts where !store.excluded.contains(host) {
            let latest = store.latest(index, host)
            guard latest == nil || latest?.state.neverBegan == true, (latest?.attempt ?? 0) < 12 else { continue }
            if options.rings == 1, latest != nil, latest?.state != .terminal(.cancelled) { continue }
            offer(index, host, attempt: (latest?.attempt ?? 0) + 1, rollsBack: false, window, &store, &facts)
        }
    }

    /// An emergency takes the place of what has not begun (rollouts.md, 2.7).
    private func preempt(_ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for other in store.campaigns.indices where other != index {
            for id in store.jobsOf[other] {
                guard let job = store.jobs[id], job.state == .offered || job.state == .granted, !job.rollsBack else {
                    continue
                }
                handle(.supersede(by: "c\(index)"), id, &store, &facts)
            }
        }
    }

    private func withdraw(_ index: Int, _ ring: Int?, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for id in store.jobsOf[index] {
            guard let job = store.jobs[id], job.state == .offered || job.state == .planned else { continue }
            if let ring, job.ring != Int64(ring) { continue }
            handle(.cancel(by: "system", reason: "withdrawn"), id, &store, &facts)
        }
    }

    /// Asks the gate of a ring: at its end, and after each result whether it halts.
    private func judge(_ index: Int, _ ring: Int, asked: Bool, _ store: inout ServerStore, _ facts: inout [Fact]) {
        guard let plan = store.campaigns[index].planDigest else { return }
        var tried: [RingMember] = []
        for id in store.jobsOf[index] {
            guard let job = store.jobs[id], job.ring == Int64(ring), let host = store.hostOf[id] else { continue }
            if options.mutation == .silentUncounted, RingTally.Class(job.state) == .failed { continue }
            let isOpen = RingTally.Class(job.state) == .open
            if options.mutation == .openCohortCounted, isOpen { continue }
            tried.append(
                RingMember(
                    host: "h\(host)", stratum: host % 5 == 0 ? "metal" : "vm", state: job.state, batch: job.batch,
                    works: RingTally.Class(job.state) == .succeeded ? store.works[host] : nil))
        }
        let settings = store.campaigns[index].rings[ring]
        let judgement = RingTally(tried).judge(
            Gate(),
            baseline: FailureCount(failures: Int(settings.baselineFailures), tried: Int(settings.baselineTried)),
            test: ring == 0 && options.hosts > 100 ? .smallFleet : nil, rules: settings.rules, plan: plan,
            untested: store.campaigns[index].untestedStrata, now: now)
        guard asked || judgement.decision == .halt else {
            facts.append(.judged(index, ring: ring, judgement))
            return
        }
        var said = judgement
        // Too few hosts for the figures: in the simulator a small ring without a failure goes by itself every other time.
        if asked, judgement.decision == .inconclusive, judgement.counts.failures == 0, judgement.counts.closedTried > 0,
            judgement.counts.open == 0 || options.mutation == .openCohortCounted, operatorRandom.chance(500)
        {
            said.decision = .go
        }
        cover("gate: \(said.decision.rawValue)")
        if !handle(.ring(ring, .judged(said)), index, &store, &facts), asked {
            said.decision = .inconclusive
            handle(.ring(ring, .judged(said)), index, &store, &facts)
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
        let ring = options.rings > 1 && !rollsBack ? Int64(ringOf[host]) : nil
        if let former = store.latest(index, host), !former.state.isTerminal { return }
        store.jobs[id] = HostJob(
            id: id, attempt: attempt, rollsBack: rollsBack, timeouts: JobTimeouts(SimulatedAgent.actions), ring: ring)
        store.jobsOn[host].append(id)
        store.latestID[index][host] = id
        facts.append(.hostOf(job: id, host: host))
        store.jobsOf[index].append(id)
        store.hostOf[id] = host
        store.campaignOf[id] = index
        handle(.offer(window), id, &store, &facts)
    }

    /// What follows from the jobs for their campaigns.
    private func derive(_ store: inout ServerStore, _ facts: inout [Fact]) {
        var ended: Set<Int> = []
        for case .job(_, _, let ring?, let from, let to, _) in facts
        where from != to && RingTally.Class(to) == .failed { ended.insert(ring) }
        // What the users of half of the hosts say is looked at at once, of the others with the next result or at the end.
        for case .feedback(_, let ring, let host, false) in facts where options.rings > 1 && host.isMultiple(of: 2) {
            ended.insert(ring)
        }
        if options.mutation == .occurrenceTwice {
            for case .job(let id, let index, _, _, .terminal(.rolledBack), _) in facts where now < window.lastSafeStart
            {
                guard let host = store.hostOf[id], let former = store.latest(index, host), former.attempt < 4,
                    store.campaigns[index].state == .running
                else { continue }
                offer(
                    index, host, attempt: former.attempt + 1, rollsBack: false, former.window ?? window, &store, &facts)
            }
        }
        for index in store.campaigns.indices {
            if options.rings > 1 { deriveRings(index, ended, &store, &facts) }
            let jobs = store.jobsOf[index].compactMap { store.jobs[$0] }
            let latest = agents.indices.compactMap { store.latest(index, $0) }
            switch store.campaigns[index].state {
            case .halting, .cancelling:
                if !jobs.contains(where: \.state.isInFlight) { handle(.drained, index, &store, &facts) }
            case .running, .paused:
                let campaign = store.campaigns[index]
                guard latest.allSatisfy(\.state.isSettled), options.mutation != .neverSettles else { break }
                if campaign.hasRings {
                    guard campaign.isTailOpen || now >= campaign.endsAt ?? now else { break }
                    // Hosts that were away are offered their jobs again until the tail's time is over.
                    if campaign.isTailOpen, campaign.timer?.kind == .tail, campaign.state == .running {
                        offerAgain(index, agents.indices.map { $0 }, &store, &facts)
                        if agents.indices.contains(where: { store.latest(index, $0)?.state.isSettled == false }) {
                            break
                        }
                    }
                } else if latest.isEmpty {
                    break
                }
                let never = jobs.contains { $0.hasMutated } ? 0 : Int64(latest.count)
                handle(.settled(jobs: Int64(latest.count), neverStarted: never), index, &store, &facts)
            case .rollingBack:
                guard jobs.allSatisfy(\.state.isTerminal) else { break }
                let failed = latest.count { $0.hasMutated && $0.state != .terminal(.rolledBack) }
                handle(.rollbackSettled(failed: Int64(failed)), index, &store, &facts)
            default: break
            }
            // Also of a campaign that has settled just now: nothing else may happen any more that would make anybody look.
            if store.campaigns[index].state == .verifying {
                let latest = agents.indices.compactMap { store.latest(index, $0) }
                guard latest.allSatisfy(\.state.isTerminal) else { continue }
                let exceptions = latest.count { $0.state != .terminal(.succeeded) }
                handle(.verified(exceptions: Int64(exceptions)), index, &store, &facts)
            }
        }
    }

    private func deriveRings(_ index: Int, _ ended: Set<Int>, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for ring in store.campaigns[index].rings.indices {
            let state = store.campaigns[index].rings[ring].state
            guard [.running, .paused].contains(store.campaigns[index].state) else { return }
            if ended.contains(ring), state.isActive || state == .passed {
                judge(index, ring, asked: false, &store, &facts)
            }
            let now = store.campaigns[index].rings[ring]
            let jobs = store.jobsOf[index].compactMap { store.jobs[$0] }.filter { $0.ring == Int64(ring) }
            switch now.state {
            case .open, .held:
                let limit = min(store.budget, now.rules.budget ?? store.budget)
                let suspects = Int64(jobs.count { $0.permit?.state == .suspect })
                let isTooMany = Budget.isHeldBySuspects(suspect: suspects, limit: limit)
                if isTooMany, !now.holds.contains(.suspects) {
                    handle(.ring(ring, .hold(.suspects)), index, &store, &facts)
                } else if !isTooMany, now.holds.contains(.suspects) {
                    handle(.ring(ring, .unhold(.suspects)), index, &store, &facts)
                }
                guard store.campaigns[index].rings[ring].state == .open else { break }
                offerAgain(index, members[ring], &store, &facts)
                let isGrantable = members[ring].contains { host in
                    guard let state = store.latest(index, host)?.state else { return false }
                    return state == .offered || state == .planned
                }
                if !isGrantable { handle(.ring(ring, .exhausted), index, &store, &facts) }
            default: break
            }
            if store.campaigns[index].rings[ring].state == .draining,
                !store.jobsOf[index].contains(where: {
                    store.jobs[$0]?.ring == Int64(ring) && store.jobs[$0]?.state.isInFlight == true
                })
            {
                handle(.ring(ring, .drained), index, &store, &facts)
            }
        }
    }

    // MARK: timers

    private func arm(_ due: Timestamp) {
        if timersDue.insert(due.milliseconds).inserted { add(at: due, .timers) }
    }

    /// Wakes the server when a timer that changed is due.
    private func armTimers(_ facts: [Fact]) {
        for case .job(let id, _, _, _, _, _) in facts {
            if let timer = store.jobs[id]?.timer { arm(timer.due) }
        }
        for campaign in store.campaigns {
            if let timer = campaign.timer { arm(timer.due) }
            for ring in campaign.rings { if let timer = ring.timer { arm(timer.due) } }
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
            for ring in store.campaigns[index].rings.indices {
                if let timer = store.campaigns[index].rings[ring].timer, timer.due <= now, isServerUp {
                    transact("timer \(timer.kind.rawValue) of ring \(ring)") { store, facts in
                        self.handle(.ring(ring, .timer(timer.kind)), index, &store, &facts)
                        return []
                    }
                }
            }
        }
        let due = store.jobs.values.filter { $0.timer.map { $0.due <= now } ?? false }
        for job in due.sorted(by: { $0.id < $1.id }) where isServerUp {
            if let timer = store.jobs[job.id]?.timer, timer.due <= now {
                transact("timer \(timer.kind.rawValue) of \(job.id.prefix(6))") { store, facts in
                    self.handle(.timer(timer.kind), job.id, &store, &facts)
                    return []
                }
            }
        }
        timersDue = timersDue.filter { $0 > now.milliseconds }
        for id in store.jobs.keys.sorted() { if let timer = store.jobs[id]?.timer { arm(max(timer.due, now)) } }
        armTimers([])
    }

    // MARK: people

    func operate() {
        let isLate = now > start.adding(seconds: 6 * 3600)
        add(isLate ? 3600 : options.rings > 1 ? 600 : 120, .operate)
        guard isServerUp else { return }
        holdForFreeze()
        writeOff()
        for index in store.campaigns.indices where isServerUp {
            guard let event = wish(index, store.campaigns[index]) else { continue }
            transact("\(event.word) of campaign \(index)") { store, facts in
                self.handle(event, index, &store, &facts)
                return []
            }
        }
    }

    /// A freeze holds every ring while it is on.
    private func holdForFreeze() {
        for index in store.campaigns.indices {
            for (number, ring) in store.campaigns[index].rings.enumerated() where isServerUp {
                let isHeld = ring.holds.contains(.freeze)
                let event: Ring.Event
                if mustWait, !isHeld, ring.state == .open {
                    event = .hold(.freeze)
                } else if !mustWait, isHeld {
                    event = .unhold(.freeze)
                } else {
                    continue
                }
                transact("\(event.word) of ring \(number)") { store, facts in
                    self.handle(.ring(number, event), index, &store, &facts)
                    return []
                }
            }
        }
    }

    /// Now and then somebody answers for a host that has been silent.
    private func writeOff() {
        guard options.halts else { return }
        for id in store.jobs.keys.sorted() where isServerUp {
            guard case .suspect? = store.jobs[id]?.state, operatorRandom.chance(40) else { continue }
            transact("job \(id.prefix(6)) is written off") { store, facts in
                self.handle(.writeOff(by: "bob", reason: "I looked at it"), id, &store, &facts)
                return []
            }
        }
    }

    /// What people want of a campaign now.
    private func wish(_ index: Int, _ campaign: Campaign) -> Campaign.Event? {
        if let event = ringWish(campaign) { return event }
        let isCalm = !options.halts
        switch campaign.state {
        case .draft: return .submit(by: "ann")
        case .awaitingApproval:
            if !isCalm, operatorRandom.chance(20) { return .deny(by: "bob", reason: "no") }
            if !isCalm, operatorRandom.chance(30) { return .edit(by: "ann") }
            if !isCalm, operatorRandom.chance(10) { return .cancel(by: "ann", reason: "a mistake") }
            if !isCalm, campaign.halts == 0, isForgotten { return nil }
            let people = ["bob", "cy", "dan"].filter { person in !campaign.approvals.contains { $0.person == person } }
            return campaign.planDigest.flatMap { plan in people.first.map { .approve(by: $0, plan: plan) } }
        case .scheduled, .running, .verifying:
            guard options.halts else { return nil }
            if campaign.halts < 2, operatorRandom.chance(options.rings > 1 ? 25 : 150) {
                return campaign.state == .verifying && operatorRandom.chance(500)
                    ? nil : .halt(by: "bob", reason: "pager")
            }
            if campaign.state != .verifying, operatorRandom.chance(60) { return .pause(by: "bob", reason: "lunch") }
            if operatorRandom.chance(10) { return .cancel(by: "bob", reason: "over") }
            if operatorRandom.chance(15) { return .supersede(by: "bob", campaign: "newer") }
            return nil
        case .paused:
            if operatorRandom.chance(100) { return .halt(by: "bob", reason: "it is bad") }
            return operatorRandom.chance(500) ? .resume(by: "bob", haltReason: nil) : nil
        case .halted:
            switch operatorRandom.below(5) {
            case 0: return .close(by: "bob")
            case 1: return .rollBack(by: "bob", reason: "bad")
            case 2: return .cancel(by: "bob", reason: "over")
            default:
                guard now < endsAt, now < campaign.endsAt ?? endsAt else { return .close(by: "bob") }
                let person = campaign.resumeApprovals.contains { $0.person == "bob" } ? "cy" : "bob"
                return .resume(by: person, haltReason: campaign.reason)
            }
        case .completed, .completedWithExceptions:
            guard lateRollbacks > 0 else { return nil }
            lateRollbacks -= 1
            return .rollBack(by: "bob", reason: "a week later")
        default: return nil
        }
    }

    private func ringWish(_ campaign: Campaign) -> Campaign.Event? {
        guard campaign.state == .running else { return nil }
        for (number, ring) in campaign.rings.enumerated() {
            switch ring.state {
            case .armed where Int64(ring.approvals.count) < ring.rules.approvals:
                return .ring(number, .approve(by: "bob"))
            case .needsDecision:
                if options.halts, operatorRandom.chance(50) {
                    return .ring(number, .refuse(by: "bob", reason: "I do not like it"))
                }
                if operatorRandom.chance(200) { return .ring(number, .promote(by: "bob", reason: "I looked at it")) }
            case .passed where options.halts && !ring.isWithdrawn && operatorRandom.chance(12):
                return .ring(number, .withdraw(by: "bob", reason: "it leaks"))
            default: break
            }
        }
        return nil
    }
}
