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
    /// What the server says, with what the agent checks before it believes it.
    indirect case signed(Seal, host: Int, Message)
    case expected(host: Int, job: String, Int64)
}

/// Who says something to whom, until when, and which word after which it is.
struct Seal {
    var signer = "server"
    var audience: Int
    var expires: Timestamp
    var version: Int64
    /// Whether it is a lie: for the checker alone, no agent sees it.
    var isForged = false
}

/// A job in a host's desired state.
struct Offer {
    var plan: SHA256Digest
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
    case kill(host: Int)
    case partition(host: Int, isCut: Bool)
    case clockJump(host: Int, seconds: Int64)
    case save(host: Int)
    case restore(host: Int)
    case exclude(host: Int)
    case clone(host: Int)
    case setBudget(Int64)
    case say(host: Int, job: String, works: Bool)
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
    /// How often each transition and each fault occurred.
    var coverage: [String: Int] = [:]
    /// Hosts of each ring, and the ring of each host.
    var members: [[Int]] = []
    var ringOf: [Int]
    var rules: [RingRules] = []
    let endsAt: Timestamp
    var freeze: ClosedRange<Timestamp>?
    /// Whether the last refusal was of a forked journal.
    var isFork = false
    /// Whether nobody approves the campaigns of this run in time.
    var isForgotten = false
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

    /// The version of the last document of each host,
    var documents: [Int64] = []
    /// and an old one, as somebody on the way may have kept it.
    var spoken: [(Seal, Message)?] = []

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
        for index in 0..<options.campaigns {
            let emergency =
                options.isEmergency && index == 0
                ? Emergency(reason: "exploited", lifetime: 20 * 3600, bypass: [.soak, .window]) : nil
            store.campaigns.append(Campaign(author: "ann", approvalsRequired: 1, emergency: emergency))
            store.jobsOf.append([])
            store.latestID.append(Array(repeating: nil, count: options.hosts))
        }
        endsAt = options.rings > 1 ? start.adding(seconds: 12 * 86_400) : ends
        ringOf = Array(repeating: 0, count: options.hosts)
        var plan = SplitMix64(seed: seed, component: "rings")
        if options.rings > 1 {
            // Each ring takes a part of what is left, the last one the rest; now and then one has no hosts.
            var left = Array(0..<options.hosts)
            for ring in 0..<options.rings {
                let isLast = ring == options.rings - 1
                let size = isLast ? left.count : plan.chance(60) ? 0 : max(1, left.count / (ring == 0 ? 4 : 2))
                let own = Array(left.prefix(size))
                left.removeFirst(own.count)
                for host in own { ringOf[host] = ring }
                members.append(own)
                rules.append(
                    RingRules(
                        name: "ring\(ring)", size: Int64(own.count), soak: 1800 + 3600 * plan.below(3),
                        cutoff: 86_400 * (1 + plan.below(3)), approvals: plan.chance(300) ? 1 : 0,
                        budget: plan.chance(300) ? 1 + plan.below(options.budget) : nil))
            }
        }
        isForgotten = plan.chance(options.halts ? 30 : 0)
        if options.freezes {
            let from = start.adding(seconds: 1200 + plan.below(options.rings > 1 ? 100_000 : 4000))
            freeze = from...from.adding(seconds: 1800 + plan.below(7200))
        }
        invariants.neverTogether = options.neverTogether
        invariants.freeze = freeze
        invariants.ringBudgets = rules.map(\.budget)
        documents = Array(repeating: 0, count: options.hosts)
        spoken = Array(repeating: nil, count: options.hosts)
        var hosts = SplitMix64(seed: seed, component: "hosts")
        for index in 0..<options.hosts {
            var agent = SimulatedAgent(index: index)
            agent.isUnwell = hosts.chance(options.unwell)
            agent.hasBadPackage = hosts.chance(options.badPackages)
            agent.rebootFails = hosts.chance(options.rebootFails)
            agent.rollbackFails = hosts.chance(options.rollbackFails)
            agent.hasFullDisk = hosts.chance(options.diskFull)
            agent.mirrorLies = hosts.chance(options.mirrorChanges)
            agent.pace = hosts.chance(options.slow) ? 900 : 4
            agent.feedback = hosts.chance(options.feedback) ? !hosts.chance(250) : nil
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

    func cover(_ what: String) { coverage[what, default: 0] += 1 }

    /// When a host of that campaign may change next; nil where that is after its end.
    func nextWindow(_ campaign: Campaign) -> HostJob.Window? {
        if campaign.emergency?.bypass.contains(.window) == true {
            let end = min(campaign.endsAt ?? endsAt, now.adding(seconds: 4 * 3600))
            guard now.adding(seconds: 3600) < end else { return nil }
            return HostJob.Window(notBefore: now, lastSafeStart: end.adding(seconds: -2700), notAfter: end)
        }
        guard options.rings > 1 else { return window }
        for day in 0..<14 {
            // On the second day the clocks change.
            let shift = Int64(day) * 86_400 + (day >= 2 ? 3600 : 0)
            let next = HostJob.Window(
                notBefore: window.notBefore.adding(seconds: shift),
                lastSafeStart: window.lastSafeStart.adding(seconds: shift),
                notAfter: window.notAfter.adding(seconds: shift))
            if next.lastSafeStart > now.adding(seconds: 300) { return next.notAfter <= endsAt ? next : nil }
        }
        return nil
    }

    /// The nominal local date of a window.
    func occurrence(_ window: HostJob.Window) -> String {
        "day \((window.notBefore.seconds(since: start) - 600) / 86_400)"
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
        tell(.budget(store.budget))
        if freeze != nil { cover("fault: freeze") }
        if options.isEmergency { cover("fault: emergency") }
        plan()
        let healAt = start.adding(seconds: options.rings > 1 ? 30 * 3600 : 6 * 3600)
        while let item = queue.next(), invariants.violation == nil {
            now = Timestamp(milliseconds: item.time)
            if !isHealed, now >= healAt { heal() }
            perform(item.action)
            steps += 1
            if isQuiet { break }
            if now > start.adding(seconds: 40 * 86_400) || steps > 3_000_000 { break }
        }
        guard invariants.violation == nil else { return }
        for agent in agents where !isGivenUp(agent) { tell(.quiet(host: agent.index, agent.packages)) }
        for id in store.jobs.keys.sorted() {
            guard let job = store.jobs[id], job.state.isTerminal else { continue }
            let isHeld = job.permit?.state == .held || invariants.permits[id] == .held
            if isHeld { invariants.fail(33, "the permit of job \(id), which is \(job.state.word), stays held") }
        }
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
        let span: Int64 = options.rings > 1 ? 100_000 : 6000
        func host() -> Int { Int(faults.below(Int64(agents.count))) }
        for _ in 0..<options.clockJumps {
            add(faults.below(span), .clockJump(host: host(), seconds: faults.below(14_400) - 7200))
        }
        for _ in 0..<options.restores {
            let one = host()
            add(faults.below(span / 2), .save(host: one))
            add(span / 2 + faults.below(span / 2), .restore(host: one))
        }
        for _ in 0..<options.clones { add(600 + faults.below(3000), .clone(host: host())) }
        for _ in 0..<options.exclusions { add(faults.below(span), .exclude(host: host())) }
        if options.budgetChanges { add(faults.below(span), .setBudget(1 + faults.below(options.budget + 1))) }
        for _ in 0..<options.randomKills { add(600 + faults.below(3000), .kill(host: host())) }
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
        case .powerCut(let host): if agents[host].isOn, !isHealed { agentDown(host, isPower: true) }
        case .kill(let host): if agents[host].isOn, !isHealed { agentDown(host, isPower: false) }
        case .clockJump(let host, let seconds):
            guard !isHealed else { return }
            cover(seconds < 0 ? "fault: clock goes back" : "fault: clock goes forward")
            note("the clock of host \(host) jumps by \(seconds) s")
            agents[host].clockOffset += seconds
        case .save(let host): agents[host].save()
        case .restore(let host): restore(host)
        case .clone(let host): clone(host)
        case .say(let host, let job, let works): say(host, job, works)
        case .exclude(let host):
            guard isServerUp, !store.excluded.contains(host) else { return }
            cover("fault: host is excluded")
            transact("host \(host) is excluded") { store, facts in
                store.excluded.insert(host)
                facts.append(store.audit("host.excluded"))
                facts.append(.excluded(host: host))
                for id in store.jobsOn[host] {
                    guard let job = store.jobs[id], job.state == .offered || job.state == .planned else { continue }
                    self.handle(.cancel(by: "system", reason: "excluded"), id, &store, &facts)
                }
                return []
            }
        case .setBudget(let budget):
            cover(budget < store.budget ? "fault: budget lowered" : "budget raised")
            store.budget = budget
            tell(.budget(budget))
        case .partition(let host, let isCut):
            agents[host].isCut = isCut && !isHealed
            if isCut, !isHealed { cover("fault: partition") }
            note("host \(host) \(isCut ? "is cut off" : "is back on the network")")
        }
    }

    /// Everything has ended and everybody knows, and nobody wants anything back any more.
    var isQuiet: Bool {
        let mayGoBack = store.campaigns.contains { $0.state == .completed || $0.state == .completedWithExceptions }
        return (lateRollbacks == 0 || !mayGoBack) && store.campaigns.allSatisfy(\.state.isTerminal)
            && store.jobs.values.allSatisfy(\.state.isTerminal)
            && agents.allSatisfy { ($0.journal == nil || $0.wasRestored || $0.isCloned) && $0.isOn } && isServerUp
    }

    /// Whether people know of a host whose own word is not taken any more, for a clone or a disk of the past spoke in its
    /// place: it is quarantined, or they have given its job up. It may still be at work.
    private func isGivenUp(_ agent: SimulatedAgent) -> Bool {
        guard let job = agent.journal?.job else { return false }
        let state = store.jobs[job]?.state
        return store.excluded.contains(agent.index) || state == .writtenOff || state == .lost
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
        if copies == 0 { cover("fault: message lost") }
        if copies == 2 { cover("fault: message doubled") }
        if !isHealed, options.forgeries > 0, isReachable(host), network.chance(options.forgeries) {
            cover("fault: forged document")
            if let lie = forged(message, host) { add(1, .deliver(lie)) }
        }
        if !isHealed, options.delay > 1000 { cover("fault: message late or out of order") }
        let message = sealed(message, host)
        for _ in 0..<copies {
            let delay = 5 + network.below(isHealed ? 50 : max(1, options.delay))
            add(at: Timestamp(milliseconds: now.milliseconds + delay), .deliver(message))
        }
    }

    /// The server's words with a seal; what agents say goes over their own connection.
    private func sealed(_ message: Message, _ host: Int) -> Message {
        switch message {
        case .offers, .granted, .denied, .ticket:
            documents[host] += 1
            let seal = Seal(audience: host, expires: now.adding(seconds: 86_400), version: documents[host])
            if case .offers = message, spoken[host] == nil || network.chance(100) { spoken[host] = (seal, message) }
            return .signed(seal, host: host, message)
        default: return message
        }
    }

    /// A lie beside the server's word: of another signer, for another host, expired, or older than what the agent knows.
    private func forged(_ message: Message, _ host: Int) -> Message? {
        guard case .offers(_, let offers) = message else { return nil }
        var seal = Seal(
            audience: host, expires: now.adding(seconds: 86_400), version: documents[host] + 1, isForged: true)
        // Such a word would end what runs.
        let lies = offers.map { offer in
            var offer = offer
            offer.isCancelled = true
            return offer
        }
        var body = Message.offers(host: host, lies)
        switch network.below(4) {
        case 0: seal.signer = "mallory"
        case 1: seal.audience = (host + 1) % agents.count
        case 2: seal.expires = now.adding(seconds: -86_400)
        default:
            guard let (old, message) = spoken[host], old.version < agents[host].lastVersion else { return nil }
            (seal, body) = (old, message)
            seal.isForged = true
            cover("fault: old document again")
        }
        return .signed(seal, host: host, body)
    }

    private func deliver(_ message: Message) {
        switch message {
        case .poll, .claim, .confirm, .entries:
            if isServerUp { serve(message) }
        case .signed(let seal, let host, let inner):
            guard isReachable(host), believes(seal, host) else { return }
            tell(.believed(host: host, isGenuine: !seal.isForged))
            if case .offers = inner { agents[host].lastVersion = max(agents[host].lastVersion, seal.version) }
            deliver(inner)
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

    func isCut(_ host: Int) -> Bool { agents[host].isCut || agents[host].longCut?.contains(now) == true }
}
