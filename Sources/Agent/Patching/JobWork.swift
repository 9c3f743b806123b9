import Digest
import Glibc
import Inventory
import JSON
import Orders
import PackageManagers
import Rollout
import Timestamps
import Wire

/// What came of a step of a job.
struct StepResult: Sendable {
    /// Whether it did what it was to do.
    var isDone: Bool
    /// One sentence for a person: what happened, and where it failed what to do.
    var text: String
    /// The facts, for the journal.
    var detail: [String: JSONValue]

    static func done(_ text: String, _ detail: [String: JSONValue] = [:]) -> StepResult {
        StepResult(isDone: true, text: text, detail: detail)
    }

    static func failed(_ text: String, _ detail: [String: JSONValue] = [:]) -> StepResult {
        StepResult(isDone: false, text: text, detail: detail)
    }
}

/// The hands of a job: performs its steps on the host, and finds again after a crash what it had begun.
///
/// It decides nothing and journals nothing; the machine does the one, the process the other.
final class JobWork {
    let folder: JobFolder
    let actions: JobActions
    let goals: [PackageGoal]
    let excluded: [String]
    let tool: any PackageTool
    let services: any ServiceControl
    let health: any HealthProbing
    let restart: any HostRestart
    let log: JobLog
    let environment: [String: String]
    private var lastProgress: Int64 = 0
    private var cachedPlan: AptPlan?

    static let planFile = "plan.json"
    static let beforeFile = "before.json"
    static let stoppedFile = "stopped.json"
    /// Seconds that apt may wait for the locks of others.
    static let lockWait = 120
    /// The agent's own package is never part of an ordinary job: a job that replaced it would cut the branch it sits on.
    static let ownPackage = "fettle-agent"

    init(
        folder: JobFolder, order: JobOrder, plan: HostPlan, distribution: String, tool: any PackageTool,
        services: any ServiceControl, health: any HealthProbing, restart: any HostRestart
    ) {
        self.folder = folder
        self.actions = plan.actions
        let packages = plan.targets.first { $0.distribution == distribution }?.packages ?? []
        excluded = packages.filter { $0.name == Self.ownPackage }.map(\.id)
        goals = packages.filter { $0.name != Self.ownPackage }.map {
            PackageGoal(
                name: $0.name, architecture: $0.architecture, version: $0.version, sha256: $0.sha256,
                previous: $0.previous)
        }
        self.tool = tool
        self.services = services
        self.health = health
        self.restart = restart
        log = JobLog(folder.folder)
        environment = [
            "FETTLE_JOB": order.offer.job, "FETTLE_CAMPAIGN": order.offer.campaign,
            "FETTLE_ATTEMPT": "\(order.offer.attempt)",
        ]
    }

    // MARK: Progress

    /// Says what is being done, for people who watch; at most once a second, and worth nothing after a crash.
    func tell(_ activity: String, percent: Int64? = nil, always: Bool = false) {
        let now = Moment.now().uptime
        guard always || now >= lastProgress + 1000 else { return }
        lastProgress = now
        var fields: [String: JSONValue] = ["activity": .string(activity.cut(to: 1000))]
        if let percent { fields["percent"] = .integer(min(100, max(0, percent))) }
        try? folder.folder.replace(
            JobFolder.progress, with: JSONValue.object(fields).canonicalBytes(), durable: false)
    }

    private func tell(_ progress: AptProgress) {
        tell(progress.text.isEmpty ? "the package manager works" : progress.text, percent: Int64(progress.percent))
    }

    // MARK: The plan

    /// What apt's resolver made of the order; nil before it was asked.
    func plan() -> AptPlan? {
        if let cachedPlan { return cachedPlan }
        guard let value = folder.json(Self.planFile, limit: 16 << 20) else { return nil }
        cachedPlan = try? AptPlan(json: value)
        return cachedPlan
    }

    /// Resolves the order and fetches both the new and the old packages.
    func prefetch() -> StepResult {
        guard !goals.isEmpty else {
            return .failed(
                excluded.isEmpty
                    ? "the plan has no packages for this host's distribution release; leave the host out of the campaign"
                    : "the plan has only the agent's own package, which ordinary jobs do not change")
        }
        tell("asks the package manager for the exact difference", always: true)
        let plan = tool.plan(goals)
        if let refusal = plan.refusal {
            return .failed(
                refusal.description, ["code": .string(refusal.code.rawValue), "plan": plan.json])
        }
        tell("fetches packages", always: true)
        do {
            let fetched = try tool.prefetch(plan, limits: PrefetchLimits())
            guard fetched.isComplete else { return .failed(fetched.message, ["code": "not-fetched"]) }
            try folder.write(Self.planFile, plan.json)
            cachedPlan = plan
            let means = SnapshotMeans.probe(actions)
            if actions.snapshot == .required, means.means == .downgrade {
                return .failed(
                    "the plan requires a snapshot and this host has no means: \(means.why)", ["code": "no-snapshot"])
            }
            var detail: [String: JSONValue] = [
                "steps": .integer(Int64(plan.steps.count)), "way": .string(means.means.rawValue),
                "hasWayBack": .bool(fetched.hasWayBack),
                "files": .array(
                    (fetched.new + fetched.old).prefix(2000).map {
                        ["package": .string($0.id), "version": .string($0.version), "sha256": .string($0.sha256)]
                    }),
            ]
            if !excluded.isEmpty { detail["excluded"] = .array(excluded.map(JSONValue.string)) }
            return .done("\(plan.message); \(fetched.message); the way back is \(means.means.words)", detail)
        } catch {
            return .failed("\(error)", ["code": "not-fetched"])
        }
    }

    // MARK: Before the change

    /// Looks whether the host may change now, and whether the difference is still the one that was fetched for.
    ///
    /// - Parameter isIntact: whether the job that is taken back had ended well: then the way back is an ordinary change, which
    ///   is rehearsed and checked as one.
    func preflight(now: Timestamp, rollsBack: Bool, isIntact: Bool) -> StepResult {
        guard let plan = plan() else { return .failed("the fetched plan cannot be read", ["code": "no-plan"]) }
        tell("checks whether the host may change now", always: true)
        if rollsBack {
            let standing: Standing
            do throws(AptChangeError) { standing = try tool.standing(of: plan) } catch {
                return .failed(
                    "where the packages stand cannot be told (\(error)), so they are not taken back; nothing was changed. "
                        + "Mend dpkg's database (dpkg --audit says what is wrong; /var/lib/dpkg/status-old is the copy of "
                        + "before its last change), then roll back again", ["code": "standing-unknown"])
            }
            // A host that is broken goes back all the same: that is what mends it.
            if case .mixed(_, _, let other) = standing, !other.isEmpty {
                return .failed(
                    "\(other.joined(separator: ", ")) came to another version since, by other hands, and the way back would "
                        + "take that away too; nothing was changed. Take back by hand what has to be",
                    ["code": "changed-since"])
            }
            return isIntact ? wayBackPreflight(plan, now) : .done("the way back is at hand")
        }
        let named = actions.stopServices + actions.restartServices
        if !named.isEmpty, !services.isAvailable {
            return .failed(
                "the plan stops or restarts services (\(named.joined(separator: ", "))), and systemd does not run here; "
                    + "nothing was changed", ["code": "no-services"])
        }
        let again = tool.plan(goals)
        guard again.steps == plan.steps, again.refusal == nil else {
            return .failed(
                again.refusal?.description
                    ?? "the host's packages have changed since they were fetched for; nothing was changed. Run the campaign "
                    + "again", ["code": "changed-since"])
        }
        let preflight = tool.preflight(
            plan,
            requirements: PreflightRequirements(
                // A plan that may reboot does so in the end, whatever asked for it first.
                refusesPendingReboot: actions.reboot == .never, lockWait: Int64(Self.lockWait)), now: now)
        guard preflight.passes else {
            return .failed(
                preflight.message, ["code": "preflight", "checks": preflight.json])
        }
        return .done(preflight.message, ["checks": preflight.json])
    }

    /// What an ordinary change is asked, except what is about repositories and pending reboots: the files are at hand.
    private func wayBackPreflight(_ plan: AptPlan, _ now: Timestamp) -> StepResult {
        var checks = tool.preflight(
            plan, requirements: PreflightRequirements(refusesPendingReboot: false, lockWait: Int64(Self.lockWait)),
            now: now)
        checks.facts.removeAll { $0.name == .indexes || $0.name == .reboot }
        guard checks.passes else { return .failed(checks.message, ["code": "preflight", "checks": checks.json]) }
        do throws(AptChangeError) {
            try tool.rehearseWayBack(plan)
        } catch {
            return .failed(
                "the packages cannot simply go back: \(error). Nothing was changed; take back first what needs the newer "
                    + "versions", ["code": "no-way-back", "checks": checks.json])
        }
        return .done("the way back is at hand; \(checks.message)", ["checks": checks.json])
    }

    /// Makes the snapshot that the host has means for.
    func snapshot() -> StepResult {
        let (means, why) = SnapshotMeans.probe(actions)
        tell("takes a snapshot: \(means.words)", always: true)
        let (id, failure) = means.make(
            job: folder.job, hook: actions.snapshotHook, timeout: min(SnapshotMeans.timeLimit, actions.stepTimeout),
            newest: jobsWithSnapshots(), log: log)
        let detail: [String: JSONValue] = ["means": .string(means.rawValue), "why": .string(why)]
        // Whether the job may go on without is the machine's to say.
        guard let id else {
            return .failed(failure ?? "nobody knows why", detail.merging(["code": "no-snapshot"]) { $1 })
        }
        return .done("the way back is \(means.words)", detail.merging(["id": .string(id)]) { $1 })
    }

    /// The other jobs of this host that made a snapshot, newest first.
    private func jobsWithSnapshots() -> [String] {
        folder.siblings().filter { $0.job != folder.job }.compactMap { other in
            let made = (try? other.journal())?.entries.last { $0.phase == .snapshot && $0.kind == .result }
            return made.map { (other.job, $0.time) }
        }.sorted { ($0.1, $0.0) > ($1.1, $1.0) }.map(\.0)
    }

    /// What the packages are and what they shall be: the last thing that is kept before they change.
    ///
    /// - Throws: where the host cannot be read or the disk refuses: without it nothing begins.
    func preState(rollsBack: Bool) throws -> (before: SHA256Digest, goal: SHA256Digest, detail: [String: JSONValue]) {
        guard let plan = plan() else { throw AptChangeError("the fetched plan cannot be read") }
        let state = try tool.state()
        // On the way back the state to come to is the one from before the earlier job.
        if !rollsBack { try folder.write(Self.beforeFile, state.json) }
        let packages: [JSONValue] = plan.steps.prefix(1000).map { step in
            var fields: [String: JSONValue] = ["package": .string(step.id), "kind": .string(step.kind.rawValue)]
            if let from = step.from { fields["from"] = .string(from) }
            if let to = step.to { fields["to"] = .string(to) }
            return .object(fields)
        }
        return (
            Self.digest(state), SHA256.hash(plan.json.canonicalBytes()),
            ["packages": .array(packages), "count": .integer(Int64(plan.steps.count))]
        )
    }

    /// The digest of the list of packages: `name:architecture version state`, one a line, sorted.
    static func digest(_ state: HostState) -> SHA256Digest {
        let lines = state.packages.map { "\($0.key) \($0.value.version) \($0.value.state)\n" }.sorted()
        return SHA256.hash(Array(lines.joined().utf8))
    }

    // MARK: The change

    /// Runs the package manager once; a run of that number that was begun before a crash is found and waited for.
    func apply(number: Int) -> StepResult {
        guard let plan = plan() else { return .failed("the fetched plan cannot be read", ["code": "no-plan"]) }
        guard !plan.steps.isEmpty else { return .done("nothing to change", standing(plan).detail) }
        tell("the package manager begins", percent: 0, always: true)
        do {
            let run =
                try tool.run(number: number)
                ?? tool.start(.apply, plan: plan, number: number, lockWait: Self.lockWait)
            let outcome = tool.wait(for: run, seconds: Int(actions.stepTimeout)) { self.tell($0) }
            keepLog(of: run)
            var detail = standing(plan).detail
            if let culprit = outcome.culprit { detail["culprit"] = .string(culprit) }
            if case .timedOut = outcome.end { detail["hung"] = true }
            if !outcome.keptConfiguration.isEmpty {
                detail["keptConfiguration"] = .array(outcome.keptConfiguration.map(JSONValue.string))
            }
            if !outcome.errors.isEmpty {
                detail["errors"] = .array(outcome.errors.prefix(20).map { .string($0.cut(to: 500)) })
            }
            detail["success"] = .bool(outcome.isSuccess)
            return standing(plan).standing == .goal && outcome.isSuccess
                ? .done(outcome.message, detail) : .failed(outcome.message, detail)
        } catch {
            return .failed("\(error)", standing(plan).detail)
        }
    }

    /// Mends the package database and finishes the transaction.
    ///
    /// - Parameters:
    ///   - number: the first of its runs.
    ///   - applied: the run that left it so; what came of that says whom to hold back.
    func repair(number: Int, after applied: Int) -> StepResult {
        guard let plan = plan() else { return .failed("the fetched plan cannot be read", ["code": "no-plan"]) }
        tell("mends the package database", always: true)
        var last: AptOutcome?
        if let run = tool.run(number: applied), case .ended(let outcome) = tool.poll(run) { last = outcome }
        return report(plan) { () throws(AptChangeError) in
            try tool.repair(
                plan, after: last, firstNumber: number, seconds: Int(actions.stepTimeout), lockWait: Self.lockWait,
                progress: { self.tell($1) })
        }
    }

    /// Takes the packages back to what they were.
    ///
    /// - Parameter mayForce: whether they go back although apt says no.
    func rollBack(number: Int, mayForce: Bool) -> StepResult {
        guard let plan = plan() else { return .failed("the fetched plan cannot be read", ["code": "no-plan"]) }
        tell("takes the packages back", always: true)
        return report(plan) { () throws(AptChangeError) in
            try tool.rollBack(
                plan, mayForce: mayForce, firstNumber: number, seconds: Int(actions.stepTimeout),
                lockWait: Self.lockWait,
                progress: { self.tell($1) })
        }
    }

    private func report(
        _ plan: AptPlan, _ body: () throws(AptChangeError) -> ChangeReport
    ) -> StepResult {
        do throws(AptChangeError) {
            let report = try body()
            for part in report.parts { keepLog(of: part.run) }
            var detail = standing(plan).detail
            if let culprit = report.culprit { detail["culprit"] = .string(culprit) }
            detail["runs"] = .array(
                report.parts.map { part in
                    [
                        "kind": .string(part.run.kind.rawValue),
                        "outcome": .string(part.outcome.message.cut(to: 500)),
                    ]
                })
            detail["complaints"] = .array(report.complaints.prefix(20).map { .string($0.cut(to: 300)) })
            return report.isDone ? .done(report.message, detail) : .failed(report.message, detail)
        } catch {
            return .failed("\(error)", standing(plan).detail)
        }
    }

    /// Waits for runs that outlived an earlier process of this job; they have had their time limit from their start.
    func endLeftovers(_ numbers: [Int]) {
        for number in numbers {
            guard let run = tool.run(number: number) else { continue }
            tell("waits for the package manager's run \(number)", always: true)
            _ = tool.wait(for: run, seconds: Int(actions.stepTimeout)) { self.tell($0) }
        }
    }

    /// How the packages of the order stand, for the machine; what cannot be read is not whole.
    func packagesState() -> PackagesState {
        guard let plan = plan() else { return .mixed }
        if plan.steps.isEmpty { return .goal }
        switch standing(plan).standing {
        case .before: return .pre
        case .goal: return .goal
        case .mixed, .broken, nil: return .mixed
        }
    }

    private func keepLog(of run: AptRun) {
        log.line("run \(run.number): \(run.kind.rawValue)")
        log.write(Array(tool.log(of: run, bytes: 256 << 10).utf8))
    }

    /// Where the packages stand by dpkg's own word; nil where that cannot be read.
    func standing(_ plan: AptPlan) -> (standing: Standing?, detail: [String: JSONValue]) {
        do throws(AptChangeError) {
            let standing = try tool.standing(of: plan)
            let word =
                switch standing {
                case .before: "before"
                case .goal: "goal"
                case .mixed: "mixed"
                case .broken: "broken"
                }
            var detail: [String: JSONValue] = ["standing": .string(word)]
            if case .broken(let packages) = standing { detail["broken"] = .array(packages.map(JSONValue.string)) }
            return (standing, detail)
        } catch {
            return (nil, ["standing": "unknown", "problem": .string("\(error)".cut(to: 500))])
        }
    }

    /// Sleeps for that long, in milliseconds.
    static func sleep(milliseconds: Int64) { usleep(UInt32(clamping: milliseconds * 1000)) }
}
