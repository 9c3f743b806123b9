import Rollout
import Schedule
import Testing
import Timestamps

@Suite struct WindowTests {
    private func occurrence(
        _ start: String, _ minutes: Int64, _ zone: String, estimate: Int64 = 0, actions: JobActions = JobActions()
    ) throws -> WindowOccurrence {
        try WindowOccurrence(
            PlannedWindow(start: start, minutes: minutes, zone: zone), zone: ZoneFiles.zone(zone),
            needs: WindowNeeds(estimate: estimate, actions: actions))
    }

    @Test func theLastSafeStartLeavesWhatAJobNeeds() throws {
        let plain = try occurrence("2026-11-21T22:00", 120, "Europe/Berlin")
        #expect(plain.window.notBefore.description == "2026-11-21T21:00:00Z")
        #expect(plain.window.notAfter.description == "2026-11-21T23:00:00Z")
        // 20 minutes for the change, 15 for the reboot, 10 for the way back.
        #expect(plain.window.lastSafeStart.description == "2026-11-21T22:15:00Z")

        let long = try occurrence("2026-11-21T22:00", 120, "Europe/Berlin", estimate: 3600)
        #expect(long.window.lastSafeStart.description == "2026-11-21T21:30:00Z")

        let simple = JobActions(reboot: .never, rollsBack: false)
        let short = try occurrence("2026-11-21T22:00", 20, "Europe/Berlin", actions: simple)
        #expect(short.window.lastSafeStart == short.window.notBefore)
    }

    @Test func tooShortIsSaidWithNumbers() throws {
        let error = #expect(throws: ScheduleError.self) { try occurrence("2026-11-21T22:00", 44, "Europe/Berlin") }
        #expect(error?.code == .windowTooShort)
        #expect(error?.description.contains("44 minutes, and the job needs 45: 20 for the change, 15") == true)
    }

    /// Two hours are two hours: on the days of the changes as on all others.
    @Test(arguments: ["2026-03-29T01:30", "2026-10-25T01:30", "2026-06-01T01:30"])
    func theLengthIsElapsed(_ start: String) throws {
        let one = try occurrence(start, 120, "Europe/Berlin")
        #expect(one.window.notAfter.seconds(since: one.window.notBefore) == 7200)
    }
}
