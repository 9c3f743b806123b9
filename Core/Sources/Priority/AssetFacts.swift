public import Access

/// What is known of an asset that priority asks: how it can be reached and what it is worth, each with why.
public struct AssetFacts: Sendable, Hashable {
    /// Who can reach it (SSVC system exposure).
    public enum Exposure: String, Sendable, Hashable, CaseIterable {
        /// From public networks.
        case open
        /// From outside, behind an access control that holds strangers off.
        case controlled
        /// From inside alone.
        case small
    }

    /// What its loss costs, and the factor that it weighs (1, 2, 4, 8).
    public enum Criticality: String, Sendable, Hashable, CaseIterable {
        case low, medium, high
        case essential

        /// The factor.
        public var factor: Double {
            switch self {
            case .low: 1
            case .medium: 2
            case .high: 4
            case .essential: 8
            }
        }
    }

    /// Harm to people (SSVC safety impact).
    public enum Safety: String, Sendable, Hashable, CaseIterable {
        case negligible, marginal, critical, catastrophic
    }

    /// A property with why it has that value.
    public struct Property<Value: Sendable & Hashable>: Sendable, Hashable {
        /// The value.
        public var value: Value
        /// Why, such as `label exposure=open` or `rule 'dmz'`; nil where it was assumed.
        public var because: String?

        /// A value.
        public init(_ value: Value, because: String?) {
            self.value = value
            self.because = because
        }
    }

    /// The asset's id.
    public var id: String
    /// Its name.
    public var name: String
    /// Who can reach it; unknown is taken as open, as SSVC advises.
    public var exposure = Property<Exposure>(.open, because: nil)
    /// What it is worth; unknown is medium.
    public var criticality = Property<Criticality>(.medium, because: nil)
    /// Whom its failure harms; unknown is marginal, as SSVC advises.
    public var safety = Property<Safety>(.marginal, because: nil)
    /// A mitigation in force, such as a rule of a web application firewall, with why; nil where there is none.
    public var mitigation: String?

    /// An asset of which nothing is known.
    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }

    /// SSVC's mission impact, of the asset's worth.
    public var missionImpact: String {
        switch criticality.value {
        case .low: "degraded"
        case .medium: "mef support crippled"
        case .high: "mef failure"
        case .essential: "mission failure"
        }
    }

    /// SSVC's human impact, by its own table.
    public var humanImpact: Decision {
        DecisionTable.humanImpact.decide([
            "safety impact": .init(safety.value.rawValue, because: safety.because ?? "assumed: unknown"),
            "mission impact": .init(missionImpact, because: criticality.because ?? "assumed: unknown"),
        ])
    }
}

/// Rules that give assets their exposure and worth by labels.
///
/// An asset's own labels `exposure`, `criticality` and `safety` come first; then, for each property, the first rule that
/// selects the asset and gives it.
public struct AssetRules: Sendable, Hashable {
    /// One rule.
    public struct Rule: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Which assets.
        public var selector: LabelSelector
        /// What it gives; nil leaves a property to later rules.
        public var exposure: AssetFacts.Exposure?
        /// See ``exposure``.
        public var criticality: AssetFacts.Criticality?
        /// See ``exposure``.
        public var safety: AssetFacts.Safety?
        /// A mitigation that is in force there; nil for none.
        public var mitigation: String?

        /// A rule that gives nothing yet.
        public init(name: String, selector: LabelSelector) {
            self.name = name
            self.selector = selector
        }
    }

    /// The rules, in order.
    public var rules: [Rule]

    /// Rules.
    public init(_ rules: [Rule] = []) {
        self.rules = rules
    }

    /// The facts of an asset with those labels. A label whose value is none of the words says nothing.
    public func facts(id: String, name: String, labels: [String: String]) -> AssetFacts {
        var facts = AssetFacts(id: id, name: name)
        let matching = rules.filter { $0.selector.selects(labels) }
        func property<Value: RawRepresentable & Sendable & Hashable>(
            _ label: String, _ given: (Rule) -> Value?, otherwise: AssetFacts.Property<Value>
        ) -> AssetFacts.Property<Value> where Value.RawValue == String {
            if let text = labels[label], let value = Value(rawValue: text.lowercased()) {
                return .init(value, because: "label \(label)=\(text)")
            }
            for rule in matching {
                if let value = given(rule) { return .init(value, because: "rule '\(rule.name)'") }
            }
            return otherwise
        }
        facts.exposure = property("exposure", \.exposure, otherwise: facts.exposure)
        facts.criticality = property("criticality", \.criticality, otherwise: facts.criticality)
        facts.safety = property("safety", \.safety, otherwise: facts.safety)
        facts.mitigation =
            matching.lazy.compactMap { rule in rule.mitigation.map { "\($0) (rule '\(rule.name)')" } }.first
        return facts
    }
}
