import Hummingbird
import Rollout
import Store
import Timestamps
import Wire

extension AgentRoutes {
    /// What a host asks and tells of one of its jobs; protocol 2.
    func job(
        _ id: String, _ action: String, _ request: Request, _ version: ProtocolVersion, _ host: HostRecord
    ) async throws -> Response {
        guard version >= .two, id.utf8.count == 32 else { throw Refusal(.notFound(request.uri.path)) }
        let engine = RolloutEngine(state: state)
        let now = state.clock.now()
        switch action {
        case "claim", "confirm":
            let bytes = try await request.bytes(upTo: 16 << 10)
            let message = try JobQuestion(decoding: bytes, version)
            _ = try await exchangeToken(message.exchangeToken, host, now)
            let answer =
                action == "claim"
                ? try await engine.claim(id, message, host) : try await engine.confirm(id, message, host)
            state.metrics.count(
                .jobQuestions, "question=\"\(action)\",result=\"\(answer.order == nil ? "no" : "yes")\"")
            return .message(answer, version)
        default:
            let bytes = try await uploaded(request, upTo: state.configuration.limits.messageBytes, host)
            let message = try JobProgress(decoding: bytes, version)
            _ = try await exchangeToken(message.exchangeToken, host, now)
            let reply = try await engine.take(message, of: id, host)
            state.metrics.count(.jobEntries, "", by: UInt64(message.entries.count))
            return .message(reply, version)
        }
    }

    /// Seconds between a host's check-ins: fewer while it has a job to do.
    func interval(_ host: HostRecord) -> Int64 {
        guard let from = host.jobsFrom, from.adding(seconds: -host.interval) <= state.clock.now() else {
            return host.interval
        }
        return min(host.interval, state.configuration.jobInterval)
    }
}
