import Foundation
import JSON
import Testing
import Wire

extension ServerTests {
    /// Commands that change something: what they do, what they only say, what they ask.
    @Suite struct ChangeCommandTests {
        @Test func peopleAndRolesAreManaged() async throws {
            try await TestServer.with { server in
                func command(_ words: String...) async throws -> CommandResult {
                    try await fettle(words + ["--data", server.folder])
                }
                #expect(try await command("users", "create", "maria", "--role", "operator").status == 2, "where?")
                #expect(try await command("users", "create", "maria", "--role", "boss", "--everywhere").status == 2)
                #expect(
                    try await command(
                        "users", "create", "maria", "--role", "operator", "--organisation", "default", "--dry-run"
                    )
                    .status == 0)
                #expect(try await command("users", "show", "maria").status == 3, "a dry run makes nobody")
                let made = try await command(
                    "users", "create", "maria", "--role", "operator", "--organisation", "default", "--display-name",
                    "Maria R")
                #expect(made.status == 0, "\(made.errors)")
                #expect(made.output.hasPrefix("https://"))
                #expect(try await command("users", "create", "maria").status == 1, "there is one")
                #expect(try await command("users", "change", "maria").status == 2)
                #expect(try await command("users", "change", "maria", "--email", "m@example.org").status == 0)
                let user = try await command("users", "show", "maria", "-o", "json").json
                #expect(user["email"]?.string == "m@example.org")
                #expect(user["displayName"]?.string == "Maria R")

                #expect(
                    try await command("roles", "grant", "maria", "viewer", "--everywhere", "--hosts", "site=berlin")
                        .status == 0)
                #expect(
                    try await command("roles", "grant", "maria", "viewer", "--everywhere", "--hosts", "((").status == 1)
                #expect(try await command("roles", "grant", "nobody", "viewer", "--everywhere").status == 3)
                let grants = try await command("roles", "list", "maria", "-o", "json").json.array ?? []
                #expect(grants.count == 2)
                let id = try #require(grants.first { $0["role"]?.string == "viewer" }?["id"]?.string)
                #expect(try await command("roles", "revoke", "maria", id).status == 2)
                #expect(try await command("roles", "revoke", "maria", id, "--dry-run").status == 0)
                #expect(try await command("roles", "revoke", "maria", id, "--yes").status == 0)
                #expect(try await command("roles", "revoke", "maria", id, "--yes").status == 3)

                #expect(try await command("users", "link", "maria").output.hasPrefix("https://"))
                #expect(try await command("users", "link", "maria", "--expires", "7d").status == 2)
                #expect(try await command("users", "disable", "maria").status == 2)
                #expect(try await command("users", "disable", "maria", "--yes").status == 0)
                #expect(try await command("users", "enable", "maria", "nobody").status == 5, "one of two")
                #expect(try await command("users", "enable", "nobody", "nowhere").status == 3)
                #expect(try await command("users", "end-sessions", "maria").status == 0)
                #expect(try await command("users", "reset-second-factor", "maria", "--yes").status == 0)
                #expect(try await command("users", "delete", "maria").status == 2)
                #expect(try await command("users", "delete", "maria", "--yes").status == 0)
                #expect(try await command("users", "show", "maria").status == 3)
                #expect(try await command("api-tokens", "create", "x", "--expires", "5m").status == 2)
                #expect(try await command("sessions", "end").status == 2)
            }
        }

        @Test func hostsAreLabelledScannedAndRetired() async throws {
            try await TestServer.with { server in
                func command(_ words: String...) async throws -> CommandResult {
                    try await fettle(words + ["--data", server.folder])
                }
                let token = try await server.token(uses: 2)
                var host = try await TestHost.enrol(server, hostname: "web1", token: token)
                _ = try await TestHost.enrol(server, hostname: "web2", token: token)
                #expect(try await command("hosts", "label", "web1").status == 2)
                #expect(try await command("hosts", "label", "a=b").status == 2)
                #expect(try await command("hosts", "label", "web1", "site=berlin", "--dry-run").status == 0)
                #expect(try await command("hosts", "labels", "web1", "-o", "json").json == [:])
                #expect(try await command("hosts", "label", "web1", "web2", "site=berlin", "tier=web").status == 0)
                #expect(try await command("hosts", "label", "web1", "nobody", "tier-", "x=").status == 5)
                #expect(try await command("hosts", "labels", "web1", "-o", "json").json == ["site": "berlin", "x": ""])
                let selected = try await command(
                    "hosts", "list", "--labels", "tier=web", "--query", "[].hostname", "-o", "json")
                #expect(selected.json == ["web2"])
                #expect(try await command("hosts", "list", "--labels", "((").status == 1)

                #expect(try await command("hosts", "scan", "web1", "nobody").status == 5)
                #expect(try await command("hosts", "scan", "nobody", "nowhere").status == 3)
                let late = try await command("hosts", "scan", "web1", "--wait", "--timeout", "1")
                #expect(late.status == 1)
                let waiting = try FettleCommand([
                    "hosts", "scan", "web1", "--wait", "--timeout", "20", "--data", server.folder,
                ])
                #expect(try await waiting.shows { $0.errors.contains("will scan") })
                try await host.reported(Truth())
                _ = try await host.checkedIn()
                let scanned = await waiting.ended()
                #expect(scanned.status == 0, "\(scanned.errors)")
                #expect(scanned.errors.contains("has scanned"))

                #expect(try await command("hosts", "renew", "web1").status == 0)
                #expect(try await command("hosts", "release", "web1").status == 1, "it is not in quarantine")
                #expect(try await command("hosts", "retire", "web2").status == 2)
                let dry = try await command("hosts", "retire", "web2", "--dry-run")
                #expect(dry.status == 0)
                #expect(dry.errors.contains("would retire web2"))
                #expect(try await command("hosts", "retire", "nobody", "--dry-run").status == 3)
                #expect(try await server.host("web2")["status"]?.string == "active")
                let asked = try await fettleOnTerminal(
                    ["hosts", "retire", "web2", "--data", server.folder], typed: "n\n")
                #expect(asked.status == 1)
                #expect(try await server.host("web2")["status"]?.string == "active")
                let told = try await fettleOnTerminal(
                    ["hosts", "retire", "web2", "--data", server.folder], typed: "y\n")
                #expect(told.status == 0, "\(told.output)")
                #expect(try await server.host("web2")["status"]?.string == "retired")
            }
        }

        @Test func theInstallationIsManaged() async throws {
            try await TestServer.with { server in
                func command(_ words: String...) async throws -> CommandResult {
                    try await fettle(words + ["--data", server.folder])
                }
                #expect(try await command("organisations", "create", "berlin", "--dry-run").status == 0)
                #expect(try await command("organisations", "show", "berlin").status == 3)
                #expect(try await command("organisations", "create", "berlin", "--name", "Berlin").output == "berlin\n")
                #expect(try await command("organisations", "create", "berlin").status == 1)
                #expect(try await command("orgs", "rename", "berlin", "Potsdam").status == 0)
                #expect(
                    try await command("organisations", "show", "berlin", "-o", "json").json["name"]?.string == "Potsdam"
                )
                #expect(try await command("organisations", "rename", "nowhere", "x").status == 3)
                #expect(try await command("hosts", "list", "--organisation", "nowhere").status == 3)

                #expect(try await command("tokens", "create", "--label", "nonsense").status == 2)
                let made = try await command(
                    "tokens", "create", "--organisation", "berlin", "--label", "site=mitte", "--note", "for tests",
                    "-o", "json")
                #expect(made.json["labels"] == ["site": "mitte"])
                let id = try #require(made.json["id"]?.string)
                #expect(try await command("tokens", "show", id).status == 3, "it is another organisation's")
                #expect(try await command("tokens", "revoke", id, "--organisation", "berlin", "--dry-run").status == 0)
                #expect(
                    try await command("tokens", "show", id, "--organisation", "berlin", "-o", "json").json["state"]
                        == "good")
                #expect(try await command("tokens", "revoke", id, "--organisation", "berlin").status == 0)

                #expect(try await command("authority", "rotate").status == 2)
                #expect(try await command("authority", "rotate", "--dry-run").status == 0)
                let before = try await command("authority", "-o", "json").json
                #expect(try await command("authority", "rotate", "--yes").status == 0)
                #expect(try await command("authority", "-o", "json").json != before)
                #expect(try await command("server", "acknowledge-restore", "--dry-run").status == 1)
                #expect(try await command("login-link").output.hasPrefix("https://"))
                #expect(try await command("login-link", "--dry-run").output.isEmpty)
                #expect(try await command("search", "x", "--limit", "0").status == 2)
            }
        }
    }
}
