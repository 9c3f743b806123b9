import Digest
import JSON
import Timestamps

/// What comes next, from what the journal says alone: the same after an answer and after a crash.
extension AgentJob {
    mutating func advance(_ now: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        if let outcome = progress.outcome {
            pending = .finished
            return [.finish(outcome)]
        }
        if let stop = stopOutcome {
            stopOutcome = nil
            if !progress.hasMutated, progress.abort == nil {
                effects.append(writeAbort(stop, stopReason, now))
            } else if progress.hasMutated, !progress.notedTooLate {
                effects.append(
                    write(
                        progress.phase, .note,
                        "asked to end (\(stopReason)), but packages have begun to change: going on",
                        ["tooLate": true], now: now))
            }
        }
        if progress.abort != nil { return effects + cleanUp(now) }
        if !progress.hasMutated { return effects + prepare(now) }
        if progress.failure != nil || order.rollsBack { return effects + goBack(now) }
        return effects + change(now)
    }

    // MARK: before the point of no return

    private mutating func prepare(_ now: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        if !progress.isReceived {
            effects.append(
                write(
                    .received, .result, "the order is verified",
                    [
                        "plan": .string(order.plan.hex), "attempt": .integer(order.attempt),
                        "rollBack": .bool(order.rollsBack),
                    ],
                    now: now))
        }
        if now > window.lastSafeStart {
            return effects + abortNow(.expired, "the last safe start (\(window.lastSafeStart)) has passed", now)
        }
        if !progress.isPrefetched {
            pending = .prefetch
            return effects + intent(.prefetch, "fetching every package, new and old", now: now) + [.prefetch]
        }
        guard let grant = progress.grant else {
            if !progress.isWaiting {
                effects += intent(.waitWindow, "waiting for \(order.window.notBefore)", now: now)
            }
            if now < window.notBefore {
                pending = .waitToClaim
                return effects + [.wait(until: window.notBefore)]
            }
            pending = .claim
            return effects + [.claim]
        }
        if now < window.notBefore {
            pending = .waitToConfirm
            return effects + [.wait(until: window.notBefore)]
        }
        guard let expires = progress.ticketExpires, now < expires else {
            pending = .confirm
            return effects + intent(.confirm, "asking whether the campaign still runs", now: now)
                + [.confirm(fence: grant.fence)]
        }
        if !progress.isPreflighted {
            pending = .preflight
            return effects + intent(.preflight, "looking whether the host can be changed", now: now) + [.preflight]
        }
        let actions = order.actions
        if !order.rollsBack, progress.preDone < actions.preScripts.count {
            return effects + run(.pre, progress.preDone, now)
        }
        if !actions.stopServices.isEmpty, !progress.isQuiesced {
            pending = .stopServices
            return effects
                + intent(
                    .quiesce, "stopping \(actions.stopServices.joined(separator: ", "))",
                    ["services": .array(actions.stopServices.map(JSONValue.string))], now: now) + [.stopServices]
        }
        if !order.rollsBack, actions.snapshot != .none || actions.snapshotHook != nil, !progress.isSnapshotSettled {
            pending = .snapshot
            return effects
                + intent(
                    .snapshot, "making what can be come back to", ["policy": .string(actions.snapshot.rawValue)],
                    now: now)
                + [.snapshot]
        }
        pending = .preState
        return effects + [.readPreState]
    }

    /// Takes back what was done before the point of no return, and ends.
    private mutating func cleanUp(_ now: Timestamp) -> [Effect] {
        if let effects = undoNext(now) { return effects }
        if progress.didQuiesce, !progress.isRestarted {
            pending = .restart
            return intent(.restart, "starting what was stopped", now: now) + [.restartServices(all: false)]
        }
        return collect(progress.cleanupFailed == nil ? progress.abort ?? .failedNoChange : .failedChanged)
    }

    // MARK: after it

    private mutating func change(_ now: Timestamp) -> [Effect] {
        if progress.applied < progress.steps { return install(now) }
        if progress.postDone < order.actions.postScripts.count { return run(.post, progress.postDone, now) }
        if !progress.isRestarted {
            pending = .restart
            return intent(.restart, "restarting services", now: now) + [.restartServices(all: true)]
        }
        var effects: [Effect] = []
        if progress.rebootPending == nil {
            guard let isNeeded = progress.rebootNeeded else {
                pending = .judgeReboot
                if progress.reboots > 0 { effects += intent(.postBoot, "looking at the new boot", now: now) }
                return effects + [.judgeReboot]
            }
            let isDue = isNeeded || order.actions.reboot == .always && progress.reboots == 0
            // What cannot be told is settled by one reboot, where one is allowed.
            let isDoubtful = progress.rebootUnknown != nil && progress.reboots == 0 && whyForbidden == nil
            if isDue || isDoubtful {
                guard let why = whyNoReboot(now) else { return reboot(now) }
                let text = isDue ? "a reboot is due" : "whether a reboot is needed is not known"
                effects.append(
                    write(
                        .reboot, .note, "\(text) and is not made: \(why)", ["rebootPending": .string(why)], now: now))
            }
        }
        if !progress.isHealthy {
            let actions = order.actions
            pending = .health(passes: 0, deadline: now.adding(seconds: actions.settleTime))
            return effects
                + intent(.health, "asking \(actions.healthChecks.count) checks", now: now) + [.checkHealth(at: now)]
        }
        if !progress.isRescanned {
            pending = .rescan
            return effects + intent(.rescan, "scanning afresh", now: now) + [.rescan]
        }
        return effects + collect(progress.rebootPending == nil ? .succeeded : .installedRebootPending)
    }

    private mutating func install(_ now: Timestamp) -> [Effect] {
        switch progress.packages {
        case .mixed?:
            guard progress.repairs <= Self.maximumResumptions else {
                return failNow(progress.applyFailure ?? "the packages cannot be mended", now)
            }
            pending = .repair
            return [
                write(.repair, .intent, step: progress.repairs, "mending the package database", now: now), .repair,
            ]
        case .pre?:
            if let reason = progress.applyFailure { return failNow(reason, now) }
            guard progress.applyAttempts <= Self.maximumResumptions, now <= window.notAfter else {
                return failNow("the host went down before the packages changed, too often or past its window", now)
            }
        default:
            // A run of the package manager begins only inside the window.
            guard now <= window.notAfter || progress.applyAttempts > 0 else {
                return failNow("the window ended before the next run of the package manager", now)
            }
        }
        pending = .apply(progress.applied)
        return [
            write(
                .apply, .intent, step: progress.applied,
                "running the package manager, \(progress.applied + 1) of \(progress.steps)", now: now),
            .apply(step: progress.applied),
        ]
    }

    /// Who forbids to reboot; nil where nobody does.
    private var whyForbidden: String? {
        if let rebootForbidden { return "the host's veto file forbids it (\(rebootForbidden))" }
        if order.actions.reboot == .never { return "the plan forbids it" }
        if progress.grant?.allowsReboot != true { return "the permit does not cover it" }
        return nil
    }

    /// Why a reboot that is due must not be made; nil where it may.
    private func whyNoReboot(_ now: Timestamp) -> String? {
        if let whyForbidden { return whyForbidden }
        if progress.reboots >= Int(order.actions.maximumReboots) {
            return "\(progress.reboots) reboots are the most of this plan"
        }
        if progress.rebootIssues > Self.maximumResumptions { return "the host does not reboot when told to" }
        if now > window.notAfter { return "the window has ended" }
        if bootID == nil { return "the boot id cannot be read, so that no reboot could be proved" }
        return nil
    }

    private mutating func reboot(_ now: Timestamp) -> [Effect] {
        pending = .reboot
        return [
            write(
                .reboot, .intent, step: progress.reboots, "rebooting",
                [
                    "fence": .integer(progress.grant?.fence ?? 0), "boot": bootID.map(JSONValue.string) ?? .null,
                    "issue": .integer(Int64(progress.rebootIssues + 1)),
                ], now: now),
            .reboot,
        ]
    }

    // MARK: the way back

    private mutating func goBack(_ now: Timestamp) -> [Effect] {
        guard order.actions.rollsBack || order.rollsBack else { return stay(now) }
        if !progress.isRolledBack, !progress.rollbackGaveUp {
            if !order.rollsBack, progress.packages == .pre, progress.rollbacks == 0 {
                return [
                    write(
                        .rollback, .note,
                        progress.repairs == 0
                            ? "no package has changed: nothing to bring back"
                            : "mending has brought the packages back already", ["rollbackNeedless": true], now: now)
                ] + goBack(now)
            }
            guard progress.rollbacks <= Self.maximumResumptions else { return giveUp("going back failed", now) }
            pending = .rollback
            return [
                write(.rollback, .intent, step: progress.rollbacks, "bringing back what was before", now: now),
                .rollback,
            ]
        }
        if progress.rollbackGaveUp { return stay(now) }
        if progress.rollbackNeedsReboot {
            if let whyForbidden {
                let text = "the host still runs the newer kernel or libraries until it is rebooted: \(whyForbidden)"
                return [write(.rollback, .note, text, ["rollbackRebootPending": .string(text)], now: now)] + goBack(now)
            }
            guard progress.rollbackRebootIssues <= Self.maximumResumptions, bootID != nil else {
                return giveUp("the host does not reboot when told to", now)
            }
            pending = .rollbackReboot
            return [
                write(
                    .rollbackReboot, .intent, step: progress.rollbackReboots, "rebooting into what was before",
                    [
                        "fence": .integer(progress.grant?.fence ?? 0), "boot": bootID.map(JSONValue.string) ?? .null,
                    ], now: now),
                .reboot,
            ]
        }
        if let effects = undoNext(now) { return effects }
        if !progress.isRestarted {
            pending = .restart
            return intent(.restart, "restarting services", now: now) + [.restartServices(all: true)]
        }
        switch progress.rollbackVerified {
        case nil:
            pending = .verifyRollback
            return intent(.rollbackVerify, "scanning afresh", now: now) + [.verifyRollback]
        case true?:
            if progress.cleanupFailed != nil || progress.restartFailed { return collect(.rollbackFailed) }
            // What a repair brought back had changed: scripts of the new version may have run.
            let isUntouched = progress.rollbackWasNeedless && progress.repairs == 0
            return collect(isUntouched ? .failedNoChange : .rolledBack)
        case false?:
            if progress.rollbackWasNeedless {
                return [
                    write(
                        .rollback, .note, "the host is not as before although no package has changed",
                        ["rollbackVoid": true], now: now)
                ] + rollbackForReal(now)
            }
            return giveUp("the host is not as it was before", now)
        }
    }

    private mutating func rollbackForReal(_ now: Timestamp) -> [Effect] {
        pending = .rollback
        return [
            write(.rollback, .intent, step: progress.rollbacks, "bringing back what was before", now: now), .rollback,
        ]
    }

    private mutating func giveUp(_ reason: String, _ now: Timestamp) -> [Effect] {
        [write(.rollback, .note, reason, ["rollbackGaveUp": true], now: now)] + stay(now)
    }

    /// The host stays as it is: it is looked at, its package database mended, and it is flagged.
    private mutating func stay(_ now: Timestamp) -> [Effect] {
        guard let packages = progress.packages else {
            pending = .examine
            return [.examine]
        }
        if packages == .mixed, !progress.rollbackGaveUp, progress.repairs <= Self.maximumResumptions {
            pending = .repair
            return [
                write(.repair, .intent, step: progress.repairs, "mending the package database", now: now), .repair,
            ]
        }
        if !progress.isRestarted {
            pending = .restart
            return intent(.restart, "restarting services", now: now) + [.restartServices(all: true)]
        }
        if packages == .mixed { return collect(.needsRepair) }
        return collect(progress.rollbackGaveUp ? .rollbackFailed : .failedChanged)
    }

    // MARK: steps

    private mutating func run(_ kind: ScriptKind, _ index: Int, _ now: Timestamp) -> [Effect] {
        let scripts = kind == .pre ? order.actions.preScripts : order.actions.postScripts
        pending = .script(kind, index)
        return intent(
            kind == .pre ? .preScript : .postScript, step: index, "running \(scripts[index].name)",
            ["script": .string(scripts[index].name), "idempotent": .bool(scripts[index].isIdempotent)], now: now)
            + [.runScript(kind, index: index)]
    }

    /// The undo of the last script that was begun and has one; nil when all are done.
    private mutating func undoNext(_ now: Timestamp) -> [Effect]? {
        for script in progress.begun.reversed() where !progress.undone.contains(script) {
            let scripts = script.kind == .pre ? order.actions.preScripts : order.actions.postScripts
            guard script.index < scripts.count, scripts[script.index].undo != nil else { continue }
            pending = .undo(script.kind, script.index)
            return intent(
                script.kind == .pre ? .preScript : .postScript, step: script.index + Int(Self.undoStep),
                "taking back \(scripts[script.index].name)", now: now)
                + [.undoScript(script.kind, index: script.index)]
        }
        return nil
    }

    private mutating func collect(_ outcome: JobOutcome) -> [Effect] {
        pending = .collect(outcome)
        return [.collectOutcome]
    }

    /// The intent of a step, unless a crash left just that open.
    private mutating func intent(
        _ phase: JobPhase, step: Int = 0, _ text: String, _ detail: [String: JSONValue] = [:], now: Timestamp
    ) -> [Effect] {
        progress.isOpen(phase, step) ? [] : [write(phase, .intent, step: step, text, detail, now: now)]
    }

    mutating func writeAbort(_ outcome: JobOutcome, _ reason: String, _ now: Timestamp) -> Effect {
        write(progress.phase, .note, reason, ["abort": .string(outcome.rawValue)], now: now)
    }

    mutating func abortNow(_ outcome: JobOutcome, _ reason: String, _ now: Timestamp) -> [Effect] {
        [writeAbort(outcome, reason, now)] + cleanUp(now)
    }

    mutating func failNow(_ reason: String, _ now: Timestamp) -> [Effect] {
        [write(progress.phase, .note, reason, ["failed": true], now: now)] + goBack(now)
    }
}
