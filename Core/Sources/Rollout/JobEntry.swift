public import Digest
public import JSON
public import Timestamps

/// The phases of a job on its host, in order (rollouts.md, 2.4).
public enum JobPhase: String, CaseIterable, Sendable {
    case received, prefetch, waitWindow = "wait-window", confirm, preflight, preScript = "pre-script", quiesce, snapshot
    /// The point of no return: what the packages are before and shall be is journaled.
    case mutateIntent = "mutate-intent"
    case apply, repair, postScript = "post-script", restart, reboot, postBoot = "post-boot", health, rescan, rollback
    case rollbackReboot = "rollback-reboot", rollbackVerify = "rollback-verify"
    /// The outcome; nothing comes after it.
    case commit

    /// Whether packages may already be other than before.
    public var isPastNoReturn: Bool {
        switch self {
        case .received, .prefetch, .waitWindow, .confirm, .preflight, .preScript, .quiesce, .snapshot: false
        default: true
        }
    }
}

/// How a host's part of a campaign ended (rollouts.md, 2.3).
public enum JobOutcome: String, CaseIterable, Sendable {
    /// A rescan and the checks, both after the last boot, prove the goal.
    case succeeded
    /// The packages are in, a reboot is not allowed or not done. Not success: it has a timer.
    case installedRebootPending = "installed-reboot-pending"
    /// It failed before anything changed.
    case failedNoChange = "failed-no-change"
    /// It failed, and what changed stays: the plan does not roll back.
    case failedChanged = "failed-changed"
    /// It failed, and a rescan proves that the host is as it was before.
    case rolledBack = "rolled-back"
    /// It failed, and going back failed too.
    case rollbackFailed = "rollback-failed"
    /// The package database is not whole and the agent cannot mend it.
    case needsRepair = "needs-repair"
    /// A check before the change said no.
    case refused
    /// The window ended before it began.
    case expired
    /// It was taken back before it began.
    case cancelled

    /// Whether the host needs a person.
    public var needsPerson: Bool {
        switch self {
        case .succeeded, .refused, .expired, .cancelled: false
        default: true
        }
    }
}

/// One record of a job's journal, as the agent keeps it and as it reports it: each names the one before by its digest.
public struct JobEntry: Hashable, Sendable {
    /// What a record says.
    public enum Kind: String, CaseIterable, Sendable {
        /// What is about to be done; synced to the disk before it is.
        case intent
        /// What came of it.
        case result
        /// Something worth knowing that changes nothing.
        case note
    }
    /// The job.
    public var job: String
    /// Counts from 1 within the job, without gaps.
    public var ordinal: Int64
    /// When, by the host's clock.
    public var time: Timestamp
    /// In which boot; nil where it could not be read.
    public var bootID: String?
    /// In which phase.
    public var phase: JobPhase
    /// Which step of the phase, from 0: the script, the run of the package manager, the reboot.
    public var step: Int64
    /// What it says.
    public var kind: Kind
    /// One sentence for a person; may be empty.
    public var text: String
    /// The facts, by the phase; canonical when written.
    public var detail: JSONValue
    /// The digest of the record before; of nothing for the first.
    public var previous: SHA256Digest

    /// The most bytes of a record's detail.
    public static let maximumDetailBytes = 256 << 10

    /// A record.
    public init(
        job: String, ordinal: Int64, time: Timestamp, bootID: String?, phase: JobPhase, step: Int64 = 0, kind: Kind,
        text: String = "", detail: JSONValue = [:], previous: SHA256Digest
    ) {
        self.job = job
        self.ordinal = ordinal
        self.time = time
        self.bootID = bootID
        self.phase = phase
        self.step = step
        self.kind = kind
        self.text = text
        self.detail = detail
        self.previous = previous
    }

    /// What the first record of a job names as the one before.
    public static let origin = SHA256.hash([])

    /// The record's name: the SHA-256 of its canonical JSON.
    public var digest: SHA256Digest { SHA256.hash(json.canonicalBytes()) }

    /// The record as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "job": .string(job), "ordinal": .integer(ordinal), "time": .string(time.description),
            "phase": .string(phase.rawValue), "step": .integer(step), "kind": .string(kind.rawValue),
            "text": .string(text), "detail": detail, "previous": .string(previous.hex),
        ]
        if let bootID { fields["bootID"] = .string(bootID) }
        return .object(fields)
    }

    /// Reads a record; whether it continues the one before is for the reader of the chain.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        let phase = try object.string("phase", maximumBytes: 32)
        let kind = try object.string("kind", maximumBytes: 16)
        let time = try object.string("time", maximumBytes: 40)
        let previous = try object.string("previous", maximumBytes: 64)
        func bad(_ key: String, _ found: String) -> JSONError {
            JSONError(.outOfBounds, pointer: object.pointer(to: key), reason: "\"\(found.prefix(80))\" is not one")
        }
        guard let phaseValue = JobPhase(rawValue: phase) else { throw bad("phase", phase) }
        guard let kindValue = Kind(rawValue: kind) else { throw bad("kind", kind) }
        guard let timeValue = Timestamp(rfc3339: time) else { throw bad("time", time) }
        guard let previousValue = SHA256Digest(hex: previous) else { throw bad("previous", previous) }
        self.init(
            job: try object.string("job", maximumBytes: 64),
            ordinal: try object.integer("ordinal", in: 1...1_000_000), time: timeValue,
            bootID: try object.optionalString("bootID", maximumBytes: 64), phase: phaseValue,
            step: try object.integer("step", in: 0...100_000), kind: kindValue,
            text: try object.string("text", maximumBytes: 4096), detail: try object.value("detail"),
            previous: previousValue)
        try object.finish()
    }
}
