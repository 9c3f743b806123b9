import Changelog
import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps
import Wire

@testable import Server

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

                // One that says otherwise is seen, and nobody is believed; who was not asked is not heard.
                let other = ChangelogClaim(
                    candidate: Self.candidate, reading: Self.reading(["CVE-2026-0009"], digest: 2))
                _ = try await Self.tell(hosts[2], [], [other])
                list = try await server.api(.GET, "changelogs").json
                #expect(list["items"]?[0]?["disputed"] == false && list["items"]?[0]?["readers"] == 2, "\(list)")
                _ = try await Self.tell(hosts[1], [], [other])
                list = try await server.api(.GET, "changelogs").json
                #expect(list["items"]?[0]?["disputed"] == true && list["items"]?[0]?["closes"]?.array == [], "\(list)")
                #expect(try await Self.tell(hosts[2]).read == [Self.candidate.digest], "a third is asked")
            }
        }

        @Test func aHostMaySpeakOnlyOfWhatItIsOffered() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await Self.turnOn(server)
                var strange: [CandidatePackage] = []
                for index in 0..<5 {
                    var file = Self.candidate
                    file.digest = SHA256.hash([100, UInt8(index)])
                    switch index {
                    case 0: file.name = "openssl"
                    case 1: file.source = "openssl"
                    case 2: file.sourceVersion = "1:9.9-1"
                    case 3: file.architecture = "i386"
                    default: file.version = "9.8-1"
                    }
                    strange.append(file)
                }
                #expect(try await Self.tell(host, strange).read.isEmpty)
                for file in strange + [Self.candidate] {
                    _ = try await Self.tell(
                        host, [], [ChangelogClaim(candidate: file, reading: Self.reading(["CVE-2026-0001"]))])
                }
                #expect(try await server.api(.GET, "changelogs").json["total"] == 0, "it was asked for none of them")
                #expect(try await Self.tell(host).read == [Self.candidate.digest])
                var renamed = Self.candidate
                renamed.source = "openssl"
                _ = try await Self.tell(
                    host, [], [ChangelogClaim(candidate: renamed, reading: Self.reading(["CVE-2026-0001"]))])
                #expect(try await server.api(.GET, "changelogs").json["total"] == 0, "nor for this one")
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

        /// Waits until the list at that path has so many items.
        private static func total(_ server: TestServer, _ path: String, _ wanted: Int64) async throws -> JSONValue {
            var list = JSONValue.null
            for _ in 0..<600 {
                list = try await server.api(.GET, path).json
                if list["total"] == .integer(wanted) { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(list["total"] == .integer(wanted), "\(path): \(list)")
            return list
        }

        @Test func whereNoFeedSpeaksTwoHostsConfirmOrOneAloneSpeaksOfItself() async throws {
            let folder = try temporaryFolder()
            try FileManager.default.createDirectory(atPath: folder + "/feeds", withIntermediateDirectories: true)
            // Of another release: of the hosts' packages nobody speaks.
            let record = """
                {"id": "DEBIAN-CVE-2026-0005", "modified": "2026-03-01T00:00:00Z", "upstream": ["CVE-2026-0005"],
                 "summary": "a hole",
                 "affected": [{"package": {"ecosystem": "Debian:11", "name": "other"},
                   "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}]}]}
                """
            try Data(record.utf8).write(to: URL(filePath: "\(folder)/feeds/one.json"))
            let server = try await TestServer.start(.sqlite, folder: folder)
            do {
                let findings = "findings?vulnerability=CVE-2026-0001"
                var first = try await TestHost.enrol(server)
                try await first.reported(Truth(hostname: "web1"))
                try await Self.turnOn(server)
                let claim = ChangelogClaim(candidate: Self.candidate, reading: Self.reading(["CVE-2026-0001"]))
                _ = try await Self.tell(first)
                _ = try await Self.tell(first, [], [claim])
                _ = try await Self.total(server, findings, 1)

                // Now the same claim would speak for another host too.
                var second = try await TestHost.enrol(server)
                try await second.reported(Truth(hostname: "web2"))
                var verdict: JSONValue?
                for _ in 0..<600 where verdict != "unknown" {
                    verdict = try await server.api(.GET, findings).json["items"]?[0]?["verdict"]
                    if verdict != "unknown" { try await Task.sleep(for: .milliseconds(100)) }
                }
                #expect(verdict == "unknown", "one host of two does not speak for both")
                #expect(try await server.api(.GET, "changelogs").json["items"]?[0]?["readers"] == 1, "but it is shown")

                #expect(try await Self.tell(second).read == [Self.candidate.digest])
                _ = try await Self.tell(second, [], [claim])
                for _ in 0..<600 where verdict != "affected" {
                    verdict = try await server.api(.GET, findings).json["items"]?[0]?["verdict"]
                    if verdict != "affected" { try await Task.sleep(for: .milliseconds(100)) }
                }
                #expect(verdict == "affected", "two confirm it")

                // What a host said that may not talk any more counts no longer.
                let (store, id, now) = (server.server.state.store, second.id, server.clock.clock.now())
                try await store.write {
                    try $0.hosts.setStatus(
                        organisation: "default", host: id, .quarantined, reason: "test", actor: "test", now: now)
                }
                #expect(try await server.api(.GET, "changelogs").json["items"]?[0]?["readers"] == 1)
                try await store.write {
                    try $0.settings.setReadsChangelogs(false, organisation: "default", now: now)
                }
                #expect(try await server.api(.GET, "changelogs").json["total"] == 0, "nothing counts once it is off")
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }

        @Test func whoNeverAnswersIsNotAskedAgainAndBlocksNobody() throws {
            let start = Timestamp(seconds: 1_795_000_000)
            var claims: [Changelogs.Claim] = []
            func asks(_ host: String, _ seconds: Int64) -> Bool {
                let now = start.adding(seconds: seconds)
                let file = Self.candidate
                let chosen = ChangelogAssignments.choose([file], for: host, claims: claims, now: now)
                guard !chosen.isEmpty else { return false }
                claims.removeAll { $0.host == host }
                claims.append(
                    .init(
                        candidate: file.digest, host: host, name: file.name, architecture: file.architecture,
                        version: file.version, source: file.source, sourceVersion: file.sourceVersion, reading: nil,
                        problem: "", readAt: now))
                return true
            }
            #expect(asks("a", 0) && asks("b", 0))
            #expect(!asks("c", 60), "two are waited for")
            let later = ChangelogAssignments.patience
            #expect(!asks("a", later) && !asks("b", later + 3600), "they had their turn")
            #expect(asks("c", later) && asks("d", later) && !asks("e", later))
            #expect(asks("a", 86_400), "after a day once more")
        }

        /// Security updates first, then small files; the alphabet decides nothing.
        @Test func whatMattersIsReadFirst() throws {
            func file(_ name: String, _ bytes: Int64) -> CandidatePackage {
                CandidatePackage(
                    name: name, architecture: "amd64", version: "2", source: name, sourceVersion: "2",
                    digest: SHA256.hash(Array(name.utf8)), bytes: bytes)
            }
            let files =
                (0..<30).map { file("a\($0)", 1000 + Int64($0)) } + [file("zlib", 9_000_000), file("tiny", 10)]
            let urgent: Set = [SHA256.hash(Array("zlib".utf8)), SHA256.hash(Array("a29".utf8))]
            let chosen = ChangelogAssignments.choose(
                files, for: "a", claims: [], urgent: urgent, now: Timestamp(seconds: 1_795_000_000))
            #expect(chosen.map(\.name) == ["a29", "zlib", "tiny", "a0"])
        }

        @Test func aLongReadingIsTaken() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await Self.turnOn(server)
                _ = try await Self.tell(host)
                var long = Self.reading((0..<7_900).map { "CVE-2026-\(10_000 + $0)" })
                let vague = String(repeating: "9", count: 240)
                for index in 0..<390 { long.entries.append(.init(version: "0.\(index)\(vague)", closes: [])) }
                let claim = ChangelogClaim(candidate: Self.candidate, reading: long)
                let report = ChangelogReport(exchangeToken: host.token, claims: [claim])
                let other = ChangelogReport(
                    exchangeToken: host.token, candidates: Array(repeating: Self.candidate, count: 400))
                #expect(report.encoded().count + other.encoded().count > 256 << 10)
                _ = try await Self.tell(host, Array(repeating: Self.candidate, count: 400), [claim])
                #expect(try await server.api(.GET, "changelogs").json["items"]?[0]?["readers"] == 1)
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
                #expect(try await Self.tell(host).read == [Self.candidate.digest])
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
