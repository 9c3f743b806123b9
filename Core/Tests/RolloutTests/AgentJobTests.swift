import JSON
import Rollout
import Testing
import Timestamps

@Suite struct AgentJobTests {
    let rich = JobActions(
        preScripts: [
            PlannedScript(name: "drain", text: "#!/bin/sh", isIdempotent: true, undo: "#!/bin/sh"),
            PlannedScript(name: "once", text: "#!/bin/sh", isIdempotent: false, undo: "#!/bin/sh"),
        ],
        postScripts: [PlannedScript(name: "warm", text: "#!/bin/sh", isIdempotent: false)],
        stopServices: ["web.service"],
        healthChecks: [HealthCheck(name: "web", probe: .unit("web.service"))])

    @Test("A record stays below what its readers take, however much there is to say")
    func largeRecords() throws {
        var job = try AgentJob(order: order(rich), bootID: "b")
        let now = order(rich).window.notBefore
        _ = try job.handle(.start, now: now)
        let files = JSONValue.object(["files": .array((0..<20_000).map { .string("file \($0) of a long list") })])
        guard case .journal(let entry)? = try job.handle(.prefetched(files), now: now).first else {
            Issue.record("no record")
            return
        }
        #expect(entry.json.canonicalBytes().count < JobEntry.maximumDetailBytes)
        let kept = try #require(entry.detail["files"])
        guard case .array(let list)? = kept["files"] else { return }
        #expect(
            list.first == .string("file 0 of a long list") && kept["omitted"] == .integer(Int64(20_000 - list.count)))
        // One character of many bytes: the text is cut by bytes.
        let reason = "e" + String(repeating: "\u{301}", count: 20_000)
        var other = try AgentJob(order: order(rich), bootID: "b")
        _ = try other.handle(.start, now: now)
        for case .journal(let entry) in try other.handle(.prefetchFailed(reason: reason), now: now) {
            #expect(try JobEntry(json: entry.json) == entry)
        }
    }

    @Test func thePlainWay() throws {
        var host = try FakeHost(order(rich))
        try host.run()
        #expect(host.outcome == .succeeded)
        #expect(
            host.done == [
                "run pre 0", "run pre 1", "stop", "apply 0", "apply 1", "run post 0", "restart all", "reboot",
                "health boot2", "health boot2", "health boot2", "rescan boot2",
            ])
        #expect(host.journal.last?.detail["outcome"] == "succeeded")
        #expect(host.journal.last?.detail["boots"] == 2)
    }

    /// A verdict that cannot be made is none of "no reboot".
    @Test func anUnknownVerdictIsSettledByAReboot() throws {
        var host = try FakeHost(order(rich))
        host.rebootUnknown = true
        try host.run()
        #expect(host.outcome == .succeeded && host.done.filter { $0 == "reboot" }.count == 1)
        #expect(host.journal.last?.text.contains("But kernel.") == true)

        var never = rich
        never.reboot = .never
        host = try FakeHost(order(never))
        host.rebootUnknown = true
        try host.run()
        #expect(host.outcome == .succeeded && !host.done.contains("reboot"))
        #expect(host.journal.last?.text.contains("But kernel.") == true)

        host = try FakeHost(order(rich))
        host.rebootUnknown = true
        host.rebootWorks = false
        try host.run()
        #expect(host.outcome == .installedRebootPending)
    }

    @Test(arguments: [true, false]) func theWayBackRebootsWhereItMay(_ isAllowed: Bool) throws {
        var host = try FakeHost(order(rich))
        host.unwell = true
        host.rebootsNeeded = 0
        host.rollbackNeedsReboot = true
        host.allowsReboot = isAllowed
        try host.run()
        #expect(host.outcome == .rolledBack, "\(host.journal.suffix(3))")
        #expect(host.done.contains("reboot") == isAllowed)
        #expect(host.journal.last?.text.contains("still runs") == !isAllowed)
    }

    @Test func whatIsForbiddenIsNotBegunAgainAfterACrash() throws {
        var host = try FakeHost(order(rich))
        var journal: [JobEntry] = []
        var queue = try AgentJob(order: order(rich), bootID: "boot1").restarted(&journal, host: &host)
        #expect(queue.count == 1)
        var job = try AgentJob(order: order(rich), replaying: journal, bootID: "boot1")
        #expect(try job.handle(.vetoed(reason: "no"), now: host.now) == [])
        queue = try job.resume(now: host.now)
        #expect(!queue.contains { if case .runScript = $0 { true } else { false } })
        #expect(job.progress.abort == .refused)
    }

    /// The crash matrix of the reducer: down before and after each write, as many as there are.
    @Test(arguments: [FakeHost.Down.before, .after]) func goesDownAroundEachWrite(_ down: FakeHost.Down) throws {
        var plain = try FakeHost(order(rich))
        try plain.run()
        for write in 1...plain.writes {
            var host = try FakeHost(order(rich))
            host.crash = (write, down)
            try host.run()
            #expect(host.crashes == 1)
            let outcome = try #require(host.outcome, "write \(write) \(down): \(host.journal.suffix(3))")
            switch outcome {
            case .succeeded: #expect(host.packages == .goal)
            case .failedNoChange, .rolledBack: #expect(host.packages == .pre)
            default: Issue.record("write \(write) \(down) ended as \(outcome)")
            }
            for script in ["run pre 1", "run post 0"] { #expect(host.done.filter { $0 == script }.count <= 1) }
            #expect(host.done.filter { $0 == "reboot" }.count <= 1)
        }
    }

    /// The same while it goes back.
    @Test(arguments: [FakeHost.Down.before, .after]) func goesDownOnTheWayBack(_ down: FakeHost.Down) throws {
        var plain = try FakeHost(order(rich))
        plain.unwell = true
        try plain.run()
        for write in 1...plain.writes {
            var host = try FakeHost(order(rich))
            host.unwell = true
            host.crash = (write, down)
            try host.run()
            let outcome = try #require(host.outcome)
            #expect(outcome == .rolledBack || outcome == .failedNoChange || outcome == .rollbackFailed, "\(write)")
            // Its undo may have run or not, and nobody may run it again: flagged.
            if outcome == .rollbackFailed { #expect(host.journal.contains { $0.text.contains("is unknown") }) }
            #expect(host.packages == .pre)
        }
    }

    @Test func aHostThatIsNotWellGoesBack() throws {
        var host = try FakeHost(order(rich))
        host.unwell = true
        try host.run()
        #expect(host.outcome == .rolledBack)
        #expect(host.done.suffix(4) == ["rollback", "undo pre 1", "undo pre 0", "restart all"])
        #expect(host.done.filter { $0.hasPrefix("undo") } == ["undo pre 1", "undo pre 0"])
        #expect(host.packages == .pre)
    }

    @Test func whatMustNotGoBackIsFlagged() throws {
        var actions = rich
        actions.rollsBack = false
        var host = try FakeHost(order(actions))
        host.unwell = true
        try host.run()
        #expect(host.outcome == .failedChanged)

        host = try FakeHost(order(actions))
        host.failing = [1]
        host.repairs = false
        try host.run()
        #expect(host.outcome == .needsRepair)
        #expect(host.done.filter { $0 == "repair" }.count == 3)
    }

    @Test func aFailedWayBackIsSaid() throws {
        var host = try FakeHost(order(rich))
        host.unwell = true
        host.rollbackWorks = false
        try host.run()
        #expect(host.outcome == .rollbackFailed)
        #expect(host.done.filter { $0 == "rollback" }.count == 3)
    }

    @Test func aFailedRunIsMendedOrGoesBack() throws {
        var host = try FakeHost(order(rich))
        host.failing = [1]
        try host.run()
        #expect(host.outcome == .succeeded)
        #expect(host.done.contains("repair"))

        host = try FakeHost(order(rich))
        host.failing = [0]
        host.repairs = false
        try host.run()
        #expect(host.outcome == .rolledBack)
        #expect(host.packages == .pre)
    }

    @Test func aHostThatDoesNotRebootIsPending() throws {
        var host = try FakeHost(order(rich))
        host.rebootWorks = false
        try host.run()
        #expect(host.outcome == .installedRebootPending)
        #expect(host.done.filter { $0 == "reboot" }.count == 3)
    }

    @Test func rebootsHaveALimit() throws {
        var host = try FakeHost(order(rich))
        host.rebootsNeeded = 9
        try host.run()
        #expect(host.outcome == .installedRebootPending)
        #expect(host.done.filter { $0 == "reboot" }.count == 3)
    }

    @Test func aVetoedRebootIsPending() throws {
        var host = try FakeHost(order(rich))
        try host.run([("preflight", .rebootForbidden(reason: "/etc/fettle-agent/veto"))])
        #expect(host.outcome == .installedRebootPending)
        #expect(!host.done.contains("reboot"))
    }

    @Test(arguments: [
        "prefetch", "claim", "confirm", "preflight", "runScript", "stopServices", "snapshot", "readPreState",
    ])
    func cancelBeforeTheStart(_ effect: String) throws {
        var host = try FakeHost(order(rich))
        try host.run([(effect, .cancelled(reason: "the campaign was halted"))])
        #expect(host.outcome == .cancelled)
        #expect(!host.done.contains { $0.hasPrefix("apply") })
        #expect(
            host.done.filter { $0.hasPrefix("undo") }.count == host.done.filter { $0.hasPrefix("run pre") }.count)
        #expect(host.done.contains("start stopped") == host.done.contains("stop"))
    }

    @Test(arguments: ["apply", "restartServices", "checkHealth", "rescan"])
    func cancelAfterTheStartChangesNothing(_ effect: String) throws {
        var host = try FakeHost(order(rich))
        try host.run([(effect, .cancelled(reason: "halt"))])
        #expect(host.outcome == .succeeded)
        #expect(host.journal.contains { $0.detail["tooLate"] == true })
    }

    @Test func aRollbackJobGoesBack() throws {
        var host = try FakeHost(order(rich, rollsBack: true))
        host.applied = 2
        try host.run()
        #expect(host.outcome == .rolledBack)
        #expect(host.packages == .pre)
        #expect(!host.done.contains { $0.hasPrefix("run") || $0.hasPrefix("apply") })
    }

    @Test func aMissedStartExpires() throws {
        var job = try AgentJob(order: order(rich), bootID: "b")
        _ = try job.handle(.start, now: zero)
        let effects = try job.handle(.prefetched([:]), now: windowOfTests.lastSafeStart.adding(seconds: 1))
        #expect(effects.last == .collectOutcome)
        let last = try job.handle(.outcomeCollected(packages: []), now: windowOfTests.notAfter)
        #expect(last.last == .finish(.expired))
    }

    @Test func anOldFenceIsRefused() throws {
        var job = try AgentJob(order: order(rich, lastFence: 7), bootID: "b")
        _ = try job.handle(.start, now: windowOfTests.notBefore)
        _ = try job.handle(.prefetched([:]), now: windowOfTests.notBefore)
        let before = job
        #expect(throws: TransitionError.self) {
            try job.handle(
                .granted(AgentGrant(fence: 7, window: windowOfTests, allowsReboot: true)), now: windowOfTests.notBefore)
        }
        #expect(job == before)
    }

    /// The server folds every journal of a host that went down somewhere, and ends as the host did.
    @Test func theServerFollows() throws {
        for write in 1...35 {
            var host = try FakeHost(order(rich))
            host.crash = (write, .after)
            host.unwell = write % 3 == 0
            try host.run()
            var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(rich))
            _ = try job.handle(.offer(windowOfTests), now: zero)
            for entry in host.journal {
                if entry.detail["fence"] != nil, job.state == .offered {
                    _ = try job.handle(.grant(fence: 7), now: windowOfTests.notBefore)
                }
                if entry.phase == .confirm, entry.kind == .result {
                    _ = try job.handle(.confirm(fence: 7), now: entry.time)
                }
                let effects = try job.handle(.entry(entry), now: entry.time)
                #expect(effects.filter { if case .audit = $0 { true } else { false } }.count == 1)
                #expect(try job.handle(.entry(entry), now: entry.time).isEmpty)
                #expect(try HostJob(json: job.json) == job)
                #expect(job.state.isTerminal || job.timer != nil)
            }
            #expect(job.state == .terminal(host.outcome ?? .refused), "\(write)")
            #expect(job.permit?.state == .returned)
        }
    }
}

extension AgentJob {
    /// Goes on to the first script, whose intent is the journal's last record.
    fileprivate func restarted(_ journal: inout [JobEntry], host: inout FakeHost) throws -> [Effect] {
        var job = self
        var queue = try job.handle(.start, now: host.now)
        while !queue.isEmpty {
            let effect = queue.removeFirst()
            if case .journal(let entry) = effect {
                journal.append(entry)
            } else if case .runScript = effect {
                return [effect]
            } else if let event = host.perform(effect) {
                queue += try job.handle(event, now: host.now)
            }
        }
        return []
    }
}
