import Foundation
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

        @Test func everySchemeIsComparedAndKeyed() async throws {
            let schemes = try await fettle(["version", "schemes"]).output.split(separator: "\n")
            #expect(schemes.contains("rpm") && schemes.contains("maven") && schemes == schemes.sorted())
            for (scheme, a, b, symbol) in [
                ("rpm", "1.0~rc1-1", "1.0-1", "<"), ("pypi", "1.0", "1.0.0", "="), ("composer", "dev-a", "dev-b", "?"),
            ] {
                #expect(try await fettle(["version", "compare", scheme, a, b]).output == "\(symbol)\n")
            }
            // A refused version does not end the stream.
            let pairs = try await fettle(
                ["version", "compare", "npm", "-"], input: "1.0.0\t2.0.0\n1\t2.0.0\n2.0.0\t1.0.0\n")
            #expect(pairs.output == "<\n?\n>\n")
            #expect(pairs.status == 1)
            #expect(pairs.errors.contains("line 2"))
            let keys = try await fettle(["version", "key", "deb", "-"], input: "1.0\n1.0-0\n1.1\n").output.split(
                separator: "\n")
            #expect(keys.count == 3 && keys[0] == keys[1] && keys[1] < keys[2])
            #expect(try await fettle(["version", "key", "deb", "1_0"]).status == 1)
        }

        @Test func vectorsAreScored() async throws {
            let one = try await fettle(["cvss", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P"])
            #expect(one.output == "3.1\t9.8\t9.3\t9.3\tcritical\tCVSS-BT\n")
            let many = try await fettle(
                ["cvss", "-"],
                input: """
                    AV:N/AC:L/Au:N/C:N/I:N/A:C
                    CVSS:3.1/AV:Z
                    CVSS:4.0/AV:A/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N/MSI:S

                    """)
            #expect(
                many.output == "2.0\t7.8\t-\t-\thigh\tCVSS-B\n-\t-\t-\t-\t-\t-\n4.0\t9.7\t-\t-\tcritical\tCVSS-BE\n")
            #expect(many.status == 1)
            #expect(many.errors.contains("line 2") && many.errors.contains("metric AV"))
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
            #expect(away.status == 1)
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
                        == 2, "nobody can be asked")
                #expect(
                    try await fettle(["hosts", "revoke", "web1", "--reason", "gone", "--yes", "--data", server.folder])
                        .status == 0)
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
                // A search finds ids too, and these have no "u": only the name can be it.
                for number in 0..<7 { _ = try await TestHost.enrol(server, hostname: "u\(number)", token: token) }
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
                #expect(names == (0..<7).map { "u\($0)" })
                #expect(pages == 3)
                #expect(try await server.api(.GET, "hosts?limit=0").status == 400)
                #expect(
                    try await server.api(.GET, "hosts?status=odd").problem?.errors.first?.parameter == "query status")
                #expect(try await server.api(.GET, "hosts?q=u3").json["items"]?.array?.count == 1)
            }
        }
    }
}
