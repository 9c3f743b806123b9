import JSON
import Rollout

/// Scripts, services and health.
extension JobWork {
    /// Runs a script of the plan.
    func run(_ script: PlannedScript, file: String) -> StepResult {
        tell("runs the script \(script.name)", always: true)
        let runner = ScriptRunner(folder: folder.folder, log: log, environment: environment)
        let result = runner.run(script.text, name: script.name, file: file, timeout: script.timeout)
        return Self.result(of: result, script.name)
    }

    /// Takes a script's effect back; done where there is nothing to do.
    func undo(_ script: PlannedScript, file: String) -> StepResult {
        guard let undo = script.undo else { return .done("script \(script.name) declares nothing to undo") }
        tell("undoes the script \(script.name)", always: true)
        let runner = ScriptRunner(folder: folder.folder, log: log, environment: environment)
        let result = runner.run(undo, name: "\(script.name) (undo)", file: file, timeout: script.timeout)
        return Self.result(of: result, "\(script.name) (undo)")
    }

    private static func result(of run: BoundedRun.Result, _ name: String) -> StepResult {
        var detail: [String: JSONValue] = [
            "script": .string(name), "output": .string(run.digest.hex), "bytes": .integer(Int64(run.bytes)),
        ]
        if case .exit(let code) = run.end { detail["exit"] = .integer(Int64(code)) }
        let said = run.lastLine.isEmpty ? "" : "; it last said: \(run.lastLine)"
        return run.end.isSuccess
            ? .done("script \(name) ended well", detail)
            : .failed("script \(name) failed: \(run.end.text)\(said). Its output is in the job's log", detail)
    }

    /// Which of the services to stop are active now: only those are started again.
    func servicesToStop() -> [String] { actions.stopServices.filter { services.isActive($0) == true } }

    /// Stops these services.
    func stop(_ units: [String]) -> StepResult {
        tell("stops services", always: true)
        for unit in units {
            if let failure = services.perform("stop", unit, timeout: 300) {
                return .failed("\(failure); nothing was changed", ["unit": .string(unit)])
            }
        }
        return .done(
            units.isEmpty ? "no service is to be stopped" : "stopped \(units.joined(separator: ", "))",
            ["stopped": .array(units.map(JSONValue.string))])
    }

    /// Starts these services again.
    func start(_ units: [String]) -> StepResult {
        var failures: [String] = []
        for unit in units {
            tell("starts \(unit)", always: true)
            if let failure = services.perform("start", unit, timeout: 300) { failures.append(failure) }
        }
        let detail: [String: JSONValue] = ["started": .array(units.map(JSONValue.string))]
        return failures.isEmpty
            ? .done(units.isEmpty ? "nothing was stopped" : "started \(units.joined(separator: ", "))", detail)
            : .failed(failures.joined(separator: "; "), detail)
    }

    /// Starts what was stopped, restarts what the plan names and what still runs replaced files.
    func restartServices(_ stopped: [String]) -> StepResult {
        var result = start(stopped)
        var failures = result.isDone ? [] : [result.text]
        var restarted: [String] = []
        for unit in actions.restartServices where !stopped.contains(unit) {
            tell("restarts \(unit)", always: true)
            restarted.append(unit)
            if let failure = services.perform("restart", unit, timeout: 300) { failures.append(failure) }
        }
        var reported: [String] = []
        if actions.restartsStaleServices, services.isAvailable {
            let survey = HostTree.machine.processSurvey()
            let (stale, rest) = StaleServices.sorted(survey.needs)
            reported = rest
            for unit in stale where !restarted.contains(unit) && !stopped.contains(unit) {
                tell("restarts \(unit), which still runs replaced files", always: true)
                restarted.append(unit)
                if let failure = services.perform("restart", unit, timeout: 300) { failures.append(failure) }
            }
            if survey.unread > 0 { reported.append("\(survey.unread) processes could not be read") }
        }
        result.detail["restarted"] = .array(restarted.prefix(500).map(JSONValue.string))
        result.detail["stillStale"] = .array(reported.prefix(500).map { .string($0.cut(to: 255)) })
        result.isDone = failures.isEmpty
        if failures.isEmpty {
            result.text =
                (restarted.isEmpty ? "no service had to be restarted" : "restarted \(restarted.joined(separator: ", "))")
                + (reported.isEmpty ? "" : "; left alone: \(reported.prefix(5).joined(separator: ", "))")
        } else {
            result.text = failures.joined(separator: "; ")
        }
        return result
    }

    /// Asks every check until all passed as often in a row as the plan wants; within the settle time they may fail.
    func checkHealth() -> StepResult {
        guard !actions.healthChecks.isEmpty else { return .done("the plan has no health checks") }
        let settled = Moment.now().uptime + actions.settleTime * 1000
        let pause = min(5000, max(500, actions.settleTime * 50))
        var passes: Int64 = 0
        var tries: Int64 = 0
        while true {
            tell("health checks: \(passes) of \(actions.consecutivePasses) in a row", always: true)
            tries += 1
            var failures: [(check: HealthCheck, why: String)] = []
            for check in actions.healthChecks {
                if let why = health.failure(of: check) { failures.append((check, why)) }
            }
            passes = failures.isEmpty ? passes + 1 : 0
            let detail: [String: JSONValue] = [
                "tries": .integer(tries), "passes": .integer(passes),
                "failed": .array(
                    failures.map { ["check": .string($0.check.name), "why": .string($0.why.cut(to: 500))] }),
            ]
            if passes >= actions.consecutivePasses {
                return .done("\(actions.healthChecks.count) checks passed \(passes) times in a row", detail)
            }
            if let first = failures.first, Moment.now().uptime >= settled {
                let more = failures.count > 1 ? " (and \(failures.count - 1) more)" : ""
                return .failed("health check \(first.check.name) failed: \(first.why)\(more)", detail)
            }
            Self.sleep(milliseconds: pause)
        }
    }
}
