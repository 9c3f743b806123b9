import Access
import HTML
import HTTPTypes
import Hummingbird
import Pages
import Store
import Timestamps
import Wire

/// People, enrolment and organisations.
enum SettingsPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/settings/enrolment", "enrolment", access: .permission(.enrolmentRead)) { call in
            try await enrolment(call)
        },
        PageDeclaration(.post, "/settings/enrolment", "enrolment", access: .permission(.enrolmentWrite), makeEnrolment),
        PageDeclaration(
            .post, "/settings/enrolment/{token}/revoke", "enrolment", access: .permission(.enrolmentWrite)
        ) { call in
            let (organisation, token, now, actor) = (
                try call.organisationID, call.path("token"), call.now, try call.person.actor
            )
            let revoked = try await call.state.store.write {
                try $0.tokens.revoke(organisation: organisation, id: token, actor: actor, now: now)
            }
            guard revoked else { throw Refusal(.noSuchPage) }
            return call.done(.enrolment, "settings", "enrolment")
        },
        PageDeclaration(.get, "/settings/people", "people", access: .permission(.peopleRead)) { call in
            try await people(call)
        },
        PageDeclaration(.post, "/settings/people", "people", access: .permission(.peopleWrite), makePerson),
        PageDeclaration(.get, "/settings/people/{user}", "person", access: .permission(.peopleWrite)) { call in
            try await person(call)
        },
        PageDeclaration(.post, "/settings/people/{user}/grants", "person", access: .permission(.peopleWrite)) { call in
            do {
                _ = try await call.state.people.addGrant(try grant(call), to: call.path("user"), by: call.person)
            } catch let refusal as Refusal where refusal.problem.status != 404 {
                return try await person(call, error: "\(refusal.problem.detail) \(refusal.problem.cure)")
            } catch let fault as LabelSelectorError {
                return try await person(call, error: fault.description)
            }
            return call.done(.grant, "settings", "people", call.path("user"))
        },
        PageDeclaration(
            .post, "/settings/people/{user}/grants/{grant}/remove", "person", access: .permission(.peopleWrite)
        ) { call in
            try await call.state.people.removeGrant(call.path("grant"), of: call.path("user"), by: call.person)
            return call.done(.grantRemoved, "settings", "people", call.path("user"))
        },
        PageDeclaration(.post, "/settings/people/{user}/link", "person", access: .permission(.peopleWrite)) { call in
            let link = try await call.state.people.link(
                for: call.path("user"), seconds: 86_400, base: call.state.webAddress, by: call.person)
            return try await people(call, link: (link.user.displayName, link.url))
        },
        PageDeclaration(.get, "/settings/people/{user}/disable", "person", access: .permission(.peopleWrite)) { call in
            let user = try await visible(user: call.path("user"), call)
            let context = call.context()
            let model = ConfirmModel(
                title: "Shut \(user.record.name) out", question: "Shut \(user.record.name) out?",
                consequences: [
                    "Their sessions end and their tokens let nobody in, at once.", "You can let them in again.",
                ],
                verb: "Shut out", isDangerous: true,
                action: context.to("settings", "people", user.record.id, "disable"),
                back: context.to("settings", "people", user.record.id))
            return call.html(confirmPage(model, context, current: .settings))
        },
        PageDeclaration(.post, "/settings/people/{user}/disable", "person", access: .permission(.peopleWrite)) { call in
            _ = try await call.state.people.updateUser(call.path("user"), disabled: true, by: call.person)
            return call.done(.disabled, "settings", "people", call.path("user"))
        },
        PageDeclaration(.post, "/settings/people/{user}/enable", "person", access: .permission(.peopleWrite)) { call in
            _ = try await call.state.people.updateUser(call.path("user"), disabled: false, by: call.person)
            return call.done(.enabled, "settings", "people", call.path("user"))
        },
        PageDeclaration(.get, "/settings/organisations", "organisations", access: .signedIn) { call in
            try await organisations(call)
        },
        PageDeclaration(
            .post, "/settings/organisations", "organisations", access: .installation(.organisationWrite),
            makeOrganisation),
        PageDeclaration(.post, "/settings/approvals", "approvals", access: .permission(.organisationManage)) { call in
            let desk = try call.campaigns(.organisationManage)
            guard let number = Int64(call.field("approvals")), (0...16).contains(number) else {
                throw Refusal(.malformed("the number of approvals is 0 to 16"))
            }
            try await desk.engine.setApprovalsRequired(
                organisation: desk.organisation, number, by: desk.rolloutActor)
            return call.done(.settings, "settings", "organisations")
        },
    ]

    /// The parts of the settings that the caller may see.
    static func visible(_ call: PageCall) -> Set<SettingsTab> {
        var tabs: Set<SettingsTab> = [.account, .sessions, .tokens, .organisations]
        if call.may(.enrolmentRead) { tabs.insert(.enrolment) }
        if call.may(.peopleRead) { tabs.insert(.people) }
        return tabs
    }

    /// Where a grant holds, in words; an organisation that the caller does not know is not named.
    static func place(_ grant: Grant, _ organisations: [Organisation]) -> String {
        guard let id = grant.organisation else { return "the whole installation" }
        return organisations.first { $0.id == id }?.name ?? "another organisation"
    }

    // MARK: Enrolment

    private static func enrolment(
        _ call: PageCall, command: String? = nil, errors: [String: String] = [:], status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let organisation = try call.organisationID
        let found = try await call.state.store.read { transaction in
            try transaction.tokens.list(organisation: organisation).map { token in
                (token, try ActivityText.name(token.createdBy, transaction))
            }
        }
        var model = EnrolmentModel()
        model.rows = found.sorted { $0.0.createdAt > $1.0.createdAt }.prefix(200).map { token, maker in
            EnrolmentRow(
                id: token.id, note: token.note,
                labels: token.labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                createdBy: maker, createdAt: token.createdAt, expiresAt: token.expiresAt, usesLeft: Int(token.usesLeft),
                usesTotal: Int(token.usesTotal), lastUsedAt: token.lastUsedAt, revokedAt: token.revokedAt)
        }
        model.command = command
        model.mayWrite = call.may(.enrolmentWrite)
        model.errors = errors
        if !errors.isEmpty {
            for name in ["note", "uses", "hours", "labels"] { model.values[name] = call.field(name) }
        }
        return call.html(enrolmentPage(model, call.context(), visible(call)), status: status)
    }

    private static func makeEnrolment(_ call: PageCall) async throws -> Response {
        var errors: [String: String] = [:]
        let uses = Int64(call.field("uses")) ?? 0
        if !(1...100_000).contains(uses) { errors["uses"] = "A number from 1 to 100,000." }
        let hours = Int64(call.field("hours")) ?? 24
        let note = call.field("note")
        if note.utf8.count > 256 || note.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            errors["note"] = "One line of at most 256 bytes."
        }
        var labels: [String: String] = [:]
        do {
            labels = try LabelText.read(call.field("labels"))
        } catch {
            errors["labels"] = error.fault
        }
        guard errors.isEmpty, (1...8760).contains(hours) else {
            return try await enrolment(call, errors: errors, status: .badRequest)
        }
        let state = call.state
        let secret = randomBytes(32).map(hexadecimal).joined()
        let record = EnrolmentTokenRecord(
            id: RandomID.make("t"), organisation: try call.organisationID, note: note, labels: labels,
            createdAt: call.now,
            createdBy: try call.person.actor, expiresAt: call.now.adding(seconds: hours * 3600), uses: uses)
        try await state.store.write { try $0.tokens.create(record, secretDigest: ExchangeTokens.digest(secret)) }
        let token = EnrolmentToken(
            address: state.enrolmentAddress.description, pins: state.authorities.authorities.pins, id: record.id,
            secret: secret)
        // Shown in the answer to the form: the secret is stored nowhere that a later page could read it from.
        return try await enrolment(call, command: "fettle-agent enroll \(token)")
    }

    // MARK: People

    private static func row(_ user: VisibleUser, _ call: PageCall) -> PersonRow {
        PersonRow(
            id: user.record.id, name: user.record.name, displayName: user.record.displayName,
            roles: user.grants.map {
                ($0.id, $0.grant.role.rawValue, place($0.grant, call.organisations), $0.grant.selector.description)
            }, hasPassword: user.record.password != nil, hasSecondFactor: user.record.totpSecret != nil,
            isDisabled: user.record.disabledAt != nil, lastLoginAt: user.record.lastLoginAt)
    }

    private static func places(_ call: PageCall) -> [(value: String, title: String)] {
        var places = call.organisations.filter { organisation in
            call.caller?.principal.may(.peopleWrite, organisation: organisation.id) ?? false
        }.map { ($0.id, $0.name) }
        if call.caller?.principal.reach(.peopleWrite, organisation: nil) == .all {
            places.insert(("", "The whole installation"), at: 0)
        }
        return places
    }

    private static func people(
        _ call: PageCall, link: (person: String, url: String)? = nil, error: (field: String, text: String)? = nil
    ) async throws -> Response {
        let isWhole = call.caller?.principal.reach(.peopleRead, organisation: nil) == .all
        var model = PeopleModel()
        model.rows = try await call.state.people.users(
            organisation: isWhole ? nil : call.organisationID, limit: 500, by: call.person
        ).map { row($0, call) }
        model.mayWrite = call.may(.peopleWrite)
        model.places = places(call)
        model.link = link
        if let error {
            model.errors[error.field] = error.text
            for name in ["name", "display", "role", "place", "hosts"] { model.values[name] = call.field(name) }
        }
        return call.html(
            peoplePage(model, call.context(), visible(call)), status: error == nil ? .ok : .badRequest)
    }

    private static func grant(_ call: PageCall) throws -> Grant {
        guard let role = Role(rawValue: call.field("role")) else { throw Refusal(.malformed("there is no such role")) }
        let place = call.field("place")
        return Grant(role, organisation: place.isEmpty ? nil : place, selector: try LabelSelector(call.field("hosts")))
    }

    private static func makePerson(_ call: PageCall) async throws -> Response {
        do {
            let user = try await call.state.people.createUser(
                name: call.field("name"), displayName: call.field("display"), grants: [try grant(call)], by: call.person
            )
            let link = try await call.state.people.link(
                for: user.record.id, seconds: 86_400, base: call.state.webAddress, by: call.person)
            return try await people(call, link: (link.user.displayName, link.url))
        } catch let refusal as Refusal where refusal.problem.status < 500 {
            return try await people(call, error: ("name", "\(refusal.problem.detail) \(refusal.problem.cure)"))
        } catch let fault as LabelSelectorError {
            return try await people(call, error: ("hosts", fault.description))
        }
    }

    private static func visible(user id: String, _ call: PageCall) async throws -> VisibleUser {
        do {
            return try await call.state.people.user(id, by: call.person)
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.noSuchPage)
        }
    }

    private static func person(_ call: PageCall, error: String = "") async throws -> Response {
        let user = try await visible(user: call.path("user"), call)
        var model = PersonModel(row: row(user, call), mayWrite: user.mayChange, places: places(call))
        if !error.isEmpty { model.errors["hosts"] = error }
        return call.html(
            personPage(model, call.context(), visible(call)), status: error.isEmpty ? .ok : .badRequest)
    }

    // MARK: Organisations

    private static func organisations(
        _ call: PageCall, errors: [String: String] = [:], status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let now = call.now
        let principal = try call.person.principal
        let known = call.organisations
        let counts = try await call.state.store.read { transaction in
            try known.map { organisation in
                try transaction.fleetCounts.counts(
                    organisation: organisation.id,
                    reach: principal.reach(.hostsRead, organisation: organisation.id), now: now
                ).active
            }
        }
        var model = OrganisationsModel()
        model.rows = zip(known, counts).map { ($0.id, $0.name, $0.createdAt, $1) }
        model.mayWrite = principal.may(.organisationWrite, organisation: nil)
        if let shown = call.organisation, call.may(.organisationRead) {
            let required = try await RolloutEngine(state: call.state).approvalsRequired(organisation: shown.id)
            model.approvals = (shown.name, Int(required), call.may(.organisationManage))
        }
        model.errors = errors
        return call.html(organisationsPage(model, call.context(), visible(call)), status: status)
    }

    private static func makeOrganisation(_ call: PageCall) async throws -> Response {
        let id = call.field("id")
        let name = SubmittedText.shown(call.field("name"), maximum: 128)
        var errors: [String: String] = [:]
        if id.isEmpty || id.utf8.count > 63
            || !id.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        {
            errors["id"] = "One to 63 small letters, digits and hyphens."
        }
        if name.isEmpty { errors["name"] = "It needs a name." }
        guard errors.isEmpty else { return try await organisations(call, errors: errors, status: .badRequest) }
        let (now, actor) = (call.now, try call.person.actor)
        let made = try await call.state.store.write { transaction in
            guard try transaction.organisations.create(Organisation(id: id, name: name, createdAt: now)) else {
                return false
            }
            try transaction.audit.append(
                organisation: id, actor: actor, action: "organisation.created", subject: "organisation:\(id)", now: now)
            return true
        }
        guard made else {
            return try await organisations(call, errors: ["id": "There is one with this id."], status: .conflict)
        }
        return call.done(.organisation, "settings", "organisations")
    }
}
