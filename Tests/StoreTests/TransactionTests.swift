import Foundation
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct TransactionTests {
        struct Refused: Error {}

        @Test(arguments: TestEngine.allCases) func oneThatFailsLeavesItsNeighboursAlone(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                // Submitted at once, so that on SQLite they share commits.
                let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
                    for number in 0..<60 {
                        group.addTask {
                            let done: Void? = try? await store.write { sql throws in
                                try sql.settings.set("n\(number)", [1], organisation: "a", now: t0)
                                switch number % 4 {
                                case 1: throw Refused()
                                case 2:
                                    try sql.execute(
                                        "INSERT INTO organisations (id, name, created_at) VALUES ('a', '', 0)")
                                case 3: try sql.execute("UPDATE nowhere SET x = 1")
                                default: break
                                }
                            }
                            return (number, done != nil)
                        }
                    }
                    return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                for number in 0..<60 {
                    #expect(outcomes[number] == (number % 4 == 0))
                    let kept = try await store.read { try $0.settings.value("n\(number)", organisation: "a") }
                    #expect((kept != nil) == (number % 4 == 0))
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func racingReadModifyWritesLoseNothing(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { try $0.settings.set("count", [0], organisation: "a", now: t0) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<30 {
                        group.addTask {
                            try await store.write { sql throws in
                                let count = try sql.settings.value("count", organisation: "a")?.first ?? 0
                                try sql.settings.set("count", [count + 1], organisation: "a", now: t0)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await store.read { try $0.settings.value("count", organisation: "a") } == [30])
            }
        }

        /// Two transactions that each read what the other writes (write skew): at most one may win on its first look.
        @Test(arguments: TestEngine.allCases) func writeSkewDoesNotHappen(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                for round in 0..<10 {
                    let budget = "budget\(round)"
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for holder in 0..<8 {
                            group.addTask {
                                try await store.write { sql throws in
                                    let held = try sql.first(
                                        "SELECT count(*) FROM settings WHERE organisation = ?1 AND value = ?2", "a",
                                        Array(budget.utf8)
                                    ) { row in try row.integer() }
                                    if held ?? 0 < 3 {
                                        try sql.settings.set(
                                            "\(budget) \(holder)", Array(budget.utf8), organisation: "a", now: t0)
                                    }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let held = try await store.read { sql throws in
                        try sql.first("SELECT count(*) FROM settings WHERE value = ?1", Array(budget.utf8)) { row in
                            try row.integer()
                        }
                    }
                    #expect(held == 3)
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func valuesComeBackAsTheyWere(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let texts = ["", "ä€😀", "a'b\"c\\", String(repeating: "x", count: 100_000)]
                let blobs: [[UInt8]] = [[], [0], Array(0...255), [UInt8](repeating: 7, count: 1 << 20)]
                for (text, blob) in zip(texts, blobs) {
                    try await store.write {
                        try $0.settings.set(text, blob, organisation: text, now: Timestamp(milliseconds: .min))
                    }
                    let read = try await store.read { sql throws in
                        try sql.first(
                            "SELECT organisation, name, value, changed_at FROM settings WHERE organisation = ?1", text
                        ) { row in (try row.text(), try row.text(), try row.blob(), try row.integer()) }
                    }
                    #expect(read?.0 == text)
                    #expect(read?.1 == text)
                    #expect(read?.2 == blob)
                    #expect(read?.3 == .min)
                }
                let error = await #expect(throws: StoreError.self) {
                    try await store.write { try $0.settings.set("a\0b", [], now: t0) }
                }
                #expect(error?.message.contains("NUL") == true)
            }
        }

        @Test(arguments: TestEngine.allCases) func readersCannotWriteAndSeeOneSnapshot(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                let error = await #expect(throws: StoreError.self) {
                    try await store.read { try $0.settings.set("x", [1], now: t0) }
                }
                #expect(error?.kind == .readOnly)
                try await store.write { try $0.settings.set("x", [1], now: t0) }
                #expect(try await store.read { try $0.settings.value("x") } == [1])
            }
        }

        @Test(arguments: TestEngine.allCases) func errorsAreTyped(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let duplicate = await #expect(throws: StoreError.self) {
                    try await store.write {
                        try $0.execute("INSERT INTO organisations (id, name, created_at) VALUES ('a', '', 0)")
                    }
                }
                #expect(duplicate?.kind == .duplicate)
                let constraint = await #expect(throws: StoreError.self) {
                    try await store.write {
                        try $0.execute(
                            "INSERT INTO assets (organisation, id, kind, created_at) VALUES ('nobody', 'x', 'host', 0)")
                    }
                }
                #expect(constraint?.kind == .constraint)
                let statement = await #expect(throws: StoreError.self) {
                    try await store.write { try $0.execute("SELECT FROM WHERE") }
                }
                #expect(statement?.kind == .statement)
                #expect(statement?.description.contains("SELECT FROM WHERE") == true)
                #expect(statement?.code != nil)
            }
        }

        @Test(arguments: TestEngine.allCases) func whatIsClosedRefuses(engine: TestEngine) async throws {
            let store = try await Store.open(try await engine.newDatabase(), program: "test", now: t0)
            await store.close()
            let error = await #expect(throws: StoreError.self) {
                try await store.write { try $0.settings.set("x", [], now: t0) }
            }
            #expect(error?.kind == .closed)
        }

        @Test(arguments: TestEngine.allCases) func aFailureThatIsSwallowedStillFails(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let error = await #expect(throws: StoreError.self) {
                    try await store.write { sql throws in
                        try sql.settings.set("x", [1], now: t0)
                        _ = try? sql.execute("INSERT INTO organisations (id, name, created_at) VALUES ('a', '', 0)")
                        try? sql.settings.set("y", [1], now: t0)
                    }
                }
                #expect(error?.kind == .duplicate)
                #expect(try await store.read { try $0.settings.value("x") } == nil)
                #expect(try await store.read { try $0.settings.value("y") } == nil)
            }
        }

        @Test func aFullDiskFailsWhatDoesNotFitAndNothingElse() async throws {
            try await TestEngine.sqlite.withStore { store throws in
                let pages = try await store.write { sql in
                    try sql.first("PRAGMA page_count") { row in try row.integer() } ?? 0
                }
                try await store.write { sql throws in
                    _ = try sql.rows("PRAGMA max_page_count=\(pages + 20)") { row in try row.integer() }
                }
                let kinds = await withTaskGroup(of: StoreError.Kind?.self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            do {
                                let size = number == 3 ? 1 << 20 : 10
                                try await store.write {
                                    try $0.settings.set("n\(number)", [UInt8](repeating: 1, count: size), now: t0)
                                }
                                return nil
                            } catch { return (error as? StoreError)?.kind }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(kinds.contains(.diskFull))
                let kept = try await store.read { sql in
                    try sql.rows("SELECT name FROM settings") { row in try row.text() }
                }
                #expect(kept.count == kinds.count { $0 == nil })
                #expect(!kept.contains("n3"))
                try await store.write { try $0.settings.set("after", [1], now: t0) }
            }
        }

        @Test func aLostSessionIsReplaced() async throws {
            try await TestEngine.postgresql.withStore { store throws in
                // Every session of this schema's owner but the one that asks.
                try await store.write { try $0.settings.set("x", [1], now: t0) }
                _ = try? await store.write { sql throws in
                    try sql.rows(
                        """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE application_name = 'fettle' AND datname = current_database()
                        """
                    ) { row in try row.integer() }
                }
                #expect(try await store.read { try $0.settings.value("x") } == [1])
                try await store.write { try $0.settings.set("x", [2], now: t0) }
                #expect(try await store.read { try $0.settings.value("x") } == [2])
            }
        }
    }
}
