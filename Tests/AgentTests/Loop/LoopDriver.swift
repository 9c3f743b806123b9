import Agent
import Digest
import Timestamps
import Wire

/// Drives the machine as the shell does, without I/O: applies what changes the queue, hands out exchanges.
struct LoopDriver {
    var loop: AgentLoop
    var now = Moment(uptime: 1_000_000, wall: Timestamp(seconds: 1_795_000_000))
    var random: SplitMix
    /// The waiting reports.
    var reports: [Report] = []
    var incarnation = "incarnation0"
    var first: Int64 = 1
    private var incarnations = 0
    /// All effects, in order.
    var effects: [AgentLoop.Effect] = []
    /// The exchange that waits for its answer.
    var pending: AgentLoop.Exchange?

    static let credentials = AgentLoop.Credentials(
        host: "host1", organisation: "org1", certificate: "c1", notBefore: Timestamp(seconds: 1_794_990_000),
        notAfter: Timestamp(seconds: 1_797_590_000))

    init(
        seed: UInt64 = 1, memory: AgentMemory = AgentMemory(exchangeToken: "token1", epoch: 1),
        credentials: AgentLoop.Credentials = LoopDriver.credentials, queued: Int = 0, readsChangelogs: Bool = false
    ) {
        random = SplitMix(state: seed)
        for number in 0..<queued {
            reports.append(
                Report(
                    sequence: Int64(number) + 1, observed: Timestamp(seconds: 1), bootID: "b",
                    digests: Self.digests(number), cause: "changed"))
        }
        loop = AgentLoop(
            memory: memory, credentials: credentials,
            queue: .init(incarnation: incarnation, first: 1, next: Int64(queued) + 1),
            readsChangelogs: readsChangelogs)
    }

    static func digests(_ number: Int) -> HostDigests {
        HostDigests(
            set: SHA256.hash([1, UInt8(number)]), offers: SHA256.hash([2, UInt8(number)]),
            facts: SHA256.hash([3, UInt8(number)]))
    }

    var next: Int64 { first + Int64(reports.count) }

    /// Takes an event and performs its effects.
    @discardableResult
    mutating func take(_ event: AgentLoop.Event) -> [AgentLoop.Effect] {
        var done = loop.handle(event, now: now, random: &random)
        let changes = done.contains(where: \.changesQueue)
        perform(done)
        if case .answered = event, changes {
            let more = loop.resume(now: now, random: &random)
            perform(more)
            done += more
        }
        return done
    }

    private mutating func perform(_ list: [AgentLoop.Effect]) {
        for effect in list {
            effects.append(effect)
            switch effect {
            case .exchange(let exchange): pending = exchange
            case .append(let observation, let digests, let cause):
                reports.append(
                    Report(
                        sequence: next, observed: observation.observed, bootID: observation.bootID, digests: digests,
                        cause: cause))
                observe()
                perform(loop.handle(.appended(digests), now: now, random: &random))
            case .acknowledge(let expected):
                reports.removeFirst(min(reports.count, max(0, Int(expected - first))))
                first = max(first, expected)
                observe()
            case .renumber(let from, let new):
                if new {
                    incarnations += 1
                    incarnation = "incarnation\(incarnations)"
                }
                first = from
                for index in reports.indices { reports[index].sequence = from + Int64(index) }
                observe()
            case .drop(let document):
                reports.removeAll { $0.digests[document.document] == document.digest }
                perform([.renumber(from: 1, newIncarnation: true)])
            default: break
            }
        }
    }

    private mutating func observe() {
        loop.observe(.init(incarnation: incarnation, first: first, next: next))
    }

    /// Starts and waits until the first exchange.
    mutating func begin() {
        take(.started)
        wakeUp()
    }

    /// Lets the time pass until the machine wants to be woken, and wakes it.
    mutating func wakeUp() {
        for _ in 0..<10 where pending == nil {
            guard let wake = loop.wake else { return }
            pass(max(0, wake - now.uptime))
            take(.wake)
        }
    }

    mutating func pass(_ milliseconds: Int64) {
        now.uptime += milliseconds
        now.wall.milliseconds += milliseconds
    }

    /// Answers the pending exchange.
    @discardableResult
    mutating func answer(_ answer: AgentLoop.Answer) -> [AgentLoop.Effect] {
        pending = nil
        return take(.answered(answer))
    }

    @discardableResult
    mutating func fail(_ error: ExchangeError) -> [AgentLoop.Effect] {
        pending = nil
        return take(.failed(error))
    }

    /// Answers reports as sent by the pending exchange.
    @discardableResult
    mutating func answerReports(expected: Int64, needed: [NeededDocument] = []) -> [AgentLoop.Effect] {
        guard case .report(let limit)? = pending else { return [] }
        let sent = Array(reports.prefix(limit))
        return answer(.reports(ReportReply(expectedReport: expected, needed: needed), sent: sent))
    }

    func reply(
        interval: Int64 = 300, epoch: Int64 = 1, stateVersion: Int64 = 0, expected: Int64? = nil,
        token: String? = nil, reportAll: Bool = false
    ) -> AgentLoop.Answer {
        .checkIn(
            CheckInReply(
                serverTime: now.wall, interval: interval, epoch: epoch, stateVersion: stateVersion,
                expectedReport: expected ?? next, exchangeToken: token, reportAll: reportAll))
    }

    func state(
        host: String = "host1", organisation: String = "org1", epoch: Int64 = 1, version: Int64 = 1,
        scanRequest: Int64 = 0, renewRequest: Int64 = 0
    ) -> DesiredState {
        DesiredState(
            host: host, organisation: organisation, epoch: epoch, version: version, interval: 300, salt: "s",
            scanInterval: 3600, scanRequest: scanRequest, renewRequest: renewRequest, authorities: ["a"])
    }

    /// A scan ends with these digests.
    @discardableResult
    mutating func scanned(_ number: Int) -> [AgentLoop.Effect] {
        take(.scanned(Observation(observed: now.wall, bootID: "b"), Self.digests(number)))
    }

    /// The check-in that waits for its answer.
    var checkIn: CheckIn? {
        if case .checkIn(let message)? = pending { message } else { nil }
    }

    /// Milliseconds until the next contact.
    var wait: Int64 { loop.nextContact - now.uptime }
}
