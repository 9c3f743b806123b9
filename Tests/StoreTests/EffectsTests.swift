import Audit
import Digest
import JSON
import Store
import Testing
import Timestamps

extension StoreTests {
    /// Outbox, timers, events, audit, epochs, settings.
    @Suite struct EffectsTests {
        @Test(arguments: TestEngine.allCases) func racingServersClaimDifferentMessages(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    for number in 0..<40 {
                        try sql.outbox.put(organisation: "a", topic: "t", subject: "\(number)", payload: "{}", now: t0)
                    }
                }
                let claimed = try await withThrowingTaskGroup(of: [Int64].self) { group in
                    for server in 0..<8 {
                        group.addTask {
                            try await store.write {
                                try $0.outbox.claim(by: "s\(server)", limit: 5, lease: 60, now: t0).map(\.id)
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(claimed.count == 40)
                #expect(Set(claimed).count == 40)
                // A lease that ran out is claimed again, a finished message never.
                try await store.write { try $0.outbox.finish(claimed[0], now: t0) }
                try await store.write { try $0.outbox.postpone(claimed[1], until: t0.adding(seconds: 500)) }
                let again = try await store.write {
                    try $0.outbox.claim(by: "s", limit: 100, lease: 60, now: t0.adding(seconds: 61))
                }
                #expect(again.count == 38)
                #expect(again.allSatisfy { $0.attempts == 1 })
                #expect(try await store.write { try $0.outbox.purge(before: t0.adding(seconds: 1)) } == 1)
            }
        }

        @Test(arguments: TestEngine.allCases) func timersSurviveAndFireOnce(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                @Sendable func timer(_ subject: String, _ due: Int64, version: Int64 = 1) -> StoredTimer {
                    StoredTimer(
                        organisation: "a", kind: "k", subject: subject, version: version, dueAt: t0.adding(seconds: due)
                    )
                }
                try await store.write { sql throws in
                    try sql.timers.set(timer("x", 10))
                    try sql.timers.set(timer("y", 20))
                    try sql.timers.set(timer("x", 15, version: 2))
                }
                func claim(_ at: Int64) async throws -> [StoredTimer] {
                    try await store.write {
                        try $0.timers.claim(by: "s", limit: 9, lease: 60, now: t0.adding(seconds: at))
                    }
                }
                #expect(try await claim(14).isEmpty)
                #expect(try await claim(15) == [timer("x", 15, version: 2)])
                #expect(try await claim(16).isEmpty)
                try await store.write { try $0.timers.cancel(organisation: "a", kind: "k", subject: "x") }
                #expect(try await claim(90) == [timer("y", 20)])
            }
        }

        @Test(arguments: TestEngine.allCases) func leavesKeepTheirHashWhenPersonalDataGo(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    try sql.audit.append(
                        organisation: "a", actor: "user:1", action: "x.done", subject: "x:1", detail: ["n": 1],
                        personal: ["name": "Ada"], now: t0)
                    try sql.audit.append(organisation: "b", actor: "user:2", action: "y.done", subject: "y:1", now: t0)
                }
                let leaf = try #require(try await store.read { try $0.audit.list(organisation: "a") }.first)
                #expect(leaf.hash == SHA256.hash([0] + leaf.event))
                #expect(leaf.personal == Array("{\"name\":\"Ada\"}".utf8))
                #expect(!String(decoding: leaf.event, as: UTF8.self).contains("Ada"))
                #expect(leaf.sequence == nil)
                try await store.write { try $0.audit.erasePersonal(organisation: "b", id: leaf.id) }
                #expect(try await store.read { try $0.audit.list(organisation: "a") }.first == leaf)
                try await store.write { try $0.audit.erasePersonal(organisation: "a", id: leaf.id) }
                let erased = try #require(try await store.read { try $0.audit.list(organisation: "a") }.first)
                #expect(erased.personal == nil)
                #expect(erased.hash == leaf.hash)
                #expect(erased.event == leaf.event)
            }
        }

        @Test(arguments: TestEngine.allCases) func eventsAreRetiredByMonth(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let december = try #require(Timestamp(rfc3339: "2026-12-01T00:00:00Z"))
                try await store.write { sql throws in
                    for offset in [Int64(-3), -2, -1, 0, 1] {
                        try sql.events.record(
                            organisation: "a", kind: "k", subject: "\(offset)", now: december.adding(seconds: offset))
                    }
                }
                #expect(try await store.write { try $0.events.retire(before: december) } == 3)
                #expect(try await store.read { try $0.events.list(organisation: "a") }.map(\.subject) == ["1", "0"])
            }
        }

        @Test(arguments: TestEngine.allCases) func epochsOnlyRise(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let first = try await withThrowingTaskGroup(of: Int64.self) { group in
                    for _ in 0..<8 { group.addTask { try await store.write { try $0.epochs.currentOrFirst(now: t0) } } }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(first == [1])
                func raise(_ fence: Int64) async throws -> Int64 {
                    try await store.write {
                        try $0.epochs.raise(
                            above: fence, organisation: "a", actor: "user:1", cause: "restored", now: t0)
                    }
                }
                #expect(try await raise(7) == 8)
                #expect(try await raise(3) == 9)
                #expect(try await store.read { try $0.epochs.current() } == 9)
                #expect(try await store.read { try $0.audit.list(organisation: "a") }.count == 2)
            }
        }

        @Test(arguments: TestEngine.allCases) func ofRacingServersOneSetsASetting(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let values = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            try await store.write { try $0.settings.value("ca", orSet: [UInt8(number)], now: t0) }
                        }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(values.count == 1)
                #expect(try await store.read { try $0.settings.value("ca") } == values.first)
                #expect(try await store.read { try $0.settings.value("ca", organisation: "a") } == nil)
            }
        }
    }
}
