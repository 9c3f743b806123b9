import Digest
import JSON
import Rollout
import Timestamps

/// A message on its way.
enum Message {
    case poll(host: Int)
    case offers(host: Int, [Offer])
    case claim(host: Int, job: String)
    case granted(host: Int, job: String, AgentGrant)
    case denied(host: Int, job: String, isClaim: Bool, retryAfter: Int64?, reason: String)
    case confirm(host: Int, job: String, fence: Int64, nonce: String)
    case ticket(host: Int, job: String, nonce: String, expires: Timestamp)
    case entries(host: Int, job: String, [JobEntry])
    case expected(host: Int, job: String, Int64)
}

/// A job in a host's desired state.
struct Offer {
    var job: String
    var attempt: Int64
    var rollsBack: Bool
    var isCancelled: Bool
    var window: HostJob.Window
}

/// What the queue holds.
enum Action {
    case deliver(Message)
    case timers
    case operate
    case serverUp
    case agentUp(host: Int, generation: Int)
    case agentPoll(host: Int, generation: Int)
    case agentFlush(host: Int, generation: Int)
    case agentAsk(host: Int, token: Int)
    case agentStep(host: Int, token: Int)
    case powerCut(host: Int)
    case partition(host: Int, isCut: Bool)
}

/// The server, the agents, their hosts and the network between: single-threaded, in virtual time.
final class World {
    let options: SimulationOptions
    var now = Timestamp(seconds: 1_800_000_000)
    let start = Timestamp(seconds: 1_800_000_000)
    let window: HostJob.Window
    var queue = EventQueue<Action>()
    var invariants = Invariants()
    var steps = 0
    var writes: [String: Int] = [:]
    var trace: [String] = []
    let traces: Bool
    /// After this nothing goes wrong any more.
    var isHealed = false

    var ties: SplitMix64
    var network: SplitMix64
    var faults: SplitMix64
    var operatorRandom: SplitMix64
    var signer: SplitMix64
    /// How many campaigns that have ended are still to be taken back.
    var lateRollbacks: Int

    // The server.
    var store: ServerStore
    var isServerUp = true
    var timersDue: Set<Int64> = []
    // The agents.
    var agents: [SimulatedAgent] = []

    init(seed: UInt64, options: SimulationOptions, traces: Bool) {
        self.options = options
        self.traces = traces
        ties = SplitMix64(seed: seed, component: "ties")
        network = SplitMix64(seed: seed, component: "network")
        faults = SplitMix64(seed: seed, component: "faults")
        operatorRandom = SplitMix64(seed: seed, component: "operator")
        signer = SplitMix64(seed: seed, component: "signer")
        lateRollbacks = options.rollsBackLate ? 1 : 0
        let opens = start.adding(seconds: 600)
        let ends = opens.adding(seconds: options.windowMinutes * 60)
        window = HostJob.Window(notBefore: opens, lastSafeStart: ends.adding(seconds: -2700), notAfter: ends)
        store = ServerStore(hosts: options.hosts, budget: options.budget)
        for _ in 0..<options.campaigns {
            store.campaigns.append(Campaign(author: "ann", approvalsRequired: 1))
            store.jobsOf.append([])
        }
        var hosts = SplitMix64(seed: seed, component: "hosts")
        for index in 0..<options.hosts {
            var agent = SimulatedAgent(index: index)
            agent.isUnwell = hosts.chance(options.unwell)
            agent.hasBadPackage = hosts.chance(options.badPackages)
            agent.rebootFails = hosts.chance(options.rebootFails)
            agent.rollbackFails = hosts.chance(options.rollbackFails)
            agents.append(agent)
        }
    }

    func add(_ seconds: Int64, _ action: Action) { add(at: now.adding(seconds: seconds), action) }

    func add(at time: Timestamp, _ action: Action) {
        queue.add(at: max(time.milliseconds, now.milliseconds), tie: ties.next(), action)
    }

    func note(_ text: @autoclosure () -> String) {
        guard traces else { return }
        trace.append("\((now.milliseconds - start.milliseconds) / 1000)s \(text())")
    }

    func tell(_ fact: Fact) {
        invariants.check(fact, now: now) { job in store.campaignOf[job] ?? 0 }
    }

    /// Counts a durable write of that component and says whether it goes down around it.
    func crash(_ component: String, rate: Int64) -> SimulationOptions.CrashPoint? {
        writes[component, default: 0] += 1
        let count = writes[component] ?? 0
        if let point = options.crashPoints.first(where: { $0.component == component && $0.write == count }) {
            return point
        }
        guard !isHealed, rate > 0, faults.chance(rate) else { return nil }
        return .init(component: component, write: count, after: faults.chance(500))
    }

    func run() {
        for host in agents.indices { add(Int64(host), .agentPoll(host: host, generation: 0)) }
        add(1, .operate)
        plan()
        let healAt = start.adding(seconds: 6 * 3600)
        while let item = queue.next(), invariants.violation == nil {
            now = Timestamp(milliseconds: item.time)
            if !isHealed, now >= healAt { heal() }
            perform(item.action)
            steps += 1
            if isQuiet { break }
            if now > start.adding(seconds: 20 * 86_400) || steps > 200_000 { break }
        }
        guard invariants.violation == nil else { return }
        for agent in agents { tell(.quiet(host: agent.index, agent.packages)) }
        if !isQuiet { invariants.fail(35, "after \(now.seconds(since: start)) s: \(unfinished)") }
    }

    /// Draws what goes wrong at which moment.
    private func plan() {
        for _ in 0..<options.partitions {
            let host = Int(faults.below(Int64(agents.count)))
            let from = faults.below(9000)
            add(from, .partition(host: host, isCut: true))
            add(from + 60 + faults.below(18_000), .partition(host: host, isCut: false))
        }
        if faults.chance(options.longCuts) {
            let host = Int(faults.below(Int64(agents.count)))
            let from = faults.below(3000)
            agents[host].longCut = start.adding(seconds: from)...start.adding(seconds: from + 90 * 3600)
        }
        for _ in 0..<options.randomPowerCuts {
            add(600 + faults.below(3000), .powerCut(host: Int(faults.below(Int64(agents.count)))))
        }
    }

    private func heal() {
        isHealed = true
        for host in agents.indices { agents[host].isCut = false }
        note("every fault is healed")
    }

    private func perform(_ action: Action) {
        switch action {
        case .deliver(let message): deliver(message)
        case .timers: fireTimers()
        case .operate: operate()
        case .serverUp:
            isServerUp = true
            note("server is up")
            fireTimers()
        case .agentUp(let host, let generation): agentUp(host, generation)
        case .agentPoll(let host, let generation): agentPoll(host, generation)
        case .agentFlush(let host, let generation): agentFlush(host, generation)
        case .agentAsk(let host, let token): agentAsk(host, token)
        case .agentStep(let host, let token): agentStep(host, token)
        case .powerCut(let host): if agents[host].isOn { agentDown(host, isPower: true) }
        case .partition(let host, let isCut):
            agents[host].isCut = isCut && !isHealed
            note("host \(host) \(isCut ? "is cut off" : "is back on the network")")
        }
    }

    /// Everything has ended and everybody knows, and nobody wants anything back any more.
    var isQuiet: Bool {
        let mayGoBack = store.campaigns.contains { $0.state == .completed || $0.state == .completedWithExceptions }
        return (lateRollbacks == 0 || !mayGoBack) && store.campaigns.allSatisfy(\.state.isTerminal)
            && store.jobs.values.allSatisfy(\.state.isTerminal)
            && agents.allSatisfy { $0.journal == nil && $0.isOn } && isServerUp
    }

    private var unfinished: String {
        let campaigns = store.campaigns.map(\.state.rawValue).joined(separator: ", ")
        let jobs = store.jobs.keys.sorted().map { "\($0.prefix(6)) \(store.jobs[$0]?.state.word ?? "")" }
        let journals = agents.map { agent in
            "host \(agent.index) \(agent.journal.map { "\($0.job.prefix(6)) \($0.entries.last?.phase.rawValue ?? "empty")" } ?? "idle")"
        }
        return "campaigns \(campaigns); jobs \(jobs.joined(separator: ", ")); \(journals.joined(separator: ", "))"
    }

    // MARK: network

    /// Sends a message; it may be lost, come twice, late, and after later ones.
    func send(_ message: Message, host: Int) {
        let copies = isHealed ? 1 : network.chance(options.loss) ? 0 : network.chance(options.duplication) ? 2 : 1
        guard !isCut(host) else { return }
        for _ in 0..<copies {
            let delay = 5 + network.below(isHealed ? 50 : max(1, options.delay))
            add(at: Timestamp(milliseconds: now.milliseconds + delay), .deliver(message))
        }
    }

    private func deliver(_ message: Message) {
        switch message {
        case .poll, .claim, .confirm, .entries:
            if isServerUp { serve(message) }
        case .offers(let host, let offers):
            if isReachable(host) { take(offers, host) }
        case .granted(let host, let job, let grant):
            if isReachable(host) { answered(host, job, .granted(grant)) }
        case .denied(let host, let job, let isClaim, let retry, let reason):
            guard isReachable(host) else { return }
            answered(
                host, job,
                isClaim
                    ? .claimDenied(retryAfter: retry, reason: reason)
                    : .confirmDenied(retryAfter: retry, reason: reason))
        case .ticket(let host, let job, let nonce, let expires):
            if isReachable(host), agents[host].nonce == nonce {
                answered(host, job, .ticket(nonce: nonce, expires: expires))
            }
        case .expected(let host, let job, let ordinal):
            if isReachable(host) { acknowledged(host, job, ordinal) }
        }
    }

    private func isReachable(_ host: Int) -> Bool { agents[host].isOn && !isCut(host) }

    private func isCut(_ host: Int) -> Bool { agents[host].isCut || agents[host].longCut?.contains(now) == true }
}
