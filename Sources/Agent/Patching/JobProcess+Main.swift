import Digest
import Glibc
import JSON
import Orders
import PackageManagers
import Rollout
import Timestamps
import Wire

/// `fettle-agent run --job FOLDER`.
public enum JobChild {
    /// The whole life of a job's process.
    ///
    /// - Parameter path: the job's folder, absolute.
    /// - Returns: the exit code: 0 where the job has ended or another process does it; 1 where it is to be tried again.
    public static func main(path: String) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        // The service manager may ask it to end, at a reboot for one: between two steps nothing is lost, and within one
        // the package manager must not be left alone for nothing.
        signal(SIGHUP, SIG_IGN)
        umask(0o022)
        guard SystemCalls.pinNameLookups() else {
            Journal.write(.error, "the C library's name look-ups cannot be pinned to files and dns")
            return 1
        }
        do {
            guard let name = path.split(separator: "/").last.map(String.init), JobOffer.isJobID(name),
                path.hasPrefix("/")
            else { throw JobProcessError.noOrder(path) }
            let folder = try JobFolder(job: name, path: path)
            guard let lock = try folder.takeLock() else {
                Journal.write(.info, "job \(name) has a process already")
                return 0
            }
            defer { close(lock) }
            return try run(folder)
        } catch {
            Journal.write(.error, "job \(path): \(error)")
            return 1
        }
    }

    private static func run(_ folder: JobFolder) throws -> Int32 {
        // …/executor/jobs/JOB
        let executor = try DurableFolder(
            folder.folder.path.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }, create: false)
        let bootID = MachineEvidence.read().bootID
        var journal = try JobJournal(folder.folder, job: folder.job)
        if let damage = journal.damage {
            try flag(damage, folder, bootID)
            return 0
        }
        if journal.entries.outcome != nil { return 0 }
        guard let order = try folder.readOrder() else {
            // It will not come back: starting again and again would only keep this host from every other job.
            let why = JobProcessError.noOrder(folder.folder.path(of: JobFolder.order))
            Journal.write(.error, "job \(folder.job): \(why)")
            try end(code: "no-order", why.description, &journal, bootID)
            return 0
        }
        let desk = try TrustedOrders(executor, organisation: order.organisation, host: order.host, isAnchored: true)
        let hasBegun = journal.entries.contains { $0.phase.isPastNoReturn }
        let release: ReleaseDocument
        do throws(TrustStoreError) {
            // What has begun to change packages goes on with the plan that its journal names, whoever signs by now.
            if hasBegun, let begun = Self.begun(order.offer.release, journal.entries) {
                release = begun
            } else {
                release = try desk.release(order.offer.release, begun: hasBegun ? journal.entries[0].time : nil)
            }
        } catch {
            // What this host believes cannot be read now: that says nothing of the orders.
            guard case .refused(let refusal) = error else { throw error }
            RefusalLog(executor).note(job: folder.job, code: refusal.code.rawValue, refusal.description, .now())
            try end(code: refusal.code.rawValue, refusal.description, &journal, bootID)
            return 0
        }
        let services = SystemdServices()
        let work = JobWork(
            folder: folder, order: order, plan: release.plan, distribution: Apt.distribution(),
            tool: AptChange(folder: folder.folder.path), services: services, health: HealthProbe(services: services),
            restart: SystemRestart())
        let process = try JobProcess(
            folder: folder, order: order, release: release, desk: desk, work: work, journal: journal,
            refusals: RefusalLog(executor), bootID: bootID)
        try process.run()
        return 0
    }

    /// The plan of the order where it is the one that was verified when the job was taken; nil where it is not.
    static func begun(_ envelope: Envelope, _ entries: [JobEntry]) -> ReleaseDocument? {
        guard
            let received = entries.first(where: { $0.phase == .received && $0.kind == .result })?.detail["plan"]?
                .string,
            let value = try? JSONValue(parsing: envelope.payload, limits: .facts),
            let release = try? ReleaseDocument(json: value), release.plan.digest.hex == received
        else { return nil }
        return release
    }

    /// The orders are not believed (any more): before the point of no return the job ends here, after it a person is needed.
    private static func end(code: String, _ why: String, _ journal: inout JobJournal, _ bootID: String?) throws {
        let hasMutated = journal.entries.contains { $0.phase.isPastNoReturn }
        let outcome = hasMutated ? JobOutcome.needsRepair : .refused
        let text =
            hasMutated
            ? "The job's orders are not believed any more (\(why)); packages have begun to change, look at the host"
            : "Refused, nothing was changed: \(why)"
        try journal.append(
            journal.next(
                .init(
                    .commit, .result, text: text,
                    detail: [
                        "outcome": .string(outcome.rawValue), "code": .string(code), "packages": [],
                        "boots": 1,
                    ]), time: Moment.now().wall, bootID: bootID))
    }

    /// A damaged journal is kept aside as it is, and the host is flagged: nobody knows what the lost records said.
    private static func flag(_ damage: String, _ folder: JobFolder, _ bootID: String?) throws {
        Journal.write(.error, "job \(folder.job): \(damage)")
        guard let bytes = try folder.folder.read(JobJournal.file, limit: JobJournal.maximumBytes + (1 << 20)) else {
            return
        }
        if !folder.folder.contains("journal.damaged") {
            CrashPoint.pass("before journal.damaged")
            try folder.folder.replace("journal.damaged", with: bytes)
            CrashPoint.pass("after journal.damaged")
        }
        let good = JobJournal.parse(bytes, job: folder.job)
        CrashPoint.pass("before damaged journal is cut")
        try folder.folder.truncate(JobJournal.file, to: good.whole)
        CrashPoint.pass("after damaged journal is cut")
        var journal = try JobJournal(folder.folder, job: folder.job)
        try journal.append(
            journal.next(
                .init(
                    .commit, .result,
                    text:
                        "The job's journal is damaged (\(damage)), so that nobody knows what was done. Look at the host's "
                        + "packages; the damaged file is \(folder.folder.path(of: "journal.damaged"))",
                    detail: [
                        "outcome": .string(JobOutcome.needsRepair.rawValue), "code": "journal-damaged", "packages": [],
                        "boots": 1,
                    ]), time: Moment.now().wall, bootID: bootID))
    }
}
