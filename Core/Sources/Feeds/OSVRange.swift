import Versions

/// A range of an OSV record as written: events in no order, which ``intervals(_:order:)`` sorts.
///
/// The rules are OSV's: `0` is before every version. What is introduced and fixed at one version stays as it was below it:
/// affected where the fix ends a range and another one begins, not affected where the range is empty. Ranges of commits say
/// nothing about versions and do not hide the others.
struct OSVRange {
    /// How versions are ordered.
    enum Order {
        /// Semantic Versioning.
        case semver
        /// As the package's ecosystem does.
        case ecosystem
        /// By commits of a repository, which no version tells.
        case git
    }

    /// Where a range starts or ends.
    struct Event {
        enum Kind: String {
            /// Affected from here on. `0` is before every version.
            case introduced
            /// Not affected from here on.
            case fixed
            /// Affected up to here, and not after it.
            case lastAffected = "last_affected"
            /// Says nothing about this version and later ones.
            case limit
        }
        var kind: Kind
        var version: String
    }

    var order = Order.ecosystem
    var events: [Event] = []

    /// A bound with its place in the order: nil is before every version.
    private struct Bound {
        let version: String
        let key: VersionKey?
    }

    /// The intervals from first to last, none where no version is affected; what cannot be ordered is told.
    ///
    /// The two usual forms, `0` with at most one bound, need no order and are not checked for one: whoever compares
    /// versions with them notices a bound that is none.
    func intervals(_ scheme: any VersionScheme.Type) -> (ranges: [VersionRange], alarms: [String]) {
        if let simple = simple(scheme.name) { return (simple, []) }
        var alarms: [String] = []
        var bounds: [(kind: Event.Kind, bound: Bound?)] = []
        for event in events where event.kind != .limit {
            if event.version == "0" {
                bounds.append((event.kind, nil))
                continue
            }
            let bound = Bound(version: event.version, key: Self.key(event.version, scheme))
            if bound.key == nil, (try? scheme.compare(event.version, event.version)) == nil {
                alarms.append("\(event.kind.rawValue) \(event.version) is no \(scheme.name) version")
                continue
            }
            bounds.append((event.kind, bound))
        }
        bounds.sort { Self.order($0.bound, $1.bound, scheme) == .less }
        var ranges: [VersionRange] = []
        var open: Bound?
        var isOpen = false
        var next = 0
        while next < bounds.count {
            let bound = bounds[next].bound
            var kinds: Set = [bounds[next].kind]
            next += 1
            while next < bounds.count, Self.order(bounds[next].bound, bound, scheme) == .equal {
                kinds.insert(bounds[next].kind)
                next += 1
            }
            // Introduced and fixed at once: nothing changes.
            if kinds.contains(.introduced), kinds.contains(.fixed) { kinds.subtract([.introduced, .fixed]) }
            if kinds.contains(.introduced), !isOpen { (open, isOpen) = (bound, true) }
            if isOpen, kinds.contains(.fixed) || kinds.contains(.lastAffected) {
                isOpen = false
                // Before every version there is nothing to be affected.
                guard let bound else { continue }
                ranges.append(
                    VersionRange(
                        scheme: scheme.name, lower: open?.version, upper: bound.version,
                        includesUpper: !kinds.contains(.fixed)))
            }
        }
        if isOpen { ranges.append(VersionRange(scheme: scheme.name, lower: open?.version)) }
        return (ranges, alarms)
    }

    /// Without any order: `0` alone, or `0` and one bound; nil where it takes an order.
    private func simple(_ scheme: String) -> [VersionRange]? {
        guard events.count <= 2, let first = events.first, first.kind == .introduced, first.version == "0" else {
            return nil
        }
        guard events.count == 2 else { return [VersionRange(scheme: scheme)] }
        let second = events[1]
        guard second.version != "0" else { return nil }
        switch second.kind {
        case .fixed: return [VersionRange(scheme: scheme, upper: second.version)]
        case .lastAffected: return [VersionRange(scheme: scheme, upper: second.version, includesUpper: true)]
        case .introduced, .limit: return nil
        }
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
