import Agent
import JSON
import Testing
import Wire

/// What jobs say to the server must never keep the host from being heard.
@Suite struct JobRefusalTests {
    private let question = RelayedQuestion(
        job: String(repeating: "a", count: 32), kind: .claim, nonce: String(repeating: "0", count: 32), fence: 0)

    private func problem(_ kind: String, _ status: Int) -> Problem {
        Problem(kind, title: "No", status: status, detail: "it does not continue", cure: "look at the host")
    }

    /// A host that has checked in and has nothing else to say.
    private func idle() -> LoopDriver {
        var driver = LoopDriver()
        driver.begin()
        driver.answer(driver.reply())
        return driver
    }

    /// The server's own words: `RolloutEngine.journalRefused`, a malformed message, one that is too large.
    @Test(arguments: [("journal-refused", 409), ("malformed", 400), ("too-large", 413), ("not-found", 404)])
    func aRefusedMessageEndsThatMessageOnly(kind: String, status: Int) {
        var driver = idle()
        driver.take(.job(.question(question)))
        #expect(driver.pending == .job(.question(question)))
        driver.effects = []
        driver.fail(.refused(status: status, problem: problem(kind, status), retryAfter: nil))
        #expect(driver.effects.contains { if case .tellJob = $0 { true } else { false } })
        #expect(driver.pending == nil)
        driver.wakeUp()
        #expect(driver.checkIn != nil, "the host goes on checking in")
    }

    @Test func afterAFailureTheCheckInComesBeforeTheJobs() {
        var driver = idle()
        driver.take(.job(.question(question)))
        driver.fail(.refused(status: 503, problem: problem("server-restored", 503), retryAfter: nil))
        driver.take(.job(.question(question)))
        #expect(driver.pending == nil, "it waits for the regular contact")
        driver.wakeUp()
        #expect(driver.checkIn != nil)
        driver.answer(driver.reply(token: "token2"))
        #expect(driver.pending == .job(.question(question)), "and then asks in the same contact")
    }
}
