public import Timestamps

/// A place's clocks: when they were changed, and by which rule they will be.
public struct Zone: Hashable, Sendable {
    /// A change of the clocks.
    public struct Transition: Hashable, Sendable {
        /// When, in seconds since 1970-01-01T00:00Z.
        public var at: Int64
        /// Seconds east of UTC before it.
        public var before: Int
        /// Seconds east of UTC from it on.
        public var after: Int
    }
    /// How a local time became an instant.
    public enum Resolution: String, Hashable, Sendable {
        /// There was one such time.
        case only
        /// The clocks jumped over it: counted with the offset before the jump, so that it lies as much after (RFC 5545, 3.3.5).
        case shifted
        /// It came twice: the first.
        case first
    }

    /// Its IANA name: `Europe/Berlin`.
    public let name: String
    /// The changes in the table, in the order of time.
    let table: [Transition]
    /// Seconds east of UTC before the first of them.
    let initialOffset: Int
    /// What holds after the table's end; nil where the last offset stays.
    let rule: PosixZoneRule?

    init(name: String, table: [Transition], initialOffset: Int, rule: PosixZoneRule?) {
        self.name = name
        self.table = table
        self.initialOffset = initialOffset
        self.rule = rule
    }

    /// Universal time.
    public static let utc = Zone(name: "UTC", table: [], initialOffset: 0, rule: nil)

    /// Whether the text can be the name of a zone's file under a zone folder: no path leads out of it.
    public static func isValidName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard name.utf8.count <= 64, (1...3).contains(parts.count) else { return false }
        return parts.allSatisfy { part in
            guard let first = part.first, first >= 0x41 else { return false }
            return part.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2B
                    || $0 == 0x2D || $0 == 0x5F
            }
        }
    }

    /// Seconds east of UTC at an instant.
    public func offset(at time: Timestamp) -> Int {
        offset(at: time.seconds)
    }

    /// What the clocks show at an instant.
    public func localTime(at time: Timestamp) -> LocalTime {
        LocalTime(secondsSinceEpoch: Int(time.seconds) + offset(at: time.seconds))
    }

    /// The instant at which the clocks show a local time: the first where it comes twice; where they jump over it, as much
    /// after the jump as it is into the gap.
    public func instant(of local: LocalTime) -> (time: Timestamp, resolution: Resolution) {
        let wanted = Int64(local.secondsSinceEpoch)
        // No offset is more than 26 hours, so nothing outside of these matters.
        let from = wanted - Self.reach
        let to = wanted + Self.reach
        let changes = transitions(from: from, to: to)
        var start = from
        var offset = self.offset(at: from)
        var found: [Int64] = []
        for change in changes {
            let candidate = wanted - Int64(offset)
            if candidate >= start, candidate < change.at { found.append(candidate) }
            start = change.at
            offset = change.after
        }
        if wanted - Int64(offset) >= start { found.append(wanted - Int64(offset)) }
        if let first = found.first {
            return (Timestamp(seconds: first), found.count > 1 ? .first : .only)
        }
        for change in changes
        where change.at + Int64(change.before) <= wanted && wanted < change.at + Int64(change.after) {
            return (Timestamp(seconds: wanted - Int64(change.before)), .shifted)
        }
        return (Timestamp(seconds: wanted - Int64(offset)), .only)
    }

    /// The changes after `from` and up to `to`, in the order of time.
    public func transitions(from: Int64, to: Int64) -> [Transition] {
        var result: [Transition] = []
        var index = firstIndex(after: from)
        while index < table.count, table[index].at <= to {
            result.append(table[index])
            index += 1
        }
        guard let rule, to > (table.last?.at ?? .min) else { return result }
        var offset = self.offset(at: max(from, table.last?.at ?? from))
        for change in rule.changes(from: max(from, table.last?.at ?? from), to: to) where change.offset != offset {
            result.append(Transition(at: change.at, before: offset, after: change.offset))
            offset = change.offset
        }
        return result
    }

    func offset(at seconds: Int64) -> Int {
        let index = firstIndex(after: seconds)
        if index == table.count, let rule { return rule.offset(at: seconds) }
        return index == 0 ? initialOffset : table[index - 1].after
    }

    /// The first change of the table that is later.
    private func firstIndex(after seconds: Int64) -> Int {
        var low = 0
        var high = table.count
        while low < high {
            let middle = (low + high) / 2
            if table[middle].at <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static let reach: Int64 = 93_600
}
