import Foundation
import Glibc
import JSON
import NIOHTTP1
import NIOSSL
import Testing

@testable import Server

extension ServerTests {
    /// Contexts and logins of the built `fettle`, over real TLS.
    @Suite struct ContextCommandTests {
        @Test func contextsAreTheirOwnersAlone() async throws {
            let home = try temporaryFolder()
            let environment = ["XDG_CONFIG_HOME": home]
            func context(_ words: String...) async throws -> CommandResult {
                try await fettle(["context"] + words, environment: environment)
            }
            #expect(try await context("list", "-o", "json").output == "[]\n")
            #expect(try await context("use", "nowhere").status == 3)
            #expect(try await context("use", "local").status == 0)
            #expect(try await context("add", "local", "--server", "https://localhost:1").status == 2)
            #expect(try await context("add", "a b", "--server", "https://localhost:1").status == 2)
            #expect(try await context("add", "a", "--server", "http://localhost:1").status == 2)
            #expect(try await context("add", "a", "--server", "https://localhost:1/x").status == 2)
            #expect(try await context("add", "a", "--server", "https://localhost:1", "--ca-pin", "12").status == 2)
            #expect(try await context("add", "a", "--server", "https://localhost:1").status == 1, "nobody is there")

            try await TestServer.with { server in
                let pin = try await pin(server)
                let address = "https://localhost:\(server.port("web"))"
                #expect(try await context("add", "a", "--server", address).status == 2, "nothing is trusted silently")
                #expect(try await context("add", "a", "--server", address, "--ca-pin", pin, "--use").status == 0)
                #expect(try await context("add", "a", "--server", address, "--ca-pin", pin).status == 1, "it exists")
                let file = "\(home)/fettle/contexts.json"
                #expect(try mode(file) == 0o600)
                #expect(try mode("\(home)/fettle") == 0o700)
                let list = try await context("list", "-o", "json")
                #expect(list.json[0]?["current"] == true)
                #expect(list.json[0]?["authority"]?.string == "sha256:\(pin)")
                #expect(try await fettle(["hosts", "list"], environment: environment).status == 4, "not logged in")
                #expect(try await context("show").output.contains(address))
                #expect(try await context("show", "nowhere").status == 3)

                // The socket stays within reach.
                for words in [["--data", server.folder], ["--context", "local", "--help"]] {
                    #expect(try await fettle(["whoami"] + words, environment: environment).status == 0)
                }
                #expect(
                    try await fettle(["whoami", "--data", "x", "--context", "a"], environment: environment).status == 2)
                var variables = environment
                variables["FETTLE_DATA"] = server.folder
                #expect(try await fettle(["whoami"], environment: variables).output.contains("operator:socket"))
                variables["FETTLE_CONTEXT"] = "a"
                #expect(try await fettle(["whoami"], environment: variables).status == 4)
                variables["FETTLE_CONTEXT"] = "b"
                #expect(try await fettle(["whoami"], environment: variables).status == 3)

                chmod(file, 0o640)
                let refused = try await context("list")
                #expect(refused.status == 4)
                #expect(refused.errors.contains("chmod 600 \(file)"))
                #expect(try await fettle(["hosts", "list"], environment: environment).status == 4)
                chmod(file, 0o600)
                #expect(try await context("delete", "a").status == 2, "nobody can be asked")
                #expect(try await context("delete", "a", "--dry-run").status == 0)
                #expect(try await context("delete", "a", "--yes").status == 0)
                #expect(try await context("list", "-o", "name").output == "")

                try "{".write(toFile: file, atomically: false, encoding: .utf8)
                #expect(try await context("list").errors.contains(file))
            }
        }

        @Test func peopleLogInByBrowser() async throws {
            try await TestServer.with { server in
                let home = try temporaryFolder()
                let environment = ["XDG_CONFIG_HOME": home]
                try await server.user("maria", grants: [["role": "viewer", "organisation": "default"]])
                let browser = try await server.browser("maria")
                let address = "https://localhost:\(server.port("web"))"
                let pin = try await pin(server)
                let wrong = String(pin.reversed())
                #expect(
                    try await fettle(["login", address, "--ca-pin", wrong], environment: environment).status == 4)
                let silent = try await fettle(["login", address], environment: environment)
                #expect(silent.status == 2)
                #expect(silent.errors.contains(pin))
                #expect(!FileManager.default.fileExists(atPath: "\(home)/fettle/contexts.json"))
                #expect(try await fettle(["login"], environment: environment).status == 2)

                /// Begins a login and gives its code.
                func login(_ words: String...) async throws -> (FettleCommand, String) {
                    let command = try FettleCommand(["login"] + words, environment: environment)
                    #expect(try await command.shows { $0.errors.contains("Code: ") && $0.output.contains("\n") })
                    let seen = command.seen
                    let code = seen.errors.components(separatedBy: "Code: ").last?.prefix(9) ?? ""
                    #expect(seen.output == "\(address)/device?code=\(code)\n")
                    return (command, String(code))
                }
                let (denied, no) = try await login(address, "--ca-pin", pin.uppercased(), "--name", "work")
                try await decide(browser, no, false)
                #expect(await denied.ended().status == 4)
                let (allowed, yes) = try await login(address, "--ca-pin", pin, "--name", "work")
                try await decide(browser, yes, true)
                let done = await allowed.ended()
                #expect(done.status == 0, "\(done.errors)")
                #expect(done.errors.contains("as maria"))
                #expect(try mode("\(home)/fettle/contexts.json") == 0o600)

                let me = try await fettle(["whoami", "-o", "json"], environment: environment)
                #expect(me.json["user"]?["name"]?.string == "maria")
                #expect(me.json["credential"]?.string == "apiToken")
                #expect(try await fettle(["hosts", "list"], environment: environment).status == 0)
                let forbidden = try await fettle(["tokens", "create"], environment: environment)
                #expect(forbidden.status == 4, "a viewer makes no tokens: \(forbidden.errors)")
                #expect(try await fettle(["users", "show", "nobody"], environment: environment).status == 4)
                let tokens = try await fettle(["api-tokens", "list", "-o", "json"], environment: environment)
                #expect(tokens.json.array?.count == 1)

                // A token made by the first serves a program.
                let made = try await fettle(
                    ["api-tokens", "create", "ci", "--scopes", "hosts:read", "--expires", "1d"],
                    environment: environment)
                #expect(made.status == 0, "\(made.errors)")
                let added = try await fettle(
                    ["context", "add", "ci", "--server", address, "--ca-pin", pin, "--token-file", "-"],
                    input: made.output, environment: environment)
                #expect(added.status == 0, "\(added.errors)")
                #expect(try await fettle(["hosts", "list", "--context", "ci"], environment: environment).status == 0)
                var variables = environment
                variables["FETTLE_TOKEN"] = "fettle_nonsense"
                #expect(try await fettle(["whoami"], environment: variables).status == 4)

                // Another server under the same address: nothing is sent to it.
                let file = "\(home)/fettle/contexts.json"
                let text = try String(contentsOfFile: file, encoding: .utf8)
                let last = try #require(try server.authorities().last)
                let other = Data(try last.toDERBytes()).base64EncodedString()
                var contexts = try #require(try JSONValue(parsing: Array(text.utf8), limits: .message).object)
                var all = contexts["contexts"]?.object ?? [:]
                var work = all["work"]?.object ?? [:]
                work["authority"] = .string("-----BEGIN CERTIFICATE-----\n\(other)\n-----END CERTIFICATE-----\n")
                all["work"] = .object(work)
                contexts["contexts"] = .object(all)
                try Data(JSONValue.object(contexts).canonicalBytes()).write(to: URL(filePath: file))
                chmod(file, 0o600)
                let strange = try await fettle(["hosts", "list"], environment: environment)
                #expect(strange.status == 4)
                #expect(strange.errors.contains("Nothing was sent"))
                try Data(text.utf8).write(to: URL(filePath: file))
                chmod(file, 0o600)

                let token = try #require(all["work"]?["token"]?.string)
                #expect(try await server.bearer(token).status == 200)
                #expect(try await fettle(["logout"], environment: environment).status == 0)
                #expect(try await server.bearer(token).status == 401)
                #expect(try await fettle(["hosts", "list"], environment: environment).status == 4)
                #expect(try await fettle(["hosts", "list", "--context", "ci"], environment: environment).status == 0)

                // Again, without a question: what was pinned stays pinned.
                let (again, code) = try await login()
                try await decide(browser, code, true)
                #expect(await again.ended().status == 0)
                #expect(try await fettle(["whoami"], environment: environment).status == 0)
            }
        }

        @Test func theFirstSightOfAnAuthorityIsAsked() async throws {
            try await TestServer.with { server in
                let environment = ["XDG_CONFIG_HOME": try temporaryFolder()]
                let address = "https://127.0.0.1:\(server.port("web"))"
                let pin = try await pin(server)
                let no = try await fettleOnTerminal(
                    ["context", "add", "a", "--server", address], typed: "n\n", environment: environment)
                #expect(no.status == 4, "\(no.output)")
                #expect(no.output.contains(pin))
                let yes = try await fettleOnTerminal(
                    ["context", "add", "a", "--server", address], typed: "y\n", environment: environment)
                #expect(yes.status == 0, "\(yes.output)")
                let list = try await fettle(["context", "list", "-o", "json"], environment: environment)
                #expect(list.json[0]?["authority"]?.string == "sha256:\(pin)")
            }
        }

        private func pin(_ server: TestServer) async throws -> String {
            let authorities = try await server.api(.GET, "authorities").json["items"]?.array ?? []
            return try #require(authorities.first { $0["role"]?.string == "issues" }?["pin"]?.string)
        }

        private func decide(_ browser: TestBrowser, _ code: String, _ approve: Bool) async throws {
            let answer = try await browser.send(
                .POST, "/api/v1/device/authorisations/\(code)/decision", ["approve": .bool(approve)])
            #expect(answer.status == 204, "\(answer.text)")
        }

        private func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        }
    }
}
