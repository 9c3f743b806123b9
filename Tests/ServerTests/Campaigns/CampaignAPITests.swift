import Access
import Inventory
import JSON
import NIOHTTP1
import Orders
import Rollout
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// What people do with campaigns over the API.
    @Suite struct CampaignAPITests {
        static let operatorCaller = Caller.test("user:ada", [Grant(.operator, organisation: "default")])
        static let approver = Caller.test("user:grace", [Grant(.approver, organisation: "default")])
        static let viewer = Caller.test("user:vic", [Grant(.viewer, organisation: "default")])

        /// What is sent to make a campaign.
        static func request(
            _ world: Rollouts, hosts: [String]? = nil, title: String = "Security updates"
        ) -> JSONValue {
            let start = String(world.now.adding(seconds: -60).description.prefix(16))
            return [
                "title": .string(title), "packages": ["kind": "security"],
                "hosts": ["ids": .array((hosts ?? world.hosts.map(\.id)).map { .string($0) })],
                "window": ["start": .string(start), "minutes": 120, "zone": "UTC"],
            ]
        }

        /// A campaign that awaits approval; its id and its plan's digest.
        static func awaiting(
            _ api: DirectAPI, _ world: Rollouts, as caller: Caller = operatorCaller
        ) async throws -> (id: String, plan: JSONValue) {
            let made = try await api.call("POST", "/api/v1/campaigns?submit=true", as: caller, body: request(world))
            #expect(made.status == 201, "\(made.text)")
            #expect(made.json["state"] == "awaiting-approval", "\(made.text)")
            return (try #require(made.json["id"]?.string), made.json["planDigest"] ?? .null)
        }

        @Test(arguments: TestEngine.allCases)
        func aDryRunShowsThePlanAndMakesNothing(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let api = try DirectAPI(world.server)
                let answer = try await api.call(
                    "POST", "/api/v1/campaigns?dryRun=true", as: Self.operatorCaller,
                    body: Self.request(world, hosts: ["web0", "web1"]))
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.json["approvalsRequired"] == 1)
                let hosts = answer.json["hosts"]?.array ?? []
                #expect(hosts.compactMap { $0["hostname"]?.string }.sorted() == ["web0", "web1"])
                let step = hosts.first?["packages"]?.array?.first
                #expect(step == ["package": "package0:amd64", "from": "1.0-1", "to": "9.9-1"])
                let window = try #require(hosts.first?["windows"]?.array?.first)
                #expect(window["notBefore"]?.string?.hasSuffix("Z") == true)
                #expect(window["local"]?.string?.contains("UTC") == true)
                #expect(hosts.first?["reboot"]?.string?.contains("Not expected") == true)
                let list = try await api.call("GET", "/api/v1/campaigns")
                #expect(list.json["items"] == [], "a dry run makes nothing")

                let unknown = try await api.call(
                    "POST", "/api/v1/campaigns?dryRun=true", as: Self.operatorCaller,
                    body: Self.request(world, hosts: ["web0", "nobody"]))
                #expect(unknown.status == 422 && unknown.problem?.errors.first?.pointer == "/hosts/ids/1")
                var exact = Self.request(world).object ?? [:]
                exact["packages"] = ["kind": "exact", "versions": [["name": "package0", "version": "7.7-1"]]]
                let refused = try await api.call(
                    "POST", "/api/v1/campaigns?dryRun=true", as: Self.operatorCaller, body: .object(exact))
                #expect(refused.json["plan"] == .null)
                #expect(refused.json["errors"]?.array?.first?.string?.contains("7.7-1") == true)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func othersThanTheAuthorDecide(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let api = try DirectAPI(world.server)
                let (id, plan) = try await Self.awaiting(api, world)
                let path = "/api/v1/campaigns/\(id)"
                #expect(
                    try await api.call("POST", "\(path)/approve", as: Self.operatorCaller, body: ["plan": plan]).status
                        == 403, "an operator plans, others approve")
                let author = Caller.test("user:ada", [Grant(.admin, organisation: "default")])
                let own = try await api.call("POST", "\(path)/approve", as: author, body: ["plan": plan])
                #expect(own.status == 409 && own.text.contains("author"), "\(own.text)")
                let other = try await api.call(
                    "POST", "\(path)/approve", as: Self.approver,
                    body: ["plan": .string(String(repeating: "0", count: 64))])
                #expect(other.status == 409, "another plan is not approved")
                let broken = try await api.call(
                    "POST", "\(path)/approve", as: Self.approver,
                    body: ["plan": plan, "signature": ["keyid": "ab", "sig": "AAAA"]])
                #expect(broken.status == 422)
                let approved = try await api.call("POST", "\(path)/approve", as: Self.approver, body: ["plan": plan])
                #expect(approved.status == 200 && approved.json["approvalsGiven"] == 1, "\(approved.text)")
                #expect(approved.json["approvals"]?.array?.first?["approver"] == "user:grace")
                #expect(try await world.becomes("running", id))

                // Whoever only looks stops nothing.
                for verb in ["pause", "halt", "cancel", "rollback"] {
                    let answer = try await api.call(
                        "POST", "\(path)/\(verb)", as: Self.viewer, body: ["reason": "no"])
                    #expect(answer.status == 403, "\(verb)")
                }
                #expect(try await api.call("POST", "\(path)/pause", as: Self.operatorCaller).json["state"] == "paused")
                #expect(
                    try await api.call("POST", "\(path)/resume", as: Self.operatorCaller).json["state"] == "running")
                #expect(try await api.call("POST", "\(path)/halt", as: Self.operatorCaller, body: [:]).status == 400)
                let halted = try await api.call(
                    "POST", "\(path)/halt", as: Self.operatorCaller, body: ["reason": "checkout is slow"])
                #expect(halted.status == 200, "\(halted.text)")
                #expect(try await world.becomes("halted", id))
                let again = try await api.call(
                    "POST", "\(path)/resume", as: Self.operatorCaller, body: ["reason": "checkout is slow"])
                #expect(again.problem?.kind == "approval-needed", "\(again.text)")
                let unread = try await api.call(
                    "POST", "\(path)/resume", as: Self.approver, body: ["reason": "because"])
                #expect(unread.status == 409, "who lets it go on has read why it was halted")
                let resumed = try await api.call(
                    "POST", "\(path)/resume", as: Self.approver, body: ["reason": "checkout is slow"])
                #expect(resumed.status == 200, "\(resumed.text)")
                let cancelled = try await api.call(
                    "POST", "\(path)/cancel", as: Self.operatorCaller, body: ["reason": "enough"])
                #expect(cancelled.status == 200, "\(cancelled.text)")
                #expect(try await world.becomes("cancelled", id))
                let open = try await api.call("GET", "/api/v1/campaigns?open=true", as: Self.viewer)
                #expect(open.json["items"] == [])
                let all = try await api.call("GET", "/api/v1/campaigns", as: Self.viewer)
                #expect(all.json["items"]?.array?.first?["ended"] == true)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aChangedPlanVoidsApprovalsAndNeedsItsTag(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let api = try DirectAPI(world.server)
                let (id, plan) = try await Self.awaiting(api, world)
                let path = "/api/v1/campaigns/\(id)"
                let seen = try await api.call("GET", path)
                let tag = try #require(seen.headers.first(name: "etag"))
                let body = Self.request(world, title: "Better")
                #expect(try await api.call("PUT", path, as: Self.operatorCaller, body: body).status == 428)
                let stale = try await api.call(
                    "PUT", path, as: Self.operatorCaller, headers: ["if-match": "\"old\""], body: body)
                #expect(stale.status == 412)
                let changed = try await api.call(
                    "PUT", path, as: Self.operatorCaller, headers: ["if-match": tag], body: body)
                #expect(changed.json["state"] == "draft" && changed.json["title"] == "Better", "\(changed.text)")
                #expect(changed.json["planDigest"] == .null)
                let submitted = try await api.call("POST", "\(path)/submit", as: Self.operatorCaller)
                #expect(submitted.json["planDigest"] != plan, "a new epoch is another plan")
                let old = try await api.call("POST", "\(path)/approve", as: Self.approver, body: ["plan": plan])
                #expect(old.status == 409)
                let denied = try await api.call(
                    "POST", "\(path)/deny", as: Self.approver,
                    body: ["plan": submitted.json["planDigest"] ?? .null, "reason": "not now"])
                #expect(denied.json["state"] == "rejected" && denied.json["reason"] == "not now", "\(denied.text)")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func jobsTellWhatHappened(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let api = try DirectAPI(world.server)
                let id = try await world.running(world.draft(budget: 2)).summary.id
                let path = "/api/v1/campaigns/\(id)"
                try await world.finish(world.hosts[0], .rolledBack)
                let jobs = try await api.call("GET", "\(path)/jobs?limit=1", as: Self.viewer)
                let first = try #require(jobs.json["items"]?.array?.first, "\(jobs.text)")
                #expect(first["hostname"] == "web0" && first["state"] == "rolled-back")
                #expect(first["needsPerson"] == true)
                let next = try #require(jobs.json["next"]?.string)
                let rest = try await api.call("GET", "\(path)/jobs?limit=1&cursor=\(next)", as: Self.viewer)
                #expect(rest.json["items"]?.array?.compactMap { $0["hostname"]?.string } == ["web1"])
                #expect(
                    rest.json["items"]?.array?.first?["sentence"]?.string?.isEmpty == false, "it says what it waits for"
                )
                let some = try await api.call("GET", "\(path)/jobs?state=rolled-back", as: Self.viewer)
                #expect(some.json["items"]?.array?.count == 1)
                let job = try await api.call("GET", "\(path)/jobs/web0", as: Self.viewer)
                #expect(job.json["id"] == first["id"])
                #expect(job.json["entries"]?.array?.last?["phase"] == "commit", "\(job.text)")
                #expect(job.json["packages"]?.array?.first?["now"] == "1.0-1")
                let late = try await api.call("GET", "\(path)/jobs/web0?from=3", as: Self.viewer)
                #expect(late.json["entries"]?.array?.first?["ordinal"] == 3)
                let log = try await api.call("GET", "\(path)/jobs/web0/log", as: Self.viewer)
                #expect(log.status == 200)
                #expect(try await api.call("GET", "\(path)/jobs/nobody", as: Self.viewer).status == 404)
                let other = try await world.scheduled(world.draft([world.hosts[1]], startsIn: 7200)).summary.id
                let elsewhere = try await api.call(
                    "GET", "/api/v1/campaigns/\(other)/jobs/\(first["id"]?.string ?? "")", as: Self.viewer)
                #expect(elsewhere.status == 404, "a job is found in its own campaign")
                let writeOff = try await api.call(
                    "POST", "\(path)/jobs/web1/write-off", as: Self.viewer, body: ["reason": "gone"])
                #expect(writeOff.status == 403)
                let campaign = try await api.call("GET", path, as: Self.viewer)
                #expect(campaign.json["jobs"]?["rolled-back"] == 1)
                let hosts = try await api.call("GET", "\(path)/hosts?limit=1", as: Self.viewer)
                #expect(hosts.json["items"]?.array?.first?["packages"]?.array?.first?["from"] == "1.0-1")
                #expect(hosts.json["next"]?.string != nil)
            }
        }

        @Test func whyTellsTheDecisiveReason() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                func codes() async throws -> [String] {
                    let why = try await api.call("GET", "/api/v1/hosts/web0/why/package0", as: Self.viewer)
                    #expect(why.status == 200, "\(why.text)")
                    #expect(why.json["sentence"]?.string?.isEmpty == false)
                    return (why.json["reasons"]?.array ?? []).compactMap { $0["code"]?.string }
                }
                #expect(try await codes().contains("no-campaign"))
                let (id, plan) = try await Self.awaiting(api, world)
                #expect(try await codes().contains("awaiting-approval"))
                _ = try await api.call(
                    "POST", "/api/v1/campaigns/\(id)/approve", as: Self.approver, body: ["plan": plan])
                #expect(try await world.becomes("running", id))
                #expect(try await codes().contains("waiting-for-permit"))
                let unknown = try await api.call("GET", "/api/v1/hosts/web0/why/no-such-package", as: Self.viewer)
                #expect(unknown.json["reasons"]?.array?.first?["code"] == "not-installed", "\(unknown.text)")
                let hostsOnly = Caller.test(
                    "token:h", [Grant(.admin, organisation: "default")], scopes: [.campaignsRead])
                #expect(
                    try await api.call("GET", "/api/v1/hosts/web0/why/package0", as: hostsOnly).status == 404,
                    "it tells of hosts too")
            }
        }

        /// Each reason for which a package stays where it is, as the host's own scan tells it.
        @Test func whyKnowsEachReasonOfTheHost() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                func why(_ truth: Truth) async throws -> [String] {
                    try await world.hosts[0].reported(truth)
                    let why = try await api.call("GET", "/api/v1/hosts/web0/why/package0", as: Self.viewer)
                    for reason in why.json["reasons"]?.array ?? [] {
                        #expect(reason["sentence"]?.string?.hasSuffix(".") == true, "\(reason)")
                    }
                    return (why.json["reasons"]?.array ?? []).compactMap { $0["code"]?.string }
                }
                func truth(_ status: OfferStatus, security: Bool = true, veto: HostVeto = HostVeto()) -> Truth {
                    var truth = Truth(hostname: "web0")
                    var offer = truth.offers.offers[0]
                    offer.status = status
                    offer.security = security
                    truth.offers = OfferSet(
                        indexes: truth.offers.indexes, offers: [offer], installedFrom: truth.offers.installedFrom)
                    truth.facts.veto = .known(veto)
                    return truth
                }
                for (status, code) in [
                    (OfferStatus.upgradable, "upgradable"), (.held, "held"), (.pinned("release l=ours: -1"), "pinned"),
                    (.phased(percent: 10), "phased"),
                    (.keptBack("needs package9, which is not installed"), "kept-back"),
                    (.unknown("its lists are damaged"), "resolver-unknown"),
                ] {
                    let codes = try await why(truth(status))
                    #expect(
                        codes.contains(code) && codes.contains("no-campaign") && !codes.contains("vetoed"), "\(codes)")
                }
                #expect(
                    try await why(Truth(hostname: "web0", validUntil: world.now.adding(seconds: -60)))
                        .contains("stale-index"))
                for veto in [HostVeto([.nothing]), HostVeto([.nothing], problem: "line 1"), HostVeto([.securityOnly])] {
                    let codes = try await why(truth(.upgradable, security: false, veto: veto))
                    #expect(codes.first == "vetoed", "\(codes)")
                }
                #expect(try await !why(truth(.upgradable, veto: HostVeto([.securityOnly]))).contains("vetoed"))
                // The veto stands with the host's facts, for people and programs.
                let host = try await world.server.host(world.hosts[0].id)
                #expect(host["facts"]?["veto"]?["value"]?["words"] == ["security-only"], "\(host["facts"] ?? .null)")
                #expect(try await why(Truth(version: "9.9-1", hostname: "web0")).contains("up-to-date"))
            }
        }

        /// A campaign's own reasons, from before its window to after it.
        @Test func whyKnowsEachReasonOfACampaign() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                func codes() async throws -> [String] {
                    let why = try await api.call("GET", "/api/v1/hosts/web0/why/package0", as: Self.viewer)
                    return (why.json["reasons"]?.array ?? []).compactMap { $0["code"]?.string }
                }
                let id = try await world.scheduled(world.draft(startsIn: 7200)).summary.id
                #expect(try await eventually { try await !world.jobs(id).isEmpty })
                #expect(try await codes().contains("outside-window"))
                world.server.clock.advance(7300)
                #expect(try await world.becomes("running", id))
                #expect(try await codes().contains("waiting-for-permit"))
                let job = try #require(try await world.jobs(id).first).id
                let grant = try await world.hosts[0].claim(job).grant()
                #expect(try await codes().contains("running"))
                var journal = TestJournal(job: job, bootID: world.hosts[0].bootID)
                journal.add(.received, .result, at: world.now)
                journal.add(.prefetch, .result, at: world.now)
                journal.add(.waitWindow, .result, "", ["fence": .integer(grant.fence)], at: world.now)
                journal.add(
                    .commit, .result, "the host's own veto file forbids it: nothing", ["outcome": "refused"],
                    at: world.now)
                _ = try await world.hosts[0].tell(journal)
                #expect(try await codes().contains("vetoed"))
            }
        }

        /// A campaign with a host beyond the labels of one's role is as if it were not.
        @Test func labelsLimitCampaigns() async throws {
            try await Rollouts.with(.sqlite, hosts: 2) { world in
                let api = try DirectAPI(world.server)
                for (host, site) in zip(world.hosts, ["berlin", "paris"]) {
                    _ = try await api.call(
                        "PUT", "/api/v1/hosts/\(host.id)/labels", headers: ["if-match": "*"],
                        body: ["site": .string(site)])
                }
                let berlin = Caller.test(
                    "user:b", [Grant(.operator, organisation: "default", selector: try LabelSelector("site=berlin"))])
                let far = try await api.call(
                    "POST", "/api/v1/campaigns?submit=true", as: berlin, body: Self.request(world))
                #expect(far.status == 422, "a host out of reach is as one that is not there: \(far.text)")
                let near = try await api.call(
                    "POST", "/api/v1/campaigns?submit=true", as: berlin,
                    body: Self.request(world, hosts: [world.hosts[0].id]))
                #expect(near.json["state"] == "awaiting-approval", "\(near.text)")
                let (id, _) = try await Self.awaiting(api, world)
                let seen = try await api.call("GET", "/api/v1/campaigns", as: berlin)
                #expect(seen.json["items"]?.array?.compactMap { $0["id"] } == [near.json["id"] ?? .null])
                for (method, rest) in [("GET", ""), ("GET", "/jobs"), ("GET", "/hosts"), ("POST", "/pause")] {
                    let theirs = try await api.call(
                        method, "/api/v1/campaigns/\(id)\(rest)", as: berlin, headers: ["x-request-id": "walk"])
                    let none = try await api.call(
                        method, "/api/v1/campaigns/c-none\(rest)", as: berlin, headers: ["x-request-id": "walk"])
                    #expect(theirs.status == 404, "\(method) \(rest)")
                    #expect(
                        theirs.text.replacing(id, with: "X") == none.text.replacing("c-none", with: "X"), "\(rest)")
                }
            }
        }

        @Test(arguments: TestEngine.allCases)
        func noApprovalIsAnExplicitChoiceOnRecord(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let api = try DirectAPI(world.server)
                let path = "/api/v1/organisations/default/settings"
                let present = try await api.call("GET", path, as: Self.viewer)
                #expect(present.json == ["approvalsRequired": 1, "readsChangelogs": false])
                let admin = Caller.test("user:root", [Grant(.admin, organisation: "default")])
                let headers = ["if-match": present.headers.first(name: "etag") ?? ""]
                let type = "application/merge-patch+json"
                #expect(
                    try await api.call(
                        "PATCH", path, as: Self.operatorCaller, headers: headers, body: ["approvalsRequired": 0],
                        type: type
                    ).status == 403)
                let changed = try await api.call(
                    "PATCH", path, as: admin, headers: headers, body: ["approvalsRequired": 0], type: type)
                #expect(changed.json == ["approvalsRequired": 0, "readsChangelogs": false], "\(changed.text)")
                #expect(try await world.server.audit().contains("campaigns.approvals-required"))
                let list = try await api.call("GET", "/api/v1/campaigns", as: Self.viewer)
                #expect(list.json["approvalsRequired"] == 0)
                let (id, plan) = try await Self.awaiting(api, world, as: admin)
                let shown = try await api.call("GET", "/api/v1/campaigns/\(id)", as: Self.viewer)
                #expect(shown.json["approvalsRequired"] == 0)
                #expect(shown.json["next"]?.string?.contains("no approval") == true)
                let released = try await api.call(
                    "POST", "/api/v1/campaigns/\(id)/approve", as: admin, body: ["plan": plan])
                #expect(released.status == 200, "\(released.text)")
            }
        }
    }
}
