/// What people are: each role is a fixed set of permissions, so that a table of six lines tells who may do what.
public enum Role: String, CaseIterable, Sendable, Hashable {
    /// Sees hosts and what they lack.
    case viewer
    /// Runs the fleet day by day.
    case `operator`
    /// Decides on what others planned; never runs what it approved itself.
    case approver
    /// Does everything, people and organisations included.
    case admin
    /// Sees everything, changes nothing, and takes evidence out.
    case auditor

    /// What the role may do.
    public var permissions: Set<Permission> {
        switch self {
        case .viewer: [.hostsRead, .organisationRead, .campaignsRead, .policiesRead]
        case .operator:
            [
                .hostsRead, .organisationRead, .hostsOperate, .hostsManage, .enrolmentRead, .enrolmentWrite, .auditRead,
                .serverRead, .campaignsRead, .campaignsWrite, .campaignsStop, .exceptionsWrite, .policiesRead,
            ]
        case .approver:
            [
                .hostsRead, .organisationRead, .auditRead, .campaignsRead, .campaignsApprove, .campaignsStop,
                .exceptionsApprove, .policiesRead,
            ]
        case .admin: Set(Permission.allCases)
        case .auditor:
            [
                .hostsRead, .organisationRead, .enrolmentRead, .auditRead, .auditExport, .peopleRead, .serverRead,
                .campaignsRead, .policiesRead,
            ]
        }
    }
}
