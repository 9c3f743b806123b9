import Foundation
import PackageManagers
import Timestamps

/// One order carried out as the agent does it: plan, preflight, fetch, run, prove, repair, go back.
struct Trial {
    /// How it ended.
    enum Ending: String, Sendable {
        case nothingToDo = "nothing to do"
        case refused = "refused"
        case notBegun = "not begun"
        case done = "done"
        case doneAfterRepair = "done after a repair"
        case rolledBack = "rolled back"
        case failed = "needs a person"
    }
    var plan: AptPlan
    var preflight: Preflight?
    var prefetch: Prefetch?
    var outcome: AptOutcome?
    var repair: ChangeReport?
    var rollBack: ChangeReport?
    var standing: Standing
    var differences: [StateDifference] = []
    var ending: Ending
    /// What the operator reads.
    var message: String

    /// - Parameter isWell: what a health check after the change would say.
    init(_ held: HeldRoot, _ goals: [PackageGoal], seconds: Int = 60, isWell: Bool = true) throws {
        let change = held.change
        let before = try change.state()
        plan = change.plan(goals)
        standing = try change.standing(of: plan)
        if let refusal = plan.refusal {
            (ending, message) = (.refused, refusal.description)
            return
        }
        if plan.steps.isEmpty {
            (ending, message) = (.nothingToDo, plan.message)
            return
        }
        // What a crash would leave behind is enough to go on with.
        plan = try AptPlan(json: plan.json)
        let preflight = change.preflight(
            plan, requirements: PreflightRequirements(spareBytes: 1 << 20), now: now)
        self.preflight = preflight
        guard preflight.passes else {
            (ending, message) = (.notBegun, preflight.message)
            return
        }
        let prefetch: Prefetch
        do {
            prefetch = try change.prefetch(plan)
        } catch {
            (ending, message) = (.notBegun, error.description)
            return
        }
        self.prefetch = prefetch
        guard prefetch.isComplete else {
            (ending, message) = (.notBegun, prefetch.message)
            return
        }
        let run = try change.start(.apply, plan: plan, number: 1)
        let outcome = change.wait(for: run, seconds: seconds)
        self.outcome = outcome
        standing = try change.standing(of: plan)
        ending = .done
        message = plan.message
        if standing != .goal {
            let report = try change.repair(plan, after: outcome, firstNumber: 10, seconds: seconds)
            repair = report
            (ending, message, standing) = (.doneAfterRepair, report.message, report.standing)
        }
        if standing != .goal || !isWell {
            let report = try change.rollBack(plan, firstNumber: 100, seconds: seconds)
            rollBack = report
            standing = report.standing
            ending = report.isDone ? .rolledBack : .failed
            message = isWell ? "\(repair?.cause ?? message); \(report.message)" : "a health check failed; \(report.message)"
        } else if !outcome.keptConfiguration.isEmpty {
            message += "; kept as they were changed here: \(outcome.keptConfiguration.joined(separator: ", "))"
        }
        differences = try change.state().differences(
            from: before, outside: ending == .rolledBack ? AptPlan() : plan)
    }
}
