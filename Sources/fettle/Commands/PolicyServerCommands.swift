import ArgumentParser
import Foundation
import JSON
import Policy
import YAML

/// Files of policies on their way to the server.
struct PolicyFileUpload {
    let body: JSONValue

    /// Reads files and folders. What is in them the server judges, so that everybody is told the same.
    init(_ paths: [String], prunes: Bool) throws {
        var files: [JSONValue] = []
        for path in try paths.flatMap(PolicySources.expanded) {
            let name = path == "-" ? "standard input" : path
            do throws(PolicyProblem) {
                guard let text = String(validating: try PolicySources.bytes(path), as: UTF8.self) else {
                    throw PolicyProblem(
                        at: PolicyPlace(file: name, line: 1, column: 1),
                        message: "the file is not UTF-8; save it as UTF-8")
                }
                files.append(["name": .string(name), "text": .string(text)])
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
        body = ["files": .array(files), "prune": .bool(prunes)]
    }

    /// What applying would do.
    func plan(_ client: OperatorClient, _ organisation: OrganisationOption) async throws -> JSONValue {
        try await client.post(organisation.path(client, "policies", "plan"), body)
    }

    /// Says what is wrong; fails where something is.
    func report(_ plan: JSONValue) throws {
        var errors = 0
        for problem in plan["problems"]?.array ?? [] {
            if problem.text("severity") == "error" { errors += 1 }
            let place = "\(problem.text("file")):\(problem["line"]?.integer ?? 1):\(problem["column"]?.integer ?? 1)"
            let path = problem.text("path").isEmpty ? "" : "\(problem.text("path")): "
            say("\(place): \(problem.text("severity")): \(path)\(problem.text("message"))")
        }
        if errors > 0 {
            throw CommandFailure.failed("\(counted(Int64(errors), "error")): nothing was changed on the server")
        }
    }

    /// The plan for people.
    static func text(_ plan: JSONValue) -> String {
        let lines = (plan["text"]?.array ?? []).compactMap(\.string)
        return lines.isEmpty ? "Nothing changes.\n" : lines.map { printable($0) + "\n" }.joined()
    }
}

/// `fettle policy apply`.
struct PolicyApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Put policies in force on the server: what the files say, all or nothing.",
        discussion: """
            Shows the plan, then does it; the same again changes nothing. What the files do not have stays, unless --prune \
            is given. Where somebody else has applied policies since the plan was made, nothing is done.

            Examples:
              fettle policy apply policies/ --dry-run
              fettle policy apply policies/ --prune
              git show HEAD:fleet.yaml | fettle policy apply -
            """)

    @OptionGroup var sources: PolicySources
    @Flag(help: "Delete what the files do not have.")
    var prune = false
    @OptionGroup var changing: Changing
    @OptionGroup var organisation: OrganisationOption
    @OptionGroup var output: OutputOption

    func run() async throws {
        let client = try changing.data.client
        let upload = try PolicyFileUpload(sources.files, prunes: prune)
        // The tag first: a plan of something newer than it would be refused, never one of something older applied.
        let present = try await client.tagged(organisation.path(client, "policies"))
        let plan = try await upload.plan(client, organisation)
        try upload.report(plan)
        if changing.dryRun {
            try output.show(plan) { emit(PolicyFileUpload.text($0)) }
            return say("dry run: nothing was changed")
        }
        guard let done = try await client.put(organisation.path(client, "policies"), upload.body, ifMatch: present.tag)
        else {
            throw CommandFailure.failed(
                """
                The policies on the server have changed since this plan was made (it starts from version \
                \(plan["version"]?.integer ?? 0)); nothing was done.
                See what is new and apply again: fettle policy diff FILE..., fettle policy list
                """)
        }
        try output.show(done) { done in
            emit(PolicyFileUpload.text(done))
            say("version \(done["version"]?.integer ?? 0) is in force")
        }
    }
}

/// `fettle policy list`.
struct PolicyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the policies in force on the server, or their versions.",
        discussion: """
            Examples:
              fettle policy list
              fettle policy list --kind Window
              fettle policy list --versions
            """)

    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Option(help: "Only of this kind: HostGroup, RingPlan, Window ...")
    var kind: String?
    @Flag(help: "When policies were applied and by whom instead, the newest first.")
    var versions = false

    func run() async throws {
        let kinds = PolicyKinds.all.map { $0.kind }
        if let kind, !kinds.contains(kind) {
            throw ValidationError("--kind is one of \(kinds.joined(separator: ", "))")
        }
        try await reading.run { client in
            if versions {
                return Shown(
                    try await client.list("/api/v1/policies/versions", [organisation.query(client)]),
                    [
                        .member("version"), .age("applied", "APPLIED"), .member("appliedBy", "BY"), .member("objects"),
                        Column("DIGEST", raw: { $0.text("digest") }, text: { String($0.text("digest").prefix(12)) }),
                    ], empty: "no policies were ever applied", name: { $0["version"]?.integer.map(String.init) ?? "" })
            }
            let all = try await client.get("/api/v1/policies", [organisation.query(client)])
            let items = (all["items"]?.array ?? []).filter { kind == nil || $0.text("kind") == kind }
            var shown = Shown(
                items,
                [
                    .member("kind"), .member("name"), .member("version"), .age("applied", "APPLIED"),
                    .member("appliedBy", "BY", wide: true),
                    Column("DIGEST", raw: { $0.text("digest") }, text: { String($0.text("digest").prefix(12)) }),
                    .member("note", wide: true),
                ], empty: "There are no policies; apply some: fettle policy apply FILE...",
                name: { "\($0.text("kind"))/\($0.text("name"))" })
            if let version = all["version"]?.integer, version > 0 {
                shown.notes.append("version \(version), sha256:\(all.text("digest"))")
            }
            return shown
        }
    }
}

/// `RingPlan/standard`: an object on the server.
struct StoredPolicyName {
    let kind: String
    let name: String

    /// One argument that is a kind and a name, and no file of that path.
    init?(_ arguments: [String]) {
        guard arguments.count == 1, let parts = arguments.first?.split(separator: "/"), parts.count == 2,
            PolicyKinds.named(String(parts[0])) != nil, !FileManager.default.fileExists(atPath: arguments[0])
        else { return nil }
        kind = String(parts[0])
        name = String(parts[1])
    }

    func show(
        _ client: OperatorClient, _ organisation: OrganisationOption, _ output: OutputOption, history: Bool
    ) async throws {
        if history {
            let path = "/api/v1/policies/\(kind)/\(OperatorClient.escaped(name))/history"
            return emit(
                try output.text(
                    Shown(
                        try await client.list(path, [organisation.query(client)]),
                        [
                            .member("version"), .age("applied", "APPLIED"), .member("appliedBy", "BY"),
                            Column("UNTIL") { $0["until"]?.integer.map { "version \($0)" } ?? "in force" },
                            Column(
                                "DIGEST", raw: { $0.text("digest") }, text: { String($0.text("digest").prefix(12)) }),
                        ], name: { $0["version"]?.integer.map(String.init) ?? "" })))
        }
        let found = try await client.get(organisation.path(client, "policies", kind, name))
        let document = found["document"] ?? .null
        if output.query == nil, output.output == .table || output.output == .wide {
            emit(document.yaml())
            return say(
                "version \(found["version"]?.integer ?? 0), applied \(found.text("applied")) by \(found.text("appliedBy")); sha256:\(found.text("digest"))"
            )
        }
        emit(try output.text(Shown(item: document)))
    }
}
