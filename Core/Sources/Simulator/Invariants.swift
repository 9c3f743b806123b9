import Digest
import JSON
import Rollout
import Timestamps

/// What the checks are about, in the order in which it became true.
enum Fact {
    case granted(Granted)
    case permit(job: String, Permit.State)
    case job(id: String, campaign: Int, ring: Int?, from: HostJob.State, to: HostJob.State, batch: Int64?)
    case campaign(Int, before: Campaign, after: Campaign)
    case judged(Int, ring: Int, RingJudgement)
    case feedback(campaign: Int, ring: Int, host: Int, works: Bool)
    case hostOf(job: String, host: Int)
    /// An audit record, of which job or campaign (nil for what has no state machine), and its place in the chain.
    case audited(word: String, of: String?, sequence: Int64, head: UInt64)
    /// A person's yes to a plan.
    case approved(campaign: Int, person: String, plan: SHA256Digest, epoch: Int64)
    /// The budget of every campaign from now on.
    case budget(Int64)
    /// A host gets nothing any more.
    case excluded(host: Int)
    case ticket(job: String, issued: Timestamp, rollsBack: Bool)
    case acceptedFence(job: String, host: Int, Int64)
    case intent(JobEntry, host: Int, Intent)
    /// A record, and the seconds by which the host's own clock may be wrong.
    case journaled(JobEntry, host: Int, window: HostJob.Window, boot: Int, uncertainty: Int64)
    case ranScript(job: String, name: String, isIdempotent: Bool)
    case installed(job: String, host: Int, digest: String)
    case downgraded(host: Int, last: JobEntry?)
    case health(host: Int, boot: Int)
    case rescan(host: Int, boot: Int)
    case ended(job: String, host: Int, JobOutcome, PackagesState, boot: Int, unexpected: Int64)
    case acknowledged(job: String, expected: Int64, kept: Int64)
    case deferred(host: Int, campaign: Int, until: Timestamp, deadline: Timestamp)
    case believed(host: Int, isGenuine: Bool)
    case agentTime(host: Int, Timestamp)
    /// An agent was stopped in a run of its package manager, which goes on or not.
    case stoppedInRun(host: Int, goesOn: Bool)
    case quiet(host: Int, PackagesState)

    struct Granted {
        var job: String
        var host: Int
        var fence: Int64
        var ring: Int?
        var rollsBack: Bool
        var isEmergency: Bool
        var clause: EmergencyClause?
        var now: Timestamp
    }
    struct Intent {
        var window: HostJob.Window
        var isOffline: Bool
        var rollsBack: Bool
        var needsSnapshot: Bool
        var hasSnapshot: Bool
        var occurrence: String
        /// Seconds by which the host's own clock may be wrong.
        var uncertainty: Int64
    }
}

/// A broken promise.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// Its number in rollouts.md 2.8.
    public var invariant: Int
    /// What happened.
    public var description: String
}

/// The numbered invariants of rollouts.md 2.8, over the merged log; asked after every step, at the cost of what has changed.
struct Invariants {
    private(set) var violation: Violation?
    private var fences: [Int: Int64] = [:]
    private var acceptedFences: [Int: (fence: Int64, job: String)] = [:]
    /// Hosts whose disk is one of the past: they may take the fence of their last job once more.
    private var restored: Set<Int> = []
    private var excluded: Set<Int> = []
    private var budget: Int64 = .max
    private var permitOf: [String: Granted] = [:]
    private var approvals: [Int: [Approval]] = [:]
    private var epochs: [Int: Int64] = [:]
    private var plans: [Int: SHA256Digest] = [:]
    private var goes: [String: SHA256Digest] = [:]
    private var ringOf: [String: Int] = [:]
    private var deferrals: [String: Int64] = [:]
    private var audited: String?
    private var ordinals: [String: Int64] = [:]
    /// What the configuration says, and no guarded code computes: the rings' own budgets,
    var ringBudgets: [Int64?] = []
    /// how many approvals each campaign needs,
    var approvalsRequired: Int64 = 1
    /// how often a user may put a campaign off,
    var deferralCap: Int64 = 2
    /// and when nothing may begin.
    var freeze: ClosedRange<Timestamp>?
    private var grantFence: [String: Int64] = [:]
    private(set) var permits: [String: Permit.State] = [:]
    private var mutating: [Int: String] = [:]
    private var flagged: Set<Int> = []
    private var scriptRuns: [String: Int] = [:]
    private var done: Set<String> = []
    private var closed: Set<String> = []
    private var healthBoot: [Int: Int] = [:]
    private var rescanBoot: [Int: Int] = [:]
    private var haltedAt: [Int: Timestamp] = [:]
    private var tickets: [String: Timestamp] = [:]
    private var sequence: Int64 = 0
    private var auditHead: UInt64 = 0
    private var bootsIn: [String: Set<Int>] = [:]
    private var rebootsOrdered: [String: Int] = [:]
    private var starts: [String: String] = [:]
    private var agentTimes: [Int: Timestamp] = [:]
    private var busy: [Int: String] = [:]
    private var applied: Set<String> = []
    private var soaking: [String: Timestamp] = [:]
    private var soaked: [String: Int64] = [:]
    private var seen: [String: [String: Seen]] = [:]
    private var works: [String: Bool] = [:]
    private var hostOf: [String: Int] = [:]
    /// Hosts that never change at the same time as their neighbour.
    var neverTogether = false

    private struct Granted {
        var campaign: Int
        var rollsBack: Bool
    }
    private struct Approval {
        var person: String
        var plan: SHA256Digest
        var epoch: Int64
    }
    private struct Seen {
        var state: HostJob.State
        var batch: Int64?
    }

    /// Takes a fact; `campaignOf` names a job's campaign.
    mutating func check(_ fact: Fact, now: Timestamp, campaignOf: (String) -> Int) {
        guard violation == nil else { return }
        switch fact {
        case .granted(let grant): granted(grant, campaignOf(grant.job), now)
        case .budget(let limit): budget = limit
        case .excluded(let host): excluded.insert(host)
        case .approved(let campaign, let person, let plan, let epoch):
            approvals[campaign, default: []].append(Approval(person: person, plan: plan, epoch: epoch))
        case .permit(let job, let state):
            permits[job] = state
            // A person answers for the host: its neighbours need not wait for it any more.
            if state == .writtenOff, let host = hostOf[job], busy[host] == job { busy[host] = nil }
        case .job(let id, let campaign, let ring, let from, let to, let batch):
            require(12, !from.isTerminal || from == to, "job \(id) went from \(from.word) to \(to.word)")
            spend("job \(id)")
            if let ring {
                seen["\(campaign)/\(ring)", default: [:]][id] = Seen(state: to, batch: batch)
                ringOf[id] = ring
            }
        case .hostOf(let job, let host): hostOf[job] = host
        case .feedback(let campaign, let ring, let host, let says): works["\(campaign)/\(ring)/\(host)"] = says
        case .campaign(let index, let before, let after): campaign(index, before, after, now)
        case .judged(let index, let ring, let judgement): judged(index, ring, judgement)
        case .audited(let word, let subject, let number, let head):
            require(18, audited == nil, "the audit record of \(audited ?? "") is of no transition")
            audited = subject
            require(
                18, number == sequence + 1 && head == Self.chained(auditHead, word, number),
                "audit record \(number) follows on \(sequence), or does not continue its chain")
            (sequence, auditHead) = (number, head)
        case .ticket(let job, let issued, let rollsBack):
            tickets[job] = issued
            // A ticket lives for a quarter of an hour, so it must be over when a freeze begins.
            let isFrozen =
                freeze.map { issued <= $0.upperBound && issued.adding(seconds: 900) >= $0.lowerBound } ?? false
            require(6, rollsBack || !isFrozen, "job \(job) got a ticket at \(issued) that reaches into a freeze")
            require(
                11, haltedAt[campaignOf(job)] == nil, "job \(job) got a ticket although its campaign is halted")
        case .acceptedFence(let job, let host, let fence):
            let last = acceptedFences[host] ?? (0, "")
            // A disk of the past has forgotten its last job, and may be told the same once more; nothing older.
            let isAgain = restored.contains(host) && fence == last.fence && job == last.job
            require(3, fence > last.fence || isAgain, "host \(host) took fence \(fence) after \(last.fence)")
            acceptedFences[host] = (max(fence, last.fence), job)
        case .intent(let entry, let host, let facts): intent(entry, host, facts, now, campaignOf(entry.job))
        case .journaled(let entry, let host, let window, let boot, let uncertainty):
            // A boot in which nothing was written leaves no trace, and changed nothing.
            bootsIn[entry.job, default: []].insert(boot)
            journaled(entry, host, window, now, uncertainty)
        case .ranScript(let job, let name, let isIdempotent):
            scriptRuns["\(job) \(name)", default: 0] += 1
            require(14, isIdempotent || scriptRuns["\(job) \(name)"] == 1, "script \(name) of job \(job) ran twice")
        case .installed(let job, let host, let digest): installed(job, host, digest, campaignOf(job))
        case .downgraded(let host, let last):
            require(
                24, last?.phase == .rollback,
                "host \(host) got lower versions in phase \(last?.phase.rawValue ?? "none")")
        case .health(let host, let boot): healthBoot[host] = boot
        case .rescan(let host, let boot): rescanBoot[host] = boot
        case .ended(let job, let host, let outcome, let packages, let boot, let unexpected):
            ended(job, host, outcome, packages, boot, unexpected)
        case .acknowledged(let job, let expected, let kept):
            require(31, expected <= kept, "record \(expected - 1) of job \(job) was acknowledged, \(kept - 1) are kept")
        case .deferred(let host, let campaign, let until, let deadline):
            let count = deferrals["\(campaign) \(host)", default: 0] + 1
            deferrals["\(campaign) \(host)"] = count
            require(
                21, count <= deferralCap && until <= deadline,
                "host \(host) was put off \(count) times of \(deferralCap), until \(until), its deadline is \(deadline)"
            )
        case .believed(let host, let isGenuine):
            require(23, isGenuine, "host \(host) acted on a document that nobody may sign for it")
        case .agentTime(let host, let time):
            require(28, time >= agentTimes[host] ?? time, "the trusted time of host \(host) went back to \(time)")
            agentTimes[host] = max(time, agentTimes[host] ?? time)
        case .stoppedInRun(let host, let goesOn):
            require(29, goesOn, "stopping the agent of host \(host) ended a run of its package manager")
        case .quiet(let host, let packages):
            require(13, packages != .mixed || flagged.contains(host), "host \(host) is left half way and nobody knows")
        }
    }

    /// The next link of the audit's chain, computed anew.
    static func chained(_ previous: UInt64, _ word: String, _ number: Int64) -> UInt64 {
        var head = previous
        for byte in word.utf8 { head = (head ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return head &+ UInt64(number)
    }

    /// A transition uses up the audit record just before it.
    private mutating func spend(_ subject: String) {
        require(18, audited == subject, "no audit record for a transition of \(subject)")
        audited = nil
    }

    /// What is installed is of the approved plan, and of that which the go of each ring before was about.
    private mutating func installed(_ job: String, _ host: Int, _ digest: String, _ campaign: Int) {
        require(
            9, digest == plans[campaign]?.hex,
            "job \(job) installed \(digest) on host \(host), which is not of the approved plan")
        guard let ring = ringOf[job] else { return }
        for earlier in 0..<ring {
            guard let plan = goes["\(campaign)/\(earlier)"] else { continue }
            require(
                9, digest == plan.hex,
                "job \(job) of ring \(ring) installed \(digest), and the go of ring \(earlier) was about \(plan.hex)")
        }
    }

    private mutating func granted(_ grant: Fact.Granted, _ campaign: Int, _ now: Timestamp) {
        let (job, host, fence) = (grant.job, grant.host, grant.fence)
        permits[job] = .held
        permitOf[job] = Granted(campaign: campaign, rollsBack: grant.rollsBack)
        // Counted by what this saw itself; the way back has a budget of its own.
        let counted = permits.count { id, state in
            guard state.isCounted, let one = permitOf[id], one.campaign == campaign else { return false }
            return one.rollsBack || !grant.rollsBack
        }
        let own = grant.ring.flatMap { ringBudgets.indices.contains($0) ? ringBudgets[$0] : nil }
        let limit = min(budget, own ?? budget)
        require(1, Int64(counted) <= limit, "\(counted) permits are held or suspect with a budget of \(limit)")
        require(3, fence > fences[host] ?? 0, "fence \(fence) after \(fences[host] ?? 0) on host \(host)")
        require(13, !flagged.contains(host), "host \(host) needs repair and was granted \(job)")
        require(32, !excluded.contains(host), "host \(host) is excluded and was granted \(job)")
        if grant.isEmergency {
            let people = Set(grant.clause?.approvers ?? []).intersection(approvers(campaign))
            let isWhole =
                people.count >= 2 && grant.clause?.reason.isEmpty == false
                && grant.now < grant.clause?.expires ?? grant.now
                && Set(grant.clause?.bypass ?? []).isSubset(of: Emergency.Bypass.allCases)
            require(22, isWhole, "the emergency's grant of job \(job) names \(people.sorted())")
        }
        fences[host] = max(fence, fences[host] ?? 0)
        grantFence[job] = fence
    }

    /// Who said yes to the plan of now, in its epoch.
    private func approvers(_ campaign: Int) -> Set<String> {
        let own = approvals[campaign]?.filter { $0.plan == plans[campaign] && $0.epoch == epochs[campaign] } ?? []
        return Set(own.map(\.person))
    }

    private mutating func campaign(_ index: Int, _ before: Campaign, _ after: Campaign, _ now: Timestamp) {
        let (from, to) = (before.state, after.state)
        let goesBack = before.mayRollBack && to == .rollingBack
        spend("campaign \(index)")
        (plans[index], epochs[index]) = (after.planDigest, after.epoch)
        require(12, !from.isTerminal || from == to || goesBack, "campaign \(index) went from \(from) to \(to)")
        if to == .halted, from != .halted { haltedAt[index] = now }
        if to == .running || to == .rollingBack || to == .scheduled { haltedAt[index] = nil }
        if to == .running, from != .running {
            let people = approvers(index).subtracting([after.author]).subtracting(after.coauthors)
            require(
                10, after.planDigest != nil && Int64(people.count) >= approvalsRequired,
                "campaign \(index) runs with \(people.count) of \(approvalsRequired) approvals of its plan in its epoch"
            )
        }
        for (number, ring) in after.rings.enumerated() {
            let old = before.rings.indices.contains(number) ? before.rings[number].state : .pending
            let key = "\(index)/\(number)"
            if ring.state == .soaking, old != .soaking { soaking[key] = now }
            if ring.state == .passed, old != .passed { soaked[key] = now.seconds(since: soaking[key] ?? now) }
            guard ring.state == .open, old != .open else { continue }
            for earlier in after.rings[..<number].indices where after.rings[earlier].state != .skipped {
                let other = after.rings[earlier]
                let soak = after.emergency?.soak(other.rules, isLast: false) ?? other.rules.soak
                require(
                    8,
                    other.isGo && other.judgement?.plan == after.planDigest
                        && soaked["\(index)/\(earlier)"] ?? 0 >= soak,
                    "ring \(number) of campaign \(index) opened although ring \(earlier) is \(other.state.rawValue)")
            }
        }
    }

    /// The same figures once more, from what this saw itself.
    private mutating func judged(_ index: Int, _ ring: Int, _ judgement: RingJudgement) {
        if judgement.decision == .go { goes["\(index)/\(ring)"] = judgement.plan }
        let jobs = seen["\(index)/\(ring)"] ?? [:]
        var openBatches: Set<Int64> = []
        var counts = (tried: Int64(0), failures: Int64(0), closed: Int64(0))
        for job in jobs.values where ["granted", "accepted", "running", "awaiting-reboot"].contains(job.state.word) {
            openBatches.insert(job.batch ?? 0)
        }
        for (id, job) in jobs {
            let isBroken = works["\(index)/\(ring)/\(hostOf[id] ?? -1)"] == false
            let isFailed: Bool
            switch job.state.word {
            case "succeeded": isFailed = isBroken
            case "failed-changed", "rolled-back", "rollback-failed", "needs-repair", "lost", "suspect", "written-off":
                isFailed = true
            default: continue
            }
            counts.tried += 1
            counts.failures += isFailed ? 1 : 0
            counts.closed += openBatches.contains(job.batch ?? 0) ? 0 : 1
        }
        require(
            19, judgement.counts.tried == counts.tried && judgement.counts.failures == counts.failures,
            "the gate counted \(judgement.counts.failures) of \(judgement.counts.tried), and it is \(counts)")
        if judgement.decision == .go {
            require(
                20, judgement.counts.closedTried <= counts.closed,
                "a go counts \(judgement.counts.closedTried) hosts of closed batches, and there are \(counts.closed)")
        }
    }

    private mutating func journaled(
        _ entry: JobEntry, _ host: Int, _ window: HostJob.Window, _ now: Timestamp, _ uncertainty: Int64
    ) {
        // Each record is one effect: a number that comes again is of a journal that has forgotten.
        require(
            14, entry.ordinal > ordinals[entry.job] ?? 0,
            "record \(entry.ordinal) of job \(entry.job) was written twice")
        ordinals[entry.job] = entry.ordinal
        require(12, !closed.contains(entry.job), "job \(entry.job) wrote \(entry.phase) after its end")
        if entry.phase == .commit, entry.kind == .result { closed.insert(entry.job) }
        if entry.kind == .result, [.apply, .preScript, .postScript, .reboot].contains(entry.phase) {
            let isDone = entry.detail["ok"]?.bool ?? true
            let effect = "\(entry.job) \(entry.phase) \(entry.step)"
            if isDone { require(14, done.insert(effect).inserted, "\(effect) was done twice") }
        }
        guard entry.kind == .intent else {
            if entry.phase == .health || entry.phase == .commit, busy[host] == entry.job { busy[host] = nil }
            return
        }
        // What comes before the change is judged by the host's own clock alone.
        let isChange = entry.phase == .apply || entry.phase == .reboot
        let isUndo = entry.phase == .preScript && entry.step >= AgentJob.undoStep
        if !isUndo, [.preScript, .quiesce, .snapshot, .mutateIntent, .apply, .reboot].contains(entry.phase) {
            // A step that was begun may be finished; what undoes, mends, starts services again or looks may begin at any time.
            let isNew = entry.phase != .apply || applied.insert("\(entry.job) \(entry.step)").inserted
            require(
                7,
                !isNew
                    || entry.time <= window.notAfter
                        && (!isChange || now <= window.notAfter.adding(seconds: uncertainty)),
                "job \(entry.job) began \(entry.phase) \(entry.step) after its window")
        }
        if entry.phase == .reboot { rebootsOrdered[entry.job, default: 0] += 1 }
        if entry.phase == .rollbackReboot { rebootsOrdered[entry.job, default: 0] += 1 }
        if entry.phase == .quiesce {
            busy[host] = entry.job
            require(
                26, !neverTogether || busy[host ^ 1] == nil, "hosts \(host) and \(host ^ 1) change at the same time")
        }
    }

    private mutating func ended(
        _ job: String, _ host: Int, _ outcome: JobOutcome, _ packages: PackagesState, _ boot: Int, _ unexpected: Int64
    ) {
        if mutating[host] == job { mutating[host] = nil }
        require(
            13, packages != .mixed || outcome == .needsRepair || flagged.contains(host),
            "job \(job) ended as \(outcome) with its packages half way")
        if outcome == .needsRepair { flagged.insert(host) }
        require(
            15, (bootsIn[job]?.count ?? 0) - 1 <= (rebootsOrdered[job] ?? 0) || unexpected > 0,
            "host \(host) wrote in \(bootsIn[job]?.count ?? 0) boots in job \(job), \(rebootsOrdered[job] ?? 0) were ordered and "
                + "\(unexpected) are on record as unexpected")
        if outcome == .succeeded {
            require(
                16, healthBoot[host] == boot && rescanBoot[host] == boot && packages == .goal,
                "job \(job) succeeded in boot \(boot) with health of boot \(healthBoot[host] ?? 0), rescan of boot "
                    + "\(rescanBoot[host] ?? 0), packages \(packages)")
        }
        if outcome == .rolledBack { require(17, packages == .pre, "job \(job) rolled back to packages \(packages)") }
    }

    private mutating func intent(
        _ entry: JobEntry, _ host: Int, _ facts: Fact.Intent, _ now: Timestamp, _ campaign: Int
    ) {
        if entry.phase == .mutateIntent, let halted = haltedAt[campaign] {
            require(
                11, (tickets[entry.job] ?? now) <= halted && now <= halted.adding(seconds: 900 + facts.uncertainty),
                "job \(entry.job) began at \(now) although its campaign was halted at \(halted)")
        }
        let fence = entry.detail["fence"]?.integer ?? 0
        // A host that was written off in the middle may come back and finish; it may not begin.
        let isAnswered = permits[entry.job] == .writtenOff && entry.phase != .mutateIntent
        require(
            2,
            (permits[entry.job]?.isCounted == true || isAnswered) && fence == grantFence[entry.job]
                && fence == fences[host],
            "\(entry.phase) of job \(entry.job) with permit \(permits[entry.job]?.rawValue ?? "none"), fence \(fence), "
                + "the host's \(fences[host] ?? 0)")
        guard entry.phase == .mutateIntent else { return }
        require(4, mutating[host] == nil || mutating[host] == entry.job, "two jobs change host \(host)")
        mutating[host] = entry.job
        let window = facts.window
        require(
            30, !facts.isOffline || now <= window.notAfter.adding(seconds: facts.uncertainty),
            "host \(host) is offline and began at \(now), its grant ended at \(window.notAfter)")
        require(
            5, now >= window.notBefore && now <= window.lastSafeStart.adding(seconds: facts.uncertainty),
            "job \(entry.job) began at \(now), its window is \(window.notBefore) to \(window.lastSafeStart)")
        if !facts.rollsBack {
            // Only a clock that is behind may take the beginning of a freeze for the time before it.
            let isFrozen =
                freeze.map { $0.contains(now) && now > $0.lowerBound.adding(seconds: facts.uncertainty) } ?? false
            require(6, !isFrozen, "job \(entry.job) began in a freeze, at \(now)")
            require(25, !facts.needsSnapshot || facts.hasSnapshot, "job \(entry.job) began without its snapshot")
            let start = "\(campaign) \(host) \(facts.occurrence)"
            require(
                27, starts[start] == nil || starts[start] == entry.job,
                "host \(host) began twice in the window of \(facts.occurrence)")
            starts[start] = entry.job
        }
    }

    private mutating func require(_ invariant: Int, _ holds: Bool, _ text: String) {
        if !holds, violation == nil { violation = Violation(invariant: invariant, description: text) }
    }

    /// The host's disk is of an earlier day: what it did since then in its jobs is undone, and may come again where it is
    /// told so.
    mutating func forget(_ host: Int) {
        (agentTimes[host], mutating[host], busy[host]) = (nil, nil, nil)
        restored.insert(host)
        for job in hostOf.keys where hostOf[job] == host {
            closed.remove(job)
            (ordinals[job], bootsIn[job]) = (nil, nil)
            done = done.filter { !$0.hasPrefix(job) }
            applied = applied.filter { !$0.hasPrefix(job) }
            scriptRuns = scriptRuns.filter { !$0.key.hasPrefix(job) }
        }
    }

    /// A promise that the world itself sees broken.
    mutating func fail(_ invariant: Int, _ text: String) { require(invariant, false, text) }
}
