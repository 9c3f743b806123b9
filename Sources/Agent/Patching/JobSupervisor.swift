import Digest
import Glibc
import JSON
import Orders
import Rollout
import Timestamps
import Wire

/// The executor's part in patching: takes offers, starts job processes, tells the server what they journal.
///
/// It decides nothing about a running job: the job's process does, from its own journal. So it can die and start again
/// at any moment; what it knows it reads from the jobs' folders.
final class JobSupervisor {
    private let folders: JobFolders
    private let refusals: RefusalLog
    private let launch: (JobFolder) throws(SystemError) -> Void
    private let desk: TrustedOrders
    private var followed: [String: FollowedJob] = [:]
    private var offers: [JobOffer] = []
    /// Offers that were not believed, by job, as long as the server lists them: at most ``DesiredState/maximumJobs``.
    private var refused: [String: RefusedOffer] = [:]
    private var nextLook: Int64 = 0

    /// Between two looks at a running job, in milliseconds.
    private static let pace: Int64 = 1000
    /// Progress goes out at most that often, in milliseconds.
    private static let progressPace: Int64 = 2000
    /// What the server has not answered by then is sent again, in milliseconds.
    private static let patience: Int64 = 90_000
    /// The most bytes of records in one message: the server takes a mebibyte.
    private static let batchBytes = 500_000

    /// An offer that was not believed. It gets no folder: whoever makes offers up fills no disk and pushes out no job.
    private struct RefusedOffer {
        let offer: JobOffer
        /// The whole journal of it: why.
        let entry: JobEntry
        var sent: Int64?
        var isTold = false
    }

    /// What the executor knows of a job while it follows it.
    private struct FollowedJob {
        let folder: JobFolder
        var entries: [JobEntry] = []
        var damage: String?
        var size = -1
        var expected: Int64 = 1
        var logSize: Int64 = 0
        var sent: Int64?
        // What a job without progress of its own says: nothing to be sent.
        var sentMark = "-1 "
        var lastProgress: Int64 = 0
        var question: (nonce: String, sent: Int64)?
        var nextStart: Int64 = 0
        var delay: Int64 = 1000
        var isForgotten = false

        var outcome: JobOutcome? { entries.outcome }
        var isEnded: Bool { outcome != nil }
        /// Whether the server has all of it, or will never take it.
        var isDelivered: Bool { isEnded && (isForgotten || expected > Int64(entries.count)) }
    }

    /// A supervisor of the jobs in that state folder.
    ///
    /// - Parameters:
    ///   - desk: what the host believes.
    ///   - launch: starts the process of a job, in the host's network.
    init(
        layout: StateLayout, desk: TrustedOrders,
        launch: @escaping (JobFolder) throws(SystemError) -> Void
    ) throws(SystemError) {
        folders = try JobFolders(layout)
        refusals = RefusalLog(try DurableFolder(layout.executor))
        self.desk = desk
        self.launch = launch
        for job in try folders.all() {
            // Made, and then went down before its order was kept: nothing was begun, and the server offers it again.
            if try job.isEmpty() {
                folders.remove(job)
            } else {
                follow(job)
            }
        }
    }

    private func follow(_ folder: JobFolder) {
        var job = FollowedJob(folder: folder)
        if let value = folder.json(JobFolder.acknowledged) {
            job.expected = max(1, value["expectedEntry"]?.integer ?? 1)
            job.logSize = max(0, value["logSize"]?.integer ?? 0)
            job.isForgotten = value["forgotten"]?.bool ?? false
        }
        followed[folder.job] = job
        read(folder.job)
    }

    /// When to call ``look(now:)`` next, in milliseconds of uptime; nil where nothing is to be followed.
    var due: Int64? {
        followed.values.contains { !$0.isDelivered } || refused.values.contains { !$0.isTold } || !offers.isEmpty
            ? nextLook : nil
    }

    /// Whether another job may be taken. One that only waits for its window keeps none away: an emergency or the way back
    /// must not wait for it. From the permit on there is one job at a time.
    private var mayTake: Bool {
        let running = followed.values.filter { !$0.isEnded }
        return running.count < DesiredState.maximumJobs && !running.contains { $0.entries.hasGrant }
    }

    /// Whether a job holds its permit and has not ended: nothing else shall use the host's package manager then.
    var isAtWork: Bool { followed.values.contains { !$0.isEnded && $0.entries.hasGrant } }

    /// Whether a job other than this one is past the point of no return.
    private func isChanging(besides name: String) -> Bool {
        followed.contains { $0.key != name && $0.value.entries.isChanging }
    }

    // MARK: What comes from the server

    /// Takes the jobs that the server's state lists.
    func take(_ orders: JobOrders, now: Moment) {
        offers = []
        for offer in orders.jobs {
            guard JobOffer.isJobID(offer.job) else {
                refusals.note(job: offer.job, code: "malformed", "The name of a job is not 32 hexadecimal digits.", now)
                continue
            }
            if let job = followed[offer.job] {
                if offer.isCancelled, !job.isEnded, !job.folder.folder.contains(JobFolder.cancel) {
                    try? job.folder.write(JobFolder.cancel, ["time": .string(now.wall.description)])
                }
                // Both are still to be told to each other: a server restored from a backup asks for what it lost.
                if job.isDelivered, !job.isForgotten { ask(again: offer.job) }
            } else if !offer.isCancelled, refused[offer.job]?.offer != offer {
                offers.append(offer)
            }
        }
        refused = refused.filter { known in orders.jobs.contains { $0.job == known.key } }
        offers.sort { ($0.notBefore, $0.job) < ($1.notBefore, $1.job) }
        nextLook = now.uptime
    }

    private func ask(again job: String) {
        guard let entries = followed[job]?.entries, !entries.isEmpty else { return }
        // The last record once more: the answer says what the server really expects.
        followed[job]?.expected = Int64(entries.count)
        followed[job]?.sent = nil
    }

    /// Takes the answer to a job's question.
    func take(_ answer: RelayedAnswer, now: Moment) {
        guard let job = followed[answer.question.job], job.question?.nonce == answer.question.nonce else { return }
        do throws(SystemError) {
            try job.folder.write(JobFolder.answer, answer.json)
            followed[answer.question.job]?.question?.sent = .max
        } catch {
            Journal.write(.warning, "\(error)")
        }
    }

    /// Takes what the server has of a job.
    func take(_ reply: RelayedReply, now: Moment) {
        guard var job = followed[reply.job] else {
            // One that the server does not know, or does not take, is at rest too.
            if (reply.reply?.expectedEntry ?? 2) > 1 { refused[reply.job]?.isTold = true }
            return
        }
        job.sent = nil
        if let known = reply.reply {
            // Less than before means that the server was restored: it gets again what it lacks.
            job.expected = min(known.expectedEntry, Int64(job.entries.count) + 1)
            job.logSize = known.logSize
        } else {
            Journal.write(.warning, "the server does not take the records of job \(reply.job): \(reply.refusal)")
            if job.isEnded { job.isForgotten = true }
        }
        followed[reply.job] = job
        // May be lost: then the server says it again.
        let value: JSONValue = [
            "expectedEntry": .integer(job.expected), "logSize": .integer(job.logSize),
            "forgotten": .bool(job.isForgotten),
        ]
        CrashPoint.pass("before \(JobFolder.acknowledged)")
        try? job.folder.folder.replace(JobFolder.acknowledged, with: value.canonicalBytes(), durable: false)
        CrashPoint.pass("after \(JobFolder.acknowledged)")
        if job.isDelivered { prune() }
        nextLook = now.uptime
    }

    /// Whoever carried the messages has died: what was not answered is said again.
    func sayAgain() {
        for name in refused.keys { refused[name]?.sent = nil }
        for name in followed.keys {
            followed[name]?.sent = nil
            if followed[name]?.question?.sent != .max { followed[name]?.question = nil }
        }
    }

    // MARK: The look at the jobs

    /// Starts what is to be started, and says what is new.
    func look(now: Moment) -> [Frame] {
        guard now.uptime >= nextLook else { return [] }
        nextLook = now.uptime + Self.pace
        var frames: [Frame] = []
        begin(now)
        for name in followed.keys.sorted() {
            read(name)
            guard let job = followed[name], !job.isDelivered else { continue }
            if !job.isEnded { keepAlive(name, now) }
            if let frame = question(name, now) { frames.append(frame) }
            if let frame = progress(name, now) { frames.append(frame) }
        }
        return frames + refused.keys.sorted().compactMap { refusal($0, now) }
    }

    /// Takes the offers whose orders are good; the others are refused on record.
    private func begin(_ now: Moment) {
        while mayTake, !offers.isEmpty {
            let offer = offers.removeFirst()
            do {
                let order = JobOrder(
                    organisation: desk.organisation, host: desk.host, offer: offer, received: now.wall)
                var refusal: OrderRefusal?
                do {
                    let release = try desk.release(offer.release)
                    do { try release.check(rollsBack: offer.rollsBack) } catch { throw TrustStoreError.refused(error) }
                    guard release.plan.campaign == offer.campaign else {
                        throw TrustStoreError.refused(
                            OrderRefusal(
                                .otherPlan,
                                "The release document is for campaign \(release.plan.campaign), the offer for "
                                    + "\(offer.campaign); cancel the campaign and create it anew."))
                    }
                } catch TrustStoreError.refused(let why) {
                    refusal = why
                }
                if let refusal {
                    refusals.note(job: offer.job, code: refusal.code.rawValue, refusal.description, now)
                }
                if let refusal {
                    refused[offer.job] = RefusedOffer(offer: offer, entry: Self.entry(refusal, offer.job, now))
                    continue
                }
                guard let folder = try folders.job(offer.job, create: true) else { continue }
                try folder.write(JobFolder.order, order.json)
                follow(folder)
            } catch {
                Journal.write(.error, "job \(offer.job) cannot be taken: \(error)")
            }
        }
    }

    /// The whole journal of a job whose orders are not believed: why, so that the server learns it.
    private static func entry(_ refusal: OrderRefusal, _ job: String, _ now: Moment) -> JobEntry {
        JobEntry(
            job: job, ordinal: 1, time: now.wall, bootID: MachineEvidence.read().bootID, phase: .commit, kind: .result,
            text: "Refused, nothing was changed: \(refusal.description)".cut(to: 2000),
            detail: [
                "outcome": .string(JobOutcome.refused.rawValue), "code": .string(refusal.code.rawValue),
                "packages": [], "boots": 0,
            ], previous: JobEntry.origin)
    }

    /// Tells the server why a job was refused, until it has heard it.
    private func refusal(_ name: String, _ now: Moment) -> Frame? {
        guard let job = refused[name], !job.isTold, now.uptime >= job.sent.map({ $0 + Self.patience }) ?? .min else {
            return nil
        }
        refused[name]?.sent = now.uptime
        let message = JobProgress(exchangeToken: "", entries: [job.entry])
        return Frame(.jobProgress, RelayedProgress(job: name, progress: message).json.canonicalBytes())
    }

    private func keepAlive(_ name: String, _ now: Moment) {
        guard let job = followed[name], now.uptime >= job.nextStart, !job.folder.isAlive,
            job.entries.isChanging || !isChanging(besides: name)
        else { return }
        followed[name]?.nextStart = now.uptime + job.delay
        followed[name]?.delay = min(job.delay * 2, 60_000)
        do throws(SystemError) {
            try launch(job.folder)
        } catch {
            Journal.write(.error, "\(error); it is tried again")
        }
    }

    private func read(_ name: String) {
        guard let job = followed[name] else { return }
        let size = job.folder.folder.size(of: JobJournal.file) ?? 0
        guard size != job.size, let reading = try? job.folder.journal() else { return }
        followed[name]?.size = size
        followed[name]?.entries = reading.entries
        followed[name]?.damage = reading.damage
        // A process that gets somewhere may be started again at once.
        if reading.entries.count > job.entries.count { followed[name]?.delay = 1000 }
    }

    private func question(_ name: String, _ now: Moment) -> Frame? {
        guard let job = followed[name], !job.isEnded, let value = job.folder.json(JobFolder.question),
            let question = try? RelayedQuestion(json: value), question.job == name
        else { return nil }
        let known = job.question?.nonce == question.nonce ? job.question?.sent : nil
        guard (known ?? .min) < now.uptime - Self.patience || known == nil else { return nil }
        if known == .max { return nil }
        followed[name]?.question = (question.nonce, now.uptime)
        return Frame(.jobQuestion, question.json.canonicalBytes())
    }

    private func progress(_ name: String, _ now: Moment) -> Frame? {
        guard let job = followed[name], now.uptime >= job.lastProgress + Self.progressPace else { return nil }
        if let sent = job.sent, now.uptime < sent + Self.patience { return nil }
        var entries: [JobEntry] = []
        var bytes = 0
        for entry in job.entries.dropFirst(Int(job.expected) - 1).prefix(JobProgress.maximumEntries) {
            bytes += entry.json.canonicalBytes().count
            guard entries.isEmpty || bytes < Self.batchBytes else { break }
            entries.append(entry)
        }
        let (log, taken) = Self.log(of: job.folder, from: job.logSize)
        let live = job.isEnded ? nil : job.folder.json(JobFolder.progress)
        let percent = live?["percent"]?.integer.map { min(100, max(0, $0)) }
        let activity = (live?["activity"]?.string ?? "").cut(to: 1000)
        let mark = "\(percent ?? -1) \(activity)"
        guard !entries.isEmpty || taken > 0 || mark != job.sentMark && !job.isEnded else { return nil }
        // The log ends with the job; a last piece of it may come after the last record.
        let message = JobProgress(
            exchangeToken: "", entries: entries, logOffset: job.logSize, log: log, percent: percent, activity: activity)
        followed[name]?.sent = now.uptime
        followed[name]?.sentMark = mark
        followed[name]?.lastProgress = now.uptime
        return Frame(.jobProgress, RelayedProgress(job: name, progress: message).json.canonicalBytes())
    }

    /// The next bytes of a job's log as text, and how many of the file's bytes that are.
    private static func log(of folder: JobFolder, from offset: Int64) -> (text: String, bytes: Int) {
        let descriptor = open(folder.folder.path(of: JobLog.file), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return ("", 0) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: JobProgress.maximumLogBytes / 2)
        let got = pread(descriptor, &buffer, buffer.count, off_t(offset))
        guard got > 0 else { return ("", 0) }
        // The server counts the bytes of the text that it gets: a letter that is cut waits for its rest, and where the
        // bytes are no UTF-8 each stays one.
        for cut in 0..<min(4, got) {
            if let text = String(validating: buffer[..<(got - cut)], as: UTF8.self) { return (text, got - cut) }
        }
        return (String(decoding: buffer[..<got].map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self), got)
    }

    // MARK: Keeping

    /// Removes the oldest ended jobs beyond those that are kept.
    private func prune() {
        let ended = followed.values.filter(\.isDelivered).sorted {
            ($0.entries.last?.time ?? Timestamp(seconds: 0)) > ($1.entries.last?.time ?? Timestamp(seconds: 0))
        }
        // Those that changed packages hold the way back: no number of others pushes them out.
        let changed = ended.filter(\.entries.hasMutateIntent).dropFirst(JobFolders.kept)
        let others = ended.filter { !$0.entries.hasMutateIntent }.dropFirst(JobFolders.kept)
        for job in changed + others {
            folders.remove(job.folder)
            followed[job.folder.job] = nil
        }
    }

    /// What the host does now, for the status: one line a job that has not ended.
    var status: JSONValue {
        .array(followed.values.filter { !$0.isEnded }.map { .string($0.folder.job) })
    }
}

extension [JobEntry] {
    /// How the job ended; nil while it has not.
    var outcome: JobOutcome? {
        guard let last, last.phase == .commit, last.kind == .result else { return nil }
        return last.detail["outcome"]?.string.flatMap { JobOutcome(rawValue: $0) }
    }
}
