import Testing
import Timestamps

#if canImport(Glibc)
import Glibc
#endif

@Suite struct TimestampTests {
    @Test func theEndsOfTimeAreNoTrap() {
        let first = Timestamp(milliseconds: .min)
        let last = Timestamp(milliseconds: .max)
        #expect(last.seconds(since: first) == .max / 1000)
        #expect(first.seconds(since: last) == .min / 1000)
        #expect(last.adding(seconds: .max) == last)
        #expect(first.adding(seconds: .min) == first)
        #expect(first < last.adding(seconds: -1))
    }

    @Test func agreesWithTheCLibraryOnEveryDayOfEightCenturies() {
        for day in stride(from: -150_000, through: 150_000, by: 1) {
            var clock = time_t(day) * 86_400 + 43_210
            var parts = tm()
            gmtime_r(&clock, &parts)
            let date = CivilDate(daysSinceEpoch: day)
            #expect(date.year == Int(parts.tm_year) + 1900)
            #expect(date.month == Int(parts.tm_mon) + 1)
            #expect(date.day == Int(parts.tm_mday))
            #expect(date.daysSinceEpoch == day)
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T08:00:00Z", 1_795_248_000_000),
        ("1969-12-31T23:59:59.5Z", -500), ("2026-11-21T10:00:00.123+02:00", 1_795_248_000_123),
    ])
    func readsRFC3339(text: String, milliseconds: Int64) throws {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test func printsWhatItReads() throws {
        for milliseconds: Int64 in [0, 1, 999, 1000, -1, -1000, 1_795_248_000_123, 253_402_300_799_999] {
            let stamp = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(rfc3339: stamp.description) == stamp)
        }
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T00:00:00", "2026-11-21T00:00:00.Z", "2026-11-21T00:00:00+0200", "2026-11-21T00:00:00Zx",
    ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}
