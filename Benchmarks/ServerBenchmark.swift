import Foundation
import Inventory
import NIOCore
import NIOPosix
import NIOSSL
import Wire

/// What one server spends on hosts, on each engine, against patchman.
struct ServerBenchmark: Sendable {
    /// `SQLite` or `PostgreSQL`.
    let engine: String
    let server: ServerProcess
    let group: any EventLoopGroup

    /// Each half of them reports in one measurement.
    private static let hosts = 600
    private static let packages = 800
    private static let keptRequests = 20_000
    private static let newConnections = 1000

    /// Measures both engines and the peer.
    static func run(_ bench: Bench) async -> [Budget] {
        let fleet: SyntheticFleet
        let peers: PatchmanFigures?
        do {
            Progress.step("server: making \(hosts) hosts of \(packages) packages")
            fleet = try SyntheticFleet(lists: AptLists())
        } catch {
            return [Budget(what: "server CPU", unit: "us", note: "\(error)")]
        }
        let synthetic = (0..<hosts).map { fleet.host($0, count: packages...packages) }
        var budgets: [Budget] = []
        do { peers = bench.peers ? try PatchmanPeer(bench: bench).run(synthetic[0].set) : nil } catch {
            peers = nil
            budgets.append(Budget(what: "patchman, the peer of first reports", unit: "us CPU", note: "\(error)"))
        }
        if bench.engines.contains(.sqlite) {
            budgets = await measure(bench, "SQLite", database: nil, synthetic, peers) + budgets
        }
        if bench.engines.contains(.postgresql) { budgets += await onPostgreSQL(bench, synthetic, peers) }
        return budgets
    }

    private static func onPostgreSQL(
        _ bench: Bench, _ synthetic: [SyntheticHost], _ peers: PatchmanFigures?
    ) async -> [Budget] {
        do {
            let postgres = try PostgresForBench(bench)
            defer { postgres.stop() }
            return await measure(bench, "PostgreSQL", database: postgres.url, synthetic, peers)
        } catch {
            return [Budget(what: "server on PostgreSQL", unit: "us CPU", note: "\(error)")]
        }
    }

    private static func measure(
        _ bench: Bench, _ engine: String, database: String?, _ hosts: [SyntheticHost], _ peers: PatchmanFigures?
    ) async -> [Budget] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        do {
            Progress.step("server on \(engine): starting")
            let server = try await ServerProcess.start(
                bench, data: bench.scratch + "/server-\(engine)", database: database)
            defer { server.stop() }
            return try await ServerBenchmark(engine: engine, server: server, group: group).measure(hosts, peers)
        } catch {
            return [Budget(what: "server on \(engine)", unit: "us CPU", note: "\(error)")]
        }
    }

    private func measure(_ hosts: [SyntheticHost], _ peers: PatchmanFigures?) async throws -> [Budget] {
        let idle = memory(of: server.pid)
        let (agents, enrolCPU) = try await enrol(hosts)
        var connections: [ProtocolClient] = []
        for agent in agents { connections.append(try await agent.connect(group)) }
        // Once the other way round, so that nothing is measured that happens only once.
        for (agent, connection) in zip(agents, connections) { try await agent.checkIn(over: connection) }

        Progress.step("server on \(engine): first reports")
        let pairs = Array(zip(agents, connections))
        let half = pairs.count / 2
        let reports = try await operations(half, at: 8) { at in
            try await pairs[at].0.report(over: pairs[at].1)
        }
        Progress.step("server on \(engine): first reports of more hosts of the same fleet")
        let later = try await operations(pairs.count - half, at: 8) { at in
            try await pairs[half + at].0.report(over: pairs[half + at].1)
        }
        Progress.step("server on \(engine): check-ins on kept connections")
        let kept = try await operations(Self.keptRequests, at: 16) { at in
            let (agent, connection) = pairs[at % 16]
            try await agent.checkIn(over: connection)
        }
        Progress.step("server on \(engine): check-ins on new connections")
        let group = group
        let new = try await operations(Self.newConnections, at: 4) { at in
            let agent = agents[at % agents.count]
            let connection = try await agent.connect(group)
            try await agent.checkIn(over: connection)
            await connection.close()
        }
        let held = memory(of: server.pid)
        for connection in connections { await connection.close() }

        let on = engine == "SQLite" ? "" : ", \(engine)"
        let database = engine == "SQLite" ? "" : "; the database's own processes not counted"
        let patchman = peers.map { [Peer(name: "patchman \($0.version), first report", figure: $0.first * 1e6)] } ?? []
        let again =
            peers.map { [Peer(name: "patchman \($0.version), same report again", figure: $0.again * 1e6)] } ?? []
        let patchmanNote =
            peers.map { "; patchman without HTTP and TLS, \($0.packages) packages of the same host, SQLite" } ?? ""
        return [
            Budget(
                what: "server, unchanged check-in, kept connection\(on)", figure: kept.cpu * 1e6, limit: 60,
                unit: "us CPU",
                peers: again, note: "\(Self.keptRequests) requests, 16 at once: \(kept.latency)\(patchmanNote)"),
            Budget(
                what: "server, unchanged check-in, new connection\(on)", figure: new.cpu * 1e6, limit: 1100,
                unit: "us CPU",
                note: "\(Self.newConnections) TLS 1.3 handshakes with client certificates, 4 at once: \(new.latency)"),
            Budget(
                what: "server, first report of \(Self.packages) packages, software known\(on)", figure: later.cpu * 1e6,
                limit: 500, unit: "us CPU", peers: patchman,
                note: "the next \(pairs.count - half) hosts of the same fleet; \(later.latency)\(database)"),
            Budget(
                what: "server, first report of \(Self.packages) packages, empty database\(on)",
                figure: reports.cpu * 1e6, limit: 500, unit: "us CPU", peers: patchman,
                note: "\(half) hosts whose sets all differ, 8 at once: report, set, offers, facts "
                    + "(\((hosts[0].set.bytes.count + hosts[0].offers.document.bytes.count + hosts[0].facts.count) / 1024) KiB), "
                    + "report; \(reports.latency)\(database)"),
            Budget(
                what: "server, enrolment\(on)", figure: enrolCPU * 1e6, unit: "us CPU",
                note: "\(agents.count) hosts over one connection\(database)"),
            Budget(
                what: "server RSS\(on)", figure: Double(held?.resident ?? 0) / 1e6, unit: "MB",
                note:
                    "after the above with \(connections.count) open connections; \((idle?.resident ?? 0) / 1_000_000) MB "
                    + "when started"),
        ]
    }

    private func enrol(_ hosts: [SyntheticHost]) async throws -> (agents: [SyntheticAgent], cpu: Double) {
        Progress.step("server on \(engine): enrolling \(hosts.count) hosts, of which the server takes 20 a second")
        let token = try EnrolmentToken(parsing: server.token(uses: hosts.count))
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .none
        let connection = try await ProtocolClient.connect(
            host: "127.0.0.1", port: token.port, context: NIOSSLContext(configuration: configuration), group: group)
        let before = try server.cpu()
        var agents: [SyntheticAgent] = []
        for host in hosts {
            let next = ContinuousClock.now + .milliseconds(51)
            agents.append(try await .enrol(host, token: token, over: connection))
            Progress.count(agents.count, of: hosts.count, "hosts enrolled")
            try await Task.sleep(until: next, clock: .continuous)
        }
        let cpu = try (server.cpu() - before) / Double(hosts.count)
        await connection.close()
        return (agents, cpu)
    }

    private struct Cost {
        /// Seconds of the server each.
        var cpu: Double
        /// For people.
        var latency: String
    }

    /// Runs `operation` so many times, so many at once; the server's CPU for each, and how long each took.
    private func operations(
        _ count: Int, at once: Int, _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Cost {
        let before = try server.cpu()
        let start = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [Double].self) { tasks in
            for worker in 0..<once {
                tasks.addTask {
                    var times: [Double] = []
                    for at in stride(from: worker, to: count, by: once) {
                        let start = ContinuousClock.now
                        try await operation(at)
                        times.append(seconds(ContinuousClock.now - start))
                        if worker == 0 { Progress.count(at, of: count, "operations") }
                    }
                    return times
                }
            }
            return try await tasks.reduce(into: []) { $0 += $1 }
        }
        let wall = seconds(ContinuousClock.now - start)
        let cpu = try server.cpu() - before
        func milliseconds(_ share: Double) -> String { rounded(percentile(share, of: times) * 1000) }
        return Cost(
            cpu: cpu / Double(count),
            latency:
                "p50 \(milliseconds(0.5)) ms, p99 \(milliseconds(0.99)) ms, \(Int(Double(count) / wall)) a second with "
                + "the client on the same machine")
    }
}

/// A PostgreSQL of the test bed.
struct PostgresForBench {
    let url: String
    private let command: [String]

    init(_ bench: Bench) throws {
        Progress.step("starting PostgreSQL")
        command = [bench.source + "/Testbed/start-postgres"]
        // The server that it leaves running must inherit none of the descriptors by which this process waits for its end.
        let closing = """
            for f in /proc/$$/fd/*; do f=${f##*/}; [ "$f" -le 2 ] || eval "exec $f>&-"; done
            exec "$0" start --dir "$1" >/dev/null 2>&1
            """
        try output(of: ["bash", "-c", closing, command[0], Self.folder])
        let text = try output(of: command + ["url", "--dir", Self.folder])
        url = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static let folder = "/dev/shm/fettle-bench-postgres"

    func stop() { _ = try? measured(command + ["wipe", "--dir", Self.folder]) }
}
