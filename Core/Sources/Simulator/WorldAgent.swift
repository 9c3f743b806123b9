import Digest
import JSON
import Rollout
import Timestamps

/// An agent's disk, its host, and what it has in memory.
struct SimulatedAgent {
    /// A job's journal on the disk.
    struct Journal {
        var job: String
        var order: AgentOrder
        var entries: [JobEntry] = []
        /// How many of them would survive a power cut.
        var synced = 0
        var acknowledged: Int64 = 0
        var isEnded: Bool { entries.last?.phase == .commit && entries.last?.kind == .result }
    }

    let index: Int
    // The disk.
    var journal: Journal?
    /// Jobs that have ended and were acknowledged.
    var past: Set<String> = []
    var lastFence: Int64 = 0
    // The host.
    var isOn = true
    var isCut = false
    var longCut: ClosedRange<Timestamp>?
    var boot = 1
    /// How far the package manager is, in files: 0 as before, ``goal`` at the goal.
    var position = 0
    var changedInBoot = 0
    var isUnwell = false
    var hasBadPackage = false
    var rollbackFails = false
    var rebootFails = false
    // The memory.
    var generation = 0
    var job: AgentJob?
    var effects: [AgentJob.Effect] = []
    var running: AgentJob.Effect?
    var token = 0
    var nonce = ""
    var nonces = 0
    var offers: [Offer] = []
    var willFlush = false
    /// A second job at the same time (broken).
    var parked: [(Journal, AgentJob)] = []

    init(index: Int) { self.index = index }

    static let goal = 6
    static let steps = 2
    static let actions = JobActions(
        preScripts: [
            PlannedScript(name: "drain", text: "#!/bin/sh", isIdempotent: true, undo: "#!/bin/sh"),
            PlannedScript(name: "once", text: "#!/bin/sh", isIdempotent: false),
        ],
        postScripts: [PlannedScript(name: "warm", text: "#!/bin/sh", isIdempotent: false)],
        stopServices: ["web.service"],
        healthChecks: [HealthCheck(name: "web", probe: .unit("web.service"))], settleTime: 10, consecutivePasses: 2)

    var packages: PackagesState { position == 0 ? .pre : position == Self.goal ? .goal : .mixed }
    var bootID: String { "boot\(boot)" }
}

/// The agent's shell: the production reducer over a disk, a package manager and a network that fail.
extension World {
    // MARK: going down and coming up

    func agentDown(_ host: Int, isPower: Bool, reboots: Bool = false) {
        note("host \(host) \(reboots ? "reboots" : isPower ? "loses its power" : "has its agent killed")")
        agents[host].generation += 1
        agents[host].isOn = false
        agents[host].job = nil
        agents[host].parked = []
        agents[host].effects = []
        agents[host].running = nil
        agents[host].token += 1
        agents[host].willFlush = false
        agents[host].offers = []
        if isPower || reboots { agents[host].boot += 1 }
        if isPower, let journal = agents[host].journal, journal.synced < journal.entries.count {
            agents[host].journal?.entries.removeLast(journal.entries.count - journal.synced)
        }
        add(isPower || reboots ? 60 : 10, .agentUp(host: host, generation: agents[host].generation))
    }

    func agentUp(_ host: Int, _ generation: Int) {
        guard generation == agents[host].generation, !agents[host].isOn else { return }
        agents[host].isOn = true
        add(1, .agentPoll(host: host, generation: generation))
        guard let journal = agents[host].journal else { return }
        if options.mutation == .forgetsAfterCrash, journal.entries.last?.phase == .apply {
            agents[host].past.insert(journal.job)
            agents[host].journal = nil
            return
        }
        begin(host)
    }

    /// Makes the job from its journal and goes on, or begins it.
    private func begin(_ host: Int) {
        guard let journal = agents[host].journal, !journal.isEnded else { return }
        var bootID = agents[host].bootID
        if options.mutation == .bootNotRead, let last = journal.entries.last, last.phase != .reboot,
            let before = last.bootID
        {
            bootID = before
        }
        do {
            var job = try AgentJob(order: journal.order, replaying: journal.entries, bootID: bootID)
            let effects = journal.entries.isEmpty ? try job.handle(.start, now: now) : try job.resume(now: now)
            agents[host].job = job
            agents[host].effects = effects
            pump(host)
        } catch {
            invariants.fail(12, "host \(host) cannot read its own journal: \(error)")
        }
    }

    // MARK: the server's words

    func agentPoll(_ host: Int, _ generation: Int) {
        guard generation == agents[host].generation, agents[host].isOn else { return }
        send(.poll(host: host), host: host)
        agentFlush(host, generation)
        add(now > start.adding(seconds: 6 * 3600) ? 1800 : 60, .agentPoll(host: host, generation: generation))
    }

    func take(_ offers: [Offer], _ host: Int) {
        agents[host].offers = offers
        if let journal = agents[host].journal, !journal.isEnded, agents[host].job != nil,
            offers.first(where: { $0.job == journal.job })?.isCancelled == true
        {
            tell(host, .cancelled(reason: "the server asked for its end"))
        }
        next(host)
    }

    private func next(_ host: Int) {
        let mayPark =
            options.mutation == .jobsInParallel && agents[host].journal?.isEnded == false && agents[host].parked.isEmpty
        guard agents[host].journal == nil || mayPark else { return }
        for offer in agents[host].offers
        where !offer.isCancelled && !agents[host].past.contains(offer.job) && offer.job != agents[host].journal?.job {
            if mayPark {
                guard let journal = agents[host].journal, let job = agents[host].job,
                    journal.entries.contains(where: { $0.phase == .mutateIntent })
                else { return }
                agents[host].parked.append((journal, job))
                agents[host].token += 1
            }
            let order = AgentOrder(
                job: offer.job, attempt: offer.attempt, plan: SHA256.hash([1]), actions: SimulatedAgent.actions,
                rollsBack: offer.rollsBack, window: offer.window, lastFence: agents[host].lastFence)
            agents[host].journal = .init(job: offer.job, order: order)
            agents[host].running = nil
            begin(host)
            return
        }
    }

    /// News or a result for the running job.
    func tell(_ host: Int, _ event: AgentJob.Event) {
        guard var job = agents[host].job else { return }
        do {
            let effects = try job.handle(event, now: agentTime(job))
            agents[host].job = job
            guard !effects.isEmpty else { return }
            let isDone = effects.contains { if case .journal = $0 { false } else { true } }
            if isDone || agents[host].running == nil {
                agents[host].running = nil
                agents[host].token += 1
                agents[host].effects = effects
                pump(host)
            } else {
                for case .journal(let entry) in effects where !keep(entry, host) { return }
            }
        } catch {
            note("host \(host) refuses: \(error)")
        }
    }

    private func agentTime(_ job: AgentJob) -> Timestamp {
        options.mutation == .lastSafeStartIgnored && !job.order.rollsBack && !isHealed
            ? min(now, max(window.lastSafeStart, window.notBefore)) : now
    }

    func answered(_ host: Int, _ job: String, _ event: AgentJob.Event) {
        guard agents[host].journal?.job == job, agents[host].journal?.isEnded == false else { return }
        tell(host, event)
    }

    func acknowledged(_ host: Int, _ job: String, _ expected: Int64) {
        tell(.acknowledged(job: job, expected: expected, kept: store.jobs[job]?.expectedEntry ?? 1))
        guard let journal = agents[host].journal, journal.job == job else { return }
        agents[host].journal?.acknowledged = max(journal.acknowledged, expected - 1)
        guard let journal = agents[host].journal else { return }
        if journal.isEnded, journal.acknowledged >= Int64(journal.entries.count), agents[host].job == nil {
            agents[host].past.insert(job)
            agents[host].journal = nil
            next(host)
        } else if journal.acknowledged < Int64(journal.entries.count) {
            flushSoon(host)
        }
    }

    private func flushSoon(_ host: Int) {
        guard !agents[host].willFlush else { return }
        agents[host].willFlush = true
        add(2, .agentFlush(host: host, generation: agents[host].generation))
    }

    func agentFlush(_ host: Int, _ generation: Int) {
        guard generation == agents[host].generation, agents[host].isOn else { return }
        agents[host].willFlush = false
        guard let journal = agents[host].journal, Int(journal.acknowledged) < journal.entries.count else { return }
        send(
            .entries(host: host, job: journal.job, Array(journal.entries[Int(journal.acknowledged)...].prefix(20))),
            host: host)
    }

    // MARK: effects

    /// Appends a record; false where the agent went down around it.
    private func keep(_ entry: JobEntry, _ host: Int) -> Bool {
        let isPower = !isHealed && faults.chance(options.powerCuts)
        let crash = isPower ? nil : self.crash("agent\(host)", rate: options.agentCrashes)
        if isPower { writes["agent\(host)", default: 0] += 1 }
        let isAfter = crash?.after ?? (isPower ? faults.chance(500) : true)
        if crash != nil || isPower, !isAfter {
            agentDown(host, isPower: isPower)
            return false
        }
        note(
            "host \(host) \(entry.job.prefix(6)) \(entry.ordinal) \(entry.phase.rawValue) \(entry.step) \(entry.kind.rawValue): \(entry.text)"
        )
        agents[host].journal?.entries.append(entry)
        let count = agents[host].journal?.entries.count ?? 0
        // Synced at once; broken: every fifth record.
        if options.mutation != .journalNotSynced || count % 5 == 0 { agents[host].journal?.synced = count }
        tell(.journaled(entry, host: host))
        if entry.kind == .intent, [.mutateIntent, .reboot, .rollbackReboot].contains(entry.phase) {
            let window = agents[host].job?.progress.grant?.window ?? self.window
            tell(.intent(entry, host: host, window: window))
        }
        if entry.phase == .waitWindow, entry.kind == .result, let fence = entry.detail["fence"]?.integer {
            tell(.acceptedFence(host: host, fence))
            agents[host].lastFence = max(agents[host].lastFence, fence)
        }
        if entry.phase == .commit, entry.kind == .result,
            let outcome = entry.detail["outcome"]?.string.flatMap(JobOutcome.init(rawValue:))
        {
            tell(
                .ended(
                    job: entry.job, host: host, outcome, agents[host].packages, boot: agents[host].boot))
        }
        flushSoon(host)
        if crash != nil || isPower {
            agentDown(host, isPower: isPower)
            return false
        }
        return true
    }

    /// Does the next effects, until one of them takes time.
    private func pump(_ host: Int) {
        while agents[host].isOn, !agents[host].effects.isEmpty, invariants.violation == nil {
            let effect = agents[host].effects.removeFirst()
            if case .journal(let entry) = effect {
                if !keep(entry, host) { return }
                continue
            }
            if case .finish = effect {
                agents[host].job = nil
                flushSoon(host)
                if let (journal, job) = agents[host].parked.popLast() {
                    agents[host].past.insert(agents[host].journal?.job ?? "")
                    agents[host].journal = journal
                    agents[host].job = job
                    begin(host)
                }
                return
            }
            agents[host].token += 1
            agents[host].running = effect
            let token = agents[host].token
            switch effect {
            case .claim, .confirm:
                agents[host].nonces += 1
                agents[host].nonce = "n\(host)-\(agents[host].generation)-\(agents[host].nonces)"
                agentAsk(host, token)
            case .wait(let until): add(at: until, .agentStep(host: host, token: token))
            case .checkHealth(let at): add(at: at, .agentStep(host: host, token: token))
            case .reboot: add(5, .agentStep(host: host, token: token))
            case .runScript(let kind, let index): script(host, kind, index, isUndo: false, token)
            case .undoScript(let kind, let index): script(host, kind, index, isUndo: true, token)
            case .prefetch: add(30, .agentStep(host: host, token: token))
            default: add(4, .agentStep(host: host, token: token))
            }
            return
        }
    }

    private func script(_ host: Int, _ kind: AgentJob.ScriptKind, _ index: Int, isUndo: Bool, _ token: Int) {
        let scripts = kind == .pre ? SimulatedAgent.actions.preScripts : SimulatedAgent.actions.postScripts
        tell(
            .ranScript(
                job: agents[host].journal?.job ?? "", name: (isUndo ? "undo " : "") + scripts[index].name,
                isIdempotent: scripts[index].isIdempotent))
        add(6, .agentStep(host: host, token: token))
    }

    /// Puts the question, and again while there is no answer.
    func agentAsk(_ host: Int, _ token: Int) {
        guard token == agents[host].token, agents[host].isOn, let journal = agents[host].journal else { return }
        switch agents[host].running {
        case .claim?: send(.claim(host: host, job: journal.job), host: host)
        case .confirm(let fence)?:
            send(.confirm(host: host, job: journal.job, fence: fence, nonce: agents[host].nonce), host: host)
            if options.mutation == .confirmFailsOpen, agents[host].nonces % 3 == 2 {
                return tell(host, .ticket(nonce: "none", expires: now.adding(seconds: 900)))
            }
            agents[host].nonces += options.mutation == .confirmFailsOpen ? 1 : 0
        default: return
        }
        tell(host, .time)
        if token == agents[host].token { add(30, .agentAsk(host: host, token: token)) }
    }

    /// The running effect ends, or takes its next small step.
    func agentStep(_ host: Int, _ token: Int) {
        guard token == agents[host].token, agents[host].isOn, let effect = agents[host].running else { return }
        func again() { add(4, .agentStep(host: host, token: token)) }
        switch effect {
        case .apply(let step):
            let goal = SimulatedAgent.goal * (step + 1) / SimulatedAgent.steps
            if agents[host].position < goal {
                if agents[host].hasBadPackage, agents[host].position == SimulatedAgent.goal - 1 {
                    return finish(
                        host, .applied(succeeded: false, reason: "a package cannot be configured", detail: [:]))
                }
                agents[host].position += 1
                agents[host].changedInBoot = agents[host].boot
                return again()
            }
            finish(host, .applied(succeeded: true, reason: "", detail: [:]))
        case .repair:
            if options.mutation == .repairDowngrades, agents[host].position > 0 { return lower(host, again) }
            if agents[host].position < SimulatedAgent.goal - (agents[host].hasBadPackage ? 1 : 0) {
                agents[host].position += 1
                agents[host].changedInBoot = agents[host].boot
                return again()
            }
            finish(host, .examined(agents[host].packages))
        case .rollback:
            if agents[host].position > 0, !agents[host].rollbackFails { return lower(host, again) }
            let isBack = options.mutation == .rollbackNotVerified || agents[host].position == 0
            finish(
                host,
                .rolledBack(
                    succeeded: isBack,
                    needsReboot: options.needsReboot && agents[host].changedInBoot != agents[host].boot,
                    reason: isBack ? "the old packages are back" : "the old packages are gone"))
        case .reboot:
            if agents[host].rebootFails {
                return finish(host, .rebootFailed(reason: "the host goes on as if nothing were"))
            }
            agentDown(host, isPower: false, reboots: true)
        default: if let event = result(effect, host) { finish(host, event) }
        }
    }

    private func lower(_ host: Int, _ again: () -> Void) {
        agents[host].position -= 1
        tell(.downgraded(host: host, last: agents[host].journal?.entries.last))
        again()
    }

    private func finish(_ host: Int, _ event: AgentJob.Event) { tell(host, event) }

    private func result(_ effect: AgentJob.Effect, _ host: Int) -> AgentJob.Event? {
        let agent = agents[host]
        switch effect {
        case .prefetch: return .prefetched([:])
        case .wait: return .time
        case .preflight: return .preflight(passed: true, reason: "", detail: [:])
        case .runScript, .undoScript: return .scriptEnded(exitCode: 0, detail: [:])
        case .stopServices: return .servicesStopped(failed: [])
        case .snapshot: return .snapshotMade(id: "s", kind: "downgrade")
        case .readPreState:
            return .preState(
                pre: SHA256.hash([2]), goal: SHA256.hash([3]),
                steps: agent.packages == .goal ? 0 : SimulatedAgent.steps, detail: [:])
        case .examine: return .examined(agent.packages)
        case .restartServices: return .servicesRestarted(failed: [])
        case .judgeReboot:
            let isNeeded = options.needsReboot && agent.changedInBoot == agent.boot
            return .rebootVerdict(needed: isNeeded, reason: "kernel", detail: [:])
        case .checkHealth:
            let isWell = !(agent.isUnwell && agent.packages == .goal)
            if isWell { tell(.health(host: host, boot: agent.boot)) }
            return .health(failing: isWell ? [] : ["web"])
        case .rescan:
            if agent.packages == .goal { tell(.rescan(host: host, boot: agent.boot)) }
            return .rescanned(equal: agent.packages == .goal, reason: "the packages differ", detail: [:])
        case .verifyRollback:
            let isBack = options.mutation == .rollbackNotVerified || agent.packages == .pre
            return .rescanned(equal: isBack, reason: "the packages differ", detail: [:])
        case .collectOutcome: return .outcomeCollected(packages: [])
        default: return nil
        }
    }
}
