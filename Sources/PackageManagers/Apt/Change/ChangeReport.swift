/// What came of a repair or of going back.
public struct ChangeReport: Sendable, Hashable {
    /// One run of the package manager with what came of it.
    public struct Part: Sendable, Hashable {
        /// The run.
        public var run: AptRun
        /// What came of it.
        public var outcome: AptOutcome
    }
    /// Where the packages stand now, by dpkg's own database.
    public var standing: Standing
    /// Whether the wanted state was reached and dpkg and apt find nothing wrong.
    public var isDone: Bool
    /// The package that failed or hung, as apt names it.
    public var culprit: String?
    /// The runs that were made, in order.
    public var parts: [Part]
    /// What dpkg and apt find wrong in the end.
    public var complaints: [String]
    /// One sentence for a person: what was done, what state the host is in, what to do.
    public var message: String
}

extension Standing {
    /// The state in words for a person.
    public var words: String {
        switch self {
        case .before: "all packages are at their old versions"
        case .goal: "all packages are at the ordered versions"
        case .mixed(let before, let goal, let other):
            [
                goal.isEmpty ? nil : "\(Self.list(goal)) at the ordered version",
                before.isEmpty ? nil : "\(Self.list(before)) at the old one",
                other.isEmpty ? nil : "\(Self.list(other)) at neither",
            ].compactMap { $0 }.joined(separator: ", ")
        case .broken(let packages):
            packages.isEmpty ? "dpkg is interrupted" : "\(Self.list(packages)) not whole"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
            + (names.count == 1 ? " is" : " are")
    }
}
