import Agent
import Changelog
import Digest
import Testing
import Timestamps
import Wire

/// When the network process speaks of changelogs, and what it has the executor do.
@Suite struct ChangelogLoopTests {
    private static let candidate = CandidatePackage(
        name: "tool", architecture: "amd64", version: "1.1-1", source: "tool", sourceVersion: "1.1-1",
        digest: SHA256.hash([7]), bytes: 10)

    /// A host that has scanned and reported, at its next contact: what it tells of changelogs.
    private func contact(_ driver: inout LoopDriver) -> ChangelogReport? {
        driver.wakeUp()
        for _ in 0..<20 {
            switch driver.pending {
            // The server expects what the check-in said comes next; what was scanned meanwhile is not sent yet.
            case .checkIn(let checkIn): driver.answer(driver.reply(expected: checkIn.nextReport))
            case .report: driver.answerReports(expected: driver.next)
            case .state: driver.answer(.state(nil))
            case .changelogs(let report): return report
            default: return nil
            }
        }
        return nil
    }

    private func started() -> LoopDriver {
        var driver = LoopDriver(readsChangelogs: true)
        driver.begin()
        driver.take(.scanned(Observation(observed: driver.now.wall, bootID: "b"), LoopDriver.digests(1)))
        return driver
    }

    private func orders(_ effects: [AgentLoop.Effect]) -> [ChangelogOrder] {
        effects.compactMap { if case .changelogs(let order) = $0 { order } else { nil } }
    }

    @Test func itListsReadsAndTells() throws {
        var driver = started()
        let first = try #require(contact(&driver))
        #expect(first.candidates.isEmpty && first.claims.isEmpty)
        #expect(
            orders(driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: 60), first))) == [
                .init(read: [])
            ])

        // While the executor is at it nothing is said.
        #expect(contact(&driver) == nil)
        driver.take(.changelogs(ChangelogResult(candidates: [Self.candidate])))
        let second = try #require(contact(&driver))
        #expect(second.candidates == [Self.candidate])
        let reply = ChangelogReply(isWanted: true, read: [Self.candidate.digest], retryAfter: 600)
        #expect(orders(driver.answer(.changelogs(reply, second))) == [.init(read: [Self.candidate.digest])])

        let claim = ChangelogClaim(candidate: Self.candidate, reading: nil, problem: "none")
        driver.take(.changelogs(ChangelogResult(claims: [claim])))
        let third = try #require(contact(&driver))
        #expect(third.claims == [claim])
        driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: 21_600), third))
        #expect(contact(&driver) == nil, "not before the server's time")
    }

    /// A host that has told what it is offered and has read four of it.
    private func withFourClaims() throws -> (LoopDriver, [ChangelogClaim]) {
        var driver = started()
        let first = try #require(contact(&driver))
        driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: 60), first))
        driver.take(.changelogs(ChangelogResult(candidates: [Self.candidate])))
        let second = try #require(contact(&driver))
        let reply = ChangelogReply(isWanted: true, read: [Self.candidate.digest], retryAfter: 600)
        driver.answer(.changelogs(reply, second))
        let claims = (0..<4).map { ChangelogClaim(candidate: Self.candidate, reading: nil, problem: "\($0)") }
        driver.take(.changelogs(ChangelogResult(claims: claims)))
        return (driver, claims)
    }

    @Test func claimsGoOneByOneInOneContactAndWithoutCandidates() throws {
        var (driver, claims) = try withFourClaims()
        var told = try #require(contact(&driver))
        for (index, claim) in claims.enumerated() {
            #expect(told.claims == [claim] && told.candidates.isEmpty)
            driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: 60), told))
            guard index < 3 else { break }
            guard case .changelogs(let next)? = driver.pending else {
                Issue.record("the next claim goes in the same contact")
                return
            }
            told = next
        }
        let after = try #require(contact(&driver))
        #expect(after.claims.isEmpty && after.candidates == [Self.candidate])
    }

    /// Otherwise a host with many updates would read four of them an hour, or whatever the server's time is.
    @Test func afterTheLastClaimTheNextFilesAreAskedForInTheSameContact() throws {
        var (driver, claims) = try withFourClaims()
        var told = try #require(contact(&driver))
        for index in claims.indices {
            driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: ChangelogReply.goOn), told))
            guard case .changelogs(let next)? = driver.pending else {
                Issue.record("it goes on in the same contact after claim \(index)")
                return
            }
            told = next
        }
        #expect(told.claims.isEmpty && told.candidates == [Self.candidate])
        let reply = ChangelogReply(isWanted: true, read: [Self.candidate.digest], retryAfter: 600)
        #expect(orders(driver.answer(.changelogs(reply, told))) == [.init(read: [Self.candidate.digest])])
    }

    @Test func whatIsTooLargeIsLostAlone() throws {
        var (driver, claims) = try withFourClaims()
        #expect(try #require(contact(&driver)).claims == [claims[0]])
        driver.fail(.refused(status: 413, problem: nil, retryAfter: nil))
        guard case .changelogs(let next)? = driver.pending else {
            Issue.record("the next claim goes in the same contact")
            return
        }
        #expect(next.claims == [claims[1]])
    }

    @Test func whatTheHostNeverToldIsNotRead() throws {
        var driver = started()
        let first = try #require(contact(&driver))
        let reply = ChangelogReply(isWanted: true, read: [SHA256.hash([1])], retryAfter: 60)
        #expect(orders(driver.answer(.changelogs(reply, first))).isEmpty)
        #expect(driver.loop.refusals.values.reduce(0, +) == 1)
    }

    @Test func anOlderServerIsAskedRarelyAndTheCycleGoesOn() throws {
        var driver = started()
        _ = try #require(contact(&driver))
        driver.fail(.refused(status: 404, problem: nil, retryAfter: nil))
        #expect(driver.loop.lastSuccess != nil)
        driver.pass(3_600_000)
        #expect(contact(&driver) == nil)
    }

    @Test func nothingOfferedIsNothingToTell() throws {
        var driver = started()
        let first = try #require(contact(&driver))
        driver.answer(.changelogs(ChangelogReply(isWanted: true, retryAfter: 60), first))
        driver.take(.changelogs(ChangelogResult(candidates: [])))
        for _ in 0..<5 { #expect(contact(&driver) == nil) }
        driver.take(.scanned(Observation(observed: driver.now.wall, bootID: "b"), LoopDriver.digests(2)))
        #expect(contact(&driver) != nil, "other offers are asked for")
    }

    @Test func offByPolicyMeansNothingIsListed() throws {
        var driver = started()
        let first = try #require(contact(&driver))
        #expect(orders(driver.answer(.changelogs(ChangelogReply(isWanted: false, retryAfter: 3600), first))).isEmpty)
    }
}
