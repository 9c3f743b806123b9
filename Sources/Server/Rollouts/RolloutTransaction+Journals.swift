import JSON
import Rollout
import Store
import Timestamps
import Wire

// What hosts tell of their jobs: journals and logs.
extension RolloutTransaction {
    /// The job of that id of that host.
    ///
    /// - Throws: a refusal with 404 for another host's as for none.
    func job(_ id: String, of host: String) throws -> JobRecord {
        guard let record = try sql.jobs.show(organisation: organisation, id: id), record.host == host else {
            throw Refusal(.missing("job", id))
        }
        return record
    }

    /// Takes records and log of a job.
    func take(_ message: JobProgress, of start: JobRecord) throws -> JobProgressReply {
        var record = start
        let actor = "host:\(record.host)"
        for entry in message.entries {
            if entry.ordinal < record.nextEntry {
                // Known: it must be the same, however old it is.
                let known = try sql.jobs.entryDigest(
                    organisation: organisation, job: record.id, ordinal: entry.ordinal)
                guard known == entry.digest else {
                    throw TransitionError(
                        .brokenChain, machine: "job", state: record.stateWord, event: "entry",
                        reason: "record \(entry.ordinal) differs from the one that was received; the journal forked")
                }
                continue
            }
            // A gap: the answer says from where to send.
            if entry.ordinal > record.nextEntry { break }
            let wasOpen = try !record.hostJob().isJournalClosed
            let packages = try entry.detail["packages"].map { list in
                entry.phase == .commit && entry.kind == .result
                    ? try markCulprit(
                        list, of: record, entry.detail["outcome"]?.string.flatMap { JobOutcome(rawValue: $0) })
                    : list
            }
            record = try handle(.entry(entry), record, by: actor) { next in
                next.heardAt = now
                if !entry.text.isEmpty { next.sentence = entry.text }
                if entry.phase == .commit, entry.kind == .result {
                    next.outcome = entry.detail["outcome"]?.string
                    if let packages { next.packages = packages.canonicalText }
                }
            }.job
            if wasOpen, try record.hostJob().isJournalClosed { try askForProof(record) }
        }
        record = try append(message, to: record)
        return JobProgressReply(expectedEntry: record.nextEntry, logSize: record.logSize)
    }

    /// Has the host scanned now, and heard of soon: only a fresh scan proves what its journal says.
    private func askForProof(_ job: JobRecord) throws {
        try sql.hosts.requestScan(organisation: organisation, host: job.host, now: now)
        // Nobody waits for it where the campaign is over: the host keeps to its own interval.
        let campaign = try self.campaign(job.campaign)
        if campaign.isTerminal || campaign.stateWord == Campaign.State.halted.rawValue {
            return try refreshHost(job.host)
        }
        try sql.hosts.setJobs(
            organisation: organisation, host: job.host, from: Timestamp(milliseconds: 0), now: now)
    }

    /// Appends what is new of a log; what is known, and what would leave a hole, is left out.
    private func append(_ message: JobProgress, to record: JobRecord) throws -> JobRecord {
        let bytes = Array(message.log.utf8)
        let skipped = record.logSize - message.logOffset
        guard skipped >= 0, skipped < Int64(bytes.count) else { return record }
        let space = JobProgress.maximumLogTotal - record.logSize
        let new = Array(bytes.dropFirst(Int(skipped)).prefix(Int(max(0, space))))
        guard !new.isEmpty else { return record }
        try sql.jobs.appendLog(organisation: organisation, job: record.id, at: record.logSize, new)
        var next = record
        next.logSize += Int64(new.count)
        next.heardAt = now
        guard let saved = try sql.jobs.update(next, now: now) else { throw Refusal(.stale) }
        return saved
    }
}

extension Problem {
    static func journalRefused(_ code: String, _ why: String) -> Problem {
        Problem(
            "journal-refused", title: "The job's journal does not continue", status: 409,
            detail: "The record was refused (\(code)): \(why).",
            cure: "Keep the journal; an operator looks at the host: fettle campaign job JOB.")
    }
}
