/// Faults of something that is tried again and again: each is told once, until it is over or becomes another one.
struct StandingFaults: Sendable {
    private var told: [String: String] = [:]

    /// Whether nobody has been told of it.
    mutating func isNew(_ fault: String, of subject: String) -> Bool {
        guard told[subject] != fault else { return false }
        told[subject] = fault
        return true
    }

    /// What it is about works again.
    mutating func clear(_ subject: String) { told[subject] = nil }

    /// Forgets faults of what is no more.
    ///
    /// - Parameters:
    ///   - start: how its subjects start.
    ///   - left: those that are left.
    mutating func keep(_ start: String, only left: Set<String>) {
        told = told.filter { !$0.key.hasPrefix(start) || left.contains($0.key) }
    }
}
