public import Timestamps

/// The few patches that cut most risk.
///
/// The risk cut is the sum of ``FindingRisk/hazard`` over the findings that at least one chosen patch closes: what two
/// patches both close counts once. Of such a sum greedy choice is never worse than 63 % of the best (Nemhauser, Wolsey,
/// Fisher 1978); how near it came here is worked out and told (``share``).
public struct PatchSelection: Sendable, Hashable {
    /// A chosen patch.
    public struct Choice: Sendable, Hashable {
        /// Its id.
        public var id: String
        /// The risk that it cuts beyond those before it.
        public var gain: Double
        /// What it costs.
        public var cost: Double
        /// The share of all risk that is gone with it and those before it, 0 to 1.
        public var share: Double
    }

    /// What was chosen, the best first.
    public var choices: [Choice]
    /// The risk of all findings that any patch closes.
    public var total: Double
    /// The risk that is cut.
    public var cut: Double
    /// The most that any choice within the limits could have cut.
    public var bound: Double

    /// The share of the best possible that was reached at least, 0 to 1.
    public var quality: Double { bound > 0 ? min(1, cut / bound) : 1 }

    /// Chooses.
    ///
    /// - Parameters:
    ///   - maximumCount: the most patches.
    ///   - capacity: the most cost; nil for no limit. Then each step takes the most risk a unit of cost.
    ///
    /// Findings of two patches with the same asset and vulnerability are the same; where they stand for several assets that
    /// are alike, both stand for the same ones.
    public init(_ patches: [RankedPatch], maximumCount: Int, capacity: Double? = nil) {
        var keys: [String: Int] = [:]
        var weights: [Double] = []
        let findings = patches.map { patch in
            let indices = patch.open.map { finding in
                let key = "\(finding.asset)\u{0}\(finding.vulnerability)"
                if let index = keys[key] { return index }
                keys[key] = weights.count
                weights.append(finding.hazard * Double(finding.count))
                return weights.count - 1
            }
            return Set(indices).sorted()
        }
        total = weights.reduce(0, +)
        var isClosed = [Bool](repeating: false, count: weights.count)
        func gain(_ index: Int) -> Double {
            var sum = 0.0
            for finding in findings[index] where !isClosed[finding] { sum += weights[finding] }
            return sum
        }
        func worth(_ gain: Double, _ index: Int) -> Double { capacity == nil ? gain : gain / patches[index].cost }
        var gains = patches.indices.map { gain($0) }
        var left = Set(patches.indices)
        var room = capacity ?? .infinity
        choices = []
        cut = 0
        bound = .infinity
        while true {
            // What the best of the rest could add, were their gains as great as they are now: no choice cuts more.
            let limit = Self.most(
                of: left.map { (gains[$0], patches[$0].cost) }, count: maximumCount, capacity: capacity)
            bound = min(bound, cut + limit)
            guard choices.count < maximumCount else { break }
            var best: Int?
            for index in left where patches[index].cost <= room && gains[index] > 0 {
                guard let other = best else {
                    best = index
                    continue
                }
                let (mine, its) = (worth(gains[index], index), worth(gains[other], other))
                if mine > its || (mine == its && patches[index].patch.id < patches[other].patch.id) { best = index }
            }
            guard let best else { break }
            cut += gains[best]
            room -= patches[best].cost
            choices.append(
                Choice(
                    id: patches[best].patch.id, gain: gains[best], cost: patches[best].cost,
                    share: total > 0 ? cut / total : 1))
            for finding in findings[best] { isClosed[finding] = true }
            left.remove(best)
            for index in left { gains[index] = gain(index) }
        }
        bound = min(bound, total)
    }

    /// The most that a choice of these gains can sum to: the greatest `count`, or as many as fit with the last in part.
    private static func most(of items: [(gain: Double, cost: Double)], count: Int, capacity: Double?) -> Double {
        let byCount = items.map(\.gain).sorted(by: >).prefix(count).reduce(0, +)
        guard let capacity else { return byCount }
        var room = capacity
        var sum = 0.0
        for item in items.filter({ $0.cost <= capacity }).sorted(by: { $0.gain / $0.cost > $1.gain / $1.cost }) {
            let part = min(1, room / item.cost)
            sum += item.gain * part
            room -= item.cost * part
            if room <= 0 { break }
        }
        return min(sum, byCount)
    }
}

/// How much of the queue gets done when, at a given pace.
public struct CapacityForecast: Sendable, Hashable {
    /// Whether a patch will be in time.
    public enum Outlook: String, Sendable, Hashable, CaseIterable {
        /// Even at the slow pace.
        case safe
        /// At the usual pace.
        case likely
        /// At the fast pace alone.
        case doubtful
        /// At no pace seen so far.
        case late
        /// It has no date.
        case noDate = "no-date"
    }

    /// A patch's forecast.
    public struct Item: Sendable, Hashable {
        /// The patch.
        public var id: String
        /// When it is done at the usual pace; nil where that is nothing a day.
        public var done: Timestamp?
        /// Whether it will be in time.
        public var outlook: Outlook
    }

    /// Cost done a day: in the slow tenth of days, the median and the fast tenth.
    public var pace: (slow: Double, usual: Double, fast: Double) { (slow, usual, fast) }
    private var slow: Double
    private var usual: Double
    private var fast: Double
    /// Every patch of the queue, in its order.
    public var items: [Item]

    /// Forecasts a queue that is worked off in its order.
    ///
    /// - Parameters:
    ///   - history: the cost that was done in each of the last weeks; with fewer than 4 nothing is forecast and every
    ///     outlook is `late` or `noDate`, as nothing proves otherwise.
    public init(_ queue: [RankedPatch], weeklyHistory history: [Double], now: Timestamp) {
        let weeks = history.filter { $0.isFinite && $0 >= 0 }.sorted()
        func quantile(_ share: Double) -> Double {
            guard weeks.count >= 4 else { return 0 }
            let place = share * Double(weeks.count - 1)
            let low = Int(place)
            let high = min(low + 1, weeks.count - 1)
            return (weeks[low] + (weeks[high] - weeks[low]) * (place - Double(low))) / 7
        }
        (slow, usual, fast) = (quantile(0.1), quantile(0.5), quantile(0.9))
        items = []
        var before = 0.0
        for patch in queue {
            before += patch.cost
            func done(_ pace: Double) -> Timestamp? {
                let days = before / pace
                return pace > 0 && days < 36_600 ? now.adding(seconds: Int64(days * 86_400)) : nil
            }
            var outlook = Outlook.noDate
            if let due = patch.deadline?.due {
                func isInTime(_ pace: Double) -> Bool { done(pace).map { $0 <= due } ?? false }
                outlook = isInTime(slow) ? .safe : isInTime(usual) ? .likely : isInTime(fast) ? .doubtful : .late
            }
            items.append(Item(id: patch.patch.id, done: done(usual), outlook: outlook))
        }
    }

    /// What a forecast comes to.
    public struct Summary: Sendable, Hashable {
        /// Patches with a date that are in time at the usual pace.
        public var inTime = 0
        /// Patches with a date that are not.
        public var late = 0
        /// Patches without a date.
        public var withoutDate = 0
        /// The first of the queue that is late; nil where none is.
        public var firstLate: String?
        /// When all is done at the usual pace; nil where that is not foreseen, and for an empty queue.
        public var finished: Timestamp?
    }

    /// What the forecast comes to.
    public var summary: Summary {
        var summary = Summary()
        for item in items {
            switch item.outlook {
            case .safe, .likely: summary.inTime += 1
            case .noDate: summary.withoutDate += 1
            case .doubtful, .late:
                summary.late += 1
                summary.firstLate = summary.firstLate ?? item.id
            }
        }
        summary.finished = items.last?.done
        return summary
    }

    /// A forecast at one pace that somebody names.
    public init(_ queue: [RankedPatch], perWeek pace: Int, now: Timestamp) {
        self.init(queue, weeklyHistory: Array(repeating: Double(pace), count: 4), now: now)
    }

    /// The capacity line: how many of the queue, in its order, fit into that much cost.
    public static func fitting(_ queue: [RankedPatch], capacity: Double) -> Int {
        var room = capacity
        return queue.prefix { patch in
            room -= patch.cost
            return room >= 0
        }.count
    }
}
