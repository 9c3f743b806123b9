public import Digest
public import Timestamps
public import Wire

/// What the machine is told, and what it tells its shell to do.
extension AgentLoop {
    /// What the host is called and until when it may say so.
    public struct Credentials: Hashable, Sendable {
        /// The host.
        public var host: String
        /// Its organisation.
        public var organisation: String
        /// SHA-256 of the certificate, hexadecimal.
        public var certificate: String
        /// When the certificate begins to be valid.
        public var notBefore: Timestamp
        /// When it expires.
        public var notAfter: Timestamp

        /// Credentials with these values.
        public init(
            host: String, organisation: String, certificate: String, notBefore: Timestamp, notAfter: Timestamp
        ) {
            self.host = host
            self.organisation = organisation
            self.certificate = certificate
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    /// What the machine needs to know of the report queue.
    public struct QueueView: Hashable, Sendable {
        /// Within which the reports are numbered.
        public var incarnation: String
        /// The number of the oldest waiting report, or of the next one.
        public var first: Int64
        /// The number of the next report.
        public var next: Int64

        /// A view with these values.
        public init(incarnation: String, first: Int64, next: Int64) {
            self.incarnation = incarnation
            self.first = first
            self.next = next
        }

        var isEmpty: Bool { first == next }
    }

    /// A request to the server.
    public enum Exchange: Hashable, Sendable {
        /// Deliver the oldest reports, at most that many.
        case report(limit: Int)
        /// Upload a document; as a delta where that is allowed and worth it.
        case upload(NeededDocument, base: SHA256Digest?)
        /// Check in.
        case checkIn(CheckIn)
        /// Fetch the desired state, unless it is still this.
        case state(held: DesiredState?)
        /// Renew the certificate.
        case renew
        /// Come back with an expired certificate.
        case comeBack
        /// Say what a job has to say.
        case job(JobMessage)
        /// Tell what changelogs could be read, and what was read.
        case changelogs(ChangelogReport)
    }

    /// What the shell is to do.
    public enum Effect: Hashable, Sendable {
        /// Ask the executor for a scan.
        case scan(cause: String)
        /// Perform an exchange and tell its outcome.
        case exchange(Exchange)
        /// Keep the scanned documents, append a report, sync both, then tell ``Event/appended(_:)``.
        case append(Observation, HostDigests, cause: String)
        /// Forget reports that the server has.
        case acknowledge(below: Int64)
        /// Give the waiting reports new numbers.
        case renumber(from: Int64, newIncarnation: Bool)
        /// Forget the reports that name a lost document.
        case drop(naming: NeededDocument)
        /// Make the verified new identity the host's.
        case adoptIdentity
        /// Trust these authorities from now on.
        case trust([String])
        /// Write the memory, synced, before anything that comes after.
        case save
        /// Close the connections.
        case disconnect
        /// Write the status.
        case status
        /// Tell the executor what the server orders.
        case order(JobOrders)
        /// Tell a job the answer to its question.
        case tellJob(RelayedAnswer)
        /// Tell the executor what the server has of a job.
        case acknowledgeJob(RelayedReply)
        /// Have the executor list or read changelogs.
        case changelogs(ChangelogOrder)
    }

    /// What the server answered.
    public enum Answer: Sendable {
        /// To a check-in.
        case checkIn(CheckInReply)
        /// To these reports.
        case reports(ReportReply, sent: [Report])
        /// To an upload.
        case uploaded(NeededDocument, ServerLink.UploadResult)
        /// To a fetch of the state; nil for "not modified".
        case state(DesiredState?)
        /// A new certificate, already verified.
        case identity(Credentials, exchangeToken: String, epoch: Int64)
        /// To a job's question.
        case job(JobAnswer, RelayedQuestion)
        /// To what was new of a job.
        case jobProgress(JobProgressReply, RelayedProgress)
        /// To what was told of changelogs.
        case changelogs(ChangelogReply, ChangelogReport)
    }

    /// What happened.
    public enum Event: Sendable {
        /// The process has started.
        case started
        /// ``AgentLoop/wake`` has come.
        case wake
        /// A scan ended with these documents.
        case scanned(Observation, HostDigests)
        /// A scan failed.
        case scanFailed(String)
        /// What was scanned may have changed.
        case changed
        /// A report and its documents are on the disk.
        case appended(HostDigests)
        /// The exchange under way was answered.
        case answered(Answer)
        /// The exchange under way failed.
        case failed(ExchangeError)
        /// A document that a report names is lost.
        case documentLost(NeededDocument)
        /// The host's disk failed.
        case storeFailed(String)
        /// A job wants to say something.
        case job(JobMessage)
        /// The executor has listed or read changelogs, or could not.
        case changelogs(ChangelogResult)
    }

    /// What a cycle has done so far.
    struct Cycle: Hashable, Sendable {
        var checkedIn = false
        var checkInFirst = false
        var fetchedState = false
        var triedRenewal = false
        var stateVersion: Int64?
        var uploads: [NeededDocument] = []
        var uploaded: Set<NeededDocument> = []
        var wholeOnly: Set<NeededDocument> = []
        var exchanges = 0
        /// Only jobs are spoken for: no check-in.
        var isForJobs = false
        var jobExchanges = 0
        var toldChangelogs = false
    }

    /// Whether the server lets the host take part.
    public enum Standing: Hashable, Sendable {
        /// It does.
        case accepted
        /// It does not, for that reason: the kind of the problem, and its text.
        case excluded(kind: String, text: String)
    }
}
