import ArgumentParser

/// `fettle policy`.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Check and apply policies: groups, rings, windows, rules.",
        discussion: """
            They are kept as files and applied as a whole. validate and schema need no server, show and diff work with files \
            alone too. What a policy may say: docs/policy.md.

            Examples:
              fettle policy apply policies/ --dry-run
              fettle policy apply policies/ --prune
              fettle policy list
              fettle policy validate policies/
              fettle policy diff --from main/policies policies/
              fettle policy schema > fettle-policy.schema.json
            """,
        subcommands: [
            PolicyValidateCommand.self, PolicyApplyCommand.self, PolicyDiffCommand.self, PolicyListCommand.self,
            PolicyShowCommand.self, PolicySchemaCommand.self,
        ],
        aliases: ["policies"])
}
