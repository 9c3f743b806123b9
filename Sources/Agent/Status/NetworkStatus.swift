import Glibc
public import JSON
import Timestamps
import Wire

/// What the network process says of itself, in `status.json`: for `fettle-agent status`, which needs no server.
public struct NetworkStatus: Sendable {
    /// The file's name in the network process's folder.
    public static let file = "status.json"

    var started: Timestamp
    var notes: [String] = []
    var executor: JSONValue = .null
    private var fields: [String: JSONValue]

    init(_ loop: AgentLoop, identity: Identity, waiting: Int) {
        let now = Moment.now()
        started = now.wall
        fields = [
            "pid": .integer(Int64(getpid())), "version": .string(AgentVersion.text),
            "protocol": .integer(Int64(loop.version.rawValue)), "written": .string(now.wall.description),
            "server": .string(identity.grant.agentAddress), "interval": .integer(loop.interval),
            "nextContact": .string(
                Timestamp(milliseconds: now.wall.milliseconds + max(0, loop.nextContact - now.uptime)).description),
            "nextRenewal": .string(loop.nextRenewal.description), "waiting": .integer(Int64(waiting)),
            "user": .integer(Int64(geteuid())), "refusals": .object(loop.refusals.mapValues { .integer($0) }),
            "epoch": .integer(loop.memory.epoch), "stateVersion": .integer(loop.heldVersion),
        ]
        if let success = loop.lastSuccess { fields["lastSuccess"] = .string(success.description) }
        if let failure = loop.lastFailure {
            fields["lastFailure"] = ["time": .string(failure.time.description), "text": .string(failure.text)]
        }
        if case .excluded(let kind, let text) = loop.standing {
            fields["excluded"] = ["kind": .string(kind), "text": .string(text)]
        }
        if let scan = loop.lastScan { fields["lastScan"] = .string(scan.observed.description) }
        if let problem = loop.scanProblem { fields["scanProblem"] = .string(problem) }
        if let rejection = loop.rejection {
            fields["rejected"] = ["time": .string(rejection.time.description), "text": .string(rejection.text)]
        }
        if let ahead = loop.serverAhead { fields["serverAhead"] = .integer(ahead) }
    }

    /// The status as JSON.
    public var json: JSONValue {
        var fields = fields
        fields["started"] = .string(started.description)
        fields["notes"] = .array(notes.map { .string($0) })
        fields["executor"] = executor
        return .object(fields)
    }
}
