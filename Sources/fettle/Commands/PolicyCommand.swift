import ArgumentParser

/// `fettle policy`.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Check policies that are kept as files: groups, rings, windows, rules.",
        discussion: """
            All of these need no server. What a policy may say: docs/policy.md.

            Examples:
              fettle policy validate policies/
              fettle policy diff --from main/policies policies/
              fettle policy schema > fettle-policy.schema.json
            """,
        subcommands: [
            PolicyValidateCommand.self, PolicyShowCommand.self, PolicyDiffCommand.self, PolicySchemaCommand.self,
        ])
}
