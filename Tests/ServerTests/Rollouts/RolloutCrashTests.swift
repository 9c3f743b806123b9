import Foundation
import JSON
import NIOHTTP1
import Orders
import Rollout
import Store
import Synchronization
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// The built `fettle serve`, killed with SIGKILL while a host tells what its job does.
    @Suite struct RolloutCrashTests {
        @Test(arguments: TestEngine.allCases)
        func noAcknowledgedRecordIsLost(_ engine: TestEngine) async throws {
            let database = try await engine.newDatabase()
            let planned = try await TestServer.start(engine, database: database) { $0.orderSigner = LocalSigner() }
            defer { try? FileManager.default.removeItem(atPath: planned.folder) }
            var world = Rollouts(server: planned)
            try await world.enrol("crash")
            let host = world.hosts[0]
            let id = try await world.running().summary.id
            let job = try #require(try await world.jobs(id).first).id
            let grant = try await host.claim(job).grant()
            var journal = TestJournal(job: job, bootID: host.bootID)
            journal.accept(grant.fence, at: world.now)
            _ = try await host.tell(journal)
            _ = try await host.confirm(job, fence: grant.fence).ticket()
            journal.change(at: world.now)
            for number in 0..<300 { journal.add(.apply, .note, "step \(number)", at: world.now) }
            journal.commit(.succeeded, at: world.now)
            try await planned.stop()

            var expected: Int64 = 4
            var kills = 0
            var child = try await ServerProcess.start(planned.folder, database)
            while expected <= Int64(journal.entries.count) {
                let running = child
                // Somewhere in its work, however fast the machine is.
                let moment = kills < 8 ? expected + Int64.random(in: 1...30) : .max
                let (reached, isKilled) = await Self.tell(journal, host, running, from: expected, killedFrom: moment)
                #expect(reached >= expected, "what was acknowledged is there after the kill")
                expected = reached
                if isKilled {
                    kills += 1
                    child = try await ServerProcess.start(planned.folder, database)
                }
            }
            #expect(kills > 0)
            #expect(try await child.stop() == 0)
            let store = try await Store.open(
                database ?? "sqlite:\(planned.folder)/fettle.sqlite", program: "test", now: world.now)
            let (record, entries) = try await store.read { sql in
                (
                    try sql.jobs.show(organisation: "default", id: job),
                    try sql.jobs.entries(organisation: "default", job: job)
                )
            }
            #expect(entries == journal.entries.map(\.json.canonicalText), "each record once, none missing")
            #expect(record?.stateWord == "succeeded")
            let permits = try await store.read { try $0.permits.list(organisation: "default", job: job) }
            #expect(permits.map(\.state) == ["returned", "returned"])
            let audited = try await store.read { sql in
                try sql.audit.list(organisation: "default", limit: 10_000).count {
                    String(decoding: $0.event, as: UTF8.self).contains("\"job.entry-apply\"")
                }
            }
            #expect(audited == 302, "one audit leaf a record")
            await store.close()
        }

        /// Tells a journal in small pieces until all is told or the server is gone, which is killed soon after it expects
        /// that record; returns what it expects next, and whether it was killed.
        private static func tell(
            _ journal: TestJournal, _ host: TestHost, _ server: ServerProcess, from ordinal: Int64,
            killedFrom moment: Int64
        ) async -> (expected: Int64, isKilled: Bool) {
            var expected = ordinal
            var killer: Task<Void, Never>?
            do {
                let client = try await TestClient.connect(
                    .tls(port: server.agents, try server.context(host.grant.certificate, host.key)))
                while expected <= Int64(journal.entries.count) {
                    let some = Array(journal.from(expected).prefix(Int.random(in: 1...4)))
                    let answer = try await client.send(
                        .POST, "/agent/v2/jobs/\(journal.job)/entries",
                        body: JobProgress(exchangeToken: host.token, entries: some).encoded())
                    #expect(answer.status == 200, "\(answer.text)")
                    let reply = try JobProgressReply(decoding: answer.body)
                    #expect(reply.expectedEntry >= expected)
                    expected = reply.expectedEntry
                    if expected >= moment, killer == nil {
                        killer = Task {
                            try? await Task.sleep(for: .milliseconds(Int.random(in: 0...5)))
                            server.kill()
                        }
                    }
                }
            } catch {
                // The server is gone: that is what was to happen.
            }
            await killer?.value
            return (expected, killer != nil)
        }
    }
}
