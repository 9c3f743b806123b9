public import Digest
public import JSON
public import Timestamps

extension Campaign {
    /// What can happen to a campaign. `by` names a person, or `system`.
    public enum Event: Hashable, Sendable {
        /// The author wants packages and hosts resolved.
        case submit(by: String)
        /// They are: the plan's digest, the earliest start and the latest end of a host's window; where there are several
        /// rings, these, and the kinds of hosts of which the first has none.
        case resolved(
            plan: SHA256Digest, startsAt: Timestamp, endsAt: Timestamp, rings: [RingRules] = [],
            untested: [String] = [])
        /// They are not.
        case unresolvable(reason: String)
        /// A person changes the draft itself; they may not approve what comes of it.
        case change(by: String)
        /// Back to a draft; approvals are void.
        case edit(by: String)
        /// A person says yes to the plan of this digest.
        case approve(by: String, plan: SHA256Digest)
        /// A person releases the plan where the organisation asks for no approval.
        case releaseUnapproved(by: String, plan: SHA256Digest)
        /// A person says no.
        case deny(by: String, reason: String)
        /// The signer has signed the release.
        case releaseSigned
        /// The signer has refused or failed; it is asked again when the start timer fires.
        case signingFailed(reason: String)
        /// The signer will never accept the approvals: the same plan has to be approved anew, as the next epoch's of that digest,
        /// by as many as the signer asks for where that is more.
        case approvalRefused(plan: SHA256Digest, reason: String, required: Int64 = 0)
        /// No new permits for now.
        case pause(by: String, reason: String)
        /// Go on after a pause, or one person's yes to going on after a halt, whose reason it must repeat; so many hosts are
        /// not well, and are accepted with it.
        case resume(by: String, haltReason: String?, unwell: Int64 = 0)
        /// Stop: a person, or `system` when suspects or failures are too many.
        case halt(by: String, reason: String)
        /// No job is in flight any more: each has ended or is suspect.
        case drained
        /// Every job has ended (or waits for a reboot): how many, and how many of them never began.
        case settled(jobs: Int64, neverStarted: Int64)
        /// Every host was scanned again; how many did not succeed or are not at the goal.
        case verified(exceptions: Int64)
        /// A person wants the changed hosts back: of a campaign that was stopped, or has ended.
        case rollBack(by: String, reason: String)
        /// The signer has signed the release that only takes hosts back.
        case rollbackSigned
        /// It never will.
        case rollbackRefused(reason: String)
        /// Every host that was to go back has ended; how many are not back.
        case rollbackSettled(failed: Int64)
        /// A person closes a halted campaign as failed.
        case close(by: String)
        /// A person takes the whole back.
        case cancel(by: String, reason: String)
        /// Another campaign takes its place: as a cancel, and on record as what it is.
        case supersede(by: String, campaign: String)
        /// Something happened to a ring, by its index.
        case ring(Int, Ring.Event)
        /// The pending timer fired.
        case timer(TimerKind)

        /// The event's stable word, for the audit log.
        public var word: String {
            switch self {
            case .submit: "submit"
            case .resolved: "resolved"
            case .unresolvable: "unresolvable"
            case .change: "change"
            case .edit: "edit"
            case .approve: "approve"
            case .releaseUnapproved: "release-unapproved"
            case .deny: "deny"
            case .releaseSigned: "release-signed"
            case .signingFailed: "signing-failed"
            case .approvalRefused: "approval-refused"
            case .pause: "pause"
            case .resume: "resume"
            case .halt: "halt"
            case .drained: "drained"
            case .settled: "settled"
            case .verified: "verified"
            case .rollBack: "roll-back"
            case .rollbackSigned: "rollback-signed"
            case .rollbackRefused: "rollback-refused"
            case .rollbackSettled: "rollback-settled"
            case .close: "close"
            case .cancel: "cancel"
            case .supersede: "supersede"
            case .ring(_, let event): "ring-\(event.word)"
            case .timer(let kind): "timer-\(kind.rawValue)"
            }
        }
    }

    /// What is to be done after an event, in this order; with the state in one transaction, or through the outbox.
    public enum Effect: Hashable, Sendable {
        /// Write this audit record: exactly one for each event taken.
        case audit(String, JSONValue)
        /// Replace the campaign's timer.
        case setTimer(TimerKind, Timestamp)
        /// Remove it.
        case cancelTimer
        /// Resolve packages and hosts; answer with `resolved` or `unresolvable`.
        case resolve
        /// Have the release signed; answer with `releaseSigned` or `signingFailed`.
        case signRelease
        /// Give every planned host its job, and a new attempt to those whose job a halt took back.
        case offerJobs
        /// Take back every job that has no permit.
        case withdrawOffers
        /// Send `cancel` to every job that has not passed the point of no return.
        case revokeUnstarted
        /// Have a release signed that only takes hosts back; answer with `rollbackSigned`, `rollbackRefused` or `signingFailed`.
        case signRollback
        /// Give every changed host a rollback job.
        case offerRollbacks
        /// Compare the hosts' next scans with the goal; answer with `verified`.
        case verifyHosts
        /// Of the ring of that index: what it needs. In a campaign of several rings `offerJobs` comes from its rings alone.
        case ring(Int, Ring.Effect)
        /// Give every host that was away during its ring a new attempt, under its ring's budget.
        case offerTail
    }

    /// Takes an event: changes the state and returns what is to be done.
    /// - Throws: ``TransitionError`` when the event does not fit the state; nothing has changed then.
    public mutating func handle(_ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        var next = self
        let from = state
        var detail: [String: JSONValue] = [:]
        var effects = try next.take(event, now: now, detail: &detail)
        detail["from"] = .string(from.rawValue)
        detail["to"] = .string(next.state.rawValue)
        if next.timer != timer {
            effects.append(next.timer.map { .setTimer($0.kind, $0.due) } ?? .cancelTimer)
        }
        if next.state.isTerminal { next.quietRings() }
        if let moves = next.moves(of: &effects, since: rings) { detail["rings"] = moves }
        self = next
        return [.audit("campaign.\(event.word)", .object(detail))] + effects
    }

    /// What became of the rings: for the audit record, and their timers as effects.
    private func moves(of effects: inout [Effect], since before: [Ring]) -> JSONValue? {
        var moves: [JSONValue] = []
        for (index, ring) in rings.enumerated() {
            let old = before.indices.contains(index) ? before[index] : nil
            if let old, old.timer != ring.timer {
                effects.append(.ring(index, ring.timer.map { .setTimer($0.kind, $0.due) } ?? .cancelTimer))
            }
            if old?.state != ring.state {
                moves.append([
                    "ring": .string(ring.rules.name), "from": .string((old?.state ?? .pending).rawValue),
                    "to": .string(ring.state.rawValue),
                ])
            }
        }
        return moves.isEmpty ? nil : .array(moves)
    }

    private mutating func take(
        _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        switch event {
        case .submit(let by):
            try require([.draft], event)
            detail["by"] = .string(by)
            try takeOver(by, event)
            state = .freezing
            return [.resolve]
        case .resolved(let plan, let startsAt, let endsAt, let rings, let untested):
            try require([.freezing], event)
            try check(endsAt > now, event, "the window has ended already; choose a later one")
            detail["plan"] = .string(plan.hex)
            detail["approvalsRequired"] = .integer(approvalsRequired)
            try check(
                rings.count <= RingRules.maximumCount && rings.count != 1, event,
                "a campaign has up to \(RingRules.maximumCount) rings; with a single one give none")
            try check(
                Set(rings.map(\.name)).count == rings.count, event, "two rings have the same name; rename one")
            (planDigest, self.startsAt, self.endsAt) = (plan, startsAt, endsAt)
            self.rings = rings.map(Ring.init)
            untestedStrata = Array(untested.prefix(Self.maximumUntested))
            if !untested.isEmpty { detail["untested"] = .array(untestedStrata.map(JSONValue.string)) }
            reason = nil
            awaitApproval(until: endsAt, now)
            return []
        case .unresolvable(let reason):
            try require([.freezing], event)
            detail["reason"] = .string(reason)
            self.reason = reason
            state = .draft
            return []
        case .change(let by):
            try require([.draft], event)
            detail["by"] = .string(by)
            try takeOver(by, event)
            return []
        case .edit(let by):
            try require([.awaitingApproval], event)
            detail["by"] = .string(by)
            detail["void"] = .integer(Int64(approvals.count))
            (author, coauthors) = (by, [])
            epoch += 1
            (approvals, planDigest, startsAt, endsAt, timer) = ([], nil, nil, nil, nil)
            (rings, untestedStrata) = ([], [])
            state = .draft
            return []
        case .approve(let by, let plan):
            try require([.awaitingApproval], event)
            try check(plan == planDigest, event, "the approval names another plan than the current one; read it again")
            try check(
                approvalsRequired > 0, event, "the organisation asks for no approval; release the campaign instead")
            try check(!isAuthor(by), event, "the author of a plan cannot approve it; ask somebody else")
            try check(!approvals.contains { $0.person == by }, event, "\(by) has approved this plan already")
            detail["by"] = .string(by)
            detail["plan"] = .string(plan.hex)
            approvals.append(Approval(person: by, time: now))
            guard Int64(approvals.count) >= approvalsRequired else { return [] }
            return schedule(now)
        case .releaseUnapproved(let by, let plan):
            try require([.awaitingApproval], event)
            try check(plan == planDigest, event, "the release names another plan than the current one; read it again")
            try check(
                approvalsRequired == 0, event,
                "the organisation asks for \(approvalsRequired) approvals; have it approved")
            detail["by"] = .string(by)
            detail["plan"] = .string(plan.hex)
            detail["approvals"] = 0
            releasedBy = by
            return schedule(now)
        case .deny(let by, let reason):
            try require([.awaitingApproval], event)
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            self.reason = reason
            state = .rejected
            timer = nil
            return []
        case .releaseSigned:
            try require([.scheduled, .paused], event)
            guard !isSigned else { return [] }
            isSigned = true
            // The window may have begun while it was signed.
            if state == .scheduled {
                let effects = begin(now)
                return hasRings ? effects : [.offerJobs]
            }
            return hasRings ? [] : [.offerJobs]
        case .signingFailed(let reason):
            try require([.scheduled, .paused, .rollingBack], event)
            detail["reason"] = .string(reason)
            return []
        case .approvalRefused(let plan, let reason, let required):
            try require([.scheduled, .paused], event)
            try check(!isSigned, event, "its release is signed already")
            try check(plan != planDigest, event, "the plan of the next epoch has another digest")
            guard let endsAt, now < endsAt else {
                throw refusal(.guardFailed, event, "the window has ended; plan it anew")
            }
            (detail["reason"], detail["void"]) = (.string(reason), .integer(Int64(approvals.count)))
            detail["plan"] = .string(plan.hex)
            epoch += 1
            (approvals, resumeApprovals, releasedBy, planDigest) = ([], [], nil, plan)
            approvalsRequired = max(approvalsRequired, min(required, 16))
            detail["approvalsRequired"] = .integer(approvalsRequired)
            self.reason = reason
            awaitApproval(until: endsAt, now)
            return []
        case .pause(let by, let reason):
            try require([.scheduled, .running], event)
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            self.reason = reason
            state = .paused
            if timer?.kind != .tail { timer = endTimer(now) }
            for index in rings.indices where !rings[index].state.isBehind { rings[index].add(.pause) }
            return []
        case .resume(let by, let haltReason, let unwell):
            detail["by"] = .string(by)
            if state == .halted {
                detail["unwell"] = .integer(unwell)
                return try resumeHalted(event, by: by, haltReason: haltReason, unwell: unwell, now: now)
            }
            try require([.paused], event)
            reason = nil
            let effects = begin(now)
            return isSigned ? effects : [.signRelease]
        case .halt(let by, let reason):
            try require([.scheduled, .running, .paused, .verifying], event)
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            return stop(reason)
        case .drained:
            try require([.halting, .cancelling], event)
            state = state == .halting ? .halted : .cancelled
            return []
        case .settled(let jobs, let neverStarted):
            try require([.running, .paused], event)
            (detail["jobs"], detail["neverStarted"]) = (.integer(jobs), .integer(neverStarted))
            try check(
                !hasRings || isTailOpen || isPastEnd(now), event,
                "its rings are not through, and hosts of later ones have no jobs yet")
            quietRings()
            if neverStarted >= jobs {
                state = .expired
                timer = nil
                return [.withdrawOffers]
            }
            state = .verifying
            timer = Timer(kind: .verification, due: now.adding(seconds: Self.verificationTime))
            return [.verifyHosts]
        case .verified(let exceptions):
            try require([.verifying], event)
            detail["exceptions"] = .integer(exceptions)
            state = exceptions == 0 ? .completed : .completedWithExceptions
            timer = nil
            return []
        case .rollBack(let by, let reason):
            try require(State.allCases.filter(\.mayRollBack), event)
            try check(isSigned, event, "it was never released, so it has changed no host")
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            self.reason = reason
            isRollbackSigned = false
            quietRings()
            if rollbacks.count < Self.maximumRollbacks {
                let number = (rollbacks.last?.number ?? 0) + 1
                rollbacks.append(RollbackRun(number: number, by: by, reason: String(reason.prefix(1000))))
                detail["rollback"] = .integer(number)
            }
            state = .rollingBack
            timer = Timer(kind: .rollback, due: now.adding(seconds: Self.rollbackTime))
            return [.signRollback]
        case .rollbackSigned:
            try require([.rollingBack], event)
            guard !isRollbackSigned else { return [] }
            isRollbackSigned = true
            timer = Timer(kind: .rollback, due: now.adding(seconds: Self.rollbackTime))
            return [.offerRollbacks]
        case .rollbackRefused(let reason):
            try require([.rollingBack], event)
            try check(!isRollbackSigned, event, "it is signed already")
            detail["reason"] = .string(reason)
            self.reason = reason
            state = .rollbackIncomplete
            timer = nil
            return []
        case .rollbackSettled(let failed):
            try require([.rollingBack], event)
            try check(isRollbackSigned, event, "its hosts have not been asked to go back yet")
            detail["failed"] = .integer(failed)
            if let last = rollbacks.indices.last { rollbacks[last].failed = failed }
            state = failed == 0 ? .rolledBack : .rollbackIncomplete
            timer = nil
            return []
        case .close(let by):
            try require([.halted], event)
            detail["by"] = .string(by)
            state = .closedFailed
            return []
        case .cancel(let by, let reason):
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            return try cancel(event, reason)
        case .supersede(let by, let campaign):
            (detail["by"], detail["campaign"]) = (.string(by), .string(campaign))
            let effects = try cancel(event, "the campaign \(campaign) takes its place")
            supersededBy = campaign
            return effects
        case .ring(let index, let ringEvent):
            return try takeRing(index, ringEvent, event, now: now, detail: &detail)
        case .timer(let kind): return try fire(kind, event, now: now, detail: &detail)
        }
    }

    private mutating func cancel(_ event: Event, _ reason: String) throws(TransitionError) -> [Effect] {
        try check(!state.isTerminal && state != .cancelling, event, "it has ended or is being cancelled already")
        self.reason = reason
        timer = nil
        quietRings()
        switch state {
        case .draft, .freezing, .awaitingApproval:
            state = .cancelled
            return []
        default:
            state = .cancelling
            return [.withdrawOffers, .revokeUnstarted]
        }
    }

    /// Whether nothing new may begin any more: the latest end has passed.
    private func isPastEnd(_ now: Timestamp) -> Bool { endsAt.map { now >= $0 } ?? false }

    private mutating func fire(
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
            state = .rollbackIncomplete
            return [.withdrawOffers, .revokeUnstarted]
        default: throw refusal(.unknownTransition, event, "this state has no such timer")
        }
    }

    private mutating func awaitApproval(until end: Timestamp, _ now: Timestamp) {
        state = .awaitingApproval
        timer = Timer(kind: .approval, due: min(now.adding(seconds: Self.approvalTime), end))
    }

    private mutating func schedule(_ now: Timestamp) -> [Effect] {
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
    private mutating func begin(_ now: Timestamp, afterHalt: Bool = false) -> [Effect] {
        if let startsAt, now < startsAt {
            state = .scheduled
            timer = Timer(kind: .start, due: startsAt)
        } else if isSigned {
            state = .running
            timer = timer?.kind == .tail ? timer : isTailOpen ? tailTimer(now) : endTimer(now)
            return runRings(now, afterHalt: afterHalt)
        } else if let endsAt, now >= endsAt {
            state = .scheduled
            timer = Timer(kind: .end, due: endsAt)
        } else {
            state = .scheduled
            timer = Timer(kind: .start, due: now.adding(seconds: Self.signingRetry))
        }
        return []
    }

    private func tailTimer(_ now: Timestamp) -> Timer {
        let due = now.adding(seconds: Self.tailTime)
        return Timer(kind: .tail, due: min(due, endsAt ?? due))
    }

    private func endTimer(_ now: Timestamp) -> Timer? {
        endsAt.map { Timer(kind: .end, due: $0) }
    }

    private mutating func resumeHalted(
        _ event: Event, by: String, haltReason: String?, unwell: Int64, now: Timestamp
    ) throws(TransitionError) -> [Effect] {
        try check(
            haltReason == reason, event,
            "going on after a halt must name its reason (\(reason ?? "")): read it and repeat it")
        try check(
            approvalsRequired == 0 || !isAuthor(by), event, "the author of a plan cannot let it go on after a halt")
        try check(!resumeApprovals.contains { $0.person == by }, event, "\(by) has agreed already")
        try check(endsAt.map { now < $0 } ?? true, event, "the window has ended; close this campaign and plan another")
        resumeApprovals.append(Approval(person: by, time: now))
        guard Int64(resumeApprovals.count) >= max(1, approvalsRequired) else { return [] }
        reason = nil
        acceptedUnwell = unwell
        let effects = begin(now, afterHalt: true)
        if hasRings { return isSigned ? effects : [.signRelease] }
        return isSigned ? [.offerJobs] : [.signRelease]
    }

    /// Whether a person had a hand in the plan.
    private func isAuthor(_ person: String) -> Bool { person == author || coauthors.contains(person) }

    /// Makes a person the author; who was it before remains one who may not approve.
    private mutating func takeOver(_ person: String, _ event: Event) throws(TransitionError) {
        guard person != author else { return }
        coauthors.removeAll { $0 == person }
        try check(
            coauthors.count < Self.maximumCoauthors, event, "too many people have changed it; begin a new campaign")
        coauthors.append(author)
        author = person
    }

    private func require(_ states: [State], _ event: Event) throws(TransitionError) {
        guard states.contains(state) else {
            throw refusal(
                .unknownTransition, event,
                "it is taken only in \(states.map(\.rawValue).joined(separator: ", ")); nothing was changed")
        }
    }

    private func check(_ holds: Bool, _ event: Event, _ reason: String) throws(TransitionError) {
        if !holds { throw refusal(.guardFailed, event, reason) }
    }

    private func refusal(_ code: TransitionError.Code, _ event: Event, _ reason: String) -> TransitionError {
        TransitionError(code, machine: "campaign", state: state.rawValue, event: event.word, reason: reason)
    }
}
