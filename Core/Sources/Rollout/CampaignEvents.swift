import Digest
import JSON
public import Timestamps

/// The reducer of a campaign.
extension Campaign {
    /// Takes an event: changes the state and returns what is to be done.
    /// - Throws: ``TransitionError`` when the event does not fit the state; nothing has changed then.
    public mutating func handle(_ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        try check(
            (event.person?.utf8.count ?? 0) <= Self.maximumName, event,
            "a person's name has at most \(Self.maximumName) bytes")
        var next = self
        let from = state
        var detail: [String: JSONValue] = [:]
        let effects = try next.take(event, now: now, detail: &detail)
        detail["from"] = .string(from.rawValue)
        detail["to"] = .string(next.state.rawValue)
        next.reason = next.reason?.kept(bytes: Self.maximumReason)
        // Timers come first: a shell that answers another effect at once may set one anew.
        var timers: [Effect] = []
        if next.timer != timer {
            timers.append(next.timer.map { .setTimer($0.kind, $0.due) } ?? .cancelTimer)
        }
        if next.state.isTerminal { next.quietRings() }
        if let moves = next.moves(of: &timers, since: rings) { detail["rings"] = moves }
        self = next
        return [.audit("campaign.\(event.word)", .object(detail))] + timers + effects
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
            try check(
                rings.allSatisfy { 1...RingRules.maximumName ~= $0.name.utf8.count }, event,
                "a ring's name has 1 to \(RingRules.maximumName) bytes; rename it")
            (planDigest, self.startsAt, self.endsAt) = (plan, startsAt, endsAt)
            self.rings = rings.map { Ring($0.bounded) }
            untestedStrata = untested.prefix(Self.maximumUntested).map { $0.kept(bytes: Self.maximumStratum) }
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
            approvalsRequired = max(approvalsRequired, min(required, Self.maximumApprovals))
            for index in rings.indices { rings[index].approvals = [] }
            detail["approvalsRequired"] = .integer(approvalsRequired)
            self.reason = reason
            awaitApproval(until: endsAt, now)
            return []
        case .pause(let by, let reason):
            try require([.scheduled, .running], event)
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            self.reason = reason
            state = .paused
            if timer?.kind != .tail { timer = runTimer(now) }
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
            if hasRings, !isTailOpen {
                // Some rings were never tried: that is no success, however well the others went.
                let name = currentRing.map { rings[$0].rules.name } ?? ""
                reason = "its time ran out before ring \(name) had passed"
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
            if !mayRollBack { try require(State.allCases.filter(\.mayRollBack), event) }
            try check(isSigned, event, "it was never released, so it has changed no host")
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            self.reason = reason
            isRollbackSigned = false
            quietRings()
            let number = (rollbacks.last?.number ?? 0) + 1
            rollbacks.append(RollbackRun(number: number, by: by, reason: reason.kept(bytes: Self.maximumReason)))
            // The oldest goes: what is under way must be on record.
            if rollbacks.count > Self.maximumRollbacks { rollbacks.removeFirst() }
            detail["rollback"] = .integer(number)
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
            endRollback(.refused)
            state = .rollbackIncomplete
            timer = nil
            return []
        case .rollbackSettled(let failed):
            try require([.rollingBack], event)
            try check(isRollbackSigned, event, "its hosts have not been asked to go back yet")
            detail["failed"] = .integer(failed)
            endRollback(.settled, failed: max(0, failed))
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
            try check(
                1...Self.maximumIdentifier ~= campaign.utf8.count, event,
                "the name of a campaign has 1 to \(Self.maximumIdentifier) bytes")
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
        if state == .rollingBack { endRollback(.cancelled) }
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
        acceptedUnwell = max(0, unwell)
        let effects = begin(now, afterHaltBy: by)
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
}
