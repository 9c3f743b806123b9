import HTML
import Timestamps

/// When something was, as a person says it; the exact time is in its title.
func ago(_ time: Timestamp?, _ context: PageContext, never: String = "never") -> HTML {
    guard let time else { return span(.class("quiet")) { never } }
    return element(time, span(from: time, to: context.now))
}

/// A time to the minute, in UTC.
func stamp(_ time: Timestamp) -> HTML {
    element(time, minute(time))
}

/// `2026-11-21 11:30`.
func minute(_ time: Timestamp) -> String {
    String(time.description.prefix(16)).replacingT()
}

extension String {
    fileprivate func replacingT() -> String {
        String(map { $0 == "T" ? " " : $0 })
    }
}

private func element(_ instant: Timestamp, _ text: String) -> HTML {
    time(.datetime(instant.description), .title(minute(instant) + " UTC")) { text }
}

/// `in 3 days`, `just now`, `5 min ago`.
func span(from time: Timestamp, to now: Timestamp) -> String {
    let seconds = now.seconds(since: time)
    if seconds < -45 { return "in \(length(-seconds))" }
    if seconds < 45 { return "just now" }
    return "\(length(seconds)) ago"
}

/// A length of time in its largest unit.
func length(_ seconds: Int64) -> String {
    func unit(_ size: Int64, _ one: String, _ many: String) -> String {
        let count = (seconds + size / 2) / size
        return "\(count) \(count == 1 ? one : many)"
    }
    switch seconds {
    case ..<90: return unit(1, "s", "s")
    case ..<(90 * 60): return unit(60, "min", "min")
    case ..<(36 * 3600): return unit(3600, "hour", "hours")
    case ..<(60 * 86_400): return unit(86_400, "day", "days")
    case ..<(730 * 86_400): return unit(30 * 86_400, "month", "months")
    default: return unit(365 * 86_400, "year", "years")
    }
}

/// `1 host`, `2 hosts`, `12,345 hosts`.
func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? one : many ?? one + "s")"
}

/// A number with its thousands apart.
func grouped(_ number: Int) -> String {
    let digits = String(abs(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return number < 0 ? "-" + text : text
}

/// Bytes in the largest binary unit.
func bytes(_ count: Int64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    guard unit > 0 else { return "\(count) bytes" }
    let tenths = Int((value * 10).rounded())
    return value < 10 && tenths % 10 != 0
        ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\((tenths + 5) / 10) \(units[unit])"
}
