import Agent
import Testing
import Timestamps

@Suite struct RetryAfterTests {
    /// 1994-11-06T08:49:37Z, the instant of RFC 9110's examples, less a minute.
    private let now = Timestamp(seconds: 784_111_717)

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func readsTheThreeFormsOfRFC9110(text: String) {
        #expect(RetryAfter.seconds(text, now: now) == 60)
        #expect(RetryAfter.seconds(text, now: Timestamp(seconds: 784_111_800)) == 0)
    }

    @Test(arguments: [("0", 0), ("120", 120), (" 7 ", 7), ("86401", 86_400), ("99999999999999999999", 86_400)])
    func readsSecondsWithinADay(text: String, seconds: Int64) {
        #expect(RetryAfter.seconds(text, now: now) == seconds)
    }

    @Test func partsOfASecondAreRoundedUp() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(RetryAfter.seconds(text, now: Timestamp(milliseconds: 784_111_776_001)) == 1)
    }

    @Test func twoDigitYearsAreOfTheNearestCentury() {
        let now = Timestamp(rfc3339: "2026-11-21T00:00:00Z") ?? Timestamp(seconds: 0)
        #expect(RetryAfter.seconds("Saturday, 21-Nov-26 00:01:00 GMT", now: now) == 60)
        #expect(RetryAfter.seconds("Sunday, 06-Nov-94 08:49:37 GMT", now: now) == 0)
    }

    @Test(arguments: [
        "", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 8:49 GMT", "１２０", "Sun Nov 6 08:49:37 94",
    ])
    func otherTextIsNoWait(text: String) {
        #expect(RetryAfter.seconds(text, now: now) == nil)
    }
}
