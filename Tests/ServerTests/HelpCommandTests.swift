import Foundation
import JSON
import Testing

extension ServerTests {
    /// Help, manual pages and completions: made of the same definitions, and read by those who read them.
    @Suite struct HelpCommandTests {
        @Test func everyCommandHasExamples() async throws {
            let tool = try await fettle(["--experimental-dump-help"])
            let limits = JSONLimits(
                maximumBytes: 8 << 20, maximumDepth: 32, maximumItems: 400_000, maximumStringBytes: 1 << 16)
            let root = try #require(try JSONValue(parsing: Array(tool.output.utf8), limits: limits)["command"])
            var count = 0
            func check(_ command: JSONValue, _ path: String) {
                let name = command["commandName"]?.string ?? ""
                guard name != "help", command["shouldDisplay"]?.bool != false else { return }
                count += 1
                let place = path + " " + name
                #expect(
                    command["discussion"]?.string?.contains("Examples:\n  fettle") == true, "\(place) has no examples")
                #expect(command["abstract"]?.string?.isEmpty == false, "\(place) does not say what it does")
                for argument in command["arguments"]?.array ?? [] where argument["shouldDisplay"]?.bool != false {
                    #expect(
                        argument["abstract"]?.string?.isEmpty == false,
                        "\(place): \(argument["valueName"]?.string ?? "")")
                }
                for inner in command["subcommands"]?.array ?? [] { check(inner, place) }
            }
            check(root, "")
            #expect(count > 70, "\(count)")
            let help = try await fettle(["--help"])
            for (code, word) in [(0, "done"), (1, "failed"), (2, "usage"), (3, "exist"), (4, "allowed"), (5, "some")] {
                #expect(help.output.replacing("\n", with: " ").contains("\(code) ") && help.output.contains(word))
            }
        }

        /// What prints a result prints it for programs too. Left out is what runs on, and what prints a document or a stream
        /// of a form of its own.
        @Test func everyCommandPrintsJSON() async throws {
            let others: Set<String> = [
                "fettle up", "fettle serve", "fettle signer run", "fettle completion", "fettle man",
                "fettle audit export", "fettle campaign log", "fettle campaign watch",
            ]
            let tool = try await fettle(["--experimental-dump-help"])
            let limits = JSONLimits(
                maximumBytes: 8 << 20, maximumDepth: 32, maximumItems: 400_000, maximumStringBytes: 1 << 16)
            let root = try #require(try JSONValue(parsing: Array(tool.output.utf8), limits: limits)["command"])
            var without: Set<String> = []
            var count = 0
            func check(_ command: JSONValue, _ path: [String]) {
                let path = path + [command["commandName"]?.string ?? ""]
                let inner = (command["subcommands"]?.array ?? []).filter { $0["commandName"] != "help" }
                for command in inner where command["shouldDisplay"]?.bool != false { check(command, path) }
                guard inner.isEmpty else { return }
                count += 1
                let names = (command["arguments"]?.array ?? []).flatMap { $0["names"]?.array ?? [] }
                // What is judged has formats of its own kind, JSON among them.
                let name = path.joined(separator: " ")
                let isThere =
                    names.contains { $0["name"] == "o" && $0["kind"] == "short" }
                    && names.contains { $0["name"] == "output" }
                    && (name == "fettle match" || names.contains { $0["name"] == "query" })
                if !isThere { without.insert(name) }
            }
            check(root, [])
            #expect(without == others)
            #expect(count > 100, "\(count)")
        }

        @Test func manualPagesAreClean() async throws {
            let folder = try temporaryFolder()
            let made = try await fettle(["man", "--folder", folder])
            #expect(made.status == 0, "\(made.errors)")
            let pages = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(pages.contains("fettle.1") && pages.contains("fettle-hosts.1") && pages.count > 20)
            let lint = try await run(
                "/usr/bin/mandoc", ["-T", "lint", "-W", "warning"] + pages.map { "\(folder)/\($0)" })
            #expect(lint.status == 0, "\(lint.output)\(lint.errors)")
            let page = try await fettle(["man", "hosts"])
            let shown = try await run("/usr/bin/mandoc", ["-T", "markdown"], input: page.output)
            #expect(shown.output.contains("fettle hosts label web1 site=berlin"))
            #expect(shown.output.contains("EXIT STATUS"))
            #expect(try await fettle(["man", "nonsense"]).status == 3)
            // The agent's, of its own definitions.
            let agent = URL(filePath: FettleCommand.program).deletingLastPathComponent().appending(path: "fettle-agent")
            let dump = try await run(agent.path(percentEncoded: false), ["--experimental-dump-help"])
            let manual = try await fettle(["man", "--definitions"], input: dump.output)
            #expect(manual.status == 0, "\(manual.errors)")
            let file = folder + "/fettle-agent.8"
            try manual.output.write(toFile: file, atomically: true, encoding: .utf8)
            let checked = try await run("/usr/bin/mandoc", ["-T", "lint", "-W", "warning", file])
            #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
            for word in ["fettle-agent enroll", "fettle-agent status", "Exit codes"] {
                #expect(manual.output.replacing("\\-", with: "-").contains(word), "\(word)")
            }
        }

        @Test func completionsAreReadByTheirShells() async throws {
            for (shell, program) in [("bash", "/bin/bash"), ("zsh", "/usr/bin/zsh"), ("fish", "/usr/bin/fish")] {
                let script = try await fettle(["completion", shell])
                #expect(script.status == 0)
                #expect(script.output.contains("api-tokens"))
                let file = try temporaryFolder() + "/completion"
                try script.output.write(toFile: file, atomically: true, encoding: .utf8)
                let check = try await run(program, ["-n", file])
                #expect(check.status == 0, "\(shell): \(check.errors)")
            }
            #expect(try await fettle(["completion", "csh"]).status == 2)
        }

        @Test func bashCompletesHostNames() async throws {
            try await TestServer.with { server in
                let token = try await server.token(uses: 2)
                for name in ["web1", "web2"] { _ = try await TestHost.enrol(server, hostname: name, token: token) }
                let script = """
                    PATH=$(dirname "$0"):$PATH
                    source <("$0" completion bash)
                    COMP_WORDS=(fettle hosts show --data "$1" we); COMP_CWORD=5; COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
                    _fettle fettle we "$1"
                    printf '%s\\n' "${COMPREPLY[@]}"
                    """
                let result = try await run("/bin/bash", ["-c", script, FettleCommand.program, server.folder])
                #expect(
                    result.output.contains("web1") && result.output.contains("web2"),
                    "\(result.output) \(result.errors)")
            }
        }
    }
}
