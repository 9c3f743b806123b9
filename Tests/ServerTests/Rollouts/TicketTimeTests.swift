import Orders
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// A server that has much to do: time passes between any two looks at its clock.
    @Suite struct TicketTimeTests {
        @Test(arguments: TestEngine.allCases)
        func aTicketIsNeverValidForLongerThanTheSignerSigns(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                let grant = try await host.claim(job).grant()
                var journal = TestJournal(job: job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                _ = try await host.tell(journal)
                world.server.clock.advanceEachTime(milliseconds: 7)
                let ticket = try await host.confirm(job, fence: grant.fence).ticket()
                let validity = ticket.expires.milliseconds - ticket.issued.milliseconds
                #expect(validity > 0 && validity <= TicketDocument.maximumValidity * 1000)
            }
        }
    }
}
