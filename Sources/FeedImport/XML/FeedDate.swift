import Timestamps

/// Dates as XML feeds write them.
enum FeedDate {
    /// `2017-12-02`, `2017-12-02 01:57:03`, either with ` UTC` or `T` and an offset, or seconds since 1970; nil for anything
    /// else.
    static func parse(_ text: String) -> Timestamp? {
        let text = text.trimmed
        if let time = Timestamp(rfc3339: text) { return time }
        if text.utf8.count >= 9, let seconds = Int64(text), (0...253_402_300_799).contains(seconds) {
            return Timestamp(seconds: seconds)
        }
        var rest = text
        for zone in [" UTC", " GMT", " Z"] where rest.hasSuffix(zone) { rest = String(rest.dropLast(zone.count)) }
        let parts = rest.split(whereSeparator: { $0 == " " || $0 == "T" }).map(String.init)
        switch parts.count {
        case 1: return Timestamp(rfc3339: parts[0] + "T00:00:00Z")
        case 2:
            var time = parts[1]
            if time.hasSuffix("Z") { time.removeLast() }
            if time.split(separator: ":").count == 2 { time += ":00" }
            return Timestamp(rfc3339: "\(parts[0])T\(time)Z")
        default: return nil
        }
    }
}
