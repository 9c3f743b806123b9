import Digest
import Timestamps
import Wire

extension AgentLoop {
    /// Ends the cycle and plans the next one by what went wrong. Whatever was to be delivered stays.
    mutating func failed(
        _ error: ExchangeError, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        if cycle != nil, let effects = jobRefused(error, now, &random) { return effects }
        if cycle != nil, let effects = changelogsRefused(error, now, &random) { return effects }
        // The names are partly the server's: it must not make this grow without end.
        let name = refusals.count < 64 || refusals[error.name] != nil ? error.name : "other"
        refusals[name, default: 0] += 1
        lastFailure = (now.wall, "\(error)")
        guard cycle != nil else {
            // Outside of a cycle only the disk fails: the next scan tries again.
            scanProblem = "\(error)"
            return [.status]
        }
        cycle = nil
        contacted = true
        healthy = false
        wantsComeBack = false
        var effects: [Effect] = [.disconnect]
        var wait = backoff.failed(&random)
        switch error {
        case .refused(_, let problem?, _) where Self.excluding.contains(problem.kind):
            standing = .excluded(kind: problem.kind, text: "\(error)")
            wait = longWait(&random)
        case .refused(409, let problem?, _) where problem.kind == "exchange-token-stale":
            if let previous = memory.previousToken {
                // The server never saw the token it last gave, because it was restored or its answer was lost.
                memory.exchangeToken = previous
                memory.previousToken = nil
                effects.append(.save)
            } else {
                standing = .excluded(kind: problem.kind, text: "\(error)")
                wait = longWait(&random)
            }
        case .refused(410, _, _):
            standing = .excluded(kind: error.name, text: "\(error)")
            wait = longWait(&random)
        case .refused(426, _, _):
            if let older = ProtocolVersion(rawValue: version.rawValue - 1) {
                version = older
            } else {
                standing = .excluded(kind: error.name, text: "\(error)")
                wait = longWait(&random)
            }
        case .refused(413, _, _):
            if batchLimit > 1 { batchLimit = max(1, batchLimit / 2) } else { wait = longWait(&random) }
        case .certificateRefused("expired"):
            wantsComeBack = true
        default: break
        }
        if case .refused(_, _, let after?) = error {
            // Never earlier than told; a little later, so that those who were told the same do not come at once.
            let told = after * 1000
            // Never sooner than our own back-off: a Retry-After of 0 must not make an agent hammer.
            wait = max(wait, told + Int64.random(in: 0...min(told / 10 + 1000, 60_000), using: &random))
        }
        nextContact = now.uptime + wait
        // What jobs have to say stays, and is said a little sooner than the rest where that is allowed.
        sentJobMessage = nil
        jobDue = nextContact
        return effects + [.status]
    }

    /// The problems by which a server excludes a host: nothing is changed any more, reports are kept, and the host asks
    /// rarely.
    static let excluding: Set<String> = ["certificate-revoked", "host-quarantined", "host-unknown"]

    private func longWait(_ random: inout some RandomNumberGenerator) -> Int64 {
        Int64.random(in: Backoff.maximum * 500...Backoff.maximum * 1000, using: &random)
    }

    /// A report names a document that is not on the disk any more: it cannot be delivered, and a new scan replaces it.
    mutating func lost(
        _ document: NeededDocument, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        memory.digests = nil
        confirmed = nil
        forceReport = true
        return [.save, .drop(naming: document)] + wantScan("repaired", now)
            + failed(
                .local("the document \(document.digest) was lost from its disk; it is scanned again"), now, &random)
    }

    /// The server finds a document bad that is what was scanned: sent again it would be found bad again.
    ///
    /// The reports that name it go, and a fresh scan replaces them: at once the first time, for the document may be of
    /// another day; then later and later, for the agent and the server may be of two minds for good. The cycle goes on, so
    /// that the host is not silent meanwhile.
    mutating func rejected(
        _ document: NeededDocument, _ why: String, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        refusals["document-rejected", default: 0] += 1
        cycle?.uploads = []
        rejections.note(document, why, now)
        // Where newer reports wait that do not name it, they tell what is true now.
        guard memory.digests?[document.document] == document.digest else { return [.drop(naming: document), .status] }
        memory.digests = nil
        confirmed = nil
        forceReport = true
        let effects: [Effect] = [.save, .drop(naming: document), .status]
        if rejections.count == 1 { return effects + wantScan("repaired", now) }
        planScan(seconds: rejections.wait, now, &random)
        return effects
    }

    /// Documents that the server found bad since it last took what the host looks like.
    struct Rejections: Sendable {
        /// How often, in a row.
        private(set) var count = 0
        /// The last: when, and why.
        private(set) var last: (time: Timestamp, text: String)?
        private var until: [SHA256Digest: Int64] = [:]

        /// Seconds before the host is scanned and the document sent again: five minutes, doubled by each rejection up to
        /// a day.
        var wait: Int64 { min(86_400, 300 << Int64(min(max(0, count - 1), 10))) }

        /// Notes one.
        mutating func note(_ document: NeededDocument, _ why: String, _ now: Moment) {
            count += 1
            last = (now.wall, "\(document.document.rawValue): \(why)")
            if until.count >= 64 { until = [:] }
            // A little less than the wait, so that the next scan does not come a moment too early.
            until[document.digest] = now.uptime + wait * 900
        }

        /// Whether one of these documents was found bad and shall not be sent yet.
        func holdBack(_ digests: HostDigests, _ now: Moment) -> Bool {
            HostDocument.allCases.contains { until[digests[$0]].map { now.uptime < $0 } ?? false }
        }
    }
}
