import Access
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Policies on the server: applied as a whole, kept with all that they were, and read by whoever may.
    @Suite struct PolicyTests {
        static let group = """
            apiVersion: fettle/v1
            kind: HostGroup
            metadata: {name: web, note: Behind the load balancer.}
            spec: {selector: tier=web}
            """
        static let night = """
            apiVersion: fettle/v1
            kind: Window
            metadata: {name: sunday}
            spec: {rule: FREQ=WEEKLY;BYDAY=SU, start: "02:30", duration: 3h, clocks: host, groups: [web]}
            """
        static let site = """
            apiVersion: fettle/v1
            kind: Site
            metadata: {name: berlin}
            spec: {zone: Europe/Berlin}
            """

        static func upload(_ documents: String..., prune: Bool = false) -> JSONValue {
            [
                "files": [["name": "fleet.yaml", "text": .string(documents.joined(separator: "\n---\n"))]],
                "prune": .bool(prune),
            ]
        }

        static func apply(
            _ api: DirectAPI, _ body: JSONValue, as caller: Caller? = .socket
        ) async throws -> Answer {
            let tag = try await api.call("GET", "/api/v1/policies").headers.first(name: "etag") ?? ""
            return try await api.call("PUT", "/api/v1/policies", as: caller, headers: ["if-match": tag], body: body)
        }

        private static let admin = Caller.test("user:ada", [Grant(.admin, organisation: "default")])
        private static let operating = Caller.test("user:bob", [Grant(.operator, organisation: "default")])
        private static let deploying = Caller.test(
            "user:ada", [Grant(.admin, organisation: "default")], scopes: [.policiesRead, .policiesWrite])

        /// Planned, applied, the same again, changed, pruned: each with its version, author and place in the audit log.
        @Test(arguments: TestEngine.allCases) func theyAreAppliedAsAWhole(engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let api = try DirectAPI(server)
                let path = "/api/v1/policies"
                let empty = try await api.call("GET", path)
                #expect(empty.json["version"] == 0 && empty.json["items"] == [], "\(empty.text)")
                let plan = try await api.call("POST", "\(path)/plan", body: Self.upload(Self.group, Self.night))
                #expect(plan.json["applied"] == false && plan.json["steps"]?.array?.count == 2, "\(plan.text)")
                #expect(try await api.call("GET", path).json["version"] == 0, "a plan changes nothing")

                let done = try await Self.apply(api, Self.upload(Self.group, Self.night), as: Self.deploying)
                #expect(done.status == 200 && done.json["version"] == 1, "\(done.text)")
                let again = try await Self.apply(api, Self.upload(Self.night, Self.group))
                #expect(again.json["version"] == 1 && again.json["steps"] == [], "idempotent: \(again.text)")

                let changed = Self.night.replacingOccurrences(of: "3h", with: "4h")
                let more = try await Self.apply(api, Self.upload(changed), as: Self.admin)
                #expect(more.json["version"] == 2 && more.json["text"]?[0] == "~ Window/sunday", "\(more.text)")
                #expect(more.json["steps"]?[0]?["differences"]?[0]?["after"] == "4h", "\(more.text)")
                let one = try await api.call("GET", "\(path)/Window/sunday")
                #expect(one.json["version"] == 2 && one.json["appliedBy"] == "user:ada", "\(one.text)")
                #expect(one.json["document"]?["spec"]?["duration"] == "4h")
                let group = try await api.call("GET", "\(path)/HostGroup/web")
                #expect(group.json["version"] == 1, "what was not sent stays as it was")
                let history = try await api.call("GET", "\(path)/Window/sunday/history").json
                #expect(history["items"]?.array?.map { $0["version"] } == [2, 1], "\(history)")
                #expect(history["items"]?[1]?["until"] == 2)

                let pruned = try await Self.apply(api, Self.upload(Self.group, prune: true))
                #expect(pruned.json["text"]?[0] == "- Window/sunday", "\(pruned.text)")
                #expect(try await api.call("GET", "\(path)/Window/sunday").status == 404)
                let ended = try await api.call("GET", "\(path)/Window/sunday/history").json
                #expect(ended["items"]?[0]?["until"] == 3, "what was taken out can be seen: \(ended)")
                let versions = try await api.call("GET", "\(path)/versions?limit=2").json
                #expect(versions["items"]?.array?.count == 2 && versions["next"] != .null, "\(versions)")
                let log = try await server.api(.GET, "audit?action=policies.applied").json
                #expect(log["items"]?.array?.count == 3, "\(log)")
            }
        }

        /// Whoever planned on another version, may not, or sends what is wrong, changes nothing.
        @Test func whatMustNotBeDoneIsRefused() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let path = "/api/v1/policies"
                let old = try await api.call("GET", path).headers.first(name: "etag") ?? ""
                _ = try await Self.apply(api, Self.upload(Self.group))
                let late = try await api.call(
                    "PUT", path, headers: ["if-match": old], body: Self.upload(Self.group, Self.night))
                #expect(late.status == 412, "\(late.text)")
                let without = try await api.call("PUT", path, body: Self.upload(Self.group))
                #expect(without.status == 428, "\(without.text)")
                let refused = try await Self.apply(api, Self.upload(Self.night), as: Self.operating)
                #expect(refused.status == 403, "\(refused.text)")
                #expect(try await api.call("GET", path, as: Self.operating).status == 200)

                let dangling = Self.night.replacingOccurrences(of: "[web]", with: "[wbe]")
                let wrong = try await Self.apply(api, Self.upload(Self.group, dangling))
                #expect(wrong.status == 422, "\(wrong.text)")
                let fault = try #require(wrong.problem?.errors.first)
                #expect(
                    fault.detail.contains("fleet.yaml:9:") && fault.detail.contains("there is no HostGroup wbe"),
                    "\(fault)")
                #expect(fault.cure.contains("rite one"), "\(fault)")
                // What stays in force counts: taking out what others name is an error too.
                _ = try await Self.apply(api, Self.upload(Self.night))
                let cut = try await Self.apply(api, Self.upload(Self.night, prune: true))
                #expect(cut.status == 422 && cut.text.contains("there is no HostGroup web"), "\(cut.text)")
                let torn = try await api.call("POST", "\(path)/plan", body: Self.upload("spec: ["))
                #expect(torn.json["problems"]?[0]?["severity"] == "error", "\(torn.text)")
                #expect(try await api.call("GET", path).json["version"] == 2)
                let large: JSONValue = .string(String(repeating: "#", count: 1 << 20) + "\n")
                let heavy: JSONValue = ["files": [["name": "a.yaml", "text": large]]]
                #expect(try await api.call("POST", "\(path)/plan", body: heavy).status == 400)
                let wide = (0..<30_000).map { "host-number-\($0)" }.joined(separator: ", ")
                let fat = Self.group.replacingOccurrences(of: "selector: tier=web", with: "hosts: [\(wide)]")
                let many = try await api.call("POST", "\(path)/plan", body: Self.upload(fat))
                #expect(many.json["problems"]?[0]?["severity"] == "error", "2,000 names are the most")
            }
        }

        /// A host's windows: on its clocks, its site's or a fixed zone's, across changes of the clocks, cut by freezes; and why
        /// there is none.
        @Test func aHostIsToldItsWindows() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                var host = try await TestHost.enrol(server)
                var truth = Truth()
                truth.facts.timeZone = .known("Europe/Berlin")
                try await host.reported(truth)
                let path = "/api/v1/hosts/web1/windows"
                var found = try await api.call("GET", path).json
                #expect(found["why"]?.string?.contains("There are no policies") == true, "\(found)")
                _ = try await Self.apply(api, Self.upload(Self.group, Self.night, Self.site))
                found = try await api.call("GET", path).json
                #expect(found["why"]?.string?.contains("it is in no group") == true, "\(found)")
                let labels = try await api.call("GET", "/api/v1/hosts/web1/labels").headers.first(name: "etag") ?? ""
                let set = try await api.call(
                    "PUT", "/api/v1/hosts/web1/labels", headers: ["if-match": labels],
                    body: ["tier": "web", "site": "berlin"])
                #expect(set.status == 200, "\(set.text)")

                // Sunday 2027-03-28: the clocks of Berlin jump from 02:00 to 03:00, and over 02:30.
                found = try await api.call("GET", "\(path)?count=2&after=2027-03-22T00:00:00Z").json
                #expect(found["why"] == "" && found["groups"] == ["web"] && found["windows"] == ["sunday"], "\(found)")
                #expect(found["zone"] == "Europe/Berlin" && found["siteZone"] == "Europe/Berlin")
                let spring = try #require(found["items"]?[0])
                #expect(spring["opens"] == "2027-03-28T03:30" && spring["utc"] == "2027-03-28T01:30:00Z", "\(spring)")
                #expect(spring["note"]?.string?.contains("The clocks jump over") == true, "\(spring)")
                #expect(found["items"]?[1]?["utc"] == "2027-04-04T00:30:00Z", "\(found)")
                #expect(
                    found["items"]?[1]?["lastStart"] == "2027-04-04T02:45:00Z", "20 + 15 + 10 minutes before its end")
                // Sunday 2027-10-31: 02:30 comes twice.
                found = try await api.call("GET", "\(path)?count=1&after=2027-10-30T00:00:00Z").json
                #expect(found["items"]?[0]?["utc"] == "2027-10-31T00:30:00Z", "the first time: \(found)")
                #expect(found["items"]?[0]?["note"]?.string?.contains("comes twice") == true)

                let freeze = """
                    apiVersion: fettle/v1
                    kind: Freeze
                    metadata: {name: sale}
                    spec:
                      reason: Spring sale
                      between: {from: "2027-04-04T04:00", to: "2027-04-12T00:00"}
                      clocks: site
                    """
                _ = try await Self.apply(api, Self.upload(freeze))
                found = try await api.call("GET", "\(path)?count=2&after=2027-04-01T00:00:00Z").json
                #expect(found["items"]?[0]?["shuts"] == "2027-04-04T04:00", "\(found)")
                #expect(found["items"]?[0]?["note"]?.string?.contains("sale (Spring sale)") == true, "\(found)")
                #expect(found["items"]?[1]?["opens"] == "2027-04-18T02:30", "that of the 11th is frozen: \(found)")
                found = try await api.call("GET", "\(path)?after=2027-04-05T00:00:00Z").json
                #expect(found["frozen"] == ["sale: Spring sale"] && found["open"] == false, "\(found)")

                let feed = try await api.send("GET", "/api/v1/groups/web/windows.ics")
                #expect(feed.status == 200 && feed.text.contains("RRULE:FREQ=WEEKLY;BYDAY=SU"), "\(feed.text)")
                #expect(feed.text.contains("DTSTART;TZID=Europe/Berlin:") && feed.text.contains("Freeze: Spring sale"))
                #expect(try await api.send("GET", "/api/v1/groups/none/windows.ics").status == 404)

                let rows = try await api.call("GET", "/api/v1/policies/HostGroup/web/hosts").json
                #expect(rows["total"] == 1 && rows["items"]?[0]?["hostname"] == "web1", "\(rows)")
                let far = Caller.test(
                    "user:eve", [Grant(.viewer, organisation: "default", selector: try LabelSelector("tier=db"))])
                #expect(try await api.call("GET", path, as: far).status == 404)
            }
        }

        /// Of a host whose zone is not known nothing opens on its own clocks: not by UTC instead.
        @Test func anUnknownZoneIsNoWindow() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                var host = try await TestHost.enrol(server)
                var truth = Truth()
                truth.facts.timeZone = .unknown("/etc/localtime is no link")
                try await host.reported(truth)
                let everybody = Self.night.replacingOccurrences(of: ", groups: [web]", with: "")
                _ = try await Self.apply(api, Self.upload(everybody))
                let found = try await api.call("GET", "/api/v1/hosts/web1/windows").json
                #expect(found["items"] == [] && found["open"] == false, "\(found)")
                #expect(found["why"]?.string?.contains("has not said its zone") == true, "\(found)")
            }
        }

        /// A pipeline's token with `policies:write` alone plans and applies; it is told that no host was looked at. It reads
        /// nothing else.
        @Test func onePermissionIsEnoughToApply() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let path = "/api/v1/policies"
                let pipeline = Caller.test(
                    "user:ada", [Grant(.admin, organisation: "default")], scopes: [.policiesWrite])
                let present = try await api.call("GET", path, as: pipeline)
                #expect(present.status == 200, "\(present.text)")
                let plan = try await api.call("POST", "\(path)/plan", as: pipeline, body: Self.upload(Self.group))
                #expect(plan.status == 200 && plan.json["hostsChecked"] == false, "\(plan.text)")
                let tag = try #require(present.headers.first(name: "etag"))
                let done = try await api.call(
                    "PUT", path, as: pipeline, headers: ["if-match": tag], body: Self.upload(Self.group))
                #expect(done.status == 200 && done.json["hostsChecked"] == false, "\(done.text)")
                let seen = try await api.call("POST", "\(path)/plan", body: Self.upload(Self.group))
                #expect(seen.json["hostsChecked"] == true, "\(seen.text)")
                for more in ["/versions", "/HostGroup/web", "/HostGroup/web/history", "/HostGroup/web/hosts"] {
                    #expect(try await api.call("GET", path + more, as: pipeline).status == 403)
                }
            }
        }

        /// Whom a policy applies to is told to whoever may read policies; what hosts out of reach are, to nobody.
        @Test func hostsOutOfReachStayUnknown() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                for name in ["web1", "db1", "db2"] {
                    var host = try await TestHost.enrol(server, hostname: name)
                    try await host.reported(Truth())
                    let tier: JSONValue = .string(String(name.dropLast()))
                    let set = try await api.call(
                        "PUT", "/api/v1/hosts/\(host.id)/labels", headers: ["if-match": "*"], body: ["tier": tier])
                    #expect(set.status == 200, "\(set.text)")
                }
                let rings = """
                    apiVersion: fettle/v1
                    kind: RingPlan
                    metadata: {name: standard}
                    spec: {rings: [{name: test, group: web, soak: 4h}, {name: broad, size: rest}]}
                    """
                let applied = try await Self.apply(api, Self.upload(Self.group, rings))
                #expect(applied.status == 200, "\(applied.text)")
                let path = "/api/v1/policies/RingPlan/standard/hosts"
                let whole = try await api.call("GET", path)
                #expect(whole.json["total"] == 3 && whole.json["untested"]?.array != nil, "\(whole.text)")
                let web = try Grant(.viewer, organisation: "default", selector: LabelSelector("tier=web"))
                let some = try await api.call("GET", path, as: .test("user:eve", [web]))
                #expect(some.status == 403, "who sees only some hosts reads no policies: \(some.text)")
                let blind = try await api.call("GET", path, as: .test("user:eve", [web], scopes: [.hostsRead]))
                #expect(blind.status == 403 && blind.text.contains("policies:read"), "\(blind.text)")
                let desk = PolicyDesk(
                    state: server.server.state, organisation: "default", actor: "user:eve", seesHosts: false,
                    now: Timestamp(seconds: 1_790_000_000))
                let scope = try await desk.scope("RingPlan", "standard", reach: .selected([LabelSelector("tier=web")]))
                #expect(scope.rings.isEmpty && scope.untested.isEmpty && scope.rows.map(\.ring) == ["test"])
                #expect(try await desk.scope("RingPlan", "standard", reach: .all).rings.map(\.hosts) == [1, 2])
            }
        }

        /// On the page nothing is applied but what a plan was shown of: neither another text, nor another tick.
        @Test func thePageAppliesWhatItHasShown() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                _ = try await Self.apply(api, Self.upload(Self.site))
                let browser = PageBrowser(server)
                try await browser.comeIn()
                func hidden(_ name: String, _ page: Answer) throws -> String {
                    let mark = try #require(page.text.firstRange(of: "name=\"\(name)\" value=\""), "\(page.text)")
                    return String(page.text[mark.upperBound...].prefix { $0 != "\"" })
                }
                func submit(_ step: String, _ fields: [(String, String)]) async throws -> Answer {
                    try await browser.submit("/policies/apply", fields + [("step", step)])
                }
                func inForce() async throws -> [String] {
                    let list = try await api.call("GET", "/api/v1/policies").json["items"]?.array ?? []
                    return list.compactMap { $0["kind"]?.string }
                }
                let plan = try await submit("plan", [("text", Self.group), ("version", "1")])
                let fields = [("version", try hidden("version", plan)), ("shown", try hidden("shown", plan))]
                let ticked = try await submit("apply", fields + [("text", Self.group), ("prune", "yes")])
                #expect(ticked.status == 409 && ticked.text.contains("- Site/berlin"), "\(ticked.text)")
                let other = Self.group.replacingOccurrences(of: "tier=web", with: "tier=db")
                let edited = try await submit("apply", fields + [("text", other)])
                #expect(edited.status == 409 && edited.text.contains("is not what the plan was shown of"))
                #expect(try await submit("apply", [("version", "1"), ("text", Self.group)]).status == 409)
                #expect(try await inForce() == ["Site"])
                let done = try await submit("apply", fields + [("text", Self.group)])
                #expect(done.status == 303, "\(done.text)")
                #expect(try await inForce() == ["HostGroup", "Site"])
            }
        }

        /// The command line: a plan, an apply, the same again, and what is there.
        @Test func theCommandLineAppliesThem() async throws {
            try await TestServer.with { server in
                let file = FileManager.default.temporaryDirectory.appending(path: "fettle-\(UUID().uuidString).yaml")
                try Data((Self.group + "\n---\n" + Self.night).utf8).write(to: file)
                defer { try? FileManager.default.removeItem(at: file) }
                func policy(_ arguments: String...) async throws -> CommandResult {
                    try await fettle(["policy"] + arguments + ["--data", server.folder])
                }
                let dry = try await policy("apply", file.path, "--dry-run")
                #expect(dry.status == 0 && dry.output == "+ HostGroup/web\n+ Window/sunday\n", "\(dry)")
                let done = try await policy("apply", file.path)
                #expect(done.status == 0 && done.errors.contains("version 1 is in force"), "\(done)")
                #expect(try await policy("apply", file.path).output == "Nothing changes.\n")
                #expect(try await policy("diff", file.path).output == "Nothing changes.\n")
                #expect(try await policy("list", "-o", "name").output == "HostGroup/web\nWindow/sunday\n")
                let shown = try await policy("show", "Window/sunday")
                #expect(shown.status == 0 && shown.output.contains("kind: Window"), "\(shown)")
                let again = FileManager.default.temporaryDirectory.appending(path: "fettle-\(UUID().uuidString).yaml")
                try Data(shown.output.utf8).write(to: again)
                defer { try? FileManager.default.removeItem(at: again) }
                #expect(
                    try await policy("diff", again.path).output == "Nothing changes.\n", "what is shown can be applied")
                #expect(try await policy("show", "Window/sunday", "--history").output.contains("in force"))
                #expect(try await policy("show", "Window/none").status == 3)
                try Data(Self.night.replacingOccurrences(of: "3h", with: "3x").utf8).write(to: file)
                let wrong = try await policy("apply", file.path)
                #expect(wrong.status == 1 && wrong.errors.contains(":4:"), "\(wrong)")
                _ = try await TestHost.enrol(server)
                let windows = try await fettle(["windows", "preview", "web1", "--data", server.folder])
                #expect(windows.status == 0 && windows.errors.contains("No window"), "\(windows)")
            }
        }
    }
}
