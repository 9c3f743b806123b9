public import Digest

/// What a job on the host is to do, from documents whose signatures were verified.
public struct AgentOrder: Hashable, Sendable {
    /// The job.
    public var job: String
    /// Which attempt.
    public var attempt: Int64
    /// The approved plan.
    public var plan: SHA256Digest
    /// Everything besides packages.
    public var actions: JobActions
    /// Whether this job takes the host back to what it was before an earlier one.
    public var rollsBack: Bool
    /// When the host may change, by the offer; a grant's own instants replace it.
    public var window: HostJob.Window
    /// The highest fence that any job of this host has journaled: a grant must bear a higher one.
    public var lastFence: Int64

    /// An order.
    public init(
        job: String, attempt: Int64, plan: SHA256Digest, actions: JobActions, rollsBack: Bool = false,
        window: HostJob.Window, lastFence: Int64
    ) {
        self.job = job
        self.attempt = attempt
        self.plan = plan
        self.actions = actions
        self.rollsBack = rollsBack
        self.window = window
        self.lastFence = lastFence
    }
}

/// The facts of a verified grant.
public struct AgentGrant: Hashable, Sendable {
    /// Higher than any before.
    public var fence: Int64
    /// When the host may change.
    public var window: HostJob.Window
    /// Whether the permit covers a reboot.
    public var allowsReboot: Bool

    /// A grant.
    public init(fence: Int64, window: HostJob.Window, allowsReboot: Bool) {
        self.fence = fence
        self.window = window
        self.allowsReboot = allowsReboot
    }
}

/// How the ordered packages stand, compared with what the point of no return journaled.
public enum PackagesState: String, CaseIterable, Sendable {
    /// All as before; the package database is whole.
    case pre
    /// All at the goal; the package database is whole.
    case goal
    /// Anything else.
    case mixed
}
