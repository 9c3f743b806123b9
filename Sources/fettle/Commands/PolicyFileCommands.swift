import ArgumentParser
import Digest
import Glibc
import JSON
import Policy
import PolicyFiles
import Timestamps

/// Files and folders of policies.
struct PolicySources: ParsableArguments {
    @Argument(help: "Files (YAML or JSON), folders of them, or - for standard input.")
    var files: [String]

    /// What is read, and what is wrong with it.
    func read() throws -> (set: PolicySet, problems: [PolicyProblem], files: Int) { try Self.read(files) }

    static func read(_ paths: [String]) throws -> (set: PolicySet, problems: [PolicyProblem], files: Int) {
        let files = try paths.flatMap(expanded)
        var documents: [PolicyNode] = []
        var problems: [PolicyProblem] = []
        for file in files {
            do throws(PolicyProblem) {
                documents += try PolicyYAML.documents(bytes(file), file: file == "-" ? "standard input" : file)
            } catch { problems.append(error) }
        }
        let read = PolicySet.read(documents)
        return (read.set, problems + read.problems, files.count)
    }

    /// How deep folders are looked through: deeper is no folder of policies.
    private static let deepest = 16

    /// The policies of a folder and the folders below it, sorted; a file itself.
    static func expanded(_ path: String) throws -> [String] {
        if path == "-" { return [path] }
        guard access(path, F_OK) == 0 else {
            throw CommandFailure.notFound("there is no file \(path); is the path right?")
        }
        guard let names = try names(in: path, depth: 0) else { return [path] }
        guard !names.isEmpty else {
            throw CommandFailure.failed("the folder \(path) has no file that ends in .yaml, .yml or .json")
        }
        return names.sorted()
    }

    /// The policies of a folder; nil where it is none. What begins with a dot is not looked at, and no link to a folder is
    /// followed but the one that was named.
    private static func names(in path: String, depth: Int) throws -> [String]? {
        let follows = depth == 0 ? 0 : O_NOFOLLOW
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follows)
        guard descriptor >= 0, let folder = fdopendir(descriptor) else {
            let code = errno
            if descriptor >= 0 { close(descriptor) }
            if code == ENOTDIR || code == ELOOP { return nil }
            throw CommandFailure.failed("\(path) cannot be read: \(String(cString: strerror(code)))")
        }
        defer { closedir(folder) }
        guard depth < deepest else {
            throw CommandFailure.failed(
                "\(path) lies more than \(deepest) folders deep: name the folder of policies itself")
        }
        let base = path.hasSuffix("/") ? path : path + "/"
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            if let below = try names(in: base + name, depth: depth + 1) {
                found += below
            } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) {
                found.append(base + name)
            }
        }
        return found
    }

    static func bytes(_ path: String) throws(PolicyProblem) -> [UInt8] {
        do throws(CommandFailure) { return try InputFile.bytes(path, most: PolicyLimits.maximumBytes) } catch {
            throw PolicyProblem(at: PolicyPlace(file: path, line: 1, column: 1), message: error.description)
        }
    }

    /// The set, where nothing is wrong with it; else its errors are said.
    static func whole(_ paths: [String]) throws -> PolicySet {
        let (set, problems, _) = try read(paths)
        guard problems.isEmpty else {
            for problem in problems { say(problem.description) }
            throw CommandFailure.failed("the policies cannot be read; correct them, and see fettle policy validate")
        }
        return set
    }
}

/// `fettle policy validate`.
struct PolicyValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check policies: each by itself, and all of them together.",
        discussion: """
            Prints what is wrong, with file, line, column and what to do. Ends with 1 where there is an error, or with \
            --strict a warning.

            Examples:
              fettle policy validate policies/
              fettle policy validate --strict -o json fleet.yaml
            """)

    @OptionGroup var sources: PolicySources
    @Flag(help: "Let warnings fail too.")
    var strict = false
    @Option(help: "As if it were then: RFC 3339, like 2027-03-01T00:00:00Z; without it, now.")
    var at: String?
    @OptionGroup var output: OutputOption

    func run() throws {
        let (set, wrong, files) = try sources.read()
        let zones = ZoneFolder()
        let now = Timestamp(seconds: Int64(Glibc.time(nil)))
        let time = try at.map { text in
            guard let time = Timestamp(rfc3339: text) else {
                throw ValidationError("--at is a time like 2027-03-01T00:00:00Z")
            }
            return time
        }
        // Where a document could not be read what refers to it would be reported in vain.
        let problems =
            wrong.isEmpty ? set.validate(PolicySurroundings(now: time ?? now) { try? zones.zone($0) }) : wrong
        let errors = problems.filter { $0.severity == .error }.count
        let warnings = problems.count - errors
        let shown = Shown(
            problems.map(\.json),
            [
                .member("severity"),
                Column("PLACE") { "\($0.text("file")):\($0.text("line")):\($0.text("column"))" },
                .member("path"), .member("message"),
            ], name: { "\($0.text("file")):\($0.text("line")):\($0.text("column"))" })
        // A table without a row would be a heading alone.
        if !problems.isEmpty || ![.table, .wide].contains(output.output) || output.query != nil {
            emit(try output.text(shown))
        }
        say(
            "\(counted(Int64(set.objects.count), "object")) in \(counted(Int64(files), "file")): "
                + "\(counted(Int64(errors), "error")), \(counted(Int64(warnings), "warning"))."
        )
        if errors > 0 || (strict && warnings > 0) { throw ExitCode(CommandFailure.failure) }
    }
}

/// `fettle policy show`.
struct PolicyShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show policies in their canonical form: sorted, without what is the default.",
        discussion: """
            Of files, or with KIND/NAME what is in force on the server. What is shown of one object can be applied again.

            Examples:
              fettle policy show RingPlan/standard -o yaml
              fettle policy show RingPlan/standard --history
              fettle policy show policies/
              fettle policy show -o yaml --object RingPlan/standard policies/
            """)

    @OptionGroup var sources: PolicySources
    @Option(help: ArgumentHelp("Of files: this object alone: RingPlan/standard.", valueName: "kind/name"))
    var object: String?
    @Flag(help: "Of the server: all that the object was, the newest first.")
    var history = false
    @OptionGroup var output: OutputOption
    @OptionGroup(title: "Which server") var data: DataOption
    @OptionGroup var organisation: OrganisationOption

    func run() async throws {
        if let stored = StoredPolicyName(sources.files) {
            return try await stored.show(data.client, organisation, output, history: history)
        }
        guard !history else { throw ValidationError("--history is of one object on the server: KIND/NAME") }
        let set = try PolicySources.whole(sources.files)
        if let object {
            guard let found = set.objects.first(where: { $0.title == object }) else {
                throw CommandFailure.notFound("there is no \(object) in these policies; see fettle policy show")
            }
            return emit(try output.text(Shown(item: found.json)))
        }
        let rows = Dictionary(uniqueKeysWithValues: set.objects.map { ($0.json, $0) })
        emit(
            try output.text(
                Shown(
                    set.objects.map(\.json),
                    [
                        Column("OBJECT") { rows[$0]?.title ?? "" },
                        Column("DIGEST") { String(rows[$0]?.digest.hex.prefix(12) ?? "") },
                        Column("PLACE") { rows[$0]?.place.description ?? "" },
                        Column("NOTE", wide: true) { $0["metadata"]?.text("note") ?? "" },
                    ], empty: "There are no policies.", name: { rows[$0]?.title ?? "" })))
        say("All of them: sha256:\(set.digest.hex)")
    }
}

/// `fettle policy diff`.
struct PolicyDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what changes between two states of policies: the plan of applying them.",
        discussion: """
            + creates, ~ changes with what, - deletes. Order in files, comments and what is the default make no difference.
            Without --from it is the plan of applying the files on the server: what they do not have stays there, and is deleted \
            with --prune.

            Examples:
              fettle policy diff policies/
              fettle policy diff --prune policies/
              fettle policy diff --from main/policies policies/
            """)

    @Option(
        help: "The state before: a file or a folder; may be given again. Without it what is in force on the server.")
    var from: [String] = []
    @Flag(help: "Of the server: as if what the files do not have were deleted.")
    var prune = false
    @OptionGroup var sources: PolicySources
    @OptionGroup var output: OutputOption
    @OptionGroup(title: "Which server") var data: DataOption
    @OptionGroup var organisation: OrganisationOption

    func run() async throws {
        if from.isEmpty {
            let upload = try PolicyFileUpload(sources.files, prunes: prune)
            let plan = try await upload.plan(data.client, organisation)
            try upload.report(plan)
            return try output.show(plan) { emit(PolicyFileUpload.text($0)) }
        }
        let plan = PolicyPlan(
            from: try PolicySources.whole(from).objects.map(\.json),
            to: try PolicySources.whole(sources.files).objects.map(\.json))
        try output.show(plan.json) { _ in
            emit(plan.isEmpty ? "Nothing changes.\n" : plan.lines.map { $0 + "\n" }.joined())
        }
    }
}

/// `fettle policy schema`.
struct PolicySchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema (draft 2020-12) of policies, for editors.",
        discussion: """
            Examples:
              fettle policy schema > fettle-policy.schema.json
            """)

    @OptionGroup var output: OutputOption

    func run() throws { try output.show(PolicySchema.json) { emit(jsonText($0)) } }
}
