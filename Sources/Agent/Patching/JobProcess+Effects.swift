import Glibc
import JSON
import Orders
import PackageManagers
import Rollout
import Timestamps
import Wire

/// What the machine asks for, done.
extension JobProcess {
    /// Performs an effect; its answer is the next event, nil where none is expected.
    func perform(_ effect: AgentJob.Effect) throws -> AgentJob.Event? {
        let actions = release.plan.actions
        switch effect {
        case .journal(let entry):
            try keep(entry)
            return nil
        case .prefetch:
            let result = order.offer.rollsBack ? work.findEarlier(campaign: order.offer.campaign) : work.prefetch()
            return result.isDone
                ? .prefetched(.object(result.detail)) : .prefetchFailed(reason: result.text)
        case .wait(let until):
            return wait(until: until)
        case .claim: return claim()
        case .confirm(let fence): return confirm(fence)
        case .preflight:
            let result = work.preflight(
                now: now, rollsBack: order.offer.rollsBack, isIntact: takesBackAnIntactHost)
            return .preflight(passed: result.isDone, reason: result.text, detail: .object(result.detail))
        case .runScript(let kind, let index):
            let script = kind == .pre ? actions.preScripts[index] : actions.postScripts[index]
            return ended(work.run(script, file: "script-\(kind.rawValue)-\(index)"))
        case .undoScript(let kind, let index):
            let script = kind == .pre ? actions.preScripts[index] : actions.postScripts[index]
            return ended(work.undo(script, file: "undo-\(kind.rawValue)-\(index)"))
        case .stopServices: return .servicesStopped(failed: try work.stopServices())
        case .snapshot:
            let result = work.snapshot()
            guard result.isDone else { return .snapshotFailed(reason: result.text) }
            return .snapshotMade(
                id: result.detail["id"]?.string ?? folder.job, kind: result.detail["means"]?.string ?? "downgrade")
        case .readPreState:
            let state = try work.preState(rollsBack: order.offer.rollsBack)
            return .preState(pre: state.before, goal: state.goal, steps: 1, detail: .object(state.detail))
        case .apply:
            let result = work.apply(number: attempts(.apply))
            return .applied(succeeded: result.isDone, reason: result.text, detail: .object(result.detail))
        case .examine:
            endLeftovers()
            // The process that waited for the run may be gone, and with it the result that names whom to hold back.
            return .examined(work.packagesState(), run: .object(work.blame(run: attempts(.apply))))
        case .repair:
            endLeftovers()
            let result = work.repair(number: Self.repairs * attempts(.repair), after: attempts(.apply))
            work.log.line(result.text)
            let run = result.detail.filter { JobWork.blameFields.contains($0.key) }
            return .examined(work.packagesState(), run: .object(run))
        case .restartServices(let all):
            let result = work.restartServices(work.stoppedServices(), all: all)
            work.log.line(result.text)
            return .servicesRestarted(failed: result.isDone ? [] : [result.text])
        case .judgeReboot: return work.judgeReboot()
        case .reboot: return reboot()
        case .checkHealth(let time):
            waitForHealth(at: time)
            return .health(failing: work.failingChecks())
        case .rescan:
            let result = work.rescan()
            return .rescanned(equal: result.isDone, reason: result.text, detail: .object(result.detail))
        case .rollback:
            endLeftovers()
            let result = work.rollBack(
                number: Self.rollbacks + Self.repairs * attempts(.rollback), mayForce: !takesBackAnIntactHost)
            guard result.isDone else {
                return .rolledBack(succeeded: false, needsReboot: false, reason: result.text)
            }
            let (isDue, why) = rebootAfterRollback()
            return .rolledBack(
                succeeded: true, needsReboot: isDue, reason: isDue ? "\(result.text); \(why)" : result.text)
        case .verifyRollback:
            let result = work.verifyRollback()
            return .rescanned(equal: result.isDone, reason: result.text, detail: .object(result.detail))
        case .collectOutcome: return .outcomeCollected(packages: work.packageResults())
        case .finish: return nil
        }
    }

    /// Whether this job takes back one that had ended well, by its own journal.
    private var takesBackAnIntactHost: Bool {
        guard order.offer.rollsBack else { return false }
        let found = journal.entries.last { $0.phase == .prefetch && $0.kind == .result }
        return found?.detail["files"]?["intact"]?.bool == true
    }

    /// Whether the host still runs what was taken back; the machine decides whether it may be rebooted.
    private func rebootAfterRollback() -> (isDue: Bool, why: String) {
        guard case .rebootVerdict(let needed, let reason, _) = work.judgeReboot() else { return (false, "") }
        // Doubt is settled by a reboot where the plan has any, as after the way forward.
        return (needed ?? (release.plan.actions.reboot != .never), reason)
    }

    /// Runs of the package manager are numbered apart: those of a repair, and those of a way back.
    private static let repairs = 1000
    private static let rollbacks = 100_000

    /// Waits for the runs that an earlier process of this job left behind.
    private func endLeftovers() {
        var numbers: [Int] = [attempts(.apply)]
        for number in 1...attempts(.repair) { numbers += (0..<10).map { Self.repairs * number + $0 } }
        for number in 1...attempts(.rollback) {
            numbers += (0..<10).map { Self.rollbacks + Self.repairs * number + $0 }
        }
        work.endLeftovers(numbers)
    }

    /// How often a phase was begun, by the journal: numbers the runs of the package manager.
    private func attempts(_ phase: JobPhase) -> Int {
        max(1, journal.entries.count { $0.phase == phase && $0.kind == .intent })
    }

    private func ended(_ result: StepResult) -> AgentJob.Event {
        // A script that a signal ended did not do its work; only the time limit is told apart.
        let code = result.detail["exit"]?.integer
        var detail = result.detail
        detail["message"] = .string(result.text)
        return .scriptEnded(exitCode: detail["timeout"]?.bool == true ? nil : code ?? 255, detail: .object(detail))
    }

    // MARK: Waiting

    /// Waits for an instant, or until something comes up.
    private func wait(until time: Timestamp) -> AgentJob.Event {
        var told = ""
        while now < time, !isInterrupted {
            // The wall clock may be set: never long at a time.
            let text = "waits until \(time)"
            if text != told { work.tell(text, always: true) }
            told = text
            JobWork.sleep(milliseconds: min(Self.pace, max(1, time.milliseconds - now.milliseconds)))
        }
        return .time
    }

    /// Waits for a round of checks by the time that has passed: setting the clock neither hurries nor delays it.
    private func waitForHealth(at time: Timestamp) {
        if healthClock == nil { healthClock = (Moment.now().uptime, time) }
        while let now = healthTime, now < time {
            JobWork.sleep(milliseconds: min(Self.pace, max(1, time.milliseconds - now.milliseconds)))
        }
    }

    private func reboot() -> AgentJob.Event {
        work.tell("the host is started anew", always: true)
        CrashPoint.pass("before reboot")
        if let failure = work.restart.reboot(reason: "Fettle: job \(folder.job) changed packages that need it") {
            return .rebootFailed(reason: failure)
        }
        CrashPoint.pass("after reboot")
        // The service manager ends this process; a host that takes longer than this does not reboot.
        let end = Moment.now().uptime + 600_000
        while Moment.now().uptime < end { JobWork.sleep(milliseconds: 1000) }
        return .rebootFailed(reason: "the host was told to reboot and is still running 10 minutes later")
    }

    // MARK: Questions to the server

    /// Puts a question and waits for its answer, which the executor brings.
    private func ask(_ kind: JobQuestionKind, fence: Int64, nonce: String) throws(SystemError) -> JobAnswer? {
        let question = RelayedQuestion(job: folder.job, kind: kind, nonce: nonce, fence: fence)
        try folder.write(JobFolder.question, question.json)
        work.tell(
            kind == .claim ? "asks the server for its permit" : "asks the server whether it still may", always: true)
        defer { try? folder.folder.remove(JobFolder.question) }
        while !isInterrupted {
            if let value = folder.json(JobFolder.answer), let answer = try? RelayedAnswer(json: value),
                answer.question == question
            {
                return answer.answer
            }
            // Nobody asks for ever: past its window the machine ends the job by itself.
            if now > (machine.progress.grant?.window.lastSafeStart ?? order.offer.lastSafeStart) { return nil }
            JobWork.sleep(milliseconds: Self.pace / 2)
        }
        return nil
    }

    private func claim() -> AgentJob.Event {
        do {
            guard let answer = try ask(.claim, fence: desk.lastFence, nonce: Self.nonce()) else { return .time }
            guard let envelope = answer.order else {
                return .claimDenied(retryAfter: answer.retryAfter, reason: answer.reason)
            }
            let grant = try desk.grant(envelope, job: folder.job, plan: release.plan.digest)
            // The offer is not signed; which way the job goes is only believed from the grant.
            guard grant.rollsBack == order.offer.rollsBack else {
                throw TrustStoreError.refused(
                    OrderRefusal(
                        .otherJob,
                        grant.rollsBack
                            ? "the grant is for taking the host back, the order is for the way forward"
                            : "the grant is for the way forward, the order is for taking the host back"))
            }
            do { try release.check(rollsBack: grant.rollsBack) } catch { throw TrustStoreError.refused(error) }
            try folder.write(JobFolder.claim, envelope.json)
            grantedEpoch = grant.epoch
            return .granted(
                AgentGrant(
                    fence: grant.fence,
                    window: .init(
                        notBefore: grant.notBefore, lastSafeStart: grant.lastSafeStart, notAfter: grant.notAfter),
                    allowsReboot: grant.allowsReboot))
        } catch TrustStoreError.refused(let refusal) {
            refusals.note(job: folder.job, code: refusal.code.rawValue, refusal.description, .now())
            return .claimDenied(retryAfter: nil, reason: refusal.description)
        } catch {
            return .claimDenied(retryAfter: 60, reason: "\(error)")
        }
    }

    private func confirm(_ fence: Int64) -> AgentJob.Event {
        let nonce = Self.nonce()
        do {
            if let other = try otherAtWork() {
                return .confirmDenied(retryAfter: 15, reason: "\(other) is changing this host")
            }
            guard let answer = try ask(.confirm, fence: fence, nonce: nonce) else { return .time }
            guard let envelope = answer.order else {
                return .confirmDenied(retryAfter: answer.retryAfter, reason: answer.reason)
            }
            guard let value = folder.json(JobFolder.claim), let claimed = try? Envelope(json: value) else {
                return .confirmDenied(retryAfter: nil, reason: "the grant cannot be read from the disk any more")
            }
            let grant = try desk.grant(claimed, job: folder.job, plan: release.plan.digest, journaled: fence)
            let ticket = try desk.ticket(envelope, grant: grant, nonce: nonce)
            return .ticket(nonce: nonce, expires: ticket.expires)
        } catch TrustStoreError.refused(let refusal) {
            refusals.note(job: folder.job, code: refusal.code.rawValue, refusal.description, .now())
            return .confirmDenied(retryAfter: nil, reason: refusal.description)
        } catch {
            return .confirmDenied(retryAfter: 60, reason: "\(error)")
        }
    }

    /// 32 hexadecimal digits that nobody can know before.
    static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let text = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}
