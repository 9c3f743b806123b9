import JSON
public import Timestamps

/// A campaign of several rings: what its state and its rings mean for each other. One with a single ring has none in
/// ``Campaign/rings``, and nothing here is about it.
extension Campaign {
    /// A way back: a child of the campaign, with permits of its own and the broken hosts first.
    public struct RollbackRun: Hashable, Sendable {
        /// Which, from 1 on.
        public var number: Int64
        /// Who wanted it.
        public var by: String
        /// Why.
        public var reason: String
        /// How many hosts are not back; nil while it runs, and where nobody counted.
        public var failed: Int64?
        /// How it ended; nil while it runs.
        public var end: End?

        /// How a way back ended.
        public enum End: String, CaseIterable, Sendable {
            /// Every host that was to go back has ended: ``failed`` says how many are not back.
            case settled
            /// The signer did not sign it: nothing was taken back.
            case refused
            /// Its time ran out.
            case late
            /// A person took it back.
            case cancelled
        }

        /// The group that its permits count in, in place of the campaign's.
        public func permitGroup(campaign: String) -> String { "\(campaign)/rollback-\(number)" }

        /// The order in which hosts go back: those that are not well first, then by their order.
        public static func order(_ hosts: [(host: String, state: HostJob.State)]) -> [String] {
            hosts.filter { $0.state.isUnwell }.map(\.host) + hosts.filter { !$0.state.isUnwell }.map(\.host)
        }
    }

    /// Whether it has several rings.
    public var hasRings: Bool { !rings.isEmpty }

    /// Whether every ring has passed or has no hosts.
    public var allRingsBehind: Bool { rings.allSatisfy(\.state.isBehind) }

    /// Whether a host of that ring may be given a permit now; `ring` is nil in a campaign without rings, and for the way back.
    /// A tail host counts as one of its ring, once the tail is open.
    public func mayGrant(ring: Int?, now: Timestamp) -> Bool {
        guard state.mayGrant else { return false }
        if state == .rollingBack { return isRollbackSigned }
        if emergency != nil, let endsAt, now >= endsAt { return false }
        guard hasRings else { return true }
        guard let ring, rings.indices.contains(ring) else { return false }
        if rings[ring].state == .open { return rings[..<ring].allSatisfy { $0.state == .skipped || $0.isGo } }
        return isTailOpen && !isTailOver(now) && rings[ring].state == .passed
            && rings.allSatisfy { $0.state == .skipped || $0.isGo }
    }

    /// What an emergency's grants carry; nil where it is none, or not approved.
    public var emergencyClause: EmergencyClause? {
        guard let emergency, let endsAt, Int64(approvals.count) >= emergency.approvers else { return nil }
        return EmergencyClause(
            approvers: approvals.map(\.person), reason: emergency.reason, expires: endsAt, bypass: emergency.bypass)
    }

    /// The first ring that has not passed; nil when all have.
    public var currentRing: Int? { rings.firstIndex { !$0.state.isBehind } }

    func context(_ now: Timestamp) -> RingContext {
        RingContext(plan: planDigest, isRunning: state == .running, soak: 0, isAuthor: isBarred, now: now)
    }

    /// Whether a person may not let rings through; where the organisation asks for no approval everybody may.
    private func isBarred(_ person: String) -> Bool {
        approvalsRequired > 0 && (person == author || coauthors.contains(person))
    }

    mutating func takeRing(
        _ index: Int, _ ringEvent: Ring.Event, _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        try check(rings.indices.contains(index), event, "it has no ring \(index + 1)")
        let isLate: Bool
        switch ringEvent {
        case .withdraw: isLate = true
        case .judged(let judgement): isLate = judgement.decision == .halt
        default: isLate = false
        }
        let states: [State] = isLate ? [.running, .paused, .verifying] : [.running, .paused]
        guard states.contains(state) else {
            throw refusal(
                .unknownTransition, event, "its rings move only while it runs; nothing was changed")
        }
        detail["ring"] = .string(rings[index].rules.name)
        var context = context(now)
        context.soak = emergency?.soak(rings[index].rules, isLast: isLast(index)) ?? rings[index].rules.soak
        let before = rings[index].state
        var effects = try rings[index].take(ringEvent, context, detail: &detail).map { Effect.ring(index, $0) }
        let ring = rings[index]
        if ring.state == .failed && before != .failed || ring.isWithdrawn {
            // What halted it is said once, and on the campaign.
            let why = ring.judgement?.reasons.first ?? detail["reason"]?.string ?? "ring \(ring.rules.name) failed"
            let text: String
            if case .withdraw(_, let said) = ringEvent { text = said } else { text = why }
            return effects + stop("ring \(ring.rules.name): \(text)")
        }
        if ring.state == .passed && before != .passed { effects += armNext(now) }
        return effects
    }

    /// Whether no ring after it has hosts.
    private func isLast(_ index: Int) -> Bool { rings[(index + 1)...].allSatisfy { $0.rules.size == 0 } }

    /// Whether hosts that were away have had their time.
    func isTailOver(_ now: Timestamp) -> Bool { tailEndsAt.map { now >= $0 } ?? false }

    /// What it waits for while it runs or is paused.
    func runTimer(_ now: Timestamp) -> Timer? {
        if isTailOpen, let tailEndsAt, now < tailEndsAt { return Timer(kind: .tail, due: tailEndsAt) }
        return endsAt.map { Timer(kind: .end, due: $0) }
    }

    /// The last way back has come to an end.
    mutating func endRollback(_ end: RollbackRun.End, failed: Int64? = nil) {
        guard let last = rollbacks.indices.last, rollbacks[last].end == nil else { return }
        (rollbacks[last].end, rollbacks[last].failed) = (end, failed)
    }

    /// Halts the campaign: what the reducer does on a halt of its own.
    mutating func stop(_ reason: String) -> [Effect] {
        self.reason = reason
        halts += 1
        resumeApprovals = []
        state = .halting
        timer = nil
        for index in rings.indices { rings[index].halt() }
        return [.withdrawOffers, .revokeUnstarted]
    }

    /// Arms the first ring that is not behind; opens the tail after the last one.
    mutating func armNext(_ now: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        while let index = currentRing, rings[index].state == .pending {
            effects += rings[index].arm().map { .ring(index, $0) }
        }
        if hasRings, currentRing == nil, !isTailOpen {
            isTailOpen = true
            let due = now.adding(seconds: Self.tailTime)
            tailEndsAt = min(due, endsAt ?? due)
            timer = Timer(kind: .tail, due: tailEndsAt ?? due)
            effects.append(.offerTail)
        }
        return effects
    }

    /// It runs, for the first time or again.
    mutating func runRings(_ now: Timestamp, afterHaltBy person: String?) -> [Effect] {
        guard hasRings else { return [] }
        var effects: [Effect] = []
        for index in rings.indices {
            rings[index].remove(.pause)
            let context = context(now)
            effects += rings[index].goOn(context, by: person).map { .ring(index, $0) }
        }
        let wasTailOpen = isTailOpen
        effects += armNext(now)
        if person != nil, wasTailOpen, !isTailOver(now) { effects.append(.offerTail) }
        return effects
    }

    /// It does not run any more: its rings wait for nothing.
    mutating func quietRings() {
        for index in rings.indices { rings[index].timer = nil }
    }

    /// How many failures the last looks of all rings counted.
    var judgedFailures: Int64 { rings.reduce(0) { $0 + ($1.judgement?.counts.failures ?? 0) } }
}
