import Foundation
import Glibc
import Store
import Testing

/// The number of a step after all others.
private let nextStep = (Migration.all.last?.number ?? 0) + 1

extension StoreTests {
    /// What is refused before anything is touched, and in which words.
    @Suite struct OpeningTests {
        private func refusal(_ address: String) async -> StoreError? {
            await #expect(throws: StoreError.self) {
                try await Store.open(address, program: "test", now: t0).close()
            }
        }

        @Test func addressesThatAreNone() async throws {
            #expect(await refusal("mysql://x")?.kind == .badAddress)
            #expect(await refusal("sqlite:")?.kind == .badAddress)
            #expect(await refusal("")?.kind == .badAddress)
            // A password never gets into the message.
            #expect(await refusal("mysql://me:secret@host/db")?.description.contains("secret") == false)
        }

        @Test func unreachableServersAndWrongLogins() async throws {
            #expect(await refusal("postgresql://127.0.0.1:1/none")?.kind == .connection)
            let good = try await PrivatePostgreSQL.shared.address()
            let at = try #require(good.firstIndex(of: "@"))
            let wrong = await refusal("postgresql://testbed:wrong\(good[at...])")
            #expect(wrong?.kind == .noAccess)
            #expect(wrong?.description.contains("wrong\(good[at...].prefix(3))") == false)
        }

        @Test func statementsEndInTimeUnlessTheAddressSaysOtherwise() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            func timeout(_ address: String) throws -> String {
                let connection = PostgreSQLConnection(address: address)
                try connection.connect()
                defer { connection.close() }
                var value = ""
                try connection.query("SELECT current_setting('statement_timeout')", []) { row in value = try row.text()
                }
                return value
            }
            #expect(try timeout(address) == "2min")
            #expect(try timeout("\(address)%20-cstatement_timeout%3D0") == "0")
            #expect(try timeout("\(address)%20-cstatement_timeout%3D5min") == "5min")
            let store = try await Store.open("\(address)%20-cstatement_timeout%3D200", program: "test", now: t0)
            let error = await #expect(throws: StoreError.self) {
                try await store.read { _ = try $0.rows("SELECT count(pg_sleep(9))") { row in try row.integer() } }
            }
            #expect(error?.kind == .busy)
            #expect(error?.code == "57014")
            await store.close()
        }

        /// A server that takes connections and never says a word.
        @Test(.timeLimit(.minutes(1))) func aSilentServerIsGivenUp() async throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(listener) }
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let port = withUnsafeMutablePointer(to: &place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(listener, address, size)
                    listen(listener, 8)
                    getsockname(listener, address, &size)
                }
                return UInt16(bigEndian: pointer.pointee.sin_port)
            }
            // The address overrides the default of ten seconds.
            let start = ContinuousClock.now
            let connection = PostgreSQLConnection(address: "postgresql://127.0.0.1:\(port)/x?connect_timeout=2")
            let error = #expect(throws: StoreError.self) { try connection.connect() }
            #expect(error?.kind == .connection)
            #expect(ContinuousClock.now - start < .seconds(8))
        }

        @Test func standbys() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            #expect(await refusal("\(address)%20-cdefault_transaction_read_only%3Don")?.kind == .readOnly)
        }

        @Test func foldersThatAreMissing() async throws {
            #expect(await refusal("sqlite:/nowhere/at/all/fettle.db")?.kind == .noAccess)
        }

        @Test func filesThatAreNoDatabase() async throws {
            let address = try await TestEngine.sqlite.newDatabase()
            try Data(repeating: 0x41, count: 8192).write(to: URL(filePath: String(address.dropFirst(7))))
            let error = await refusal(address)
            #expect(error?.kind == .corrupt)
            #expect(error?.message.contains("is not an SQLite database") == true)
        }

        @Test func aSecondServerOnAnEmbeddedDatabase() async throws {
            let address = try await TestEngine.sqlite.newDatabase()
            let first = try await Store.open(address, program: "test", now: t0)
            let error = await refusal(address)
            #expect(error?.kind == .lockedByAnotherServer)
            #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
            await first.close()
            try await Store.open(address, program: "test", now: t0).close()
        }

        @Test func aServerThatMigratesWhileAnotherDoes() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            let other = PostgreSQLConnection(address: address)
            try other.connect()
            try other.script("SELECT pg_advisory_lock(1717924980, hashtext(current_schema()::text))")
            #expect(await refusal(address)?.kind == .lockedByAnotherServer)
            other.close()
            try await Store.open(address, program: "test", now: t0).close()
        }

        /// Two branches that each add the next step give two steps one number.
        @Test func stepsCountWithoutGaps() {
            #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
        }

        @Test(arguments: TestEngine.allCases) func newerAndChangedDatabases(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            let second = Migration(
                number: nextStep, name: "second step",
                schema: "CREATE TABLE extra (id {integer} PRIMARY KEY) {table};")
            try await Store.open(
                address, program: "fettle 9.9", now: t0, migrations: Migration.all + [second]
            ).close()
            let newer = await refusal(address)
            #expect(newer?.kind == .newerDatabase)
            #expect(newer?.description.contains("second step") == true)
            #expect(newer?.description.contains("fettle 9.9") == true)
            let other = Migration(
                number: nextStep, name: "second step", schema: "CREATE TABLE extra (id {text}) {table};")
            let changed = await #expect(throws: StoreError.self) {
                try await Store.open(address, program: "fettle 9.9", now: t0, migrations: Migration.all + [other])
                    .close()
            }
            #expect(changed?.kind == .changedMigration)
        }

        @Test(arguments: TestEngine.allCases) func aStepThatFailsLeavesNothing(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            try await Store.open(address, program: "test", now: t0).close()
            let broken = Migration(
                number: nextStep, name: "broken",
                schema: "CREATE TABLE half (id {integer}) {table}; INSERT INTO nowhere VALUES (1);")
            await #expect(throws: StoreError.self) {
                try await Store.open(address, program: "test", now: t0, migrations: Migration.all + [broken])
            }
            let plan = try await Store.plan(address)
            #expect(plan.applied == Migration.all.count)
            let fixed = Migration(
                number: nextStep, name: "fixed", schema: "CREATE TABLE half (id {integer}) {table};")
            try await Store.open(address, program: "test", now: t0, migrations: Migration.all + [fixed]).close()
        }

        @Test(arguments: TestEngine.allCases) func theDryRunSaysWhatWouldBeDone(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            let plan = try await Store.plan(address)
            #expect(plan.applied == 0)
            #expect(plan.pending.map(\.number) == Migration.all.map(\.number))
            #expect(plan.description.contains("to apply: 1 first schema"))
            #expect(!plan.description.contains("backup"))
            try await Store.open(address, program: "test", now: t0).close()
            #expect(try await Store.plan(address).description.contains("nothing to migrate"))
        }
    }
}
