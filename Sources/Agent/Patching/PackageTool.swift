import PackageManagers
import Timestamps

/// The host's package manager, as a job uses it; see ``PackageManagers/AptChange``, which is the one of Debian hosts.
protocol PackageTool: Sendable {
    func plan(_ goals: [PackageGoal]) -> AptPlan
    func preflight(_ plan: AptPlan, requirements: PreflightRequirements, now: Timestamp) -> Preflight
    func prefetch(_ plan: AptPlan, limits: PrefetchLimits) throws(AptChangeError) -> Prefetch
    func state() throws(AptChangeError) -> HostState
    func standing(of plan: AptPlan) throws(AptChangeError) -> Standing
    func start(_ kind: AptRun.Kind, plan: AptPlan, number: Int, lockWait: Int) throws(AptChangeError) -> AptRun
    func run(number: Int) -> AptRun?
    func poll(_ run: AptRun) -> AptRunState
    func wait(for run: AptRun, seconds: Int, progress: (AptProgress) -> Void) -> AptOutcome
    func log(of run: AptRun, bytes: Int) -> String
    func repair(
        _ plan: AptPlan, after: AptOutcome?, firstNumber: Int, seconds: Int, lockWait: Int,
        progress: (AptRun, AptProgress) -> Void
    ) throws(AptChangeError) -> ChangeReport
    func rehearseWayBack(_ plan: AptPlan) throws(AptChangeError)
    func rollBack(
        _ plan: AptPlan, mayForce: Bool, firstNumber: Int, seconds: Int, lockWait: Int,
        progress: (AptRun, AptProgress) -> Void
    ) throws(AptChangeError) -> ChangeReport
}

extension AptChange: PackageTool {}
