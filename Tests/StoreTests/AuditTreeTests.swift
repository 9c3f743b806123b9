import Audit
import Digest
import Foundation
import JSON
import Store
import Testing
import Timestamps

extension StoreTests {
    /// Numbers, trees, proofs and checkpoints of the audit log.
    @Suite struct AuditTreeTests {
        @Test(arguments: TestEngine.allCases) func everyLeafGetsItsPlaceInTwoTrees(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                for round in 0..<7 {
                    try await store.write { sql throws in
                        for number in 0..<100 {
                            try sql.audit.note(["a", "b", ""][(round + number) % 3], "\(round)-\(number)")
                        }
                    }
                    _ = try await store.write { try $0.audit.sequence(limit: 64, now: t0) }
                }
                #expect(try await store.read { try $0.audit.hasUnsequenced() })
                try await store.sequenceAll()
                #expect(try await store.read { try $0.audit.trees() } == ["", "a", "b"])
                for organisation in ["", "a", "b"] {
                    let leaves = try await store.leaves(of: organisation)
                    #expect(leaves.count == (organisation.isEmpty ? 700 : leaves.count))
                    let numbers = leaves.map { organisation.isEmpty ? $0.installationSequence : $0.sequence }
                    #expect(numbers == (0..<Int64(leaves.count)).map { $0 })
                    try await store.read { sql throws in
                        let tree = try sql.audit.tree(organisation)
                        #expect(tree.size == leaves.count)
                        var frontier = MerkleFrontier()
                        for (index, leaf) in leaves.enumerated() {
                            frontier.append(leaf.hash)
                            guard index % 41 == 0 || index == leaves.count - 1 else { continue }
                            #expect(try tree.root(size: index + 1) == frontier.root)
                            let proof = try #require(try tree.inclusionProof(of: index, in: leaves.count))
                            #expect(
                                try MerkleTree.verifyInclusion(
                                    leaf: leaf.hash, index: index, size: leaves.count, proof: proof,
                                    root: tree.root(size: leaves.count)))
                        }
                        #expect(try tree.inclusionProof(of: 0, in: leaves.count + 1) == nil)
                        #expect(try tree.consistencyProof(from: 1, to: leaves.count + 1) == nil)
                    }
                }
                let own = try await store.read { try $0.audit.list(organisation: "", limit: 1000) }
                #expect(own.allSatisfy { $0.sequence == nil && $0.installationSequence != nil })
            }
        }

        /// On PostgreSQL ids are given before commits: what commits late comes later, and leaves no gap.
        @Test func whatCommitsLateComesLater() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            let store = try await Store.open(address, program: "test", now: t0)
            let late = PostgreSQLConnection(address: address)
            try late.connect()
            let event = try AuditEvent(
                organisation: "", time: t0.description, actor: "late", action: "x", subject: "y")
            try late.script("BEGIN")
            _ = try late.execute(
                "INSERT INTO audit_leaves (organisation, leaf_hash, event, recorded_at) VALUES ('', ?1, ?2, ?3)",
                [.blob(event.leafHash().bytes), .blob(event.canonicalBytes()), .integer(t0.milliseconds)])
            for number in 0..<5 { try await store.write { try $0.audit.note("", "early \(number)") } }
            #expect(try await store.write { try $0.audit.sequence(now: t0) }.sequenced == 5)
            let root = try await store.read { try $0.audit.tree("").root(size: 5) }
            try late.script("COMMIT")
            late.close()
            #expect(try await store.write { try $0.audit.sequence(now: t0) }.sequenced == 1)
            let leaves = try await store.leaves(of: "")
            #expect(leaves.map(\.installationSequence) == [0, 1, 2, 3, 4, 5])
            #expect(leaves.last?.id == leaves.map(\.id).min(), "the first id, the last place")
            #expect(try await store.read { try $0.audit.tree("").root(size: 5) } == root)
            // It came without columns to filter by, as those of an older schema: now it has them.
            var filter = AuditFilter()
            filter.actor = "late"
            let asked = filter
            #expect(try await store.read { try $0.audit.search(organisation: "", asked) }.count == 1)
            await store.close()
        }

        @Test func twoServersNumberOneAfterTheOther() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            let stores = [
                try await Store.open(address, program: "one", now: t0),
                try await Store.open(address, program: "two", now: t0),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (server, store) in stores.enumerated() {
                    for task in 0..<2 {
                        group.addTask {
                            for number in 0..<40 {
                                try await store.write { try $0.audit.note("", "\(server)-\(task)-\(number)") }
                            }
                        }
                    }
                    group.addTask {
                        for _ in 0..<20 { _ = try await store.write { try $0.audit.sequence(limit: 7, now: t0) } }
                    }
                }
                try await group.waitForAll()
            }
            try await stores[0].sequenceAll()
            let leaves = try await stores[1].leaves(of: "")
            #expect(leaves.map(\.installationSequence) == (0..<160).map { $0 })
            #expect(Set(leaves.map(\.id)).count == 160)
            var frontier = MerkleFrontier()
            for leaf in leaves { frontier.append(leaf.hash) }
            #expect(try await stores[1].read { try $0.audit.tree("").root(size: 160) } == frontier.root)
            for store in stores { await store.close() }
        }

        @Test(arguments: TestEngine.allCases) func nothingIsLostWhenTheSequencerIsKilled(
            engine: TestEngine
        ) async throws {
            let address = try await engine.newDatabase()
            let said = FileManager.default.temporaryDirectory.appending(path: "fettle-audit-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: said) }
            setenv("FETTLE_TEST_ADDRESS", address, 1)
            setenv("FETTLE_TEST_SAID", said.path, 1)
            var signed = AuditCheckpoint(origin: "o", size: 0, root: MerkleTree.emptyRoot)
            for round in 1...3 {
                setenv("FETTLE_TEST_ROUND", "\(round)", 1)
                await #expect(processExitsWith: .signal(SIGKILL)) { try await sequenceUntilKilled() }
                let store = try await Store.open(address, program: "test", now: t0)
                try await store.sequenceAll()
                let leaves = try await store.leaves(of: "")
                #expect(leaves.map(\.installationSequence) == (0..<Int64(leaves.count)).map { $0 })
                let subjects = Set(leaves.compactMap { $0.subject })
                let acknowledged = try String(contentsOf: said, encoding: .utf8).split(separator: "\n")
                #expect(acknowledged.count > 5)
                #expect(Set(acknowledged.map(String.init)).subtracting(subjects).isEmpty)
                var frontier = MerkleFrontier()
                for leaf in leaves { frontier.append(leaf.hash) }
                #expect(try await store.read { try $0.audit.tree("").root(size: leaves.count) } == frontier.root)
                let outcome = try await store.sign("", at: Int64(round) * 100)
                guard case .signed(let next) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(next.size == leaves.count && next.size > signed.size)
                signed = next
                await store.close()
            }
        }

        @Test(arguments: TestEngine.allCases) func whatContradictsTheLastCheckpointIsNotSigned(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                func append() async throws {
                    try await store.write { sql throws in
                        for number in 0..<300 { try sql.audit.note("a", "\(number)") }
                    }
                    try await store.sequenceAll()
                }
                try await append()
                #expect(try await store.sign("a", at: 10) == .signed(try await store.head("a")))
                #expect(try await store.sign("a", at: 20) == .notDue, "it has not grown")
                try await append()
                #expect(try await store.sign("a", at: 20) == .notDue, "too soon")
                #expect(try await store.sign("a", at: 75) == .signed(try await store.head("a")))
                try await append()
                for alter in [
                    // A tile of leaves, one of the level above, the size, a signature, a checkpoint's size.
                    """
                    UPDATE audit_tiles SET hashes = (SELECT t.hashes FROM audit_tiles t
                        WHERE t.organisation = 'a' AND t.level = 0 AND t.position = 1)
                    WHERE organisation = 'a' AND level = 0 AND position = 2
                    """,
                    "DELETE FROM audit_tiles WHERE organisation = 'a' AND level = 1",
                    "UPDATE audit_trees SET size = 500 WHERE organisation = 'a'",
                    "UPDATE audit_checkpoints SET note = replace(note, 'test', 'tset')",
                    "UPDATE audit_checkpoints SET size = 590 WHERE size = 600",
                ] {
                    await #expect(throws: RolledBack.self) {
                        try await store.write { sql throws in
                            #expect(try sql.execute(alter) > 0)
                            let outcome = try sql.audit.sign("a", at: 200)
                            guard case .refused(let fault) = outcome else {
                                Issue.record("signed after \(alter): \(outcome)")
                                throw RolledBack()
                            }
                            #expect(fault.organisation == "a")
                            throw RolledBack()
                        }
                    }
                }
                #expect(try await store.sign("a", at: 200) == .signed(try await store.head("a")))
                // A tree whose last hashes are gone is not gone on with.
                try await store.write { try $0.audit.note("a", "one more") }
                try await store.write {
                    _ = try $0.execute("DELETE FROM audit_tiles WHERE organisation = 'a' AND position = 3")
                }
                await #expect(throws: AuditTreeFault.self) { try await store.sequenceAll() }
                // Others are.
                try await store.write { try $0.audit.note("b", "one") }
                let outcome = try await store.write { try $0.audit.sequence(skipping: ["a"], now: t0) }
                #expect(outcome.sequenced == 1)
            }
        }

        @Test(arguments: TestEngine.allCases) func leavesAreFoundByWhoWhatAndWhen(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    for number in 0..<60 {
                        try sql.audit.append(
                            organisation: ["a", "b", ""][number % 3], actor: "user:\(number % 4)",
                            action: "x.\(number % 5)", subject: "host:\(number % 6)",
                            now: t0.adding(seconds: Int64(number)))
                    }
                }
                func find(
                    _ organisation: String?, after: AuditPageKey? = nil, limit: Int = 100,
                    _ change: (inout AuditFilter) -> Void = { _ in }
                ) async throws -> [AuditLeaf] {
                    var filter = AuditFilter()
                    change(&filter)
                    let asked = filter
                    return try await store.read {
                        try $0.audit.search(organisation: organisation, asked, after: after, limit: limit)
                    }
                }
                #expect(try await find(nil).count == 60)
                #expect(try await find("a").map(\.id) == (0..<20).map { Int64($0 * 3 + 1) })
                #expect(try await find(nil) { $0.newestFirst = true }.map(\.id) == (1...60).reversed().map { $0 })
                #expect(try await find(nil) { $0.actor = "user:1" }.count == 15)
                #expect(try await find("b") { $0.action = "x.1" }.map(\.id) == [2, 17, 32, 47])
                #expect(try await find("") { $0.subject = "host:5" }.count == 10)
                #expect(try await find("") { $0.subject = "host:1" }.isEmpty)
                #expect(
                    try await find(nil) {
                        $0.since = t0.adding(seconds: 10)
                        $0.until = t0.adding(seconds: 13)
                    }.map(\.id) == [11, 12, 13])
                var pages: [Int64] = []
                var key: AuditPageKey?
                repeat {
                    let page = try await find(nil, after: key, limit: 7) { $0.newestFirst = true }
                    pages += page.map(\.id)
                    key = page.count == 7 ? page.last.map { AuditPageKey(recordedAt: $0.recordedAt, id: $0.id) } : nil
                } while key != nil
                #expect(pages == (1...60).reversed().map { $0 })
            }
        }

        /// Every question goes to an index that has its rows in order, so that lists are quick at a million leaves.
        @Test func listsReadFromIndexes() async throws {
            try await TestEngine.sqlite.withStore { store throws in
                for condition in ["", "AND actor = 'x'", "AND action = 'x'", "AND subject = 'x'"] {
                    let plan = try await store.read { sql throws in
                        try sql.rows(
                            """
                            EXPLAIN QUERY PLAN SELECT id FROM audit_leaves WHERE organisation = 'a' \(condition)
                            AND recorded_at >= 5 AND (recorded_at, id) < (7, 7) ORDER BY recorded_at DESC, id DESC LIMIT 9
                            """
                        ) { row in
                            _ = (try row.value(), try row.value(), try row.value())
                            return try row.text()
                        }
                    }
                    #expect(plan.count == 1 && plan[0].contains("SEARCH audit_leaves USING"), "\(condition): \(plan)")
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func erasureIsItselfARecord(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { try $0.audit.note("a", "x", personal: ["name": "Ada"]) }
                let leaf = try #require(try await store.leaves(of: "a", sequenced: false).first)
                #expect(!leaf.isErased)
                func erase() async throws -> Bool {
                    try await store.write {
                        try $0.audit.erase(id: leaf.id, actor: "user:1", reason: "asked for", now: t0)
                    }
                }
                #expect(try await erase())
                #expect(try await !erase(), "once")
                let leaves = try await store.leaves(of: "a", sequenced: false)
                #expect(leaves.count == 2)
                #expect(leaves[0].isErased && leaves[0].hash == leaf.hash)
                #expect(String(decoding: leaves[1].event, as: UTF8.self).contains("audit.personal-erased"))
                #expect(String(decoding: leaves[1].event, as: UTF8.self).contains(leaf.hash.hex))
            }
        }

        @Test(arguments: TestEngine.allCases) func anEventIsNotTooLarge(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                await #expect(throws: AuditError.self) {
                    try await store.write {
                        try $0.audit.append(
                            organisation: "a", actor: "x", action: "y", subject: "z",
                            detail: ["text": .string(String(repeating: "x", count: 300_000))], now: t0)
                    }
                }
            }
        }
    }
}

private struct RolledBack: Error {}

/// Appends and sequences until a thread kills the process at a moment nobody chose.
@Sendable private func sequenceUntilKilled() async throws {
    let environment = ProcessInfo.processInfo.environment
    let store = try await Store.open(environment["FETTLE_TEST_ADDRESS"] ?? "", program: "test", now: t0)
    let round = environment["FETTLE_TEST_ROUND"] ?? ""
    let file = open(environment["FETTLE_TEST_SAID"] ?? "", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    killAtSomeMoment(after: 150, in: file)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<3 {
            group.addTask {
                for number in 0..<1_000_000 {
                    let name = "\(round)-\(task)-\(number)"
                    try await store.write { try $0.audit.note("", name) }
                    let line = Array("\(name)\n".utf8)
                    _ = write(file, line, line.count)
                }
            }
        }
        group.addTask {
            while true { _ = try await store.write { try $0.audit.sequence(limit: 20, now: t0) } }
        }
        try await group.waitForAll()
    }
}

extension AuditLog {
    fileprivate func note(_ organisation: String, _ subject: String, personal: [String: JSONValue] = [:]) throws {
        try append(
            organisation: organisation, actor: "test", action: "x.done", subject: subject, personal: personal, now: t0)
    }

    /// Signs with a key that stands in for Ed25519, which the store does not have.
    fileprivate func sign(_ organisation: String, at second: Int64) throws -> AuditSigning {
        let key = NoteKey(name: "test", publicKey: Array(repeating: 7, count: 32))!
        return try checkpoint(
            organisation, origin: "o", interval: 60, now: t0.adding(seconds: second),
            trusts: { $0.signers([key]) { $2 == SHA256.hash($0 + $1).bytes }?.isEmpty == false },
            sign: { SignedNote(text: $0, key: key, signature: SHA256.hash(key.publicKey + Array($0.utf8)).bytes) })
    }
}

extension AuditLeaf {
    fileprivate var subject: String? { try? AuditEvent(canonical: event).subject }
}

extension Store {
    fileprivate func sequenceAll() async throws {
        while try await write({ try $0.audit.sequence(limit: 100, now: t0) }).sequenced > 0 {}
    }

    fileprivate func sign(_ organisation: String, at second: Int64) async throws -> AuditSigning {
        try await write { try $0.audit.sign(organisation, at: second) }
    }

    fileprivate func head(_ organisation: String) async throws -> AuditCheckpoint {
        try await read { sql throws in
            let tree = try sql.audit.tree(organisation)
            return AuditCheckpoint(origin: "o", size: tree.size, root: try tree.root(size: tree.size))
        }
    }

    /// All leaves of a tree in its order.
    fileprivate func leaves(of organisation: String, sequenced: Bool = true) async throws -> [AuditLeaf] {
        let whole: String? = organisation.isEmpty ? nil : organisation
        let leaves = try await read { try $0.audit.search(organisation: whole, limit: 100_000) }
        guard sequenced else { return leaves }
        return leaves.sorted { left, right in
            organisation.isEmpty
                ? (left.installationSequence ?? .max) < (right.installationSequence ?? .max)
                : (left.sequence ?? .max) < (right.sequence ?? .max)
        }
    }
}
