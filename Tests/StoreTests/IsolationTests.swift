import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    /// Whatever is done as organisation `a` neither changes nor reveals anything of organisation `b`.
    @Suite struct IsolationTests {
        @Test(arguments: TestEngine.allCases) func nothingCrosses(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let theirs = try await store.enrol("web1", organisation: "b")
                let look = HostLook(["x": "1"], offers: [("x", "1", "2", true)], facts: "{\"b\":1}")
                try await store.report(theirs, look, 1)
                try await store.write { sql throws in
                    try sql.tokens.create(
                        EnrolmentTokenRecord(
                            id: "bt", organisation: "b", createdAt: t0, createdBy: "u",
                            expiresAt: t0.adding(seconds: 99)),
                        secretDigest: digest("s"))
                    try sql.assets.setAttribute(
                        organisation: "b", asset: theirs.asset, name: "owner", value: "v", source: "s", validFrom: t0,
                        now: t0)
                    try sql.timers.set(StoredTimer(organisation: "b", kind: "k", subject: "s", version: 1, dueAt: t0))
                }
                let before = try await rows(store, "b")
                #expect(before.count > 10)
                var random = SeededGenerator(5)
                for round in 0..<150 {
                    let choice = Int.random(in: 0..<14, using: &random)
                    // Half the time with an id of their own, which `a` could have guessed.
                    let host = Bool.random(using: &random) ? theirs.id : "h-a-web1"
                    let asset = theirs.asset
                    let seen: Bool? = try? await store.write { sql -> Bool in
                        switch choice {
                        case 0: _ = try sql.hosts.enrol(newHost("web\(round % 3)"), now: t0)
                        case 1:
                            try sql.hosts.rotateExchangeToken(organisation: "a", host: host, to: digest("n"), now: t0)
                        case 2:
                            try sql.hosts.setStatus(
                                organisation: "a", host: host, .quarantined, reason: "r", actor: "u", now: t0)
                        case 3: try sql.hosts.setLabels(organisation: "a", host: host, ["x": "y"], actor: "u", now: t0)
                        case 4: try sql.hosts.requestScan(organisation: "a", host: host, now: t0)
                        case 5: try look.put("a", in: sql)
                        case 6:
                            _ = try sql.reports.accept(
                                ReportSubmission(
                                    organisation: "a", host: host, incarnation: "i1", entries: [look.entry(2)]), now: t0
                            )
                        case 7: return try sql.tokens.revoke(organisation: "a", id: "bt", actor: "u", now: t0)
                        case 8:
                            try sql.hosts.revokeCertificate(
                                organisation: "a", host: host, serial: "bweb101", reason: "r", actor: "u", now: t0)
                        case 9:
                            try sql.assets.setAttribute(
                                organisation: "a", asset: asset, name: "owner", value: "w", source: "s", validFrom: t0,
                                now: t0)
                        case 10: try sql.timers.cancel(organisation: "a", kind: "k", subject: "s")
                        case 11:
                            try sql.hosts.noteAgent(
                                organisation: "a", host: host, bootID: "n", agentVersion: "9", protocolVersion: 1,
                                now: t0)
                        case 12: try sql.audit.erasePersonal(organisation: "a", id: Int64(round % 10))
                        default:
                            try sql.assets.addEvidence(
                                organisation: "a", asset: asset, ["machine-id": "z"], source: "s", observed: t0, now: t0
                            )
                        }
                        return false
                    }
                    #expect(seen != true)
                }
                #expect(try await rows(store, "b") == before)
                try await store.read { sql throws in
                    #expect(try sql.hosts.show(organisation: "a", id: theirs.id) == nil)
                    #expect(try sql.hosts.certificates(organisation: "a", host: theirs.id).isEmpty)
                    #expect(try sql.history.states(organisation: "a", host: theirs.id).isEmpty)
                    #expect(try sql.pendingUpdates.list(organisation: "a", host: theirs.id).isEmpty)
                    #expect(try sql.tokens.list(organisation: "a").isEmpty)
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func equalSetsAreAskedForTwice(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let look = HostLook(["x": "1"], offers: [("x", "1", "2", true)], facts: "{\"b\":1}")
                let theirs = try await store.enrol("web1", organisation: "b")
                try await store.report(theirs, look, 1)
                let ours = try await store.enrol("web1", organisation: "a")
                let outcome = try await store.write { sql throws in
                    try sql.reports.accept(
                        ReportSubmission(organisation: "a", host: ours.id, incarnation: "i1", entries: [look.entry(1)]),
                        now: t0)
                }
                #expect(outcome.needed == look.digests.names)
                try await store.read { sql throws in
                    for name in look.digests.names {
                        #expect(try sql.documents.content(organisation: "a", name) == nil)
                    }
                }
            }
        }

        /// Every row of every table that belongs to the organisation.
        private func rows(_ store: Store, _ organisation: String) async throws -> [String: [String]] {
            let tables = [
                "assets", "identity_evidence", "asset_attributes", "hosts", "host_labels", "host_presence",
                "host_boots",
                "certificates", "enrolment_tokens", "software_sets", "offer_sets", "host_facts", "host_states",
                "pending_updates", "host_summaries", "outbox", "timers", "audit_leaves", "events",
            ]
            return try await store.read { sql throws in
                var all: [String: [String]] = [:]
                for table in tables {
                    all[table] = try sql.rows("SELECT * FROM \(table) WHERE organisation = ?1", organisation) { row in
                        var text = ""
                        while let value = try? row.value() { text += "\(value) " }
                        return text
                    }.sorted()
                }
                return all.filter { !$0.value.isEmpty }
            }
        }
    }
}
