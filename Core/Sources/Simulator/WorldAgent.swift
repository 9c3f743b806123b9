import Rollout
import Timestamps

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
    func begin(_ host: Int) {
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
    func lag(_ host: Int) -> Int64 { max(0, now.seconds(since: agents[host].trusted)) + 5 }

    func toldInstalled(_ host: Int, _ job: String) {
        tell(.installed(job: job, host: host, digest: agents[host].contents))
    }

    /// The host's disk becomes that of an earlier day.
    func restore(_ host: Int) {
        guard let saved = agents[host].saved, !isHealed else { return }
        cover("fault: host restored from a snapshot")
        note("host \(host) is set back to a snapshot of its disk")
        agentDown(host, isPower: true)
        invariants.forget(host)
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

    func flushSoon(_ host: Int) {
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
}
