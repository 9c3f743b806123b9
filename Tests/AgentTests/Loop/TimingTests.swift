import Agent
import Testing
import Timestamps

@Suite struct BackoffTests {
    @Test(arguments: 1...50) func waitsStayUnderACeilingThatDoubles(seed: UInt64) {
        var random = SplitMix(state: seed)
        var backoff = Backoff()
        var ceiling: Int64 = 5
        for _ in 0..<20 {
            #expect(backoff.ceiling == ceiling)
            let wait = backoff.failed(&random)
            #expect((1...ceiling * 1000).contains(wait))
            ceiling = min(900, ceiling * 2)
        }
        #expect(backoff.ceiling == 900)
    }

    @Test func waitsFillTheWholeRange() {
        var random = SplitMix(state: 7)
        var backoff = Backoff()
        for _ in 0..<12 { _ = backoff.failed(&random) }
        let waits = (0..<2000).map { _ in backoff.failed(&random) }
        let mean = waits.reduce(0, +) / 2000
        #expect((420_000...480_000).contains(mean))
        #expect(waits.contains { $0 < 50_000 })
        #expect(waits.contains { $0 > 850_000 })
    }

    @Test func oneSuccessHalvesAndDoesNotForget() {
        var random = SplitMix(state: 1)
        var backoff = Backoff()
        for _ in 0..<4 { _ = backoff.failed(&random) }
        #expect(backoff.ceiling == 80)
        backoff.succeeded()
        #expect(backoff.ceiling == 40)
        for _ in 0..<10 { backoff.succeeded() }
        #expect(backoff.ceiling == 5)
    }
}

@Suite struct CheckInScheduleTests {
    @Test(arguments: [5, 30, 300, 3600, 86_400] as [Int64]) func waitsStayNearTheInterval(interval: Int64) {
        var random = SplitMix(state: UInt64(interval))
        for host in 0..<200 {
            let schedule = CheckInSchedule(host: "host\(host)", salt: "s", interval: interval)
            #expect((0..<interval * 1000).contains(schedule.phase))
            let now = Timestamp(milliseconds: Int64.random(in: 0...4_000_000_000_000, using: &random))
            let wait = schedule.wait(from: now, &random)
            #expect((interval * 400...interval * 1600).contains(wait))
        }
    }

    /// However a fleet was started, it ends up spread: each tenth of the interval gets a tenth of the hosts.
    @Test func aFleetThatStartsAtOnceIsSpreadOverTheInterval() {
        var random = SplitMix(state: 3)
        let start = Timestamp(seconds: 1_795_000_000)
        let interval: Int64 = 300
        var tenths = [Int](repeating: 0, count: 10)
        for host in 0..<10_000 {
            let schedule = CheckInSchedule(host: "host\(host)", salt: "salt", interval: interval)
            var now = start
            for _ in 0..<3 { now.milliseconds += schedule.wait(from: now, &random) }
            tenths[Int(now.milliseconds % (interval * 1000) * 10 / (interval * 1000))] += 1
        }
        #expect(tenths.allSatisfy { (850...1150).contains($0) }, "\(tenths)")
    }

    /// Phase is kept: over a day the number of check-ins is the day divided by the interval, one more or less.
    @Test func jitterDoesNotDrift() {
        var random = SplitMix(state: 5)
        let schedule = CheckInSchedule(host: "h", salt: "s", interval: 300)
        var now = Timestamp(seconds: 1_795_000_000)
        let end = now.adding(seconds: 86_400)
        var count = 0
        while now < end {
            now.milliseconds += schedule.wait(from: now, &random)
            count += 1
        }
        #expect((287...289).contains(count))
    }
}
