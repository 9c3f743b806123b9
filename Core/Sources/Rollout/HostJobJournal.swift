import JSON
import Timestamps

/// How the agent's journal drives a job on the server: one record at a time, each naming the one before by its digest.
extension HostJob {
    mutating func take(
        _ entry: JobEntry, _ event: Event, now: Timestamp, detail: inout [String: JSONValue]
    ) throws(TransitionError) -> [Effect] {
        guard entry.job == id, state != .planned else { throw unknown(event) }
        if entry.ordinal < expectedEntry {
            guard entry.ordinal < expectedEntry - 1 || entry.digest == head else {
                throw refusal(
                    .brokenChain, event,
                    "record \(entry.ordinal) differs from the one that was received; the journal forked")
            }
            return []
        }
        guard entry.ordinal <= JobEntry.maximumCount else {
            throw refusal(
                .guardFailed, event,
                "a journal has at most \(JobEntry.maximumCount) records; the host keeps it, look there: fettle-agent status"
            )
        }
        guard entry.ordinal == expectedEntry else {
            throw refusal(.gap, event, "record \(expectedEntry) is expected before \(entry.ordinal); send from there")
        }
        guard entry.previous == head, !isJournalClosed else {
            throw refusal(
                .brokenChain, event,
                "record \(entry.ordinal) does not continue the one before; the journal was altered or restored")
        }
        head = entry.digest
        expectedEntry += 1
        lastPhase = entry.phase
        if entry.phase == .mutateIntent, entry.kind == .intent { hasMutated = true }
        // The host is in the middle of its change, and this server, restored from a backup, does not know that it gave the
        // permit: it is held all the same, beyond the budget if need be.
        if entry.phase.followsTicket, permit == nil {
            permit = Permit()
            if ticketExpires == nil { ticketExpires = now }
        }
        if entry.detail["unexpectedReboot"]?.bool == true { unexpectedReboots += 1 }
        detail["ordinal"] = .integer(entry.ordinal)
        if entry.phase == .commit, entry.kind == .result { return try close(entry, event, now: now) }
        if state.isTerminal || state == .awaitingReboot { return [.record(entry)] }
        try advance(entry, now: now)
        return [.record(entry)]
    }

    private mutating func advance(_ entry: JobEntry, now: Timestamp) throws(TransitionError) {
        if case .suspect = state { try permit?.handle(.heardAgain) }
        switch entry.phase {
        case .received, .prefetch:
            // Of before the grant, however late it arrives: the timer stays, and a lost grant can be asked for again.
            if state == .offered || state == .granted { return }
        case .waitWindow:
            let accepts = entry.kind == .result && entry.detail["fence"]?.integer == fence && fence != nil
            if case .suspect = state {
                // Heard again below.
            } else {
                if accepts, state == .granted { state = .accepted }
                return
            }
        case .confirm:
            if state == .offered { return }
            if state == .granted { state = .accepted }
            if state == .accepted {
                if ticketExpires != nil { timer = phaseTimer(entry.phase, now) }
                return
            }
        default: break
        }
        guard permit != nil else { return }
        state = .running(entry.phase)
        // Before the ticket the window's own timer ends it; from then on silence does.
        if ticketExpires != nil || hasMutated {
            timer = phaseTimer(entry.phase, now)
        } else if let window {
            timer = Timer(kind: .window, due: window.notAfter.adding(seconds: JobTimeouts.skew))
        }
    }

    private func phaseTimer(_ phase: JobPhase, _ now: Timestamp) -> Timer {
        Timer(kind: .phase, due: now.adding(seconds: timeouts.timeout(phase)))
    }

    /// The journal's last record. The permit is returned where the host proved that it is well or never began; where a person
    /// is needed it stays counted.
    private mutating func close(_ entry: JobEntry, _ event: Event, now: Timestamp) throws(TransitionError) -> [Effect] {
        guard let word = entry.detail["outcome"]?.string, let outcome = JobOutcome(rawValue: word) else {
            throw refusal(.guardFailed, event, "the last record names no outcome that this server knows")
        }
        isJournalClosed = true
        let isWell: Bool
        switch outcome {
        case .succeeded, .installedRebootPending, .rolledBack, .failedNoChange, .refused, .expired, .cancelled:
            isWell = true
        case .failedChanged, .rollbackFailed, .needsRepair: isWell = false
        }
        if permit?.state.isCounted == true {
            if isWell {
                try permit?.handle(.proven)
            } else if permit?.state == .held {
                try permit?.handle(.silent)
            }
        }
        var effects: [Effect] = [.record(entry)]
        if !isWell { effects.append(.alert("the job ended as \(word): \(entry.text)")) }
        guard !state.isTerminal else { return effects }
        if outcome == .installedRebootPending {
            state = .awaitingReboot
            timer = Timer(kind: .reboot, due: now.adding(seconds: JobTimeouts.rebootPending))
        } else {
            end(.terminal(outcome))
        }
        return effects + [.offerChanged]
    }
}

extension JobPhase {
    /// Whether a host gets there only with a ticket. The last record may follow on anything.
    fileprivate var followsTicket: Bool {
        switch self {
        case .received, .prefetch, .waitWindow, .confirm, .commit: false
        default: true
        }
    }
}
