public import Timestamps

/// The Retry-After header (RFC 9110, section 10.2.3): seconds, or a date in one of HTTP's three forms.
public enum RetryAfter {
    /// The longest wait that is obeyed: a day. A longer one is a mistake that would lose the host.
    public static let maximum: Int64 = 86_400

    /// Seconds to wait from `now`, 0 to ``maximum``; nil where the value is neither form.
    public static func seconds(_ text: String, now: Timestamp) -> Int64? {
        let text = trimmed(text)
        guard !text.isEmpty, text.utf8.count <= 64 else { return nil }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return min(Int64(text) ?? maximum, maximum)
        }
        guard let date = date(text, now: now) else { return nil }
        // Rounded up, so that the agent never comes a moment too early.
        let wait = (date.milliseconds - now.milliseconds + 999) / 1000
        return min(max(wait, 0), maximum)
    }

    /// The instant an HTTP-date (RFC 9110, section 5.6.7) names.
    static func date(_ text: String, now: Timestamp) -> Timestamp? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        if words.count == 6, words[5] == "GMT", text.contains(",") {
            guard let year = number(words[3]), let day = number(words[1]) else { return nil }
            if words[3].utf8.count == 4 { return instant(year, words[2], day, words[4]) }
            // RFC 850: two digits; over 50 years ahead means the century before.
            guard words[3].utf8.count == 2 else { return nil }
            let current = CivilDate(daysSinceEpoch: Int(now.seconds / 86_400)).year
            var full = current - current % 100 + year
            if full > current + 50 { full -= 100 }
            return instant(full, words[2], day, words[4])
        }
        // asctime: "Sun Nov  6 08:49:37 1994".
        guard words.count == 5, let year = number(words[4]), let day = number(words[2]), words[4].utf8.count == 4 else {
            return nil
        }
        return instant(year, words[1], day, words[3])
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func instant(_ year: Int, _ month: String, _ day: Int, _ time: String) -> Timestamp? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0)) }
        guard let month = months.firstIndex(of: month), let date = CivilDate(year: year, month: month + 1, day: day),
            parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2], hour < 24, minute < 60,
            second <= 60
        else { return nil }
        return Timestamp(seconds: Int64(date.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60 + second))
    }

    private static func number(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func trimmed(_ text: String) -> String {
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: blank).reversed().drop(while: blank).reversed())
    }
}
