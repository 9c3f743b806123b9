public import JSON
public import Timestamps

/// Changes a host's packages by apt, exactly as ordered: asks, checks, fetches, runs, repairs and goes back.
///
/// Nothing here decides *whether*: the caller journals each step first. Everything is found again after a crash: plans and
/// states are values with a JSON form, files lie in `folder` (packages/, runs/), and a run that outlives its starter is
/// found by its number.
public struct AptChange: Sendable {
    /// The host.
    public let root: ChangeRoot
    /// The job's folder as the host itself sees it, absolute.
    public let folder: String

    /// Changes of that host, with the job's files in `folder`.
    public init(root: ChangeRoot = .host, folder: String) {
        self.root = root
        self.folder = folder
    }

    /// Asks apt's own resolver for the exact difference that an order makes; changes nothing, uses no network.
    public func plan(_ goals: [PackageGoal]) -> AptPlan {
        AptPlan(refusal: ChangeRefusal(.resolverFailed, "not built yet"))
    }

    /// Looks whether the host may change now.
    public func preflight(
        _ plan: AptPlan, requirements: PreflightRequirements = PreflightRequirements(), now: Timestamp
    ) -> Preflight {
        Preflight(facts: [])
    }

    /// Fetches the files of the new and of the installed versions into `folder/packages`, each checked by its digest.
    ///
    /// What is there and right is not fetched again. The result is kept in that folder; see ``kept()``.
    public func prefetch(
        _ plan: AptPlan, limits: PrefetchLimits = PrefetchLimits()
    ) throws(AptChangeError) -> Prefetch {
        throw AptChangeError("not built yet")
    }

    /// What ``prefetch(_:limits:)`` left, with every file's digest checked anew; nil where it was never done.
    public func kept() throws(AptChangeError) -> Prefetch? { nil }

    /// Reads what the host is made of.
    public func state() throws(AptChangeError) -> HostState { throw AptChangeError("not built yet") }

    /// Where the packages of a plan stand, by dpkg's own database.
    public func standing(of plan: AptPlan) throws(AptChangeError) -> Standing { throw AptChangeError("not built yet") }

    /// Starts a run in a session of its own; it goes on when the caller dies. Returns as soon as it runs.
    ///
    /// - Parameters:
    ///   - number: names its files; a number that was used is found again, never started twice.
    ///   - lockWait: seconds that apt may wait for locks of others.
    public func start(
        _ kind: AptRun.Kind, plan: AptPlan, number: Int, lockWait: Int = 120
    ) throws(AptChangeError) -> AptRun {
        throw AptChangeError("not built yet")
    }

    /// The run of that number, ended or not; nil where it was never started.
    public func run(number: Int) -> AptRun? { nil }

    /// How far a run is. Cheap; to be asked as often as progress shall be shown.
    public func poll(_ run: AptRun) -> AptRunState { .running(AptProgress()) }

    /// Ends a run with all that it started: TERM, after `grace` seconds KILL.
    public func end(_ run: AptRun, grace: Int = 10) {}

    /// Waits for a run, and ends it when it takes longer than `seconds` since it was started.
    public func wait(
        for run: AptRun, seconds: Int, progress: (AptProgress) -> Void = { _ in }
    ) -> AptOutcome {
        AptOutcome(end: .vanished)
    }

    /// The last lines of a run's output, at most `bytes`.
    public func log(of run: AptRun, bytes: Int = 64 << 10) -> String { "" }

    /// Mends the package database after an interruption, and finishes the planned transaction.
    ///
    /// - Parameters:
    ///   - firstNumber: the first number of its runs; the caller keeps numbers apart.
    ///   - seconds: what each run may take.
    public func repair(
        _ plan: AptPlan, firstNumber: Int, seconds: Int, lockWait: Int = 120,
        progress: (AptRun, AptProgress) -> Void = { _, _ in }
    ) throws(AptChangeError) -> ChangeReport {
        throw AptChangeError("not built yet")
    }

    /// Takes the packages of a plan back to what they were, from the kept files, and proves it.
    public func rollBack(
        _ plan: AptPlan, firstNumber: Int, seconds: Int, lockWait: Int = 120,
        progress: (AptRun, AptProgress) -> Void = { _, _ in }
    ) throws(AptChangeError) -> ChangeReport {
        throw AptChangeError("not built yet")
    }
}

extension HostState {
    /// The state as JSON, for a file in the job's folder.
    public var json: JSONValue { .null }

    /// Reads ``json``.
    public init(json: JSONValue) throws(JSONError) {
        throw JSONError(.outOfBounds, pointer: "", reason: "not built yet")
    }

    /// What differs from an earlier state outside the plan: packages that it does not name, configuration files that
    /// were changed by hand, units that lost their place.
    ///
    /// - Parameter allowing: units that the caller stopped or restarted itself.
    public func differences(
        from earlier: HostState, outside plan: AptPlan, allowing units: Set<String> = []
    ) -> [StateDifference] { [] }
}
