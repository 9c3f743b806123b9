/// One thing that can be allowed. What no permission names, nobody may do.
public enum Permission: String, CaseIterable, Sendable, Hashable, Comparable {
    /// See hosts, what is on them and what they lack.
    case hostsRead = "hosts:read"
    /// Ask a host for a scan, label it.
    case hostsOperate = "hosts:operate"
    /// Decide on a host's identity: release, revoke, retire.
    case hostsManage = "hosts:manage"
    /// See campaigns, their plans, jobs and logs.
    case campaignsRead = "campaigns:read"
    /// Plan campaigns: make, change and submit them.
    case campaignsWrite = "campaigns:write"
    /// Decide on plans of others: approve, deny, let one go on after a halt.
    case campaignsApprove = "campaigns:approve"
    /// Stop what runs: pause, halt, cancel, roll back.
    case campaignsStop = "campaigns:stop"
    /// Ask for exceptions: accepted risks with an end.
    case exceptionsWrite = "exceptions:write"
    /// Decide on exceptions of others, and on what stops the clocks of findings.
    case exceptionsApprove = "exceptions:approve"
    /// See policies: groups, rings, windows, rules.
    case policiesRead = "policies:read"
    /// Apply policies: what is patched when, where and by whose leave.
    case policiesWrite = "policies:write"
    /// See enrolment tokens, without their secrets.
    case enrolmentRead = "enrolment:read"
    /// Make and revoke enrolment tokens.
    case enrolmentWrite = "enrolment:write"
    /// See who did what.
    case auditRead = "audit:read"
    /// Take the audit log out, with proofs.
    case auditExport = "audit:export"
    /// Erase personal data from the audit log; its proofs stay.
    case auditErase = "audit:erase"
    /// See people, their roles and the tokens they made.
    case peopleRead = "people:read"
    /// Make, change and remove people, roles and other people's tokens.
    case peopleWrite = "people:write"
    /// See an organisation's name and settings.
    case organisationRead = "organisation:read"
    /// Change an organisation's settings: how many approvals a plan needs.
    case organisationManage = "organisation:manage"
    /// Make and change organisations.
    case organisationWrite = "organisation:write"
    /// See how the server itself is.
    case serverRead = "server:read"
    /// Change the server itself: its authorities, its epoch.
    case serverWrite = "server:write"

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Whether it is about hosts, so that it can be limited to those that labels select.
    public var isLimitableByLabels: Bool {
        switch self {
        case .hostsRead, .hostsOperate, .hostsManage: true
        // A campaign is within reach where every host of it is.
        case .campaignsRead, .campaignsWrite, .campaignsApprove, .campaignsStop: true
        default: false
        }
    }

    /// Whether it is about the installation as a whole, so that a grant in one organisation does not give it.
    public var isOfInstallation: Bool {
        switch self {
        case .serverRead, .serverWrite, .organisationWrite: true
        default: false
        }
    }
}
