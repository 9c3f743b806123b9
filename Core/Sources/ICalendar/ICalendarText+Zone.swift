import Schedule
import Timestamps

extension ICalendarText {
    /// Writes a zone with every change of the horizon (RFC 5545, 3.6.5), so that readers need no zone data of their own.
    mutating func zone(_ zone: Zone, from: Timestamp, to: Timestamp) {
        line("BEGIN:VTIMEZONE")
        line("TZID:\(zone.name)")
        line("X-LIC-LOCATION:\(zone.name)")
        // A year before: the event that is running then has begun under an earlier offset.
        let start = from.seconds - 400 * 86_400
        let end = to.seconds + 400 * 86_400
        let first = zone.offset(at: Timestamp(seconds: start))
        observance(false, Self.time(LocalTime(secondsSinceEpoch: Int(start) + first)), first, first, [])
        struct Kind: Hashable, Comparable {
            var before: Int
            var after: Int
            static func < (left: Kind, right: Kind) -> Bool { (left.before, left.after) < (right.before, right.after) }
        }
        var kinds: [Kind: [String]] = [:]
        for change in zone.transitions(from: start, to: end) {
            let local = LocalTime(secondsSinceEpoch: Int(change.at) + change.before)
            kinds[Kind(before: change.before, after: change.after), default: []].append(Self.time(local))
        }
        for kind in kinds.keys.sorted() {
            let times = kinds[kind] ?? []
            observance(kind.after > kind.before, times[0], kind.before, kind.after, Array(times.dropFirst()))
        }
        line("END:VTIMEZONE")
    }

    private mutating func observance(_ isDaylight: Bool, _ start: String, _ from: Int, _ to: Int, _ more: [String]) {
        let name = isDaylight ? "DAYLIGHT" : "STANDARD"
        line("BEGIN:\(name)")
        line("DTSTART:\(start)")
        line("TZOFFSETFROM:\(Self.offset(from))")
        line("TZOFFSETTO:\(Self.offset(to))")
        line("TZNAME:\(Self.offset(to))")
        if !more.isEmpty { line("RDATE:\(more.joined(separator: ","))") }
        line("END:\(name)")
    }

    /// `+0100`, with seconds where there are some (RFC 5545, 3.3.14).
    private static func offset(_ seconds: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let size = abs(seconds)
        return (seconds < 0 ? "-" : "+") + two(size / 3600) + two(size / 60 % 60)
            + (size % 60 == 0 ? "" : two(size % 60))
    }
}
