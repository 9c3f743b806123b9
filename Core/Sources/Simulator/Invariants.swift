import JSON
import Rollout
import Timestamps

/// What the checks are about, in the order in which it became true.
enum Fact {
    case granted(job: String, host: Int, fence: Int64, held: Int64, suspect: Int64, limit: Int64)
    case permit(job: String, Permit.State)
    case job(id: String, from: HostJob.State, to: HostJob.State)
    case campaign(Int, from: Campaign.State, to: Campaign.State)
    case ticket(job: String, issued: Timestamp)
    case acceptedFence(host: Int, Int64)
    case intent(JobEntry, host: Int, window: HostJob.Window)
    case journaled(JobEntry, host: Int)
    case ranScript(job: String, name: String, isIdempotent: Bool)
    case downgraded(host: Int, last: JobEntry?)
    case health(host: Int, boot: Int)
    case rescan(host: Int, boot: Int)
    case ended(job: String, host: Int, JobOutcome, PackagesState, boot: Int)
    case acknowledged(job: String, expected: Int64, kept: Int64)
    case quiet(host: Int, PackagesState)
}

/// A broken promise.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// Its number in rollouts.md 2.8.
    public var invariant: Int
    /// What happened.
    public var description: String
}

/// The numbered invariants of rollouts.md 2.8, over the merged log; asked after every step.
struct Invariants {
    private(set) var violation: Violation?
    private var fences: [Int: Int64] = [:]
    private var acceptedFences: [Int: Int64] = [:]
    private var grantFence: [String: Int64] = [:]
    private var permits: [String: Permit.State] = [:]
    private var mutating: [Int: String] = [:]
    private var flagged: Set<Int> = []
    private var scriptRuns: [String: Int] = [:]
    private var done: Set<String> = []
    private var closed: Set<String> = []
    private var healthBoot: [Int: Int] = [:]
    private var rescanBoot: [Int: Int] = [:]
    private var haltedAt: [Int: Timestamp] = [:]
    private var tickets: [String: Timestamp] = [:]

    /// Takes a fact; `campaignOf` names a job's campaign.
    mutating func check(_ fact: Fact, now: Timestamp, campaignOf: (String) -> Int) {
        guard violation == nil else { return }
        switch fact {
        case .granted(let job, let host, let fence, let held, let suspect, let limit):
            require(1, held + suspect <= limit, "\(held) held and \(suspect) suspect permits with a budget of \(limit)")
            require(3, fence > fences[host] ?? 0, "fence \(fence) after \(fences[host] ?? 0) on host \(host)")
            require(13, !flagged.contains(host), "host \(host) needs repair and was granted \(job)")
            fences[host] = max(fence, fences[host] ?? 0)
            grantFence[job] = fence
            permits[job] = .held
        case .permit(let job, let state): permits[job] = state
        case .job(let id, let from, let to):
            require(12, !from.isTerminal || from == to, "job \(id) went from \(from.word) to \(to.word)")
        case .campaign(let index, let from, let to):
            let goesBack = from.mayRollBack && to == .rollingBack
            require(12, !from.isTerminal || from == to || goesBack, "campaign \(index) went from \(from) to \(to)")
            if to == .halted, from != .halted { haltedAt[index] = now }
            if to == .running || to == .rollingBack || to == .scheduled { haltedAt[index] = nil }
        case .ticket(let job, let issued): tickets[job] = issued
        case .acceptedFence(let host, let fence):
            require(3, fence > acceptedFences[host] ?? 0, "host \(host) took fence \(fence) again")
            acceptedFences[host] = fence
        case .intent(let entry, let host, let window): intent(entry, host, window, now, campaignOf(entry.job))
        case .journaled(let entry, _):
            require(12, !closed.contains(entry.job), "job \(entry.job) wrote \(entry.phase) after its end")
            if entry.phase == .commit, entry.kind == .result { closed.insert(entry.job) }
            if entry.kind == .result, [.apply, .preScript, .postScript, .reboot].contains(entry.phase) {
                let isDone = entry.detail["ok"]?.bool ?? true
                let effect = "\(entry.job) \(entry.phase) \(entry.step)"
                if isDone { require(14, done.insert(effect).inserted, "\(effect) was done twice") }
            }
        case .ranScript(let job, let name, let isIdempotent):
            scriptRuns["\(job) \(name)", default: 0] += 1
            require(14, isIdempotent || scriptRuns["\(job) \(name)"] == 1, "script \(name) of job \(job) ran twice")
        case .downgraded(let host, let last):
            require(
                24, last?.phase == .rollback,
                "host \(host) got lower versions in phase \(last?.phase.rawValue ?? "none")")
        case .health(let host, let boot): healthBoot[host] = boot
        case .rescan(let host, let boot): rescanBoot[host] = boot
        case .ended(let job, let host, let outcome, let packages, let boot):
            if mutating[host] == job { mutating[host] = nil }
            require(
                13, packages != .mixed || outcome == .needsRepair || flagged.contains(host),
                "job \(job) ended as \(outcome) with its packages half way")
            if outcome == .needsRepair { flagged.insert(host) }
            if outcome == .succeeded {
                require(
                    16, healthBoot[host] == boot && rescanBoot[host] == boot && packages == .goal,
                    "job \(job) succeeded in boot \(boot) with health of boot \(healthBoot[host] ?? 0), rescan of boot "
                        + "\(rescanBoot[host] ?? 0), packages \(packages)")
            }
            if outcome == .rolledBack {
                require(17, packages == .pre, "job \(job) rolled back to packages \(packages)")
            }
        case .acknowledged(let job, let expected, let kept):
            require(31, expected <= kept, "record \(expected - 1) of job \(job) was acknowledged, \(kept - 1) are kept")
        case .quiet(let host, let packages):
            require(13, packages != .mixed || flagged.contains(host), "host \(host) is left half way and nobody knows")
        }
    }

    private mutating func intent(
        _ entry: JobEntry, _ host: Int, _ window: HostJob.Window, _ now: Timestamp, _ campaign: Int
    ) {
        if entry.phase == .mutateIntent, let halted = haltedAt[campaign] {
            require(
                11, (tickets[entry.job] ?? now) <= halted && now <= halted.adding(seconds: 900),
                "job \(entry.job) began at \(now) although its campaign was halted at \(halted)")
        }
        let fence = entry.detail["fence"]?.integer ?? 0
        require(
            2, permits[entry.job]?.isCounted == true && fence == grantFence[entry.job] && fence == fences[host],
            "\(entry.phase) of job \(entry.job) with permit \(permits[entry.job]?.rawValue ?? "none"), fence \(fence), "
                + "the host's \(fences[host] ?? 0)")
        guard entry.phase == .mutateIntent else { return }
        require(4, mutating[host] == nil || mutating[host] == entry.job, "two jobs change host \(host)")
        mutating[host] = entry.job
        require(
            5, now >= window.notBefore && now <= window.lastSafeStart,
            "job \(entry.job) began at \(now), its window is \(window.notBefore) to \(window.lastSafeStart)")
    }

    private mutating func require(_ invariant: Int, _ holds: Bool, _ text: String) {
        if !holds, violation == nil { violation = Violation(invariant: invariant, description: text) }
    }

    /// A liveness promise that was not kept.
    mutating func fail(_ invariant: Int, _ text: String) { require(invariant, false, text) }
}
