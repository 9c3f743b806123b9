import Access
import Priority
import Store
import Timestamps

/// Which hosts a decision is about: one, those that a label selector selects, or all.
struct DecisionScope: Sendable {
    private let host: String
    private let hasSelector: Bool
    /// Read once; one that cannot be read selects nothing.
    private let selector: LabelSelector?

    /// - Parameters:
    ///   - host: a host's id; empty for all.
    ///   - selector: a label selector; empty for all.
    init(host: String, selector: String) {
        self.host = host
        hasSelector = !selector.isEmpty
        self.selector = selector.isEmpty ? nil : try? LabelSelector(selector)
    }

    func includes(_ host: Verdicts.Host) -> Bool {
        guard self.host.isEmpty || self.host == host.id else { return false }
        return hasSelector ? selector?.selects(host.labels) ?? false : true
    }
}

extension StoredException {
    /// The hosts that it is about.
    var scope: DecisionScope { DecisionScope(host: host, selector: selector) }
}

extension StoredPause {
    /// The hosts that it is about.
    var scope: DecisionScope { DecisionScope(host: host, selector: selector) }
}

/// An organisation's exceptions, pauses and evidence, found by what they are about: they are asked for at each of many
/// thousand findings.
struct DecisionScopes: Sendable {
    private struct Pause: Sendable {
        var stored: StoredPause
        /// Its vulnerability in capitals; empty for all.
        var vulnerability: String
        var scope: DecisionScope

        func concerns(_ ids: Set<String>) -> Bool { vulnerability.isEmpty || ids.contains(vulnerability) }
    }
    private struct Exception: Sendable {
        var stored: StoredException
        var scope: DecisionScope
    }

    private var exceptions: [String: [Exception]] = [:]
    private var pausesOfHosts: [String: [Pause]] = [:]
    private var otherPauses: [Pause] = []
    private var pausesByID: [String: StoredPause] = [:]
    private var evidence: [String: [StoredEvidence]] = [:]

    /// - Parameters:
    ///   - reasons: the pauses that stop clocks; others change nothing.
    ///   - earliest: before this no clock started: what ended by then changes nothing either. Nil where that is not known.
    init(_ decisions: RiskView.Decisions, stopping reasons: Set<SLAPause.Reason>, since earliest: Timestamp? = nil) {
        for exception in decisions.exceptions {
            exceptions[exception.vulnerability.uppercased(), default: []].append(
                Exception(stored: exception, scope: exception.scope))
        }
        for stored in decisions.pauses
        where SLAPause.Reason(rawValue: stored.reason).map(reasons.contains) ?? false {
            if let earliest, let until = stored.until, until <= earliest { continue }
            let pause = Pause(
                stored: stored, vulnerability: stored.vulnerability.uppercased(), scope: stored.scope)
            if stored.host.isEmpty {
                otherPauses.append(pause)
            } else {
                pausesOfHosts[stored.host, default: []].append(pause)
            }
            pausesByID[stored.id] = stored
        }
        evidence = Dictionary(grouping: decisions.evidence, by: \.host)
    }

    /// Whether somebody accepts a vulnerability, by all its ids in capitals, on any host.
    func accept(_ ids: Set<String>) -> Bool {
        !exceptions.isEmpty && ids.contains { exceptions[$0] != nil }
    }

    /// What was decided that hosts which are alike have alike, whatever the vulnerability: the pauses of more than one host
    /// that hold there, by number. Nil for a host of which something was decided for itself: no other is like it.
    func kind(_ host: Verdicts.Host) -> [Int]? {
        guard pausesOfHosts[host.id] == nil, evidence[host.id] == nil else { return nil }
        return otherPauses.indices.filter { otherPauses[$0].scope.includes(host) }
    }

    /// The exceptions of a vulnerability, by all its ids in capitals, that are about a host.
    func exceptions(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredException] {
        guard !exceptions.isEmpty else { return [] }
        return ids.sorted().flatMap { exceptions[$0] ?? [] }.filter { $0.scope.includes(host) }.map(\.stored)
    }

    /// The pauses of a vulnerability's clocks on a host.
    func pauses(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredPause] {
        let own = pausesOfHosts[host.id] ?? []
        return (own + otherPauses).filter { $0.concerns(ids) && $0.scope.includes(host) }.map(\.stored)
    }

    /// The pause of an id.
    func pause(_ id: String) -> StoredPause? { pausesByID[id] }

    /// What was done on a host before it is changed.
    func evidence(of ids: Set<String>, _ host: Verdicts.Host) -> [StoredEvidence] {
        (evidence[host.id] ?? []).filter { ids.contains($0.vulnerability.uppercased()) }
    }
}
