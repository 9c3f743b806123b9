public import JSON

/// What came of a repair or of going back.
public struct ChangeReport: Sendable, Hashable {
    /// Where the packages stand now, by dpkg's own database.
    public var standing: Standing
    /// Whether the wanted state was reached and dpkg and apt find nothing wrong.
    public var isDone: Bool
    /// The package that failed or hung, as apt names it.
    public var culprit: String?
    /// The runs that were made, in order, with what came of each.
    public var runs: [(run: AptRun, outcome: AptOutcome)] { zip(runList, outcomes).map { ($0, $1) } }
    var runList: [AptRun]
    var outcomes: [AptOutcome]
    /// One sentence for a person: what was done, what state the host is in, what to do.
    public var message: String
}
