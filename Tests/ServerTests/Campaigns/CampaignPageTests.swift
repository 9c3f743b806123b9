import Access
import JSON
import NIOHTTP1
import Rollout
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Campaigns on pages, without script.
    @Suite struct CampaignPageTests {
        private static func person(_ name: String, _ role: Role, _ server: TestServer) async throws -> PageBrowser {
            _ = try await server.people.createUser(
                name: name, grants: [Grant(role, organisation: "default")], by: .socket)
            let browser = PageBrowser(server)
            try await browser.comeIn(name)
            return browser
        }

        private static func fields(_ world: Rollouts, _ act: String) -> [(String, String)] {
            let start = String(world.now.adding(seconds: -60).description.prefix(16))
            return [
                ("title", "<b>OpenSSL</b>"), ("packages", "named"), ("names", "package0"), ("hosts", "web0"),
                ("selector", ""), ("start", start), ("minutes", "120"), ("zone", "UTC"), ("budget", "1"),
                ("reboot", "when-needed"), ("snapshot", "best"), ("rollBack", "yes"), ("units", ""), ("act", act),
            ]
        }

        @Test(arguments: TestEngine.allCases)
        func aCampaignIsPlannedApprovedAndHalted(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let ada = try await Self.person("ada", .operator, world.server)
                let grace = try await Self.person("grace", .approver, world.server)
                let patches = try await ada.open("/patches/package0")
                #expect(patches.text.contains("/campaigns/new?package=package0"), "\(patches.text)")
                #expect(try await !grace.open("/patches/package0").text.contains("/campaigns/new"))
                let form = try await ada.open("/campaigns/new?package=package0&host=\(world.hosts[0].id)")
                #expect(form.text.contains("value=\"package0\"") && form.text.contains(world.hosts[0].id))

                var wrong = Self.fields(world, "submit")
                wrong[3] = ("hosts", "nobody")
                let refused = try await ada.submit("/campaigns/new", wrong)
                #expect(refused.status == 400 && refused.text.contains("There is no host &quot;nobody&quot;"))
                let preview = try await ada.submit("/campaigns/new", Self.fields(world, "preview"))
                #expect(preview.status == 200 && preview.text.contains("9.9-1"), "\(preview.text)")
                #expect(try await ada.open("/campaigns?show=all").text.contains("No campaign yet"))
                // Scripts are part of the plan as they are written, without what browsers make of line ends.
                let unread = try await ada.submit(
                    "/campaigns/new", Self.fields(world, "draft") + [("preScript", "systemctl stop x")])
                #expect(unread.status == 400 && unread.text.contains("names the interpreter"))
                let scripted = try await ada.submit(
                    "/campaigns/new",
                    Self.fields(world, "draft") + [("preScript", "#!/bin/sh\r\nexit 0\r\n"), ("postScript", "")])
                let draftPath = try #require(scripted.headers["location"].first).split(separator: "?")[0]
                let draftID = String(draftPath.split(separator: "/").last ?? "")
                let scripts = try await world.engine.show(organisation: "default", draftID).draft.actions
                #expect(scripts.preScripts.map(\.text) == ["#!/bin/sh\nexit 0\n"])
                #expect(scripts.postScripts.isEmpty)
                #expect(try await ada.open("/campaigns/\(draftID)/edit").text.contains("exit 0"))
                let made = try await ada.submit("/campaigns/new", Self.fields(world, "submit"))
                let path = try #require(made.headers["location"].first, "\(made.text)").split(separator: "?")[0]
                let id = String(path.split(separator: "/").last ?? "")

                let own = try await ada.open("/campaigns/\(id)")
                #expect(own.text.contains("&lt;b&gt;OpenSSL") && own.text.contains("Awaits approval"))
                #expect(!own.text.contains("Approve this plan"), "who made it does not approve it")
                #expect(try await grace.open("/").text.contains("Campaigns that wait for somebody"))
                let seen = try await grace.open("/campaigns/\(id)")
                #expect(seen.text.contains("Approve this plan") && seen.text.contains("1.0-1"))
                let marker = "name=\"plan\" value=\""
                let plan = try #require(seen.text.firstRange(of: marker))
                let digest = String(seen.text[plan.upperBound...].prefix(64))
                #expect(try await ada.submit("/campaigns/\(id)/approve", [("plan", digest)]).status == 403)
                #expect(try await grace.submit("/campaigns/\(id)/approve", [("plan", "x")]).status == 400)
                let approved = try await grace.submit("/campaigns/\(id)/approve", [("plan", digest)])
                #expect(approved.status == 303, "\(approved.text)")
                #expect(try await world.becomes("running", id))

                try await world.finish(world.hosts[0], .rolledBack)
                let jobs = try await world.jobs(id)
                let job = try #require(jobs.first)
                let running = try await ada.open("/campaigns/\(id)")
                #expect(running.text.contains("Rolled back") && running.text.contains("/jobs/\(job.id)"))
                let part = try await ada.open("/campaigns/\(id)/jobs/\(job.id)")
                #expect(part.text.contains("From here on") || part.text.contains("the packages change now"))
                #expect(try await ada.open("/campaigns/\(id)/jobs/\(job.id)/log").status == 200)
                let host = try await ada.open("/hosts/\(world.hosts[0].id)")
                #expect(host.text.contains("Campaigns of this host") && host.text.contains("/why/package0"))
                let why = try await ada.open("/hosts/\(world.hosts[0].id)/why/package0")
                #expect(why.status == 200 && why.text.contains("Reasons"))
                let state = try await world.engine.show(organisation: "default", id).summary.state
                if state == "running" || state == "verifying" {
                    #expect(try await ada.submit("/campaigns/\(id)/halt", [("reason", "")]).status == 400)
                    let halted = try await ada.submit("/campaigns/\(id)/halt", [("reason", "checkout is slow")])
                    #expect(halted.status == 303, "\(halted.text)")
                    #expect(try await world.becomes("halted", id))
                    let page = try await grace.open("/campaigns/\(id)")
                    #expect(page.text.contains("Repeat the reason of the halt: checkout is slow"))
                }
            }
        }

        @Test func noApprovalIsShownOnEveryCampaign() async throws {
            try await Rollouts.with(.sqlite) { world in
                let root = try await Self.person("root", .admin, world.server)
                let settings = try await root.open("/settings/organisations")
                #expect(settings.text.contains("People who must approve a plan"))
                let changed = try await root.submit("/settings/approvals", [("approvals", "0")])
                #expect(changed.status == 303)
                #expect(try await root.submit("/settings/approvals", [("approvals", "99")]).status == 400)
                let made = try await root.submit("/campaigns/new", Self.fields(world, "submit"))
                let path = try #require(made.headers["location"].first, "\(made.text)")
                let page = try await root.open(path)
                #expect(page.text.contains("No approval is asked for"))
                #expect(page.text.contains("Release without approval"))
                #expect(try await root.open("/campaigns").text.contains("No approval is asked for"))
            }
        }
    }
}
