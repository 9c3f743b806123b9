import Digest
import JSON
public import Timestamps

extension AgentJob {
    /// Takes the result of an effect, or news from outside, and returns what is to be done.
    ///
    /// `now` is the host's clock, but never before the time that signed documents have proved.
    /// - Throws: ``TransitionError`` when the event is not what the job waits for; nothing has changed then.
    public mutating func handle(_ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        if progress.outcome != nil {
            throw refusal(.unknownTransition, event, "the job has ended")
        }
        switch (pending, event) {
        case (.nothing, .start) where progress.nextOrdinal == 1: return advance(now)
        case (_, .cancelled(let reason)): return stop(.cancelled, reason, now)
        case (_, .vetoed(let reason)): return stop(.refused, reason, now)
        case (_, .rebootForbidden(let reason)):
            rebootForbidden = reason
            return []
        case (.waitToClaim, .time), (.waitToConfirm, .time): return advance(now)
        case (.prefetch, .time), (.claim, .time), (.confirm, .time):
            return now > window.lastSafeStart ? advance(now) : []
        case (_, .time): return []
        case (.prefetch, .prefetched(let detail)):
            return [write(.prefetch, .result, "every package is here", ["files": detail], now: now)] + advance(now)
        case (.prefetch, .prefetchFailed(let reason)): return abortNow(.failedNoChange, reason, now)
        case (.claim, .granted(let grant)):
            guard grant.fence > order.lastFence else {
                throw refusal(
                    .guardFailed, event, "its fence \(grant.fence) is not above \(order.lastFence); it is old")
            }
            return [write(.waitWindow, .result, "the permit is granted", grant.detail, now: now)] + advance(now)
        case (.claim, .claimDenied(let retry, let reason)):
            guard let retry else { return abortNow(.cancelled, reason, now) }
            pending = .waitToClaim
            return [wait(retry, now)]
        case (.confirm, .ticket(let nonce, let expires)):
            guard now < expires else { throw refusal(.guardFailed, event, "the ticket ended at \(expires)") }
            return [
                write(
                    .confirm, .result, "the campaign runs",
                    ["nonce": .string(nonce), "expires": .string(expires.description)], now: now)
            ] + advance(now)
        case (.confirm, .confirmDenied(let retry, let reason)):
            guard let retry else { return abortNow(.cancelled, reason, now) }
            pending = .waitToConfirm
            return [wait(retry, now)]
        case (.preflight, .preflight(let passed, let reason, let detail)):
            let entry = write(
                .preflight, .result, passed ? "the host can be changed" : reason,
                ["ok": .bool(passed), "checks": detail], now: now)
            return [entry] + (passed ? advance(now) : abortNow(.refused, reason, now))
        case (.script(let kind, let index), .scriptEnded(let code, let detail)):
            return ended(kind, index, code, detail, now)
        case (.undo(let kind, let index), .scriptEnded(let code, let detail)):
            return [
                write(
                    kind == .pre ? .preScript : .postScript, .result, step: index + Int(Self.undoStep),
                    code == 0 ? "taken back" : "taking it back failed: \(exit(code))",
                    ["ok": .bool(code == 0), "output": detail], now: now)
            ] + advance(now)
        case (.stopServices, .servicesStopped(let failed)):
            let text = failed.isEmpty ? "stopped" : "not stopped: \(failed.joined(separator: ", "))"
            let entry = write(.quiesce, .result, text, ["ok": .bool(failed.isEmpty)], now: now)
            return [entry] + (failed.isEmpty ? advance(now) : abortNow(.failedNoChange, text, now))
        case (.snapshot, .snapshotMade(let id, let kind)):
            return [
                write(.snapshot, .result, "\(kind) \(id)", ["id": .string(id), "kind": .string(kind)], now: now)
            ] + advance(now)
        case (.snapshot, .snapshotFailed(let reason)):
            if order.actions.snapshot == .required || order.actions.snapshotHook != nil {
                return abortNow(.refused, "no snapshot: \(reason)", now)
            }
            return [
                write(
                    .snapshot, .result, "no snapshot (\(reason)); the way back is a downgrade", ["kind": "downgrade"],
                    now: now)
            ] + advance(now)
        case (.preState, .preState(let pre, let goal, let steps, let detail)):
            // What was allowed when the question was put may have ended by now: asked again, here, where it counts.
            guard stopOutcome == nil, let grant = progress.grant, let expires = progress.ticketExpires, now < expires,
                now >= grant.window.notBefore, now <= grant.window.lastSafeStart
            else { return advance(now) }
            return [
                write(
                    .mutateIntent, .intent, "from here on packages change",
                    [
                        "pre": .string(pre.hex), "goal": .string(goal.hex), "steps": .integer(Int64(steps)),
                        "fence": .integer(grant.fence), "nonce": .string(progress.ticketNonce ?? ""), "facts": detail,
                    ], now: now)
            ] + advance(now)
        default: return try handleAfter(event, now: now)
        }
    }

    /// The answers after the point of no return.
    private mutating func handleAfter(_ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        switch (pending, event) {
        case (.apply(let step), .applied(let succeeded, let reason, let detail)):
            let entry = write(
                .apply, .result, step: step, succeeded ? "done" : reason, ["ok": .bool(succeeded), "run": detail],
                now: now)
            if succeeded { return [entry] + advance(now) }
            pending = .examine
            return [entry, .examine]
        case (.examine, .examined(let state, let run)):
            let phase: JobPhase = progress.phase == .repair ? .repair : .apply
            return [
                write(phase, .note, "the packages are \(words(state))", examined(state, run), now: now)
            ] + advance(now)
        case (.repair, .examined(let state, let run)):
            // The result names the state too; the note that `packages` folds from comes with it.
            return [
                write(
                    .repair, .result, step: max(0, progress.repairs - 1), "the packages are \(words(state))",
                    examined(state, run), now: now)
            ] + advance(now)
        case (.restart, .servicesRestarted(let failed)):
            let text = failed.isEmpty ? "services run" : "not started: \(failed.joined(separator: ", "))"
            let entry = write(.restart, .result, text, ["ok": .bool(failed.isEmpty)], now: now)
            let isForward = progress.abort == nil && progress.failure == nil && !order.rollsBack
            return [entry] + (failed.isEmpty || !isForward ? advance(now) : failNow(text, now))
        case (.judgeReboot, .rebootVerdict(let needed, let reason, let detail)):
            let isAfterBoot = progress.reboots > 0
            var fields: [String: JSONValue] = ["facts": detail]
            fields[isAfterBoot ? "needed" : "rebootNeeded"] = .bool(needed == true)
            if needed == nil { fields["rebootUnknown"] = true }
            let entry = write(
                isAfterBoot ? .postBoot : .reboot, isAfterBoot ? .result : .note, reason, fields, now: now)
            return [entry] + advance(now)
        case (.reboot, .rebootFailed), (.rollbackReboot, .rebootFailed): return advance(now)
        case (.health(let passes, let deadline), .health(let failing)):
            return judge(failing, passes: passes, deadline: deadline, now)
        case (.rescan, .rescanned(let equal, let reason, let detail)):
            let text = equal ? "the goal is in, and all else is as before" : reason
            let entry = write(.rescan, .result, text, ["ok": .bool(equal), "facts": detail], now: now)
            return [entry] + (equal ? advance(now) : failNow(reason, now))
        case (.rollback, .rolledBack(let succeeded, let needsReboot, let reason)):
            return [
                write(
                    .rollback, .result, step: max(0, progress.rollbacks - 1), reason,
                    ["ok": .bool(succeeded), "needsReboot": .bool(needsReboot)], now: now)
            ] + advance(now)
        case (.verifyRollback, .rescanned(let equal, let reason, let detail)):
            let text = equal ? "the host is as it was before" : reason
            return [
                write(.rollbackVerify, .result, text, ["ok": .bool(equal), "facts": detail], now: now)
            ] + advance(now)
        case (.collect(let outcome), .outcomeCollected(let packages)):
            return [
                write(
                    .commit, .result,
                    ([outcome.sentence(because: progress.failure ?? progress.rebootPending ?? progress.abortReason)]
                        + remarks(outcome)).joined(separator: " "),
                    [
                        "outcome": .string(outcome.rawValue), "packages": JobEntry.changedFirst(packages),
                        "boots": .integer(
                            Int64(1 + progress.reboots + progress.rollbackReboots + progress.unexpectedReboots)),
                        "unexpectedReboots": .integer(Int64(progress.unexpectedReboots)),
                    ], now: now)
            ] + advance(now)
        default:
            throw refusal(.unknownTransition, event, "the job does not wait for it; nothing was changed")
        }
    }

    /// What a person must know of an end that is not the plain one.
    private func remarks(_ outcome: JobOutcome) -> [String] {
        switch outcome {
        case .succeeded: progress.rebootUnknown.map { ["But \($0)."] } ?? []
        case .rolledBack, .failedNoChange: progress.rollbackRebootPending.map { ["But \($0)."] } ?? []
        case .failedChanged, .rollbackFailed, .needsRepair:
            progress.snapshotID.flatMap { $0.isEmpty ? nil : ["The snapshot from before is \($0)."] } ?? []
        default: []
        }
    }

    private mutating func stop(_ outcome: JobOutcome, _ reason: String, _ now: Timestamp) -> [Effect] {
        guard progress.abort == nil, !progress.notedTooLate else { return [] }
        stopOutcome = outcome
        stopReason = reason
        switch pending {
        case .prefetch, .claim, .waitToClaim, .confirm, .waitToConfirm: return advance(now)
        default:
            // Told before `resume`: what went on before the crash is looked at first.
            guard progress.hasMutated, pending != .nothing else { return [] }
            stopOutcome = nil
            return [
                write(
                    progress.phase, .note, "asked to end (\(reason)), but packages have begun to change: going on",
                    ["tooLate": true], now: now)
            ]
        }
    }

    private mutating func ended(
        _ kind: ScriptKind, _ index: Int, _ code: Int64?, _ detail: JSONValue, _ now: Timestamp
    ) -> [Effect] {
        let scripts = kind == .pre ? order.actions.preScripts : order.actions.postScripts
        let text = code == 0 ? "done" : "the script \(scripts[index].name) failed: \(exit(code))"
        var fields: [String: JSONValue] = ["ok": .bool(code == 0), "output": detail]
        if let code { fields["exit"] = .integer(code) }
        let entry = write(kind == .pre ? .preScript : .postScript, .result, step: index, text, fields, now: now)
        if code == 0 { return [entry] + advance(now) }
        return [entry] + (kind == .pre ? abortNow(.failedNoChange, text, now) : failNow(text, now))
    }

    /// Every check must pass in so many rounds in a row; a round may fail until the settle time has passed.
    private mutating func judge(_ failing: [String], passes: Int64, deadline: Timestamp, _ now: Timestamp) -> [Effect] {
        let isGood = failing.isEmpty
        let passed = isGood ? passes + 1 : 0
        if isGood, passed >= order.actions.consecutivePasses || order.actions.healthChecks.isEmpty {
            return [write(.health, .result, "every check passes", ["ok": true, "rounds": .integer(passed)], now: now)]
                + advance(now)
        }
        if !isGood, now >= deadline {
            let text = "not well: \(failing.joined(separator: ", "))"
            return [
                write(
                    .health, .result, text, ["ok": false, "failing": .array(failing.map(JSONValue.string))], now: now)
            ] + failNow(text, now)
        }
        pending = .health(passes: passed, deadline: deadline)
        return [.checkHealth(at: now.adding(seconds: Self.healthInterval))]
    }

    private func wait(_ seconds: Int64, _ now: Timestamp) -> Effect {
        .wait(until: min(now.adding(seconds: max(1, seconds)), window.lastSafeStart.adding(seconds: 1)))
    }

    private func exit(_ code: Int64?) -> String { code.map { "exit code \($0)" } ?? "its time limit" }

    private func examined(_ state: PackagesState, _ run: JSONValue) -> [String: JSONValue] {
        var fields: [String: JSONValue] = ["packages": .string(state.rawValue)]
        if run.object?.isEmpty == false { fields["run"] = run }
        return fields
    }

    private func words(_ state: PackagesState) -> String {
        switch state {
        case .pre: "as before"
        case .goal: "at the goal"
        case .mixed: "neither as before nor at the goal"
        }
    }
}
