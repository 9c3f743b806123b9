import ArgumentParser
import JSON

/// What every command has that changes something.
struct Changing: ParsableArguments {
    @OptionGroup(title: "Which server") var data: DataOption
    @Flag(name: .long, help: "Change nothing; say what would be done.")
    var dryRun = false

    /// Says what would be done where nothing is to be done.
    ///
    /// - Returns: whether to do it.
    func goesOn(_ what: String) -> Bool {
        if dryRun { say("dry run: would \(what); nothing was changed") }
        return !dryRun
    }

    /// Does something to each thing that was named, says which went wrong, and prints what became of the others: a table has
    /// been said line by line already, every other format is a list with one element for each. A dry run prints nothing.
    ///
    /// - Parameter body: answers with what to print; nil where nothing was done.
    func each(
        _ names: [String], _ output: OutputOption, _ body: (String) async throws -> JSONValue?
    ) async throws {
        try await Self.each(names, output, isDry: dryRun, body)
    }

    /// The same for whatever needs no server.
    static func each(
        _ names: [String], _ output: OutputOption, isDry: Bool, _ body: (String) async throws -> JSONValue?
    ) async throws {
        var done: [JSONValue] = []
        var failure: (any Error)?
        do {
            try await tried(names) { name in if let value = try await body(name) { done.append(value) } }
        } catch {
            failure = error
        }
        if !isDry { try output.show(done) { _ in } }
        if let failure { throw failure }
    }

    /// Does something to each thing that was named, and says which went wrong.
    ///
    /// - Throws: the fault of a single one; that of all, or of some (exit code 5), where several were named.
    func each(_ names: [String], _ body: (String) async throws -> Void) async throws {
        try await Self.tried(names, body)
    }

    private static func tried(_ names: [String], _ body: (String) async throws -> Void) async throws {
        var failures: [CommandFailure] = []
        for name in names {
            do {
                try await failing { try await body(name) }
            } catch let failure as CommandFailure {
                if names.count == 1 { throw failure }
                say("\(name): \(failure.description)")
                failures.append(failure)
            }
        }
        guard let first = failures.first else { return }
        let isAll = failures.count == names.count
        let isSame = failures.allSatisfy { $0.exitCode == first.exitCode }
        throw CommandFailure(
            exitCode: isAll ? (isSame ? first.exitCode : CommandFailure.failure) : CommandFailure.partial,
            description: "\(failures.count) of \(names.count) failed")
    }
}

/// `--yes`, for what cannot be taken back.
struct Confirming: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Do not ask. Without a terminal nothing is done unless this is said.")
    var yes = false

    /// Asks whether to do it.
    func confirm(_ what: String) throws {
        if yes { return }
        guard canAsk else {
            throw CommandFailure.usage("this would \(what), and nobody can be asked here; to do it say --yes")
        }
        guard ask("\(what.prefix(1).uppercased())\(what.dropFirst())?") else {
            throw CommandFailure.failed("nothing was changed")
        }
    }
}

/// `--organisation`.
struct OrganisationOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The organisation. Default: $FETTLE_ORGANISATION, else the context's, else the only one you know.",
            valueName: "id"))
    var organisation: String?

    /// The organisation to ask about; nil where the server decides.
    func id(_ client: OperatorClient) -> String? {
        organisation ?? environment("FETTLE_ORGANISATION") ?? client.organisation
    }

    /// The query parameter.
    func query(_ client: OperatorClient) -> (String, String?) { ("organisation", id(client)) }

    /// A path with that parameter.
    func path(_ client: OperatorClient, _ parts: String...) -> String {
        "/api/v1/" + parts.map(OperatorClient.escaped).joined(separator: "/") + OperatorClient.query([query(client)])
    }
}
