import Dispatch
import Foundation
import NIOConcurrencyHelpers
import Rollout
import Testing

@testable import Agent

/// The job's process, or the whole host, dies at every point before and after every durable write, and the job goes on.
///
/// The points are counted by a run without a crash: a new write is in the matrix by itself. `make test` takes some of them,
/// others with each `FETTLE_FUZZ_SEED`; `FETTLE_CRASH_MATRIX=all` takes all (`make soak`).
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root: it makes hosts")) struct CrashMatrixTests {
    private static let packages = ["tb-ok", "tb-conffile"]
    private static let points = "/var/lib/fettle-agent/points"

    private static func actions(_ scenario: String) -> JobActions {
        var actions = JobActions(
            preScripts: [PlannedScript(name: "once", text: "#!/bin/sh\necho ran >>/var/log/once\n")],
            postScripts: [PlannedScript(name: "after", text: "#!/bin/sh\ntrue\n", isIdempotent: true)],
            settleTime: 0, consecutivePasses: 1, reboot: .never, stepTimeout: 60)
        switch scenario {
        case "reboot":
            actions.reboot = .always
            actions.snapshotHook = "echo asked >>/var/log/hook; echo snapshot-of-$FETTLE_JOB"
        case "operator": break
        default: actions.healthChecks = [HealthCheck(name: "broken", probe: .command("exit 1"))]
        }
        return actions
    }

    @Test(
        "Killed at any durable write, a job ends as old, new or flagged",
        arguments: ["reboot", "roll back", "operator"])
    func everyPoint(_ scenario: String) throws {
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        let actions = Self.actions(scenario)
        let isWayBack = scenario == "operator"
        @Sendable func run(at point: Int?, _ mode: String) throws -> (JobTrial.End, [String]) {
            var trial = try JobTrial(Self.packages, actions: actions)
            defer { trial.remove() }
            if isWayBack {
                // What an operator takes back is a job of its own, after one that has succeeded.
                let there = try trial.run(base: base)
                #expect(there.outcome == .succeeded, "\(there.text) \(there.log)")
                trial.attempt = 2
                trial.rollsBack = true
            }
            trial.mode = mode
            trial.environment = ["FETTLE_CRASH_COUNT=\(Self.points)"]
            if let point { trial.environment.append("FETTLE_CRASH_AT=\(point)") }
            let end = try trial.run(base: base)
            let passed = (try? String(contentsOfFile: "\(trial.path)/state/points", encoding: .utf8)) ?? ""
            return (end, passed.split(separator: "\n").map(String.init))
        }
        let (whole, names) = try run(at: nil, "agent")
        #expect(whole.kind == (scenario == "reboot" ? "new" : "old"), "\(whole.text) \(whole.log)")
        #expect(names.count > 30, "the points were not counted")
        let chosen = Self.choice(names.count, least: isWayBack ? 6 : 14)
        let tally = NIOLockedValueBox<[String: Int]>([:])
        DispatchQueue.concurrentPerform(iterations: chosen.count) { index in
            let (point, mode) = chosen[index]
            do {
                let (end, _) = try run(at: point, mode)
                try end.expectTruth(Self.packages, isWayBack: isWayBack)
                #expect(end.log.contains(": 137") || end.log.contains(": 71"), "nothing died at \(names[point - 1])")
                let kind = end.kind
                tally.withLockedValue { $0["\(mode): \(kind)", default: 0] += 1 }
            } catch {
                Issue.record("point \(point) (\(names[point - 1])), \(mode): \(error)")
            }
        }
        let counts = tally.withLockedValue(\.self).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        print(
            "crash matrix, \(scenario): \(chosen.count) of \(names.count * 2) crashes at \(names.count) points; "
                + counts.joined(separator: ", "))
    }

    /// Which points, and what dies there.
    private static func choice(_ count: Int, least: Int) -> [(Int, String)] {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        if variable("FETTLE_CRASH_MATRIX") == "all" {
            return (1...count).flatMap { [($0, "agent"), ($0, "host")] }
        }
        let taken = min(count, variable("FETTLE_CRASH_MATRIX").flatMap { Int($0) } ?? least)
        let seed = variable("FETTLE_FUZZ_SEED").flatMap { Int($0) } ?? 0
        let stride = Double(count) / Double(taken)
        return (0..<taken).map { index in
            let point = (Int(Double(index) * stride) + seed * 7) % count + 1
            return (point, (index + seed).isMultiple(of: 2) ? "agent" : "host")
        }
    }
}
