import Foundation
import JSON
import Rollout
import Testing
import Wire

@testable import Server

extension ServerTests {
    /// `fettle campaign …` and `fettle why`.
    @Suite struct CampaignCommandTests {
        @Test func aCampaignFromThePlanToItsEnd() async throws {
            try await Rollouts.with(.sqlite) { world in
                let folder = world.server.folder
                func command(_ words: String...) async throws -> CommandResult {
                    try await fettle(words + ["--data", folder])
                }
                let plan = [
                    "campaign", "create", "OpenSSL", "--package", "package0", "--hosts", "web0", "--data", folder,
                ]
                #expect(try await command("campaign", "create", "x", "--hosts", "web0").status == 2, "which packages?")
                #expect(try await command("campaign", "create", "x", "--security").status == 2, "which hosts?")
                let dry = try await fettle(plan + ["--dry-run"])
                #expect(dry.status == 0, "\(dry.errors)")
                #expect(dry.output.contains("package0:amd64") && dry.output.contains("9.9-1"), "\(dry.output)")
                #expect(dry.errors.contains("nothing was made"))
                #expect(try await command("campaign", "list", "-o", "json").json == [])
                let wrong = try await command(
                    "campaign", "create", "x", "--package", "package0=7-1", "--hosts", "web0", "--dry-run")
                #expect(wrong.status == 1 && wrong.errors.contains("7-1"), "\(wrong.errors)")
                #expect(try await command("why", "web0", "package0").output.contains("Offered:"))

                let made = try await fettle(plan)
                #expect(made.status == 0, "\(made.errors)")
                let id = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(id.hasPrefix("c-"))
                let short = String(id.prefix(8))
                #expect(try await command("campaign", "show", short).output.contains("awaiting-approval"))
                #expect(try await command("campaign", "show", "OpenSSL", "-o", "name").output == "\(id)\n")
                #expect(try await command("campaign", "show", "c-nobody").status == 3)
                let asked = try await command("campaign", "approve", short)
                #expect(
                    asked.status == 2 && asked.errors.contains("package0:amd64"), "it shows the plan: \(asked.errors)")
                let own = try await command("campaign", "approve", short, "--yes")
                #expect(own.status == 1 && own.errors.contains("author"), "\(own.errors)")
                let other = try await command("campaign", "approve", short, "--plan", "00000000", "--yes")
                #expect(other.status == 1 && other.errors.contains("has changed"))
                #expect(try await command("campaign", "cancel", short, "--yes").status == 2, "it needs a reason")
                #expect(
                    try await command("campaign", "cancel", short, "--reason", "x").status == 2, "nobody can be asked")
                #expect(try await command("campaign", "cancel", short, "--reason", "x", "--dry-run").status == 0)
                #expect(try await command("campaign", "cancel", short, "--reason", "x", "--yes").status == 0)
                #expect(try await command("campaign", "list", "--open", "-o", "json").json == [])
                let ended = try await command("campaign", "watch", short)
                #expect(ended.status == 1 && ended.errors.contains("cancelled"), "\(ended.errors)")

                // A shop of one person says so, and it is on record.
                #expect(try await command("organisations", "approvals", "default").output == "1\n")
                #expect(try await command("organisations", "approvals", "default", "0").status == 2)
                #expect(try await command("organisations", "approvals", "default", "0", "--yes").status == 0)
                let second = try await fettle(plan).output.trimmingCharacters(in: .whitespacesAndNewlines)
                let released = try await command("campaign", "approve", second, "--yes")
                #expect(released.status == 0, "\(released.errors)")
                #expect(try await world.becomes("running", second))
                let watch = try FettleCommand(["campaign", "watch", second, "--timeout", "120", "--data", folder])
                #expect(try await watch.shows { $0.output.contains("running") })
                try await world.finish(world.hosts[0], .succeeded)
                #expect(try await watch.shows { $0.output.contains("web0: succeeded") }, "\(watch.seen)")
                let jobs = try await command("campaign", "jobs", second, "-o", "json", "--query", "[].state")
                #expect(jobs.json == ["succeeded"])
                let journal = try await command("campaign", "log", second, "web0", "--journal")
                #expect(journal.output.contains("mutate-intent"), "\(journal.output)")
                #expect(try await command("campaign", "log", second, "web0").status == 0)
                world.server.clock.advance(5)
                var host = world.hosts[0]
                try await host.reported(Truth(version: "9.9-1", hostname: "web0"))
                #expect(try await world.becomes("completed", second))
                let result = await watch.ended()
                #expect(result.status == 0, "\(result.output) \(result.errors)")
            }
        }

        @Test func haltingAsksOnATerminal() async throws {
            try await Rollouts.with(.sqlite) { world in
                let id = try await world.running().summary.id
                let folder = world.server.folder
                let words = ["campaign", "halt", id, "--reason", "checkout is slow", "--data", folder]
                let no = try await fettleOnTerminal(words, typed: "n\n")
                #expect(no.status == 1 && no.output.contains("Halt"), "\(no.output)")
                #expect(try await world.engine.show(organisation: "default", id).summary.state == "running")
                let yes = try await fettleOnTerminal(words, typed: "y\n")
                #expect(yes.status == 0, "\(yes.output)")
                #expect(try await world.becomes("halted", id))
                let watched = try await fettleOnTerminal(["campaign", "watch", id, "--data", folder])
                #expect(watched.status == 1 && watched.output.contains("checkout is slow"), "\(watched.output)")
                let blind = try await fettle(["campaign", "resume", id, "--data", folder])
                #expect(blind.status == 2, "after a halt somebody reads why: \(blind.errors)")
                let resumed = try await fettle(
                    ["campaign", "resume", id, "--reason", "checkout is slow", "--data", folder])
                #expect(resumed.status == 0, "\(resumed.errors)")
            }
        }
    }
}
