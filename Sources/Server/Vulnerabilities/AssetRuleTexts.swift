import Access
import JSON
import Priority

/// Rules that give an organisation's hosts their exposure and worth, as people write them: a JSON array of objects.
struct AssetRuleTexts: Sendable, Hashable {
    /// The most rules of an organisation.
    static let maximumCount = 100

    /// As they are stored and shown.
    private(set) var json: [JSONValue] = []
    /// The rules.
    private(set) var rules = AssetRules()

    init() {}

    /// - Throws: ``DecisionTableFault`` that names the rule and what is wrong with it.
    init(json items: [JSONValue]) throws(DecisionTableFault) {
        guard items.count <= Self.maximumCount else {
            throw .init("rules", "there are \(items.count) rules, and at most \(Self.maximumCount) are taken")
        }
        for (index, item) in items.enumerated() {
            let name = item["name"]?.string ?? ""
            func fault(_ reason: String) -> DecisionTableFault {
                DecisionTableFault("rules", "rule \(index + 1)\(name.isEmpty ? "" : " ('\(name)')") \(reason)")
            }
            guard !name.isEmpty else { throw fault("has no name") }
            guard !rules.rules.contains(where: { $0.name == name }) else { throw fault("has the name of another") }
            let text = item["selector"]?.string ?? ""
            var rule: AssetRules.Rule
            do {
                rule = AssetRules.Rule(name: name, selector: try LabelSelector(text))
            } catch {
                throw fault("has a selector that cannot be read: \(error)")
            }
            func word<Word: RawRepresentable & CaseIterable>(
                _ key: String, _: Word.Type
            ) throws(DecisionTableFault) -> Word?
            where Word.RawValue == String {
                guard let text = item[key]?.string else { return nil }
                guard let word = Word(rawValue: text) else {
                    let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
                    throw fault("gives \(key) '\(text)', which is none of \(known)")
                }
                return word
            }
            rule.exposure = try word("exposure", AssetFacts.Exposure.self)
            rule.criticality = try word("criticality", AssetFacts.Criticality.self)
            rule.safety = try word("safety", AssetFacts.Safety.self)
            rule.mitigation = item["mitigation"]?.string
            guard rule.exposure != nil || rule.criticality != nil || rule.safety != nil || rule.mitigation != nil else {
                throw fault("gives nothing: say exposure, criticality, safety or mitigation")
            }
            rules.rules.append(rule)
            var written: [String: JSONValue] = ["name": .string(name), "selector": .string(text)]
            for key in ["exposure", "criticality", "safety", "mitigation"] {
                if let value = item[key], value != .null { written[key] = value }
            }
            json.append(.object(written))
        }
    }
}
