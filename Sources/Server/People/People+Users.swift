import Access
import JSON
import Store
import Timestamps

/// A user as one caller may see them: with the grants that the caller may see.
struct VisibleUser: Sendable {
    let record: UserRecord
    let grants: [GrantRecord]
    /// Whether the caller may change the user: they have every right that the user has.
    let mayChange: Bool
}

extension People {
    /// The people that a caller may see, by name: in the installation all of them, else those with a role in an
    /// organisation whose people the caller may see.
    ///
    /// - Parameter organisation: nil for everybody in sight.
    func users(
        organisation: String?, after: String = "", limit: Int = 100, by caller: Caller
    ) async throws -> [VisibleUser] {
        let principal = caller.principal
        return try await store.read { transaction in
            let known: [String]
            if let organisation {
                guard principal.may(.peopleRead, organisation: organisation) else { throw Refusal(.notAllowed) }
                known = [organisation]
            } else if principal.may(.peopleRead, organisation: nil) {
                return try transaction.users.list(after: after, limit: limit).compactMap {
                    try transaction.visible($0, to: principal)
                }
            } else {
                known = try transaction.organisations.list().map(\.id).filter {
                    principal.may(.peopleRead, organisation: $0)
                }
                guard !known.isEmpty else { throw Refusal(.notAllowed) }
            }
            var found: [String: UserRecord] = [:]
            for id in known {
                for user in try transaction.users.list(organisation: id, after: after, limit: limit) {
                    found[user.name] = user
                }
            }
            return try found.values.sorted { $0.name < $1.name }.prefix(limit).compactMap {
                try transaction.visible($0, to: principal)
            }
        }
    }

    /// One user; whom the caller may not see does not exist for them.
    func user(_ id: String, by caller: Caller) async throws -> VisibleUser {
        try await store.read { try $0.visibleUser(id, to: caller.principal) }
    }

    /// Makes a user with grants. They come in by a link first and set a password then.
    ///
    /// Whoever is not admin of the installation makes users of their organisation only, and their names end in
    /// `@ORGANISATION`, so that a taken name tells nothing of other organisations.
    func createUser(
        name: String, displayName: String = "", email: String = "", grants: [Grant], by caller: Caller
    ) async throws -> VisibleUser {
        let name = try SubmittedText.userName(name)
        let principal = caller.principal
        let now = clock.now()
        let user = UserRecord(
            id: RandomID.make("u"), name: name,
            displayName: try SubmittedText.line(displayName, field: "displayName"),
            email: try SubmittedText.email(email), createdAt: now, createdBy: caller.actor)
        return try await change { transaction in
            for grant in grants { try transaction.check(grant, by: principal) }
            if principal.reach(.peopleWrite, organisation: nil) != .all {
                guard !grants.isEmpty else {
                    throw Refusal(
                        .field(
                            "grants", "there is no role in your organisation",
                            cure: "Give them one: only an admin of the installation makes people without."))
                }
                guard grants.contains(where: { $0.organisation.map { name.hasSuffix("@\($0)") } ?? false }) else {
                    throw Refusal(
                        .field(
                            "name", "it does not end in @ and the organisation's name",
                            cure: "Name people of an organisation as somebody@organisation."))
                }
            }
            guard try transaction.users.create(user) else { throw Refusal(.nameTaken) }
            try transaction.note(
                caller, "user.created", "user:\(user.id)",
                personal: [
                    "name": .string(user.name), "displayName": .string(user.displayName), "email": .string(user.email),
                ], now: now)
            for grant in grants { _ = try transaction.give(grant, to: user.id, by: caller, now: now) }
            return try transaction.visibleUser(user.id, to: principal)
        }
    }

    /// Changes what others see of a user, or shuts them out; nil leaves as it is.
    ///
    /// - Parameter check: throws where what is stored is not what the caller saw.
    func updateUser(
        _ id: String, displayName: String? = nil, email: String? = nil, disabled: Bool? = nil, by caller: Caller,
        check: @escaping @Sendable (VisibleUser) throws -> Void = { _ in }
    ) async throws -> VisibleUser {
        let displayName = try displayName.map { try SubmittedText.line($0, field: "displayName") }
        let email = try email.map { try SubmittedText.email($0) }
        let now = clock.now()
        return try await change { transaction in
            let seen = try transaction.changeableUser(id, by: caller)
            var user = seen.record
            try check(seen)
            user.displayName = displayName ?? user.displayName
            user.email = email ?? user.email
            let wasDisabled = user.disabledAt != nil
            if let disabled { user.disabledAt = disabled ? user.disabledAt ?? now : nil }
            guard
                try transaction.users.update(
                    id, displayName: user.displayName, email: user.email, disabledAt: user.disabledAt,
                    version: user.version)
            else { throw Refusal(.versionStale) }
            let isDisabled = user.disabledAt != nil
            if isDisabled, !wasDisabled {
                try transaction.endWaysIn(user: id)
                try transaction.sessions.endAll(user: id)
                try transaction.checkAdminStays(seen)
            }
            let action =
                isDisabled == wasDisabled ? "user.changed" : isDisabled ? "user.disabled" : "user.enabled"
            try transaction.note(
                caller, action, "user:\(id)",
                personal: ["displayName": .string(user.displayName), "email": .string(user.email)], now: now)
            return try transaction.visibleUser(id, to: caller.principal)
        }
    }

    /// Removes a user with their sessions and tokens.
    func removeUser(_ id: String, by caller: Caller) async throws {
        let now = clock.now()
        try await change { transaction in
            let seen = try transaction.changeableUser(id, by: caller)
            _ = try transaction.users.remove(id)
            try transaction.checkAdminStays(seen)
            try transaction.note(
                caller, "user.removed", "user:\(id)", personal: ["name": .string(seen.record.name)], now: now)
        }
    }

    /// Gives somebody a role somewhere.
    func addGrant(_ grant: Grant, to id: String, by caller: Caller) async throws -> GrantRecord {
        let now = clock.now()
        return try await change { transaction in
            _ = try transaction.visibleUser(id, to: caller.principal)
            try transaction.check(grant, by: caller.principal)
            guard let record = try transaction.give(grant, to: id, by: caller, now: now) else {
                throw Refusal(.grantExists)
            }
            try transaction.users.touch(id)
            return record
        }
    }

    /// Takes a grant away.
    func removeGrant(_ grant: String, of id: String, by caller: Caller) async throws {
        let now = clock.now()
        try await change { transaction in
            let seen = try transaction.visibleUser(id, to: caller.principal)
            guard let record = seen.grants.first(where: { $0.id == grant }) else {
                throw Refusal(.missing("grant", grant))
            }
            guard caller.principal.mayGrant(record.grant) else { throw Refusal(.grantTooWide) }
            _ = try transaction.grants.remove(user: id, id: grant)
            try transaction.users.touch(id)
            try transaction.checkAdminStays(seen)
            try transaction.note(
                caller, "grant.removed", "user:\(id)", organisation: record.grant.organisation,
                detail: Transaction.json(record.grant), now: now)
        }
    }

    /// Turns somebody's second factor off for them, and ends their sessions.
    func resetSecondFactor(of id: String, by caller: Caller) async throws {
        let now = clock.now()
        try await change { transaction in
            _ = try transaction.changeableUser(id, by: caller)
            try transaction.users.removeTOTP(id)
            try transaction.endWaysIn(user: id)
            try transaction.sessions.endAll(user: id)
            try transaction.note(caller, "second-factor.reset", "user:\(id)", now: now)
        }
    }

    /// Ends all of somebody's sessions.
    func endSessions(of id: String, by caller: Caller) async throws {
        let now = clock.now()
        try await change { transaction in
            _ = try transaction.changeableUser(id, by: caller)
            try transaction.sessions.endAll(user: id)
            try transaction.note(caller, "session.ended", "user:\(id)", now: now)
        }
    }

    /// Somebody's tokens, for whoever may change them.
    func tokens(of id: String, by caller: Caller) async throws -> [APITokenRecord] {
        try await maintain()
        return try await store.read { transaction in
            _ = try transaction.changeableUser(id, by: caller)
            return try transaction.apiTokens.list(user: id)
        }
    }

    /// Revokes somebody's token.
    func revokeToken(_ token: String, ofOther id: String, by caller: Caller) async throws {
        _ = try await store.read { try $0.changeableUser(id, by: caller) }
        try await revokeToken(token, of: id, by: caller)
    }
}

extension Transaction {
    /// A user as that principal may see them; nil where they may not.
    fileprivate func visible(_ user: UserRecord, to principal: Principal) throws -> VisibleUser? {
        let all = try grants.list(user: user.id)
        let seesAll = principal.may(.peopleRead, organisation: nil)
        let seen = all.filter { record in
            seesAll || (record.grant.organisation.map { principal.may(.peopleRead, organisation: $0) } ?? false)
        }
        guard seesAll || !seen.isEmpty else { return nil }
        let mayChange =
            all.isEmpty
            ? principal.reach(.peopleWrite, organisation: nil) == .all
            : all.allSatisfy { principal.mayGrant($0.grant) }
        return VisibleUser(record: user, grants: seen, mayChange: mayChange)
    }

    /// - Throws: ``Refusal`` where there is none, or the principal may not see them: told apart to nobody.
    fileprivate func visibleUser(_ id: String, to principal: Principal) throws -> VisibleUser {
        guard let user = try users.get(id), let seen = try visible(user, to: principal) else {
            throw Refusal(.missing("user", id))
        }
        return seen
    }

    /// A user over whom the caller has all the rights that the user has: or changing them would be a way to more.
    func changeableUser(_ id: String, by caller: Caller) throws -> VisibleUser {
        let seen = try visibleUser(id, to: caller.principal)
        guard seen.mayChange else { throw Refusal(.grantTooWide) }
        return seen
    }

    /// Refuses a grant that is not the principal's to give, or in an organisation that there is not.
    fileprivate func check(_ grant: Grant, by principal: Principal) throws {
        if let organisation = grant.organisation {
            guard principal.knows(organisation: organisation),
                try organisations.list().contains(where: { $0.id == organisation })
            else { throw Refusal(.missing("organisation", organisation)) }
        }
        guard principal.mayGrant(grant) else { throw Refusal(.grantTooWide) }
    }

    /// Gives a grant; nil where the user has it.
    func give(_ grant: Grant, to user: String, by caller: Caller, now: Timestamp) throws -> GrantRecord? {
        let record = GrantRecord(
            id: RandomID.make("g"), user: user, grant: grant, createdAt: now, createdBy: caller.actor)
        guard try grants.add(record) else { return nil }
        // Whoever made a link for the user had all their rights; the new one they may lack. So may whoever used it.
        try loginLinks.removeAll(user: user)
        try sessions.endOpenedByLink(user: user)
        try note(
            caller, "grant.added", "user:\(user)", organisation: grant.organisation, detail: Self.json(grant), now: now)
        return record
    }

    /// Ends the ways in that were opened for somebody and not used yet: links, and programs that they let in.
    func endWaysIn(user: String) throws {
        try loginLinks.removeAll(user: user)
        try deviceLogins.removeApproved(user: user)
    }

    /// Refuses what took the last admin of the installation away.
    fileprivate func checkAdminStays(_ before: VisibleUser) throws {
        let wasAdmin = before.grants.contains {
            $0.grant.role == .admin && $0.grant.organisation == nil && $0.grant.selector.requirements.isEmpty
        }
        if wasAdmin, try grants.installationAdmins() == 0 { throw Refusal(.lastAdmin) }
    }

    static func json(_ grant: Grant) -> JSONValue {
        [
            "role": .string(grant.role.rawValue), "organisation": grant.organisation.map { .string($0) } ?? .null,
            "selector": .string(grant.selector.description),
        ]
    }
}
