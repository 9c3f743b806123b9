extension AptChange {
    /// Mends the package database after an interruption or a failure, and finishes the planned transaction.
    ///
    /// Ends what is left of earlier runs, waits for locks, configures what is unpacked, unpacks again what must be, repeats
    /// the transaction, and asks dpkg and apt whether all is well. A package whose scripts fail again or hang is put back to
    /// its old version from the kept file, because a half-configured package stops every later run of apt; then the report is
    /// not done, and names it. Safe to be repeated after a crash.
    ///
    /// - Parameters:
    ///   - after: what came of the run that failed, where that is known: what hung is not tried again.
    ///   - firstNumber: the first number of its runs; the caller keeps numbers apart. At most 20 are used.
    ///   - seconds: what each run may take.
    public func repair(
        _ plan: AptPlan, after: AptOutcome? = nil, firstNumber: Int, seconds: Int, lockWait: Int = 120,
        progress: (AptRun, AptProgress) -> Void = { _, _ in }
    ) throws(AptChangeError) -> ChangeReport {
        var session = try MendingSession(self, plan, firstNumber, seconds, lockWait)
        if let after, !after.isSuccess { session.failures.append(after) }
        var culprit = after?.culprit
        var isHung = false
        if case .timedOut = after?.end, let hung = culprit {
            isHung = true
            try session.putBack(hung, progress)
        }
        culprit = try session.mend(isHung ? culprit : nil, progress) ?? culprit
        if try isWorthRepeating(plan, culprit) {
            do throws(AptChangeError) {
                let outcome = try session.run(.apply, plan.steps, progress)
                if !outcome.isSuccess {
                    culprit = outcome.culprit ?? culprit
                    if case .timedOut = outcome.end, let hung = culprit { try session.putBack(hung, progress) }
                }
            } catch {
                // The host is whole, but apt's rehearsal says no: the report tells why.
                session.refusals.append(error.description)
            }
            culprit = try session.mend(culprit, progress) ?? culprit
        }
        try session.restoreMarks()
        return try session.report(culprit: culprit, wanted: .goal)
    }

    /// Whether the transaction shall be tried once more: not when a package is known to fail.
    private func isWorthRepeating(_ plan: AptPlan, _ culprit: String?) throws(AptChangeError) -> Bool {
        let standing = try standing(of: plan)
        if case .broken = standing { return false }
        guard standing != .goal else { return false }
        guard let culprit else { return true }
        // It failed once and is in now (its scripts went through at the second try): the rest may follow.
        let database = try database()
        return plan.steps.contains { step in
            (step.name == culprit || step.id == culprit) && here(step, database)?.version == step.to
        }
    }

    /// Takes the packages of a plan back to what they were, from the kept files, and proves it.
    ///
    /// By apt where the database is whole, so that dependencies are minded; by dpkg alone where apt refuses to work. Packages
    /// that the change brought are removed. Exact versions only; what has no kept file stays and is named. Nothing is put on
    /// hold: the culprit is reported, and holding it is for the operator to say.
    ///
    /// - Parameter mayForce: whether dpkg has the last word where apt says no although nothing is broken. Not on a host that
    ///   is well: there it is an ordinary downgrade, and apt's no, before anything has changed, is the end of it.
    public func rollBack(
        _ plan: AptPlan, mayForce: Bool = true, firstNumber: Int, seconds: Int, lockWait: Int = 120,
        progress: (AptRun, AptProgress) -> Void = { _, _ in }
    ) throws(AptChangeError) -> ChangeReport {
        var session = try MendingSession(self, plan, firstNumber, seconds, lockWait)
        let isIntact = try standing(of: plan) == .goal
        let returning = session.returning
        var culprit: String?
        for round in 0..<4 {
            let standing = try standing(of: plan)
            if standing == .before { break }
            if case .mixed(_, let goal, let other) = standing,
                !returning.contains(where: { goal.contains($0.id) || other.contains($0.id) })
            {
                break
            }
            let kind: AptRun.Kind
            if case .broken = standing { kind = .forceBack } else { kind = round == 0 ? .rollBack : .forceBack }
            do throws(AptChangeError) {
                let outcome = try session.run(kind, returning, progress)
                if !outcome.isSuccess { culprit = outcome.culprit ?? culprit }
            } catch {
                // apt's rehearsal said no, or nothing is left to take back: dpkg has the last word.
                session.refusals.append(error.description)
                if !mayForce, isIntact, session.parts.isEmpty { break }
            }
            if case .broken = try self.standing(of: plan) {
                let outcome = try session.run(.configure, returning, progress)
                if !outcome.isSuccess { culprit = outcome.culprit ?? culprit }
            }
        }
        try session.restoreMarks()
        return try session.report(culprit: culprit, wanted: .before)
    }

    /// Asks whether the packages of a plan would go back as an ordinary downgrade: every old file is at hand, and by apt's
    /// rehearsal nothing besides would change. Changes nothing.
    ///
    /// - Throws: why not.
    public func rehearseWayBack(_ plan: AptPlan) throws(AptChangeError) {
        if try standing(of: plan) == .before { return }
        for step in plan.steps where step.from == nil && isRunningKernel(step) {
            throw AptChangeError(
                "\(step.id) is the kernel that runs: boot the older one first; nothing was changed")
        }
        _ = try commands(.rollBack, steps: plan.steps, lockWait: 0)
    }

    /// Ends all runs of this job that are still at work.
    public func endLeftovers() {
        for run in runs where isAlive(run) { end(run) }
    }
}

/// The runs of one repair or return.
struct MendingSession {
    let change: AptChange
    let plan: AptPlan
    let seconds: Int
    let lockWait: Int
    /// The steps whose old version is at hand, and packages that were not there before.
    let returning: [PackageStep]
    var number: Int
    var parts: [ChangeReport.Part] = []
    /// What could not be begun.
    var refusals: [String] = []
    /// What failed.
    var failures: [AptOutcome] = []

    init(
        _ change: AptChange, _ plan: AptPlan, _ firstNumber: Int, _ seconds: Int, _ lockWait: Int
    ) throws(AptChangeError) {
        change.endLeftovers()
        try change.waitForLocks(seconds: lockWait)
        self.change = change
        self.plan = plan
        self.seconds = seconds
        self.lockWait = lockWait
        number = firstNumber
        let kept = try change.kept(checking: false)
        returning = plan.steps.filter { step in
            step.from == nil
                || (step.mayReturn
                    && kept?.old.contains {
                        $0.name == step.name && $0.architecture == step.oldArchitecture && $0.version == step.from
                    } ?? false)
        }
        for step in plan.steps where !returning.contains(step) {
            refusals.append("no file of \(step.id) \(step.from ?? "") is at hand to go back to")
        }
        for step in returning where step.from == nil && change.isRunningKernel(step) {
            refusals.append("\(step.id) is the kernel that runs: it goes once the host has booted another one")
        }
        // A repair that was itself interrupted left its own runs: go on behind them.
        while change.run(number: number) != nil { number += 1 }
    }

    mutating func run(
        _ kind: AptRun.Kind, _ steps: [PackageStep], _ progress: (AptRun, AptProgress) -> Void
    ) throws(AptChangeError) -> AptOutcome {
        let run = try change.start(
            kind, steps: steps, automatic: plan.automatic, number: number, lockWait: lockWait)
        number += 1
        let outcome = change.wait(for: run, seconds: seconds) { progress(run, $0) }
        parts.append(ChangeReport.Part(run: run, outcome: outcome))
        if !outcome.isSuccess { failures.append(outcome) }
        return outcome
    }

    /// Unpacks and configures until all packages are whole, or four have failed; the last that failed.
    ///
    /// - Parameter known: a package that is known to fail: what waits for it goes back with it.
    mutating func mend(
        _ known: String?, _ progress: (AptRun, AptProgress) -> Void
    ) throws(AptChangeError) -> String? {
        var culprit: String?
        var isCompleted = false
        for _ in 0..<4 {
            guard case .broken = try change.standing(of: plan) else { break }
            try unpackAgain(progress)
            var outcome = try run(.configure, plan.steps, progress)
            if outcome.isWaitingForOthers, known == nil, culprit == nil, !isCompleted {
                // Nothing is wrong with it: what it needs was not unpacked yet when the run was cut off.
                isCompleted = true
                guard let rest = try complete(progress) else { continue }
                outcome = rest
            }
            guard !outcome.isSuccess, let failed = outcome.culprit else { continue }
            // Who waits for the culprit goes back with it, and is none.
            if !outcome.isWaitingForOthers || (culprit ?? known) == nil { culprit = failed }
            try putBack(failed, progress)
        }
        return culprit
    }

    /// Unpacks what an interruption left out; nil where that cannot be begun.
    private mutating func complete(
        _ progress: (AptRun, AptProgress) -> Void
    ) throws(AptChangeError) -> AptOutcome? {
        do throws(AptChangeError) {
            return try run(.complete, plan.steps, progress)
        } catch {
            refusals.append(error.description)
            return nil
        }
    }

    /// Unpacks what dpkg marks as to be reinstalled; apt and `dpkg --configure` leave it as it is.
    mutating func unpackAgain(_ progress: (AptRun, AptProgress) -> Void) throws(AptChangeError) {
        let database = try change.database()
        guard plan.steps.contains(where: { change.here($0, database)?.needsReinstall ?? false }) else { return }
        do throws(AptChangeError) {
            _ = try run(.reinstall, plan.steps, progress)
        } catch {
            refusals.append(error.description)
        }
    }

    /// Takes one package back to its old version, or away where it is new. Any writing call of dpkg merges its journal.
    mutating func putBack(_ culprit: String, _ progress: (AptRun, AptProgress) -> Void) throws(AptChangeError) {
        let steps = returning.filter { $0.name == culprit || $0.id == culprit }
        guard !steps.isEmpty else {
            refusals.append("\(culprit) cannot be put back: no file of its old version is at hand")
            return
        }
        do throws(AptChangeError) {
            _ = try run(.forceBack, steps, progress)
        } catch {
            refusals.append(error.description)
        }
    }

    /// Packages that are here for others' sake stay marked so, also where the run that does it was killed.
    func restoreMarks() throws(AptChangeError) {
        let database = try change.database()
        let present = plan.steps.filter { change.here($0, database) != nil }
        let names = plan.automatic.filter { name in present.contains { $0.name == name || $0.id == name } }
        guard !names.isEmpty else { return }
        _ = try? change.root.run(["apt-mark", "-qq"] + AptCommand.privateCaches + ["auto"] + names)
    }

    func report(culprit: String?, wanted: Standing) throws(AptChangeError) -> ChangeReport {
        let standing = try change.standing(of: plan)
        let complaints = change.audit()
        let isDone = standing == wanted && complaints.isEmpty
        // The failure that says most: of the culprit, with words of its own.
        let failure =
            failures.first { $0.culprit == culprit && !$0.errors.isEmpty } ?? failures.first { $0.culprit == culprit }
            ?? failures.first
        let cause = failure?.message ?? refusals.first
        let next =
            complaints.isEmpty
            ? wanted == .goal ? "roll back, or mend the package and run the order again" : "take those back by hand"
            : "dpkg and apt complain: \(complaints[0]); a person must mend it"
        let message: String =
            if isDone {
                wanted == .goal
                    ? "the packages are whole and at the ordered versions"
                    : "all packages are back at their old versions"
            } else {
                (wanted == .goal ? "the order could not be finished" : "the way back failed")
                    + (cause.map { ", because \($0)" } ?? "") + "; now \(standing.words); \(next)"
            }
        return ChangeReport(
            standing: standing, isDone: isDone, culprit: isDone && wanted == .goal ? nil : culprit, cause: cause,
            parts: parts, complaints: complaints, message: message)
    }
}
