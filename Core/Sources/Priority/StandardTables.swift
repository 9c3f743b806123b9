extension DecisionTable {
    /// CISA's Binding Operational Directive 26-04, version 1.0.0: the default.
    public static let bod2604 = standard(
        id: "bod-26-04", title: "CISA BOD 26-04 remediation timelines", version: "1.0.0",
        points: [
            ("in kev", ["no", "yes"]), ("publicly exposed", ["no", "yes"]), ("automatable", ["no", "yes"]),
            ("technical impact", ["partial", "total"]),
        ], outcome: "cisa bod 26-04 remediation timelines",
        outcomes: [
            "U": "fix on system upgrade", "6": "60 days", "4": "14 days", "3": "3 days",
            "F": "3 days & forensic investigation",
        ], cells: ["U464", "6443", "U44F", "6F3F"].joined(), numbers: bodNumbers)

    /// CISA's coordinator tree (SSVC), version 2.0.3.
    public static let cisaCoordinator = standard(
        id: "cisa-coordinator", title: "CISA coordinator", version: "2.0.3",
        points: [
            ("mission and well-being impact", ["low", "medium", "high"]), ("technical impact", ["partial", "total"]),
            ("automatable", ["no", "yes"]), ("exploitation", ["none", "public poc", "active"]),
        ], outcome: "cisa levels",
        outcomes: ["t": "track", "*": "track*", "a": "attend", "X": "act"],
        cells: ["ttt", "tt*", "tta", "tta", "tt*", "t*a", "tta", "t*a", "tta", "taX", "aaX", "aXX"].joined())

    /// CERT/CC's deployer tree (SSVC patch application priority), version 1.0.0.
    public static let deployer = standard(
        id: "ssvc-deployer", title: "SSVC deployer patch application priority", version: "1.0.0",
        points: [
            ("human impact", ["low", "medium", "high", "very high"]), ("automatable", ["no", "yes"]),
            ("system exposure", ["small", "controlled", "open"]), ("exploitation", ["none", "public poc", "active"]),
        ], outcome: "defer, scheduled, out-of-cycle, immediate",
        outcomes: ["D": "defer", "S": "scheduled", "O": "out-of-cycle", "I": "immediate"],
        cells: [
            "DDSS", "DSSS", "DSSS", "SSSS", "DSSS", "SSSO",
            "DSSS", "SSSS", "DSSS", "SSSO", "SSSO", "SSOO",
            "SSOO", "SOOO", "SSOO", "OOOO", "SOOI", "OOII",
        ].joined())

    /// How much a failure harms people and the mission (SSVC human impact), of safety and mission.
    public static let humanImpact = standard(
        id: "human-impact", title: "SSVC human impact", version: "2.0.2",
        points: [
            ("mission impact", ["degraded", "mef support crippled", "mef failure", "mission failure"]),
            ("safety impact", ["negligible", "marginal", "critical", "catastrophic"]),
        ], outcome: "human impact", outcomes: ["L": "low", "M": "medium", "H": "high", "V": "very high"],
        cells: ["LLMV", "LLMV", "MHHV", "VVVV"].joined())

    /// The tables that come with Fettle, the default first.
    public static let standardTables = [bod2604, cisaCoordinator, deployer, humanImpact]

    /// The published file numbers its rows by how many answers are the graver ones.
    private static let bodNumbers = [0, 1, 2, 5, 3, 6, 7, 11, 4, 8, 9, 12, 10, 13, 14, 15]

    /// A table of this file; its rows are proved against the published files by test.
    private static func standard(
        id: String, title: String, version: String, points: [(String, [String])], outcome: String,
        outcomes: [Character: String], cells: String, numbers: [Int]? = nil
    ) -> DecisionTable {
        let rows = cells.enumerated().map { index, letter in
            var rest = index
            let answers = points.map { point in
                defer { rest /= point.1.count }
                return point.1[rest % point.1.count]
            }
            return Row(number: numbers?[index] ?? index, answers: answers, outcome: outcomes[letter] ?? "")
        }
        do {
            return try DecisionTable(
                id: id, title: title, version: version,
                points: points.map { Point(name: $0.0, values: $0.1, assumed: assumptions[$0.0]) },
                outcomeName: outcome, rows: rows)
        } catch {
            preconditionFailure("a table of our own is wrong: \(error)")
        }
    }
}
