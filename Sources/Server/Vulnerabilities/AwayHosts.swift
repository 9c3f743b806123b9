import Priority
import Store
import Timestamps

/// Notes since when hosts are away, and when they came back: a policy may let clocks stand still meanwhile.
struct AwayHosts: Sendable {
    /// How many notes one transaction takes: others write too.
    private static let batch = 500
    private let state: ServerState

    init(_ state: ServerState) { self.state = state }

    /// Looks at an organisation's hosts.
    ///
    /// - Parameters:
    ///   - hosts: their ids.
    ///   - isPaused: whether the organisation's policy has this pause; where not, those that run are ended.
    func note(organisation: String, hosts: [String], isPaused: Bool, _ now: Timestamp) async throws {
        let isShared = state.store.isShared
        let (running, stored) = try await state.store.read { sql in
            let running = try sql.findingClocks.running(
                organisation: organisation, reason: SLAPause.Reason.offline.rawValue, startedBy: Self.actor)
            // Hosts check in at other servers too, of which this one has only what they wrote down. Also where pauses are no
            // longer wanted: one of a host that has come back ended when it was seen, not now.
            let isAsked = isShared && (isPaused || !running.isEmpty)
            return (running, try isAsked ? sql.findingClocks.presence(organisation: organisation) : [:])
        }
        guard isPaused || !running.isEmpty else { return }
        let open = Dictionary(running.map { ($0.host, $0.id) }, uniquingKeysWith: { first, _ in first })
        let directory = state.store.directory
        var begun: [StoredPause] = []
        var ended: [(id: String, at: Timestamp)] = []
        for id in hosts {
            guard let host = directory.host(id)?.host else { continue }
            let times = [host.lastSeen, directory.lastSeen(host: id), stored[id]]
            guard let seen = times.compactMap(\.self).max() else { continue }
            let patience = max(3 * host.interval, 900)
            // While this server was down itself nobody could be seen.
            let couldBeSeen = now.seconds(since: state.started) > patience
            let isAway = now.seconds(since: seen) > patience
            if isAway, isPaused, couldBeSeen, open[id] == nil {
                var pause = StoredPause(
                    id: RandomID.make("pause"), organisation: organisation, reason: SLAPause.Reason.offline.rawValue,
                    from: max(seen, host.enrolledAt), startedBy: Self.actor)
                pause.host = id
                begun.append(pause)
            } else if let pause = open[id], !isAway || !isPaused {
                ended.append((pause, isAway ? now : seen))
            }
        }
        for start in stride(from: 0, to: begun.count, by: Self.batch) {
            let part = Array(begun[start..<min(start + Self.batch, begun.count)])
            try await state.store.write { sql in
                for pause in part { try sql.findingClocks.begin(pause, isAudited: false, now: now) }
            }
        }
        for start in stride(from: 0, to: ended.count, by: Self.batch) {
            let part = Array(ended[start..<min(start + Self.batch, ended.count)])
            try await state.store.write { sql in
                for (id, time) in part {
                    _ = try sql.findingClocks.end(
                        organisation: organisation, id: id, at: time, by: Self.actor, isAudited: false, now: now)
                }
            }
        }
    }

    private static let actor = "server"
}
