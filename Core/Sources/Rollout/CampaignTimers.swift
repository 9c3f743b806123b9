import JSON
import Timestamps

/// What a campaign waits for: its timers, and the states that the clock says.
extension Campaign {
    mutating func fire(
        _ kind: TimerKind, _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        guard let timer, timer.kind == kind else {
            throw refusal(.unknownTransition, event, "no such timer is pending; it was replaced or has fired")
        }
        try check(timer.due <= now, event, "the timer is due at \(timer.due)")
        self.timer = nil
        switch (kind, state) {
        case (.approval, .awaitingApproval):
            reason = "nobody approved in time"
            state = .expired
            return []
        case (.start, .scheduled):
            let effects = begin(now)
            return isSigned ? effects : [.signRelease]
        case (.end, .scheduled), (.end, .running), (.end, .paused):
            // Jobs expire by timers of their own; `settled` ends the campaign when the last one has.
            detail["reason"] = "the window of the last host has ended"
            if !isSigned {
                reason = "the release was never signed"
                state = .expired
            }
            quietRings()
            return [.withdrawOffers]
        case (.tail, .running), (.tail, .paused):
            detail["reason"] = "hosts that were away have had their time"
            return [.withdrawOffers]
        case (.verification, .verifying):
            reason = "not every host was scanned again in time"
            state = .completedWithExceptions
            return []
        case (.rollback, .rollingBack):
            reason =
                isRollbackSigned
                ? "not every host is back in time"
                : "the signer did not sign the way back in time: nothing was taken back"
            endRollback(isRollbackSigned ? .late : .refused)
            state = .rollbackIncomplete
            return [.withdrawOffers, .revokeUnstarted]
        default: throw refusal(.unknownTransition, event, "this state has no such timer")
        }
    }

    mutating func awaitApproval(until end: Timestamp, _ now: Timestamp) {
        state = .awaitingApproval
        timer = Timer(kind: .approval, due: min(now.adding(seconds: Self.approvalTime), end))
    }

    mutating func schedule(_ now: Timestamp) -> [Effect] {
        state = .scheduled
        reason = nil
        if let emergency {
            let end = now.adding(seconds: emergency.lifetime)
            endsAt = min(end, endsAt ?? end)
        }
        timer = Timer(kind: .start, due: max(now, startsAt ?? now))
        return [.signRelease]
    }

    /// Enters the state that the clock says: before the window `scheduled`, in it `running`; without a signature neither
    /// offers anything, and the release is asked for again.
    mutating func begin(_ now: Timestamp, afterHaltBy person: String? = nil) -> [Effect] {
        if let startsAt, now < startsAt {
            state = .scheduled
            timer = Timer(kind: .start, due: startsAt)
        } else if isSigned {
            state = .running
            if timer?.kind != .tail { timer = runTimer(now) }
            return runRings(now, afterHaltBy: person)
        } else if let endsAt, now >= endsAt {
            state = .scheduled
            timer = Timer(kind: .end, due: endsAt)
        } else {
            state = .scheduled
            timer = Timer(kind: .start, due: now.adding(seconds: Self.signingRetry))
        }
        return []
    }
}
