import Digest
import JSON
import Rollout
import Timestamps

/// A campaign as lists show it.
struct CampaignSummary: Hashable, Sendable {
    /// Its id: `c-…`.
    var id: String
    /// Whose.
    var organisation: String
    /// What people call it.
    var title: String
    /// Who made it, as the audit log names them: `user:…`.
    var author: String
    /// The state's word, of the reducer: `draft`, `awaiting-approval`, `scheduled`, `running`, `paused`, `halted`, …
    var state: String
    /// Why it is there, in one sentence; empty where the word says it all.
    var reason: String
    /// Grows with every change; what a change must name (ETag).
    var version: Int64
    /// The plan's epoch; an edit begins a new one.
    var epoch: Int64
    /// What is approved; nil before it was frozen.
    var planDigest: SHA256Digest?
    /// When the hosts may change.
    var window: PlannedWindow
    /// How many hosts may be disturbed at a time.
    var budget: Int64
    /// How many hosts the plan has; 0 before it was frozen.
    var hostCount: Int64
    /// How many jobs are in which state, by the latest attempt of each host.
    var jobCounts: [String: Int64]
    /// How many approvals the organisation asked for when it was frozen. Zero is on record and is to be shown.
    var approvalsRequired: Int64
    /// How many it has.
    var approvalsGiven: Int64
    /// Of which campaign this one is the way back; nil for an ordinary one.
    var rollsBackCampaign: String?
    /// When it was made.
    var created: Timestamp
    /// When it last changed.
    var updated: Timestamp
    /// Whether nothing will happen any more.
    var isTerminal: Bool
}

/// Somebody's word on a plan.
struct CampaignApproval: Hashable, Sendable {
    /// Who, as the audit log names them.
    var approver: String
    /// Over which plan.
    var planDigest: SHA256Digest
    /// Of which epoch of the campaign.
    var epoch: Int64
    /// When.
    var time: Timestamp
    /// Whether it carries a signature of their own key.
    var isSigned: Bool
    /// Whether it counts for the current plan.
    var counts: Bool
}

/// A campaign with all that its page shows besides the jobs.
struct CampaignDetails: Hashable, Sendable {
    /// What lists show.
    var summary: CampaignSummary
    /// What was asked for.
    var draft: CampaignDraft
    /// What was frozen: exact versions and hosts; nil before.
    var plan: Plan?
    /// Why it could not be frozen, one sentence each, naming host and package; empty otherwise.
    var errors: [String]
    /// What people should know of the plan although it could be frozen (a host left out, a host without evidence).
    var notes: [String]
    /// Who approved.
    var approvals: [CampaignApproval]
    /// How many permits are held, and how many of these by hosts that fell silent.
    var permitsHeld: Int64
    /// See ``permitsHeld``.
    var permitsSuspect: Int64
    /// What may be asked of it now: `edit`, `submit`, `approve`, `deny`, `pause`, `resume`, `halt`, `cancel`, `rollback`.
    var allowed: [String]
}

/// What a job did to one package.
struct PackageResult: Hashable, Sendable {
    /// `name:architecture`.
    var package: String
    /// The version before.
    var from: String
    /// The version that was ordered.
    var to: String
    /// The version that the rescan found.
    var now: String
    /// `upgraded`, `unchanged`, `failed`, `rolled-back` or `held-back`: the one to blame, not tried again by itself.
    var result: String
    /// Why, in one sentence; may be empty.
    var message: String
}

/// One host's part of a campaign, as lists show it.
struct JobSummary: Hashable, Sendable {
    /// The job: 32 hexadecimal digits.
    var id: String
    /// Of which campaign.
    var campaign: String
    /// Which host.
    var host: String
    /// Its name.
    var hostname: String
    /// Which attempt, from 1.
    var attempt: Int64
    /// Whether it takes the host back.
    var rollsBack: Bool
    /// The state's word, of the reducer: `planned`, `offered`, `granted`, `running`, `suspect`, `succeeded`, …
    var state: String
    /// The version of its row.
    var version: Int64
    /// The phase that the host last told of; nil before the first.
    var phase: JobPhase?
    /// How it ended by the host's own word; nil before it has.
    var outcome: JobOutcome?
    /// What happened, in which state the host is and what to do, in one sentence; or what it waits for.
    var sentence: String
    /// When the host may change, as absolute times; nil before it is known.
    var notBefore: Timestamp?
    /// See ``notBefore``.
    var lastSafeStart: Timestamp?
    /// See ``notBefore``.
    var notAfter: Timestamp?
    /// How far the running step is; nil where that is not known here.
    var percent: Int64?
    /// What it does; empty where that is not known here.
    var activity: String
    /// When the host last said something of the job; nil before it has.
    var lastHeard: Timestamp?
    /// Whether it holds a permit.
    var holdsPermit: Bool
    /// When it was made.
    var created: Timestamp
    /// When its row last changed.
    var updated: Timestamp
    /// Whether nothing will happen to it any more.
    var isTerminal: Bool
}

/// A job with all that its page shows besides the log.
struct JobDetails: Hashable, Sendable {
    /// What lists show.
    var summary: JobSummary
    /// The grant's fence; nil before it was granted.
    var fence: Int64?
    /// What became of each package, by the job's last record; empty before.
    var packages: [PackageResult]
    /// The journal, oldest first; at most 1,000 records from the one asked for on.
    var entries: [JobEntry]
    /// How many records there are.
    var entryCount: Int64
    /// How many bytes of log there are.
    var logSize: Int64
}

/// What is known of why a package is not at its new version on a host, for `fettle why`.
struct WhyInputs: Hashable, Sendable {
    /// One reason, the most decisive first.
    struct Reason: Hashable, Sendable {
        /// `up-to-date`, `not-installed`, `held`, `pinned`, `phased`, `kept-back`, `resolver-unknown`, `stale-index`, `vetoed`, `held-back`,
        /// `no-campaign`, `awaiting-approval`, `outside-window`, `waiting-for-permit`, `paused`, `halted`, `running`, `failed`,
        /// `quarantined`, `silent`, `upgradable`.
        var code: String
        /// One sentence for a person.
        var sentence: String
        /// What to do next; empty where nothing is to be done.
        var cure: String
        /// The campaign that it tells of; nil where it tells of none.
        var campaign: String?
    }
    /// The host.
    var host: String
    /// Its name.
    var hostname: String
    /// The package.
    var package: String
    /// The installed versions by architecture.
    var installed: [String: String]
    /// The offered versions by architecture.
    var candidate: [String: String]
    /// The reasons.
    var reasons: [Reason]
    /// The campaigns, not ended, whose plan has this package for this host.
    var campaigns: [CampaignSummary]
    /// The jobs of these on this host.
    var jobs: [JobSummary]
}
