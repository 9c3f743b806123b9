public import Timestamps

/// One update on one host, as rules see it. What is not known is nil, and meets no condition that asks for it.
public struct PolicyCandidate: Hashable, Sendable {
    /// The package's name.
    public var package: String
    /// How bad the worst vulnerability that it closes is; nil where it closes none, or nobody has judged it.
    public var severity: PolicyMatch.Severity?
    /// Whether one of them is known to be exploited.
    public var isExploited: Bool?
    /// Whether it is an update for security.
    public var isSecurity: Bool?
    /// Who can reach the host. Who takes the unknown for the worst, as SSVC advises, says `open`.
    public var exposure: PolicyMatch.Exposure?
    /// How long ago it was released, in seconds.
    public var age: Int64?
    /// Where it comes from.
    public var source: String?
    /// The groups that the host is in.
    public var groups: Set<String>

    /// An update of that package.
    public init(
        package: String, severity: PolicyMatch.Severity? = nil, isExploited: Bool? = nil, isSecurity: Bool? = nil,
        exposure: PolicyMatch.Exposure? = nil, age: Int64? = nil, source: String? = nil, groups: Set<String> = []
    ) {
        self.package = package
        self.severity = severity
        self.isExploited = isExploited
        self.isSecurity = isSecurity
        self.exposure = exposure
        self.age = age
        self.source = source
        self.groups = groups
    }
}

extension PolicyMatch.Severity: Comparable {
    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .critical: 3
        }
    }
    /// From low to critical.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

extension PolicyMatch {
    /// Whether everything that is given holds of an update.
    public func matches(_ candidate: PolicyCandidate) -> Bool {
        if let severity {
            guard let found = candidate.severity, found >= severity else { return false }
        }
        if let isExploited, candidate.isExploited != isExploited { return false }
        if let isSecurity, candidate.isSecurity != isSecurity { return false }
        if let age {
            guard let found = candidate.age, found >= age else { return false }
        }
        if !exposure.isEmpty {
            guard let found = candidate.exposure, exposure.contains(found) else { return false }
        }
        if !sources.isEmpty {
            guard let found = candidate.source, sources.contains(found) else { return false }
        }
        if !groups.isEmpty, candidate.groups.isDisjoint(with: groups) { return false }
        return packages.isEmpty || packages.contains { PackagePattern.matches($0, candidate.package) }
    }
}

extension AutoApproval {
    /// What is done with an update, and the rule that says so; people are asked where none does.
    public func decision(for candidate: PolicyCandidate) -> (decision: Decision, rule: String?) {
        rules.first { $0.when.matches(candidate) }.map { ($0.decision, $0.name) } ?? (.ask, nil)
    }
}

extension CampaignRules {
    /// The rule that an update falls under; nil where no campaign begins by itself.
    public func rule(for candidate: PolicyCandidate) -> Rule? {
        rules.first { $0.when.matches(candidate) }
    }
}

extension PackageRule {
    /// Whether a package on a host of those groups is meant, on that day.
    public func applies(to package: String, groups hostGroups: Set<String>, on day: CivilDate) -> Bool {
        if let until, until < day { return false }
        guard groups.isEmpty || !hostGroups.isDisjoint(with: groups) else { return false }
        return packages.contains { PackagePattern.matches($0, package) }
    }
}

/// Names of packages with `*` for any characters and `?` for one.
public enum PackagePattern {
    /// Whether the pattern is that name's; in time that grows with the product of their lengths at most.
    public static func matches(_ pattern: String, _ name: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let name = Array(name.utf8)
        var at = 0
        var index = 0
        // Where the last star was, and up to where it has eaten.
        var star: Int?
        var eaten = 0
        while index < name.count {
            if at < pattern.count, pattern[at] != 0x2A, pattern[at] == 0x3F || pattern[at] == name[index] {
                at += 1
                index += 1
            } else if at < pattern.count, pattern[at] == 0x2A {
                star = at
                eaten = index
                at += 1
            } else if let last = star {
                eaten += 1
                at = last + 1
                index = eaten
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == 0x2A }
    }
}
