import ArgumentParser
import JSON

/// `fettle users list | show | create | change | disable | enable | delete | link | end-sessions | reset-second-factor`.
struct UsersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users", abstract: "See and manage people.",
        discussion: """
            USER is the name that somebody logs in with, or their id. Roles: fettle roles.

            Examples:
              fettle users list
              fettle users create maria --display-name "Maria Rossi" --role operator --organisation berlin
              fettle users link maria
            """,
        subcommands: [
            List.self, Show.self, Create.self, Change.self, Disable.self, Enable.self, Delete.self, Link.self,
            EndSessions.self, ResetSecondFactor.self,
        ], defaultSubcommand: List.self, aliases: ["user"])

    static let columns: [Column] = [
        .member("name"), .member("displayName", "DISPLAY NAME"),
        Column("STATE") { user in
            user["disabled"]?.bool == true ? "disabled" : user["hasPassword"]?.bool == true ? "active" : "invited"
        },
        Column("ROLES") { ($0["grants"]?.array ?? []).map(grantText).joined(separator: "; ") },
        Column("SECOND FACTOR") { $0["hasSecondFactor"]?.bool == true ? "on" : "off" },
        .age("lastLogin", "LAST LOGIN"), .member("email", "EMAIL", wide: true), .member("id", "ID", wide: true),
        .age("created", "CREATED", wide: true),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List people.",
            discussion: """
                Examples:
                  fettle users list
                  fettle users list -o csv > people.csv
                  fettle users list --query '[?!hasSecondFactor].name'
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption

        func run() async throws {
            try await reading.run { client in
                Shown(try await client.list("/api/v1/users", [organisation.query(client)]), columns, empty: "no users")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one person.",
            discussion: """
                Examples:
                  fettle users show maria
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String

        func run() async throws {
            try await reading.run { client in
                let user = try await find(self.user, client, organisation)
                return Shown(item: user, csv: columns) { _ in
                    lines([
                        ("Name", user.text("name")), ("Called", user.text("displayName")),
                        ("Email", user.text("email")),
                        ("Id", user.text("id")), ("Disabled", user.text("disabled")),
                        ("Password", user["hasPassword"]?.bool == true ? "set" : "not set yet"),
                        ("Second factor", user["hasSecondFactor"]?.bool == true ? "on" : "off"),
                        ("Last login", age(user["lastLogin"]?.string)),
                    ])
                        + (user["grants"]?.array ?? []).enumerated().map { index, grant in
                            fieldLine(index == 0 ? "Roles" : "", "\(grantText(grant)) (\(grant.text("id")))")
                        }.joined()
                }
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a user and print a one-time link for their first login.",
            discussion: """
                Examples:
                  fettle users create maria --role operator --organisation berlin
                  fettle users create audit --role auditor --everywhere
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Argument(help: "What they log in with: small letters, digits and . _ - @.") var name: String
        @Option(help: "What people call them.") var displayName: String?
        @Option(help: "Their address.") var email: String?
        @Option(help: "A role: viewer, operator, approver, admin, auditor.") var role: String?
        @OptionGroup var scope: GrantScope

        func run() async throws {
            let client = try changing.data.client
            var body: [String: JSONValue] = ["name": .string(name)]
            if let displayName { body["displayName"] = .string(displayName) }
            if let email { body["email"] = .string(email) }
            if let role { body["grants"] = [try scope.grant(role, client)] }
            let roles = body["grants"]?.array?.map(grantText).joined() ?? "no role"
            guard changing.goesOn("make the user \(name) with \(roles)") else { return }
            let path = scope.organisation.path(client, "users")
            let user = try await client.post(path, .object(body))
            let link = try await client.post(
                scope.organisation.path(client, "users", user.text("id"), "login-links"))
            try output.show(user) { _ in
                say(
                    "\(name) is made; they log in once by this link, until \(link.text("expires")), and set a password:"
                )
                emit(link.text("url") + "\n")
            }
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what somebody is called.",
            discussion: """
                Examples:
                  fettle users change maria --display-name "Maria Rossi" --email maria@example.org
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String
        @Option(help: "What people call them.") var displayName: String?
        @Option(help: "Their address.") var email: String?

        func validate() throws {
            guard displayName != nil || email != nil else { throw ValidationError("say --display-name or --email") }
        }

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if let displayName { body["displayName"] = .string(displayName) }
            if let email { body["email"] = .string(email) }
            if let changed = try await change(changing, organisation, user, .object(body), "change", "changed") {
                try output.show(changed) { _ in }
            }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shut people out: their sessions end, their API tokens let nobody in.",
            discussion: """
                Examples:
                  fettle users disable maria --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their names or ids.") var users: [String]

        func run() async throws {
            if !changing.dryRun { try confirming.confirm("shut out \(users.joined(separator: ", "))") }
            try await changing.each(users, output) {
                try await change(changing, organisation, $0, ["disabled": true], "shut out", "shut out")
            }
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let people in again.",
            discussion: """
                Examples:
                  fettle users enable maria
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their names or ids.") var users: [String]

        func run() async throws {
            try await changing.each(users, output) {
                try await change(changing, organisation, $0, ["disabled": false], "let in", "let in again")
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove people with their sessions and API tokens; what they did stays in the audit log.",
            discussion: """
                Examples:
                  fettle users delete maria --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their names or ids.") var users: [String]

        func run() async throws {
            let client = try changing.data.client
            if !changing.dryRun { try confirming.confirm("remove \(users.joined(separator: ", "))") }
            try await changing.each(users, output) { name in
                let user = try await find(name, client, organisation)
                guard changing.goesOn("remove \(user.text("name")) (\(user.text("id")))") else { return nil }
                _ = try await client.delete(organisation.path(client, "users", user.text("id")))
                say("\(user.text("name")) is removed")
                return ["id": user["id"] ?? .null, "name": user["name"] ?? .null, "deleted": true]
            }
        }
    }

    struct Link: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a one-time link that logs somebody in.",
            discussion: """
                For a first login or a forgotten password; a second factor is still asked for. With an API token, as after
                fettle login, only for others who have no password yet; else use the pages or the server's own socket.

                Examples:
                  fettle users link maria --expires 24h
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String
        @Option(help: "How long it works: 10m, 24h; at most a day.") var expires = "10m"

        func run() async throws {
            let client = try changing.data.client
            guard let lifetime = seconds(expires), (60...86_400).contains(lifetime) else {
                throw CommandFailure.usage("--expires \(expires) is not a time between 1m and 24h")
            }
            let user = try await find(self.user, client, organisation)
            guard changing.goesOn("make a login link for \(user.text("name"))") else { return }
            let link = try await client.post(
                organisation.path(client, "users", user.text("id"), "login-links"), ["seconds": .integer(lifetime)])
            try output.show(link) { link in
                say("for \(link.text("user")), once, until \(link.text("expires")):")
                emit(link.text("url") + "\n")
            }
        }
    }

    struct EndSessions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "end-sessions", abstract: "End all of somebody's sessions.",
            discussion: """
                Examples:
                  fettle users end-sessions maria
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String

        func run() async throws {
            let client = try changing.data.client
            let user = try await find(self.user, client, organisation)
            guard changing.goesOn("end all sessions of \(user.text("name"))") else { return }
            _ = try await client.delete(organisation.path(client, "users", user.text("id"), "sessions"))
            try output.tell(
                ["id": user["id"] ?? .null, "name": user["name"] ?? .null, "sessionsEnded": true],
                "the sessions of \(user.text("name")) have ended")
        }
    }

    struct ResetSecondFactor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset-second-factor",
            abstract: "Turn somebody's second factor off, for who lost the phone, and end their sessions.",
            discussion: """
                Examples:
                  fettle users reset-second-factor maria --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their name or id.") var user: String

        func run() async throws {
            let client = try changing.data.client
            let user = try await find(self.user, client, organisation)
            guard changing.goesOn("turn the second factor of \(user.text("name")) off") else { return }
            try confirming.confirm("turn the second factor of \(user.text("name")) off")
            _ = try await client.delete(organisation.path(client, "users", user.text("id"), "second-factor"))
            try output.tell(
                ["id": user["id"] ?? .null, "name": user["name"] ?? .null, "hasSecondFactor": false],
                "the second factor of \(user.text("name")) is off")
        }
    }

    /// A user by name or id, among those whom one may see.
    static func find(
        _ name: String, _ client: OperatorClient, _ organisation: OrganisationOption
    ) async throws -> JSONValue {
        let users = try await client.list("/api/v1/users", [organisation.query(client)])
        guard let user = users.first(where: { $0.text("name") == name || $0.text("id") == name }) else {
            throw CommandFailure.notFound("there is no user \"\(name)\" that you may see; there are: fettle users list")
        }
        return user
    }

    private static func change(
        _ changing: Changing, _ organisation: OrganisationOption, _ name: String, _ body: JSONValue, _ verb: String,
        _ done: String
    ) async throws -> JSONValue? {
        let client = try changing.data.client
        let user = try await find(name, client, organisation)
        guard changing.goesOn("\(verb) \(user.text("name")) (\(user.text("id")))") else { return nil }
        let changed = try await client.patch(organisation.path(client, "users", user.text("id")), body)
        say("\(user.text("name")) is \(done)")
        return changed
    }
}
