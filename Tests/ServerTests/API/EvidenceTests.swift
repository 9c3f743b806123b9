import Access
import Foundation
import JSON
import Logging
import NIOHTTP1
import Orders
import Rollout
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Where the decision table asks for forensics nothing is patched before evidence was noted, or somebody waived it.
    @Suite struct EvidenceTests {
        private static let admin = Caller.test("user:ada", [Grant(.admin, organisation: "default")])
        private static let planner = Caller.test("user:olga", [Grant(.operator, organisation: "default")])
        private static let decider = Caller.test("user:bob", [Grant(.approver, organisation: "default")])
        private static let vulnerability = "CVE-2026-0001"

        /// Feeds by which package0 is exploited: three days, with forensics.
        private static func exploit(_ world: Rollouts) async throws {
            try ExceptionTests.write(ExceptionTests.debian, "debian", in: world.server.folder)
            try ExceptionTests.write(ExceptionTests.exploited, "kev", in: world.server.folder)
            _ = try await ExceptionTests.until(world.server, "evidence") {
                $0["total"] == .integer(Int64(world.hosts.count))
            }
        }

        private static func preview(_ api: DirectAPI, _ world: Rollouts) async throws -> JSONValue {
            let answer = try await api.call(
                "POST", "/api/v1/campaigns?dryRun=true", as: planner, body: CampaignAPITests.request(world))
            #expect(answer.status == 200, "\(answer.text)")
            return answer.json
        }

        @Test(arguments: TestEngine.allCases) func hostsAreLeftOutUntilEvidenceIsKept(engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 3) { world in
                let api = try DirectAPI(world.server)
                try await Self.exploit(world)
                let held = try await api.call("GET", "/api/v1/evidence?blocking=true", as: Self.planner).json
                #expect(held["total"] == 3 && held["items"]?[0]?["packages"] == ["package0"], "\(held)")
                #expect(held["items"]?[0]?["next"] == "scope" && held["items"]?[0]?["waivedBy"] == .null)

                // Nobody may be changed: there is no plan, and it says which host, why, and what to do.
                var plan = try await Self.preview(api, world)
                #expect(plan["plan"] == .null)
                let errors = plan["errors"]?.array?.compactMap(\.string) ?? []
                #expect(errors.count == 3, "\(errors)")
                for word in ["web0", Self.vulnerability, "fettle evidence taken", "fettle evidence waive"] {
                    #expect(errors.first?.contains(word) == true, "\(errors)")
                }
                let made = try await api.call(
                    "POST", "/api/v1/campaigns?submit=true", as: Self.planner, body: CampaignAPITests.request(world))
                #expect(made.json["state"] == "draft" && made.json["errors"]?.array?.count == 3, "\(made.text)")

                // Evidence of one, in order and with its digest.
                let path = "/api/v1/hosts/web0/evidence"
                func note(_ step: String, _ digest: String? = nil) async throws -> Answer {
                    var body: [String: JSONValue] = [
                        "vulnerability": .string(Self.vulnerability), "step": .string(step),
                    ]
                    if let digest { body["digest"] = .string(digest) }
                    return try await api.call("POST", path, as: Self.planner, body: .object(body))
                }
                #expect(try await note("volatile-evidence", String(repeating: "ab", count: 32)).status == 409)
                #expect(try await note("scope").status == 200)
                #expect(try await note("volatile-evidence").status == 409)
                #expect(try await Self.preview(api, world)["plan"] == .null, "the scope alone frees nothing")
                #expect(try await note("volatile-evidence", String(repeating: "ab", count: 32)).status == 200)
                let typo = try await api.call(
                    "POST", path, as: Self.planner, body: ["vulnerability": "CVE-2026-00001", "step": "scope"])
                #expect(typo.status == 422, "what no feed knows would be noted and hold nothing: \(typo.text)")
                plan = try await Self.preview(api, world)
                #expect(plan["errors"]?.array == [], "\(plan)")
                #expect(plan["hosts"]?.array?.count == 1)
                let notes = plan["notes"]?.array?.compactMap(\.string) ?? []
                #expect(notes.count { $0.contains("left out") && $0.contains(Self.vulnerability) } == 2, "\(notes)")

                // In an emergency another person waives it, by name and with a reason.
                let waive = "/api/v1/hosts/web1/evidence/waive"
                let body: JSONValue = ["vulnerability": .string(Self.vulnerability), "reason": "used against us now"]
                #expect(try await api.call("POST", waive, as: Self.planner, body: body).status == 403)
                let waived = try await api.call("POST", waive, as: Self.decider, body: body)
                #expect(waived.json["blocksInstallation"] == false && waived.json["waivedBy"] == "user:bob")
                #expect(waived.json["next"] == "verdict", "\(waived.text)")
                let twice = try await api.call("POST", waive, as: Self.decider, body: body)
                #expect(twice.status == 409 && twice.problem?.kind == "nothing-held", "\(twice.text)")
                let log = try await api.call("GET", "/api/v1/audit?action=evidence.waived").json
                #expect(log["items"]?.array?.count == 1)
                #expect(log["items"]?[0]?["event"]?["detail"]?["reason"] == "used against us now", "\(log)")
                plan = try await Self.preview(api, world)
                #expect(plan["hosts"]?.array?.count == 2, "\(plan)")
                let list = try await api.call("GET", "/api/v1/evidence?host=web1").json
                #expect(list["items"]?[0]?["reason"] == "used against us now", "\(list)")
            }
        }

        /// What becomes known after the plan was frozen: the job waits, and says for what.
        @Test func aJobThatWasPlannedBeforeWaits() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                let host = world.hosts[0]
                let campaign = try await world.running()
                try await Self.exploit(world)
                let job = HostJob.id(campaign: campaign.summary.id, host: host.id, attempt: 1)
                let answer = try await host.claim(job)
                #expect(answer.order == nil && answer.retryAfter == 60, "\(answer)")
                #expect(answer.reason.contains("evidence has to be kept"), "\(answer.reason)")
                #expect(try await world.jobs(campaign.summary.id).first?.sentence == answer.reason)
                _ = try await api.call(
                    "POST", "/api/v1/hosts/web0/evidence/waive", as: Self.decider,
                    body: ["vulnerability": .string(Self.vulnerability), "reason": "used against us now"])
                #expect(try await host.claim(job).grant().fence == 1)
            }
        }

        /// What was kept before this hold began was of another state of the host: it is asked for again.
        @Test(arguments: TestEngine.allCases) func evidenceOfBeforeDoesNotCount(engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let api = try DirectAPI(world.server)
                let id = world.hosts[0].id
                let state = world.server.server.state
                let old = state.clock.now().adding(seconds: -400 * 86_400)
                let digest = String(repeating: "ab", count: 32)
                try await state.store.write { sql in
                    for (step, digest) in [("scope", ""), ("volatile-evidence", digest), (StoredEvidence.waived, "")] {
                        _ = try sql.findingClocks.record(
                            StoredEvidence(
                                host: id, vulnerability: Self.vulnerability, step: step, at: old, by: "user:ada",
                                digest: digest), organisation: "default")
                    }
                }
                try await Self.exploit(world)
                let held = try await api.call("GET", "/api/v1/evidence?host=web0", as: Self.planner).json["items"]?[0]
                #expect(held?["blocksInstallation"] == true && held?["next"] == "scope", "\(held!)")
                #expect(held?["waivedBy"] == .null && held?["records"]?.array?.isEmpty == true, "\(held!)")
                #expect(try await Self.preview(api, world)["plan"] == .null)
                for (step, kept) in [("scope", ""), ("volatile-evidence", String(repeating: "cd", count: 32))] {
                    var body: [String: JSONValue] = [
                        "vulnerability": .string(Self.vulnerability), "step": .string(step),
                    ]
                    if !kept.isEmpty { body["digest"] = .string(kept) }
                    let path = "/api/v1/hosts/web0/evidence"
                    let noted = try await api.call("POST", path, as: Self.planner, body: .object(body))
                    #expect(noted.status == 200, "\(noted.text)")
                    let twice = try await api.call("POST", path, as: Self.planner, body: .object(body))
                    #expect(twice.status == 409, "once a hold: \(twice.text)")
                }
                let plan = try await Self.preview(api, world)
                #expect(plan["errors"]?.array == [], "\(plan)")
                let log = try await api.call("GET", "/api/v1/audit?action=evidence.recorded").json
                #expect(log["items"]?.array?.count == 4, "what was noted before stays in the log")
            }
        }

        /// What a host has already is not changed by the plan: it holds nothing, and asks for no reboot.
        @Test func whatIsAtItsGoalHoldsNothing() async throws {
            try await Rollouts.with(.sqlite, hosts: 2) { world in
                let campaign = try await world.running()
                // Patched by hand meanwhile; the version is exploited too.
                try await world.hosts[0].reported(Truth(version: "9.9-1", hostname: "web0"))
                try ExceptionTests.write(
                    ExceptionTests.debian.replacingOccurrences(of: "9.9-1", with: "99-1"), "debian",
                    in: world.server.folder)
                try ExceptionTests.write(ExceptionTests.exploited, "kev", in: world.server.folder)
                _ = try await ExceptionTests.until(world.server, "evidence?blocking=true") { $0["total"] == 2 }
                for (number, isHeld) in [(0, false), (1, true)] {
                    let host = world.hosts[number]
                    let answer = try await host.claim(
                        HostJob.id(campaign: campaign.summary.id, host: host.id, attempt: 1))
                    #expect(answer.reason.contains("evidence has to be kept") == isHeld, "\(number): \(answer.reason)")
                }
            }
        }

        /// A reboot destroys what is volatile, whatever it is for; another package's change does not.
        @Test func aRebootIsHeldAndAnotherPackageIsNot() async throws {
            try await Rollouts.with(.sqlite) { world in
                try await Self.exploit(world)
                let gate = try await EvidenceGate(
                    world.server.server.state, organisation: "default", now: world.now)
                let id = world.hosts[0].id
                #expect(gate.reason(id, changing: ["package1:amd64"], reboots: false) == nil)
                #expect(gate.reason(id, changing: ["package1:amd64"], reboots: true)?.contains("started anew") == true)
                #expect(gate.reason(id, changing: ["package0:amd64"], reboots: false)?.contains("patched") == true)
                #expect(gate.reason("h-none", changing: ["package0:amd64"], reboots: true) == nil)
            }
        }

        /// Rules hold and free at once, before hosts were judged by them.
        @Test func rulesCountAtOnce() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                try await Self.exploit(world)
                let table = "system exposure,outcome\nsmall,14 days\ncontrolled,14 days\nopen,forensics first\n"
                func holds(_ body: JSONValue) async throws -> Bool {
                    let changed = try await api.call(
                        "PATCH", "/api/v1/organisations/default/priority-policy", headers: ["if-match": "*"],
                        body: body, type: "application/merge-patch+json")
                    #expect(changed.status == 200, "\(changed.text)")
                    return try await EvidenceGate(
                        world.server.server.state, organisation: "default", only: world.hosts[0].id, now: world.now
                    ).holds(world.hosts[0].id)
                }
                let terms: JSONValue = ["forensics first": "3 days"]
                #expect(try await holds(["policy": "own", "table": .string(table), "terms": terms]))
                let lab: JSONValue = [["name": "lab", "selector": "", "exposure": "small"]]
                #expect(try await !holds(["rules": lab]))
                #expect(try await holds(["rules": []]))
            }
        }

        @Test func theCommandsNoteAndList() async throws {
            try await Rollouts.with(.sqlite, hosts: 2) { world in
                try await Self.exploit(world)
                let folder = world.server.folder
                let list = try await fettle(["evidence", "list", "--blocking", "-o", "json", "--data", folder])
                #expect(list.json.array?.count == 2, "\(list)")
                let table = try await fettle(["evidence", "--data", folder])
                #expect(table.output.contains("web0") && table.output.contains("held"), "\(table)")
                let file = folder + "/memory"
                try "abc".write(toFile: file, atomically: true, encoding: .utf8)
                let bare = try await fettle(["evidence", "taken", Self.vulnerability, "web0", "--data", folder])
                #expect(bare.status == 2, "volatile evidence has a digest")
                let taken = try await fettle([
                    "evidence", "taken", Self.vulnerability, "web0", "--file", file, "-o", "json", "--data", folder,
                ])
                #expect(taken.status == 0 && taken.errors.contains("patches may go on"), "\(taken)")
                #expect(taken.json[0]?["blocksInstallation"] == false, "\(taken)")
                let after = try await fettle(["evidence", "--host", "web0", "-o", "json", "--data", folder]).json
                #expect(
                    after[0]?["records"]?[1]?["digest"]
                        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "\(after)")
                let unasked = try await fettle([
                    "evidence", "waive", Self.vulnerability, "web1", "--reason", "now", "--data", folder,
                ])
                #expect(unasked.status == 2, "it cannot be taken back")
                let waived = try await fettle([
                    "evidence", "waive", Self.vulnerability, "web1", "--reason", "now", "--yes", "-o", "json",
                    "--data", folder,
                ])
                #expect(waived.status == 0 && waived.json[0]?["blocksInstallation"] == false, "\(waived)")
                #expect(
                    try await fettle(["evidence", "--blocking", "-o", "json", "--data", folder]).json.array?.isEmpty
                        == true)

                // Pauses, besides.
                let begun = try await fettle([
                    "pause", "start", "freeze", "--note", "end of the year", "--until", "14d", "--data", folder,
                ])
                #expect(begun.status == 0 && begun.errors.contains("moves no date"), "\(begun)")
                let id = begun.output.trimmingCharacters(in: .whitespacesAndNewlines)
                let running = try await fettle(["pause", "list", "--running", "-o", "json", "--data", folder]).json
                #expect(running[0]?["id"]?.string == id, "\(running)")
                let ended = try await fettle(["pause", "end", id, "-o", "json", "--data", folder])
                #expect(ended.status == 0 && ended.json[0]?["id"]?.string == id, "\(ended)")
                #expect(try await fettle(["pause", "start", "freeze", "--note", "x", "--until", "soon"]).status == 2)
            }
        }
    }
}
