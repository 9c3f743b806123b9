import Inventory
import JSON
import PackageManagers
import Rollout
import Testing
import Wire

@testable import Agent

/// What the plan stops or restarts must run again afterwards, by systemd's word.
@Suite struct ServiceProofTests {
    /// Units with the states that a test gives them.
    private struct Units: ServiceControl {
        var states: [String: String]
        var isAvailable: Bool { true }
        func activity(_ unit: String) -> String? { states[unit] }
        func perform(_ verb: String, _ unit: String, timeout: Int64) -> String? { nil }
    }

    private let temporary = TemporaryFolder()

    private func work(_ actions: JobActions, _ states: [String: String]) throws -> JobWork {
        let services = Units(states: states)
        let signer = TestSigner()
        let plan = Plan(
            organisation: "org", campaign: "c1", epoch: 1,
            targets: [ReleaseTarget(distribution: "debian-12", packages: [])], hosts: ["h1"],
            window: .init(start: "2026-01-01T00:00", minutes: 60, zone: "UTC"), budget: 1, actions: actions)
        let now = Moment.now().wall
        let job = HostJob.id(campaign: "c1", host: "h1", attempt: 1)
        let offer = JobOffer(
            job: job, campaign: "c1", attempt: 1, release: try signer.roles, notBefore: now, lastSafeStart: now,
            notAfter: now)
        return JobWork(
            folder: try JobFolder(job: job, path: "\(temporary.path)/\(job)", create: true),
            order: JobOrder(organisation: "org", host: "h1", offer: offer, received: now),
            plan: try HostPlan(json: plan.json), distribution: "debian-12",
            tool: AptChange(folder: temporary.path), services: services, health: HealthProbe(services: services),
            restart: SystemRestart())
    }

    @Test("A service that ran before and does not run now is found, whoever stopped it")
    func lost() throws {
        var actions = JobActions(settleTime: 0, consecutivePasses: 1, reboot: .never)
        actions.stopServices = ["a.service", "b"]
        actions.restartServices = ["c", "d.service", "e.service"]
        let unit = { (state: String) in HostState.Unit(file: "enabled", active: state) }
        let before: Fact<[String: HostState.Unit]> = .known([
            "c.service": unit("active"), "d.service": unit("active"), "e.service": unit("inactive"),
        ])
        let work = try work(
            actions,
            ["a.service": "active", "b": "failed", "c": "failed", "d.service": "active", "e.service": "inactive"])
        try work.folder.write(JobWork.stoppedFile, ["running": ["a.service", "b"]])
        let lost = work.lostServices(since: before)
        #expect(lost == ["b ran before and is failed now", "c ran before and is failed now"])
    }

    @Test("A service of which systemd says nothing is not taken for one that runs")
    func silent() throws {
        var actions = JobActions(settleTime: 0, consecutivePasses: 1, reboot: .never)
        actions.stopServices = ["a.service"]
        let work = try work(actions, [:])
        #expect(try work.stopServices() == ["whether a.service runs cannot be told: systemd does not answer"])
        try work.folder.write(JobWork.stoppedFile, ["running": ["a.service"]])
        #expect(work.lostServices(since: .unknown("x")).count == 1)
        #expect(work.lostServices(since: .unknown("x"))[0].contains("cannot be told"))
    }

    @Test(
        "What was stopped is asked of the disk: a process that starts again does not take a stopped unit for one that never ran"
    )
    func remembered() throws {
        var actions = JobActions(settleTime: 0, consecutivePasses: 1, reboot: .never)
        actions.stopServices = ["a.service", "b.service"]
        let first = try work(actions, ["a.service": "active", "b.service": "inactive"])
        #expect(try first.stopServices() == ["a.service was told to stop and is active"])
        let again = try work(actions, ["a.service": "inactive", "b.service": "inactive"])
        #expect(try again.stopServices() == [])
        #expect(again.stoppedServices() == ["a.service"])
    }
}
