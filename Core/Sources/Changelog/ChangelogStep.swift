public import Versions

/// What a changelog says of the step from an installed version to the version that it was shipped with.
public struct ChangelogStep: Hashable, Sendable {
    /// A vulnerability that the step closes.
    public struct Closed: Hashable, Sendable {
        /// The CVE.
        public var id: String
        /// The version whose entry closed it.
        public var version: String

        /// A closed vulnerability.
        public init(id: String, version: String) {
            self.id = id
            self.version = version
        }
    }

    /// What it closes, sorted by id. Where ``unknown`` is not empty there may be more.
    public var closes: [Closed]
    /// Why more may be closed than is listed, or why nothing can be said; empty where the reading is complete.
    public var unknown: String

    /// A step.
    public init(closes: [Closed], unknown: String = "") {
        self.closes = closes
        self.unknown = unknown
    }
}

extension ChangelogReading {
    /// What changed from one version of the source package to another.
    ///
    /// The entries above the installed version's own count, by their place in the file: an eighth of all changelogs is not in
    /// the order of versions. Where the installed version has no entry, the order of versions tells, and only where the file
    /// keeps it. An id that is closed several times belongs to the oldest entry that closes it: later ones only speak of it
    /// again. One that was closed at or below the installed version is not closed by the step.
    ///
    /// - Parameters:
    ///   - installed: the installed version of the source package, without a rebuild's suffix.
    ///   - candidate: the version of the source package that the changelog was shipped with.
    ///   - scheme: how versions are ordered: `DebianVersion` or `RPMVersion`.
    public func step(
        from installed: String, to candidate: String, scheme: any VersionScheme.Type
    ) -> ChangelogStep {
        let order = EntryOrder(scheme)
        guard let newest = entries.first else { return ChangelogStep(closes: [], unknown: "the changelog is empty") }
        guard order.compare(newest.version, candidate) == .equal else {
            return ChangelogStep(
                closes: [],
                unknown: "the changelog's newest entry is \(newest.version), not the offered \(candidate)")
        }
        // A candidate that is not newer closes nothing that can be told from its changelog.
        guard order.compare(installed, candidate) == .less else {
            return ChangelogStep(closes: [], unknown: "\(candidate) is not newer than the installed \(installed)")
        }
        let (count, doubt) = entriesAbove(installed, order)
        var known: Set<String> = []
        var closed: [String: String] = [:]
        var doubts = doubt.map { [$0] } ?? []
        // From the oldest on, so that the oldest that closes an id wins.
        for (index, entry) in entries.enumerated().reversed() {
            for id in entry.reopens {
                known.remove(id)
                closed[id] = nil
            }
            for id in entry.closes where !known.contains(id) {
                known.insert(id)
                if index < count { closed[id] = entry.version }
            }
            if index < count, entry.isVague {
                doubts.append("the entry of \(entry.version) names ids that it does not spell out")
            }
        }
        return ChangelogStep(
            closes: closed.map { ChangelogStep.Closed(id: $0.key, version: $0.value) }.sorted { $0.id < $1.id },
            unknown: doubts.joined(separator: "; "))
    }

    /// How many entries lie above the installed version, and what speaks against trusting that.
    private func entriesAbove(_ installed: String, _ order: EntryOrder) -> (count: Int, doubt: String?) {
        if let index = entries.firstIndex(where: { order.compare($0.version, installed) == .equal }) {
            return (index, nil)
        }
        var count = 0
        for (index, entry) in entries.enumerated() {
            // Another numbering, or a file out of order: places cannot be told.
            if index > 0, order.compare(entry.version, entries[index - 1].version) != .less {
                return (0, "the installed \(installed) has no entry, and the entries are not in the order of versions")
            }
            guard order.compare(entry.version, installed) == .greater else { return (count, nil) }
            count += 1
        }
        return (
            count,
            isCut
                ? "the changelog is cut above the installed \(installed)"
                : "the installed \(installed) has no entry in the changelog"
        )
    }
}

/// Compares versions as a changelog writes them with those of packages.
private struct EntryOrder {
    private let scheme: any VersionScheme.Type

    init(_ scheme: any VersionScheme.Type) { self.scheme = scheme }

    func compare(_ left: String, _ right: String) -> Ordering {
        guard scheme is RPMVersion.Type else { return (try? scheme.compare(left, right)) ?? .unordered }
        // RPM changelogs often leave out the epoch and the distribution's suffix (1.2-3 for 1:1.2-3.el9).
        var (left, right) = (left, right)
        if left.contains(":") != right.contains(":") {
            left = String(left.split(separator: ":").last ?? "")
            right = String(right.split(separator: ":").last ?? "")
        }
        if left.hasPrefix(right + ".el") || right.hasPrefix(left + ".el") || left.hasPrefix(right + ".fc")
            || right.hasPrefix(left + ".fc")
        {
            return .equal
        }
        return (try? scheme.compare(left, right)) ?? .unordered
    }
}
