import JSON
public import Timestamps

extension AgentJob {
    /// How often a step may be cut short by a crash before it counts as failed: a host that goes down again and again in the
    /// same step is not well.
    public static let maximumCrashesInPlace = 5

    /// Goes on after a crash or a reboot: by the journal alone, as the crash column of rollouts.md 2.4 says.
    ///
    /// Call it once, instead of `start`, on a job made from a journal with records. Cancellation and veto are told anew by
    /// the shell, before this, so that nothing forbidden is begun again.
    public mutating func resume(now: Timestamp) throws(TransitionError) -> [Effect] {
        guard pending == .nothing, progress.nextOrdinal > 1 else {
            throw refusal(.unknownTransition, "resume", "the job is new or goes on already")
        }
        if progress.outcome != nil { return advance(now) }
        var effects = boot(now)
        guard let open = progress.open else { return effects + goOn(now) }
        switch open.phase {
        case .received, .prefetch, .waitWindow, .confirm: return effects + goOn(now)
        default: break
        }
        effects.append(
            write(
                open.phase, .note, step: open.step, "going on after the agent or the host went down", ["resumed": true],
                now: now))
        if progress.resumptions > Self.maximumCrashesInPlace {
            let reason = "the agent or the host went down \(progress.resumptions) times in phase \(open.phase.rawValue)"
            return effects + leave(open, reason, now)
        }
        switch open.phase {
        case .preScript, .postScript: return effects + script(open, now)
        case .reboot where bootID == nil:
            let reason = "the boot id cannot be read, so that no reboot can be proved"
            effects.append(write(.reboot, .note, reason, ["rebootPending": .string(reason)], now: now))
            return effects + goOn(now)
        default: return effects + goOn(now)
        }
    }

    /// A new boot proves the reboot that was ordered; one that nobody ordered is put on record.
    private mutating func boot(_ now: Timestamp) -> [Effect] {
        guard let bootID, let before = progress.bootID, before != bootID else { return [] }
        switch progress.open?.phase {
        case .reboot?:
            return [write(.reboot, .result, step: progress.reboots, "rebooted", ["boot": .string(bootID)], now: now)]
        case .rollbackReboot?:
            return [
                write(
                    .rollbackReboot, .result, step: progress.rollbackReboots, "rebooted", ["boot": .string(bootID)],
                    now: now)
            ]
        default:
            return [
                write(
                    progress.phase, .note, step: progress.open?.step ?? 0,
                    "the host rebooted without having been told to",
                    ["unexpectedReboot": true, "before": .string(before), "boot": .string(bootID)], now: now)
            ]
        }
    }

    /// Past the point of no return and short of the goal nothing is begun before the packages were looked at.
    private mutating func goOn(_ now: Timestamp) -> [Effect] {
        if progress.hasMutated, !order.rollsBack, progress.failure == nil, progress.applied < progress.steps {
            pending = .examine
            return [.examine]
        }
        return advance(now)
    }

    /// A script without a result may have done anything: it runs again only where that is declared harmless.
    private mutating func script(_ open: JobProgressOnHost.Open, _ now: Timestamp) -> [Effect] {
        let isUndo = open.step >= Int(Self.undoStep)
        let index = isUndo ? open.step - Int(Self.undoStep) : open.step
        let scripts = open.phase == .preScript ? order.actions.preScripts : order.actions.postScripts
        guard index < scripts.count, !scripts[index].isIdempotent else { return goOn(now) }
        let reason = "nobody knows whether the script \(scripts[index].name) ran to its end, and it may not run twice"
        if isUndo {
            return [
                write(
                    open.phase, .result, step: open.step, "whether it was taken back is unknown", ["ok": false],
                    now: now)
            ] + goOn(now)
        }
        return leave(open, reason, now)
    }

    /// Ends the attempt at this step: before the point of no return the job, after it the way forward, then the way back.
    private mutating func leave(_ open: JobProgressOnHost.Open, _ reason: String, _ now: Timestamp) -> [Effect] {
        if open.step >= Int(Self.undoStep), open.phase == .preScript || open.phase == .postScript {
            return [write(open.phase, .result, step: open.step, reason, ["ok": false], now: now)] + goOn(now)
        }
        if !progress.hasMutated {
            if progress.abort != nil {
                return [write(open.phase, .result, step: open.step, reason, ["ok": false], now: now)] + goOn(now)
            }
            return abortNow(.failedNoChange, reason, now)
        }
        if progress.failure == nil, !order.rollsBack { return failNow(reason, now) }
        return [
            write(.rollback, .note, reason, ["rollbackGaveUp": true], now: now)
        ] + advance(now)
    }
}
