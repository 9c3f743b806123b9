import Agent
import Digest
import Testing
import Timestamps
import Wire

@Suite struct AgentLoopDefenceTests {
    private func refused(_ driver: LoopDriver, _ name: String, reports: Int, _ comment: Comment? = nil) {
        #expect(driver.loop.refusals[name] == 1, comment)
        #expect(driver.reports.count == reports, comment)
        #expect(driver.pending == nil, comment)
        #expect(driver.wait > 0, comment)
    }

    @Test func aStateForAnotherHostOrOrganisationIsRefused() {
        for state in [LoopDriver().state(host: "host2"), LoopDriver().state(organisation: "org2")] {
            var driver = LoopDriver(queued: 1)
            driver.begin()
            driver.answerReports(expected: 2)
            driver.answer(driver.reply(stateVersion: 1))
            driver.answer(.state(state))
            refused(driver, "other-hosts-state", reports: 0)
            #expect(driver.loop.memory.state == nil)
        }
    }

    @Test func anOlderStateIsRefusedAndTheHeldOneKept() {
        var driver = LoopDriver()
        driver.begin()
        driver.answer(driver.reply(stateVersion: 5))
        driver.answer(.state(driver.state(version: 5)))
        driver.wakeUp()
        driver.answer(driver.reply(stateVersion: 4))
        driver.answer(.state(driver.state(version: 4)))
        refused(driver, "version-behind", reports: 0)
        #expect(driver.loop.memory.state?.version == 5)
    }

    @Test func aLowerEpochIsRefusedUntilTheServerRoseAboveIt() throws {
        var memory = AgentMemory(exchangeToken: "t", epoch: 7)
        memory.state = LoopDriver().state(epoch: 7, version: 3)
        var driver = LoopDriver(memory: memory, queued: 2)
        driver.begin()
        driver.answerReports(expected: 1, needed: [])
        driver.wakeUp()
        driver.answerReports(expected: 3)
        let checkIn = try #require(driver.checkIn)
        #expect(checkIn.epoch == 7)
        #expect(checkIn.stateVersion == 3)
        driver.answer(driver.reply(epoch: 6, stateVersion: 9, token: "stolen"))
        #expect(driver.loop.refusals["epoch-behind"] == 1)
        #expect(driver.loop.memory.exchangeToken == "t")
        #expect(driver.loop.memory.epoch == 7)
        driver.wakeUp()
        driver.answer(driver.reply(epoch: 8, stateVersion: 1))
        #expect(driver.loop.memory.epoch == 8)
        // A lower version is fine in a higher epoch, and must not be fetched under the old tag.
        #expect(driver.pending == .state(held: nil))
        driver.answer(.state(driver.state(epoch: 8, version: 1)))
        #expect(driver.loop.memory.state?.version == 1)
    }

    @Test func askingForWhatWasNeverReportedIsRefused() {
        var driver = LoopDriver(queued: 1)
        driver.begin()
        let foreign = NeededDocument(document: .facts, digest: SHA256.hash([42]))
        driver.answerReports(expected: 1, needed: [foreign])
        refused(driver, "asked-for-unreported", reports: 1)
        // A digest of ours under another document's name is none of ours either.
        driver = LoopDriver(queued: 1)
        driver.begin()
        driver.answerReports(
            expected: 1, needed: [NeededDocument(document: .facts, digest: LoopDriver.digests(0).set)])
        refused(driver, "asked-for-unreported", reports: 1)
    }

    @Test func askingAgainAndAgainEnds() {
        var driver = LoopDriver(queued: 1)
        driver.begin()
        let document = NeededDocument(document: .set, digest: LoopDriver.digests(0).set)
        driver.answerReports(expected: 1, needed: [document])
        driver.answer(.uploaded(document, .taken))
        driver.answerReports(expected: 1, needed: [document])
        refused(driver, "asked-again", reports: 1)
        driver = LoopDriver(queued: 1)
        driver.begin()
        driver.answerReports(expected: 1)
        refused(driver, "no-progress", reports: 1)
    }

    @Test func acknowledgingWhatWasNeverSentDeletesNothing() {
        var driver = LoopDriver(queued: 3)
        driver.begin()
        driver.answerReports(expected: 5)
        refused(driver, "acknowledged-unsent", reports: 3)
        #expect(driver.incarnation == "incarnation1")
        #expect(driver.reports.map(\.sequence) == [1, 2, 3])
        // The same lie again does not make it begin anew again.
        driver.wakeUp()
        driver.answerReports(expected: 9)
        #expect(driver.incarnation == "incarnation1")
        #expect(driver.reports.count == 3)
        // At a check-in: of two reports the first was sent and taken, the second not yet sent.
        driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.answer(driver.reply(expected: 2))
        #expect(driver.loop.refusals["acknowledged-unsent"] == 1)
        #expect(driver.reports.count == 1)
    }

    @Test func aRestoredServerGetsEverythingThatIsStillThere() {
        // Three were acknowledged, two wait; the backup knows one.
        var driver = LoopDriver(queued: 5)
        driver.begin()
        driver.answerReports(expected: 4, needed: [])
        #expect(driver.reports.count == 2)
        driver.answerReports(expected: 2)
        // Lower than what it had acknowledged: ask first what has become of it.
        #expect(driver.checkIn != nil)
        let kept = driver.reports.map(\.digests)
        driver.answer(driver.reply(epoch: 2, expected: 2))
        #expect(driver.incarnation == "incarnation0")
        #expect(driver.reports.map(\.sequence) == [2, 3])
        #expect(driver.reports.map(\.digests) == kept)
        #expect(driver.pending == .report(limit: 100))
        driver.answerReports(expected: 4)
        #expect(driver.reports.isEmpty)
        #expect(driver.loop.memory.epoch == 2)
    }

    @Test func aRestoredServerIsToldEverythingByAHostWithNothingWaiting() {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.answer(driver.reply(expected: 1))
        driver.answerReports(expected: 2)
        driver.wakeUp()
        driver.answer(driver.reply(epoch: 2, expected: 1))
        #expect(driver.reports.map(\.cause) == ["report-all"])
        #expect(driver.reports.map(\.sequence) == [1])
        #expect(driver.reports.map(\.digests) == [LoopDriver.digests(1)])
        #expect(driver.pending == .report(limit: 100))
    }

    @Test func aRestoredServerThatGuessesHighDeletesNothing() {
        var driver = LoopDriver()
        driver.begin()
        driver.scanned(1)
        driver.take(.changed)
        driver.scanned(2)
        #expect(driver.checkIn != nil)
        driver.answer(driver.reply(epoch: 2, expected: 3, reportAll: true))
        #expect(driver.reports.map(\.sequence) == [3, 4])
        #expect(driver.reports.map(\.digests) == [1, 2].map(LoopDriver.digests))
    }

    @Test func aServerThatForgotInTheSameEpochIsMetInANewIncarnation() {
        var driver = LoopDriver(queued: 3)
        driver.begin()
        driver.answerReports(expected: 3)
        driver.answerReports(expected: 1)
        driver.answer(driver.reply(expected: 1))
        // The check-in says the same epoch; the delivery is tried, and refused again.
        #expect(driver.pending == .report(limit: 100))
        driver.answerReports(expected: 1)
        #expect(driver.loop.refusals["forgot-acknowledged"] == 2)
        #expect(driver.incarnation == "incarnation1")
        #expect(driver.reports.map(\.sequence) == [1])
    }

    @Test func aGrantOfALowerEpochIsRefused() {
        var driver = LoopDriver(memory: AgentMemory(exchangeToken: "t", epoch: 5))
        driver.begin()
        driver.now.wall = driver.loop.nextRenewal
        driver.answer(driver.reply(epoch: 5))
        #expect(driver.pending == .renew)
        driver.answer(.identity(LoopDriver.credentials, exchangeToken: "x", epoch: 4))
        #expect(driver.loop.memory.exchangeToken == "t")
        #expect(driver.loop.refusals["epoch-behind"] == 1)
    }

    /// Whatever a server answers, no report is deleted that was not sent and acknowledged within what was sent, the
    /// machine never stops waking, and it never makes more than its share of requests.
    @Test(arguments: 1...300) func noServerMakesItLoseAReport(seed: UInt64) {
        var driver = LoopDriver(seed: seed, queued: Int(seed % 4))
        var choice = SplitMix(state: seed &* 7919)
        var said: [HostDigests] = driver.reports.map(\.digests)
        var sent: Set<HostDigests> = []
        driver.begin()
        var number = 10
        for _ in 0..<200 {
            if Int.random(in: 0..<4, using: &choice) == 0 {
                number += 1
                driver.take(.changed)
                driver.scanned(number)
                said.append(LoopDriver.digests(number))
            }
            guard let pending = driver.pending else {
                #expect(driver.loop.wake != nil)
                driver.wakeUp()
                continue
            }
            if Int.random(in: 0..<6, using: &choice) == 0 {
                driver.fail(.closedEarly)
                continue
            }
            let waiting = driver.reports
            switch pending {
            case .checkIn:
                driver.answer(
                    driver.reply(
                        epoch: Int64.random(in: 0...3, using: &choice),
                        stateVersion: Int64.random(in: 0...3, using: &choice),
                        expected: Int64.random(in: 1...driver.next + 2, using: &choice),
                        token: Bool.random(using: &choice) ? "t\(number)" : nil,
                        reportAll: Bool.random(using: &choice)))
            case .job, .changelogs: Issue.record("nobody spoke for a job or asked for changelogs")
            case .report(let limit):
                let batch = waiting.prefix(limit)
                sent.formUnion(batch.map(\.digests))
                let document = batch.randomElement(using: &choice).map {
                    NeededDocument(document: .set, digest: $0.digests.set)
                }
                driver.answerReports(
                    expected: Int64.random(in: max(1, driver.first - 2)...driver.next + 2, using: &choice),
                    needed: Bool.random(using: &choice) ? [document].compactMap(\.self) : [])
            case .upload(let document, _): driver.answer(.uploaded(document, .taken))
            case .state:
                driver.answer(
                    .state(
                        driver.state(
                            epoch: Int64.random(in: 0...3, using: &choice),
                            version: Int64.random(in: 0...3, using: &choice))))
            case .renew, .comeBack: driver.fail(.closedEarly)
            }
            let left = Set(driver.reports.map(\.digests))
            for digests in said where !left.contains(digests) { #expect(sent.contains(digests)) }
            #expect(driver.reports.map(\.sequence) == (0..<driver.reports.count).map { driver.first + Int64($0) })
        }
        #expect(driver.effects.count < 5000)
    }
}
