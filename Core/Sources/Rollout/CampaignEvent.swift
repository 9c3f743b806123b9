public import Digest
public import JSON
public import Timestamps

extension Campaign {
    /// What can happen to a campaign. `by` names a person, or `system`.
    public enum Event: Hashable, Sendable {
        /// The author wants packages and hosts resolved.
        case submit(by: String)
        /// They are: the plan's digest, the earliest start and the latest end of a host's window; where there are several
        /// rings, these, and the kinds of hosts of which the first has none.
        case resolved(
            plan: SHA256Digest, startsAt: Timestamp, endsAt: Timestamp, rings: [RingRules] = [],
            untested: [String] = [])
        /// They are not.
        case unresolvable(reason: String)
        /// A person changes the draft itself; they may not approve what comes of it.
        case change(by: String)
        /// Back to a draft; approvals are void.
        case edit(by: String)
        /// A person says yes to the plan of this digest.
        case approve(by: String, plan: SHA256Digest)
        /// A person releases the plan where the organisation asks for no approval.
        case releaseUnapproved(by: String, plan: SHA256Digest)
        /// A person says no.
        case deny(by: String, reason: String)
        /// The signer has signed the release.
        case releaseSigned
        /// The signer has refused or failed; it is asked again when the start timer fires.
        case signingFailed(reason: String)
        /// The signer will never accept the approvals: the same plan has to be approved anew, as the next epoch's of that digest,
        /// by as many as the signer asks for where that is more.
        case approvalRefused(plan: SHA256Digest, reason: String, required: Int64 = 0)
        /// No new permits for now.
        case pause(by: String, reason: String)
        /// Go on after a pause, or one person's yes to going on after a halt, whose reason it must repeat; so many hosts are
        /// not well, and are accepted with it.
        case resume(by: String, haltReason: String?, unwell: Int64 = 0)
        /// Stop: a person, or `system` when suspects or failures are too many.
        case halt(by: String, reason: String)
        /// No job is in flight any more: each has ended or is suspect.
        case drained
        /// Every job has ended (or waits for a reboot): how many, and how many of them never began.
        case settled(jobs: Int64, neverStarted: Int64)
        /// Every host was scanned again; how many did not succeed or are not at the goal.
        case verified(exceptions: Int64)
        /// A person wants the changed hosts back: of a campaign that was stopped, or has ended.
        case rollBack(by: String, reason: String)
        /// The signer has signed the release that only takes hosts back.
        case rollbackSigned
        /// It never will.
        case rollbackRefused(reason: String)
        /// Every host that was to go back has ended; how many are not back.
        case rollbackSettled(failed: Int64)
        /// A person closes a halted campaign as failed.
        case close(by: String)
        /// A person takes the whole back.
        case cancel(by: String, reason: String)
        /// Another campaign takes its place: as a cancel, and on record as what it is.
        case supersede(by: String, campaign: String)
        /// Something happened to a ring, by its index.
        case ring(Int, Ring.Event)
        /// The pending timer fired.
        case timer(TimerKind)

        /// The person whose doing it is; nil where it is the server's or the signer's.
        var person: String? {
            switch self {
            case .submit(let by), .change(let by), .edit(let by), .approve(let by, _), .releaseUnapproved(let by, _),
                .deny(let by, _), .pause(let by, _), .resume(let by, _, _), .halt(let by, _), .rollBack(let by, _),
                .close(let by), .cancel(let by, _), .supersede(let by, _):
                by
            case .ring(_, .approve(let by)), .ring(_, .promote(let by, _)), .ring(_, .refuse(let by, _)),
                .ring(_, .withdraw(let by, _)):
                by
            default: nil
            }
        }

        /// The event's stable word, for the audit log.
        public var word: String {
            switch self {
            case .submit: "submit"
            case .resolved: "resolved"
            case .unresolvable: "unresolvable"
            case .change: "change"
            case .edit: "edit"
            case .approve: "approve"
            case .releaseUnapproved: "release-unapproved"
            case .deny: "deny"
            case .releaseSigned: "release-signed"
            case .signingFailed: "signing-failed"
            case .approvalRefused: "approval-refused"
            case .pause: "pause"
            case .resume: "resume"
            case .halt: "halt"
            case .drained: "drained"
            case .settled: "settled"
            case .verified: "verified"
            case .rollBack: "roll-back"
            case .rollbackSigned: "rollback-signed"
            case .rollbackRefused: "rollback-refused"
            case .rollbackSettled: "rollback-settled"
            case .close: "close"
            case .cancel: "cancel"
            case .supersede: "supersede"
            case .ring(_, let event): "ring-\(event.word)"
            case .timer(let kind): "timer-\(kind.rawValue)"
            }
        }
    }

    /// What is to be done after an event, in this order; with the state in one transaction, or through the outbox.
    public enum Effect: Hashable, Sendable {
        /// Write this audit record: exactly one for each event taken.
        case audit(String, JSONValue)
        /// Replace the campaign's timer.
        case setTimer(TimerKind, Timestamp)
        /// Remove it.
        case cancelTimer
        /// Resolve packages and hosts; answer with `resolved` or `unresolvable`.
        case resolve
        /// Have the release signed; answer with `releaseSigned` or `signingFailed`.
        case signRelease
        /// Give every planned host its job, and a new attempt to those whose job a halt took back.
        case offerJobs
        /// Take back every job that has no permit.
        case withdrawOffers
        /// Send `cancel` to every job that has not passed the point of no return.
        case revokeUnstarted
        /// Have a release signed that only takes hosts back; answer with `rollbackSigned`, `rollbackRefused` or `signingFailed`.
        case signRollback
        /// Give every changed host a rollback job.
        case offerRollbacks
        /// Compare the hosts' next scans with the goal; answer with `verified`.
        case verifyHosts
        /// Of the ring of that index: what it needs. In a campaign of several rings `offerJobs` comes from its rings alone.
        case ring(Int, Ring.Effect)
        /// Give every host that was away during its ring a new attempt, under its ring's budget.
        case offerTail
    }
}
