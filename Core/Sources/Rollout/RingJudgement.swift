public import Digest
public import JSON
public import Timestamps

/// What a ring's gate said, with every figure that it rests on: kept for ever, so that a person can read years later why
/// production got it.
public struct RingJudgement: Hashable, Sendable {
    /// What is decided.
    public enum Decision: String, CaseIterable, Hashable, Sendable {
        case go, halt, inconclusive
    }
    /// The whole numbers that go into it: a fold over the jobs (``RingTally``).
    public struct Counts: Hashable, Sendable {
        /// How many came to an end or are silent past their deadline, delivery failures apart,
        public var tried: Int64 = 0
        /// and how many of these failed.
        public var failures: Int64 = 0
        /// The same of closed batches alone.
        public var closedTried: Int64 = 0
        public var closedFailures: Int64 = 0
        /// Hosts that the release did not reach.
        public var undelivered: Int64 = 0
        /// Jobs that are still under way.
        public var open: Int64 = 0
        /// How many users have said "works",
        public var works: Int64 = 0
        /// and how many "broken".
        public var broken: Int64 = 0

        /// None.
        public init() {}
    }

    /// What is decided.
    public var decision: Decision
    /// Over which plan.
    public var plan: SHA256Digest
    /// When.
    public var time: Timestamp
    /// Why, one sentence each; the first is the weightiest.
    public var reasons: [String]
    /// What it counted.
    public var counts: Counts
    /// The halt monitor's evidence, in thousandths,
    public var evidence: Int64
    /// the chance of being worse than usual,
    public var chanceWorse: Int64
    /// and the upper bound of the failure rate, both in millionths.
    public var upperBound: Int64
    /// The sequential test's answer; nil where none was made.
    public var test: String?
    /// Kinds of hosts that were not tried.
    public var untested: [String]
    /// What so small a ring cannot prove.
    public var smallness: String?
    /// The person who decided against or beyond the figures; nil where the gate did by itself.
    public var person: String?

    /// A judgement; lists and texts are cut to what is kept.
    public init(
        decision: Decision, plan: SHA256Digest, time: Timestamp, reasons: [String], counts: Counts = Counts(),
        evidence: Int64 = 1000, chanceWorse: Int64 = 0, upperBound: Int64 = 0, test: String? = nil,
        untested: [String] = [], smallness: String? = nil, person: String? = nil
    ) {
        func cut(_ text: String) -> String { text.utf8.count <= 1024 ? text : String(text.prefix(250)) + " …" }
        self.decision = decision
        self.plan = plan
        self.time = time
        self.reasons = reasons.prefix(16).map(cut)
        self.counts = counts
        self.evidence = max(0, evidence)
        self.chanceWorse = max(0, min(chanceWorse, 1_000_000))
        self.upperBound = max(0, min(upperBound, 1_000_000))
        self.test = test
        self.untested = untested.prefix(100).map(cut)
        self.smallness = smallness.map(cut)
        self.person = person
    }

    /// One sentence for a person.
    public var sentence: String {
        var text = reasons.first ?? ""
        if decision == .go, !untested.isEmpty {
            text += " Not tested: \(untested.prefix(10).joined(separator: ", "))"
            text += untested.count > 10 ? " and \(untested.count - 10) more kinds of hosts." : "."
        }
        return text
    }

    /// The judgement as JSON.
    public var json: JSONValue {
        let numbers: [(String, Int64)] = [
            ("tried", counts.tried), ("failures", counts.failures), ("closedTried", counts.closedTried),
            ("closedFailures", counts.closedFailures), ("undelivered", counts.undelivered), ("open", counts.open),
            ("works", counts.works), ("broken", counts.broken), ("evidence", evidence), ("chanceWorse", chanceWorse),
            ("upperBound", upperBound),
        ]
        var fields = Dictionary(numbers.map { ($0.0, JSONValue.integer($0.1)) }) { first, _ in first }
        fields["decision"] = .string(decision.rawValue)
        fields["plan"] = .string(plan.hex)
        fields["time"] = .string(time.description)
        fields["reasons"] = .array(reasons.map(JSONValue.string))
        if let test { fields["test"] = .string(test) }
        if !untested.isEmpty { fields["untested"] = .array(untested.map(JSONValue.string)) }
        if let smallness { fields["smallness"] = .string(smallness) }
        if let person { fields["person"] = .string(person) }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let number = 0...Int64.max
        decision = try object.word("decision")
        plan = try object.digest("plan")
        time = try object.instant("time")
        reasons = try object.strings("reasons", maximumCount: 16, maximumBytes: 2048)
        counts = Counts()
        counts.tried = try object.integer("tried", in: number)
        counts.failures = try object.integer("failures", in: number)
        counts.closedTried = try object.integer("closedTried", in: number)
        counts.closedFailures = try object.integer("closedFailures", in: number)
        counts.undelivered = try object.integer("undelivered", in: number)
        counts.open = try object.integer("open", in: number)
        counts.works = try object.integer("works", in: number)
        counts.broken = try object.integer("broken", in: number)
        evidence = try object.integer("evidence", in: number)
        chanceWorse = try object.integer("chanceWorse", in: number)
        upperBound = try object.integer("upperBound", in: number)
        test = try object.optionalString("test", maximumBytes: 64)
        untested =
            object.unreadKeys.contains("untested")
            ? try object.strings("untested", maximumCount: 100, maximumBytes: 2048) : []
        smallness = try object.optionalString("smallness", maximumBytes: 2048)
        person = try object.optionalString("person", maximumBytes: 256)
        try object.finish()
    }
}
