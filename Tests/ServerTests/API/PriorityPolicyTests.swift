import Access
import Foundation
import JSON
import NIOHTTP1
import Priority
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// By what deadlines are set, and what becomes of it where it is large, broken or changed in part.
    @Suite struct PriorityPolicyTests {
        private static let path = "/api/v1/organisations/default/priority-policy"

        private static func change(_ api: DirectAPI, _ body: JSONValue, query: String = "") async throws -> Answer {
            try await api.call(
                "PATCH", path + query, headers: ["if-match": "*"], body: body, type: "application/merge-patch+json")
        }

        /// Another policy changes dates at once, and is on record; what it cannot read is refused.
        @Test func anOrganisationChoosesItsPolicy() async throws {
            try await ExceptionTests.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await ExceptionTests.until(server, "findings") { $0["total"] == 1 }
                let path = "/api/v1/organisations/default/priority-policy"
                func change(_ body: JSONValue) async throws -> Answer {
                    try await api.call(
                        "PATCH", path, headers: ["if-match": "*"], body: body, type: "application/merge-patch+json")
                }
                let table = "exploitation,outcome\nnone,never\npublic poc,14 days\nactive,48 hours\n"
                let own = try await change(["policy": "own", "table": .string(table), "pauses": ["freeze"]])
                #expect(own.status == 200 && own.json["version"] == 1, "\(own.text)")
                var finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["due"] == .null, "\(finding)")
                #expect(try await change(["policy": "own", "table": "a,b\n"]).status == 422)
                // Rules say what labels do not; everything is told with what made it.
                let rules: JSONValue = [["name": "lab", "selector": "!nothing", "exposure": "small", "safety": .null]]
                let ruled = try await change(["policy": "bod-26-04", "rules": rules])
                #expect(ruled.json["rules"]?[0] == ["name": "lab", "selector": "!nothing", "exposure": "small"])
                let told = try await ExceptionTests.until(server, "vulnerabilities/CVE-2026-0001") {
                    $0["decision"]?.string?.contains("rule 'lab'") == true
                }
                #expect(told["decision"]?.string?.contains("publicly exposed no (rule 'lab')") == true, "\(told)")
                for bad: JSONValue in [
                    [["name": "a", "selector": "((", "exposure": "small"]], [["name": "a", "selector": ""]],
                    [["name": "a", "selector": "", "exposure": "wide"]],
                    [
                        ["name": "a", "selector": "", "safety": "marginal"],
                        ["name": "a", "selector": "", "safety": "critical"],
                    ],
                ] {
                    let refused = try await change(["rules": bad])
                    #expect([400, 422].contains(refused.status), "\(bad): \(refused.text)")
                }
                #expect(try await change(["rules": []]).json["rules"] == [])
                // A rule of law or contract has terms of its own, and nothing pauses its clocks.
                #expect(try await change(["policy": "cyber-essentials-3.3", "pauses": ["freeze"]]).status == 422)
                let rule = try await change(["policy": "cis-8.1-7.3"])
                #expect(rule.status == 200 && rule.json["pauses"] == [], "\(rule.text)")
                #expect(rule.json["title"]?.string?.hasPrefix("CIS Controls") == true)
                finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["due"] != .null, "\(finding)")
                _ = try await change(["policy": "bod-26-04", "pauses": ["freeze"]])
                finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                let due = try #require(finding["due"]?.string)
                let until = server.server.state.clock.now().adding(seconds: 86_400)
                let paused = try await api.call(
                    "POST", "/api/v1/pauses", as: ExceptionTests.decider,
                    body: [
                        "reason": "freeze", "note": "end of the year", "until": .string(until.description),
                    ])
                #expect(paused.status == 201 && paused.json["counts"] == true, "\(paused.text)")
                server.clock.advance(3600)
                finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["pausedBy"] == "freeze" && (finding["due"]?.string ?? "") > due, "\(finding)")
                let id = paused.json["id"]?.string ?? ""
                let ended = try await api.call("POST", "/api/v1/pauses/\(id)/end", as: ExceptionTests.decider)
                #expect(ended.json["endedBy"] == "user:bob", "\(ended.text)")
                let why = try await server.api(.GET, "hosts/web1/why/package0").json
                #expect(why["findings"]?[0]?["vulnerability"] == "CVE-2026-0001")
                #expect(why["findings"]?[0]?["fixable"] == true && why["findings"]?[0]?["verified"] == false)
            }
        }

        /// A table of the size that is accepted is read again, by the API and by the judge; the log has its digest.
        @Test func largeTablesAreKeptWhole() async throws {
            try await ExceptionTests.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await ExceptionTests.until(server, "findings") { $0["total"] == 1 }
                // Blanks that mean nothing make it large.
                let filler = String(repeating: " ", count: 150)
                var rows = [""]
                for answers in [
                    ["no", "yes"], ["no", "yes"], ["no", "yes"], ["partial", "total"],
                    ["none", "public poc", "active"],
                    ["small", "controlled", "open"],
                ] {
                    rows = rows.flatMap { row in answers.map { row + $0 + filler + "," } }
                }
                let table =
                    "in kev,publicly exposed,automatable,technical impact,exploitation,system exposure,outcome\n"
                    + rows.map { $0 + "14 days\n" }.joined()
                #expect(table.utf8.count > 100 << 10)
                let rules: JSONValue = [["name": "lab", "selector": "", "exposure": "small"]]
                let made = try await Self.change(
                    api, ["policy": "own", "table": .string(table), "rules": rules])
                #expect(made.status == 200 && made.json["table"] == .string(table), "\(made.status)")
                #expect(try await api.call("GET", Self.path).json["version"] == 1)
                #expect(try await server.api(.GET, "findings").status == 200)
                let log = try await server.api(.GET, "audit?action=priority.policy-changed").json
                let detail = log["items"]?[0]?["event"]?["detail"]
                #expect(detail?["tableSHA256"]?.string?.count == 64 && detail?["table"] == nil, "\(log)")
                #expect(detail?["rules"]?[0]?["name"] == "lab", "\(log)")
                // A dry run tells what would be, and changes nothing.
                let dry = try await Self.change(api, ["policy": "ssvc-deployer"], query: "?dryRun=true")
                #expect(dry.json["policy"] == "ssvc-deployer" && dry.json["version"] == 2, "\(dry.status)")
                #expect(try await api.call("GET", Self.path).json["policy"] == "own")
            }
        }

        /// What is stored and cannot be read says so with the cure, shows no host by other rules, and can be replaced.
        @Test func whatCannotBeReadIsReplaced() async throws {
            let folder = try temporaryFolder()
            let server = try await TestServer.start(folder: folder)
            do {
                let api = try DirectAPI(server)
                let state = server.server.state
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await state.store.write { sql in
                    try sql.settings.set(
                        PolicyChoice.setting, Array(#"{"policy":"gone","version":7}"#.utf8), organisation: "default",
                        now: state.clock.now())
                }
                try ExceptionTests.write(ExceptionTests.debian, "debian", in: folder)
                _ = try await ExceptionTests.until(server, "server") { $0["feeds"]?["catalogue"] != .null }
                for _ in 0..<300 where state.vulnerabilities.status.unjudged == 0 {
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(state.vulnerabilities.status.unjudged == 1)
                #expect(state.vulnerabilities.risk("default") == nil, "never without the rules that were chosen")
                let broken = try await api.call("GET", Self.path)
                #expect(broken.status == 409 && broken.problem?.kind == "policy-unreadable", "\(broken.text)")
                #expect(try await Self.change(api, ["pauses": []]).status == 422)
                let command = ["priority", "policy", "set", "bod-26-04", "--data", server.folder]
                let dry = try await fettle(command + ["--dry-run"])
                #expect(dry.status == 0 && dry.errors.contains("cannot be read any more"), "\(dry)")
                let set = try await fettle(command + ["-o", "json"])
                #expect(set.json["policy"] == "bod-26-04" && set.json["version"] == 8, "\(set)")
                server.clock.advance(600)
                _ = try await ExceptionTests.until(server, "findings") { $0["total"] == 1 }
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }

        /// What the command does not name stays, pauses above all.
        @Test func theCommandChangesWhatItNames() async throws {
            try await TestServer.with { server in
                func policy(_ words: String...) async throws -> CommandResult {
                    try await fettle(["priority", "policy"] + words + ["--data", server.folder])
                }
                let first = try await policy("set", "bod-26-04", "--pause", "freeze", "--pause", "no-fix", "-o", "json")
                #expect(first.json["pauses"] == ["freeze", "no-fix"], "\(first)")
                let file = server.folder + "/rules.json"
                try #"[{"name": "dmz", "selector": "zone=dmz", "exposure": "open"}]"#.write(
                    toFile: file, atomically: true, encoding: .utf8)
                let dry = try await policy("set", "bod-26-04", "--rules", file, "--no-pause", "--dry-run")
                #expect(dry.status == 0 && dry.output.contains("freeze, no-fix") && dry.output.contains("zone=dmz"))
                #expect(!dry.output.contains("term of"), "only what is another: \(dry.output)")
                let would = try await policy("set", "bod-26-04", "--rules", file, "--dry-run", "-o", "json")
                #expect(would.json["pauses"] == ["freeze", "no-fix"] && would.json["rules"]?[0]?["name"] == "dmz")
                #expect(try await policy("show", "-o", "json").json["version"] == 1, "a dry run changes nothing")
                let ruled = try await policy("set", "bod-26-04", "--rules", file, "-o", "json")
                #expect(ruled.json["pauses"] == ["freeze", "no-fix"] && ruled.json["version"] == 2, "\(ruled)")
                let none = try await policy("set", "bod-26-04", "--no-pause", "-o", "json")
                #expect(none.json["pauses"] == [] && none.json["rules"]?[0]?["name"] == "dmz", "\(none)")
                #expect(try await policy("set", "bod-26-04", "--no-pause", "--pause", "freeze").status == 2)
                let same = try await policy("set", "bod-26-04", "--dry-run")
                #expect(same.output.contains("nothing would be another"), "\(same)")
            }
        }
    }
}
