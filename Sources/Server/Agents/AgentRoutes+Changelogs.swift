import Changelog
import Digest
import JSON
import Store
import Timestamps
import Wire

extension AgentRoutes {
    /// Takes what a host has read in changelogs, and tells what to read next; protocol 2.
    func changelogs(_ message: ChangelogReport, _ host: HostRecord) async throws -> ChangelogReply {
        let now = state.clock.now()
        _ = try await exchangeToken(message.exchangeToken, host, now)
        let organisation = host.organisation
        guard try await state.store.read({ try $0.settings.readsChangelogs(organisation: organisation) }) else {
            // Whoever turns it on waits for at most so long.
            return ChangelogReply(isWanted: false, retryAfter: 1800)
        }
        if !message.claims.isEmpty { try await keep(message.claims, host, now) }
        guard !message.candidates.isEmpty else { return ChangelogReply(isWanted: true, retryAfter: 60) }
        let claims = try await state.store.read { try $0.changelogs.claims(organisation: organisation) }
        let chosen = state.changelogs.choose(
            message.candidates, for: host.id, organisation: organisation, claims: claims, now: now)
        return ChangelogReply(isWanted: true, read: chosen, retryAfter: chosen.isEmpty ? 21_600 : 600)
    }

    /// Keeps what fits to what the host is offered: it may only speak of that.
    private func keep(_ claims: [ChangelogClaim], _ host: HostRecord, _ now: Timestamp) async throws {
        let offers = try await state.store.read { sql -> [Verdicts.Offer] in
            guard let set = try sql.verdicts.pendingSet(organisation: host.organisation, host: host.id) else {
                return []
            }
            return try sql.verdicts.offers(pendingSet: set)
        }
        let offered = Set(offers.map { "\($0.name)=\($0.candidate)" })
        let fitting = claims.filter { offered.contains("\($0.candidate.name)=\($0.candidate.version)") }
        state.metrics.count(.changelogs, "result=\"kept\"", by: UInt64(fitting.count))
        state.metrics.count(.changelogs, "result=\"not-offered\"", by: UInt64(claims.count - fitting.count))
        try await state.store.write { sql in
            for claim in fitting {
                let candidate = claim.candidate
                let content = claim.reading?.json.canonicalBytes()
                try sql.changelogs.put(
                    organisation: host.organisation,
                    Changelogs.Claim(
                        candidate: candidate.digest, host: host.id, name: candidate.name,
                        architecture: candidate.architecture, version: candidate.version, source: candidate.source,
                        sourceVersion: candidate.sourceVersion, reading: content.map { SHA256.hash($0) },
                        problem: claim.problem, readAt: now), content: content)
            }
        }
    }
}

extension Settings {
    private static let changelogs = "changelogs.read"

    /// Whether the organisation has its hosts read changelogs; off unless it was turned on.
    func readsChangelogs(organisation: String) throws -> Bool {
        try value(Self.changelogs, organisation: organisation) == Array("on".utf8)
    }

    /// Turns that on or off.
    func setReadsChangelogs(_ isOn: Bool, organisation: String, now: Timestamp) throws {
        try set(Self.changelogs, Array((isOn ? "on" : "off").utf8), organisation: organisation, now: now)
    }
}
