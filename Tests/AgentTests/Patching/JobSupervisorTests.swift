import Glibc
import JSON
import Orders
import Rollout
import Testing
import Timestamps
import Wire

@testable import Agent

/// The executor's part: what it takes, starts, relays, refuses and forgets.
@Suite struct JobSupervisorTests {
    private final class World {
        let temporary = TemporaryFolder()
        let signer = TestSigner()
        let roles: Envelope
        let layout: StateLayout
        var started: [String] = []
        var now = Moment.now()

        init() throws {
            roles = try signer.roles
            layout = StateLayout(temporary.path)
            try layout.prepare(for: UnprivilegedUser(uid: geteuid(), gid: getegid()))
        }

        func supervisor() throws -> JobSupervisor {
            let desk = try TrustedOrders(DurableFolder(layout.executor), organisation: "org", host: "h1")
            try desk.adopt(roles: roles)
            return try JobSupervisor(layout: layout, desk: desk) { [unowned self] job throws(SystemError) in
                started.append(job.job)
            }
        }

        func offer(_ attempt: Int64 = 1, by other: TestSigner? = nil, isCancelled: Bool = false) throws -> JobOffer {
            let plan = Plan(
                organisation: "org", campaign: "c1", epoch: 1,
                targets: [ReleaseTarget(distribution: "debian-12", packages: [])], hosts: ["h1"],
                window: .init(start: "2026-01-01T00:00", minutes: 60, zone: "UTC"), budget: 1, actions: JobActions())
            let release = ReleaseDocument(
                plan: try HostPlan(json: plan.json), approvals: [], approvalsRequired: 0, issued: now.wall,
                expires: now.wall.adding(seconds: 3600))
            let key = other ?? signer
            return JobOffer(
                job: HostJob.id(campaign: "c1", host: "h1", attempt: attempt), campaign: "c1", attempt: attempt,
                release: try key.sign(release, key.release), notBefore: now.wall.adding(seconds: attempt),
                lastSafeStart: now.wall.adding(seconds: 600), notAfter: now.wall.adding(seconds: 1200),
                isCancelled: isCancelled)
        }

        func look(_ supervisor: JobSupervisor, after milliseconds: Int64 = 3000) throws -> [Frame] {
            now.uptime += milliseconds
            now.wall.milliseconds += milliseconds
            return supervisor.look(now: now)
        }

        func folder(_ job: String) throws -> JobFolder {
            try #require(try JobFolders(layout).job(job))
        }
    }

    private func progress(_ frames: [Frame]) throws -> [RelayedProgress] {
        try frames.filter { $0.kind == .jobProgress }.map {
            try RelayedProgress(json: JSONValue(parsing: $0.payload, limits: .facts))
        }
    }

    @Test("An offer that is not believed changes nothing, is on record, and the server learns why")
    func refused() throws {
        let world = try World()
        let supervisor = try world.supervisor()
        let offer = try world.offer(by: TestSigner())
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: [offer]), now: world.now)
        let messages = try progress(world.look(supervisor))
        #expect(world.started.isEmpty)
        let entry = try #require(messages.first?.progress.entries.last)
        #expect(entry.detail["outcome"]?.string == "refused" && entry.detail["code"]?.string == "unknown-key")
        #expect(try JobFolders(world.layout).all().isEmpty, "it costs no folder")
        #expect(RefusalLog.read(try DurableFolder(world.layout.executor)).count == 1)
        // Told again it is not refused again; acknowledged it is at rest.
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: [offer]), now: world.now)
        supervisor.take(
            RelayedReply(job: offer.job, reply: JobProgressReply(expectedEntry: 2, logSize: 0)), now: world.now)
        #expect(try world.look(supervisor).isEmpty)
        #expect(supervisor.due == nil)
        #expect(RefusalLog.read(try DurableFolder(world.layout.executor)).count == 1)
    }

    @Test("A job is started again only while nobody holds its lock")
    func startsAgain() throws {
        let world = try World()
        let supervisor = try world.supervisor()
        let offers = [try world.offer(2, isCancelled: true), try world.offer(1)]
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: offers), now: world.now)
        _ = try world.look(supervisor)
        #expect(world.started == [offers[1].job])
        let folder = try world.folder(offers[1].job)
        #expect(try folder.readOrder()?.offer == offers[1])
        let lock = try #require(try folder.takeLock())
        _ = try world.look(supervisor, after: 100_000)
        #expect(world.started.count == 1)
        close(lock)
        _ = try world.look(supervisor, after: 100_000)
        #expect(world.started == [offers[1].job, offers[1].job])
        withExtendedLifetime(world) {}
    }

    @Test("A job that waits for its window keeps no other away; one with a permit does, and one that changes the host")
    func waiting() throws {
        let world = try World()
        let supervisor = try world.supervisor()
        let offers = try [2, 1, 3].map { try world.offer($0) }
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: Array(offers[..<2])), now: world.now)
        _ = try world.look(supervisor)
        #expect(Set(world.started) == [offers[0].job, offers[1].job])
        let folder = try world.folder(offers[1].job)
        var journal = try JobJournal(folder.folder, job: folder.job)
        try journal.append(
            journal.next(
                .init(.waitWindow, .result, text: "x", detail: ["fence": 1]), time: world.now.wall, bootID: "b"))
        _ = try world.look(supervisor)
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: offers), now: world.now)
        _ = try world.look(supervisor)
        #expect(!world.started.contains(offers[2].job))
        try journal.append(
            journal.next(.init(.mutateIntent, .intent, text: "x"), time: world.now.wall, bootID: "b"))
        _ = try world.look(supervisor)
        world.started = []
        _ = try world.look(supervisor, after: 100_000)
        #expect(world.started == [folder.job], "the other is not started beside it")
        try journal.append(
            journal.next(
                .init(.commit, .result, text: "x", detail: ["outcome": "succeeded"]), time: world.now.wall,
                bootID: "b"))
        _ = try world.look(supervisor, after: 100_000)
        world.started = []
        _ = try world.look(supervisor, after: 100_000)
        #expect(Set(world.started) == [offers[0].job, offers[2].job])
        withExtendedLifetime(world) {}
    }

    @Test("The turn to change a host belongs to one process at a time")
    func turn() throws {
        let temporary = TemporaryFolder()
        let folder = try DurableFolder(temporary.path)
        var first = try HostTurn(folder)
        #expect(first != nil)
        #expect(try HostTurn(folder) == nil)
        first = nil
        #expect(try HostTurn(folder) != nil)
    }

    @Test("Without its identity a host that has believed orders goes on with its jobs; with neither there is nobody")
    func ownerWithoutIdentity() throws {
        let world = try World()
        try? DurableFolder(world.layout.network).remove("identity.json")
        #expect(try Executor.owner(world.layout) == nil)
        _ = try world.supervisor()
        let owner = try #require(try Executor.owner(world.layout))
        #expect(owner.organisation == "org" && owner.host == "h1" && owner.problem == nil)
        // Damaged, or written by somebody who would like another host to be named: root's memory holds.
        try DurableFolder(world.layout.network).replace("identity.json", with: Array("{}".utf8))
        let other = try #require(try Executor.owner(world.layout))
        #expect(other.host == "h1" && other.problem?.contains("identity") == true)
        try TrustStore.forget(in: DurableFolder(world.layout.executor))
        #expect(throws: (any Error).self) { try Executor.owner(world.layout) }
        withExtendedLifetime(world) {}
    }

    @Test("No number of jobs that changed nothing pushes out the way back")
    func wayBack() throws {
        let world = try World()
        let folders = try JobFolders(world.layout)
        func ended(_ attempt: Int64, changed: Bool) throws -> String {
            let name = HostJob.id(campaign: "old", host: "h1", attempt: attempt)
            let folder = try #require(try folders.job(name, create: true))
            var journal = try JobJournal(folder.folder, job: name)
            let time = Timestamp(seconds: 1_000_000 + attempt)
            if changed {
                try journal.append(journal.next(.init(.mutateIntent, .intent, text: ""), time: time, bootID: "b"))
            }
            try journal.append(
                journal.next(.init(.commit, .result, text: "", detail: ["outcome": "refused"]), time: time, bootID: "b")
            )
            return name
        }
        let real = try ended(1, changed: true)
        let fakes = try (2...40).map { try ended($0, changed: false) }
        let supervisor = try world.supervisor()
        for job in fakes + [real] {
            supervisor.take(
                RelayedReply(job: job, reply: .init(expectedEntry: job == real ? 3 : 2, logSize: 0)), now: world.now)
        }
        #expect(try folders.job(real) != nil)
        #expect(try folders.all().count == JobFolders.kept + 1)
    }

    @Test("A folder that a crash left without an order is removed, and the job is taken again")
    func halfMade() throws {
        let world = try World()
        let offer = try world.offer()
        let folder = try #require(try JobFolders(world.layout).job(offer.job, create: true))
        _ = try JobJournal(folder.folder, job: offer.job)
        let supervisor = try world.supervisor()
        #expect(try JobFolders(world.layout).all().isEmpty && supervisor.due == nil)
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: [offer]), now: world.now)
        _ = try world.look(supervisor)
        #expect(world.started == [offer.job])
        #expect(try world.folder(offer.job).readOrder()?.offer == offer)
        // With an order it stays.
        #expect(try world.supervisor().due != nil)
    }

    @Test("A job whose order cannot be read ends, on record, instead of starting for ever")
    func noOrder() throws {
        let world = try World()
        let offer = try world.offer()
        let folder = try #require(try JobFolders(world.layout).job(offer.job, create: true))
        try folder.folder.replace(JobFolder.order, with: Array("{".utf8))
        #expect(JobChild.main(path: folder.folder.path) == 0)
        let entries = try folder.journal().entries
        #expect(entries.outcome == .refused && entries.last?.detail["code"]?.string == "no-order")
    }

    @Test("Questions and records go to the server, answers come back, and nothing is said twice")
    func relays() throws {
        let world = try World()
        let supervisor = try world.supervisor()
        let offer = try world.offer()
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: [offer]), now: world.now)
        _ = try world.look(supervisor)
        let folder = try world.folder(offer.job)
        let question = RelayedQuestion(job: offer.job, kind: .claim, nonce: JobProcess.nonce(), fence: 0)
        try folder.write(JobFolder.question, question.json)
        var journal = try JobJournal(folder.folder, job: offer.job)
        for phase in [JobPhase.received, .prefetch] {
            try journal.append(journal.next(.init(phase, .result, text: "x"), time: world.now.wall, bootID: "b"))
        }
        var frames = try world.look(supervisor)
        let asked = try #require(frames.first { $0.kind == .jobQuestion })
        #expect(try RelayedQuestion(json: JSONValue(parsing: asked.payload, limits: .message)) == question)
        #expect(try progress(frames).first?.progress.entries.map(\.ordinal) == [1, 2])
        #expect(try world.look(supervisor).isEmpty)
        let answer = RelayedAnswer(question: question, answer: JobAnswer(order: nil, retryAfter: 5, reason: "later"))
        supervisor.take(answer, now: world.now)
        #expect(folder.json(JobFolder.answer) == answer.json)
        supervisor.take(RelayedReply(job: offer.job, reply: .init(expectedEntry: 3, logSize: 0)), now: world.now)
        try journal.append(
            journal.next(
                .init(.commit, .result, text: "done", detail: ["outcome": "cancelled"]), time: world.now.wall,
                bootID: "b"))
        frames = try world.look(supervisor)
        #expect(try progress(frames).first?.progress.entries.map(\.ordinal) == [3])
        // A server that was restored gets again what it lacks.
        supervisor.take(RelayedReply(job: offer.job, reply: .init(expectedEntry: 1, logSize: 0)), now: world.now)
        #expect(try progress(world.look(supervisor)).first?.progress.entries.count == 3)
        supervisor.take(RelayedReply(job: offer.job, reply: .init(expectedEntry: 4, logSize: 0)), now: world.now)
        #expect(try world.look(supervisor).isEmpty && supervisor.due == nil)
        // After a restart of the executor as well.
        #expect(try world.supervisor().due == nil)
    }

    @Test("A cancelled job is told so; one that was never taken is not begun")
    func cancelled() throws {
        let world = try World()
        let supervisor = try world.supervisor()
        let offer = try world.offer()
        supervisor.take(JobOrders(epoch: 1, roles: nil, jobs: [offer]), now: world.now)
        _ = try world.look(supervisor)
        var cancelled = offer
        cancelled.isCancelled = true
        supervisor.take(
            JobOrders(epoch: 1, roles: nil, jobs: [cancelled, try world.offer(2, isCancelled: true)]), now: world.now)
        _ = try world.look(supervisor)
        #expect(try world.folder(offer.job).folder.contains(JobFolder.cancel))
        #expect(try JobFolders(world.layout).all().count == 1)
    }
}

/// What the network process says for jobs.
@Suite struct AgentLoopJobTests {
    private static let job = String(repeating: "a", count: 32)
    private static let question = RelayedQuestion(job: job, kind: .claim, nonce: "n", fence: 0)

    private func idle() -> LoopDriver {
        var driver = LoopDriver()
        driver.begin()
        driver.answer(driver.reply())
        return driver
    }

    @Test("A job's question goes out at once, and does not move the next check-in")
    func question() {
        var driver = idle()
        let next = driver.loop.nextContact
        driver.take(.job(.question(Self.question)))
        #expect(driver.pending == .job(.question(Self.question)))
        let answer = JobAnswer(order: nil, retryAfter: 30, reason: "full")
        let effects = driver.answer(.job(answer, Self.question))
        #expect(effects.contains(.tellJob(RelayedAnswer(question: Self.question, answer: answer))))
        #expect(driver.pending == nil && driver.loop.nextContact == next)
    }

    @Test("After a failure a job's message waits, and is not lost")
    func failure() {
        var driver = idle()
        driver.take(.job(.question(Self.question)))
        driver.fail(.closedEarly)
        #expect(driver.pending == nil)
        driver.take(.job(.question(Self.question)))
        #expect(driver.pending == nil, "the server is left in peace")
        driver.wakeUp()
        #expect(driver.checkIn != nil, "the check-in comes first")
        driver.answer(driver.reply(token: "token2"))
        #expect(driver.pending == .job(.question(Self.question)))
    }

    @Test("A job that the server does not know is told so; the host's contact goes on")
    func unknownJob() {
        var driver = idle()
        driver.take(.job(.question(Self.question)))
        let effects = driver.fail(.refused(status: 404, problem: nil, retryAfter: nil))
        #expect(effects.contains { if case .tellJob(let answer) = $0 { answer.answer.order == nil } else { false } })
        #expect(driver.loop.lastFailure == nil && driver.pending == nil)
    }

    @Test("A server that acknowledges more of a job than was sent is not believed")
    func lyingServer() {
        var driver = idle()
        let progress = RelayedProgress(job: Self.job, progress: JobProgress(exchangeToken: "", entries: [], log: "x"))
        let entry = JobEntry(
            job: Self.job, ordinal: 1, time: Timestamp(seconds: 1), bootID: nil, phase: .received, kind: .result,
            previous: JobEntry.origin)
        var filled = progress
        filled.progress.entries = [entry]
        driver.take(.job(.progress(filled)))
        let effects = driver.answer(.jobProgress(JobProgressReply(expectedEntry: 9, logSize: 0), filled))
        #expect(!effects.contains { if case .acknowledgeJob = $0 { true } else { false } })
        #expect(driver.loop.lastFailure != nil)
    }
}
