import Access
import Store

/// An organisation's exceptions, pauses and evidence, found by what they are about: they are asked for at each of many
/// thousand findings.
struct DecisionScopes: Sendable {
    private struct Pause: Sendable {
        var stored: StoredPause
        /// Its vulnerability in capitals; empty for all.
        var vulnerability: String
        /// Nil for all hosts, or for one.
        var selector: Selector?

        func concerns(_ ids: Set<String>) -> Bool { vulnerability.isEmpty || ids.contains(vulnerability) }
    }
    private struct Exception: Sendable {
        var stored: StoredException
        var selector: Selector?
    }
    /// A selector that was read once; one that cannot be read selects nothing.
    private struct Selector: Sendable {
        var parsed: LabelSelector?

        init?(_ text: String) {
            guard !text.isEmpty else { return nil }
            parsed = try? LabelSelector(text)
        }

        func selects(_ host: Verdicts.Host) -> Bool { parsed?.selects(host.labels) ?? false }
    }

    private var exceptions: [String: [Exception]] = [:]
    private var pausesOfHosts: [String: [Pause]] = [:]
    private var otherPauses: [Pause] = []
    private var pausesByID: [String: StoredPause] = [:]
    private var evidence: [String: [StoredEvidence]] = [:]

    init(_ decisions: RiskView.Decisions) {
        for exception in decisions.exceptions {
            exceptions[exception.vulnerability.uppercased(), default: []].append(
                Exception(stored: exception, selector: Selector(exception.selector)))
        }
        for stored in decisions.pauses {
            let pause = Pause(
                stored: stored, vulnerability: stored.vulnerability.uppercased(), selector: Selector(stored.selector))
            if stored.host.isEmpty {
                otherPauses.append(pause)
            } else {
                pausesOfHosts[stored.host, default: []].append(pause)
            }
            pausesByID[stored.id] = stored
        }
        evidence = Dictionary(grouping: decisions.evidence, by: \.host)
    }

    /// The exceptions of a vulnerability, by all its ids in capitals, that are about a host.
    func exceptions(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredException] {
        guard !exceptions.isEmpty else { return [] }
        return ids.sorted().flatMap { exceptions[$0] ?? [] }.filter { exception in
            (exception.stored.host.isEmpty || exception.stored.host == host.id)
                && exception.selector?.selects(host) ?? true
        }.map(\.stored)
    }

    /// The pauses of a vulnerability's clocks on a host.
    func pauses(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredPause] {
        let own = pausesOfHosts[host.id] ?? []
        return (own + otherPauses).filter { $0.concerns(ids) && $0.selector?.selects(host) ?? true }.map(\.stored)
    }

    /// The pause of an id.
    func pause(_ id: String) -> StoredPause? { pausesByID[id] }

    /// What was done on a host before it is changed.
    func evidence(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredEvidence] {
        (evidence[host.id] ?? []).filter { ids.contains($0.vulnerability.uppercased()) }
    }
}
