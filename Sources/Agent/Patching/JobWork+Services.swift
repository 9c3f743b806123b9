import Digest
import Inventory
import JSON
import PackageManagers
import Rollout
import Timestamps

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
        if run.end == .timeout { detail["timeout"] = true }
        let said = run.lastLine.isEmpty ? "" : "; it last said: \(run.lastLine)"
        return run.end.isSuccess
            ? .done("script \(name) ended well", detail)
            : .failed("script \(name) failed: \(run.end.text)\(said). Its output is in the job's log", detail)
    }

    /// Stops the plan's services; which of them ran is kept before, so that only those are started again.
    ///
    /// - Returns: those that do not stop, with why.
    func stopServices() throws(SystemError) -> [String] {
        tell("stops services", always: true)
        if !folder.folder.contains(Self.stoppedFile) {
            var running: [String] = []
            var unknown: [String] = []
            for unit in actions.stopServices {
                switch services.activity(unit) {
                case "inactive", "failed": break
                case nil: unknown.append("whether \(unit) runs cannot be told: systemd does not answer")
                default: running.append(unit)
                }
            }
            guard unknown.isEmpty else { return unknown }
            try folder.write(Self.stoppedFile, ["running": .array(running.map(JSONValue.string))])
        }
        return stoppedServices().compactMap { unit in
            if let failure = services.perform("stop", unit, timeout: 300) { return failure }
            switch services.activity(unit) {
            case "inactive", "failed": return nil
            case let word?: return "\(unit) was told to stop and is \(word)"
            case nil: return "\(unit) was told to stop, and whether it has cannot be told: systemd does not answer"
            }
        }
    }

    /// Those of the plan's units that ran before and do not run now, with how they are.
    ///
    /// - Parameter before: the units before the job, without those that it had stopped by then.
    func lostServices(since before: Fact<[String: HostState.Unit]>) -> [String] {
        let units = before.value ?? [:]
        let stopped = stoppedServices()
        var required = stopped
        for unit in actions.stopServices + actions.restartServices where !required.contains(unit) {
            // systemctl(1): a name without a suffix is a service's.
            let name = unit.contains(".") ? unit : unit + ".service"
            let wasActive = (units[name] ?? units["\(unit).service"])?.active
            if ["active", "reloading"].contains(wasActive) { required.append(unit) }
        }
        return required.compactMap { unit in
            switch services.activity(unit) {
            case "active", "reloading": nil
            case let word?: "\(unit) ran before and is \(word) now"
            case nil: "whether \(unit) runs again cannot be told: systemd does not answer"
            }
        }
    }

    /// The services that ran before they were stopped.
    func stoppedServices() -> [String] {
        (folder.json(Self.stoppedFile)?["running"]?.array ?? []).compactMap(\.string)
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
    func restartServices(_ stopped: [String], all: Bool) -> StepResult {
        var result = start(stopped)
        guard all else { return result }
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
                (restarted.isEmpty
                    ? "no service had to be restarted" : "restarted \(restarted.joined(separator: ", "))")
                + (reported.isEmpty ? "" : "; left alone: \(reported.prefix(5).joined(separator: ", "))")
        } else {
            result.text = failures.joined(separator: "; ")
        }
        return result
    }

    /// Asks every check once: the names of those that did not pass, with why.
    func failingChecks() -> [String] {
        actions.healthChecks.compactMap { check in
            tell("health check \(check.name)", always: true)
            return health.failure(of: check).map { "\(check.name) (\($0.cut(to: 300)))" }
        }
    }

    /// Whether the host must be started anew, by the same evidence as every scan; what cannot be told is said to be so.
    func judgeReboot() -> AgentJob.Event {
        tell("looks whether a reboot is needed", always: true)
        let set = try? Apt.scan(resolver: .none, now: Moment.now().wall).set
        let facts = HostTree.machine.facts(set: set ?? SoftwareSet([]), agentVersion: AgentVersion.text)
        func unknown(_ why: String) -> AgentJob.Event {
            .rebootVerdict(
                needed: nil, reason: "whether a reboot is needed is not known: \(why.cut(to: 500))",
                detail: ["verdict": "unknown"])
        }
        switch facts.reboot {
        case .unknown(let why): return unknown(why)
        // Without the packages no kernel and no microcode was compared: that proves nothing.
        case .known(let verdict) where set == nil && !verdict.required:
            return unknown("the installed packages could not be read")
        case .known(let verdict):
            let reasons = verdict.reasons.map(\.evidence)
            return .rebootVerdict(
                needed: verdict.required,
                reason: verdict.required
                    ? "a reboot is needed: \(reasons.joined(separator: "; ").cut(to: 700))" : "no reboot is needed",
                detail: [
                    "verdict": .string(verdict.required ? "required" : "not-required"),
                    "evidence": .array((reasons + verdict.proof).prefix(20).map { .string($0.cut(to: 500)) }),
                ])
        }
    }
}
