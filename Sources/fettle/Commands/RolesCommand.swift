import ArgumentParser
import JSON

/// `fettle roles list | grant | revoke`.
struct RolesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "See and decide who may do what, and where.",
        discussion: """
            A role counts in one organisation or everywhere, on all hosts or on those that labels select.

            Examples:
              fettle roles list
              fettle roles grant maria operator --organisation berlin --hosts 'site=mitte,tier in (web,api)'
              fettle roles revoke maria GRANT
            """,
        subcommands: [List.self, Give.self, Revoke.self], defaultSubcommand: List.self, aliases: ["role"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who has which role.",
            discussion: """
                Examples:
                  fettle roles list
                  fettle roles list maria
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Only this user's.") var user: String?

        private static let columns: [Column] = [
            .member("user"), .member("role"), Column("ORGANISATION") { $0["organisation"]?.string ?? "(everywhere)" },
            Column("HOSTS") { $0.text("selector").isEmpty ? "(all)" : $0.text("selector") }, .member("id", "GRANT"),
            .member("createdBy", "GIVEN BY", wide: true), .age("created", "GIVEN", wide: true),
        ]

        func run() async throws {
            try await reading.run { client in
                let users: [JSONValue]
                if let user {
                    users = [try await UsersCommand.find(user, client, organisation)]
                } else {
                    users = try await client.list("/api/v1/users", [organisation.query(client)])
                }
                let grants = users.flatMap { user in
                    (user["grants"]?.array ?? []).map { grant -> JSONValue in
                        .object((grant.object ?? [:]).merging(["user": .string(user.text("name"))]) { $1 })
                    }
                }
                return Shown(grants, Self.columns, empty: "no roles")
            }
        }
    }

    struct Give: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "grant", abstract: "Give somebody a role; nobody gives more than they have.",
            discussion: """
                Examples:
                  fettle roles grant maria operator --organisation berlin
                  fettle roles grant maria viewer --everywhere
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var scope: GrantScope
        @Argument(help: "Their name or id.") var user: String
        @Argument(help: "viewer, operator, approver, admin or auditor.") var role: String

        func run() async throws {
            let client = try changing.data.client
            let grant = try scope.grant(role, client)
            let user = try await UsersCommand.find(self.user, client, scope.lookup)
            guard changing.goesOn("give \(user.text("name")) the role \(grantText(grant))") else { return }
            let made = try await client.post(scope.lookup.path(client, "users", user.text("id"), "grants"), grant)
            try output.show(made) { _ in say("\(user.text("name")) is \(grantText(made)) from now on") }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a role away.",
            discussion: """
                GRANT is what fettle roles list shows.

                Examples:
                  fettle roles revoke maria g-4f7a --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String
        @Argument(help: "The grant's id.") var grant: String

        func run() async throws {
            let client = try changing.data.client
            let user = try await UsersCommand.find(self.user, client, organisation)
            guard let found = user["grants"]?.array?.first(where: { $0.text("id") == grant }) else {
                throw CommandFailure.notFound(
                    "\(user.text("name")) has no grant \"\(grant)\"; they have: fettle roles list \(user.text("name"))")
            }
            let what = "take from \(user.text("name")) the role \(grantText(found))"
            guard changing.goesOn(what) else { return }
            try confirming.confirm(what)
            _ = try await client.delete(organisation.path(client, "users", user.text("id"), "grants", grant))
            let revoked: JSONValue = .object(
                (found.object ?? [:]).merging(["user": user["name"] ?? .null, "revoked": true]) { $1 })
            try output.tell(revoked, "\(user.text("name")) is no longer \(grantText(found))")
        }
    }
}

/// Where a role counts.
struct GrantScope: ParsableArguments {
    @OptionGroup var organisation: OrganisationOption
    @Flag(help: "In every organisation, and in the installation itself.") var everywhere = false
    @Option(
        help: ArgumentHelp("Only on hosts with these labels: site=berlin,tier in (web,api).", valueName: "selector"))
    var hosts: String?

    func validate() throws {
        guard !everywhere || organisation.organisation == nil else {
            throw ValidationError("say --organisation or --everywhere, not both")
        }
    }

    /// The organisation to look people up in: with --everywhere, all.
    var lookup: OrganisationOption { organisation }

    /// The grant as the API takes it.
    func grant(_ role: String, _ client: OperatorClient) throws -> JSONValue {
        let roles = ["viewer", "operator", "approver", "admin", "auditor"]
        guard roles.contains(role) else {
            throw CommandFailure.usage("there is no role \"\(role)\"; there are: \(roles.joined(separator: ", "))")
        }
        let id = organisation.id(client)
        guard everywhere || id != nil else {
            throw CommandFailure.usage("say where the role counts: --organisation ID, or --everywhere")
        }
        var grant: [String: JSONValue] = ["role": .string(role)]
        if !everywhere, let id { grant["organisation"] = .string(id) }
        if let hosts { grant["selector"] = .string(hosts) }
        return .object(grant)
    }
}
