import ArgumentParser

/// `fettle windows`.
struct WindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows", abstract: "See when maintenance windows open.",
        discussion: """
            Examples:
              fettle windows preview web1
              fettle windows preview --rule second-tuesday --plus 3d --start 22:00 --duration 4h --zone Europe/Berlin
            """,
        subcommands: [WindowsPreviewCommand.self])
}
