public import Digest
public import Wire

/// Changelogs of what the host is offered: asked for by the server, read by the executor's child, told with the regular
/// contacts and never by one of their own.
extension AgentLoop {
    /// What is known of it; nothing is kept over a restart: what was not delivered is asked for again.
    struct ChangelogWork: Sendable {
        /// Not spoken of before this, in milliseconds of uptime.
        var due: Int64 = 0
        /// What is offered; nil where the executor was not asked yet.
        var candidates: [CandidatePackage]?
        /// The offers that ``candidates`` were listed from.
        var offers: SHA256Digest?
        /// What was read and not delivered.
        var claims: [ChangelogClaim] = []
        /// Whether the executor is at it.
        var isBusy = false
        /// Whether the exchange under way is of this, and how many of ``claims`` it carries.
        var isSent = false
        var sentClaims = 0
    }

    /// Milliseconds before a server is asked again that does not know of changelogs, or found them bad.
    static let changelogRest: Int64 = 6 * 3_600_000

    /// What to tell in this cycle; nil for nothing.
    mutating func changelogReport(_ now: Moment) -> ChangelogReport? {
        guard version >= .two, !changelogs.isBusy, now.uptime >= changelogs.due, memory.digests != nil else {
            return nil
        }
        if changelogs.offers != memory.digests?.offers { changelogs.candidates = nil }
        // Nothing is offered: there is nothing to tell until that changes.
        if changelogs.candidates?.isEmpty ?? false, changelogs.claims.isEmpty { return nil }
        changelogs.isSent = true
        // One at a time and alone: a long changelog shall not make a message too large that carries others too.
        let claims = Array(changelogs.claims.prefix(1))
        changelogs.sentClaims = claims.count
        return ChangelogReport(
            exchangeToken: memory.exchangeToken, candidates: claims.isEmpty ? changelogs.candidates ?? [] : [],
            claims: claims)
    }

    /// The server has answered it.
    mutating func took(
        _ reply: ChangelogReply, to report: ChangelogReport, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) throws(ProtocolViolation) -> [Effect] {
        changelogs.isSent = false
        changelogs.claims.removeFirst(min(report.claims.count, changelogs.claims.count))
        let wait = reply.retryAfter * 1000
        changelogs.due = now.uptime + wait + Int64.random(in: 0...max(1, wait / 10), using: &random)
        guard reply.isWanted else {
            changelogs.candidates = nil
            changelogs.claims = []
            return []
        }
        for digest in reply.read where !report.candidates.contains(where: { $0.digest == digest }) {
            throw ProtocolViolation.askedForUnreported("the changelog in \(digest)")
        }
        guard changelogs.claims.isEmpty else {
            changelogs.due = now.uptime
            return []
        }
        if !report.claims.isEmpty, reply.retryAfter <= ChangelogReply.goOn { changelogs.due = now.uptime }
        if changelogs.candidates == nil {
            changelogs.isBusy = true
            changelogs.offers = memory.digests?.offers
            return [.changelogs(ChangelogOrder(read: []))]
        }
        guard !reply.read.isEmpty else { return [] }
        changelogs.isBusy = true
        return [.changelogs(ChangelogOrder(read: reply.read))]
    }

    /// The executor's child has ended.
    mutating func tookChangelogs(_ result: ChangelogResult, _ now: Moment) -> [Effect] {
        changelogs.isBusy = false
        if let candidates = result.candidates { changelogs.candidates = candidates }
        changelogs.claims += result.claims
        // What could not be done is not hurried.
        let isDone = result.candidates != nil || !result.claims.isEmpty
        changelogs.due = isDone ? now.uptime : max(changelogs.due, now.uptime + 600_000)
        if !result.problem.isEmpty { refusals["changelogs-not-read", default: 0] += 1 }
        return []
    }

    /// A server that does not know of changelogs, or finds what was told bad: the host goes on without.
    mutating func changelogsRefused(
        _ error: ExchangeError, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect]? {
        guard changelogs.isSent else { return nil }
        changelogs.isSent = false
        guard case .refused(let status, let problem, _) = error, [400, 404, 405, 413, 422].contains(status),
            !Self.excluding.contains(problem?.kind ?? "")
        else { return nil }
        refusals[error.name, default: 0] += 1
        if status == 413, changelogs.sentClaims > 0 {
            // Only what was too large is lost.
            changelogs.claims.removeFirst(min(changelogs.sentClaims, changelogs.claims.count))
            return proceed(now, &random)
        }
        changelogs.claims = []
        changelogs.candidates = nil
        changelogs.due = now.uptime + Self.changelogRest
        return proceed(now, &random)
    }
}
