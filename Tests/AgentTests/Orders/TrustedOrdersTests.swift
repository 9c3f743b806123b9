import Digest
import Glibc
import Orders
import Testing
import Timestamps

@testable import Agent

/// The clock by which a host judges orders, for a process that lives as long as one job.
@Suite struct TrustedOrdersTests {
    private let temporary = TemporaryFolder()
    private let signer = TestSigner()

    /// A memory that has seen a signed time one hour after this machine's clock.
    private func ahead(isAnchored: Bool) throws -> (TrustedOrders, Timestamp) {
        let folder = try DurableFolder(temporary.path)
        let desk = try TrustedOrders(folder, organisation: "org", host: "h1")
        try desk.adopt(roles: signer.roles)
        let now = Moment.now().wall
        let plan = SHA256.hash([1])
        let grant = GrantDocument(
            organisation: "org", host: "h1", campaign: "c", job: "j", attempt: 1, fence: 1, epoch: 1, planDigest: plan,
            notBefore: now.adding(seconds: -60), lastSafeStart: now.adding(seconds: 7200),
            notAfter: now.adding(seconds: 9000), allowsReboot: false, rollsBack: false)
        let granted = try desk.grant(signer.sign(grant, signer.director), job: "j", plan: plan)
        try desk.accepted(fence: 1, epoch: 1)
        let floor = now.adding(seconds: 3600)
        let ticket = TicketDocument(
            organisation: "org", host: "h1", job: "j", fence: 1, nonce: JobProcess.nonce(), issued: floor,
            expires: floor.adding(seconds: 900))
        _ = try desk.ticket(signer.sign(ticket, signer.director), grant: granted, nonce: ticket.nonce)
        return (try TrustedOrders(folder, organisation: "org", host: "h1", isAnchored: isAnchored), floor)
    }

    @Test("A clock that stands behind a signed time does not stand still for a job: its time counts on")
    func anchored() throws {
        let (desk, floor) = try ahead(isAnchored: true)
        let first = try desk.now()
        #expect(first >= floor)
        let uptime = Moment.now().uptime
        usleep(120_000)
        let passed = Moment.now().uptime - uptime
        let later = try desk.now()
        #expect(later.milliseconds - first.milliseconds >= passed - 20)
        #expect(later.milliseconds - first.milliseconds < passed + 60_000, "by the time that passed, not by more")
    }

    @Test("The executor, which lives for long, keeps to what was signed and believes a clock that is corrected")
    func notAnchored() throws {
        let (desk, floor) = try ahead(isAnchored: false)
        #expect(try desk.now() == floor)
        usleep(20_000)
        #expect(try desk.now() == floor)
    }

    @Test("A signed time moves the anchor forward, never back")
    func anchoredAnew() throws {
        let folder = try DurableFolder(temporary.path)
        let desk = try TrustedOrders(folder, organisation: "org", host: "h1", isAnchored: true)
        try desk.adopt(roles: signer.roles)
        let now = Moment.now().wall
        let plan = SHA256.hash([1])
        let grant = GrantDocument(
            organisation: "org", host: "h1", campaign: "c", job: "j", attempt: 1, fence: 1, epoch: 1, planDigest: plan,
            notBefore: now.adding(seconds: -60), lastSafeStart: now.adding(seconds: 7200),
            notAfter: now.adding(seconds: 9000), allowsReboot: false, rollsBack: false)
        let granted = try desk.grant(signer.sign(grant, signer.director), job: "j", plan: plan)
        for seconds: Int64 in [600, -30] {
            let issued = now.adding(seconds: seconds)
            let ticket = TicketDocument(
                organisation: "org", host: "h1", job: "j", fence: 1, nonce: JobProcess.nonce(), issued: issued,
                expires: now.adding(seconds: 1400))
            _ = try? desk.ticket(signer.sign(ticket, signer.director), grant: granted, nonce: ticket.nonce)
            #expect(try desk.now() >= now.adding(seconds: 600))
        }
    }
}
