import Agent
import Testing
import Wire

/// What the machine makes of a server that asks it to wait.
struct RetryAfterLoopTests {
    @Test func aWaitOfNothingDoesNotMakeItHammer() {
        for seed in 1...50 {
            var plain = LoopDriver(seed: UInt64(seed))
            plain.begin()
            plain.fail(.refused(status: 503, problem: nil, retryAfter: nil))
            var driver = LoopDriver(seed: UInt64(seed))
            driver.begin()
            driver.fail(.refused(status: 503, problem: nil, retryAfter: 0))
            #expect((plain.wait...plain.wait + 1000).contains(driver.wait))
            var total = driver.wait
            for _ in 0..<12 {
                driver.wakeUp()
                driver.fail(.refused(status: 503, problem: nil, retryAfter: 0))
                total += driver.wait
            }
            #expect(total > 300_000, "the ceiling doubles all the same")
        }
    }

    @Test func aServerThatWaitsForItsOperatorIsAskedAgainWithTheSameToken() {
        let problem = Problem("server-restored", title: "t", status: 503, detail: "d", cure: "c")
        var driver = LoopDriver(queued: 2)
        driver.begin()
        for _ in 0..<3 {
            driver.fail(.refused(status: 503, problem: problem, retryAfter: 300))
            #expect((300_000...901_000).contains(driver.wait))
            #expect(driver.loop.standing == .accepted)
            #expect(driver.reports.count == 2)
            #expect(driver.loop.memory.exchangeToken == "token1")
            driver.wakeUp()
        }
        driver.answerReports(expected: 3)
        #expect(driver.reports.isEmpty)
    }
}
