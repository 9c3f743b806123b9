/// An instant in UTC, to the millisecond: what every message, event and row carries.
///
/// Text is RFC 3339 with `Z`. Leap seconds do not exist, as in POSIX.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64

    /// The instant that many milliseconds after the epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The instant that many seconds after the epoch.
    public init(seconds: Int64) {
        self.milliseconds = seconds &* 1000
    }

    /// Whole seconds since the epoch, rounded down.
    public var seconds: Int64 {
        milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    }

    /// The instant `seconds` later, earlier when negative; the last or first that there is where that is none.
    public func adding(seconds: Int64) -> Timestamp {
        let (added, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, carry) = milliseconds.addingReportingOverflow(added)
        if overflow || carry { return Timestamp(milliseconds: seconds > 0 ? .max : .min) }
        return Timestamp(milliseconds: sum)
    }

    /// Seconds from `earlier` to here, rounded towards zero; negative when `earlier` is later. Bounded by what 64 bits of
    /// milliseconds hold: times may come from anybody.
    public func seconds(since earlier: Timestamp) -> Int64 {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return (overflow ? (milliseconds > earlier.milliseconds ? .max : .min) : difference) / 1000
    }

    /// The order of time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// RFC 3339 in UTC: `2026-11-21T08:00:00Z`, with `.123` where there are milliseconds.
    public var description: String {
        let total = seconds
        let fraction = Int(milliseconds - total * 1000)
        let days = Int(total >= 0 ? total / 86_400 : (total - 86_399) / 86_400)
        let rest = Int(total) - days * 86_400
        let date = CivilDate(daysSinceEpoch: days)
        var text = "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))T"
        text += "\(digits(rest / 3600, 2)):\(digits(rest / 60 % 60, 2)):\(digits(rest % 60, 2))"
        if fraction != 0 { text += ".\(digits(fraction, 3))" }
        return text + "Z"
    }

    /// Reads RFC 3339 with any offset; nil where the text is not such a time.
    public init?(rfc3339 text: String) {
        var text = text
        guard let time = text.withUTF8({ Timestamp(rfc3339: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = time
    }

    /// Reads the same from bytes, without a copy of them.
    public init?(rfc3339 bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 20, bytes.count <= 40 else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                guard index < bytes.count, (0x30...0x39).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), bytes[4] == 0x2D, let month = number(5..<7), bytes[7] == 0x2D,
            let day = number(8..<10), bytes[10] == 0x54 || bytes[10] == 0x74 || bytes[10] == 0x20,
            let hour = number(11..<13), bytes[13] == 0x3A, let minute = number(14..<16), bytes[16] == 0x3A,
            let second = number(17..<19), let date = CivilDate(year: year, month: month, day: day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var at = 19
        var fraction = 0
        if bytes[at] == 0x2E {
            at += 1
            var scale = 100
            let start = at
            while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
                fraction += Int(bytes[at] - 0x30) * scale
                scale /= 10
                at += 1
            }
            guard at > start else { return nil }
        }
        guard at < bytes.count else { return nil }
        var offset = 0
        switch bytes[at] {
        case 0x5A, 0x7A:
            guard at + 1 == bytes.count else { return nil }
        case 0x2B, 0x2D:
            guard at + 6 == bytes.count, let hours = number(at + 1..<at + 3), bytes[at + 3] == 0x3A,
                let minutes = number(at + 4..<at + 6), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * 60 * (bytes[at] == 0x2B ? 1 : -1)
        default: return nil
        }
        let total = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(milliseconds: Int64(total) * 1000 + Int64(fraction))
    }
}

/// `value` in decimal, padded with zeros to at least `width` digits.
private func digits(_ value: Int, _ width: Int) -> String {
    let text = String(abs(value))
    return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - text.count)) + text
}
