import Digest
import Glibc
import Inventory
import JSON
import Orders
import PackageManagers
import Rollout
import Timestamps
import Wire

/// The process of one job, `fettle-agent run --job FOLDER`: the shell around ``Rollout/AgentJob``.
///
/// It holds the job's lock as the sign of its life, keeps its journal, performs what the machine says and tells it what
/// came of it. It outlives the executor, and may itself end at any instant: the journal says how to go on.
final class JobProcess {
    let folder: JobFolder
    let order: JobOrder
    let release: ReleaseDocument
    let desk: TrustedOrders
    let work: JobWork
    let refusals: RefusalLog
    let bootID: String?
    var journal: JobJournal
    var machine: AgentJob
    private var isCancelTold = false
    private var isVetoTold = false
    private var isRebootVetoTold = false
    /// When the checks began: the time since the host started, and the time that the machine was told then.
    var healthClock: (uptime: Int64, time: Timestamp)?
    /// The epoch of the grant that was verified last.
    var grantedEpoch: Int64?
    /// Held by the one job of this host that changes it, until the process ends.
    var turn: HostTurn?

    /// How often the files that others write are looked at while the job waits, in milliseconds.
    static let pace: Int64 = 500

    init(
        folder: JobFolder, order: JobOrder, release: ReleaseDocument, desk: TrustedOrders, work: JobWork,
        journal: JobJournal, refusals: RefusalLog, bootID: String?
    ) throws {
        self.folder = folder
        self.order = order
        self.release = release
        self.desk = desk
        self.work = work
        self.journal = journal
        self.refusals = refusals
        self.bootID = bootID
        let agentOrder = AgentOrder(
            job: folder.job, attempt: order.offer.attempt, plan: release.plan.digest, actions: release.plan.actions,
            rollsBack: order.offer.rollsBack,
            window: .init(
                notBefore: order.offer.notBefore, lastSafeStart: order.offer.lastSafeStart,
                notAfter: order.offer.notAfter),
            lastFence: try desk.lastFence)
        machine = try AgentJob(order: agentOrder, replaying: journal.entries, bootID: bootID)
    }

    /// Now, by the clock that orders are judged by.
    var now: Timestamp { (try? desk.now()) ?? Moment.now().wall }

    /// Now, for the checks' deadlines: counts the time that has passed since they began, whatever is done to the clock.
    var healthTime: Timestamp? {
        healthClock.map { clock in
            Timestamp(milliseconds: clock.time.milliseconds + Moment.now().uptime - clock.uptime)
        }
    }

    /// Runs the job to its end, or to the reboot that it asked for.
    ///
    /// - Throws: ``SystemError`` where the disk refuses the journal: the executor starts the job again, later.
    func run() throws {
        if let grant = machine.progress.grant { try desk.accepted(fence: grant.fence) }
        try takeTurn()
        var queue: [AgentJob.Effect]
        if journal.entries.isEmpty {
            queue = try machine.handle(.start, now: now)
        } else {
            // What was forbidden or cancelled meanwhile is not begun again.
            if machine.outcome == nil {
                queue = try interruptions().flatMap { try machine.handle($0, now: now) }
            } else {
                queue = []
            }
            queue += try machine.resume(now: now)
        }
        while true {
            if queue.isEmpty { throw JobProcessError.stuck(machine.phase.rawValue) }
            let effect = queue.removeFirst()
            if case .finish(let outcome) = effect {
                work.log.line("the job has ended: \(outcome.rawValue)")
                work.tell("ended: \(outcome.rawValue)", always: true)
                return
            }
            guard let event = try perform(effect) else { continue }
            // What others ask for is told first; the machine decides whether it is too late.
            var isOverruled = false
            for interruption in interruptions() {
                let effects = try machine.handle(interruption, now: now)
                // A mere record (too late) leaves the machine waiting for what it waited for.
                isOverruled = isOverruled || effects.contains { if case .journal = $0 { false } else { true } }
                queue += effects
            }
            if !isOverruled {
                var time = now
                if case .health = event { time = healthTime ?? time } else { healthClock = nil }
                queue += try machine.handle(event, now: time)
            }
        }
    }

    /// What people and the server have asked for since the last step.
    private func interruptions() -> [AgentJob.Event] {
        var events: [AgentJob.Event] = []
        if !isCancelTold, folder.folder.contains(JobFolder.cancel) {
            isCancelTold = true
            events.append(.cancelled(reason: "the campaign was cancelled on the server"))
        }
        let veto = HostTree.machine.veto()
        if !isVetoTold, let reason = forbidden(by: veto) {
            isVetoTold = true
            events.append(.vetoed(reason: reason))
        }
        if !isRebootVetoTold, veto.holds(.neverReboot) {
            isRebootVetoTold = true
            events.append(.rebootForbidden(reason: "\(HostTree.vetoPath) forbids to reboot this host"))
        }
        return events
    }

    /// Why this host's own people forbid this job; nil where they do not.
    private func forbidden(by veto: HostVeto) -> String? {
        if veto.words.contains(.nothing) {
            let why = veto.problem.isEmpty ? "" : " (\(veto.problem))"
            return "\(HostTree.vetoPath) forbids every change of this host\(why)"
        }
        let actions = release.plan.actions
        if veto.holds(.noScripts), actions.hasCommands {
            return "\(HostTree.vetoPath) forbids scripts, and the plan has scripts or commands"
        }
        if veto.holds(.securityOnly), !order.offer.rollsBack, let other = work.firstWithoutSecurity() {
            return "\(HostTree.vetoPath) allows security updates only, and \(other) is none by this host's own indexes"
        }
        return nil
    }

    /// Whether something came up while the job waits.
    var isInterrupted: Bool {
        if !isCancelTold, folder.folder.contains(JobFolder.cancel) { return true }
        return !isVetoTold && HostTree.machine.veto().words.contains(.nothing)
    }

    /// Keeps a record; what is announced by it may begin when this returns.
    func keep(_ entry: JobEntry) throws {
        try journal.append(entry)
        work.log.line("\(entry.phase.rawValue) \(entry.kind.rawValue): \(entry.text)")
        if entry.phase == .waitWindow, entry.kind == .result, let grant = machine.progress.grant {
            // The journal names it: from now on nobody acts on it again.
            try desk.accepted(fence: grant.fence, epoch: grantedEpoch)
        }
    }

}

/// Why a job's process ends before its job.
enum JobProcessError: Error, CustomStringConvertible {
    case stuck(String)
    case noOrder(String)
    case orders(OrderRefusal)

    var description: String {
        switch self {
        case .stuck(let phase): "the job's machine has nothing to do in phase \(phase). This is a defect: report it"
        case .noOrder(let path): "\(path) holds no order that can be read"
        case .orders(let refusal): "the job's orders are not believed any more: \(refusal.description)"
        }
    }
}

extension JobActions {
    /// Whether anything of the campaign's own is run on the host: scripts, a snapshot command, checks by a command.
    var hasCommands: Bool {
        !preScripts.isEmpty || !postScripts.isEmpty || snapshotHook != nil
            || healthChecks.contains { if case .command = $0.probe { true } else { false } }
    }
}
