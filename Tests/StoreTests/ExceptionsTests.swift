import Audit
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct ExceptionsTests {
        private func asked(_ id: String, by actor: String = "user:1") -> StoredException {
            StoredException(
                id: id, organisation: "a", vulnerability: "CVE-2026-1", owner: "owner", reason: "no window",
                compensatingControl: "filtered", requestedBy: actor, requestedAt: t0,
                expires: t0.adding(seconds: 86_400))
        }

        /// Who asked for it, and its owner, cannot approve it; each change is one audit record.
        @Test(arguments: TestEngine.allCases) func anotherPersonApproves(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in try sql.exceptions.create(asked("x1")) }
                for (actor, isDone) in [("user:1", false), ("owner", false), ("user:2", true), ("user:3", false)] {
                    let done = try await store.write { sql throws in
                        try sql.exceptions.approve(
                            organisation: "a", id: "x1", by: actor, coversExploitation: false, now: t0)
                    }
                    #expect(done == isDone, "\(actor)")
                }
                let approved = try await store.read { sql throws in try sql.exceptions.approved(organisation: "a") }
                #expect(approved.map(\.approvedBy) == ["user:2"])
                let other = try await store.write { sql throws in
                    try sql.exceptions.revoke(organisation: "b", id: "x1", by: "user:2", reason: "no", now: t0)
                }
                #expect(!other, "another organisation's is as if it were not")
                for isFirst in [true, false] {
                    let ended = try await store.write { sql throws in
                        try sql.exceptions.end(
                            organisation: "a", id: "x1", as: .knownExploited, why: "kev", now: t0)
                    }
                    #expect(ended == isFirst)
                }
                try await store.read { sql throws in
                    #expect(try sql.exceptions.approved(organisation: "a").isEmpty)
                    #expect(try sql.exceptions.open().isEmpty)
                    let events = try sql.audit.list(organisation: "a").compactMap {
                        try? AuditEvent(canonical: $0.event).action
                    }
                    #expect(
                        events.filter { $0.hasPrefix("exception.") }
                            == ["exception.requested", "exception.approved", "exception.reopened"])
                }
            }
        }

        /// One that has run out is not approved any more.
        @Test(arguments: TestEngine.allCases) func nobodyApprovesWhatIsOver(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in try sql.exceptions.create(asked("x1")) }
                let done = try await store.write { sql throws in
                    try sql.exceptions.approve(
                        organisation: "a", id: "x1", by: "user:2", coversExploitation: false,
                        now: t0.adding(seconds: 86_400))
                }
                #expect(!done)
            }
        }

        @Test(arguments: TestEngine.allCases) func oneServerHoldsALease(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                func take(_ holder: String, _ seconds: Int64) async throws -> Bool {
                    try await store.write { sql throws in
                        try sql.leases.take("judge", by: holder, seconds: 30, now: t0.adding(seconds: seconds))
                    }
                }
                #expect(try await take("one", 0))
                #expect(try await !take("two", 10))
                #expect(try await take("one", 20), "its holder goes on with it")
                #expect(try await !take("two", 49))
                #expect(try await take("two", 50), "it has run out")
                #expect(try await !take("one", 51))
                try await store.write { sql throws in try sql.leases.give(back: "judge", by: "two") }
                #expect(try await take("one", 52))
            }
        }
    }
}
