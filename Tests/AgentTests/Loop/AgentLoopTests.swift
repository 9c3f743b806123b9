import Agent
import Digest
import Testing
import Timestamps
import Wire

@Suite struct AgentLoopTests {
    @Test(arguments: 1...100) func theFirstContactOfAKnownHostIsSpreadOverAMinute(seed: UInt64) {
        var memory = AgentMemory(exchangeToken: "t", epoch: 1)
        memory.acknowledged = LoopDriver.digests(1)
        var driver = LoopDriver(seed: seed, memory: memory)
        let effects = driver.take(.started)
        #expect(effects.contains(.scan(cause: "start")))
        #expect((0...60_000).contains(driver.wait))
        var fresh = LoopDriver(seed: seed)
        fresh.take(.started)
        #expect((0...2000).contains(fresh.wait))
    }

    @Test func nothingNewIsOneCheckIn() throws {
        var driver = LoopDriver()
        driver.begin()
        let checkIn = try #require(driver.checkIn)
        #expect(checkIn.exchangeToken == "token1")
        #expect(checkIn.nextReport == 1)
        #expect(checkIn.clock == driver.now.wall)
        driver.answer(driver.reply())
        #expect(driver.pending == nil)
        #expect((120_000...480_000).contains(driver.wait))
    }

    @Test func aChangeIsReportedUploadedAndForgottenOnlyWhenAcknowledged() throws {
        var driver = LoopDriver()
        driver.take(.started)
        #expect(driver.scanned(1).contains { if case .append = $0 { true } else { false } })
        driver.wakeUp()
        #expect(driver.pending == .report(limit: 100))
        let digests = LoopDriver.digests(1)
        let needed = HostDocument.allCases.map { NeededDocument(document: $0, digest: digests[$0]) }
        driver.answerReports(expected: 1, needed: needed)
        for document in needed {
            #expect(driver.pending == .upload(document, base: nil))
            #expect(driver.reports.count == 1)
            driver.answer(.uploaded(document, .taken))
        }
        #expect(driver.pending == .report(limit: 100))
        driver.effects = []
        driver.answerReports(expected: 2)
        // The memory of what the server holds is on disk before the report is gone.
        let order = driver.effects.prefix(2)
        #expect(order.first == .save)
        #expect(order.last == .acknowledge(below: 2))
        #expect(driver.checkIn?.digests == digests)
        driver.answer(driver.reply())

        // The same again is no news; another set is, as a delta on the acknowledged one.
        driver.take(.changed)
        let unchanged = driver.scanned(1)
        #expect(!unchanged.contains { if case .append = $0 { true } else { false } })
        driver.take(.changed)
        driver.scanned(2)
        #expect((0...30_000).contains(driver.wait))
        driver.wakeUp()
        let next = NeededDocument(document: .set, digest: LoopDriver.digests(2).set)
        driver.answerReports(expected: 2, needed: [next])
        #expect(driver.pending == .upload(next, base: digests.set))
        driver.answer(.uploaded(next, .baseUnknown))
        #expect(driver.pending == .upload(next, base: nil))
    }

    @Test func aChangedStateIsFetchedAndItsRequestsAreMetOnce() throws {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.answer(driver.reply(stateVersion: 1, expected: 1))
        driver.answerReports(expected: 2)
        #expect(driver.pending == .state(held: nil))
        driver.answer(.state(driver.state()))
        #expect(driver.pending == nil)
        driver.wakeUp()
        #expect(driver.checkIn?.stateVersion == 1)
        driver.answer(driver.reply(stateVersion: 2))
        #expect(driver.pending == .state(held: driver.state()))
        let effects = driver.answer(.state(driver.state(version: 2, scanRequest: 1, renewRequest: 1)))
        #expect(effects.contains(.scan(cause: "requested")))
        #expect(driver.pending == .renew)
        let renewed = AgentLoop.Credentials(
            host: "host1", organisation: "org1", certificate: "c2", notBefore: driver.now.wall,
            notAfter: driver.now.wall.adding(seconds: 86_400))
        let granted = driver.answer(.identity(renewed, exchangeToken: "token2", epoch: 1))
        #expect(Array(granted.prefix(3)) == [.adoptIdentity, .save, .disconnect])
        #expect(driver.loop.memory.renewRequest == 1)
        #expect(driver.loop.memory.exchangeToken == "token2")
        #expect(driver.loop.memory.previousToken == "token1")
        driver.scanned(1)
        #expect(driver.loop.memory.scanRequest == 1)
        driver.wakeUp()
        driver.answer(driver.reply(stateVersion: 2))
        #expect(driver.pending == nil)
    }

    @Test func theCertificateIsRenewedAfterTwoThirdsAndBroughtBackAfterItsEnd() {
        var driver = LoopDriver()
        driver.begin()
        driver.answer(driver.reply())
        let life = LoopDriver.credentials.notAfter.milliseconds - LoopDriver.credentials.notBefore.milliseconds
        let third = LoopDriver.credentials.notBefore.milliseconds + life / 3 * 2
        #expect((third...third + life / 20).contains(driver.loop.nextRenewal.milliseconds))
        driver.now.wall = driver.loop.nextRenewal
        driver.wakeUp()
        driver.answer(driver.reply())
        #expect(driver.pending == .renew)
        driver.fail(.refused(status: 500, problem: nil, retryAfter: nil))
        // A failed renewal is tried again in a later cycle, after the check-in.
        driver.wakeUp()
        #expect(driver.checkIn != nil)
        driver.fail(.closedEarly)
        driver.now.wall = LoopDriver.credentials.notAfter
        driver.wakeUp()
        #expect(driver.pending == .comeBack)
    }

    @Test func aTokenIsStoredBeforeItIsUsedAndTheOldOneKeptUntilItWas() {
        var driver = LoopDriver()
        driver.begin()
        let effects = driver.answer(driver.reply(token: "token2"))
        #expect(effects.first == .save)
        #expect(driver.loop.memory.previousToken == "token1")
        driver.wakeUp()
        #expect(driver.checkIn?.exchangeToken == "token2")
        driver.answer(driver.reply())
        #expect(driver.loop.memory.previousToken == nil)
    }

    @Test func aTokenThatTheServerNeverSavedIsTakenBackOnceThenTheHostIsExcluded() {
        let stale = ExchangeError.refused(
            status: 409,
            problem: Problem("exchange-token-stale", title: "t", status: 409, detail: "d", cure: "c"), retryAfter: nil)
        var driver = LoopDriver(queued: 2)
        driver.begin()
        driver.answerReports(expected: 1)
        driver.wakeUp()
        driver.answerReports(expected: 3)
        driver.answer(driver.reply(token: "token2"))
        driver.wakeUp()
        driver.fail(stale)
        #expect(driver.loop.memory.exchangeToken == "token1")
        #expect(driver.loop.standing == .accepted)
        driver.wakeUp()
        driver.fail(stale)
        guard case .excluded("exchange-token-stale", _) = driver.loop.standing else {
            Issue.record("\(driver.loop.standing)")
            return
        }
        #expect((450_000...900_000).contains(driver.wait))
    }

    @Test(arguments: ["certificate-revoked", "host-quarantined", "host-unknown"])
    func anExcludedHostKeepsItsReportsAndAsksRarely(kind: String) {
        var driver = LoopDriver(queued: 3)
        driver.begin()
        let problem = Problem(kind, title: "t", status: 403, detail: "d", cure: "c")
        driver.fail(.refused(status: 403, problem: problem, retryAfter: nil))
        #expect((450_000...900_000).contains(driver.wait))
        #expect(driver.reports.count == 3)
        guard case .excluded(kind, _) = driver.loop.standing else {
            Issue.record("\(driver.loop.standing)")
            return
        }
        driver.wakeUp()
        driver.answerReports(expected: 4)
        driver.answer(driver.reply())
        #expect(driver.loop.standing == .accepted)
    }

    @Test func aWaitThatTheServerAsksForIsKept() {
        for seed in 1...50 {
            var driver = LoopDriver(seed: UInt64(seed))
            driver.begin()
            driver.fail(.refused(status: 503, problem: nil, retryAfter: 600))
            #expect((600_000...661_000).contains(driver.wait))
            // News must not shorten it.
            driver.scanned(seed)
            #expect(driver.wait >= 600_000)
        }
    }

    @Test func anOlderServerIsSpokenToInItsProtocol() {
        let problem = Problem("protocol-unsupported", title: "t", status: 426, detail: "d", cure: "c")
        var driver = LoopDriver()
        driver.begin()
        driver.fail(.refused(status: 426, problem: problem, retryAfter: nil))
        #expect(driver.loop.version == .two)
        driver.wakeUp()
        #expect(driver.checkIn?.clock != nil)
        driver.fail(.refused(status: 426, problem: problem, retryAfter: nil))
        #expect(driver.loop.version == .one)
        driver.wakeUp()
        #expect(driver.checkIn?.clock == nil)
        driver.fail(.refused(status: 426, problem: problem, retryAfter: nil))
        guard case .excluded("protocol-unsupported", _) = driver.loop.standing else {
            Issue.record("\(driver.loop.standing)")
            return
        }
    }

    @Test func batchesTooLargeAreHalved() {
        var driver = LoopDriver(queued: 50)
        driver.begin()
        var limits: [Int] = []
        for _ in 0..<8 {
            if case .report(let limit)? = driver.pending { limits.append(limit) }
            driver.fail(.refused(status: 413, problem: nil, retryAfter: nil))
            driver.wakeUp()
        }
        #expect(limits == [100, 50, 25, 12, 6, 3, 1, 1])
    }

    @Test func aLostDocumentIsScannedAgainAndItsReportsGiveWay() {
        var driver = LoopDriver(queued: 2)
        driver.begin()
        driver.scanned(9)
        let lost = NeededDocument(document: .facts, digest: LoopDriver.digests(0).facts)
        driver.answerReports(expected: 1, needed: [lost])
        driver.pending = nil
        let effects = driver.take(.documentLost(lost))
        #expect(effects.contains(.drop(naming: lost)))
        #expect(effects.contains(.scan(cause: "repaired")))
        #expect(driver.reports.count == 2)
        // The same digests as before: they must be reported all the same.
        #expect(driver.scanned(9).contains { if case .append = $0 { true } else { false } })
    }

    // MARK: The age of the last scan

    @Test func checkInsTellHowLongAgoTheLastScanFoundWhatTheySpeakOf() throws {
        var driver = LoopDriver()
        driver.take(.started)
        driver.wakeUp()
        // Nothing was scanned since the start.
        #expect(try #require(driver.checkIn).scanAge == nil)
        driver.answer(driver.reply())
        driver.scanned(1)
        driver.wakeUp()
        driver.answerReports(expected: 2)
        let first = try #require(driver.checkIn)
        #expect(first.digests == LoopDriver.digests(1))
        #expect((0...30).contains(try #require(first.scanAge)))
        driver.answer(driver.reply())
        // Scans fail from now on; the clock is set back and forth.
        let ended = driver.now.uptime - (first.scanAge ?? 0) * 1000
        for step: Int64 in [-7_200_000, 86_400_000, 0] {
            driver.take(.changed)
            driver.take(.scanFailed("no"))
            driver.now.wall.milliseconds += step
            driver.wakeUp()
            let age = try #require(driver.checkIn?.scanAge)
            #expect(abs(age - (driver.now.uptime - ended) / 1000) <= 1)
            driver.answer(driver.reply())
        }
        // One that finds nothing new is as good as one that does.
        driver.take(.changed)
        driver.scanned(1)
        driver.now.uptime = driver.loop.nextContact
        driver.take(.wake)
        #expect(try #require(driver.checkIn?.scanAge) <= 900)
    }

    /// A scan that a change overtakes has read some of what was before it.
    @Test func theAgeCountsFromTheBeginningOfTheScan() throws {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.answer(driver.reply(expected: 1))
        driver.answerReports(expected: 2)
        // Found as it was, then changed.
        for number in 1...2 {
            let began = driver.now.uptime
            driver.take(.changed)
            driver.pass(40_000)
            driver.scanned(number)
            driver.wakeUp()
            if case .report? = driver.pending {
                driver.answerReports(expected: 3)
                driver.wakeUp()
            }
            let age = try #require(driver.checkIn?.scanAge)
            #expect(abs(driver.now.uptime - age * 1000 - began) <= 1000)
            driver.answer(driver.reply())
        }
    }

    @Test func aScanThatIsNotOnTheDiskIsNoEvidenceForTheOneThatIs() throws {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.answer(driver.reply(expected: 1))
        driver.answerReports(expected: 2)
        driver.pass(600_000)
        driver.take(.changed)
        // Its report cannot be written.
        let random = driver.random
        _ = driver.loop.handle(
            .scanned(Observation(observed: driver.now.wall, bootID: "b"), LoopDriver.digests(2)), now: driver.now,
            random: &driver.random)
        _ = driver.loop.handle(.storeFailed("disk full"), now: driver.now, random: &driver.random)
        driver.random = random
        driver.wakeUp()
        let checkIn = try #require(driver.checkIn)
        #expect(checkIn.digests == LoopDriver.digests(1))
        #expect(try #require(checkIn.scanAge) >= 600)
    }

    @Test func protocolOneIsToldNoAge() throws {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        for _ in 0..<2 {
            driver.fail(.refused(status: 426, problem: nil, retryAfter: nil))
            driver.wakeUp()
        }
        driver.answerReports(expected: 2)
        #expect(try #require(driver.checkIn).scanAge == nil)
    }

    // MARK: Documents that the server finds bad

    @Test func aDocumentThatTheServerFindsBadGivesWayToAFreshScan() throws {
        var driver = LoopDriver()
        driver.take(.started)
        driver.scanned(1)
        driver.wakeUp()
        let bad = NeededDocument(document: .facts, digest: LoopDriver.digests(1).facts)
        driver.answerReports(expected: 1, needed: [bad])
        #expect(driver.pending == .upload(bad, base: nil))
        let effects = driver.answer(.uploaded(bad, .rejected("no hostname")))
        #expect(effects.contains(.drop(naming: bad)))
        #expect(effects.contains(.scan(cause: "repaired")))
        #expect(driver.reports.isEmpty)
        #expect(driver.loop.refusals["document-rejected"] == 1)
        #expect(driver.loop.rejection?.text == "facts: no hostname")
        // It is not silent meanwhile, and claims nothing.
        let checkIn = try #require(driver.checkIn)
        #expect(checkIn.digests == nil && checkIn.scanAge == nil)
        driver.answer(driver.reply())
        #expect(driver.loop.lastSuccess != nil)
        // What is found now is another thing, and is taken.
        #expect(driver.scanned(2).contains { if case .append = $0 { true } else { false } })
        driver.wakeUp()
        driver.answerReports(expected: 2)
        #expect(driver.loop.rejection == nil)
        #expect(driver.checkIn?.digests == LoopDriver.digests(2))
    }

    @Test func anOldReportsBadDocumentDoesNotTakeTheNewOnesAway() {
        var driver = LoopDriver(queued: 1)
        driver.take(.started)
        driver.scanned(5)
        driver.wakeUp()
        let bad = NeededDocument(document: .set, digest: LoopDriver.digests(0).set)
        driver.answerReports(expected: 1, needed: [bad])
        let effects = driver.answer(.uploaded(bad, .rejected("order")))
        #expect(!effects.contains { if case .scan = $0 { true } else { false } })
        #expect(driver.reports.map(\.digests) == [LoopDriver.digests(5)])
        #expect(driver.pending == .report(limit: 100))
    }

    /// Agent and server of two minds for good: some uploads a day, and the host is never silent.
    @Test(arguments: 1...20) func aDocumentThatIsAlwaysFoundBadIsNotSentHotly(seed: UInt64) {
        var driver = LoopDriver(seed: seed)
        driver.take(.started)
        let digests = LoopDriver.digests(1)
        let bad = NeededDocument(document: .offers, digest: digests.offers)
        var (uploads, checkIns, scans) = (0, 0, 0)
        let end = driver.now.uptime + 86_400_000
        while driver.now.uptime < end {
            if let exchange = driver.pending {
                switch exchange {
                case .report: driver.answerReports(expected: driver.first, needed: [bad])
                case .upload:
                    uploads += 1
                    driver.answer(.uploaded(bad, .rejected("no")))
                case .checkIn:
                    checkIns += 1
                    driver.answer(driver.reply())
                default: driver.answer(.state(nil))
                }
            }
            // Every scan that is asked for finds the same.
            for case .scan in driver.effects {
                scans += 1
                driver.effects = []
                driver.scanned(1)
                break
            }
            if driver.pending == nil, let wake = driver.loop.wake {
                driver.pass(max(0, wake - driver.now.uptime))
                driver.take(.wake)
            }
        }
        #expect((3...12).contains(uploads), "\(uploads)")
        #expect(checkIns > 200, "\(checkIns)")
        #expect(scans < 60, "\(scans)")
    }
}
