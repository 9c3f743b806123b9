public import Timestamps

extension DeadlinePolicy.ClockStart {
    /// When the clock starts, and what starts it; nil while it has not started.
    func start(_ dates: FindingDates, knownExploited added: Timestamp?) -> (at: Timestamp, by: String)? {
        switch self {
        case .detection: return (dates.detected, "detection")
        case .release:
            if let released = dates.fixReleased { return (released, "release of the fix") }
            guard dates.hasFix else { return nil }
            guard let known = dates.fixKnown else {
                return (dates.detected, "detection, as the release of the fix is unknown,")
            }
            return known > dates.detected ? (known, "when a fix became known") : (dates.detected, "detection")
        case .knownExploited:
            return added.map { ($0, "addition to KEV") } ?? (dates.detected, "detection, as it is not in KEV,")
        case .informed:
            if let added, added > dates.detected { return (added, "addition to KEV") }
            return (dates.detected, "detection")
        }
    }
}

/// Classes of starts of a policy's clocks: of two starts of one class the earlier is due earlier, or both at once. Hosts that are
/// alike are asked once for each class. A class is a span of time without gaps, so that this stays true where nothing counts
/// before a certain time.
///
/// That needs classes at all where terms are calendar months, which are not equally long: 29, 30 and 31 January are all due on
/// the last of February, by the time of day; and with a pause over all of January and February what started on 1 January is due
/// three days after what started on 1 February.
public struct StartClasses: Sendable {
    /// Whether there is more than one class.
    public let areSeveral: Bool

    /// The classes of a policy.
    public init(_ policy: DeadlinePolicy) { areSeveral = policy.hasMonths }

    /// The number of a start's class.
    public func callAsFunction(_ start: Timestamp) -> Int {
        guard areSeveral else { return 0 }
        let date = CivilDate(daysSinceEpoch: Int((start.milliseconds - Self.rest(start)) / 86_400_000))
        // Each of the days from the 29th on may be clipped to the last of a shorter month.
        return (date.year * 12 + date.month) * 4 + max(0, date.day - 28)
    }

    /// The time of day in milliseconds, 0 and more.
    private static func rest(_ time: Timestamp) -> Int64 {
        let rest = time.milliseconds % 86_400_000
        return rest < 0 ? rest + 86_400_000 : rest
    }
}

extension DeadlinePolicy {
    /// Whether some of its terms are calendar months.
    public var hasMonths: Bool {
        if let rule { return ComplianceRule(rule).hasMonths }
        return table.outcomes.contains { outcome in
            if case .months = term(of: outcome) { true } else { false }
        }
    }
}
