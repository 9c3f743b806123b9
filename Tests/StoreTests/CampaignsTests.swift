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
            let members = try await store.read { sql in
                try [nil, host.id].map {
                    try sql.campaigns.hosts(organisation: "a", campaign: "c-3", after: $0, limit: 5).map(\.host)
                }
            }
            #expect(members == [[host.id], []])
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

    /// Jobs are counted by their hosts' latest attempts, and read by their states and a page at a time.
    @Test(arguments: TestEngine.allCases)
    func jobsAreCountedAndReadByState(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            var hosts: [HostRecord] = []
            for number in 0..<4 { hosts.append(try await store.enrol("web\(number)")) }
            hosts.sort { $0.id < $1.id }
            let members = hosts
            @Sendable func made(
                _ number: Int, in campaign: String = "c-1", attempt: Int64 = 1, _ word: String, rollsBack: Bool = false,
                at second: Int64 = 0
            ) -> JobRecord {
                let id = "\(campaign)-\(number)-\(attempt)"
                let host = members[number]
                var record = JobRecord(
                    id: id, organisation: "a", campaign: campaign, host: host.id, attempt: attempt,
                    rollsBack: rollsBack, state: "{}", stateWord: word, notBefore: t0, lastSafeStart: t0, notAfter: t0,
                    createdAt: t0.adding(seconds: second))
                record.isTerminal = !["offered", "running"].contains(word)
                return record
            }
            try await store.write { sql in
                try sql.campaigns.insert(campaign("c-1"))
                try sql.campaigns.insert(campaign("c-2"))
                try sql.campaigns.insert(campaign("c-3"))
                for record in [
                    made(0, "succeeded"), made(0, attempt: 2, "offered", rollsBack: true), made(1, "succeeded"),
                    made(2, "succeeded"), made(3, "running"),
                    // Later: one that changed a host, one that was taken back there, one that did not begin.
                    made(1, in: "c-2", "succeeded", at: 9), made(2, in: "c-3", "failed-changed", at: 9),
                    made(2, in: "c-3", attempt: 2, "rolled-back", rollsBack: true, at: 10),
                    made(0, in: "c-3", "expired", at: 9),
                ] {
                    try sql.jobs.insert(record)
                }
                try sql.campaigns.setHosts(
                    organisation: "a", campaign: "c-1",
                    members.map {
                        CampaignHost(
                            host: $0.id, distribution: "debian-12", previous: "{}", notBefore: t0, lastSafeStart: t0,
                            notAfter: t0)
                    })
                try sql.hosts.setJobs(organisation: "a", host: members[3].id, from: t0, now: t0)
            }
            try await store.read { sql in
                let counts = try sql.jobs.latestCounts(organisation: "a", campaign: "c-1")
                #expect(
                    Set(counts.map { "\($0.stateWord) \($0.rollsBack) \($0.count)" }) == [
                        "offered true 1", "succeeded false 2", "running false 1",
                    ])
                func latest(_ words: Set<String>, after: String? = nil, limit: Int? = nil) throws -> [String] {
                    try sql.jobs.latest(organisation: "a", campaign: "c-1", words: words, after: after, limit: limit)
                        .map(\.id)
                }
                #expect(try latest(["succeeded"]) == ["c-1-1-1", "c-1-2-1"], "host 0 has gone on since")
                #expect(try latest(["succeeded", "running"], limit: 2) == ["c-1-1-1", "c-1-2-1"])
                #expect(try latest(["succeeded", "running"], after: members[2].id, limit: 2) == ["c-1-3-1"])
                #expect(try latest([]) == [])
                let own = try sql.jobs.latest(organisation: "a", campaign: "c-1", host: members[0].id)
                #expect(own?.id == "c-1-0-2")
                let later = try sql.jobs.laterChanges(organisation: "a", campaign: "c-1")
                #expect(later.map(\.campaign) == ["c-2"] && later.map(\.host) == [members[1].id])
                #expect(try sql.campaigns.hurriedHosts(organisation: "a", campaign: "c-1") == [members[3].id])
                #expect(try sql.jobs.ofRetiredHosts(organisation: "a", campaign: "c-1").isEmpty)
            }
            try await store.write { sql in
                for number in [1, 3] {
                    try sql.hosts.setStatus(
                        organisation: "a", host: members[number].id, .retired, reason: "gone", actor: "user:1", now: t0)
                }
            }
            let retired = try await store.read { try $0.jobs.ofRetiredHosts(organisation: "a", campaign: "c-1") }
            #expect(retired.map(\.id) == ["c-1-3-1"], "the other has ended and holds nothing")
        }
    }

    /// Who changed a host later is told by the fences of its grants; what was given up, and hosts that are gone, apart.
    @Test(arguments: TestEngine.allCases)
    func whoCameLaterIsToldByFences(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let host = try await store.enrol("web")
            let gone = try await store.enrol("gone")
            @Sendable func made(
                _ campaign: String, _ word: String, fence: Int64?, at second: Int64, on host: HostRecord
            ) -> JobRecord {
                var record = job("\(campaign)-\(host.hostname)", campaign, host)
                record.createdAt = t0.adding(seconds: second)
                record.stateWord = word
                record.fence = fence
                record.isTerminal = true
                return record
            }
            try await store.write { sql in
                for number in 1...6 { try sql.campaigns.insert(campaign("c-\(number)")) }
                for record in [
                    // Offered first, and run last.
                    made("c-1", "succeeded", fence: 7, at: 0, on: host),
                    made("c-2", "succeeded", fence: 3, at: 5, on: host),
                    made("c-3", "written-off", fence: 8, at: 6, on: host),
                    made("c-4", "lost", fence: 2, at: 7, on: host),
                    made("c-5", "written-off", fence: 4, at: 8, on: gone),
                    made("c-2", "succeeded", fence: 1, at: 5, on: gone),
                    made("c-6", "expired", fence: 9, at: 9, on: gone),
                ] { try sql.jobs.insert(record) }
                try sql.hosts.setStatus(
                    organisation: "a", host: gone.id, .retired, reason: "gone", actor: "user:1", now: t0)
            }
            try await store.read { sql throws in
                func later(_ campaign: String) throws -> [String] {
                    try sql.jobs.laterChanges(organisation: "a", campaign: campaign).map(\.campaign)
                }
                func givenUp(_ campaign: String) throws -> [String] {
                    try sql.jobs.laterGivenUp(organisation: "a", campaign: campaign, limit: 9).map(\.id)
                }
                #expect(try later("c-1") == [])
                #expect(try later("c-2") == ["c-1"])
                #expect(try later("c-6") == [], "it has changed nothing")
                #expect(try givenUp("c-1") == ["c-3-web"])
                #expect(try givenUp("c-2") == ["c-3-web"], "the other's host is gone")
                #expect(try givenUp("c-4") == ["c-3-web"])
            }
        }
    }

    /// However many campaigns came later, each is found: what is left out would be taken away unseen.
    @Test(arguments: TestEngine.allCases)
    func noLaterCampaignIsLeftOut(_ engine: TestEngine) async throws {
        try await engine.withStore { store in
            let host = try await store.enrol("web")
            try await store.write { sql in
                for number in 0..<520 {
                    let id = "c-\(10_000 + number)"
                    try sql.campaigns.insert(campaign(id))
                    var record = job("j-\(id)", id, host)
                    record.fence = Int64(number + 1)
                    record.isTerminal = true
                    record.stateWord = number == 0 || number > 320 ? "succeeded" : "lost"
                    try sql.jobs.insert(record)
                }
            }
            try await store.read { sql in
                #expect(try sql.jobs.laterChanges(organisation: "a", campaign: "c-10000").count == 199)
                var found: [String] = []
                var last: JobRecord?
                while true {
                    let page = try sql.jobs.laterGivenUp(
                        organisation: "a", campaign: "c-10000", after: last, limit: 100)
                    found += page.map(\.id)
                    guard page.count == 100 else { break }
                    last = page.last
                }
                #expect(found == (1...320).map { "j-c-\(10_000 + $0)" })
            }
        }
    }

    /// A campaign that was being rolled back when the way back got a release of its own is asked for.
    @Test(arguments: TestEngine.allCases)
    func whatWasBeingRolledBackIsSigned(_ engine: TestEngine) async throws {
        let address = try await engine.newDatabase()
        let before = try await Store.open(
            address, program: "test", now: t0, migrations: Migration.all.filter { $0.number < 13 })
        try await before.write { sql in
            try sql.organisations.create(Organisation(id: "a", name: "a", createdAt: t0))
            for (id, word, envelope) in [
                ("c-1", "rolling-back", nil), ("c-2", "rolling-back", "{}"), ("c-3", "completed", nil),
                ("c-4", "rolling-back", nil),
            ] as [(String, String, String?)] {
                var record = campaign(id)
                record.stateWord = word
                record.rollbackRelease = envelope
                try sql.campaigns.insert(record)
            }
            try sql.timers.set(
                StoredTimer(
                    organisation: "a", kind: "campaign-sign", subject: "c-4", version: 1, dueAt: t0.adding(seconds: 99))
            )
        }
        await before.close()
        let store = try await Store.open(address, program: "test", now: t0)
        let due = try await store.write { try $0.timers.claim(by: "x", limit: 9, lease: 30, now: t0) }
        #expect(due.map(\.kind) == ["campaign-sign"] && due.map(\.subject) == ["c-1"])
        await store.close()
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
