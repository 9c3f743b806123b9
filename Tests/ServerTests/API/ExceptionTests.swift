import Access
import Foundation
import JSON
import Logging
import NIOHTTP1
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// What people decide about findings, and what findings do by themselves.
    @Suite struct ExceptionTests {
        static let debian = """
            {"id": "DEBIAN-CVE-2026-0001", "modified": "2026-03-01T00:00:00Z", "published": "2026-02-01T00:00:00Z",
             "upstream": ["CVE-2026-0001"], "summary": "package0 runs what strangers send",
             "database_specific": {"cwe_ids": ["CWE-79"]},
             "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
             "affected": [{"package": {"ecosystem": "Debian:12", "name": "package0"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9-1"}]}]}]}
            """
        private static let other = """
            {"id": "PYSEC-2026-1", "modified": "2026-03-01T00:00:00Z", "aliases": ["CVE-2026-0002"],
             "details": "a flaw", "affected": [{"package": {"ecosystem": "PyPI", "name": "flawed"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.5"}]}]}]}
            """
        static let exploited = """
            {"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.11.20",
             "dateReleased": "2026-11-20T00:00:00.0000Z", "count": 1, "vulnerabilities": [
              {"cveID": "CVE-2026-0001", "vendorProject": "Example", "product": "package0",
               "vulnerabilityName": "Example package0 flaw", "dateAdded": "2026-03-05",
               "shortDescription": "It is exploited.", "requiredAction": "Patch.", "dueDate": "2026-03-26",
               "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": ["CWE-79"]}]}
            """

        static func write(_ text: String?, _ name: String, in folder: String) throws {
            try FileManager.default.createDirectory(atPath: folder + "/feeds", withIntermediateDirectories: true)
            let path = "\(folder)/feeds/\(name).json"
            if let text {
                try Data(text.utf8).write(to: URL(filePath: path))
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
        }

        /// Waits until what the API answers holds.
        static func until(
            _ server: TestServer, _ path: String, _ holds: (JSONValue) -> Bool
        ) async throws -> JSONValue {
            var answer = try await server.api(.GET, path)
            for _ in 0..<900 where !holds(answer.json) {
                server.server.state.vulnerabilities.followFeeds(Logger(label: "test"), server.server.state.clock)
                try await Task.sleep(for: .milliseconds(100))
                answer = try await server.api(.GET, path)
            }
            #expect(holds(answer.json), "\(path): \(answer.text)")
            return answer.json
        }

        static func with(
            _ engine: TestEngine = .sqlite, _ body: (TestServer, DirectAPI) async throws -> Void
        ) async throws {
            let folder = try temporaryFolder()
            try write(debian, "debian", in: folder)
            try write(other, "python", in: folder)
            let server = try await TestServer.start(engine, folder: folder)
            do {
                try await body(server, try DirectAPI(server))
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: server.folder)
        }

        static let asker = Caller.test("user:ada", [Grant(.admin, organisation: "default")])
        static let decider = Caller.test("user:bob", [Grant(.approver, organisation: "default")])

        private static func asked(_ server: TestServer, days: Int64 = 30) -> JSONValue {
            [
                "vulnerability": "CVE-2026-0001", "host": "web1", "reason": "no window",
                "compensatingControl": "filtered",
                "expires": .string(server.server.state.clock.now().adding(seconds: days * 86_400).description),
            ]
        }

        /// Asked for, approved by another, shown as accepted and without a date, open again when its time is over.
        @Test(arguments: TestEngine.allCases) func aRiskIsAcceptedForATime(engine: TestEngine) async throws {
            try await Self.with(engine) { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await Self.until(server, "vulnerabilities") { $0["total"] == 1 }
                let path = "/api/v1/exceptions"
                let long = try await api.call("POST", path, as: Self.asker, body: Self.asked(server, days: 400))
                #expect(long.status == 422, "a year at most")
                let viewer = Caller.test("user:eve", [Grant(.viewer, organisation: "default")])
                #expect(try await api.call("POST", path, as: viewer, body: Self.asked(server)).status == 403)
                let made = try await api.call("POST", path, as: Self.asker, body: Self.asked(server))
                #expect(made.status == 201 && made.json["state"] == "requested", "\(made.text)")
                let id = try #require(made.json["id"]?.string)
                var finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["state"] == "open" && finding["due"] != .null, "asking changes nothing")
                let own = try await api.call("POST", "\(path)/\(id)/approve", as: Self.asker, body: [:])
                #expect(own.status == 409 && own.problem?.kind == "own-exception")
                let done = try await api.call("POST", "\(path)/\(id)/approve", as: Self.decider, body: [:])
                #expect(done.json["state"] == "active", "\(done.text)")
                #expect(try await api.call("POST", "\(path)/\(id)/approve", as: Self.decider, body: [:]).status == 409)

                finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["state"] == "accepted" && finding["due"] == .null, "shown, never hidden")
                #expect(finding["exception"] == .string(id))
                let one = try await server.api(.GET, "vulnerabilities/CVE-2026-0001").json
                #expect(one["accepted"] == 1 && one["due"] == .null && one["isHit"] == true, "\(one)")
                #expect(one["exceptions"]?[0]?["id"] == .string(id))
                #expect(one["knownExploitedStatus"] == "unknown", "no feed of CISA's catalogue is there")
                #expect(one["weaknesses"]?[0]?["id"] == "CWE-79", "\(one)")
                #expect(try await server.api(.GET, "patches/ranked").json["total"] == 0)

                server.clock.advance(31 * 86_400)
                _ = try await Self.until(server, "exceptions/\(id)") { $0["ended"] != .null }
                finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["state"] == "overdue" && finding["exception"] == .null, "\(finding)")
                let log = try await server.api(.GET, "audit?action=exception.expired").json
                #expect(log["items"]?.array?.count == 1, "\(log)")
            }
        }

        /// Whoever may approve may refuse, with a reason, though they may not ask; and only what waits.
        @Test func anotherPersonRefuses() async throws {
            try await Self.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await Self.until(server, "vulnerabilities") { $0["total"] == 1 }
                let made = try await api.call("POST", "/api/v1/exceptions", as: Self.asker, body: Self.asked(server))
                let id = try #require(made.json["id"]?.string)
                let path = "/api/v1/exceptions/\(id)"
                #expect(
                    try await api.call("POST", "\(path)/revoke", as: Self.decider, body: ["reason": "no"]).status == 403
                )
                let refused = try await api.call(
                    "POST", "\(path)/reject", as: Self.decider, body: ["reason": "it is reachable"])
                #expect(refused.json["state"] == "revoked", "\(refused.text)")
                #expect(refused.json["sentence"]?.string?.hasPrefix("refused on") == true, "\(refused.text)")
                let again = try await api.call("POST", "\(path)/reject", as: Self.decider, body: ["reason": "no"])
                #expect(again.status == 409)
                let shown = try await fettle(["exception", "show", id, "-o", "json", "--data", server.folder])
                #expect(shown.json["revokedBy"] == "user:bob", "\(shown)")
            }
        }

        /// What fits into what can be done, when the rest is done, and the few that cut most; by the command line.
        @Test func theQueueTellsWhatFitsAndWhen() async throws {
            try await Self.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await Self.until(server, "patches/ranked") { $0["total"] == 1 }
                let plain = try await api.call("GET", "/api/v1/patches/ranked").json
                #expect(plain["fits"] == .null && plain["items"]?[0]?["outlook"] == nil)
                let wide = try await api.call("GET", "/api/v1/patches/ranked?capacity=1000&perWeek=1000&full=true").json
                #expect(wide["fits"] == 1 && wide["items"]?[0]?["done"] != .null, "\(wide)")
                #expect((wide["items"]?[0]?["full"]?.array?.count ?? 0) > 1)
                let shown = try await fettle([
                    "patches", "--rank", "--capacity", "1000", "--per-week", "1000", "--data", server.folder,
                ])
                #expect(shown.output.contains("OUTLOOK"), "\(shown)")
                #expect(shown.errors.contains("1000 units of work reach down to place 1 of 1 patch"), "\(shown)")
                #expect(shown.errors.contains("the queue is done by"), "\(shown)")
                let few = try await fettle(["patches", "--few", "3", "--data", server.folder])
                #expect(few.output.contains("package0") && few.output.contains("100 %"), "\(few)")
                #expect(try await fettle(["patches", "--capacity", "3", "--data", server.folder]).status == 2)
                let sentence = try await fettle(["patches", "--rank", "--data", server.folder])
                #expect(sentence.errors.contains("first: 1. package0"), "\(sentence)")
            }
        }

        /// Who disputes a vulnerability, and what was taken back, is said beside the verdict.
        @Test func doubtsAreTold() async throws {
            let record = """
                {"dataType": "CVE_RECORD", "dataVersion": "5.1",
                 "cveMetadata": {"cveId": "CVE-2026-0001", "assignerOrgId": "00000000-0000-4000-9000-000000000000",
                   "state": "PUBLISHED", "datePublished": "2026-02-01T00:00:00Z", "dateUpdated": "2026-03-01T00:00:00Z"},
                 "containers": {"cna": {"providerMetadata": {"orgId": "00000000-0000-4000-9000-000000000000"},
                   "descriptions": [{"lang": "en", "value": "a flaw"}], "tags": ["disputed"],
                   "affected": [{"vendor": "example", "product": "example",
                     "versions": [{"version": "1", "status": "affected"}]}], "references": []}}}
                """
            let withdrawn = """
                {"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-03-02T00:00:00Z", "withdrawn": "2026-03-02T00:00:00Z",
                 "aliases": ["CVE-2026-0001"], "details": "taken back", "affected": [
                   {"package": {"ecosystem": "PyPI", "name": "flawed"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}
                """
            try await Self.with { server, api in
                try Self.write(record, "cve", in: server.folder)
                try Self.write(withdrawn, "ghsa", in: server.folder)
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let one = try await Self.until(server, "vulnerabilities/CVE-2026-0001") {
                    $0["disputed"]?.array?.isEmpty == false && $0["isHit"] == true
                }
                #expect(one["disputed"]?[0]?["record"] == "CVE-2026-0001", "\(one)")
                #expect(one["withdrawn"]?[0]?["record"] == "GHSA-aaaa-bbbb-cccc", "\(one)")
                let text = try await fettle(["vulnerability", "CVE-2026-0001", "--data", server.folder]).output
                #expect(text.contains("Disputed") && text.contains("Withdrawn"), "\(text)")
            }
        }

        /// It ends by itself when the vulnerability becomes known to be exploited.
        @Test func exploitationOpensItAgain() async throws {
            try await Self.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await Self.until(server, "vulnerabilities") { $0["total"] == 1 }
                let made = try await api.call("POST", "/api/v1/exceptions", as: Self.asker, body: Self.asked(server))
                let id = try #require(made.json["id"]?.string)
                _ = try await api.call("POST", "/api/v1/exceptions/\(id)/approve", as: Self.decider, body: [:])
                _ = try await Self.until(server, "findings") { $0["items"]?[0]?["state"] == "accepted" }
                try Self.write(Self.exploited, "kev", in: server.folder)
                server.clock.advance(60)
                let ended = try await Self.until(server, "exceptions/\(id)") { $0["ended"] != .null }
                #expect(ended["state"] == "reopened")
                let finding = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(finding["state"] == "open" || finding["state"] == "overdue")
                #expect(finding["evidence"]?["blocksInstallation"] == true, "3 days and forensics: \(finding)")
                let status = try await server.api(.GET, "vulnerabilities/CVE-2026-0001").json["knownExploitedStatus"]
                #expect(status == "listed")
                let late = try await api.call("POST", "/api/v1/exceptions", as: Self.asker, body: Self.asked(server))
                let other = try #require(late.json["id"]?.string)
                let refused = try await api.call(
                    "POST", "/api/v1/exceptions/\(other)/approve", as: Self.decider, body: [:])
                #expect(refused.status == 409 && refused.problem?.kind == "known-exploited")
                // Evidence first: in order, and volatile evidence with its digest.
                let path = "/api/v1/hosts/web1/evidence"
                func step(_ word: String, _ digest: String?) async throws -> Answer {
                    var body: [String: JSONValue] = ["vulnerability": "CVE-2026-0001", "step": .string(word)]
                    if let digest { body["digest"] = .string(digest) }
                    return try await api.call("POST", path, as: Self.asker, body: .object(body))
                }
                #expect(try await step("volatile-evidence", nil).status == 409)
                #expect(try await step("scope", nil).status == 200)
                #expect(try await step("volatile-evidence", nil).status == 409)
                let kept = try await step("volatile-evidence", String(repeating: "ab", count: 32))
                #expect(kept.json["blocksInstallation"] == false, "\(kept.text)")
                let after = try #require(try await server.api(.GET, "findings").json["items"]?[0])
                #expect(after["evidence"]?["blocksInstallation"] == false)
            }
        }

        /// A feed that is gone closes nothing: what was affected is unknown, with its clock; when nobody has the package, it is.
        @Test func whatNobodySpeaksOfStaysOpen() async throws {
            try await Self.with { server, api in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let first = try await Self.until(server, "findings") { $0["total"] == 1 }["items"]?[0]
                server.clock.advance(3600)
                try Self.write(nil, "debian", in: server.folder)
                let unknown = try await Self.until(server, "findings") { $0["items"]?[0]?["state"] == "unknown" }
                #expect(unknown["items"]?[0]?["detected"] == first?["detected"])
                try Self.write(Self.debian, "debian", in: server.folder)
                let back = try await Self.until(server, "findings") { $0["items"]?[0]?["verdict"] == "affected" }
                #expect(back["items"]?[0]?["detected"] == first?["detected"], "its clock was not reset")
                _ = try await server.api(.POST, "hosts/\(host.id)/retire")
                // The clock stands still here, so that a change may be shown a moment before the view that it is part of.
                _ = try await Self.until(server, "vulnerabilities/CVE-2026-0001") {
                    $0["changes"]?[0]?["after"] == "gone" && $0["isHit"] == false
                }
                // An organisation that was just made has nothing, and that is known at once.
                _ = try await api.call("POST", "/api/v1/organisations", body: ["id": "fresh"])
                _ = try await Self.until(server, "vulnerabilities?organisation=fresh") { $0["total"] == 0 }
            }
        }

        /// Whoever sees some hosts sees what was judged and decided of these alone.
        @Test func reachLimitsWhatIsTold() async throws {
            try await Self.with { server, api in
                var near = try await TestHost.enrol(server, hostname: "near")
                try await near.reported(Truth(version: "9.9-1", hostname: "near"))
                var far = try await TestHost.enrol(server, hostname: "far")
                try await far.reported(Truth(hostname: "far"))
                for (host, site) in [(near, "berlin"), (far, "paris")] {
                    _ = try await api.call(
                        "PUT", "/api/v1/hosts/\(host.id)/labels", headers: ["if-match": "*"],
                        body: ["site": .string(site)])
                }
                let made = try await api.call(
                    "POST", "/api/v1/exceptions", as: Self.asker,
                    body: [
                        "vulnerability": "CVE-2026-0001", "selector": "site=paris", "reason": "no window",
                        "compensatingControl": "filtered",
                        "expires": .string(server.server.state.clock.now().adding(seconds: 86_400).description),
                    ])
                #expect(made.status == 201, "\(made.text)")
                _ = try await Self.until(server, "vulnerabilities/CVE-2026-0001") { $0["isHit"] == true }
                let berlin = Caller.test(
                    "user:berlin",
                    [Grant(.viewer, organisation: "default", selector: try LabelSelector("site=berlin"))])
                let seen = try await api.call("GET", "/api/v1/vulnerabilities/CVE-2026-0001", as: berlin).json
                #expect(seen["isHit"] == false && seen["changes"]?.array?.isEmpty == true, "\(seen)")
                #expect(seen["exceptions"]?.array?.isEmpty == true)
                #expect(try await api.call("GET", "/api/v1/exceptions", as: berlin).json["items"] == [])
            }
        }

        /// Two servers on one database write each change once; when the one that writes stops, the other goes on.
        @Test func oneOfTwoServersWrites() async throws {
            let database = try #require(try await TestEngine.postgresql.newDatabase())
            let folder = try temporaryFolder()
            try Self.write(Self.debian, "debian", in: folder)
            let one = try await TestServer.start(.postgresql, folder: folder, database: database)
            let second = try temporaryFolder()
            try Self.write(Self.debian, "debian", in: second)
            try FileManager.default.copyItem(atPath: "\(folder)/authority", toPath: "\(second)/authority")
            let two = try await TestServer.start(.postgresql, folder: second, database: database, clock: one.clock)
            do {
                var host = try await TestHost.enrol(one)
                try await host.reported(Truth())
                let here = try await Self.until(one, "findings") { $0["total"] == 1 }
                let there = try await Self.until(two, "findings") {
                    $0["items"]?[0]?["detected"] == here["items"]?[0]?["detected"]
                }
                #expect(there["total"] == 1)
                for server in [one, two] {
                    let changes = try await server.api(.GET, "vulnerabilities/CVE-2026-0001").json["changes"]
                    #expect(changes?.array?.count == 1, "\(changes ?? .null)")
                }
                try await one.stop()
                host = host.moved(to: two)
                try await host.reported(Truth(version: "9.9-1"))
                let closed = try await Self.until(two, "vulnerabilities/CVE-2026-0001") {
                    $0["changes"]?.array?.count == 2
                }
                #expect(closed["isHit"] == false)
            } catch {
                try? await one.stop()
                try? await two.stop()
                throw error
            }
            try await two.stop()
        }

        /// A catalogue that cannot be kept is held in memory, is not written again and again, and says so.
        @Test func aCatalogueThatCannotBeKeptIsSaid() async throws {
            let folder = try temporaryFolder()
            try Self.write(Self.debian, "debian", in: folder)
            // A file where the folder should be: root may write into read-only folders.
            try Data().write(to: URL(filePath: folder + "/.fettle-catalogue"))
            let server = try await TestServer.start(folder: folder)
            do {
                let status = try await Self.until(server, "server") { $0["feeds"]?["catalogue"] != .null }
                #expect(status["feeds"]?["kept"] == false && status["feeds"]?["fault"] == .null, "\(status)")
                let desk = server.server.state.vulnerabilities
                for _ in 0..<20 {
                    desk.followFeeds(Logger(label: "test"), server.server.state.clock)
                    #expect(!desk.status.isBuilding, "the same feeds are not read again")
                }
                // Feeds that cannot be read are tried later and later.
                try Self.write("{", "debian", in: folder)
                _ = try await Self.until(server, "server") {
                    $0["feeds"]?["building"] == false && $0["feeds"]?["catalogue"] != status["feeds"]?["catalogue"]
                        || $0["feeds"]?["fault"] != .null
                }
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
        }
    }
}
