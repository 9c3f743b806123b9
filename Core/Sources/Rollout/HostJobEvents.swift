public import JSON
public import Timestamps

extension HostJob {
    /// What can happen to a job on the server.
    public enum Event: Hashable, Sendable {
        /// It is put into the host's desired state.
        case offer(Window)
        /// A permit was taken in this transaction; the fence is one more than the host's last.
        /// In a ring it joins that batch.
        case grant(fence: Int64, batch: Int64? = nil)
        /// The agent asks again for a grant that was signed but did not arrive.
        case claimAgain
        /// The agent is about to change the host and asks whether it still may; the campaign runs.
        case confirm(fence: Int64)
        /// The next record of the agent's journal, or one that is known.
        case entry(JobEntry)
        /// The reboot that was missing is done, and a scan after it shows the goal and the checks pass.
        case rebootProven
        /// Somebody, or a halt, asks for its end.
        case cancel(by: String, reason: String)
        /// Another job takes its place.
        case supersede(by: String)
        /// A person answers for a job that does not end.
        case writeOff(by: String, reason: String)
        /// The host is no more.
        case decommission
        /// The pending timer fired.
        case timer(TimerKind)

        /// The event's stable word, for the audit log.
        public var word: String {
            switch self {
            case .offer: "offer"
            case .grant: "grant"
            case .claimAgain: "claim-again"
            case .confirm: "confirm"
            case .entry(let entry): "entry-\(entry.phase.rawValue)"
            case .rebootProven: "reboot-proven"
            case .cancel: "cancel"
            case .supersede: "supersede"
            case .writeOff: "write-off"
            case .decommission: "decommission"
            case .timer(let kind): "timer-\(kind.rawValue)"
            }
        }
    }

    /// What is to be done after an event, with the state in one transaction.
    public enum Effect: Hashable, Sendable {
        /// Write this audit record: exactly one for each event that changed the state.
        case audit(String, JSONValue)
        /// Keep this record of the journal.
        case record(JobEntry)
        /// Replace the job's timer.
        case setTimer(TimerKind, Timestamp)
        /// Remove it.
        case cancelTimer
        /// Sign a grant with this fence and answer with it.
        case signGrant(fence: Int64)
        /// Sign a ticket that ends then and answer with it.
        case signTicket(expires: Timestamp)
        /// The permit's row changed to this state.
        case permit(Permit.State)
        /// The offer in the host's desired state changed or went: give it a new version.
        case offerChanged
        /// A person is needed; why.
        case alert(String)
    }

    /// Takes an event: changes the state and returns what is to be done.
    ///
    /// A record that is known already changes nothing and returns no effect, so that a message may arrive twice.
    /// - Throws: ``TransitionError`` when the event does not fit; nothing has changed then.
    public mutating func handle(_ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        var next = self
        var detail: [String: JSONValue] = [:]
        var effects = try next.take(event, now: now, detail: &detail)
        if next == self, effects.isEmpty { return [] }
        if next.permit != permit, let permit = next.permit { effects.append(.permit(permit.state)) }
        if next.timer != timer {
            effects.append(next.timer.map { .setTimer($0.kind, $0.due) } ?? .cancelTimer)
        }
        detail["job"] = .string(id)
        detail["from"] = .string(state.word)
        detail["to"] = .string(next.state.word)
        if let phase = next.state.phase { detail["phase"] = .string(phase.rawValue) }
        self = next
        return [.audit("job.\(event.word)", .object(detail))] + effects
    }

    private mutating func take(
        _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        switch event {
        case .offer(let window):
            guard state == .planned else { throw unknown(event) }
            self.window = window
            state = .offered
            timer = Timer(kind: .start, due: window.lastSafeStart.adding(seconds: JobTimeouts.skew))
            return [.offerChanged]
        case .grant(let fence, let batch):
            guard state == .offered, let window else { throw unknown(event) }
            guard !isCancelRequested, now >= window.notBefore, now <= window.lastSafeStart, fence > (self.fence ?? 0)
            else {
                throw refusal(.guardFailed, event, "it is outside its window, cancelled, or its fence is not newer")
            }
            detail["fence"] = .integer(fence)
            self.fence = fence
            self.batch = batch
            if let batch { detail["batch"] = .integer(batch) }
            permit = Permit()
            state = .granted
            timer = Timer(kind: .window, due: window.notAfter.adding(seconds: JobTimeouts.skew))
            return [.signGrant(fence: fence)]
        case .claimAgain:
            guard state == .granted || state == .accepted, let fence else { throw unknown(event) }
            guard ticketExpires == nil, !isCancelRequested else {
                throw refusal(.guardFailed, event, "it has a ticket, or its end was asked for")
            }
            return [.signGrant(fence: fence)]
        case .confirm(let fence): return try confirm(event, fence: fence, now: now, detail: &detail)
        case .entry(let entry): return try take(entry, event, now: now, detail: &detail)
        case .rebootProven:
            guard state == .awaitingReboot else { throw unknown(event) }
            end(.terminal(.succeeded))
            return []
        case .cancel(let by, let reason):
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            switch state {
            case .planned, .offered: end(.terminal(.cancelled))
            case .granted, .accepted, .running, .suspect:
                // Without a ticket nothing has begun; with one the agent is asked, and answers by its journal.
                if ticketExpires == nil, !hasMutated {
                    try permit?.handle(.proven)
                    end(.terminal(.cancelled))
                } else if isCancelRequested {
                    throw refusal(.guardFailed, event, "its end was asked for already; the agent has the word")
                }
            default: throw unknown(event)
            }
            isCancelRequested = true
            return [.offerChanged]
        case .supersede(let by):
            switch state {
            case .planned, .offered: break
            case .granted, .accepted, .running:
                // Nothing has begun without a ticket; with one it is left to its end.
                guard ticketExpires == nil, !hasMutated else {
                    throw refusal(.guardFailed, event, "it has a ticket and may have begun; wait for its end")
                }
                try permit?.handle(.proven)
                isCancelRequested = true
            default: throw unknown(event)
            }
            detail["by"] = .string(by)
            end(.superseded)
            return [.offerChanged]
        case .writeOff(let by, let reason):
            (detail["by"], detail["reason"]) = (.string(by), .string(reason))
            if state.isTerminal {
                guard permit?.state.isCounted == true else { throw unknown(event) }
            } else {
                // Of a host that still speaks nobody may say that it is given up: it is at work, and its place is taken.
                guard case .suspect = state else {
                    throw refusal(
                        .guardFailed, event, "the host is not silent; wait for its word, or halt the campaign")
                }
                end(.writtenOff)
            }
            if permit?.state.isCounted == true { try permit?.handle(.writeOff(by: by, reason: reason)) }
            return [.offerChanged]
        case .decommission:
            if state.isTerminal {
                guard permit?.state.isCounted == true else { throw unknown(event) }
            } else {
                end(permit == nil ? .terminal(.cancelled) : .writtenOff)
            }
            if permit?.state.isCounted == true { try permit?.handle(.decommission) }
            return [.offerChanged]
        case .timer(let kind): return try fire(kind, event, now: now, detail: &detail)
        }
    }

    private mutating func confirm(
        _ event: Event, fence: Int64, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        guard state.isInFlight || state.phase != nil, let window, !hasMutated else { throw unknown(event) }
        guard fence == self.fence, !isCancelRequested, now >= window.notBefore, now <= window.lastSafeStart else {
            throw refusal(
                .guardFailed, event, "its end was asked for, its last safe start has passed, or it has another fence")
        }
        let expires = min(now.adding(seconds: 900), window.notAfter)
        detail["expires"] = .string(expires.description)
        ticketExpires = expires
        if case .suspect(let phase) = state {
            try permit?.handle(.heardAgain)
            state = .running(phase)
        }
        timer = Timer(kind: .phase, due: max(expires, now.adding(seconds: timeouts.timeout(lastPhase ?? .confirm))))
        return [.signTicket(expires: expires)]
    }

    private mutating func fire(
        _ kind: TimerKind, _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        guard let timer, timer.kind == kind else {
            throw refusal(.unknownTransition, event, "no such timer is pending; it was replaced or has fired")
        }
        guard timer.due <= now else { throw refusal(.guardFailed, event, "the timer is due at \(timer.due)") }
        switch (kind, state) {
        case (.start, .offered):
            end(.terminal(.expired))
            return [.offerChanged]
        case (.window, .granted), (.window, .accepted), (.window, .running):
            // No ticket was issued: the host cannot have begun.
            guard ticketExpires == nil, !hasMutated else { return try suspect() }
            try permit?.handle(.proven)
            end(.terminal(.expired))
            return [.offerChanged]
        case (.phase, .granted), (.phase, .accepted), (.phase, .running): return try suspect()
        case (.lost, .suspect):
            end(.lost)
            return [.offerChanged, .alert("the host has been silent for 72 hours in the middle of its job")]
        case (.reboot, .awaitingReboot):
            end(.terminal(.installedRebootPending))
            return [.alert("the packages are in, and the reboot that they need was not done in 72 hours")]
        default: throw refusal(.unknownTransition, event, "this state has no such timer")
        }
    }

    private mutating func suspect() throws(TransitionError) -> [Effect] {
        func setTimer(_ job: inout HostJob) {
            let from = job.timer?.due ?? Timestamp(milliseconds: 0)
            job.timer = Timer(kind: .lost, due: from.adding(seconds: JobTimeouts.lost))
        }
        try permit?.handle(.silent)
        state = .suspect(lastPhase ?? .received)
        setTimer(&self)
        return [.alert("the host is silent past its deadline; its permit stays counted")]
    }

    /// Ends the job: no timer, and no way out.
    mutating func end(_ state: State) {
        self.state = state
        timer = nil
    }

    func unknown(_ event: Event) -> TransitionError {
        refusal(.unknownTransition, event, "a job in this state does not take it; nothing was changed")
    }
}
