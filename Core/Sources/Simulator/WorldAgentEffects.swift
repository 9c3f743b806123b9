import Digest
import JSON
import Rollout
import Timestamps

/// What an agent does: its records on the disk, and the effects of its reducer on a host that fails.
extension World {
    /// Appends a record; false where the agent went down around it.
    func keep(_ entry: JobEntry, _ host: Int) -> Bool {
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
    func pump(_ host: Int) {
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
