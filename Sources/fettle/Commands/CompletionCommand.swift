import ArgumentParser

/// `fettle completion bash | zsh | fish`.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script that completes commands, options and host names in a shell.",
        discussion: """
            Examples:
              fettle completion bash > /etc/bash_completion.d/fettle
              fettle completion zsh > "${fpath[1]}/_fettle"
              fettle completion fish > ~/.config/fish/completions/fettle.fish
            """)
    @Argument(help: "bash, zsh or fish.", completion: .list(["bash", "zsh", "fish"])) var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandFailure.usage("there are completions for bash, zsh and fish, not for \(shell)")
        }
        emit(Fettle.completionScript(for: shell) + "\n")
    }
}
