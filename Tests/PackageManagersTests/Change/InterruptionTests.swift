import Foundation
import PackageManagers
import Testing

/// Runs that are killed, starved or left alone: what is found again, and what mends them.
@Suite struct InterruptionTests {
    /// A plan whose files are at hand.
    private func prepared(_ held: HeldRoot, _ order: [String]) throws -> AptPlan {
        let plan = held.change.plan(goals(order))
        try #require(plan.refusal == nil, "\(plan.message)")
        try #require(try held.change.prefetch(plan).isComplete)
        return plan
    }

    /// Waits until something is so, at most half a minute.
    private func eventually(_ what: String, _ condition: () throws -> Bool) throws {
        for _ in 0..<600 {
            if try condition() { return }
            usleep(50_000)
        }
        throw Failure(description: "never came: \(what)")
    }

    /// Kills dpkg with SIGKILL as soon as a process of that name runs in the root.
    private func killDpkg(_ held: HeldRoot, once name: String) throws {
        try eventually("\(name) in the root") { !held.processes(name).isEmpty }
        for pid in held.processes("dpkg") { kill(pid, SIGKILL) }
        for pid in held.processes(name) { kill(pid, SIGKILL) }
    }

    @Test func dpkgKilledAtUnpackIsMended() throws {
        let held = try HeldRoot()
        try held.publish("slowpre", "1.0", installed: true)
        try held.publish("slowpre", "1.1", scripts: ["preinst": "[ -e /tmp/go ] || sleep 30"])
        let plan = try prepared(
            held, ["slowpre=1.1", "tb-ok=1.1", "tb-multi-a=1.1", "tb-multi-b=1.1", "tb-multi-c=1.1"])
        let run = try held.change.start(.apply, plan: plan, number: 1)
        try killDpkg(held, once: "sleep")
        let outcome = held.change.wait(for: run, seconds: 60)
        #expect(!outcome.isSuccess)
        guard case .broken(let packages) = try held.change.standing(of: plan) else {
            Issue.record("dpkg was killed and nothing is broken: \(outcome)")
            return
        }
        #expect(packages.contains("slowpre:all"))
        #expect(try held.dpkg("slowpre").hasSuffix("half-installed"))
        // Planning, and starting anew, wait for the repair.
        #expect(held.change.plan(goals("tb-held=1.1")).refusal?.code == .broken)
        let preflight = held.change.preflight(plan, now: now)
        #expect(preflight.objections.contains { $0.name == .packages && $0.text.contains("slowpre") })

        try held.sh("touch /tmp/go")
        let report = try held.change.repair(plan, after: outcome, firstNumber: 2, seconds: 60)
        #expect(report.isDone && report.standing == .goal, "\(report.message)")
        #expect(report.parts.contains { $0.run.kind == .reinstall })
        #expect(try held.dpkg("slowpre") == "1.1 installed")
        #expect(try held.dpkg("tb-multi-c") == "1.1 installed")
        #expect(held.change.audit() == [])
        #expect(held.change.alteredFiles(of: ["slowpre", "tb-ok", "tb-multi-a"]) == [])
    }

    @Test func dpkgKilledAtConfigureIsMendedOrTakenBack() throws {
        let held = try HeldRoot(setup: "mkdir -p /etc/tb; echo 30 >/etc/tb/slow-seconds")
        let plan = try prepared(held, ["tb-slow=1.1", "tb-ok=1.1"])
        let run = try held.change.start(.apply, plan: plan, number: 1)
        var seen: [AptProgress] = []
        try eventually("tb-slow being configured") {
            if case .running(let progress) = held.change.poll(run), seen.last != progress { seen.append(progress) }
            return seen.last?.text.hasPrefix("Configuring tb-slow") ?? false
        }
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.percent <= $1.percent })
        try killDpkg(held, once: "sleep")
        let outcome = held.change.wait(for: run, seconds: 60)
        #expect(!outcome.isSuccess)
        guard case .broken = try held.change.standing(of: plan) else {
            Issue.record("dpkg was killed and nothing is broken")
            return
        }
        // Straight back, without a repair before it.
        let report = try held.change.rollBack(plan, firstNumber: 2, seconds: 60)
        #expect(report.isDone && report.standing == .before, "\(report.message)")
        #expect(try held.dpkg("tb-slow") == "1.0 installed")
        #expect(try held.dpkg("tb-ok") == "1.0 installed")
        #expect(held.change.audit() == [])
    }

    /// A cut between two packages of which one needs the other: nothing failed, something is missing.
    @Test func whatWasNotUnpackedYetIsUnpackedNow() throws {
        let held = try HeldRoot()
        let plan = try prepared(held, ["tb-multi-a=1.1", "tb-multi-b=1.1", "tb-multi-c=1.1", "tb-ok=1.1"])
        try held.sh("dpkg --unpack \(HeldRoot.folder)/packages/*tb-multi-c_1.1_*.deb")
        #expect(throws: (any Error).self) { try held.sh("dpkg --configure -a") }
        let report = try held.change.repair(plan, firstNumber: 1, seconds: 60)
        #expect(report.isDone && report.standing == .goal, "\(report.message)")
        #expect(held.change.audit() == [])
    }

    @Test(arguments: [0.15, 0.3, 0.5, 0.8]) func everythingKilledAtSomeMomentEndsAtTheGoal(after seconds: Double) throws
    {
        let held = try HeldRoot(setup: "mkdir -p /etc/tb; echo 1 >/etc/tb/slow-seconds")
        let plan = try prepared(
            held,
            [
                "tb-slow=1.1", "tb-ok=1.1", "tb-multi-a=1.1", "tb-multi-b=1.1", "tb-multi-c=1.1", "tb-conffile=1.1",
                "tb-bigchangelog=1.1",
            ])
        let run = try held.change.start(.apply, plan: plan, number: 1)
        usleep(UInt32(seconds * 1_000_000))
        // The power cut: everything of the session at once.
        for pid in held.processes("sh") + held.processes("apt-get") + held.processes("dpkg")
            + held.processes("tb-slow.postinst")
        {
            kill(pid, SIGKILL)
        }
        let outcome = held.change.wait(for: run, seconds: 60)
        let before = try held.change.standing(of: plan)
        let report = try held.change.repair(plan, after: outcome, firstNumber: 2, seconds: 60)
        #expect(report.isDone && report.standing == .goal, "killed after \(seconds) s at \(before): \(report.message)")
        #expect(held.change.audit() == [])
    }

    @Test func aRunOutlivesItsStarterAndIsFoundAgain() throws {
        let held = try HeldRoot(
            setup: "mkdir -p /etc/tb; echo 2 >/etc/tb/slow-seconds; apt-mark auto tb-slow >/dev/null")
        let plan = try prepared(held, ["tb-slow=1.1", "tb-ok=1.1"])
        #expect(plan.automatic == ["tb-slow"])
        let before = try held.change.state()
        let run = try held.change.start(.apply, plan: plan, number: 7)
        // A session of its own: no terminal's or agent's end reaches it.
        #expect(getsid(run.pid) == run.pid)
        #expect(try held.change.start(.apply, plan: plan, number: 7) == run)
        #expect(held.change.run(number: 8) == nil)
        // As after a crash between the start and its record.
        try FileManager.default.removeItem(atPath: held.path("\(HeldRoot.folder)/runs/7.run"))
        let found = try #require(AptChange(root: held.root, folder: HeldRoot.folder).run(number: 7))
        #expect(found == run)
        #expect(try AptRun(json: found.json) == run)
        let outcome = held.change.wait(for: found, seconds: 60)
        #expect(outcome.isSuccess, "\(outcome) \(held.change.log(of: found))")
        #expect(kill(run.pid, 0) != 0 && errno == ESRCH, "nothing is left of it, not even a zombie")
        #expect(try held.change.standing(of: plan) == .goal)
        #expect(held.change.poll(try #require(held.change.run(number: 7))) == .ended(outcome))
        // Nothing outside the order differs, apt's marks included.
        #expect(try held.change.state().differences(from: before, outside: plan) == [])
    }

    @Test func aRunThatHangsIsEndedAndItsCulpritNamed() throws {
        let held = try HeldRoot()
        let plan = try prepared(held, ["tb-hang=1.1"])
        let run = try held.change.start(.apply, plan: plan, number: 1)
        let outcome = held.change.wait(for: run, seconds: 2)
        #expect(outcome.end == .timedOut(seconds: 2))
        #expect(outcome.culprit == "tb-hang")
        #expect(outcome.message == "tb-hang hung and was ended after 2 s")
        #expect(held.processes("sleep").isEmpty && held.processes("dpkg").isEmpty)
        // Without knowing what hung, the repair finds it out once.
        let report = try held.change.repair(plan, firstNumber: 2, seconds: 2)
        #expect(!report.isDone)
        #expect(report.culprit == "tb-hang")
        #expect(report.standing == .before)
        #expect(try held.dpkg("tb-hang") == "1.0 installed")
        #expect(held.change.audit() == [])
    }

    @Test func aFullDiskIsSaidAndMendedOnceThereIsRoom() throws {
        let held = try HeldRoot(size: "260m", setup: "apt-get -qq -y install tb-big=1.0 >/dev/null; apt-get clean")
        let plan = try prepared(held, ["tb-big=1.1", "tb-ok=1.1"])
        try held.sh("dd if=/dev/zero of=/fill bs=1M count=500 2>/dev/null || true; truncate -s -12M /fill")
        let preflight = held.change.preflight(plan, now: now)
        #expect(preflight.objections.map(\.name) == [.space], "\(preflight.message)")
        let run = try held.change.start(.apply, plan: plan, number: 1)
        let outcome = held.change.wait(for: run, seconds: 60)
        #expect(!outcome.isSuccess)
        #expect(outcome.errors.contains { $0.contains("No space left") }, "\(outcome)")
        #expect(outcome.culprit == "tb-big")
        #expect(try held.change.standing(of: plan) != .goal)
        try held.sh("rm /fill")
        let report = try held.change.repair(plan, after: nil, firstNumber: 2, seconds: 60)
        #expect(report.isDone && report.standing == .goal, "\(report.message)")
        #expect(held.change.audit() == [])
    }

    @Test func anotherPersonsAptIsWaitedFor() throws {
        let held = try HeldRoot(setup: "mkdir -p /etc/tb; echo 4 >/etc/tb/slow-seconds")
        let plan = try prepared(held, ["tb-ok=1.1"])
        #expect(try held.change.lockHolders() == [])
        try held.sh("apt-get -y install tb-slow=1.1 >/dev/null 2>&1 </dev/null &")
        try eventually("the lock") { try !held.change.lockHolders().isEmpty }
        let holder = try #require(try held.change.lockHolders().first)
        #expect(holder.program.hasPrefix("a person's apt-get (process "))
        let objection = try #require(held.change.preflight(plan, now: now).objections.first)
        #expect(objection.name == .locks && objection.text.contains("a person's apt-get"))
        // Too short a wait is a failure that names the other; nothing was changed.
        let short = held.change.wait(
            for: try held.change.start(.apply, plan: plan, number: 1, lockWait: 1), seconds: 60)
        #expect(short.end == .exited(100))
        #expect(short.errors.contains { $0.contains("lock") }, "\(short)")
        #expect(throws: AptChangeError.self) {
            try held.change.start(.configure, plan: plan, number: 2, lockWait: 0)
        }
        let long = held.change.wait(
            for: try held.change.start(.apply, plan: plan, number: 3, lockWait: 60), seconds: 90)
        #expect(long.isSuccess, "\(long)")
        #expect(try held.change.standing(of: plan) == .goal)
    }
}
