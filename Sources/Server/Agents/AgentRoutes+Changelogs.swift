import Changelog
import Digest
import Inventory
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
        // Whoever has delivered goes on in the same contact.
        guard !message.candidates.isEmpty else {
            return ChangelogReply(
                isWanted: true, retryAfter: message.claims.isEmpty ? 60 : ChangelogReply.goOn)
        }
        // Most hosts ask for nothing new: only who is chosen takes a place among the writers.
        var chosen = try await state.store.read { try Self.choose(message.candidates, host, $0, now) }
        if !chosen.isEmpty {
            chosen = try await state.store.write { sql in
                let chosen = try Self.choose(message.candidates, host, sql, now)
                for file in chosen {
                    try sql.changelogs.ask(
                        organisation: organisation, Changelogs.Claim(file, host: host.id, readAt: now))
                }
                return chosen
            }
        }
        return ChangelogReply(isWanted: true, read: chosen.map(\.digest), retryAfter: chosen.isEmpty ? 21_600 : 600)
    }

    private static func choose(
        _ candidates: [CandidatePackage], _ host: HostRecord, _ sql: Transaction, _ now: Timestamp
    ) throws -> [CandidatePackage] {
        let speech = try HostSpeech(sql, host)
        let fitting = candidates.filter(speech.fits)
        let claims = try sql.changelogs.claims(organisation: host.organisation, sources: Set(fitting.map(\.source)))
        return ChangelogAssignments.choose(
            fitting, for: host.id, claims: claims, urgent: Set(fitting.filter(speech.isSecurity).map(\.digest)),
            now: now)
    }

    /// Keeps what the host was asked to read and what fits to what it is offered: it may only speak of that.
    private func keep(_ claims: [ChangelogClaim], _ host: HostRecord, _ now: Timestamp) async throws {
        let (kept, notAsked) = try await state.store.write { sql -> (Int, Int) in
            let asked = try sql.changelogs.claims(organisation: host.organisation, host: host.id)
            let speech = try HostSpeech(sql, host)
            // The same words as when it was asked, by which the file was chosen.
            let answers = claims.filter { asked[$0.candidate.digest]?.isOf($0.candidate) ?? false }
            let fitting = answers.filter { speech.fits($0.candidate) }
            for claim in fitting {
                let content = claim.reading?.json.canonicalBytes()
                var kept = Changelogs.Claim(claim.candidate, host: host.id, readAt: now)
                kept.reading = content.map { SHA256.hash($0) }
                kept.problem = claim.problem
                try sql.changelogs.put(organisation: host.organisation, kept, content: content)
            }
            try sql.changelogs.prune(organisation: host.organisation, host: host.id, now: now)
            return (fitting.count, claims.count - answers.count)
        }
        state.metrics.count(.changelogs, "result=\"kept\"", by: UInt64(kept))
        state.metrics.count(.changelogs, "result=\"not-asked\"", by: UInt64(notAsked))
        state.metrics.count(.changelogs, "result=\"not-offered\"", by: UInt64(claims.count - kept - notAsked))
    }
}

/// Of what a host may speak: of versions that it is offered, of the source packages that it has.
///
/// Both are the host's own words too, but of itself: it cannot speak for a package that it does not have.
private struct HostSpeech {
    /// The versions that are offered, by name.
    private var offered: [String: [(architecture: String, version: String, isSecurity: Bool)]] = [:]
    /// What is installed of the names that are offered.
    private var installed: [String: [SoftwarePackage]] = [:]

    init(_ sql: Transaction, _ host: HostRecord) throws {
        guard let pending = try sql.verdicts.pendingSet(organisation: host.organisation, host: host.id),
            let set = try sql.verdicts.softwareSet(organisation: host.organisation, host: host.id),
            let ids = try sql.verdicts.packages(organisation: host.organisation, set: set)
        else { return }
        for offer in try sql.verdicts.offers(pendingSet: pending) {
            offered[offer.name, default: []].append((offer.architecture, offer.candidate, offer.isSecurity))
        }
        guard !offered.isEmpty else { return }
        for package in try sql.verdicts.packages(ids).values where offered[package.name] != nil {
            installed[package.name, default: []].append(package)
        }
    }

    /// Whether the host is offered it as a security update.
    func isSecurity(_ file: CandidatePackage) -> Bool {
        (offered[file.name] ?? []).contains { $0.version == file.version && $0.isSecurity }
    }

    func fits(_ file: CandidatePackage) -> Bool {
        guard file.sourceVersion == file.version || file.sourceVersion == ChangelogEvidence.withoutRebuild(file.version)
        else { return false }
        // A package may change between one architecture and all of them.
        let architectures = (offered[file.name] ?? []).filter { offer in
            offer.version == file.version && (offer.architecture == file.architecture || file.architecture == "all")
        }.map(\.architecture)
        return (installed[file.name] ?? []).contains {
            $0.source == file.source && architectures.contains($0.architecture)
        }
    }
}

extension Changelogs.Claim {
    /// A file that a host is asked to read.
    fileprivate init(_ file: CandidatePackage, host: String, readAt: Timestamp) {
        self.init(
            candidate: file.digest, host: host, name: file.name, architecture: file.architecture,
            version: file.version, source: file.source, sourceVersion: file.sourceVersion, reading: nil, problem: "",
            readAt: readAt)
    }

    fileprivate func isOf(_ file: CandidatePackage) -> Bool {
        name == file.name && architecture == file.architecture && version == file.version && source == file.source
            && sourceVersion == file.sourceVersion
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
