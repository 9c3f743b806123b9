import Foundation
import Glibc
import JSON
import NIOHTTP1
import Testing
import Wire

extension ServerTests {
    /// The built `fettle` against a server in this process.
    @Suite struct CommandTests {
        @Test func versionsAreCompared() async throws {
            #expect(try await fettle(["version", "compare", "deb", "1.0~rc1-1", "1.0-1"]).output == "<\n")
            #expect(try await fettle(["version", "compare", "deb", "1:0-1", "9-1"]).output == ">\n")
            #expect(try await fettle(["version", "compare", "deb", "1.0", "1.0-0"]).output == "=\n")
            let pairs = try await fettle(["version", "compare", "deb", "-"], input: "1\t2\n2\t1\n1\t1\n")
            #expect(pairs.output == "<\n>\n=\n")
            let bad = try await fettle(["version", "compare", "deb", "1.0", "1_0"])
            #expect(bad.status == 1)
            #expect(bad.output.isEmpty)
            #expect(bad.errors.contains("1_0"))
            let line = try await fettle(["version", "compare", "deb", "-"], input: "1\t2\nx y\n")
            #expect(line.status == 1)
            #expect(line.errors.contains("line 2"))
            #expect(try await fettle(["version", "compare", "nonsense", "1", "2"]).status == 2)
        }

        @Test func aLoginLinkIsPrintedForWhoMayOpenTheSocket() async throws {
            try await TestServer.with { server in
                let made = try await fettle(["login-link", "--data", server.folder])
                #expect(made.status == 0)
                let url = made.output.trimmingCharacters(in: .newlines)
                #expect(url.hasPrefix("https://"))
                #expect(url.contains(":\(server.port("web"))/login/link/"))
                #expect(made.errors.contains("as admin"))
                #expect(try await fettle(["login-link", "nobody", "--data", server.folder]).status == 3)
            }
        }

        @Test func exitCodesTellWhatWentWrong() async throws {
            #expect(try await fettle(["nonsense"]).status == 2)
            #expect(try await fettle(["--help"]).status == 0)
            let away = try await fettle(["hosts", "list", "--data", "/tmp/no-server-here"])
            #expect(away.status == 4)
            #expect(away.output.isEmpty)
            #expect(away.errors.contains("fettle serve --data /tmp/no-server-here"))
            try await TestServer.with { server in
                let missing = try await fettle(["hosts", "show", "nobody", "--data", server.folder])
                #expect(missing.status == 3)
                #expect(missing.errors.contains("nobody"))
                #expect(
                    try await fettle(["tokens", "create", "--expires", "soon", "--data", server.folder]).status == 2)
                #expect(try await fettle(["server", "acknowledge-restore", "--data", server.folder]).status == 1)
            }
        }

        @Test func hostsPatchesAndTokensAreShown() async throws {
            try await TestServer.with { server in
                let made = try await fettle(["tokens", "create", "--uses", "2", "--data", server.folder])
                let token = try EnrolmentToken(parsing: made.output)
                var host = try await TestHost.enrol(server, token: token)
                try await host.reported(Truth())
                _ = try await host.checkedIn()

                let list = try await fettle(["hosts", "list", "--data", server.folder])
                let lines = list.output.split(separator: "\n")
                #expect(lines.count == 2)
                #expect(lines[0].hasPrefix("ID") && lines[0].contains("PENDING"))
                #expect(lines[1].contains("web1") && lines[1].contains("active"))
                #expect(!list.output.contains("\u{1B}"), "no colours where nobody looks")
                let json = try JSONValue(
                    parsing: Array(
                        try await fettle(["hosts", "list", "-o", "json", "--data", server.folder]).output.utf8),
                    limits: .facts)
                #expect(json[0]?["id"]?.string == host.id)

                for name in [host.id, String(host.id.prefix(10)), "web1"] {
                    let show = try await fettle(["hosts", "show", name, "--data", server.folder])
                    #expect(show.output.contains("package0") && show.output.contains("9.9-1"))
                    #expect(show.output.contains("Reboot:       not needed"))
                    #expect(show.output.contains("Unknown:"))
                }
                let patches = try await fettle(["patches", "--security", "--data", server.folder]).output
                #expect(patches.contains("package0"))
                #expect(
                    try await fettle(["patches", "--host", "web1", "--data", server.folder]).output.contains(
                        "upgradable"))
                let tokens = try await fettle(["tokens", "list", "--data", server.folder]).output
                #expect(tokens.contains("1/2"))
                #expect(!tokens.contains(token.secret))
                #expect(try await fettle(["tokens", "revoke", token.id, "--data", server.folder]).status == 0)
                #expect(try await fettle(["tokens", "revoke", "t-unknown", "--data", server.folder]).status == 3)
                #expect(try await fettle(["hosts", "scan", "web1", "--data", server.folder]).status == 0)
                #expect(
                    try await fettle(["hosts", "revoke", "web1", "--data", server.folder]).status == 2,
                    "a reason is asked for")
                #expect(
                    try await fettle(["hosts", "revoke", "web1", "--reason", "gone", "--data", server.folder]).status
                        == 0)
                #expect(try await host.checkIn().status == 403)
                #expect(
                    try await fettle(["db", "migrate", "--check", "--database", "sqlite:/tmp/x-\(UUID().uuidString)"])
                        .output
                        .contains("schema 0"))
            }
        }

        @Test func pagesFollowEachOther() async throws {
            try await TestServer.with { server in
                let token = try await server.token(uses: 7)
                for number in 0..<7 { _ = try await TestHost.enrol(server, hostname: "h\(number)", token: token) }
                var path: String? = "hosts?limit=3"
                var names: [String] = []
                var pages = 0
                while let next = path {
                    let answer = try await server.api(.GET, next)
                    names += (answer.json["items"]?.array ?? []).compactMap { $0["hostname"]?.string }
                    pages += 1
                    path = answer.headers.first(name: "link").map {
                        String($0.dropFirst("</api/v1/".count).prefix { $0 != ">" })
                    }
                }
                #expect(names == (0..<7).map { "h\($0)" })
                #expect(pages == 3)
                #expect(try await server.api(.GET, "hosts?limit=0").status == 400)
                #expect(
                    try await server.api(.GET, "hosts?status=odd").problem?.errors.first?.parameter == "query status")
                #expect(try await server.api(.GET, "hosts?q=h3").json["items"]?.array?.count == 1)
            }
        }
    }
}

struct CommandResult {
    var status: Int32
    var output: String
    var errors: String
}

/// Runs the `fettle` that was built beside this test; on a thread of its own, for the server in this process needs those
/// of the pool to answer it.
func fettle(_ arguments: [String], input: String = "") async throws -> CommandResult {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try runFettle(arguments, input) }) }
    }
}

private func runFettle(_ arguments: [String], _ input: String) throws -> CommandResult {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let process = Process()
    process.executableURL = URL(filePath: own).deletingLastPathComponent().appending(path: "fettle")
    process.arguments = arguments
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stderr
    try process.run()
    stdin.fileHandleForWriting.write(Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    let errors = stderr.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return CommandResult(
        status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
        errors: String(decoding: errors, as: UTF8.self))
}
