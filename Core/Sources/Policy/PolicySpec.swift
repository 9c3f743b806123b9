/// One kind of policy object.
public protocol PolicySpec: Hashable, Sendable {
    /// What documents call it: `HostGroup`.
    static var kind: String { get }
    /// What it is for, one sentence.
    static var about: String { get }
    /// How it is read, written and described.
    static var codec: PolicyCodec<Self> { get }
}

/// The kinds there are.
public enum PolicyKinds {
    /// Sorted by name.
    public static let all: [any PolicySpec.Type] = [
        AutoApproval.self, Budget.self, Cadence.self, CampaignRules.self, Freezing.self, GatePolicy.self,
        Handling.self, HealthProbe.self, HostGroup.self, PackageRule.self, Relation.self, RingPlan.self,
        RiskAcceptance.self, Script.self, Site.self, WindowPolicy.self,
    ].sorted { $0.kind < $1.kind }

    /// The kind of that name.
    public static func named(_ name: String) -> (any PolicySpec.Type)? { all.first { $0.kind == name } }
}
