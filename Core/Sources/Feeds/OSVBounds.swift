import Versions

/// Which versions one affected package of a record has, ready to be asked: events are sorted, versions are keys.
///
/// The rules are OSV's: a version is affected if it is listed to the letter or lies in any range. `0` is before every
/// version. What is introduced and fixed at one version stays as it was below it: affected where the fix ends a range and
/// another one begins, not affected where the range is empty. Ranges of commits say nothing about versions and do not hide
/// the others. What cannot be ordered is told in ``alarms`` and never matches.
public struct OSVBounds: Sendable {
    /// Why a version is affected.
    public enum Rule: Sendable, Hashable {
        /// It is listed to the letter.
        case listed
        /// It lies between two bounds; nil where there is none. The upper one is not affected unless `isIncluded`.
        case between(lower: String?, upper: String?, isIncluded: Bool)
    }

    /// Bounds that no version can be compared with, in words.
    public private(set) var alarms: [String] = []
    private var listed: Set<String>
    private var intervals: [Interval] = []

    /// A version on the line: nil is before every version.
    private struct Bound: Sendable {
        let version: String
        let key: VersionKey?
    }

    private struct Interval: Sendable {
        let scheme: any VersionScheme.Type
        let lower: Bound?
        let upper: Bound?
        let isIncluded: Bool
    }

    /// Sorts the events of every range.
    public init(_ affected: OSVAffected) {
        listed = Set(affected.versions)
        for range in affected.ranges where range.order != .git {
            let scheme =
                range.order == .semver ? SemanticVersion.self : Ecosystem(affected.ecosystem).scheme
            guard let scheme else {
                alarms.append("the ecosystem \(affected.ecosystem) has no order that is known here")
                continue
            }
            add(range, scheme)
        }
    }

    /// Why the version is affected; nil when it is not.
    public func rule(for version: String) -> Rule? {
        if listed.contains(version) { return .listed }
        var keys: [String: VersionKey?] = [:]
        for interval in intervals {
            let name = interval.scheme.name
            let key = keys[name] ?? Self.key(version, interval.scheme)
            keys[name] = key
            let bound = Bound(version: version, key: key)
            if let lower = interval.lower {
                guard let order = Self.order(bound, lower, interval.scheme), order == .equal || order == .greater else {
                    continue
                }
            } else if key == nil, (try? interval.scheme.compare(version, version)) == nil {
                continue
            }
            if let upper = interval.upper {
                guard let order = Self.order(bound, upper, interval.scheme),
                    order == .less || (order == .equal && interval.isIncluded)
                else { continue }
            }
            return .between(
                lower: interval.lower?.version, upper: interval.upper?.version, isIncluded: interval.isIncluded)
        }
        return nil
    }

    private mutating func add(_ range: OSVRange, _ scheme: any VersionScheme.Type) {
        var events: [(event: OSVEvent, bound: Bound?)] = []
        for event in range.events where event.kind != .limit {
            if event.version == "0" {
                events.append((event, nil))
                continue
            }
            let bound = Bound(version: event.version, key: Self.key(event.version, scheme))
            if bound.key == nil, (try? scheme.compare(event.version, event.version)) == nil {
                alarms.append("\(event.kind.rawValue) \(event.version) is no \(scheme.name) version")
                continue
            }
            events.append((event, bound))
        }
        events.sort { Self.order($0.bound, $1.bound, scheme) == .less }
        var open: Bound?
        var isOpen = false
        var next = 0
        while next < events.count {
            let bound = events[next].bound
            var kinds: Set = [events[next].event.kind]
            next += 1
            while next < events.count, Self.order(events[next].bound, bound, scheme) == .equal {
                kinds.insert(events[next].event.kind)
                next += 1
            }
            // Introduced and fixed at once: nothing changes.
            if kinds.contains(.introduced), kinds.contains(.fixed) { kinds.subtract([.introduced, .fixed]) }
            if kinds.contains(.introduced), !isOpen { (open, isOpen) = (bound, true) }
            if isOpen, kinds.contains(.fixed) || kinds.contains(.lastAffected) {
                isOpen = false
                // Before every version there is nothing to be affected.
                guard let bound else { continue }
                intervals.append(
                    Interval(scheme: scheme, lower: open, upper: bound, isIncluded: !kinds.contains(.fixed)))
            }
        }
        if isOpen { intervals.append(Interval(scheme: scheme, lower: open, upper: nil, isIncluded: false)) }
    }

    /// nil where no order is known.
    private static func order(_ a: Bound?, _ b: Bound?, _ scheme: any VersionScheme.Type) -> Ordering? {
        guard let a else { return b == nil ? .equal : .less }
        guard let b else { return .greater }
        if let left = a.key, let right = b.key { return left.ordering(to: right) }
        let order = try? scheme.compare(a.version, b.version)
        return order == .unordered ? nil : order
    }

    /// Debian's versions are read as dpkg reads its own database.
    private static func key(_ version: String, _ scheme: any VersionScheme.Type) -> VersionKey? {
        if scheme == DebianVersion.self { return try? DebianVersion.parse(version, strictness: .lax).key }
        return try? scheme.key(for: version)
    }
}
