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
    /// The highest version of the server's words about its jobs.
    var lastVersion: Int64 = 0
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
    var hasFullDisk = false
    var mirrorLies = false
    /// Seconds that the package manager needs for a file.
    var pace: Int64 = 4
    /// What its user will say of it.
    var feedback: Bool?
    /// What was fetched for the running job.
    var contents = ""
    /// How often it was put off, by campaign.
    var deferrals: [Int: Deferral] = [:]
    /// Seconds by which the local clock is wrong,
    var clockOffset: Int64 = 0
    /// the last time that was trusted,
    var trusted = Timestamp(milliseconds: 0)
    /// and when, by a clock that only runs forward within a boot.
    var trustedAt = Timestamp(milliseconds: 0)
    /// in this one.
    var trustedBoot = 0
    /// A copy of the disk of between two jobs, and whether the disk is one.
    var saved: (past: Set<String>, lastFence: Int64, lastVersion: Int64, position: Int)?
    var wasRestored = false
    /// Whether a second host with its disk has spoken for it.
    var isCloned = false
    /// Whether the package manager runs on in its own scope while the agent is away.
    var toolRuns = false
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

    /// Takes a snapshot of the whole machine, where no job is under way.
    mutating func save() {
        if journal == nil { saved = (past, lastFence, lastVersion, position) }
    }

    static let goal = 6
    static let steps = 2
    static let actions = JobActions(
        preScripts: [
            PlannedScript(name: "drain", text: "#!/bin/sh", isIdempotent: true, undo: "#!/bin/sh"),
            PlannedScript(name: "once", text: "#!/bin/sh", isIdempotent: false),
        ],
        postScripts: [PlannedScript(name: "warm", text: "#!/bin/sh", isIdempotent: false)],
        stopServices: ["web.service"],
        healthChecks: [HealthCheck(name: "web", probe: .unit("web.service"))], settleTime: 10, consecutivePasses: 2,
        snapshot: .required)

    var packages: PackagesState { position == 0 ? .pre : position == Self.goal ? .goal : .mixed }
    var bootID: String { "boot\(boot)" }
}

/// The agent's shell: the production reducer over a disk, a package manager and a network that fail.
extension World {
    // MARK: going down and coming up

    func agentDown(_ host: Int, isPower: Bool, reboots: Bool = false, downFor: Int64 = 0) {
        if !reboots { cover(isPower ? "fault: power cut" : "fault: agent killed") }
        if case .apply? = agents[host].running {
            if isPower {
                cover("fault: power cut in a run of the package manager")
            } else if !reboots {
                // The run has a scope of its own: it goes on. Broken: it is in the agent's.
                cover("fault: agent stopped in a run of the package manager")
                agents[host].toolRuns = options.mutation != .killsTool
            }
        }
        if let open = agents[host].journal?.entries.last, !reboots { cover("crash: \(open.phase.rawValue)") }
        if case .apply? = agents[host].running, !isPower, !reboots {
            tell(.stoppedInRun(host: host, goesOn: agents[host].toolRuns))
        }
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
        if isPower || reboots {
            agents[host].boot += 1
            agents[host].toolRuns = false
        }
        if isPower, let journal = agents[host].journal, journal.synced < journal.entries.count {
            agents[host].journal?.entries.removeLast(journal.entries.count - journal.synced)
        }
        if downFor > 0 {
            cover("fault: host off for hours")
            let until = now.adding(seconds: downFor + 3600)
            agents[host].longCut = now...until
            return add(downFor, .agentUp(host: host, generation: agents[host].generation))
        }
        add(isPower || reboots ? 60 : 10, .agentUp(host: host, generation: agents[host].generation))
    }

    func agentUp(_ host: Int, _ generation: Int) {
        guard generation == agents[host].generation, !agents[host].isOn else { return }
        if agents[host].toolRuns {
            // The agent waits for the scope of its package manager.
            let goal = SimulatedAgent.goal - (agents[host].hasBadPackage ? 1 : 0)
            let half = SimulatedAgent.goal / SimulatedAgent.steps
            let end = min(goal, agents[host].position < half ? half : SimulatedAgent.goal)
            if agents[host].position < end { agents[host].position += 1 }
            agents[host].changedInBoot = agents[host].boot
            agents[host].toolRuns = agents[host].position < end
            if !agents[host].toolRuns, agents[host].position == SimulatedAgent.goal {
                toldInstalled(host, agents[host].journal?.job ?? "")
            }
            return add(agents[host].pace, .agentUp(host: host, generation: generation))
        }
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
            let time = agentTime(host, job)
            if !journal.entries.isEmpty { cover("agent: resumed in \(job.phase.rawValue)") }
            let effects = journal.entries.isEmpty ? try job.handle(.start, now: time) : try job.resume(now: time)
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
        let isLate = now > start.adding(seconds: 6 * 3600)
        let interval: Int64 = agents[host].journal != nil || !isLate && options.rings == 1 ? 60 : isLate ? 1800 : 600
        // A host whose window is far away asks seldom: a third of the way at a time.
        let ahead = agents[host].journal.map { $0.order.window.notBefore.seconds(since: now) } ?? 0
        let calm = ahead > 180 && options.rings > 1 ? min(3600, ahead / 3) : interval
        add(isLate && options.rings == 1 ? 1800 : calm, .agentPoll(host: host, generation: generation))
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
            var actions = SimulatedAgent.actions
            if options.mutation == .snapshotSkipped { actions.snapshot = .none }
            agents[host].contents = ""
            let order = AgentOrder(
                job: offer.job, attempt: offer.attempt, plan: offer.plan, actions: actions,
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
            let effects = try job.handle(event, now: agentTime(host, job))
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

    /// The time that the agent trusts: its own clock, but never before what it knew, and never slower than a clock that runs
    /// forward only within a boot.
    private func agentTime(_ host: Int, _ job: AgentJob) -> Timestamp {
        let local = now.adding(seconds: agents[host].clockOffset)
        let agent = agents[host]
        // A clock that only runs forward begins anew with each boot: after one only the last time is left.
        let isSameBoot = agent.trustedBoot == agent.boot
        let elapsed = isSameBoot ? max(0, now.seconds(since: agent.trustedAt)) : 0
        var time = max(local, agent.trusted.adding(seconds: elapsed))
        if !isSameBoot, agent.trustedAt.milliseconds > 0, time < now.adding(seconds: -60) {
            cover("fault: a boot with its clock behind")
        }
        if agent.trustedAt.milliseconds == 0 { time = max(local, start) }
        if options.mutation == .clockBelieved { time = local }
        tell(.agentTime(host: host, time))
        (agents[host].trusted, agents[host].trustedAt, agents[host].trustedBoot) = (time, now, agent.boot)
        guard !isHealed else { return time }
        let window = job.progress.grant?.window ?? job.order.window
        switch options.mutation {
        case .lastSafeStartIgnored? where !job.order.rollsBack && !job.isPastNoReturn:
            return min(time, max(window.lastSafeStart, window.notBefore))
        case .windowEndIgnored? where job.isPastNoReturn: return min(time, window.notAfter)
        case .offlineStartsLate? where isCut(host) && !job.isPastNoReturn:
            return min(time, window.lastSafeStart, (job.progress.ticketExpires ?? time).adding(seconds: -1))
        default: return time
        }
    }

    /// Seconds by which the agent's time is behind.
    private func lag(_ host: Int) -> Int64 { max(0, now.seconds(since: agents[host].trusted)) + 5 }

    func toldInstalled(_ host: Int, _ job: String) {
        tell(.installed(job: job, host: host, digest: agents[host].contents))
    }

    /// The host's disk becomes that of an earlier day.
    func restore(_ host: Int) {
        guard let saved = agents[host].saved, !isHealed else { return }
        cover("fault: host restored from a snapshot")
        note("host \(host) is set back to a snapshot of its disk")
        agentDown(host, isPower: true)
        invariants.forget(host, agents[host].journal?.job ?? "")
        (agents[host].past, agents[host].lastFence, agents[host].lastVersion, agents[host].position) = (
            saved.past, saved.lastFence, saved.lastVersion, saved.position
        )
        agents[host].journal = nil
        agents[host].wasRestored = true
        agents[host].trusted = Timestamp(milliseconds: 0)
        agents[host].trustedAt = Timestamp(milliseconds: 0)
    }

    /// A second host wakes with the disk of this one in the middle of a job, and says what an agent says that comes up so: the
    /// same journal goes on in two ways. It is heard once and then switched off; the server must notice the fork.
    func clone(_ host: Int) {
        guard !isHealed else { return }
        func later() { add(60 + faults.below(120), .clone(host: host)) }
        guard agents[host].isOn, let journal = agents[host].journal, !journal.isEnded, journal.entries.count > 2,
            var twin = try? AgentJob(
                order: journal.order, replaying: journal.entries, bootID: "twin\(agents[host].boot)"),
            let effects = try? twin.resume(now: max(now, journal.entries.last?.time ?? now).adding(seconds: 1))
        else { return later() }
        var said: [JobEntry] = []
        for case .journal(let entry) in effects { said.append(entry) }
        guard !said.isEmpty, isServerUp, !isCut(host) else { return later() }
        cover("fault: cloned host speaks")
        note("a clone of host \(host) says \(said.map(\.text))")
        agents[host].isCloned = true
        let known = Int(min(journal.acknowledged, Int64(journal.entries.count)))
        send(.entries(host: host, job: journal.job, Array((journal.entries[known...] + said).prefix(20))), host: host)
    }

    /// Whether a word is the server's, for this host, in time and not older than what it knows.
    func believes(_ seal: Seal, _ host: Int) -> Bool {
        let local = max(now.adding(seconds: agents[host].clockOffset), agents[host].trusted)
        guard seal.signer == "server" || options.mutation == .signatureUnchecked, seal.audience == host else {
            return false
        }
        return local <= seal.expires && seal.version >= agents[host].lastVersion
    }

    func answered(_ host: Int, _ job: String, _ event: AgentJob.Event) {
        guard agents[host].journal?.job == job, agents[host].journal?.isEnded == false else { return }
        tell(host, event)
    }

    func acknowledged(_ host: Int, _ job: String, _ expected: Int64) {
        tell(.acknowledged(job: job, expected: expected, kept: store.jobs[job]?.expectedEntry ?? 1))
        guard let journal = agents[host].journal, journal.job == job else { return }
        let hasMoved = expected - 1 > journal.acknowledged
        agents[host].journal?.acknowledged = max(journal.acknowledged, expected - 1)
        guard let journal = agents[host].journal else { return }
        if journal.isEnded, journal.acknowledged >= Int64(journal.entries.count), agents[host].job == nil {
            agents[host].past.insert(job)
            agents[host].journal = nil
            next(host)
        } else if hasMoved, journal.acknowledged < Int64(journal.entries.count) {
            // What the server does not take is sent again with the next poll, not at once and for ever.
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
        let downFor = isPower && faults.chance(options.longOffs) ? 1800 + faults.below(14_400) : 0
        let crash = isPower ? nil : self.crash("agent\(host)", rate: options.agentCrashes)
        if isPower { writes["agent\(host)", default: 0] += 1 }
        if isPower { cover(faultWord(entry)) }
        let isAfter = crash?.after ?? (isPower ? faults.chance(500) : true)
        let off = crash?.downFor ?? downFor
        if crash != nil || isPower, !isAfter {
            cover("fault: journal write torn or lost")
            agentDown(host, isPower: isPower || off > 0, downFor: off)
            return false
        }
        note(
            "host \(host) \(entry.job.prefix(6)) \(entry.ordinal) \(entry.phase.rawValue) \(entry.step) \(entry.kind.rawValue): \(entry.text)"
        )
        agents[host].journal?.entries.append(entry)
        let count = agents[host].journal?.entries.count ?? 0
        // Synced at once; broken: every fifth record.
        if options.mutation != .journalNotSynced || count % 5 == 0 { agents[host].journal?.synced = count }
        let grantWindow = agents[host].job?.progress.grant?.window ?? agents[host].journal?.order.window ?? self.window
        tell(.journaled(entry, host: host, window: grantWindow, boot: agents[host].boot, uncertainty: lag(host)))
        cover("agent: \(entry.phase.rawValue) \(entry.kind.rawValue)")
        if entry.kind == .intent, [.mutateIntent, .reboot, .rollbackReboot].contains(entry.phase) {
            let entries = agents[host].journal?.entries ?? []
            let rollsBack = agents[host].journal?.order.rollsBack == true
            let facts = Fact.Intent(
                window: grantWindow, isOffline: isCut(host), rollsBack: rollsBack,
                needsSnapshot: !rollsBack,
                hasSnapshot: entries.contains { $0.phase == .snapshot && $0.kind == .result && $0.detail["id"] != nil },
                occurrence: occurrence(grantWindow), uncertainty: lag(host))
            tell(.intent(entry, host: host, facts))
        }
        if entry.phase == .waitWindow, entry.kind == .result, let fence = entry.detail["fence"]?.integer {
            tell(.acceptedFence(job: entry.job, host: host, fence))
            agents[host].lastFence = max(agents[host].lastFence, fence)
        }
        if entry.phase == .commit, entry.kind == .result,
            let outcome = entry.detail["outcome"]?.string.flatMap(JobOutcome.init(rawValue:))
        {
            tell(
                .ended(
                    job: entry.job, host: host, outcome, agents[host].packages, boot: agents[host].boot,
                    unexpected: entry.detail["unexpectedReboots"]?.integer ?? 0))
            cover("agent: ended \(outcome.rawValue)")
            if let works = agents[host].feedback, outcome == .succeeded {
                add(faults.below(14_400), .say(host: host, job: entry.job, works: works))
            }
        }
        flushSoon(host)
        if crash != nil || isPower {
            agentDown(host, isPower: isPower || off > 0, downFor: off)
            return false
        }
        return true
    }

    private func faultWord(_ entry: JobEntry) -> String { "fault: power cut around a journal write" }

    /// The host's user says how it went.
    func say(_ host: Int, _ job: String, _ works: Bool) {
        guard options.rings > 1, isServerUp, store.works[host] == nil else { return }
        cover(works ? "feedback: works" : "feedback: broken")
        transact("a user of host \(host) says that it \(works ? "works" : "is broken")") { store, facts in
            store.works[host] = works
            facts.append(store.audit("host.feedback"))
            facts.append(
                .feedback(campaign: store.campaignOf[job] ?? 0, ring: self.ringOf[host], host: host, works: works))
            return []
        }
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
            case .wait(let until), .checkHealth(let until):
                // By its own clock: what that is behind takes longer.
                let ahead = until.seconds(since: agents[host].trusted)
                if case .wait = effect {
                    add(max(1, ahead + 1), .agentStep(host: host, token: token))
                } else {
                    add(max(0, ahead), .agentStep(host: host, token: token))
                }
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
        case .claim? where putsOff(host, journal, token): return
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

    /// Whether the host's user puts the job off now.
    private func putsOff(_ host: Int, _ journal: SimulatedAgent.Journal, _ token: Int) -> Bool {
        guard options.deferrals > 0, !isHealed, !journal.order.rollsBack, faults.chance(options.deferrals) else {
            return false
        }
        let deadline = journal.order.window.lastSafeStart
        let campaign = store.campaignOf[journal.job] ?? 0
        let policy = Deferral.Policy(count: options.mutation == .deferralsUnbounded ? 100 : 2, seconds: 1200)
        guard
            let until = agents[host].deferrals[campaign, default: Deferral()].ask(
                seconds: 900, policy: policy, deadline: deadline, now: now)
        else {
            cover("deferral: refused")
            return false
        }
        cover("deferral: taken")
        tell(.deferred(host: host, campaign: campaign, until: until, deadline: deadline))
        add(at: until, .agentAsk(host: host, token: token))
        return true
    }

    /// The running effect ends, or takes its next small step.
    func agentStep(_ host: Int, _ token: Int) {
        guard token == agents[host].token, agents[host].isOn, let effect = agents[host].running else { return }
        func again() { add(agents[host].pace, .agentStep(host: host, token: token)) }
        switch effect {
        case .apply(let step):
            if !isHealed, options.toolCrashes > 0, faults.chance(options.toolCrashes) {
                cover("fault: package manager dies")
                return finish(host, .applied(succeeded: false, reason: "the package manager died", detail: [:]))
            }
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
            if agents[host].position == SimulatedAgent.goal {
                toldInstalled(host, agents[host].journal?.job ?? "")
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
        case .prefetch:
            if agent.mirrorLies, !isHealed, agents[host].journal?.order.rollsBack == false {
                cover("fault: mirror sends other bytes")
                guard options.mutation == .digestsUnchecked else {
                    return .prefetchFailed(reason: "the file's digest is not the release's")
                }
                agents[host].contents = "other"
            } else {
                agents[host].contents = agents[host].journal?.order.plan.hex ?? ""
            }
            return .prefetched([:])
        case .wait: return .time
        case .preflight:
            if agent.hasFullDisk, !isHealed {
                cover("fault: disk full")
                return .preflight(passed: false, reason: "the disk is full", detail: [:])
            }
            return .preflight(passed: true, reason: "", detail: [:])
        case .undoScript: return .scriptEnded(exitCode: agent.rebootFails && !isHealed ? 1 : 0, detail: [:])
        case .runScript: return .scriptEnded(exitCode: 0, detail: [:])
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
            if options.mutation == .healthNotAsked { return .health(failing: []) }
            let isWell = !(agent.isUnwell && agent.packages == .goal)
            if agent.isUnwell { cover("fault: a service breaks") }
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
