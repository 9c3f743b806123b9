import ArgumentParser

/// `fettle windows`.
struct WindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows", abstract: "See when maintenance windows open.",
        subcommands: [WindowsPreviewCommand.self])
}
