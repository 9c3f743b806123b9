import Digest
import Store
import Testing
import Timestamps

/// Campaigns, jobs, permits and fences as rows, on both engines.
@Suite struct CampaignsTests {
    private func campaign(_ id: String, _ organisation: String = "a", at time: Timestamp = t0) -> CampaignRecord {
        CampaignRecord(
            id: id, organisation: organisation, title: "t", author: "user:1", draft: "{}", state: "{}",
            stateWord: "draft", epoch: 1, approvalsRequired: 1, createdAt: time)
    }

    private func job(_ id: String, _ campaign: String, _ host: HostRecord, attempt: Int64 = 1) -> JobRecord {
        JobRecord(
            id: id, organisation: host.organisation, campaign: campaign, host: host.id, attempt: attempt,
            rollsBack: false, state: "{}", stateWord: "offered", notBefore: t0,
            lastSafeStart: t0.adding(seconds: 60), notAfter: t0.adding(seconds: 120), createdAt: t0)
    }

    @Test(arguments: TestEngine.allCases)
    func ofRacingChangesOneWins(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let record = campaign("c-1")
            try await store.write { try $0.campaigns.insert(record) }
            let first = try await store.write { sql in
                var changed = record
                changed.stateWord = "running"
                return try sql.campaigns.update(changed, now: t0)
            }
            #expect(first?.version == 2)
            #expect(try await store.write { try $0.campaigns.update(record, now: t0) } == nil)
            #expect(try await store.read { try $0.campaigns.show(organisation: "a", id: "c-1") } == first)
            #expect(try await store.read { try $0.campaigns.show(organisation: "b", id: "c-1") } == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func listsGoOnWhereTheyEnded(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let host = try await store.enrol("web")
            try await store.write { sql in
                for number in 0..<5 {
                    // Two at a time were made at once.
                    try sql.campaigns.insert(campaign("c-\(number)", at: t0.adding(seconds: Int64(number / 2))))
                }
                try sql.campaigns.insert(campaign("c-b", "b"))
                try sql.campaigns.setHosts(
                    organisation: "a", campaign: "c-3",
                    [
                        CampaignHost(
                            host: host.id, distribution: "debian-12", previous: "{}", notBefore: t0, lastSafeStart: t0,
                            notAfter: t0)
                    ])
            }
            var ids: [String] = []
            var after: String?
            while true {
                let key = after
                let page = try await store.read { try $0.campaigns.list(organisation: "a", after: key, limit: 2) }
                ids += page.map(\.id)
                guard page.count == 2 else { break }
                after = page.last?.id
            }
            #expect(ids == ["c-4", "c-3", "c-2", "c-1", "c-0"])
            let ofHost = try await store.read { try $0.campaigns.list(organisation: "a", host: host.id) }
            #expect(ofHost.map(\.id) == ["c-3"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func journalsAndLogsAreAppended(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let host = try await store.enrol("web")
            let record = job("j1", "c-1", host)
            try await store.write { sql in
                try sql.campaigns.insert(campaign("c-1"))
                try sql.jobs.insert(record)
                for ordinal in 1...3 {
                    try sql.jobs.append(
                        organisation: "a", job: "j1", ordinal: Int64(ordinal), digest: digest("\(ordinal)"),
                        content: "\(ordinal)", now: t0)
                }
                try sql.jobs.appendLog(organisation: "a", job: "j1", at: 0, Array("hello ".utf8))
                try sql.jobs.appendLog(organisation: "a", job: "j1", at: 6, Array("world".utf8))
            }
            #expect(try await store.read { try $0.jobs.show(organisation: "a", id: "j1") } == record)
            #expect(try await store.read { try $0.jobs.entries(organisation: "a", job: "j1", from: 2) } == ["2", "3"])
            #expect(try await store.read { try $0.jobs.entries(organisation: "b", job: "j1") } == [])
            for (from, limit, text) in [(0, 100, "hello world"), (4, 4, "o wo"), (6, 100, "world"), (11, 5, "")] {
                let bytes = try await store.read {
                    try $0.jobs.log(organisation: "a", job: "j1", from: Int64(from), limit: limit)
                }
                #expect(String(decoding: bytes, as: UTF8.self) == text)
            }
            await #expect(throws: StoreError.self) {
                try await store.write {
                    try $0.jobs.append(
                        organisation: "a", job: "j1", ordinal: 3, digest: digest("x"), content: "x", now: t0)
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func fencesOnlyGrow(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let host = try await store.enrol("web")
            func next() async throws -> Int64 {
                try await store.write { try $0.fences.next(organisation: "a", host: host.id, now: t0) }
            }
            #expect(try await next() == 1)
            #expect(try await next() == 2)
            #expect(try await store.write { try $0.fences.note(organisation: "a", host: host.id, fence: 9, now: t0) })
            #expect(try await !store.write { try $0.fences.note(organisation: "a", host: host.id, fence: 4, now: t0) })
            #expect(try await next() == 10)
            // Racing grants of one host all differ.
            let fences = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<20 { group.addTask { try await next() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(fences.sorted() == Array(11...30))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func permitsAreCountedByTheirBudget(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            try await store.write { sql in
                try sql.permits.setBudget(organisation: "a", group: "g", capacity: 2, now: t0)
                for (job, state) in [("1", "held"), ("2", "suspect"), ("3", "returned"), ("4", "written-off")] {
                    try sql.permits.put(
                        organisation: "a",
                        PermitRecord(group: "g", job: job, host: "h", fence: 1, state: state, takenAt: t0), now: t0)
                }
            }
            let counted = try await store.read { try $0.permits.counted(organisation: "a", group: "g") }
            #expect(counted.map(\.job) == ["1", "2"])
            #expect(try await store.write { try $0.permits.lockedBudget(organisation: "a", group: "g") } == 2)
            #expect(try await store.write { try $0.permits.lockedBudget(organisation: "b", group: "g") } == nil)
            #expect(try await store.read { try $0.permits.counts(organisation: "a", group: "g") }["held"] == 1)
        }
    }
}
