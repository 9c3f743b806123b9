/// What `apt-get -s install` answers: the transaction, or why there is none.
struct ResolverAnswer: Sendable, Hashable {
    /// New versions by package as apt names it: `name`, or `name:architecture` for a foreign one.
    var installs: [String: String]
    /// Packages that would go.
    var removals: [String]
    /// What apt complains of, when it found no transaction; nil when it did.
    var complaint: String?

    init(_ result: ChildProcess.Result) {
        let simulation = AptSimulation(result.output)
        installs = simulation.installs
        removals = simulation.removals.sorted()
        guard result.status != 0 else { return }
        let lines = result.lines
        // " tb-nodep : Depends: tb-absent (>= 2) but it is not installable", and more of the same below it.
        let unmet = lines.filter { line in
            ["Depends: ", "PreDepends: ", "Breaks: ", "Conflicts: "].contains {
                line.contains(" : \($0)") || line.hasPrefix($0)
            }
        }
        let errors = lines.filter { $0.hasPrefix("E:") }.map { String($0.dropFirst(2)).trimmed }
        complaint = (unmet.isEmpty ? errors : unmet).prefix(5).map {
            $0.replacing(" : ", with: " ", maxReplacements: 1)
        }
        .joined(separator: "; ")
        if complaint?.isEmpty ?? true { complaint = "apt-get ended with \(result.status) and said nothing" }
    }
}
