/// A role that somebody has, and where.
public struct Grant: Sendable, Hashable {
    /// What they are there.
    public let role: Role
    /// In which organisation; nil in every one, and in the installation.
    public let organisation: String?
    /// On which hosts; the empty selector is all of them.
    public let selector: LabelSelector

    /// That role there.
    public init(_ role: Role, organisation: String?, selector: LabelSelector = LabelSelector()) {
        self.role = role
        self.organisation = organisation
        self.selector = selector
    }
}

/// How far a permission reaches in one organisation.
public enum Reach: Sendable, Hashable {
    /// It is not there.
    case none
    /// To the hosts that one of these selects.
    case selected([LabelSelector])
    /// To everything.
    case all

    /// Whether a host with those labels is within reach.
    public func includes(_ labels: [String: String]) -> Bool {
        switch self {
        case .none: false
        case .all: true
        case .selected(let selectors): selectors.contains { $0.selects(labels) }
        }
    }
}

/// Whoever acts: a person or a token of theirs, with what they may do.
public struct Principal: Sendable, Hashable {
    /// Who, as the audit log names them: `user:…`, `token:…`, `operator:socket`.
    public let id: String
    /// Their roles.
    public let grants: [Grant]
    /// What a token was limited to; nil for all that the roles give.
    public let scopes: Set<Permission>?

    /// A principal of that id.
    public init(id: String, grants: [Grant], scopes: Set<Permission>? = nil) {
        self.id = id
        self.grants = grants
        self.scopes = scopes
    }

    /// How far a permission reaches in an organisation. Denies by default: what no grant gives is ``Reach/none``.
    ///
    /// - Parameter organisation: nil asks for the installation as a whole.
    public func reach(_ permission: Permission, organisation: String?) -> Reach {
        if let scopes, !scopes.contains(permission) { return .none }
        var selectors: [LabelSelector] = []
        for grant in grants where grant.role.permissions.contains(permission) {
            if let limit = grant.organisation, limit != organisation || permission.isOfInstallation { continue }
            if grant.selector.requirements.isEmpty { return .all }
            if permission.isLimitableByLabels, !selectors.contains(grant.selector) { selectors.append(grant.selector) }
        }
        return selectors.isEmpty ? .none : .selected(selectors)
    }

    /// Whether a permission reaches anything there.
    public func may(_ permission: Permission, organisation: String?) -> Bool {
        reach(permission, organisation: organisation) != .none
    }

    /// Whether they may see that the organisation exists at all.
    public func knows(organisation: String) -> Bool {
        grants.contains { $0.organisation == nil || $0.organisation == organisation }
    }

    /// Whether whoever holds `self` may hand out `grant`: nobody gives more than they have.
    public func mayGrant(_ grant: Grant) -> Bool {
        guard may(.peopleWrite, organisation: grant.organisation) else { return false }
        return grant.role.permissions.allSatisfy { permission in
            // What concerns the installation does not come with a role in one organisation.
            if permission.isOfInstallation, grant.organisation != nil { return true }
            return reach(permission, organisation: grant.organisation) == .all
        }
    }
}
