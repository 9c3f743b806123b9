import Timestamps
import Wire

/// When the host is scanned, and what becomes of a result.
extension AgentLoop {
    mutating func wantScan(_ cause: String, _ now: Moment) -> [Effect] {
        guard scanning == nil else {
            pendingScan = cause
            return []
        }
        scanning = cause
        scanBegan = now.uptime
        fulfillingScan = memory.state?.scanRequest ?? 0
        return [.scan(cause: cause)]
    }

    mutating func scanned(
        _ observation: Observation, _ digests: HostDigests, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        let (cause, began) = (scanning ?? "changed", scanBegan ?? now.uptime)
        (scanning, scanBegan) = (nil, nil)
        scanProblem = nil
        lastScan = observation
        planScan(seconds: memory.state?.scanInterval ?? 3600, now, &random)
        if rejections.holdBack(digests, now) {
            // The same again: it is not sent before its time, and no check-in speaks of it.
            planScan(seconds: min(rejections.wait, memory.state?.scanInterval ?? 3600), now, &random)
            return scanAgain(now) + [.status]
        }
        var effects: [Effect] = []
        if memory.digests == digests {
            confirmed = began
        } else {
            // Only when it is on the disk do the check-ins speak of it.
            unkept = (digests, began)
        }
        if memory.digests != digests || forceReport {
            effects.append(.append(observation, digests, cause: forceReport ? "report-all" : cause))
        } else if memory.scanRequest < fulfillingScan {
            memory.scanRequest = fulfillingScan
            effects.append(.save)
        }
        return effects + scanAgain(now) + [.status]
    }

    mutating func scanFailed(
        _ why: String, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        (scanning, scanBegan) = (nil, nil)
        scanProblem = why
        planScan(seconds: 300, now, &random)
        return scanAgain(now) + [.status]
    }

    private mutating func scanAgain(_ now: Moment) -> [Effect] {
        guard let cause = pendingScan else { return [] }
        pendingScan = nil
        return wantScan(cause, now)
    }

    mutating func planScan(seconds: Int64, _ now: Moment, _ random: inout some RandomNumberGenerator) {
        let length = seconds * 1000
        nextScan = now.uptime + length + Int64.random(in: -length / 20...length / 20, using: &random)
    }

    mutating func appended(
        _ digests: HostDigests, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        memory.digests = digests
        if let scan = unkept, scan.digests == digests {
            confirmed = scan.began
            unkept = nil
        }
        memory.scanRequest = max(memory.scanRequest, fulfillingScan)
        forceReport = false
        // News goes out soon, spread because whole fleets change at once; never past a wait that a failure or the
        // server imposed.
        if contacted, healthy {
            let most = min(interval * 1000 / 2, 30_000)
            nextContact = min(nextContact, now.uptime + Int64.random(in: 0...most, using: &random))
        }
        return [.save, .status]
    }
}
