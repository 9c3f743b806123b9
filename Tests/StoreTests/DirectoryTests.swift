import Store
import Synchronization
import Testing
import Timestamps

extension StoreTests {
    @Suite struct DirectoryTests {
        @Test(arguments: TestEngine.allCases) func aRestartLoadsWhatWasThere(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            let first = try await Store.open(address, program: "test", now: t0)
            try await first.write { _ = try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            let host = try await first.enrol("web1")
            first.directory.touch(host: host.id, at: t0.adding(seconds: 9))
            await first.close()
            let second = try await Store.open(address, program: "test", now: t0)
            let entry = try #require(second.directory.host(serial: "aweb101")?.entry)
            #expect(entry.host.exchangeCurrent == host.exchangeCurrent)
            // Closing wrote down what was only in memory.
            #expect(entry.host.lastSeen == t0.adding(seconds: 9))
            #expect(entry.certificates.map(\.serial) == ["aweb101"])
            await second.close()
        }

        @Test(arguments: TestEngine.allCases) func anOlderSightingDoesNotUndoANewerOne(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                for seconds in [Int64(50), 20] {
                    store.directory.touch(host: host.id, at: t0.adding(seconds: seconds))
                    store.directory.touch(host: "h-unknown", at: t0)
                    try await store.flushPresence()
                }
                let read = try await store.read { try $0.hosts.show(organisation: "a", id: host.id) }
                #expect(read?.lastSeen == t0.adding(seconds: 50))
            }
        }

        /// A dump restored into a new cluster brings stamps from the old one, whose transactions were numbered higher.
        @Test(arguments: TestEngine.allCases) func stampsOfAnotherClusterAreBroughtDown(engine: TestEngine) async throws
        {
            let address = try await engine.newDatabase()
            let old = try await Store.open(address, program: "test", now: t0)
            try await old.write { _ = try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            let host = try await old.enrol("web1")
            try await old.write { _ = try $0.execute("UPDATE hosts SET change = ?1", Int64(1) << 50) }
            await old.close()

            let one = try await Store.open(address, program: "test", now: t0)
            let two = engine == .postgresql ? try await Store.open(address, program: "test", now: t0) : one
            try await one.write {
                try $0.hosts.setStatus(organisation: "a", host: host.id, .revoked, reason: "x", actor: "u", now: t0)
            }
            #expect(one.directory.host(host.id)?.host.status == .revoked)
            try await two.refreshDirectory()
            #expect(two.directory.host(host.id)?.host.status == .revoked)
            await one.close()
            if engine == .postgresql { await two.close() }
        }

        @Test func serversThatShareADatabaseLearnOfEachOther() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            let one = try await Store.open(address, program: "test", connections: 3, now: t0)
            let two = try await Store.open(address, program: "test", connections: 3, now: t0)
            #expect(one.isShared)
            try await one.write { _ = try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            let host = try await one.enrol("web1")
            let slow = try await one.enrol("web2")
            #expect(two.directory.host(host.id) == nil)
            try await two.refreshDirectory()
            #expect(two.directory.host(host.id)?.host.status == .active)

            // A transaction that began before the next refresh and commits after it is not missed.
            let gate = Mutex(false)
            async let writing: Void = one.write { sql in
                try sql.hosts.requestScan(organisation: "a", host: slow.id, now: t0)
                while !gate.withLock({ $0 }) {
                    _ = try sql.rows("SELECT count(pg_sleep(0.01))") { row in try row.integer() }
                }
            }
            try await Task.sleep(for: .milliseconds(100))
            try await one.write {
                try $0.hosts.setStatus(organisation: "a", host: host.id, .revoked, reason: "x", actor: "u", now: t0)
            }
            try await two.refreshDirectory()
            #expect(two.directory.host(host.id)?.host.status == .revoked)
            #expect(two.directory.host(slow.id)?.host.scanRequest == 0)
            gate.withLock { $0 = true }
            try await writing
            try await two.refreshDirectory()
            #expect(two.directory.host(slow.id)?.host.scanRequest == 1)
            await one.close()
            await two.close()
        }
    }
}
