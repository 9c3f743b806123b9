import Digest
import JSON
import Timestamps

/// What a ring knows of its campaign when it takes an event.
struct RingContext {
    /// The approved plan.
    var plan: SHA256Digest?
    /// Whether the campaign runs: only then a ring opens.
    var isRunning: Bool
    /// How long it soaks here.
    var soak: Int64
    /// Whether that person had a hand in the plan, and so may not let it through.
    var isAuthor: (String) -> Bool
    var now: Timestamp
}

/// The reducer of one ring. What follows for the campaign and the next ring is the campaign's.
extension Ring {
    mutating func take(
        _ event: Event, _ context: RingContext, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        let now = context.now
        switch event {
        case .promoted(let plan, let failures, let tried):
            try require([.armed], event)
            try check(plan == context.plan, event, "another release than the approved plan's was promoted")
            (isPromoted, baselineFailures, baselineTried) = (true, max(0, failures), max(0, tried))
            detail["baseline"] = .string("\(failures) of \(tried)")
            return openIfReady(context)
        case .approve(let by):
            // Not before it is its turn: an approval is given to what the rings before it have shown.
            try require([.armed], event)
            detail["by"] = .string(by)
            try check(rules.approvals > 0, event, "this ring needs nobody's approval")
            try check(
                Int64(approvals.count) < rules.approvals, event,
                "it has the approvals that it needs, and waits for its release to be promoted")
            try check(!context.isAuthor(by), event, "the author of a plan cannot let its rings open; ask somebody else")
            try check(!approvals.contains { $0.person == by }, event, "\(by) has approved it already")
            approvals.append(.init(person: by, time: now))
            return openIfReady(context)
        case .hold(let hold):
            try require([.pending, .armed, .open, .held], event)
            try check(hold != .pause && hold != .halt, event, "pause or halt the campaign instead")
            detail["hold"] = .string(hold.rawValue)
            add(hold)
            return hold == .suspects
                ? [.alert("so many hosts of ring \(rules.name) are silent that nothing more is granted")] : []
        case .unhold(let hold):
            try check(holds.contains(hold), event, "it is not held for that")
            try check(hold != .pause && hold != .halt, event, "resume the campaign instead")
            detail["hold"] = .string(hold.rawValue)
            remove(hold)
            return []
        case .exhausted:
            try require([.open], event)
            drain()
            return [.withdrawOffers]
        case .drained:
            try require([.draining], event)
            state = .soaking
            soakingSince = now
            timer = Timer(kind: .soak, due: now.adding(seconds: context.soak))
            return []
        case .judged(let judgement): return try judge(judgement, event, context, detail: &detail)
        case .promote(let by, let reason):
            try require([.deciding, .needsDecision], event)
            try decide(by, reason, event, context, detail: &detail)
            pass(by: by, reason, .go, context)
            return []
        case .refuse(let by, let reason):
            try require([.deciding, .needsDecision], event)
            try check(!reason.isEmpty, event, "say why: whoever reads it at night needs it")
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            pass(by: by, reason, .halt, context)
            return []
        case .withdraw(let by, let reason):
            try require([.passed], event)
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            try check(!isWithdrawn, event, "its go was taken back already")
            isWithdrawn = true
            return []
        case .timer(let kind):
            guard let timer, timer.kind == kind else {
                throw refusal(.unknownTransition, event, "no such timer is pending; it was replaced or has fired")
            }
            try check(timer.due <= now, event, "the timer is due at \(timer.due)")
            self.timer = nil
            switch (kind, state) {
            case (.cutoff, .open), (.cutoff, .held):
                holds = []
                drain()
                return [.withdrawOffers]
            case (.soak, .soaking):
                state = .deciding
                return [.judge]
            case (.decision, .needsDecision):
                pass(by: nil, "nobody has decided on ring \(rules.name) in 72 hours: that is a no", .halt, context)
                return []
            default: throw refusal(.unknownTransition, event, "this state has no such timer")
            }
        }
    }

    private mutating func judge(
        _ judgement: RingJudgement, _ event: Event, _ context: RingContext, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        var judgement = judgement.bounded
        detail["judgement"] = judgement.json
        try check(judgement.person == nil, event, "a person promotes or refuses; that is no judgement of the gate")
        try check(judgement.plan == context.plan, event, "it judges another plan than the current one; ask again")
        switch judgement.decision {
        case .halt:
            try require([.open, .held, .draining, .soaking, .deciding, .needsDecision, .passed], event)
            if isAccepted(judgement) {
                let why = "these \(acceptedFailures) failures were accepted by people when they let it go on"
                // Its gate was asked: a refusal would leave it waiting for ever, and a go is not what the figures say.
                guard state == .deciding else { throw refusal(.guardFailed, event, why) }
                judgement.decision = .inconclusive
                judgement.reasons = [why] + judgement.reasons.prefix(15)
                return askPerson(judgement, context)
            }
            if state == .passed {
                try check(!isWithdrawn, event, "its go was taken back already")
                isWithdrawn = true
            } else {
                // What else it was held for is not over with that.
                (state, timer) = (.failed, nil)
            }
            self.judgement = judgement
            return []
        case .go:
            try require([.deciding, .needsDecision], event)
            try check(judgement.counts.closedTried > 0, event, "it counts no host of a closed batch")
            self.judgement = judgement
            (state, timer, isWithdrawn) = (.passed, nil, false)
            return []
        case .inconclusive:
            try require([.deciding], event)
            return askPerson(judgement, context)
        }
    }

    private mutating func askPerson(_ judgement: RingJudgement, _ context: RingContext) -> [Effect] {
        self.judgement = judgement
        state = .needsDecision
        timer = Timer(kind: .decision, due: context.now.adding(seconds: Self.decisionTime))
        return [.alert("ring \(rules.name) needs a decision: \(judgement.sentence)")]
    }

    /// Whether nothing supports a halt but what people accepted when they let the ring go on.
    private func isAccepted(_ judgement: RingJudgement) -> Bool {
        guard acceptedFailures > 0 || acceptedBroken > 0 || !acceptedTripwires.isEmpty else { return false }
        return judgement.counts.failures <= acceptedFailures && judgement.counts.broken <= acceptedBroken
            && judgement.tripwires.allSatisfy(acceptedTripwires.contains)
    }

    /// The failures of its last look are accepted.
    private mutating func accept() {
        guard let judgement else { return }
        acceptedFailures = max(acceptedFailures, judgement.counts.failures)
        acceptedBroken = max(acceptedBroken, judgement.counts.broken)
        let words = Set(acceptedTripwires).union(judgement.tripwires)
        acceptedTripwires = Array(words.sorted().prefix(Self.maximumTripwires))
    }

    private func decide(
        _ by: String, _ reason: String, _ event: Event, _ context: RingContext, detail: inout [String: JSONValue]
    ) throws(TransitionError) {
        (detail["by"], detail["reason"]) = (.string(by), .string(reason))
        try check(!reason.isEmpty, event, "a promotion against the figures needs a reason")
        try check(!context.isAuthor(by), event, "the author of a plan cannot promote its rings; ask somebody else")
        try check(context.plan != nil, event, "there is no approved plan")
    }

    /// A person, or nobody in time, has decided: the figures of the last look stay on record beside it.
    private mutating func pass(
        by person: String?, _ reason: String, _ decision: RingJudgement.Decision, _ context: RingContext
    ) {
        if let plan = context.plan {
            var last = judgement ?? RingJudgement(decision: decision, plan: plan, time: context.now, reasons: [])
            last.decision = decision
            last.reasons = [reason] + last.reasons.prefix(15)
            (last.time, last.person) = (context.now, person)
            judgement = last.bounded
        }
        (state, timer, isWithdrawn) = (decision == .go ? .passed : .failed, nil, false)
    }

    /// The ring before it has passed.
    mutating func arm() -> [Effect] {
        guard state == .pending else { return [] }
        if rules.size == 0 {
            state = .skipped
            return []
        }
        state = .armed
        return [.promote]
    }

    /// Opens where nothing is missing.
    mutating func openIfReady(_ context: RingContext) -> [Effect] {
        guard state == .armed, isPromoted, context.isRunning, Int64(approvals.count) >= rules.approvals else {
            return []
        }
        state = holds.isEmpty ? .open : .held
        openedAt = openedAt ?? context.now
        timer = Timer(kind: .cutoff, due: context.now.adding(seconds: rules.cutoff))
        return [.offerJobs]
    }

    mutating func add(_ hold: Hold) {
        if !holds.contains(hold) { holds = (holds + [hold]).sorted() }
        if state == .open { state = .held }
    }

    mutating func remove(_ hold: Hold) {
        holds.removeAll { $0 == hold }
        if holds.isEmpty, state == .held { state = .open }
    }

    private mutating func drain() {
        state = .draining
        timer = nil
    }

    /// The campaign was halted: nobody of it gets a grant, and its soak begins anew when it goes on.
    mutating func halt() {
        guard state.isActive else { return }
        state = .held
        timer = nil
        soakingSince = nil
        add(.halt)
    }

    /// The campaign goes on: after a halt, whose failures that person accepted.
    mutating func goOn(_ context: RingContext, by person: String?) -> [Effect] {
        if state == .passed, isWithdrawn {
            accept()
            // The go is given again; the halt's reasons and figures stay on record beside it.
            pass(by: person, "\(person ?? "the organisation") let it go on after its go was taken back", .go, context)
            return []
        }
        guard state == .failed || holds.contains(.halt) else { return openIfReady(context) }
        accept()
        if state == .failed { state = .held }
        remove(.halt)
        if holds.isEmpty { state = .open }
        timer = Timer(kind: .cutoff, due: context.now.adding(seconds: rules.cutoff))
        return [.offerJobs]
    }
}
