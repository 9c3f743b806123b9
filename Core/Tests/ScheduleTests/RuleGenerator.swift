/// Random rules of the supported subset, always the same for a seed.
struct RuleGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    mutating func pick<T>(_ values: [T]) -> T { values[number(0...values.count - 1)] }

    mutating func list(_ range: ClosedRange<Int>, signed: Bool = false, most: Int = 3) -> String {
        var values: Set<Int> = []
        for _ in 0..<number(1...most) {
            let value = number(range)
            values.insert(signed && chance(30) ? -value : value)
        }
        return values.sorted().map(String.init).joined(separator: ",")
    }

    /// A rule's text; `end` is appended by the caller's choice.
    mutating func rule(count: Bool = true) -> String {
        let frequency = pick(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "MONTHLY", "YEARLY"])
        var parts = ["FREQ=\(frequency)"]
        if chance(50) { parts.append("INTERVAL=\(number(1...(frequency == "YEARLY" ? 4 : 9)))") }
        if chance(30) { parts.append("BYMONTH=\(list(1...12, most: 4))") }
        let monthDay = frequency != "WEEKLY" && chance(35)
        if monthDay { parts.append("BYMONTHDAY=\(list(1...31, signed: true, most: monthDay && chance(30) ? 12 : 3))") }
        let weekday = chance(60)
        if weekday {
            let ordinal = (frequency == "MONTHLY" || frequency == "YEARLY") && chance(60)
            let most = frequency == "YEARLY" && !parts.contains(where: { $0.hasPrefix("BYMONTH=") }) ? 53 : 5
            var days: Set<String> = []
            for _ in 0..<number(1...3) {
                let day = pick(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
                let number = number(1...most) * (chance(35) ? -1 : 1)
                days.insert(ordinal ? "\(number)\(day)" : day)
            }
            parts.append("BYDAY=\(days.sorted().joined(separator: ","))")
        }
        if (monthDay || weekday) && (frequency == "MONTHLY" || frequency == "YEARLY") && chance(35) {
            parts.append("BYSETPOS=\(list(1...6, signed: true))")
        }
        if chance(30) { parts.append("WKST=\(pick(["MO", "SU", "SA", "WE"]))") }
        if count && chance(25) { parts.append("COUNT=\(number(1...60))") }
        return parts.joined(separator: ";")
    }
}
