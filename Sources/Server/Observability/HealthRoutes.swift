import Glibc
import Hummingbird
import HummingbirdCore
import Store
import Timestamps

/// `/healthz`, `/readyz` and `/metrics`, on a listener of their own.
struct HealthRoutes: Sendable {
    let state: ServerState

    func respond(_ request: Request) async throws -> (String, Response) {
        switch (request.method, request.uri.path) {
        case (.get, "/healthz"), (.head, "/healthz"):
            return ("healthz", Self.text("ok\n"))
        case (.get, "/readyz"), (.head, "/readyz"):
            return await ready()
        case (.get, "/metrics"):
            return (
                "metrics",
                .bytes(
                    Array(state.metrics.text(await gauges()).utf8), type: "text/plain; version=0.0.4; charset=utf-8")
            )
        default: throw Refusal(.notFound(request.uri.path))
        }
    }

    private func ready() async -> (String, Response) {
        var reasons: [String] = []
        if state.gates.stopping { reasons.append("the server is stopping") }
        if !state.readiness.isRunning { reasons.append("not all listeners run yet") }
        if let problem = await state.database.problem() { reasons.append("the database does not answer: \(problem)") }
        // Said, but no reason to take the server out: hosts still report.
        let restored = state.restore.map { "restored: \($0.reason); run: fettle server acknowledge-restore\n" } ?? ""
        let signer = await state.signerProbe?.problem().map { "signer: away, nothing can be ordered: \($0)\n" } ?? ""
        let key =
            state.auditKeeping.health.lacksKey
            ? "audit: another server has rotated the signing key, and this one lacks it; share or copy the folder authority\n"
            : ""
        let said = restored + signer + key + state.auditKeeping.health.faults.map { "audit: \($0)\n" }.joined()
        if reasons.isEmpty { return ("readyz", Self.text("ready\n" + said)) }
        return ("readyz", Self.text(reasons.joined(separator: "\n") + "\n" + said, status: .serviceUnavailable))
    }

    private static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: status)
    }

    private func gauges() async -> [Metrics.Gauge] {
        var open: [(String, Double)] = []
        var refused: [(String, Double)] = []
        for (name, limiter) in state.limiters.sorted(by: { $0.key < $1.key }) {
            let counts = limiter.counts
            open.append(("listener=\"\(name)\"", Double(counts.open)))
            refused.append(("listener=\"\(name)\"", Double(counts.refused)))
        }
        var statuses: [(String, Double)] = []
        let hosts = state.census.last?.counts(nil) ?? FleetCensus.Counts()
        let vulnerabilities = state.vulnerabilities.status
        for (status, count) in FleetCensus.statuses(state).sorted(by: { $0.key < $1.key }) {
            statuses.append(("status=\"\(status)\"", Double(count)))
        }
        return Self.process() + [
            Metrics.Gauge("fettle_connections", help: "Open connections, by listener.", open),
            Metrics.Gauge(
                "fettle_connections_refused_total", help: "Connections closed for a limit, by listener.", refused),
            Metrics.Gauge("fettle_requests_in_work", help: "Requests in work.", [("", Double(state.gates.inWork))]),
            Metrics.Gauge(
                "fettle_hosts", help: "Hosts, by status.",
                statuses),
            Metrics.Gauge(
                "fettle_hosts_silent", help: "Active hosts silent for more than three intervals.",
                [("", Double(hosts.silent))]),
            Metrics.Gauge(
                "fettle_hosts_unjudged", help: "Active hosts whose pending updates are not known.",
                [("", Double(hosts.unjudged))]),
            Metrics.Gauge(
                "fettle_last_seen_age_seconds",
                help: "Seconds since the active host was seen that was seen longest ago.",
                [("", hosts.oldestSeconds)]),
            Metrics.Gauge(
                "fettle_epoch", help: "The server epoch; it grows with each restore.", [("", Double(state.epoch))]),
            Metrics.Gauge(
                "fettle_restored", help: "1 while a restore from a backup waits to be acknowledged.",
                [("", state.restore == nil ? 0 : 1)]),
            Metrics.Gauge(
                "fettle_signer_away", help: "1 while the signer does not answer: nothing can be ordered.",
                [("", await state.signerProbe?.problem() == nil ? 0 : 1)]),
            Metrics.Gauge(
                "fettle_audit_faults",
                help:
                    "Audit trees that contradict what was signed or are damaged; one more where the signing key is not here.",
                [
                    (
                        "",
                        Double(state.auditKeeping.health.faults.count + (state.auditKeeping.health.lacksKey ? 1 : 0))
                    )
                ]),
            Metrics.Gauge(
                "fettle_catalogue_kept", help: "1 while the catalogue of feeds is kept in a file.",
                [("", vulnerabilities.notKept == nil && vulnerabilities.digest != nil ? 1 : 0)]),
            Metrics.Gauge(
                "fettle_catalogue_faulty", help: "1 while the feeds cannot be read into a catalogue.",
                [("", vulnerabilities.fault == nil ? 0 : 1)]),
            Metrics.Gauge(
                "fettle_organisations_unjudged", help: "Organisations whose hosts could not be judged.",
                [("", Double(vulnerabilities.unjudged))]),
            Metrics.Gauge(
                "process_start_time_seconds", help: "When the server started, in seconds since the epoch.",
                [("", Double(state.started.milliseconds) / 1000)]),
        ]
    }

    /// What the kernel says of this process (proc(5), getrusage(2)).
    private static func process() -> [Metrics.Gauge] {
        var usage = rusage()
        getrusage(__rusage_who_t(0), &usage)  // RUSAGE_SELF
        let cpu =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        var gauges = [
            Metrics.Gauge("process_cpu_seconds_total", help: "Processor time used, in seconds.", [("", cpu)])
        ]
        if let bytes = try? readFile("/proc/self/statm"),
            let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap({
                Int($0)
            })
        {
            gauges.append(
                .init(
                    "process_resident_memory_bytes", help: "Resident memory, in bytes.",
                    [("", Double(pages * sysconf(Int32(_SC_PAGESIZE))))]))
        }
        gauges.append(
            Metrics.Gauge(
                "process_open_fds", help: "Open file descriptors.",
                [("", Double(max(0, folderEntries("/proc/self/fd").count - 1)))]))
        return gauges
    }
}
