import ArgumentParser
import JSON

/// `fettle login-link`.
struct LoginLinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login-link", abstract: "Make a one-time link that logs somebody in, for ten minutes.",
        discussion: """
            Works on the server's machine only, for whoever may open its socket: it is the first login, and the way back in \
            for who forgot the password or lost the phone. Without USER it is for the first admin; where there is no \
            admin, the user "admin" is made. The audit log has it.

            Examples:
              fettle login-link
              fettle login-link maria
            """)
    @OptionGroup var changing: Changing
    @OptionGroup var output: OutputOption
    @Argument(help: "The name that they log in with.")
    var user: String?

    func run() async throws {
        guard changing.goesOn("make a login link for \(user ?? "the first admin")") else { return }
        let link = try await changing.data.client.post("/api/v1/login-links", user.map { ["user": .string($0)] } ?? [:])
        try output.show(link) { link in
            say("log in as \(link.text("user")) until \(link.text("expires")); the link works once:")
            emit(link.text("url") + "\n")
        }
    }
}
