import Access
import Digest
import Priority
import Synchronization
import Timestamps

/// Lists that were worked out of what an organisation is exposed to, kept for whoever asks the same next.
///
/// An answer is given again for twenty times as long as it took to work out, at most a minute, and never for other decisions,
/// another policy, other feeds or another reach: of a small fleet everything is worked out anew, of 100,000 hosts nobody
/// waits twice. Where something newer was published, an answer that took long is given once more while the new one is
/// being worked out. All of a view is of one moment (``RiskView/now``).
final class RiskShelf: Sendable {
    /// What an answer depends on beside what was published.
    struct Question: Sendable, Hashable {
        var organisation: String
        var reach: Reach
        var policy: DeadlinePolicy
        var decisions: RiskView.Decisions
        var catalogue: SHA256Digest
    }

    private struct Kept: Sendable {
        var question: Question
        var revision: Int
        var view: RiskView
        var isRenewed = false
    }

    /// The longest that an answer is given again.
    static let maximumAge = Duration.seconds(60)
    /// What takes longer than this is worked out while the older answer is given.
    static let patience = Duration.milliseconds(250)
    /// The most answers that are kept.
    static let maximumCount = 4

    /// The newest first.
    private let kept = Mutex<[Kept]>([])

    /// The view that answers a question, worked out now or a moment ago.
    func view(
        _ question: Question, revision: Int, now: Timestamp, _ make: @escaping @Sendable (Timestamp) -> RiskView
    ) -> RiskView {
        var renews = false
        let known: RiskView? = kept.withLock { list in
            guard let place = list.firstIndex(where: { $0.question == question }) else { return nil }
            let age = Duration.milliseconds(now.milliseconds - list[place].view.now.milliseconds)
            guard age >= .zero, age <= Self.maximumAge else { return nil }
            let cost = list[place].view.lists?.cost ?? .zero
            if list[place].revision == revision, age <= cost * 20 { return list[place].view }
            guard cost > Self.patience else { return nil }
            renews = !list[place].isRenewed
            list[place].isRenewed = true
            return list[place].view
        }
        guard let known else { return keep(make(now), question, revision) }
        if renews {
            Task.detached(priority: .utility) {
                let view = make(now)
                view.lists?.prepare(as: known.lists, of: view)
                _ = self.keep(view, question, revision)
            }
        }
        return known
    }

    /// How many answers are kept.
    var count: Int { kept.withLock { $0.count } }

    /// Lets go of answers that nobody is given any more: each holds a whole fleet.
    func drop(olderThan now: Timestamp) {
        kept.withLock { list in
            list.removeAll { .milliseconds(now.milliseconds - $0.view.now.milliseconds) > Self.maximumAge }
        }
    }

    private func keep(_ view: RiskView, _ question: Question, _ revision: Int) -> RiskView {
        kept.withLock { list in
            list.removeAll {
                $0.question == question
                    || .milliseconds(view.now.milliseconds - $0.view.now.milliseconds) > Self.maximumAge * 2
            }
            list.insert(Kept(question: question, revision: revision, view: view), at: 0)
            if list.count > Self.maximumCount { list.removeLast() }
        }
        return view
    }
}

/// What is to be done, the most pressing first.
struct WorkQueue: Sendable {
    var patches: [RankedPatch]
    /// The hosts that each waits on, by name, as indices.
    var hosts: [String: [Int32]]
}

/// The lists of one view, each worked out when it is first asked for.
final class RiskLists: Sendable {
    private struct Made {
        var skeleton: RiskSkeleton?
        var vulnerabilities: [RiskView.Item]?
        var queue: WorkQueue?
        var installable: Set<String>?
        var selections: [Int: PatchSelection] = [:]
        /// Their counts, the one that was asked for last first.
        var counts: [Int] = []
        var cost = Duration.zero
    }

    private let made = Mutex(Made())

    /// The most selections that are kept, those that were asked for last: each is worked out again at a renewal.
    static let maximumSelections = 3

    /// The counts of the selections that are kept, the one that was asked for last first.
    var selectionCounts: [Int] { made.withLock { $0.counts } }

    /// How long it all took.
    var cost: Duration { made.withLock { $0.cost } }

    func skeleton(_ make: () -> RiskSkeleton) -> RiskSkeleton { once(\.skeleton, make) }

    func vulnerabilities(_ make: () -> [RiskView.Item]) -> [RiskView.Item] { once(\.vulnerabilities, make) }

    func queue(_ make: () -> WorkQueue) -> WorkQueue { once(\.queue, make) }

    func installable(_ make: () -> Set<String>) -> Set<String> { once(\.installable, make) }

    /// - Parameter count: at most so many patches: one to a hundred.
    func selection(count: Int, _ make: () -> PatchSelection) -> PatchSelection {
        let selection = once(\.selections[count], make)
        made.withLock { made in
            made.counts.removeAll { $0 == count }
            made.counts.insert(count, at: 0)
            for old in made.counts.dropFirst(Self.maximumSelections) { made.selections[old] = nil }
            made.counts = Array(made.counts.prefix(Self.maximumSelections))
        }
        return selection
    }

    /// Two who ask at once both work it out: nobody waits for a lock that long.
    private func once<Value: Sendable>(_ path: WritableKeyPath<Made, Value?>, _ make: () -> Value) -> Value {
        if let value = made.withLock({ $0[keyPath: path] }) { return value }
        let start = ContinuousClock.now
        let value = make()
        let cost = ContinuousClock.now - start
        made.withLock { made in
            made[keyPath: path] = value
            made.cost += cost
        }
        return value
    }

    /// Works out what others asked of an older view.
    func prepare(as older: RiskLists?, of view: RiskView) {
        guard let older else { return }
        let (list, queue, installable, counts) = older.made.withLock {
            ($0.vulnerabilities != nil, $0.queue != nil, $0.installable != nil, $0.counts)
        }
        _ = view.skeleton
        if list { _ = view.vulnerabilities() }
        if queue { _ = view.queue() }
        if installable { _ = view.installable }
        for count in counts.reversed() { _ = view.selection(count: count) }
    }
}
