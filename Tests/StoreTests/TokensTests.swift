import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct TokensTests {
        private func token(_ id: String, uses: Int64, organisation: String = "a") -> EnrolmentTokenRecord {
            EnrolmentTokenRecord(
                id: id, organisation: organisation, note: "for tests", labels: ["env": "lab"], createdAt: t0,
                createdBy: "user:1", expiresAt: t0.adding(seconds: 3600), uses: uses)
        }

        @Test(arguments: TestEngine.allCases) func ofRacingHostsAsManyWinAsItHasUses(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                for uses in [1, 3] {
                    let id = "t\(uses)"
                    try await store.write {
                        try $0.tokens.create(token(id, uses: Int64(uses)), secretDigest: digest(id))
                    }
                    let wins = await withTaskGroup(of: Bool.self) { group in
                        for number in 0..<16 {
                            group.addTask {
                                // A host enrols with it in the same transaction, as the server does.
                                let host: HostRecord? = try? await store.write { sql throws in
                                    _ = try sql.tokens.consume(id: id, secretDigest: digest(id), now: t0)
                                    return try sql.hosts.enrol(newHost("\(id)n\(number)"), now: t0)
                                }
                                return host != nil
                            }
                        }
                        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                    }
                    #expect(wins == uses)
                    try await store.read { sql throws in
                        let found = try #require(try sql.tokens.list(organisation: "a").first { $0.id == id })
                        #expect(found.usesLeft == 0)
                        #expect(found.lastUsedAt == t0)
                        #expect(found.labels == ["env": "lab"])
                        #expect(
                            try sql.hosts.count(organisation: "a", filter: HostFilter(nameContains: id)) == Int64(uses))
                    }
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func refusalsSayWhy(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    try sql.tokens.create(token("one", uses: 1), secretDigest: digest("s"))
                    try sql.tokens.create(token("gone", uses: 1), secretDigest: digest("s"))
                    #expect(try sql.tokens.revoke(organisation: "a", id: "gone", actor: "user:1", now: t0))
                    #expect(try !sql.tokens.revoke(organisation: "a", id: "gone", actor: "user:1", now: t0))
                    #expect(try !sql.tokens.revoke(organisation: "b", id: "one", actor: "user:1", now: t0))
                }
                func consume(_ id: String, _ secret: String, at time: Timestamp = t0) async throws {
                    _ = try await store.write { try $0.tokens.consume(id: id, secretDigest: digest(secret), now: time) }
                }
                await #expect(throws: TokenRefusal.unknown) { try await consume("none", "s") }
                await #expect(throws: TokenRefusal.unknown) { try await consume("one", "wrong") }
                await #expect(throws: TokenRefusal.revoked(t0)) { try await consume("gone", "s") }
                let end = t0.adding(seconds: 3600)
                await #expect(throws: TokenRefusal.expired(end)) { try await consume("one", "s", at: end) }
                try await consume("one", "s", at: end.adding(seconds: -1))
                await #expect(throws: TokenRefusal.spent) { try await consume("one", "s") }
            }
        }
    }
}
