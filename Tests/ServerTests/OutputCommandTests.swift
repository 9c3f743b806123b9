import Foundation
import Glibc
import JSON
import Testing
import Wire

extension ServerTests {
    /// What the built `fettle` prints, read by real parsers, on pipes and terminals.
    @Suite struct OutputCommandTests {
        @Test func everyFormatIsReadBack() async throws {
            try await TestServer.with { server in
                let token = try await server.token(uses: 3)
                for name in ["web1", "web2", "=cmd()"] {
                    var host = try await TestHost.enrol(server, hostname: name, token: token)
                    if name == "web1" {
                        try await host.reported(Truth())
                        _ = try await host.checkedIn()
                    }
                }
                func hosts(_ words: String...) async throws -> CommandResult {
                    try await fettle(["hosts", "list", "--data", server.folder] + words)
                }
                let json = try await hosts("-o", "json")
                #expect(json.json.array?.count == 3)
                let yaml = try await hosts("-o", "yaml")
                let read = try await run(
                    "/usr/bin/python3",
                    ["-c", "import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"],
                    input: yaml.output)
                #expect(read.status == 0, "\(read.errors)")
                #expect(read.json == json.json)

                let csv = try await hosts("-o", "csv")
                let rows = try await run(
                    "/usr/bin/python3",
                    ["-c", "import sys, json, csv; json.dump(list(csv.DictReader(sys.stdin)), sys.stdout)"],
                    input: csv.output)
                #expect(rows.json.array?.count == 3)
                #expect(
                    rows.json.array?.contains { $0["HOST"]?.string == "web1" && $0["STATUS"]?.string == "active" }
                        == true)
                #expect(rows.json.array?.contains { $0["HOST"]?.string == "'=cmd()" } == true, "a formula is text")
                #expect(rows.json[0]?["ENROLLED"]?.string?.hasSuffix("Z") == true, "times are exact")

                let names = try await hosts("-o", "name").output.split(separator: "\n").map(String.init)
                #expect(names == json.json.array?.compactMap { $0["id"]?.string })
                #expect(try await hosts("-o", "wide").output.contains("ENROLLED"))
                #expect(try await !hosts().output.contains("ENROLLED"))
                #expect(try await hosts("-o", "xml").status == 2)

                #expect(
                    try await hosts("--query", "[].hostname | sort(@)", "-o", "json").json == [
                        "=cmd()", "web1", "web2",
                    ])
                let table = try await hosts("--query", "[?hostname=='web1'].{host: hostname, a: status}").output
                #expect(table == "HOST  A\nweb1  active\n")
                #expect(try await hosts("--query", "length(@)").output == "3\n")
                #expect(try await hosts("--query", "[].hostname", "-o", "csv").output.contains("'=cmd()\r\n"))
                #expect(try await hosts("--query", "[", "-o", "json").status == 2)
                #expect(try await hosts("--query", "sum(@)").status == 1)
                #expect(try await hosts("--query", "[]", "-o", "name").status == 2)

                for filter in [
                    "--security", "--pending", "--silent", "--reboot", "--unjudged", "--stale", "--broken",
                    "--restarts",
                    "--package=package0", "--sort=-last-seen", "--status=active", "--labels=!x", "--name-contains=web",
                ] {
                    let result = try await hosts(filter)
                    #expect(result.status == 0, "\(filter): \(result.errors)")
                }
                #expect(try await hosts("--sort", "-name", "--query", "[0].hostname").output == "web2\n")
                #expect(try await hosts("--sort", "odd").status == 1)

                for format in ["table", "wide", "json", "yaml", "csv", "name"] {
                    for command in [
                        ["hosts", "show", "web1"], ["hosts", "diff", "web1"], ["hosts", "history", "web1"],
                        ["hosts", "labels", "web1"], ["hosts", "timeline", "web1"], ["patches"],
                        ["patches", "--host", "web1"], ["search", "web"],
                        ["tokens", "list"], ["tokens", "show", token.id], ["users", "list"], ["roles", "list"],
                        ["api-tokens", "list", "--user", "nobody"], ["organisations", "list"],
                        ["organisations", "show", "default"], ["server", "status"], ["authority", "show"],
                        ["audit", "list"], ["audit", "key"], ["whoami"], ["hosts", "show", "nobody"],
                    ] {
                        let result = try await fettle(command + ["-o", format, "--data", server.folder])
                        #expect(
                            result.status == (command.contains("nobody") ? 3 : 0),
                            "\(command) \(format): \(result.errors)")
                        if format == "json", result.status == 0 { #expect(result.json != .null, "\(command)") }
                    }
                }
            }
        }

        @Test func whatWasChangedIsPrintedForPrograms() async throws {
            try await TestServer.with { server in
                func done(_ words: String..., query: String) async throws -> String {
                    let result = try await fettle(words + ["-o", "json", "--query", query, "--data", server.folder])
                    #expect(result.status == 0, "\(words): \(result.errors)")
                    return result.output
                }
                _ = try await done("users", "create", "maria", "--role", "viewer", "--everywhere", query: "name")
                let changed = try await done("users", "change", "maria", "--email", "m@example.org", query: "email")
                #expect(changed == "\"m@example.org\"\n")
                #expect(try await done("users", "disable", "maria", "--yes", query: "[].disabled | [0]") == "true\n")
                #expect(try await done("users", "enable", "maria", query: "[].disabled | [0]") == "false\n")
                #expect(try await done("users", "end-sessions", "maria", query: "sessionsEnded") == "true\n")
                let factor = try await done("users", "reset-second-factor", "maria", "--yes", query: "hasSecondFactor")
                #expect(factor == "false\n")
                let grant = try await fettle(
                    ["roles", "list", "maria", "--query", "[0].id", "--data", server.folder]
                ).output.trimmingCharacters(in: .newlines)
                #expect(try await done("roles", "revoke", "maria", grant, "--yes", query: "role") == "\"viewer\"\n")
                #expect(try await done("users", "delete", "maria", "--yes", query: "[].name") == "[\n  \"maria\"\n]\n")
                #expect(try await done("organisations", "rename", "default", "Home", query: "name") == "\"Home\"\n")
                #expect(try await done("organisations", "approvals", "default", query: "approvalsRequired") == "1\n")
                let two = try await done("organisations", "approvals", "default", "2", query: "approvalsRequired")
                #expect(two == "2\n")
                let on = try await done("organisations", "changelogs", "default", "on", query: "readsChangelogs")
                #expect(on == "true\n")
                let key = try await done("audit", "rotate-key", "--yes", query: "type(key)")
                #expect(key == "\"string\"\n")
                #expect(try await done("authority", "rotate", "--yes", query: "type(number)") == "\"number\"\n")
                // Nothing was done: nothing is printed.
                let dry = try await fettle(
                    ["organisations", "rename", "default", "Away", "--dry-run", "-o", "json", "--data", server.folder])
                #expect(dry.status == 0 && dry.output.isEmpty)
                _ = try await done("users", "create", "otto", "--role", "viewer", "--everywhere", query: "name")
                let several = try await fettle(
                    ["users", "disable", "otto", "--dry-run", "-o", "json", "--data", server.folder])
                #expect(several.status == 0 && several.output.isEmpty, "\(several)")
                for isNew in [true, false] {
                    let database = "sqlite:\(server.folder)/other.sqlite"
                    let done = try await fettle(["db", "migrate", "-o", "json", "--database", database])
                    #expect(done.json == ["changed": .bool(isNew)], "\(done)")
                }
            }
        }

        @Test func toolsPrintForPrograms() async throws {
            #expect(
                try await fettle(["version", "compare", "deb", "1.0~rc1-1", "1.0-1", "-o", "json"]).json
                    == ["a": "1.0~rc1-1", "b": "1.0-1", "order": "<"])
            let pairs = try await fettle(
                ["version", "compare", "deb", "-", "-o", "json", "--query", "[].order"], input: "1\t2\n2\t2\n-\t\n")
            #expect(pairs.json == ["<", "=", "?"] && pairs.status == 1, "\(pairs.errors)")
            #expect(
                try await fettle(["version", "key", "deb", "1.0-1", "-o", "json"]).json["version"] == "1.0-1")
            #expect(
                try await fettle(["version", "key", "deb", "-", "-o", "json"], input: "1\n2\n").json.array?.count == 2)
            let keys = try await fettle(["version", "key", "deb", "-", "-o", "json"], input: "1\n1_0\n2\n")
            #expect(keys.status == 1 && keys.json.array?.count == 3 && keys.json[1]?["key"] == .null, "\(keys)")
            #expect(keys.errors.contains("line 2") && keys.errors.contains("1 of 3 versions"), "\(keys)")
            #expect(
                try await fettle(["version", "schemes", "--query", "contains([].name, 'rpm')"]).output == "true\n")
            let score = try await fettle(["cvss", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "-o", "json"]).json
            #expect(
                score == [
                    "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "version": "3.1", "base": .number(9.8),
                    "temporal": .number(9.8), "environmental": .number(9.8), "severity": "critical", "name": "CVSS-B",
                ])
            let scores = try await fettle(["cvss", "-", "-o", "json"], input: "AV:N/AC:L/Au:N/C:C/I:C/A:C\nodd\n")
            #expect(scores.json[0]?["base"] == 10 && scores.json[1]?["base"] == .null && scores.status == 1)
            #expect(try await fettle(["policy", "schema", "--query", "type(@)"]).output == "object\n")
        }

        @Test func controlCharactersReachNoTerminal() async throws {
            try await TestServer.with { server in
                let made = try await fettle(
                    ["organisations", "create", "evil", "--name", "a\u{9B}31mb\u{202E}c", "--data", server.folder])
                #expect(made.status == 0 || made.status == 1)
                for format in ["table", "wide", "json", "yaml", "csv", "name"] {
                    let text = try await fettle(["organisations", "list", "-o", format, "--data", server.folder]).output
                    #expect(
                        !text.unicodeScalars.contains { $0.value == 0x9B || $0.value == 0x202E || $0.value == 0x1B })
                }
                let said = try await fettle(["hosts", "show", "\u{1B}]0;x\u{7}", "--data", server.folder])
                #expect(said.status == 3 || said.status == 1)
                #expect(!said.errors.contains("\u{1B}"))
            }
        }

        @Test func watchingFollowsChanges() async throws {
            try await TestServer.with { server in
                let token = try await server.token(uses: 2)
                _ = try await TestHost.enrol(server, hostname: "web1", token: token)
                let command = try FettleCommand(
                    ["hosts", "list", "--watch", "1", "--query", "[].hostname", "--data", server.folder])
                #expect(try await command.shows { $0.output == "web1\n" })
                _ = try await TestHost.enrol(server, hostname: "web2", token: token)
                #expect(try await command.shows { $0.output == "web1\n\nweb1\nweb2\n" }, "\(command.seen.output)")
                command.send(SIGTERM)
                _ = await command.ended()
                #expect(try await fettle(["hosts", "list", "--watch", "0", "--data", server.folder]).status == 2)
            }
        }

        @Test func coloursAreForTerminals() async throws {
            try await TestServer.with { server in
                let list = ["hosts", "list", "--data", server.folder]
                #expect(try await fettleOnTerminal(list, environment: ["TERM": "xterm"]).output.contains("\u{1B}[1m"))
                for environment in [["TERM": "xterm", "NO_COLOR": "1"], ["TERM": "dumb"]] {
                    let output = try await fettleOnTerminal(list, environment: environment).output
                    #expect(output.contains("HOST"))
                    #expect(!output.contains("\u{1B}"))
                }
                #expect(try await !fettle(list, environment: ["TERM": "xterm"]).output.contains("\u{1B}"))
            }
        }

        @Test func aClosedPipeIsNoCrash() async throws {
            let script = "\"$0\" completion bash | head -n 1; echo \"${PIPESTATUS[0]}\""
            let result = try await run("/bin/bash", ["-c", script, FettleCommand.program])
            #expect(result.errors.isEmpty)
            #expect(["0", "141"].contains(result.output.split(separator: "\n").last ?? ""))
            let closed = try await run("/bin/bash", ["-c", "\"$0\" --help >/dev/full", FettleCommand.program])
            #expect(closed.status == 1)
        }
    }
}
