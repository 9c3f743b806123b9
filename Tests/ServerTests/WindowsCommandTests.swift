import JSON
import Testing

extension ServerTests {
    /// `fettle windows preview`, which needs no server.
    @Suite struct WindowsCommandTests {
        private func preview(
            _ arguments: String..., input: String = ""
        ) async throws -> (status: Int32, output: String, errors: String) {
            let done = try await fettle(["windows", "preview"] + arguments, input: input)
            return (done.status, done.output, done.errors)
        }

        @Test func aReleaseCalendarPlusDays() async throws {
            let done = try await preview(
                "--rule", "FREQ=MONTHLY;BYDAY=2TU", "--start", "22:00", "--duration", "4h", "--zone", "Europe/Berlin",
                "--plus", "3d",
                "--next", "3", "--after", "2027-01-01T00:00:00Z", "-o", "name")
            #expect(done.output == "2027-01-15T21:00:00Z\n2027-02-12T21:00:00Z\n2027-03-12T21:00:00Z\n")
            let named = try await preview(
                "--rule", "second-tuesday", "--start", "22:00", "--duration", "240m", "--zone", "Europe/Berlin",
                "--plus", "3d",
                "--next", "3", "--after", "2027-01-01T00:00:00Z", "-o", "name")
            #expect(named.output == done.output)
        }

        @Test func clockChangesAndFitAreSaid() async throws {
            let done = try await preview(
                "--rule", "FREQ=WEEKLY;BYDAY=SU", "--start", "02:30", "--duration", "1h", "--zone", "Europe/Berlin",
                "--next", "2",
                "--after", "2027-03-27T00:00:00Z", "--job", "40m")
            #expect(done.status == 0)
            #expect(done.output.contains("The clocks jump over 2027-03-28T02:30"))
            #expect(
                done.errors.contains(
                    "No window holds the job's 65 minutes: 40 for the change, 15 to reboot, 10 to go back"))
        }

        @Test func aCalendarGoesOutAndIn() async throws {
            let calendar = try await preview(
                "--rule", "last-friday", "--start", "22:00", "--duration", "4h", "--zone", "Europe/Berlin", "--freeze",
                "12-20..01-06",
                "--after", "2026-12-01T00:00:00Z", "--ical")
            #expect(calendar.output.contains("RRULE:FREQ=MONTHLY;BYDAY=-1FR\r\n"))
            let read = try await preview(
                "--calendar", "-", "--next", "2", "--after", "2026-12-01T00:00:00Z", "-o", "json", "--query", "[].utc",
                input: calendar.output)
            #expect(
                read.output.filter { !$0.isWhitespace } == #"["2027-01-29T21:00:00Z","2027-02-26T21:00:00Z"]"#,
                "\(read)")
        }

        @Test func whatIsWrongIsNamed() async throws {
            let hourly = try await preview("--rule", "FREQ=HOURLY", "--start", "22:00", "--duration", "1h")
            #expect(hourly.status == 1)
            #expect(hourly.errors.contains("FREQ=HOURLY"))
            let zone = try await preview(
                "--rule", "FREQ=DAILY", "--start", "22:00", "--duration", "1h", "--zone", "Mars/Olympus")
            #expect(zone.status == 1 && zone.errors.contains("Mars/Olympus"))
            let first = try await preview("--rule", "FREQ=DAILY;INTERVAL=2", "--start", "22:00", "--duration", "1h")
            #expect(first.status == 1 && first.errors.contains("2026-12-01T22:00"))
            #expect(try await preview("--rule", "FREQ=DAILY").status == 2)
            let calendar = try await preview("--calendar", "-", input: "BEGIN:VCALENDAR\n")
            #expect(calendar.status == 1 && calendar.errors.contains("line 1: the calendar ends inside VCALENDAR"))
        }
    }
}
