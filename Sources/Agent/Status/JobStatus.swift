public import JSON
public import Rollout
public import Timestamps
import Wire

/// One job as `fettle-agent status` tells it: read from its folder alone.
public struct JobStatus: Sendable {
    /// The job.
    public var job: String
    /// Its campaign; empty where its order cannot be read.
    public var campaign: String
    /// How it ended; nil while it has not.
    public var outcome: JobOutcome?
    /// The phase of its last record.
    public var phase: JobPhase?
    /// When that record was written.
    public var since: Timestamp?
    /// Whether its process runs.
    public var isAlive: Bool
    /// One sentence: what the job does now and until when it may, or how it ended and what to do.
    public var sentence: String

    /// The jobs of that host: those that have not ended first, then the ended ones, the newest first.
    public static func all(_ layout: StateLayout) -> [JobStatus] {
        guard let folders = try? JobFolders(layout, create: false), let jobs = try? folders.all() else { return [] }
        return jobs.map(JobStatus.init).sorted { left, right in
            if (left.outcome == nil) != (right.outcome == nil) { return left.outcome == nil }
            return (left.since ?? Timestamp(seconds: 0)) > (right.since ?? Timestamp(seconds: 0))
        }
    }

    init(_ folder: JobFolder) {
        job = folder.job
        let order = try? folder.readOrder()
        campaign = order?.offer.campaign ?? ""
        let reading = try? folder.journal()
        let last = reading?.entries.last
        outcome = reading?.entries.outcome
        let phase = last?.phase
        let since = last?.time
        let isAlive = folder.isAlive
        self.phase = phase
        self.since = since
        self.isAlive = isAlive
        let name = "job \(job.prefix(12))" + (campaign.isEmpty ? "" : " of campaign \(campaign)")
        if let damage = reading?.damage {
            sentence = "\(name): \(damage); it is flagged when the executor looks at it"
        } else if let outcome {
            sentence = "\(name) \(last?.text ?? outcome.rawValue)"
        } else {
            let activity = folder.json(JobFolder.progress)?["activity"]?.string ?? ""
            let percent = folder.json(JobFolder.progress)?["percent"]?.integer.map { " (\($0) %)" } ?? ""
            let what = activity.isEmpty ? phase?.words ?? "has just come" : activity + percent
            let when = since.map { ", in phase \(phase?.rawValue ?? "") since \($0)" } ?? ""
            let window = order.map { "; window \($0.offer.notBefore) to \($0.offer.notAfter)" } ?? ""
            let life = isAlive ? "" : "; its process does not run, the executor starts it"
            sentence = "\(name): \(what)\(when)\(window)\(life)"
        }
    }

    /// The status as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "job": .string(job), "campaign": .string(campaign), "runs": .bool(isAlive), "sentence": .string(sentence),
        ]
        if let outcome { fields["outcome"] = .string(outcome.rawValue) }
        if let phase { fields["phase"] = .string(phase.rawValue) }
        if let since { fields["since"] = .string(since.description) }
        return .object(fields)
    }
}
