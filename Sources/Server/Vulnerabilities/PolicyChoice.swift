import Digest
import JSON
import Priority
import Store
import Timestamps
import Wire

/// The policy by which an organisation sets deadlines: a standard one, or a table of its own.
struct PolicyChoice: Sendable, Hashable {
    /// The name under which it is stored.
    static let setting = "priority.policy"
    /// The name of a policy with a table of the organisation's own.
    static let own = "own"

    /// A standard policy's id, or ``own``.
    var id = DeadlinePolicy.bod2604.id
    /// The table as comma-separated values; empty unless it is of the organisation's own.
    var table = ""
    /// Terms of outcomes, such as `14 days`; those that are missing are the policy's own.
    var terms: [String: String] = [:]
    /// When clocks start; nil for the policy's own start.
    var clockStart: DeadlinePolicy.ClockStart?
    /// The pauses that stop clocks.
    var pauses: Set<SLAPause.Reason> = []
    /// What gives hosts their exposure and worth beside their own labels.
    var rules: [JSONValue] = []
    /// Grows with every change; 0 before the first.
    var version: Int64 = 0

    /// What a stored choice may cost its reader: more than the largest request that was accepted, since a table and rules
    /// may come in two of them.
    static let limits = JSONLimits(
        maximumBytes: 4 << 20, maximumDepth: 16, maximumItems: 200_000, maximumStringBytes: 2 << 20)
    /// The most that rules may have, in bytes as they are stored: all of them are in the audit log with each change.
    static let maximumRuleBytes = 128 << 10

    /// A choice with the policy that it makes.
    struct Chosen: Sendable {
        /// As it is stored; nil where nothing was chosen.
        var bytes: [UInt8]?
        var choice: PolicyChoice
        var policy: DeadlinePolicy
        var rules: AssetRules

        /// - Throws: ``DecisionTableFault`` where what is stored cannot be read any more.
        init(_ bytes: [UInt8]?) throws {
            self.bytes = bytes
            choice =
                try bytes.map { try PolicyChoice(json: JSONValue(parsing: $0, limits: PolicyChoice.limits)) }
                ?? PolicyChoice()
            policy = try choice.policy()
            rules = try AssetRuleTexts(json: choice.rules).rules
        }
    }

    init() {}

    init(json: JSONValue) {
        id = json["policy"]?.string ?? id
        table = json["table"]?.string ?? ""
        terms = (json["terms"]?.object ?? [:]).compactMapValues(\.string)
        clockStart = json["clockStart"]?.string.flatMap(DeadlinePolicy.ClockStart.init)
        pauses = Set((json["pauses"]?.array ?? []).compactMap { $0.string.flatMap(SLAPause.Reason.init) })
        rules = json["rules"]?.array ?? []
        version = json["version"]?.integer ?? 0
    }

    /// The version of a choice that cannot be read any more, so that the next one is a later one; 0 where not even that can.
    static func version(of bytes: [UInt8]?) -> Int64 {
        bytes.flatMap { try? JSONValue(parsing: $0, limits: limits) }?["version"]?.integer ?? 0
    }

    /// As it is stored and shown.
    var json: JSONValue {
        [
            "policy": .string(id), "table": .string(table), "terms": .object(terms.mapValues { .string($0) }),
            "clockStart": clockStart.map { .string($0.rawValue) } ?? .null,
            "pauses": .array(pauses.map(\.rawValue).sorted().map { .string($0) }), "rules": .array(rules),
            "version": .integer(version),
        ]
    }

    /// As it is in the audit log: whole, but for the table and for terms that are very many, of which it has the SHA-256.
    var audited: JSONValue {
        var members = json.object ?? [:]
        members["table"] = nil
        if !table.isEmpty { members["tableSHA256"] = .string(SHA256.hash(Array(table.utf8)).hex) }
        let bytes = (members["terms"] ?? .null).canonicalBytes()
        if bytes.count > 64 << 10 {
            members["terms"] = nil
            members["termsSHA256"] = .string(SHA256.hash(bytes).hex)
        }
        return .object(members)
    }

    /// The policy that it makes.
    ///
    /// - Throws: ``DecisionTableFault`` that says what is wrong with the table, or with a term.
    func policy() throws(DecisionTableFault) -> DeadlinePolicy {
        var policy: DeadlinePolicy
        if id == Self.own {
            policy = DeadlinePolicy(
                id: Self.own, version: "\(version)",
                table: try DecisionTable(csv: Array(table.utf8), id: Self.own, version: "\(version)"))
        } else if let standard = (DeadlinePolicy.standard + DeadlinePolicy.compliance).first(where: { $0.id == id }) {
            policy = standard
            if version > 0 { policy.version += ".\(version)" }
        } else {
            throw .init(id, "there is no such policy; choose one of \(Self.ids.joined(separator: ", "))")
        }
        if policy.rule != nil, !terms.isEmpty || !pauses.isEmpty {
            throw .init(id, "its terms are the rule's own, and nothing pauses its clocks; leave out terms and pauses")
        }
        for (outcome, text) in terms.sorted(by: { $0.key < $1.key }) {
            let name = DecisionTable.normalised(outcome)
            guard policy.table.outcomes.contains(name) else {
                throw .init(id, "a term is given for '\(outcome)', which is no outcome of the table")
            }
            guard let term = RemediationTerm(text) else {
                throw .init(id, "the term '\(text)' of '\(outcome)' is none; write for example 14 days, or never")
            }
            policy.terms[name] = term
        }
        if let start = clockStart { policy.clockStart = start }
        policy.pauses = pauses
        return policy
    }

    /// What can be chosen.
    static let ids = (DeadlinePolicy.standard + DeadlinePolicy.compliance).map(\.id) + [own]
}
