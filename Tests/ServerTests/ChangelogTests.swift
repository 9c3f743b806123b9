import Changelog
import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Testing
import Wire

extension ServerTests {
    /// What hosts read in the changelogs of offered packages, from the agents' messages to the findings.
    @Suite struct ChangelogTests {
        private static let candidate = CandidatePackage(
            name: "package0", architecture: "amd64", version: "9.9-1", source: "package0", sourceVersion: "9.9-1",
            digest: SHA256.hash([9]), bytes: 1000)

        private static func reading(_ ids: [String], digest: UInt8 = 1) -> ChangelogReading {
            ChangelogReading(
                source: "package0",
                entries: [
                    .init(version: "9.9-1", closes: ids), .init(version: "1.0-1", closes: ["CVE-2020-0001"]),
                ], isCut: false, digest: SHA256.hash([digest]))
        }

        private static func tell(
            _ host: TestHost, _ candidates: [CandidatePackage] = [candidate], _ claims: [ChangelogClaim] = []
        ) async throws -> ChangelogReply {
            let report = ChangelogReport(exchangeToken: host.token, candidates: candidates, claims: claims)
            let answer = try await host.send(.POST, "changelogs", body: report.encoded())
            #expect(answer.status == 200, "\(answer.text)")
            return try ChangelogReply(decoding: answer.body)
        }

        private static func turnOn(_ server: TestServer) async throws {
            let path = "organisations/default/settings"
            let present = try await server.api(.GET, path)
            #expect(present.json["readsChangelogs"] == false, "off unless it was turned on")
            let client = try await TestClient.connect(.unix("\(server.folder)/fettle.sock"))
            let body: JSONValue = ["readsChangelogs": true]
            let answer = try await client.send(
                .PATCH, "/api/v1/\(path)",
                headers: [
                    "content-type": "application/merge-patch+json",
                    "if-match": present.headers.first(name: "etag") ?? "",
                ], body: body.canonicalBytes())
            await client.close()
            #expect(answer.status == 200 && answer.json["readsChangelogs"] == true, "\(answer.text)")
            let audit = try await server.api(.GET, "audit")
            #expect(audit.text.contains("organisation.changelogs-changed"), "\(audit.text)")
        }

        @Test func twoHostsReadEachCandidateAndNoMore() async throws {
            try await TestServer.with { server in
                var hosts: [TestHost] = []
                for _ in 0..<3 {
                    var host = try await TestHost.enrol(server)
                    try await host.reported(Truth())
                    hosts.append(host)
                }
                #expect(try await !Self.tell(hosts[0]).isWanted, "off by policy")
                try await Self.turnOn(server)
                #expect(try await Self.tell(hosts[0], []).isWanted)
                #expect(try await Self.tell(hosts[0]).read == [Self.candidate.digest])
                #expect(try await Self.tell(hosts[1]).read == [Self.candidate.digest])
                #expect(try await Self.tell(hosts[2]).read.isEmpty, "two are at it")

                let claim = ChangelogClaim(candidate: Self.candidate, reading: Self.reading(["CVE-2026-0001"]))
                #expect(try await Self.tell(hosts[0], [Self.candidate], [claim]).read.isEmpty)
                var list = try await server.api(.GET, "changelogs").json
                #expect(list["items"]?[0]?["readers"] == 1 && list["enabled"] == true, "\(list)")
                #expect(list["items"]?[0]?["closes"]?[0]?["vulnerability"] == "CVE-2026-0001")
                #expect(list["items"]?[0]?["closes"]?.array?.count == 1, "what 1.0-1 closed is closed already")
                #expect(list["items"]?[0]?["closes"]?[0]?["feed"] == "no-feed", "it needs no feeds")
                #expect(list["items"]?[0]?["unknown"] == "")

                _ = try await Self.tell(hosts[1], [], [claim])
                list = try await server.api(.GET, "changelogs?host=web1").json
                #expect(list["items"]?[0]?["readers"] == 2, "\(list)")
                #expect(try await Self.tell(hosts[2]).read.isEmpty)

                // A third that says otherwise is seen, and nobody is believed.
                let other = ChangelogClaim(
                    candidate: Self.candidate, reading: Self.reading(["CVE-2026-0009"], digest: 2))
                _ = try await Self.tell(hosts[2], [], [other])
                list = try await server.api(.GET, "changelogs").json
                #expect(list["items"]?[0]?["disputed"] == true && list["items"]?[0]?["closes"]?.array == [], "\(list)")
            }
        }

        @Test func aHostMaySpeakOnlyOfWhatItIsOffered() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await Self.turnOn(server)
                var strange = Self.candidate
                strange.name = "openssl"
                _ = try await Self.tell(
                    host, [], [ChangelogClaim(candidate: strange, reading: Self.reading(["CVE-2026-0001"]))])
                #expect(try await server.api(.GET, "changelogs").json["total"] == 0)
                // What cannot be read is unknown, not none.
                _ = try await Self.tell(
                    host, [], [ChangelogClaim(candidate: Self.candidate, reading: nil, problem: "it has none")])
                let list = try await server.api(.GET, "changelogs").json
                #expect(list["items"]?[0]?["unknown"]?.string?.contains("it has none") == true, "\(list)")
                let bad = try await host.send(
                    .POST, "changelogs",
                    body: Array(
                        ChangelogReport(
                            exchangeToken: host.token,
                            claims: [
                                ChangelogClaim(candidate: Self.candidate, reading: Self.reading(["CVE-1"]))
                            ]
                        ).encoded()))
                #expect(bad.status == 400, "\(bad.text)")
            }
        }

        @Test func feedAndChangelogAgreeOrTheDifferenceIsShown() async throws {
            let folder = try temporaryFolder()
            try FileManager.default.createDirectory(atPath: folder + "/feeds", withIntermediateDirectories: true)
            for (id, fixed) in [("CVE-2026-0001", "9.9-1"), ("CVE-2026-0003", "9.9-1")] {
                let record = """
                    {"id": "DEBIAN-\(id)", "modified": "2026-03-01T00:00:00Z", "upstream": ["\(id)"], "summary": "a hole",
                     "affected": [{"package": {"ecosystem": "Debian:12", "name": "package0"},
                       "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "\(fixed)"}]}]}]}
                    """
                try Data(record.utf8).write(to: URL(filePath: "\(folder)/feeds/\(id).json"))
            }
            let server = try await TestServer.start(.sqlite, folder: folder)
            do {
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await Self.turnOn(server)
                let claim = ChangelogClaim(
                    candidate: Self.candidate, reading: Self.reading(["CVE-2026-0001", "CVE-2026-0002"]))
                _ = try await Self.tell(host, [], [claim])
                var item: JSONValue?
                for _ in 0..<600 {
                    item = try await server.api(.GET, "changelogs").json["items"]?[0]
                    if item?["closes"]?[0]?["feed"] == "agrees" { break }
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(item?["closes"]?[0]?["feed"] == "agrees", "\(item ?? .null)")
                #expect(item?["closes"]?[1]?["feed"] == "silent")
                #expect(item?["missing"]?[0] == "CVE-2026-0003")
                var voices: [JSONValue] = []
                for _ in 0..<600 {
                    let findings = try await server.api(.GET, "findings?vulnerability=CVE-2026-0001").json
                    voices = findings["items"]?[0]?["voices"]?.array ?? []
                    if voices.count == 2 { break }
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(voices.first?["source"]?.string != "changelog", "a feed decides")
                #expect(voices.last?["source"] == "changelog")
                #expect(voices.last?["overruled"]?.string?.hasPrefix("agrees") == true, "\(voices)")
                #expect(
                    try await server.api(.GET, "findings?vulnerability=CVE-2026-0002").json["total"] == 0,
                    "the changelog never decides where a feed speaks")
                // Patched and looked at again: nothing is open.
                try await host.reported(Truth(version: "9.9-1"))
                var total: JSONValue?
                for _ in 0..<600 where total != 0 {
                    total = try await server.api(.GET, "findings").json["total"]
                    if total != 0 { try await Task.sleep(for: .milliseconds(100)) }
                }
                #expect(total == 0)
                #expect(try await server.api(.GET, "changelogs").json["total"] == 0)
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
