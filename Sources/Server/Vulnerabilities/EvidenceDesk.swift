import Access
import Inventory
import Matching
import Priority
import Store
import Timestamps
import Wire

/// Evidence before a host is patched: what is held, what was taken, and who let a host be changed without it. The API and
/// the pages work on it.
struct EvidenceDesk: Sendable {
    let state: ServerState
    let organisation: String
    /// Which hosts the caller may know of.
    let reach: Reach
    /// Who asks, as the audit log names them.
    let actor: String
    let now: Timestamp

    /// What is held of a vulnerability on a host.
    struct Held: Sendable {
        var host: Verdicts.Host
        var vulnerability: String
        /// The packages that have it there.
        var packages: [String]
        var hold: EvidenceHold
        /// Why it was waived; empty where it was not.
        var reason: String
    }

    /// What is held, by host and vulnerability.
    ///
    /// - Parameters:
    ///   - host: only on this host, by id or name.
    ///   - vulnerability: only of this one, by any of its ids.
    ///   - blocking: only where it keeps patches away, or only where it does not any more.
    /// - Throws: a refusal where no feeds are there, or there is no such host.
    func list(host: String? = nil, vulnerability: String? = nil, blocking: Bool? = nil) async throws -> [Held] {
        let view = try await RiskView.of(state, organisation: organisation, reach: reach, now: now)
        let chosen = view.hosts.filter { index in
            host.map { view.risk.hosts[index].host.id == $0 || view.risk.hosts[index].host.hostname == $0 } ?? true
        }
        if let host, chosen.isEmpty { throw Refusal(.missing("host", host)) }
        let wanted = vulnerability?.uppercased()
        var known: [RiskView.Place: Deadline] = [:]
        var held: [Held] = []
        for index in chosen {
            var here: [String: Held] = [:]
            for finding in view.holds(host: index, &known) where wanted.map(finding.ids.contains) ?? true {
                let waived = view.decisions.evidence.first {
                    $0.host == finding.host.id && $0.step == StoredEvidence.waived && $0.at >= finding.hold.since
                        && finding.ids.contains($0.vulnerability.uppercased())
                }
                var own = Held(
                    host: finding.host, vulnerability: finding.vulnerability,
                    packages: here[finding.vulnerability]?.packages ?? [], hold: finding.hold,
                    reason: waived?.note ?? "")
                // Packages that came at different times ask each for their own evidence: what still blocks is told.
                if let other = here[finding.vulnerability]?.hold,
                    (other.blocksInstallation ? 1 : 0, other.since)
                        > (finding.hold.blocksInstallation ? 1 : 0, finding.hold.since)
                {
                    own.hold = other
                    own.reason = here[finding.vulnerability]?.reason ?? ""
                }
                own.packages.append(finding.package.name)
                here[finding.vulnerability] = own
            }
            for var one in here.values where blocking.map({ $0 == one.hold.blocksInstallation }) ?? true {
                one.packages = Set(one.packages).sorted()
                held.append(one)
            }
        }
        return held.sorted {
            ($0.host.hostname, $0.host.id, $0.vulnerability) < ($1.host.hostname, $1.host.id, $1.vulnerability)
        }
    }

    /// Notes steps, in order.
    ///
    /// - Parameters:
    ///   - host: the host, looked up in the transaction that notes it.
    ///   - steps: each with the SHA-256 of what was kept; empty where it has none.
    /// - Throws: a refusal with 409 where one is not the next, with 422 where no feed knows the vulnerability.
    func record(
        _ steps: [(step: EvidenceHold.Step, digest: String)], of vulnerability: String,
        on host: @escaping @Sendable (Transaction) throws -> HostRecord
    ) async throws -> EvidenceHold {
        try checkKnown(vulnerability)
        let ids = state.vulnerabilities.ids(of: vulnerability)
        let (organisation, actor, now) = (organisation, actor, now)
        let since = try await since(ids, on: host)
        return try await state.store.write { sql throws -> EvidenceHold in
            let host = try host(sql)
            var hold = try Self.hold(host.id, ids, sql, organisation: organisation, since: since)
            for (step, digest) in steps {
                guard hold.record(step, EvidenceHold.Record(at: now, by: actor, digest: digest)),
                    try sql.findingClocks.record(
                        StoredEvidence(
                            host: host.id, vulnerability: vulnerability, step: step.rawValue, at: now, by: actor,
                            digest: digest), organisation: organisation, since: since)
                else { throw Refusal(.evidenceOrder(hold.next?.step)) }
            }
            return hold
        }
    }

    /// Notes that volatile evidence was taken, and with it the scope where that was not noted before.
    func take(
        _ digest: String, of vulnerability: String, on host: @escaping @Sendable (Transaction) throws -> HostRecord
    ) async throws -> EvidenceHold {
        let ids = state.vulnerabilities.ids(of: vulnerability)
        let organisation = organisation
        let since = try await since(ids, on: host)
        let present = try await state.store.read { sql in
            try Self.hold(host(sql).id, ids, sql, organisation: organisation, since: since)
        }
        let scope: [(step: EvidenceHold.Step, digest: String)] =
            present.records[.scope] == nil ? [(.scope, "")] : []
        return try await record(scope + [(.volatileEvidence, digest)], of: vulnerability, on: host)
    }

    /// Lets a host be changed although evidence was not kept: for an emergency, on record with who said so and why.
    ///
    /// - Throws: a refusal with 409 where nothing is held there.
    func waive(
        _ vulnerability: String, reason: String, on host: @escaping @Sendable (Transaction) throws -> HostRecord
    ) async throws -> EvidenceHold {
        try checkKnown(vulnerability)
        let ids = state.vulnerabilities.ids(of: vulnerability)
        let (organisation, actor, now) = (organisation, actor, now)
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw Refusal(
                .unprocessable([
                    .init(pointer: "/reason", detail: "It says nothing.", cure: "Write what an auditor could check.")
                ]))
        }
        let id = try await state.store.read { try host($0).id }
        let view = try await RiskView.of(state, organisation: organisation, reach: reach, only: id, now: now)
        var known: [RiskView.Place: Deadline] = [:]
        let held = view.hosts.flatMap { index in
            view.holds(host: index, &known).filter { !$0.ids.isDisjoint(with: ids) && $0.hold.blocksInstallation }
        }
        guard let since = held.map(\.hold.since).max() else { throw Refusal(.nothingHeld(vulnerability)) }
        return try await state.store.write { sql throws -> EvidenceHold in
            let host = try host(sql)
            var hold = try Self.hold(host.id, ids, sql, organisation: organisation, since: since)
            var waiver = StoredEvidence(
                host: host.id, vulnerability: vulnerability, step: StoredEvidence.waived, at: now, by: actor, digest: ""
            )
            waiver.note = reason
            guard hold.waive(EvidenceHold.Record(at: now, by: actor, digest: "")),
                try sql.findingClocks.record(waiver, organisation: organisation)
            else { throw Refusal(.nothingHeld(vulnerability)) }
            return hold
        }
    }

    /// Since when evidence is asked for there, of the package that asks last; the beginning of time where nothing is.
    private func since(
        _ ids: Set<String>, on host: @escaping @Sendable (Transaction) throws -> HostRecord
    ) async throws -> Timestamp {
        let beginning = Timestamp(milliseconds: 0)
        let id = try await state.store.read { try host($0).id }
        // Before the first judgement it is not known; evidence can be noted all the same, and no older step is replaced.
        guard state.vulnerabilities.knowledge != nil, state.vulnerabilities.risk(organisation) != nil else {
            return beginning
        }
        let view = try await RiskView.of(state, organisation: organisation, reach: reach, only: id, now: now)
        var known: [RiskView.Place: Deadline] = [:]
        let held = view.hosts.flatMap { index in
            view.holds(host: index, &known).filter { !$0.ids.isDisjoint(with: ids) }
        }
        return held.map(\.hold.since).max() ?? beginning
    }

    private static func hold(
        _ host: String, _ ids: Set<String>, _ sql: Transaction, organisation: String,
        since: Timestamp = Timestamp(milliseconds: 0)
    ) throws -> EvidenceHold {
        let stored = try sql.findingClocks.evidence(organisation: organisation)
            .filter { $0.host == host && ids.contains($0.vulnerability.uppercased()) }
        return EvidenceHold(since: since, stored: stored)
    }

    /// A name that no feed knows would be noted and hold nothing.
    private func checkKnown(_ vulnerability: String) throws {
        guard let knowledge = state.vulnerabilities.knowledge,
            try knowledge.catalogue.vulnerabilities(named: vulnerability).isEmpty
        else { return }
        throw Refusal(
            .unprocessable([
                .init(
                    pointer: "/vulnerability", detail: "No feed knows it.",
                    cure: "Give its CVE: fettle evidence list names what is held.")
            ]))
    }
}

extension EvidenceHold {
    /// A hold with the steps that were done.
    init(since: Timestamp, stored: [StoredEvidence]) {
        self.init(since: since)
        // What was kept or waived before this hold began was of another state of the host, or of another emergency: a host that
        // gets the package anew, or a vulnerability that becomes exploited later, asks for evidence of its own.
        let stored = stored.filter { $0.at >= since }
        if let waived = stored.first(where: { $0.step == StoredEvidence.waived }) {
            _ = waive(Record(at: waived.at, by: waived.by, digest: ""))
        }
        for step in Step.allCases {
            guard let done = stored.first(where: { $0.step == step.rawValue }) else { continue }
            _ = record(step, Record(at: done.at, by: done.by, digest: done.digest))
        }
    }
}

extension Problem {
    static func evidenceOrder(_ next: EvidenceHold.Step?) -> Problem {
        Problem(
            "evidence-order", title: "This step is not the next one", status: 409,
            detail: "The next step is \(next?.rawValue ?? "none"); volatile evidence needs a digest.",
            cure: "Note the steps in order: scope, volatile-evidence with its digest, verdict.")
    }

    static func nothingHeld(_ vulnerability: String) -> Problem {
        Problem(
            "nothing-held", title: "Nothing is held there", status: 409,
            detail: "No patch of \(vulnerability) waits for evidence on this host: it may be changed.",
            cure: "List what is held: fettle evidence list.")
    }
}
